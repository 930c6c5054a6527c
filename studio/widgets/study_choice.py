"""Which study a page is about, as its address says, and whether the figures that it shows are of now."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from db import studies
from db.study_models import Study
from studio.background import Kept
from studio.widgets.browse_view import keep
from studio.widgets.page import empty
from studio.widgets.rating_store import read_id
from studio.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

POLL_SECONDS = 2


def choose_study(workspace: Workspace, place: "DeltaGenerator | None" = None) -> Study | None:
    """The study of the address, the newest where it names none; None, and what to do, where there is no study.

    The choice stands in `place`, or where it is asked for; what to do without a study has the page to itself.
    Addresses name a study by its id, as the link for raters does: from its name they could learn what they judge.
    """
    with workspace.database.read() as session:
        known = {study.id: study for study in studies.list_all(session)}
    if not known:
        empty("No study yet. A study asks raters which of two results of one pair is better.", "studies", "Make a study")
        return None
    asked = st.query_params.get("study", "")
    named = read_id(asked)
    chosen = named if named in known else next(iter(known))
    keep("study_chosen", chosen)
    (place or st).selectbox(
        "Study",
        list(known),
        key="study_chosen",
        format_func=lambda one: known[one].name,
        width=340,
        label_visibility="collapsed",
        on_change=_choose,
    )
    st.query_params["study"] = str(chosen)  # the address can be sent
    if asked not in ("", str(chosen)):
        st.toast(f"There is no study {asked} any more; this is {known[chosen].name}.", icon=":material/error:")
    return known[chosen]


def _choose() -> None:
    """Another study begins at its first comparison."""
    st.query_params["study"] = str(st.session_state["study_chosen"])
    st.query_params.pop("matchup", None)


def say_age(look: Callable[[], Kept], kept: Kept) -> None:
    """Whether newer figures are on their way; when they come the page is drawn again."""
    if kept.fault:
        st.error(kept.fault, icon=":material/error:")
    if kept.working:

        def wait() -> None:
            if not look().working:
                st.rerun()
            st.caption(":material/hourglass_top: New answers are being counted in.")

        st.fragment(wait, run_every=POLL_SECONDS)()
    elif kept.value is not None and not kept.fresh:
        st.caption("Answers came in the last minute; they are counted in when the page is opened again.", width="content")
