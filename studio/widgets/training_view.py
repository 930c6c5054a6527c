"""One training while it goes on and after: how far it is, its curves, its sample pictures, its log, and what to do with it."""

import shlex
from pathlib import Path

import streamlit as st

from studio import jobs, trainings
from studio.checkpoints import list_checkpoints, list_diffusions
from studio.jobcontrol import JobError
from studio.training_log import TRAIN, VALIDATION, pictures, series
from studio.trainings import Training, find_training
from studio.widgets.page import follow_from_fragment, go, spoken_errors
from studio.widgets.pictures import image_url
from studio.widgets.training_charts import loss_curves, validation_curves
from studio.widgets.training_list import KIND_WORDS, STATES, steps_of
from studio.widgets.words import ago, duration
from studio.workspace import Workspace

POLL_SECONDS = 2.0
LOG_HEIGHT = 260  # pixels
SMOOTH = {"None": 0.0, "Some": 0.8, "Much": 0.97}
QUIET = ("rate",)  # logged beside the terms of the loss, and none of them
SEEN = {  # what the columns of a sample picture are
    "warp": "person, garment, DensePose, flow, warped garment, where it is worn, put on, the photo to be met",
    "vae": "picture, what comes back, their difference four times as strong",
    "diffusion": "person, garment, composite, result, the photo to be met",
}


def open_training(known: list[Training]) -> Training | None:
    """The training that the reader chose, or the address names; asked only where there is one."""
    by_name = {one.name: one for one in known}
    asked = st.query_params.get("training")
    if asked and asked not in by_name:
        st.error(f"There is no training {asked} here.", icon=":material/error:")
    if st.session_state.get("training") not in (None, *by_name):
        st.session_state["training"] = None
    if not known:
        return None
    name = st.selectbox("Open a training", list(by_name), index=None, key="training", bind="query-params",
                        placeholder="All trainings", width=420)  # fmt: skip
    return by_name.get(name or "")


def show_training(workspace: Workspace, training: Training) -> None:
    """All of a training; drawn again every two seconds while it goes on."""
    st.fragment(_show, run_every=POLL_SECONDS if training.going_on else None)(workspace, training.name, training.active)


def _show(workspace: Workspace, name: str, active: bool) -> None:
    follow_from_fragment()
    training = find_training(workspace, name)
    if training is None or training.active != active:
        st.rerun()
    with spoken_errors():
        _head(workspace, training)
        _curves(training)
        _pictures(training)
        _log(workspace, training)


def _head(workspace: Workspace, training: Training) -> None:
    """Its state with what can be done, and how far it is."""
    line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    line.markdown(f"**{STATES[training.state]}** · {_what(training)}", width="content")
    with line.container(horizontal=True, width="content", vertical_alignment="center"):
        _actions(workspace, training)
    failed = st.session_state.pop("training_fault", None)
    if failed:
        st.error(failed, icon=":material/error:")
    if training.state in ("failed", "lost") and training.job is not None:
        st.error(training.job.note, icon=":material/error:")
    if training.active:
        _progress(training)


def _what(training: Training) -> str:
    """In half a sentence: kind, preset, dataset, when it began or ended."""
    preset = f" {training.preset}" if training.preset else ""
    steps = "" if training.steps is None else f", {steps_of(training)} steps"
    words = f"{KIND_WORDS.get(training.kind, training.kind)}{preset} on {Path(training.root).name}{steps}"
    job = training.job
    if job is None or job.started_at is None:
        return words
    return f"{words}, {f'ended {ago(job.ended_at)}' if job.ended_at else f'started {ago(job.started_at)}'}"


def _actions(workspace: Workspace, training: Training) -> None:
    if training.state == "stopping":
        st.button("End at once", icon=":material/close:", key="training_end", on_click=_cancel, args=(workspace, training),
                  help="Without waiting for the checkpoint")  # fmt: skip
    elif training.active:
        st.button("Cancel", icon=":material/close:", key="training_cancel", on_click=_cancel, args=(workspace, training),
                  help="It writes its checkpoint and stops; Resume goes on there")  # fmt: skip
    elif training.job is not None and training.state != "done":
        st.button("Resume", icon=":material/play_arrow:", key="training_resume", on_click=_resume, args=(workspace, training),
                  help="The same command goes on at the last checkpoint")  # fmt: skip
    if training.checkpoint is not None and training.kind in ("warp", "diffusion"):
        st.button("Use in the lab", icon=":material/science:", key="training_use", on_click=_use, args=(workspace, training))


def _cancel(workspace: Workspace, training: Training) -> None:
    assert training.job is not None
    jobs.cancel(workspace, training.job.id)


def _resume(workspace: Workspace, training: Training) -> None:
    try:
        trainings.resume(workspace, training)
    except JobError as error:
        st.session_state["training_fault"] = str(error)


def _use(workspace: Workspace, training: Training) -> None:
    """Go to the lab with its checkpoint chosen."""
    listed = list_checkpoints(workspace) if training.kind == "warp" else list_diffusions(workspace)
    found = next((one.name for one in listed if one.path == training.checkpoint), None)
    if found is None:
        st.session_state["training_fault"] = f"{training.checkpoint} is not there any more."
        return
    go("lab", None, **{training.kind: found})


def _progress(training: Training) -> None:
    if training.state == "stopping":
        st.progress(_share(training), text="Stopping: it ends its step and writes the checkpoint")
    elif not training.log:
        st.progress(0.0, text="Starting")
    else:
        left = training.seconds_left
        words = "" if left is None else f", about {duration(left)} left"
        st.progress(_share(training), text=f"Training: {steps_of(training)} steps{words}")


def _share(training: Training) -> float:
    return min(1.0, training.step / training.steps) if training.steps else 0.0


def _curves(training: Training) -> None:
    """The loss with its terms, and the numbers of every validation."""
    terms = {name: one for name, one in series(training.log, TRAIN).items() if name not in QUIET}
    if not terms:
        return
    line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    line.subheader("Loss", anchor=False, width="content")
    with line.container(horizontal=True, width="content", vertical_alignment="center"):
        logarithmic = st.toggle("Logarithmic", key="training_logarithmic")
        keep = SMOOTH[st.segmented_control("Smoothing", list(SMOOTH), default="Some", required=True, key="training_smooth",
                                           label_visibility="collapsed", help="Smoothing")]  # fmt: skip
    st.plotly_chart(loss_curves(terms, logarithmic, keep), theme=None, key="training_loss", config={"displayModeBar": False})
    measured = series(training.log, VALIDATION)
    if measured:
        st.subheader("On examples that are left out", anchor=False)
        st.plotly_chart(validation_curves(measured), theme=None, key="training_measured", config={"displayModeBar": False})


def _pictures(training: Training) -> None:
    """The sample pictures, one step at a time; the newest unless another is chosen."""
    found = pictures(training.folder)
    if not found:
        return
    st.subheader("Samples", anchor=False)
    steps, state = list(found), st.session_state
    step = steps[-1]
    if len(steps) > 1:
        if state.get("training_step") not in steps or state["training_step"] == state.get("training_newest"):
            state["training_step"] = steps[-1]  # who looks at the newest sees the next one, too
        state["training_newest"] = steps[-1]
        step = st.select_slider("After so many steps", steps, key="training_step", format_func=lambda one: f"{one:,}")
    seen = SEEN.get(training.kind)
    address = image_url(found[step])
    st.html(
        f'<a href="{address}" target="_blank" title="True pixels">'
        f'<img class="vton-sheet" src="{address}" alt="Samples after {step} steps"></a>'
    )
    st.caption(f"After {step:,} steps{f'; from left to right: {seen}' if seen else ''}.")


def _log(workspace: Workspace, training: Training) -> None:
    job = training.job
    if job is None:
        return
    status = jobs.status(workspace, job.id)
    with st.expander("Log", icon=":material/notes:", key="training_log"):
        st.code(status.log_tail if status and status.log_tail else "It said nothing yet.", language=None, wrap_lines=True,
                height=LOG_HEIGHT)  # fmt: skip
    with st.expander("Command", icon=":material/terminal:", key="training_command"):
        st.code(shlex.join(["python", *job.command[1:]]), language="bash", wrap_lines=True)
