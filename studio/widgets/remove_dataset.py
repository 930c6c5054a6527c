"""Removing a dataset from the studio: what goes and what stays is said before."""

from pathlib import Path

import streamlit as st

from db.models import Dataset
from studio import uploads
from studio.removal import Belongings, belongings, remove_dataset
from studio.widgets.words import count
from studio.workspace import Workspace


def remove_button(workspace: Workspace, dataset: Dataset) -> None:
    """A button that asks first. People's own photos are removed one upload at a time, in the lab."""
    if Path(dataset.root) == uploads.my_photos(workspace).resolve():
        return
    label = f"Remove {dataset.name}"
    if st.button("", icon=":material/delete:", key=f"remove_{dataset.id}", type="tertiary", help=label):
        st.dialog(label, width="medium")(_ask)(workspace, dataset)


def _ask(workspace: Workspace, dataset: Dataset) -> None:
    has = belongings(workspace, dataset)
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences(dataset, has)))
    also = bool(has.repaired) and st.checkbox(f"Delete the repairs of {count(has.repaired, 'item')} too", key="remove_repairs")
    line = st.container(horizontal=True)
    if line.button(
        "Remove from the studio", type="primary", key="remove_now", on_click=_remove, args=(workspace, dataset, also)
    ):
        st.rerun()
    if line.button("Keep it", key="remove_not"):
        st.rerun()


def _remove(workspace: Workspace, dataset: Dataset, with_repairs: bool) -> None:
    remove_dataset(workspace, dataset, with_repairs)
    st.toast(f"{dataset.name} is removed from the studio.", icon=":material/check:")


def sentences(dataset: Dataset, has: Belongings) -> list[str]:
    """What happens to each thing that the studio has of a dataset."""
    told = [f"The folder {dataset.root} stays as it is, and can be added again."]
    if has.repaired:
        told.append(
            f"Maps of {count(has.repaired, 'item')} were repaired by hand. They stay in {has.repairs}, and are used again when "
            "the folder is added again."
        )
    if has.runs:
        told.append(f"{count(has.runs, 'run')} made of it and their ratings stay.")
    if has.verdicts:
        told.append(f"{count(has.verdicts, 'verdict')} on its maps are deleted; QA's export keeps a copy.")
    if has.views:
        told.append(f"{count(has.views, 'saved view')} of it are deleted.")
    return told
