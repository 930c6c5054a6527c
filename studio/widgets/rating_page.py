"""The Rate page's parts around the component: the studies that wait for a rater, one study, one run."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st
from sqlalchemy.orm import Session

from db import assignments, messages, runs, studies
from db.models import Rater, Run
from db.study_models import Study
from studio.widgets.frame import Frame
from studio.widgets.page import empty, go
from studio.widgets.pairwise import pairwise_loop
from studio.widgets.pairwise_store import count_left, may_go_on, part_of
from studio.widgets.words import count
from studio.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

NAME_LENGTH = 60  # characters
COUNTED = "studies_left"  # what was left of each study when the reader came: not counted anew at every score


def rate_study(chosen: Frame, study: Study, action: "DeltaGenerator") -> None:
    """One study, from its link: who rates is asked here where nobody is named yet."""
    action.button(
        "All studies",
        icon=":material/arrow_back:",
        on_click=_leave,
        args=(chosen.workspace, study.id, chosen.rater.id if chosen.rater else None),
    )
    if chosen.rater is None and study.state != "open":
        empty(f"This study is {study.state}, and nothing is asked just now. See all studies for one that is open.")
        return
    if chosen.rater is None:
        _ask_name(chosen.workspace, study)
        return
    show_messages(chosen.workspace, chosen.rater)
    if not pairwise_loop(chosen.workspace, study, chosen.rater):
        st.button("Look again", icon=":material/refresh:")


def _leave(workspace: Workspace, study_id: int, rater_id: int | None) -> None:
    """Back to the list; what was leased and not answered is free for others at once."""
    st.query_params.pop("study", None)
    st.session_state.pop(COUNTED, None)
    if rater_id is not None:
        with workspace.database.write() as session:
            assignments.give_back(session, study_id, rater_id)


def _ask_name(workspace: Workspace, study: Study) -> None:
    with workspace.database.read() as session:
        told = studies.progress(session, study.id, datetime.now(UTC))
    with st.form("new_rater", width=520):
        st.markdown(
            "You will see two try-ons of a garment on a person, side by side, and say which is better: by the arrow keys, "
            f"by mouse or by touch{_each_on(study.axes)}. There are {count(told.matchups, 'such pair')}; do as many as you "
            "like, every answer is stored at once."
        )
        name = st.text_input(
            "Your name", key="new_rater_name", max_chars=NAME_LENGTH, placeholder="Answers are stored under it"
        )
        if st.form_submit_button("Start", type="primary", on_click=_named) and not name.strip():
            st.error("Type a name first; any will do, as long as it stays the same.", icon=":material/error:")


def _each_on(axes: list[str]) -> str:
    return f", each pair on {len(axes)} questions: {', '.join(axes)}" if len(axes) > 1 else ""


def _named() -> None:
    """The frame, which is drawn first, takes the name from here."""
    name = " ".join(str(st.session_state.get("new_rater_name") or "").split())
    if name:
        st.session_state["rater"] = name


def show_messages(workspace: Workspace, rater: Rater) -> None:
    """What others have told the rater, until it is read."""
    with workspace.database.read() as session:
        unread = [(message, session.get(Rater, message.from_id or 0)) for message in messages.unread(session, rater.id)]
    for message, sender in unread:
        with st.container(horizontal=True, border=True, vertical_alignment="center"):
            st.markdown(":material/mail:", width="content")
            st.text(f"{sender.name}: {message.text}" if sender else message.text)
            st.button("Read", key=f"read_{message.id}", on_click=_read, args=(workspace, message.id))


def _read(workspace: Workspace, message_id: int) -> None:
    with workspace.database.write() as session:
        messages.mark_read(session, message_id)


def list_studies(workspace: Workspace, rater: Rater | None) -> bool:
    """The open studies, each with its question, what is left and a button; whether there is one."""
    with workspace.database.read() as session:
        shown = [
            (study, _left_words(session, study, rater), begun)
            for study in studies.list_all(session)
            if (may_go_on(session, study, rater.id) if rater else study.state == "open")
            for begun in [rater is not None and part_of(session, study.id, rater.id) is not None]
        ]
    for place, (study, words, begun) in enumerate(shown):
        with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"study_row_{study.id}"):
            with st.container(gap=None):
                st.markdown(f"**{study.name}**")
                st.markdown(study.question)
                st.caption(words)
            st.button(
                "Go on" if begun else "Start",
                key=f"take_{study.id}",
                type="secondary" if place else "primary",
                on_click=go,
                args=("rate",),
                kwargs={"study": str(study.id)},
            )
    return bool(shown)


def _left_words(session: Session, study: Study, rater: Rater | None) -> str:
    if rater is None:
        return f"{count(study.wanted - study.done, 'answer')} wanted"
    counted: dict[tuple[int, int], int] = st.session_state.setdefault(COUNTED, {})
    key = (study.id, rater.id)
    if st.session_state.get("arrived") or key not in counted:
        counted[key] = count_left(session, study, rater.id)
    return f"{count(counted[key], 'pair')} left for you" if counted[key] else "Nothing left for you just now"


def rateable_runs(workspace: Workspace) -> dict[str, Run]:
    """{name: run} of the runs with results of a known dataset."""
    with workspace.database.read() as session:
        known = [run for run in runs.list_all(session) if run.dataset_id is not None]
        return {run.name: run for run in known if runs.count_results(session, run.id)}
