"""What every page has: one heading line with its action, an empty state, and errors as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from db.errors import DatabaseFault
from studio.importer import ImportFault
from studio.jobs import JobError
from studio.workspace import WorkspaceError
from vton.errors import VtonError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SPOKEN = (VtonError, WorkspaceError, DatabaseFault, ImportFault, JobError)


def heading(title: str) -> "DeltaGenerator":
    """The page's one heading line; what it gives back is the place for the page's action, at the right."""
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    row.title(title, anchor=False, width="content")
    return row.container(horizontal=True, width="content", vertical_alignment="center")


def empty(sentence: str, page: str | None = None, label: str = "", icon: str = ":material/arrow_forward:") -> None:
    """The state of a page that has nothing to show yet: what to do next, with the link that does it."""
    with st.container(border=True):
        st.markdown(sentence)
        if page is not None:
            st.page_link(page_path(page), label=label, icon=icon)


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Show what goes wrong in the block as one sentence; other parts of the page go on."""
    try:
        yield
    except SPOKEN as error:
        st.error(str(error), icon=":material/error:")


def page_path(name: str) -> str:
    """The page called `name` as Streamlit's links want it: relative to the entry script."""
    return f"../pages/{name}.py"


def go(page: str, state: dict[str, str | None] | None = None, **params: str) -> None:
    """In a callback: open a page with its query parameters, and choices of the frame or of that page (`state`)."""
    for key, value in (state or {}).items():
        if value is not None:
            st.session_state[key] = value
    st.session_state["go"] = (page, params)


def follow() -> None:
    """Go where a callback asked to; who is there already, and asked for nothing more, stays."""
    wanted = st.session_state.pop("go", None)
    if wanted is not None and (wanted[1] or wanted[0] != st.session_state.get("on_page")):
        st.switch_page(page_path(wanted[0]), query_params=wanted[1])


def follow_from_fragment() -> None:
    """In a fragment, which a callback of its own draws alone: draw the whole page where one asked to `go`."""
    if "go" in st.session_state:
        st.rerun()


def stop_with(sentence: str) -> None:
    """End the page here with one sentence."""
    st.error(sentence, icon=":material/error:")
    st.stop()
