"""Jobs as people watch them: how far, how much longer, what they said, and the button that ends them."""

import streamlit as st

from db.models import Job
from studio import jobs
from studio.jobs import JobStatus
from studio.widgets.page import spoken_errors
from studio.widgets.words import ago, count, duration
from studio.workspace import Workspace

POLL_SECONDS = 1.0
STATES = {
    "queued": ("Waiting", ":material/hourglass_empty:"),
    "running": ("Running", ":material/progress_activity:"),
    "done": ("Done", ":material/check:"),
    "failed": ("Failed", ":material/error:"),
    "cancelled": ("Cancelled", ":material/block:"),
    "lost": ("Lost", ":material/help:"),
}


def watch_jobs(workspace: Workspace, limit: int = 5, kinds: tuple[str, ...] | None = None) -> None:
    """The newest jobs; while one is going on they are drawn again every second, and the page once when it has ended."""
    newest = [job for job in jobs.list_recent(workspace) if kinds is None or job.kind in kinds][:limit]
    going_on = [job.id for job in newest if job.state in jobs.ACTIVE_STATES]
    watch = st.fragment(_draw, run_every=POLL_SECONDS if going_on else None)
    watch(workspace, [job.id for job in newest], going_on)


def _draw(workspace: Workspace, job_ids: list[int], going_on: list[int]) -> None:
    found = [one for one in (jobs.status(workspace, job_id) for job_id in job_ids) if one is not None]
    active = {one.job.id for one in found if one.active}
    if set(going_on) - active or jobs_since(workspace, job_ids):
        st.rerun()
    for one in found:
        _job(workspace, one)


def jobs_since(workspace: Workspace, job_ids: list[int]) -> bool:
    """Whether a job was started that the page does not show yet: one job may start the next."""
    newest = jobs.list_recent(workspace, 1)
    return bool(newest and job_ids and newest[0].id > max(job_ids) and newest[0].state in jobs.ACTIVE_STATES)


def _job(workspace: Workspace, status: JobStatus) -> None:
    job = status.job
    word, icon = STATES[job.state]
    with st.container(border=True, key=f"job_{job.id}"):
        line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        line.markdown(f"{icon} **{_plain(job.title)}**", width="content")
        side = line.container(horizontal=True, width="content", vertical_alignment="center")
        side.caption(f"{word}, {_when(job)}", width="content")
        if status.active:
            if side.button("Cancel", key=f"cancel_{job.id}", icon=":material/close:"):
                with spoken_errors():
                    jobs.cancel(workspace, job.id)
                st.rerun()
            _progress(status)
        elif job.state in ("failed", "lost", "cancelled"):
            if job.note and job.state != "cancelled":
                st.caption(job.note)
            if side.button("Go on", key=f"resume_{job.id}", icon=":material/replay:", help="Does only what is missing"):
                with spoken_errors():
                    jobs.again(workspace, job)
                st.rerun()
        elif job.note:
            st.caption(job.note)
        if status.log_tail.strip():
            with st.expander("Log"):
                st.code(status.log_tail, language=None, wrap_lines=True, height=220)


def _progress(status: JobStatus) -> None:
    told = status.progress
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


def running_line(workspace: Workspace) -> str | None:
    """How many jobs are going on, in words; None when there is none."""
    active = sum(job.state in jobs.ACTIVE_STATES for job in jobs.list_recent(workspace))
    return f"{count(active, 'job')} running" if active else None
