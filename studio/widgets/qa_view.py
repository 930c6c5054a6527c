"""QA's line of choices: which items, by verdict and by check; saved views; all of it in the page's address."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

import streamlit as st

from db import views
from db.models import SavedView
from studio.widgets.browse_view import keep
from studio.widgets.frame import Frame
from studio.widgets.qa_list import ALL, ANY_CHECK, CHANGED, LEFT, SHOWS, Board, View

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PAGE = "qa"
SHOW_WORDS = {LEFT: "Left to judge", ALL: "All items", CHANGED: "Changed since"}
OUTPUT_WORDS = {"cloth_mask": "Cloth mask", "densepose": "DensePose"}


def current(board: Board) -> View:
    """The view of the page's address; what makes no sense in it is left out."""
    show, check = st.query_params.get("show", LEFT), st.query_params.get("check", "")
    known = check in (ANY_CHECK, *board.checks()) and board.checked is not None
    return View(show if show in SHOWS else LEFT, check if known else "")


def sitting(view: View, board: Board) -> int:
    """A number that changes when the reader chose other items, and so wants to begin anew."""
    here = (board.dataset.id, board.split, view)
    if st.session_state.get("qa_here") != here:
        st.session_state["qa_here"] = here
        st.session_state["qa_sitting"] = st.session_state.get("qa_sitting", 0) + 1
    number: int = st.session_state["qa_sitting"]
    return number


def choices(chosen: Frame, board: Board, view: View) -> "DeltaGenerator":
    """The line of choices; what is given back is its free end."""
    row = st.container(horizontal=True, vertical_alignment="center")
    keep("qa_show", view.show)
    row.selectbox(
        "Items",
        list(SHOWS),
        format_func=lambda show: SHOW_WORDS.get(show, show.capitalize()),  # no numbers: a choice is told by its words
        key="qa_show",
        on_change=lambda: _change("show", st.session_state["qa_show"], LEFT),
        width=170,
        label_visibility="collapsed",
    )
    failing = board.checks()
    if board.checked is not None and failing:
        key = f"qa_check_{board.checked.at.timestamp():.0f}_{hash(tuple(failing.items()))}"
        keep(key, view.check)
        words = {"": "Whatever the checks say", ANY_CHECK: f"Any check failed ({len(board.checked.failed):,})"}
        row.selectbox(
            "Failed check",
            ["", ANY_CHECK, *(name for name, _ in failing.most_common())],
            format_func=lambda name: words.get(name) or f"{check_words(name)} ({failing[name]:,})",
            key=key,
            on_change=lambda: _change("check", st.session_state[key], ""),
            width=270,
            label_visibility="collapsed",
        )
    _saved_views(chosen, view, row)
    return row


def check_words(name: str) -> str:
    """A check's name with the output that it is about."""
    output, _, check = name.partition(":")
    return f"{OUTPUT_WORDS.get(output, output.capitalize())}: {check}"


def _change(name: str, value: str, usual: str) -> None:
    """In a callback: put a choice into the address; other items are begun from the first."""
    st.query_params.pop("item", None)
    if value == usual:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value


def _query(chosen: Frame, view: View) -> str:
    return urlencode({"split": chosen.split, "show": view.show, "check": view.check})


def _saved_views(chosen: Frame, view: View, row: "DeltaGenerator") -> None:
    """The fold with the dataset's views; its label says which one is shown."""
    assert chosen.dataset is not None
    query = _query(chosen, view)
    with chosen.workspace.database.read() as session:
        known = views.list_of(session, chosen.dataset.id, PAGE)
    shown = next((one.name for one in known if one.query == query), None)
    with row.popover(shown or "Views", icon=":material/bookmark:", key="qa_views", width="content"):
        for one in known:
            line = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
            line.button(one.name, key=f"qa_view_{one.id}", type="tertiary", on_click=_open, args=(one,))
            line.button(
                "",
                icon=":material/delete:",
                type="tertiary",
                key=f"qa_view_delete_{one.id}",
                help="Delete",
                on_click=_delete,
                args=(chosen, one),
            )
        if not known:
            st.caption("No view is saved yet. A view keeps these choices under a name.")
        line = st.container(horizontal=True, vertical_alignment="bottom")
        line.text_input("Save this view as", key="qa_view_new", placeholder="A name")
        line.button("Save", type="primary", key="qa_view_save", on_click=_save, args=(chosen, query))
        fault = st.session_state.pop("qa_view_fault", None)
        if fault:
            st.error(fault, icon=":material/error:")


def _open(view: SavedView) -> None:
    told = {name: values[-1] for name, values in parse_qs(view.query, keep_blank_values=True).items()}
    if told.get("split"):
        st.session_state["split"] = told["split"]
    _change("show", told.get("show", LEFT), LEFT)
    _change("check", told.get("check", ""), "")


def _save(chosen: Frame, query: str) -> None:
    assert chosen.dataset is not None
    name = " ".join((st.session_state.get("qa_view_new") or "").split())
    try:
        with chosen.workspace.database.write() as session:
            views.save(session, chosen.dataset.id, name, query, PAGE)
    except ValueError:
        st.session_state["qa_view_fault"] = f"Another view is called {name}." if name else "A view needs a name."
        return
    st.session_state["qa_view_new"] = ""


def _delete(chosen: Frame, view: SavedView) -> None:
    with chosen.workspace.database.write() as session:
        views.remove(session, view.id)
