"""Jobs as rows: every change of state is allowed only from the state before it, so that two watchers never disagree."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import ACTIVE_STATES, JOB_STATES, Job, now


def create(session: Session, *, kind: str, title: str, command: Sequence[str], after: dict[str, Any], folder_of: str) -> Job:
    """A queued job; its folder is `folder_of` with the job's id as the name."""
    job = Job(kind=kind, title=title, command=list(command), after=after, folder="")
    session.add(job)
    session.flush()
    job.folder = f"{folder_of}/{job.id}"
    session.flush()
    return job


def get(session: Session, job_id: int) -> Job | None:
    """The job with this id."""
    return session.get(Job, job_id)


def list_recent(session: Session, limit: int = 50) -> list[Job]:
    """The newest jobs, newest first."""
    return list(session.scalars(select(Job).order_by(Job.id.desc()).limit(limit)))


def list_kind(session: Session, kind: str) -> list[Job]:
    """Every job of a kind, oldest first."""
    return list(session.scalars(select(Job).where(Job.kind == kind).order_by(Job.id)))


def list_active(session: Session) -> list[Job]:
    """Every job that is queued or running, oldest first."""
    return list(session.scalars(select(Job).where(Job.state.in_(ACTIVE_STATES)).order_by(Job.id)))


def ever_done(session: Session, kind: str) -> bool:
    """Whether a job of this kind was ever done."""
    return session.scalar(select(Job.id).where(Job.kind == kind, Job.state == "done").limit(1)) is not None


def set_process(session: Session, job_id: int, pid: int, process_started: float) -> None:
    """Which process was started for a job that is not over."""
    job = session.get(Job, job_id)
    if job is not None and job.state in ACTIVE_STATES:
        job.pid, job.process_started = pid, process_started
        session.flush()


def begin(session: Session, job_id: int, pid: int, process_started: float) -> Job | None:
    """Make a queued job run in this process; None when it is not queued (any more): then nobody may start it."""
    job = session.get(Job, job_id)
    if job is None or job.state != "queued":
        return None
    job.state, job.pid, job.process_started = "running", pid, process_started
    job.started_at = job.heartbeat_at = now()
    session.flush()
    return job


def heartbeat(session: Session, job_id: int) -> str | None:
    """Say that the job's process lives; returns the state as stored, None when the row is gone."""
    job = session.get(Job, job_id)
    if job is None:
        return None
    if job.state in ACTIVE_STATES:
        job.heartbeat_at = now()
        session.flush()
    return job.state


def set_state(session: Session, job_id: int, state: str, *, exit_code: int | None = None, note: str = "") -> Job | None:
    """End a queued or running job as done, failed, cancelled or lost; a job that is over stays as it ended."""
    if state not in JOB_STATES or state in ACTIVE_STATES:
        raise ValueError(f"a job cannot end as {state!r}")
    job = session.get(Job, job_id)
    if job is not None and job.state in ACTIVE_STATES:
        job.state, job.exit_code, job.note, job.ended_at = state, exit_code, note, now()
        session.flush()
    return job
