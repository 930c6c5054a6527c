"""One's own photos on their way through the chain, before the user's eyes, and then their try-on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from db import datasets
from db import jobs as rows
from db.models import Job
from studio import jobs, uploads
from studio.jobs import JobError
from studio.uploads import Upload
from studio.widgets.frame import Frame
from studio.widgets.job_list import STATES
from studio.widgets.lab import find_result, result_actions, show_result, try_on
from studio.widgets.lab_form import say_what_is_lacking
from studio.widgets.page import spoken_errors
from studio.widgets.pair_view import files_of, maps_button
from studio.widgets.pictures import Figure, figure_of, figure_row, parse_figure, shape_of
from studio.widgets.words import duration

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

POLL_SECONDS = 0.7
MOST_DOUBTS = 4  # that are told
# kind of file -> caption and the stage that makes it, in the order in which they appear
SHOWN = {
    "image": ("Person", "photos"),
    "cloth": ("Garment", "photos"),
    "openpose_img": ("Keypoints", "keypoints"),
    "parse": ("Parse", "parse"),
    "densepose": ("DensePose", "densepose"),
    "agnostic_mask": ("Agnostic mask", "agnostic"),
    "cloth_mask": ("Garment mask", "cloth-mask"),
}


def show_upload(chosen: Frame, upload: Upload, action: "DeltaGenerator") -> None:
    """An upload on its way, and when it is prepared, its try-on."""
    with action:
        st.button("Other photos", icon=":material/arrow_back:", on_click=_leave)
        st.button(
            "Remove",
            icon=":material/delete:",
            help="Deletes these photos and their maps; try-ons made of them are deleted on Runs",
            on_click=_remove,
            args=(chosen, upload),
        )
    job = _job_of(chosen, upload)
    if job is not None and job.state in jobs.ACTIVE_STATES:
        st.fragment(_watch, run_every=POLL_SECONDS)(chosen, upload, job.id)
        return
    done = uploads.is_taken(upload)
    if not done:
        _say_how_it_ended(chosen, upload, job)
    prepared = _in_my_photos(chosen) if done else None
    if prepared is None:
        _draw(upload)
        return
    _say_doubts(prepared, upload)
    with spoken_errors():
        _show_try_on(prepared, upload, action)
    with st.expander("What was prepared"):
        _draw(upload)


def _say_doubts(prepared: Frame, upload: Upload) -> None:
    """What the automatic checks find wrong, with the way to mend it."""
    assert prepared.dataset is not None
    doubted = uploads.doubts(prepared.workspace, prepared.dataset, upload)
    if doubted:
        lines = "".join(f"\n- {sentence}" for sentence in doubted[:MOST_DOUBTS])
        more = f"\n- and {len(doubted) - MOST_DOUBTS} more" if len(doubted) > MOST_DOUBTS else ""
        said = f"The checks doubt these maps; *Judge the maps* leads to where they are mended.{lines}{more}"
        st.warning(said, icon=":material/fact_check:")


def _show_try_on(prepared: Frame, upload: Upload, action: "DeltaGenerator") -> None:
    files = files_of(prepared, upload.pair)
    if files is None:
        st.error("These photos are not in My photos any more; upload them again.", icon=":material/error:")
        return
    found = find_result(prepared, upload.pair)
    if found is None:
        place = st.empty()  # until the result takes it
        with place.container():
            _draw(upload)
            try_on(prepared, upload.pair)
        place.empty()
        found = find_result(prepared, upload.pair)
    if found is not None:
        with action:
            result_actions(*found)
            maps_button(prepared, upload.pair)
        show_result(prepared, files, *found)


def _in_my_photos(chosen: Frame) -> Frame | None:
    """The frame as if "My photos" were chosen."""
    root = str(uploads.my_photos(chosen.workspace).resolve())
    with chosen.workspace.database.read() as session:
        dataset = datasets.by_root(session, root)
    return replace(chosen, dataset=dataset, split=uploads.SPLIT) if dataset else None


def _job_of(chosen: Frame, upload: Upload) -> Job | None:
    """The upload's newest job, its state set right."""
    with chosen.workspace.database.read() as session:
        mine = [job for job in rows.list_recent(session, 200) if job.after.get("take_upload") == upload.id]
    seen = jobs.status(chosen.workspace, mine[0].id) if mine else None
    return seen.job if seen else None


def _watch(chosen: Frame, upload: Upload, job_id: int) -> None:
    """The stages as they come, drawn again until the job has ended."""
    seen = jobs.status(chosen.workspace, job_id)
    if seen is None or not seen.active:
        st.rerun()
    told = seen.progress or {}
    done, total = int(told.get("done") or 0), int(told.get("total") or 0)
    left = f", about {duration(told['eta'])} left" if told.get("eta") else ""
    running = next((stage["title"] for stage in upload.stages() if stage["state"] == "running"), "Starting")
    ready = sum(stage["state"] not in ("waiting", "running") for stage in upload.stages())
    share = (ready + (done / total if total else 0)) / max(len(upload.stages()), 1)
    line = st.container(horizontal=True, vertical_alignment="center")
    line.progress(min(share, 1.0), text=f"{running}{left}")
    if line.button("Cancel", key="upload_cancel", icon=":material/close:"):
        jobs.cancel(chosen.workspace, job_id)
        st.rerun()
    _draw(upload)


def _say_how_it_ended(chosen: Frame, upload: Upload, job: Job | None) -> None:
    """Why the photos are not prepared, and the way to go on."""
    wrong = [failure["error"] for failure in upload.failures() if failure["photo"]]
    missing = [stage["title"].lower() for stage in upload.stages() if stage["state"] == "missing" and stage["failed"]]
    if wrong:
        sentence = f"The photos could not be prepared. {' '.join(dict.fromkeys(wrong))}"
    elif missing:
        sentence = f"The photos could not be prepared: {', '.join(missing)} cannot be made here yet."
    else:
        sentence = f"The photos are not prepared ({STATES[job.state][0].lower() if job else 'never begun'})."
    st.error(sentence, icon=":material/error:")
    if missing and not wrong:
        say_what_is_lacking()
    st.button(
        "Go on",
        icon=":material/replay:",
        help="Makes what is missing",
        on_click=_again,
        args=(chosen, upload),
        key="upload_again",
    )
    fault = st.session_state.pop("upload_fault", None)
    if fault:
        st.error(fault, icon=":material/error:")


def _again(chosen: Frame, upload: Upload) -> None:
    try:
        jobs.start_preprocess(chosen.workspace, upload)
    except JobError as error:
        st.session_state["upload_fault"] = str(error)


def _leave() -> None:
    st.query_params.pop("upload", None)


def _remove(chosen: Frame, upload: Upload) -> None:
    job = _job_of(chosen, upload)
    if job is not None:
        jobs.cancel(chosen.workspace, job.id)
    uploads.remove_upload(chosen.workspace, upload)
    _leave()
    st.toast("The photos are removed.", icon=":material/delete:")


def _draw(upload: Upload) -> None:
    """Every stage with its picture as soon as its file is there, else how it stands."""
    files = upload.files()
    stages = {stage["name"]: stage for stage in upload.stages()}
    failed = {failure["stage"]: failure["error"] for failure in upload.failures() if failure["photo"]}
    figures = [_figure(kind, files.get(kind), stages.get(SHOWN[kind][1], {}), failed.get(SHOWN[kind][1], "")) for kind in SHOWN]
    figure_row(figures, width=170, shape=shape_of(files.get("image")))
    notes = [stage["note"] for stage in stages.values() if stage["note"] and stage["state"] == "done"]
    for note in dict.fromkeys(notes):
        st.caption(note)


def _figure(kind: str, file: Path | None, stage: Mapping[str, Any], error: str) -> Figure:
    caption, draw = SHOWN[kind][0], parse_figure if kind == "parse" else figure_of
    words = {"running": "being made", "missing": "cannot be made here", "off": "not asked for", "done": "none"}
    if file is None:
        return Figure(None, caption, error or words.get(stage.get("state", ""), "waiting"))
    return draw(file, caption, note=_made_by(stage))


def _made_by(stage: Mapping[str, Any]) -> str:
    by = {"WhiteBackground": "by a plain threshold", "taken from the source": "as given"}
    return by.get(stage.get("by", ""), "")
