"""The trainings in the runs folder as a table, drawn again while one goes on."""

from pathlib import Path

import pandas as pd
import streamlit as st

from db import datasets
from studio.trainings import Training, list_trainings
from studio.widgets.page import empty
from studio.widgets.training_charts import validation_label
from studio.widgets.words import duration
from studio.workspace import Workspace

POLL_SECONDS = 2.0
OPENED = "training_opened"  # in the session: a row was clicked
STATES = {
    "queued": "Waiting",
    "running": "Running",
    "stopping": "Stopping",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "lost": "Interrupted",
    "elsewhere": "By a command line",
}
KIND_WORDS = {"warp": "Warp", "vae": "VAE", "diffusion": "Diffusion"}


def training_table(workspace: Workspace, known: list[Training]) -> None:
    """Every training with how far it is; a click on a row opens it."""
    st.subheader("Trainings", anchor=False)
    if not known:
        empty("No training yet. Start one above: the lab and new runs offer its checkpoint.")
        return
    active = any(one.active for one in known)
    going_on = any(one.going_on for one in known)
    st.fragment(_table, run_every=POLL_SECONDS if going_on else None)(workspace, active)


def _table(workspace: Workspace, active: bool) -> None:
    known = list_trainings(workspace)
    if st.session_state.pop(OPENED, False) or active != any(one.active for one in known):
        st.rerun()
    with workspace.database.read() as session:
        names = {row.root: row.name for row in datasets.list_all(session)}

    def open_row() -> None:
        rows = st.session_state["training_table"]["selection"]["rows"]
        if rows:
            st.session_state["training"] = known[rows[0]].name
            st.session_state[OPENED] = True

    st.dataframe(
        pd.DataFrame([_row(one, names) for one in known]),
        key="training_table",
        hide_index=True,
        on_select=open_row,
        selection_mode="single-row",
        column_config={"Loss": st.column_config.NumberColumn(format="%.4g")},
    )
    st.caption("Tick a row to open its training.")


def _row(training: Training, names: dict[str, str]) -> dict[str, object]:
    left = training.seconds_left
    return {
        "Training": training.name,
        "Kind": KIND_WORDS.get(training.kind, training.kind.capitalize()),
        "Dataset": names.get(training.root) or Path(training.root).name,
        "Preset": training.preset or "–",
        "State": STATES[training.state],
        "Steps": steps_of(training),
        "Loss": training.loss,
        "Validation": validation_words(training),
        "Left": "–" if left is None else duration(left),
    }


def steps_of(training: Training) -> str:
    """How far it is: "680 of 3,000"."""
    return "–" if training.steps is None else f"{training.step:,} of {training.steps:,}"


def validation_words(training: Training) -> str:
    """The first of the latest numbers on what was left out: "IoU of what is worn .912"."""
    found = next(iter(training.validation.items()), None)
    return "–" if found is None else f"{validation_label(found[0])}: {found[1]:.3g}"
