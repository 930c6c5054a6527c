"""The form that starts a training: what, on what, from what; what it would be, and why it cannot start."""

import re
from collections.abc import Mapping
from typing import Any

import streamlit as st

from db import datasets
from db.models import Dataset
from studio import training_plans, trainings
from studio.checkpoints import Checkpoint
from studio.jobs import JobError
from studio.training_plans import Plan
from studio.trainings import KINDS, Wish
from studio.widgets.frame import Frame
from studio.widgets.page import spoken_errors
from studio.widgets.training_list import KIND_WORDS
from studio.widgets.words import count, duration
from studio.workspace import Workspace
from vton.errors import VtonError

FORM = "start_training"  # in the session: whether the form is open
FORM_WIDTH = 600  # pixels; what is said in it must not move it
SCRATCH = "From scratch"
PRECISIONS = {"no": "Single (32 bit)", "bf16": "Mixed (bfloat16)"}
LOOP = ("steps", "batch", "rate", "precision")  # fields of the loop that have a widget of their own


def start_training_button(chosen: Frame) -> None:
    """A button that opens the form."""
    with chosen.workspace.database.read() as session:
        known = {row.name: row for row in datasets.list_all(session)}
    if not known:
        return
    with st.popover("Start a training", icon=":material/model_training:", key=FORM, on_change="rerun", width="content"):
        if st.session_state.get(FORM):
            with st.container(width=FORM_WIDTH), spoken_errors():
                _form(chosen, known)


def _form(chosen: Frame, known: Mapping[str, Dataset]) -> None:
    workspace, state = chosen.workspace, st.session_state
    kind = st.segmented_control(
        "What", KINDS, default=KINDS[0], required=True, format_func=KIND_WORDS.__getitem__, key="training_kind"
    )
    names = list(known)
    usual = names.index(chosen.dataset.name) if chosen.dataset else 0
    st.selectbox("Dataset, its train split", names, index=usual, key="training_data")
    with st.spinner("Looking the presets over", show_time=True):
        plans = training_plans.presets(kind)
    preset = st.selectbox("Preset", list(plans), format_func=lambda name: _preset_words(name, plans[name]),
                          index=min(1, len(plans) - 1), key=f"training_preset_{kind}")  # fmt: skip
    _choose_parts(workspace, kind, known[state["training_data"]])
    st.text_input("Name", key="training_name", placeholder="A name to find it by (optional)")
    with st.expander("Advanced", key="training_advanced"):
        _advanced(f"{kind}_{preset}", plans[preset])
    with st.spinner("Checking", show_time=True):
        wish = read_wish(workspace)
        found = trainings.faults(workspace, wish)
        told = [] if found else _told(workspace, wish)
    for sentence in found or told:
        st.caption(sentence)
    st.button("Start the training", type="primary", key="training_start", disabled=bool(found), on_click=_start,
              args=(workspace,))  # fmt: skip
    failed = state.pop("training_start_fault", None)
    if failed:
        st.error(failed, icon=":material/error:")


def _preset_words(name: str, plan: Plan) -> str:
    return f"{name}: {plan.size[0]} × {plan.size[1]}, {_millions(plan)} parameters"


def _millions(plan: Plan) -> str:
    return f"{plan.parameters / 1e6:.{1 if plan.parameters >= 1e6 else 2}f} million"


def _choose_parts(workspace: Workspace, kind: str, dataset: Dataset) -> None:
    """What it starts from; of a diffusion its VAE, and the runs whose warps it learns from."""
    points = [one.name for one in trainings.starting_points(workspace, kind)]
    st.selectbox("Start from", [SCRATCH, *points], key=f"training_init_{kind}", help="A checkpoint of the same network")
    if kind != "diffusion":
        return
    st.selectbox("VAE", [one.name for one in trainings.usable_vaes(workspace)], key="training_vae",
                 placeholder="No VAE is here yet: train one first")  # fmt: skip
    over = [run.name for run in trainings.warp_runs(workspace, dataset)]
    if over:
        st.multiselect("Warps of runs", over, key=f"training_warps_{dataset.id}", placeholder="The true flow",
                       help="Runs over the train split by a warp that never saw these people")  # fmt: skip


def _advanced(of: str, plan: Plan) -> None:
    """The loop's fields, at first the preset's, and room for any other."""
    loop = plan.config["loop"]
    left, right = st.columns(2)
    left.number_input("Steps", 1, value=loop["steps"], key=f"training_steps_{of}")
    right.number_input("Batch", 1, value=loop["batch"], key=f"training_batch_{of}", help="Examples a step")
    left.number_input("Learning rate", 1e-8, 1.0, loop["rate"], 1e-5, format="%.1e", key=f"training_rate_{of}")
    right.selectbox("Precision", list(PRECISIONS), list(PRECISIONS).index(loop["precision"]),
                    format_func=PRECISIONS.__getitem__, key=f"training_precision_{of}")  # fmt: skip
    st.text_area("Other fields of the preset, field=value a line", key=f"training_fields_{of}", height=80,
                 placeholder="validate_every=200\nflow=0")  # fmt: skip


def read_wish(workspace: Workspace) -> Wish:
    """The form as it is filled in now; a click reads it again, since it may come with the last change of a field."""
    state = st.session_state
    kind = str(state["training_kind"])
    preset = str(state[f"training_preset_{kind}"])
    with workspace.database.read() as session:
        dataset = datasets.by_name(session, state["training_data"])
    assert dataset is not None
    over = set(state.get(f"training_warps_{dataset.id}", ()) if kind == "diffusion" else ())
    return Wish(
        kind=kind,
        dataset=dataset,
        preset=preset,
        name=state.get("training_name") or "",
        init=_named(trainings.starting_points(workspace, kind), state.get(f"training_init_{kind}")),
        vae=_named(trainings.usable_vaes(workspace), state.get("training_vae")) if kind == "diffusion" else None,
        warps=tuple(run for run in trainings.warp_runs(workspace, dataset) if run.name in over),
        settings=_settings(f"{kind}_{preset}", training_plans.presets(kind)[preset].config["loop"]),
    )


def _named(known: list[Checkpoint], name: str | None) -> Checkpoint | None:
    return next((one for one in known if one.name == name), None)


def _settings(of: str, loop: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs from the preset, and what was typed, as a command line has it."""
    state = st.session_state
    given = {name: state.get(f"training_{name}_{of}", loop[name]) for name in LOOP}
    own = [f"{name}={value}" for name, value in given.items() if value is not None and value != loop[name]]
    typed = (state.get(f"training_fields_{of}") or "").strip()
    return (*own, *(re.split(r"\s+(?=\w+=)", typed) if typed else ()))  # a value may have blanks: widths=(8, 16)


def _told(workspace: Workspace, wish: Wish) -> list[str]:
    """What the training would be: its size, its examples, and about how long it takes."""
    plan, examples = wish.plan, training_plans.examples(wish.kind, wish.dataset.root)
    loop = plan.config["loop"]
    seen = count(examples.trained, "picture" if wish.kind == "vae" else "pair")
    guess = trainings.estimate(trainings.list_trainings(workspace), wish)
    return [
        f"{trainings.folder_of(workspace, wish).name}: {_millions(plan)} parameters at {plan.size[0]} × {plan.size[1]}; "
        f"{seen}, {examples.left_out:,} more are left out to measure by; {loop['steps']:,} steps of {loop['batch']}.",
        f"About {duration(guess[0])}, at the speed of {guess[1]}." if guess else "How long it takes is not known yet.",
    ]


def _start(workspace: Workspace) -> None:
    state = st.session_state
    try:
        job = trainings.start(workspace, read_wish(workspace))
    except (JobError, VtonError) as error:
        state["training_start_fault"] = str(error)
        return
    state[FORM] = False  # close the form
    state["training"], state["open"] = job.after["training"], None
    st.toast(f"{job.title} has started.", icon=":material/model_training:")
