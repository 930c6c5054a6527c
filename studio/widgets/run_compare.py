"""Runs beside each other in one metric: a table and a plot, where what was measured otherwise is marked."""

import pandas as pd
import streamlit as st

from db import runs
from studio.charts import compared
from studio.metric_comparison import Measured, differences
from studio.widgets.words import metric_label
from studio.workspace import Workspace

MOST = 12  # runs chosen at first


def compare_runs(workspace: Workspace) -> None:
    """Choose runs and a metric; nothing is shown before two runs are measured."""
    measured: dict[str, list[Measured]] = {}
    with workspace.database.read() as session:
        for run in runs.list_all(session):
            for one in runs.metrics(session, run.id):
                row = Measured(run.name, one.value, one.low, one.high, one.n, one.higher_is_better, one.card)
                measured.setdefault(one.name, []).append(row)
    names = list(dict.fromkeys(row.run for rows in measured.values() for row in rows))
    if len(names) < 2:
        return
    st.subheader("Compare runs")
    line = st.container(horizontal=True, vertical_alignment="bottom")
    with line:
        chosen = st.multiselect("Runs", names, default=names[:MOST], key="compared_runs")
        metrics = sorted(measured, key=lambda name: (-len(measured[name]), metric_label(name)))
        metric = st.selectbox("Metric", metrics, key="compared_metric", format_func=metric_label, width=280)
    rows = [row for row in measured[metric] if row.run in chosen]
    if not rows:
        st.caption(f"None of the runs chosen has {metric_label(metric)}; Measure, on a run's page, computes it.")
        return
    told = differences(rows)
    frame = pd.DataFrame([_line(row, said) for row, said in zip(rows, told, strict=True)])
    frame = frame.loc[:, [name for name in frame.columns if name != "Note" or any(frame["Note"])]]
    st.dataframe(
        frame, hide_index=True, key="compared_table", column_config={"Value": st.column_config.NumberColumn(format="%.4g")}
    )
    direction = {True: ", higher is better", False: ", lower is better", None: ""}[rows[0].higher_is_better]
    figure = compared(rows, [not said for said in told], metric_label(metric) + direction)
    st.plotly_chart(figure, theme=None, key="compared_chart", config={"displayModeBar": False})
    if any(told):
        st.warning(
            "Values that are marked were measured otherwise than most here and are not to be compared with them.",
            icon=":material/warning:",
        )


def _line(row: Measured, said: str) -> dict[str, object]:
    interval = f"{row.low:.4g} to {row.high:.4g}" if row.low is not None and row.high is not None else "–"
    return {
        "Run": row.run,
        "Value": row.value,
        "Interval": interval,
        "N": row.n,
        "Comparable": f"no: {said}" if said else "yes",
        "Size": row.card.get("size", "–"),
        "Library": row.card.get("library", "–"),
        "Note": row.card.get("caution", ""),
    }
