"""The numbers of warps side by side: a table, and how the error spreads over the garment and over the scales."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from studio.charts import PALETTE, template
from studio.warp_looks import TRUTH, Look
from studio.widgets.warp_choices import WORDS

if TYPE_CHECKING:
    import plotly.graph_objects as go

Named = Sequence[tuple[str, Look]]
SHARES = ("iou", "folds", "outside")
HEIGHT = 300  # pixels of a chart


def numbers_table(looks: Named) -> None:
    """One row a warp; a column that says nothing of this pair is left out."""
    rows: list[dict[str, Any]] = []
    for name, look in looks:
        numbers = look.report["numbers"]
        shares = {key: None if numbers[key] is None else 100 * numbers[key] for key in SHARES}
        rows.append(
            {"warp": WORDS.get(name, name), **numbers, **shares, "seconds": None if name == TRUTH else numbers["seconds"]}
        )
    given = [key for key in COLUMNS if any(row[key] is not None for row in rows)]
    columns = {
        key: st.column_config.NumberColumn(title, format=form, help=told) for key, (title, form, told) in COLUMNS.items()
    }
    columns = {"warp": st.column_config.TextColumn("Warp"), **columns}
    st.dataframe(
        {key: [row[key] for row in rows] for key in ("warp", *given)},
        hide_index=True,
        column_config=columns,
        height="content",
        placeholder="",
    )


COLUMNS = {
    "epe": ("End-point error", "%.2f px", "Mean distance between the place that a pixel is fetched from and the true one."),
    "epe_p90": ("Worst tenth from", "%.2f px", "A tenth of the garment's pixels are further off than this."),
    "iou": (
        "IoU",
        "%.1f %%",
        "Overlap of the warped garment with where it is seen: in the truth, or in a paired photo's parse.",
    ),
    "folds": ("Folds", "%.2f %%", "Share of the garment that is turned inside out: a negative Jacobian. Seams count too."),
    "outside": ("Out of frame", "%.2f %%", "Share of the garment that is fetched from beyond the garment photo."),
    "unevenness": ("Unevenness", "%.3f px", "Mean second difference of the flow: 0 where it stretches evenly."),
    "seconds": ("Time", "%.2f s", "To warp this pair at the photo's size, on this machine."),
}


def error_charts(looks: Named) -> None:
    """How much of the garment is how far off, and how the error falls from scale to scale; only where there is a truth."""
    measured = [(place, WORDS.get(name, name), look) for place, (name, look) in enumerate(looks) if name != TRUTH]
    measured = [one for one in measured if one[2].report["errors"]]
    if not measured:
        return
    left, right = st.columns(2)
    with left:
        st.subheader("How much of the garment is how near", anchor=False)
        st.plotly_chart(_spread(measured), key="warp_errors", config={"displayModeBar": False})
    learned = [one for one in measured if len(one[2].report["scales"]) > 1]
    if learned:
        with right:
            st.subheader("Error from scale to scale", anchor=False)
            st.plotly_chart(_by_scale(learned), key="warp_scales", config={"displayModeBar": False})


def _spread(measured: list[tuple[int, str, Look]]) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, name, look in measured:
        curve = look.report["errors"]
        figure.add_scatter(
            x=curve["pixels"],
            y=[100 * share for share in curve["shares"]],
            name=name,
            line_color=PALETTE[place % len(PALETTE)],
            hovertemplate="%{y:.1f} % within %{x:.2f} px",
        )
    figure.update_yaxes(range=[0, 101], ticksuffix=" %")
    return _dressed(figure, "end-point error, pixels", "of the visible garment")


def _by_scale(learned: list[tuple[int, str, Look]]) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, name, look in learned:
        scales = look.report["scales"]
        ways = [f"{i + 1}: {one['size'][0]} × {one['size'][1]}" for i, one in enumerate(scales[:-1])]
        labels = [*ways, "applied"]
        figure.add_scatter(
            x=labels,
            y=[one["epe"] for one in scales],
            name=name,
            mode="lines+markers",
            line_color=PALETTE[place % len(PALETTE)],
            hovertemplate="%{y:.2f} px at %{x}",
        )
    figure.update_yaxes(rangemode="tozero")
    return _dressed(figure, "scale of the flow, height × width", "end-point error, pixels")


def _dressed(figure: "go.Figure", across: str, up: str) -> "go.Figure":
    legend = {"orientation": "h", "y": 1.12, "x": 0}
    figure.update_layout(
        template=template(),
        height=HEIGHT,
        xaxis_title=across,
        yaxis_title=up,
        showlegend=True,
        legend=legend,
        hovermode="x unified",
    )
    return figure
