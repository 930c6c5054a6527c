"""Saved views of Browse: keep what is shown under a name, open it again, rename it, delete it and take that back."""

from typing import TYPE_CHECKING

import streamlit as st

from db import views
from db.models import SavedView
from studio.widgets.browse_view import View, change, query_of, read_query
from studio.widgets.frame import Frame
from studio.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def saved_views(chosen: Frame, view: View, row: "DeltaGenerator") -> None:
    """The fold with the dataset's views; its label says which one is shown."""
    assert chosen.dataset is not None and chosen.split is not None
    query = query_of(view, chosen.split)
    with chosen.workspace.database.read() as session:
        known = views.list_of(session, chosen.dataset.id)
    shown = next((one.name for one in known if one.query == query), None)
    with row.popover(shown or "Views", icon=":material/bookmark:", key="views", width="content"):
        for one in known:
            _view_row(chosen.workspace, one, one.query == query)
        if not known:
            st.caption("No view is saved yet. A view keeps the search, the filters and the order under a name.")
        _save_form(chosen, query, known)


def deleted_view(chosen: Frame) -> None:
    """The view that was deleted last, and the way back."""
    gone = st.session_state.get("view_deleted")
    if gone is None or chosen.dataset is None or gone[0] != chosen.dataset.id:
        return
    line = st.container(horizontal=True, vertical_alignment="center")
    line.caption(f"The view “{gone[1]}” is deleted.", width="content")
    line.button("Undo", type="tertiary", icon=":material/undo:", key="view_undo", on_click=_undo, args=(chosen.workspace,))


def _view_row(workspace: Workspace, view: SavedView, is_shown: bool) -> None:
    line = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"view_{view.id}")
    if st.session_state.get("view_renaming") == view.id:
        key = f"view_name_{view.id}"
        line.text_input("New name", view.name, key=key, on_change=_rename, args=(workspace, view), label_visibility="collapsed")
        return
    icon = ":material/bookmark_added:" if is_shown else ":material/bookmark:"
    line.button(view.name, key=f"view_open_{view.id}", icon=icon, type="tertiary", on_click=_open, args=(view,))
    side = line.container(horizontal=True, width="content", gap="small")
    for name, icon, do, args in (
        ("Rename", ":material/edit:", _ask, (view,)),
        ("Delete", ":material/delete:", _delete, (workspace, view)),
    ):
        key = f"view_{name.lower()}_{view.id}"
        side.button("", icon=icon, type="tertiary", key=key, help=name, on_click=do, args=args)


def _save_form(chosen: Frame, query: str, known: list[SavedView]) -> None:
    names = [one.name for one in known]
    line = st.container(horizontal=True, vertical_alignment="bottom")
    name = " ".join((line.text_input("Save this view as", key="view_new", placeholder="A name") or "").split())
    line.button(
        "Replace" if name in names else "Save",
        type="primary",
        key="view_save",
        on_click=_save,
        args=(chosen, query),
    )
    fault = st.session_state.pop("view_fault", None)
    if fault:
        st.error(fault, icon=":material/error:")


def _open(view: SavedView) -> None:
    wanted, split = read_query(view.query)
    if split:
        st.session_state["split"] = split
    st.query_params.pop("pair", None)
    change(wanted)


def _ask(view: SavedView) -> None:
    st.session_state["view_renaming"] = view.id


def _rename(workspace: Workspace, view: SavedView) -> None:
    name = " ".join((st.session_state.get(f"view_name_{view.id}") or "").split())
    st.session_state.pop("view_renaming", None)
    try:
        with workspace.database.write() as session:
            views.rename(session, view.id, name)
    except ValueError:
        st.session_state["view_fault"] = f"Another view is called {name}." if name else "A view needs a name."


def _save(chosen: Frame, query: str) -> None:
    assert chosen.dataset is not None
    name = " ".join((st.session_state.get("view_new") or "").split())
    if not name:
        st.session_state["view_fault"] = "A view needs a name."
        return
    with chosen.workspace.database.write() as session:
        known = views.by_name(session, chosen.dataset.id, name)
        if known is None:
            views.save(session, chosen.dataset.id, name, query)
        else:
            views.change(session, known.id, query)
    st.session_state["view_new"] = ""
    st.toast(f"The view “{name}” is saved.", icon=":material/bookmark_added:")


def _delete(workspace: Workspace, view: SavedView) -> None:
    with workspace.database.write() as session:
        views.remove(session, view.id)
    st.session_state["view_deleted"] = (view.dataset_id, view.name, view.query)


def _undo(workspace: Workspace) -> None:
    dataset_id, name, query = st.session_state.pop("view_deleted")
    try:
        with workspace.database.write() as session:
            views.save(session, dataset_id, name, query)
    except ValueError:
        st.session_state["view_fault"] = f"Another view is called {name} by now."
