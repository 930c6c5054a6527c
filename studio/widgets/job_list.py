"""Jobs as people watch them: how far, how much longer, what they said, and the button that ends them."""

import heapq
import os
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from db.models import Job
from studio import jobs
from studio.jobcontrol import stopping
from studio.jobs import JobError, JobStatus
from studio.widgets.page import follow_from_fragment, go, spoken_errors
from studio.widgets.pictures import figure_of, figure_row
from studio.widgets.words import ago, duration
from studio.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

POLL_SECONDS = 1.0
LOG_HEIGHT = 220  # pixels
NEWEST, THUMB = 8, 96  # pictures of a run under way, and their width in pixels
TROUBLE = ("failed", "lost")
STATES = {
    "queued": ("Waiting", ":material/hourglass_empty:"),
    "running": ("Running", ":material/progress_activity:"),
    "done": ("Done", ":material/check:"),
    "failed": ("Failed", ":material/error:"),
    "cancelled": ("Cancelled", ":material/block:"),
    "lost": ("Lost", ":material/help:"),
}


def watch_jobs(workspace: Workspace) -> None:
    """The jobs that are going on, drawn again every second; the whole page is drawn again when one has ended."""
    going_on = [job.id for job in jobs.list_recent(workspace) if job.state in jobs.ACTIVE_STATES]
    if going_on:
        st.fragment(_watch, run_every=POLL_SECONDS)(workspace, going_on)


def _watch(workspace: Workspace, going_on: list[int]) -> None:
    follow_from_fragment()
    if {job.id for job in jobs.list_recent(workspace) if job.state in jobs.ACTIVE_STATES} != set(going_on):
        st.rerun()
    for job_id in going_on:
        status = jobs.status(workspace, job_id)
        if status is not None:
            _active_job(workspace, status)


def _active_job(workspace: Workspace, status: JobStatus) -> None:
    job = status.job
    with st.container(border=True, key=f"job_{job.id}"):
        side = _job_line(job)
        if "training" in job.after:
            side.button("Open", key=f"training_{job.id}", icon=":material/monitoring:", on_click=_open_training, args=(job,))
        if side.button("End at once" if stopping(job) else "Cancel", key=f"cancel_{job.id}", icon=":material/close:"):
            with spoken_errors():
                jobs.cancel(workspace, job.id)
            st.rerun()
        _progress(status)
        newest = _newest_results(job)
        if newest:
            figure_row([figure_of(path, path.stem.replace("__", " · "), THUMB) for path in newest], width=THUMB)
        if status.log_tail.strip():
            with st.expander("Log"):
                st.code(status.log_tail, language=None, wrap_lines=True, height=LOG_HEIGHT)


def _newest_results(job: Job) -> list[Path]:
    """The pictures that a run under way made last, the newest first."""
    if job.kind != "generate" or "import_run" not in job.after:
        return []
    try:
        with os.scandir(Path(job.after["import_run"]) / "results") as found:
            made = [(entry.stat().st_mtime_ns, entry.path) for entry in found if entry.name.endswith(".png")]
    except FileNotFoundError:
        return []
    return [Path(path) for _, path in heapq.nlargest(NEWEST, made)]


def _open_training(job: Job) -> None:
    if st.session_state["on_page"] == "runs":  # where its selectbox stands, and the address follows that
        go("runs", {"training": job.after["training"]})
    else:
        go("runs", training=job.after["training"])


def ended_jobs(workspace: Workspace, limit: int = 5, only_trouble: bool = False, title: str = "") -> None:
    """The newest jobs that have ended, a line each: how they ended, why, their log, and a way to go on."""
    ended = [job for job in jobs.list_recent(workspace) if job.state not in jobs.ACTIVE_STATES][:limit]
    shown = [job for job in ended if job.state in TROUBLE or not only_trouble]
    if shown and title:
        st.subheader(title, anchor=False)
    for job in shown:
        _ended_job(workspace, job)


def _ended_job(workspace: Workspace, job: Job) -> None:
    with st.container(key=f"job_{job.id}", gap="xsmall"):
        side = _job_line(job)
        if job.state in (*TROUBLE, "cancelled"):
            side.button(
                "Go on",
                key=f"again_{job.id}",
                icon=":material/replay:",
                help="Starts the same command again; it does only what is missing",
                on_click=_again,
                args=(workspace, job),
            )
        with side.popover("Log", key=f"log_{job.id}", type="tertiary"):
            status = jobs.status(workspace, job.id)
            tail = status.log_tail if status else ""
            st.code(tail or "It said nothing.", language=None, wrap_lines=True, height=LOG_HEIGHT)
        if job.note and job.state != "cancelled":
            st.caption(_plain(job.note))
        fault = st.session_state.pop(f"again_fault_{job.id}", None)
        if fault:
            st.error(fault, icon=":material/error:")


def _again(workspace: Workspace, job: Job) -> None:
    try:
        jobs.again(workspace, job)
    except JobError as error:
        st.session_state[f"again_fault_{job.id}"] = str(error)


def _job_line(job: Job) -> "DeltaGenerator":
    """Title, state and times in one line; what is given back is its right end."""
    word, icon = STATES[job.state]
    line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    line.markdown(f"{icon} **{_plain(job.title)}**", width="content")
    side = line.container(horizontal=True, width="content", vertical_alignment="center")
    side.caption(f"{word}, {_when(job)}", width="content")
    return side


def _progress(status: JobStatus) -> None:
    told = status.progress
    if stopping(status.job):
        st.caption("Stopping: it writes what it goes on from.")
        return
    if told is None or not told.get("total"):
        st.progress(0.0, text="Starting")
        return
    done, total = int(told["done"]), int(told["total"])
    left = f", about {duration(told['eta'])} left" if told.get("eta") else ""
    st.progress(min(done / total, 1.0), text=f"{str(told.get('label') or 'Working').capitalize()}: {done} of {total}{left}")


def _when(job: Job) -> str:
    if job.ended_at is not None:
        took = f" after {duration((job.ended_at - job.started_at).total_seconds())}" if job.started_at else ""
        return f"{ago(job.ended_at)}{took}"
    return f"started {ago(job.started_at or job.created_at)}"


def _plain(text: str) -> str:
    """A title as it is, with nothing in it read as markup."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|<>$~:" else sign for sign in text)
