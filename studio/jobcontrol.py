"""Jobs as processes: start, watch and end them; they outlive a closed tab and a restarted server."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db import jobs as rows
from db.models import ACTIVE_STATES, Job, now
from studio import joblog, processes
from studio.importer import ImportFault, import_run
from studio.settings import ROOT
from studio.workspace import Workspace

ORPHAN_SECONDS = 30  # a queued job without a process for longer than this lost its starter
STOP = "stop"  # a file in a job's folder: it was asked to stop by itself


class JobError(Exception):
    """A job that can't be started; str() is one sentence."""


@dataclass(frozen=True)
class JobStatus:
    """A job as it is now."""

    job: Job
    progress: dict[str, Any] | None  # label, done, total, seconds, eta, note
    log_tail: str

    @property
    def active(self) -> bool:
        """Whether it is still going on."""
        return self.job.state in ACTIVE_STATES


def start(workspace: Workspace, kind: str, title: str, command: Sequence[str], after: dict[str, Any] | None = None) -> Job:
    """Start a command as a job; the same work that is going on already is given back instead of started twice.

    `after` is what follows on the command: {"import_run": folder, "name": name}, or {"add_dataset": root, "name": name,
    "generate": {"split": ..., "pairs": how many, "name": ...}}. A command that stops by itself when it gets SIGTERM says by
    "grace" how many seconds that may take.
    """
    reconcile(workspace)
    with workspace.database.write() as session:
        for going in rows.list_active(session):
            if going.kind == kind and _work(kind, going.command) == _work(kind, command):
                return going
        home = str(workspace.settings.jobs_dir)
        job = rows.create(session, kind=kind, title=title, command=command, after=after or {}, folder_of=home)
    try:
        Path(job.folder).mkdir(parents=True)
        process = _launch(workspace, job)
    except OSError as error:
        with workspace.database.write() as session:
            rows.set_state(session, job.id, "failed", note=f"it could not be started: {error}")
        raise JobError(f"The job {title!r} could not be started: {error}.") from error
    began = processes.started_at(process.pid)
    threading.Thread(target=process.wait, daemon=True).start()  # so that it does not stay behind as a zombie
    with workspace.database.write() as session:
        rows.set_process(session, job.id, process.pid, began or 0.0)
        return rows.get(session, job.id) or job


def _work(kind: str, command: Sequence[str]) -> list[str]:
    """What a command does, whatever folder a try-on of many pairs writes to."""
    words = list(command)
    if kind == "generate" and "--out" in words:
        words[words.index("--out") + 1] = ""
    return words


def _launch(workspace: Workspace, job: Job) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        **workspace.settings.environment(),
        processes.JOB_VARIABLE: job.folder,
        "VTON_PROGRESS": str(Path(job.folder) / joblog.PROGRESS),
        "PYTHONUNBUFFERED": "1",
    }
    with (Path(job.folder) / joblog.LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "studio.wrapper", str(job.id)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C and the end of the server do not reach it
        )


def status(workspace: Workspace, job_id: int) -> JobStatus | None:
    """A job as it is now, its row set right when its process is gone; None when there is no such job."""
    with workspace.database.read() as session:
        job = rows.get(session, job_id)
    if job is None:
        return None
    job = _reconciled(workspace, job)
    return JobStatus(job, joblog.read_progress(job.folder), joblog.read_tail(job.folder))


def list_recent(workspace: Workspace, limit: int = 50) -> list[Job]:
    """The newest jobs, newest first, their states set right."""
    reconcile(workspace)
    with workspace.database.read() as session:
        return rows.list_recent(session, limit)


def reconcile(workspace: Workspace) -> None:
    """Set every job right that is stored as going on and whose process is gone."""
    with workspace.database.read() as session:
        active = rows.list_active(session)
    for job in active:
        _reconciled(workspace, job)


def _reconciled(workspace: Workspace, job: Job) -> Job:
    if job.state not in ACTIVE_STATES or _has_process(job):
        return job
    with workspace.database.read() as session:
        job = rows.get(session, job.id) or job  # it may have ended between the two looks
    if job.state not in ACTIVE_STATES or _has_process(job):
        return job
    processes.end_job(job.folder)  # what its wrapper may have left running
    last = joblog.last_line(job.folder)
    note = "Its process vanished without saying how it ended" + (f"; the last it said: {last}" if last else ".")
    with workspace.database.write() as session:
        return rows.set_state(session, job.id, "lost", note=note) or job


def _has_process(job: Job) -> bool:
    if job.pid is None or job.process_started is None:
        return (now() - job.created_at).total_seconds() < ORPHAN_SECONDS
    return processes.is_alive(job.pid, job.process_started)


def stopping(job: Job) -> bool:
    """Whether a job that is going on was asked to stop by itself."""
    return job.state in ACTIVE_STATES and (Path(job.folder) / STOP).exists()


def cancel(workspace: Workspace, job_id: int) -> Job | None:
    """End a job with every process that it started; the results it made until then are taken in. None if unknown.

    One that stops by itself is asked to, and goes on until it has; asked a second time, it is ended as well.
    """
    with workspace.database.write() as session:
        job = rows.get(session, job_id)
        if job is None or job.state not in ACTIVE_STATES:
            return job
        if "grace" in job.after and not stopping(job):
            (Path(job.folder) / STOP).touch()  # its wrapper hands it on
            return job
        rows.set_state(session, job_id, "cancelled", note="Cancelled.")
    processes.end_job(job.folder)
    if "import_run" in job.after:
        try:
            import_run(workspace, job.after["import_run"], job.after.get("name"))
        except ImportFault:
            return job  # nothing was made yet that could be taken in
    return job
