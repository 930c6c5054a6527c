"""The Exports page's choices: what is exported, a look at it, and the button that makes it."""

from typing import TYPE_CHECKING

import streamlit as st

from db import studies
from db.models import Rater
from studio.preference_choice import FORMATS, Query
from studio.preference_jobs import start_export
from studio.preference_preview import Preview, preview
from studio.widgets.browse_view import keep
from studio.widgets.page import spoken_errors
from studio.widgets.pictures import figure_of, figure_row, shape_of
from studio.widgets.study_choice import choose_study
from studio.widgets.words import count
from studio.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

RUN_WIDE, PICTURES_WIDE = 124, 240  # pixels
NAMES = {
    "jsonl": "JSONL, everything",
    "csv": "CSV",
    "parquet": "Parquet",
    "pickapic": "Pick-a-Pic (Parquet)",
    "chosen-rejected": "Chosen and rejected (JSONL)",
    "datasets": "Hugging Face datasets",
}


def choose_query(workspace: Workspace) -> Query | None:
    """What the reader wants to export, None where there is no study; study and format are in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        study = choose_study(workspace)
        if study is None:
            return None
        form = _choose_format()
        if form == "jsonl":
            return Query(study.name, form)
        with workspace.database.read() as session:
            strata = studies.strata(session, study.id)
        axis = (
            st.selectbox("Axis", ["", *study.axes], format_func=lambda name: name or "All", width=180) if study.axes[1:] else ""
        )
        stratum = st.selectbox("Pairs", ["", *strata], format_func=lambda name: name or "All", width=180) if strata else ""
        share = st.number_input(
            "Persons for the test, %", 0, 90, 0, 5, width=170, help="Their rows are in a part of their own; nobody is in both."
        )
        with st.container(width="content", gap="xxsmall"):
            agreed = st.checkbox("Only agreed", help="Where one answer leads the next by two, or a reviewer ruled.")
            excluded = st.checkbox("With excluded raters", help="Whose votes do not count on the leaderboard.")
    return Query(study.name, form, axis, stratum, agreed, excluded, share / 100)


def _choose_format() -> str:
    """The format, by its own name in the address."""
    asked = st.query_params.get("format", "")
    keep("export_format", asked if asked in FORMATS else next(iter(FORMATS)))
    form: str = st.selectbox(
        "Format",
        list(FORMATS),
        key="export_format",
        format_func=lambda name: NAMES[name],
        on_change=lambda: st.query_params.update(format=st.session_state["export_format"]),
        width=260,
    )
    return form


def export_button(place: "DeltaGenerator", workspace: Workspace, query: Query, rater: Rater | None) -> None:
    """Start the export as a job."""
    if place.button("Export", type="primary", icon=":material/archive:", key="make_export"):
        with spoken_errors():
            start_export(workspace, query, rater.id if rater else None)
            st.rerun()


def show_preview(workspace: Workspace, query: Query) -> None:
    """What the export would hold."""
    with workspace.database.read() as session:
        seen = preview(session, query)
    st.caption(f"{FORMATS[query.format]}. {_counts(seen)}")
    if not seen.rows:
        return
    st.dataframe(
        seen.rows,
        hide_index=True,
        column_config={
            **{side: st.column_config.TextColumn(width=RUN_WIDE) for side in ("left_run", "right_run")},
            "probability": st.column_config.NumberColumn(format="%.4f"),
            "answered_at": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
    )
    st.caption(f"The first answers of the study: {', '.join(f'{number} {word}' for word, number in seen.outcomes.items())}.")
    if seen.said:
        figures = [figure_of(path, name) for path, name in zip((seen.left, seen.right), seen.sides, strict=True)]
        with st.container(width=PICTURES_WIDE):
            figure_row(figures, width=PICTURES_WIDE // 3, shape=shape_of(seen.left))
        st.caption(seen.said)


def _counts(seen: Preview) -> str:
    if not seen.votes:
        return f"No vote counts on {seen.axis} yet."
    return f"The study has {count(seen.votes, 'vote')} on {seen.axis} by {count(seen.raters, 'rater')}."
