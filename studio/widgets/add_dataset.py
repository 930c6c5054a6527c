"""The form that adds a folder of pairs to the studio."""

import streamlit as st

from studio.importer import ImportFault, add_dataset, already_known, known_dataset
from studio.workspace import Workspace


def add_dataset_button(workspace: Workspace, primary: bool = True) -> None:
    """A button that opens the form: the folder's path, a name, and one sentence when it is no dataset."""
    with st.popover("Add a dataset", icon=":material/create_new_folder:", type="primary" if primary else "secondary"):
        st.text_input(
            "Folder",
            key="dataset_root",
            placeholder="/data/zalando-hd-resized",
            help="The folder that holds train/ or test/ in VITON-HD's layout. It is read and never written to.",
        )
        st.text_input("Name (optional)", key="dataset_name", placeholder="The folder's own name")
        st.button("Add", type="primary", key="dataset_add", on_click=_add, args=(workspace,))
        fault = st.session_state.get("dataset_fault")
        if fault:
            st.error(fault, icon=":material/error:")


def _add(workspace: Workspace) -> None:
    root, name = (st.session_state[key].strip() for key in ("dataset_root", "dataset_name"))
    st.session_state["dataset_fault"] = None
    if not root:
        st.session_state["dataset_fault"] = "Give the folder that holds train/ or test/."
        return
    try:
        before = known_dataset(workspace, root)
        dataset = add_dataset(workspace, root, name or None)
    except ImportFault as fault:
        st.session_state["dataset_fault"] = str(fault)
        return
    st.session_state["dataset"] = dataset.name
    st.session_state["dataset_root"] = st.session_state["dataset_name"] = ""
    told = already_known(dataset.root, dataset.name) if before else f"{dataset.name} is added."
    st.toast(told, icon=":material/check:")
