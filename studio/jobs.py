"""Jobs: our command lines run in processes of their own, which outlive a closed tab and a restarted server.

`python -m studio.jobs JOB_ID` is the small wrapper that such a process runs: it starts the command, keeps the row, and
imports what the command made.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db import jobs as rows
from db.models import ACTIVE_STATES, Job
from studio import processes
from studio.settings import ROOT
from studio.workspace import Workspace, WorkspaceError, workspace

LOG, PROGRESS = "log.txt", "progress.json"
TAIL_BYTES, TAIL_LINES = 16_384, 40
ORPHAN_SECONDS = 30  # a queued job without a process for longer than this lost its starter


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


def start(
    workspace: Workspace, kind: str, title: str, command: Sequence[str], after: dict[str, Any] | None = None
) -> Job:
    """Start a command as a job; the same command that is going on already is given back instead of started twice.

    `after` is what the wrapper does when the command has ended: {"import_run": folder, "name": name},
    {"add_dataset": root, "name": name, "generate": {...}}.
    """
    reconcile(workspace)
    with workspace.database.write() as session:
        for job in rows.list_active(session):
            if job.command == list(command):
                return job
        home = str(workspace.settings.jobs_dir)
        job = rows.create(session, kind=kind, title=title, command=command, after=after or {}, folder_of=home)
    folder = Path(job.folder)
    try:
        folder.mkdir(parents=True)
        process = _launch(workspace, job)
    except OSError as error:
        with workspace.database.write() as session:
            rows.set_state(session, job.id, "failed", note=f"it could not be started: {error}")
        raise JobError(f"The job {title!r} could not be started: {error}.") from error
    threading.Thread(target=process.wait, daemon=True).start()  # so that it does not stay behind as a zombie
    with workspace.database.write() as session:
        rows.set_process(session, job.id, process.pid, processes.started_at(process.pid) or 0.0)
        return rows.get(session, job.id) or job


def _launch(workspace: Workspace, job: Job) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        **workspace.settings.environment(),
        processes.JOB_VARIABLE: job.folder,
        "VTON_PROGRESS": str(Path(job.folder) / PROGRESS),
        "PYTHONUNBUFFERED": "1",
    }
    with (Path(job.folder) / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "studio.jobs", str(job.id)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a group of its own: Ctrl-C at the server does not reach it
        )


def status(workspace: Workspace, job_id: int) -> JobStatus | None:
    """A job as it is now, its row set right when its process is gone; None when there is no such job."""
    with workspace.database.read() as session:
        job = rows.get(session, job_id)
    if job is None:
        return None
    job = _reconciled(workspace, job)
    folder = Path(job.folder)
    return JobStatus(job, read_progress(folder / PROGRESS), read_tail(folder / LOG))


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
    last = last_line(Path(job.folder) / LOG)
    note = "its process vanished without saying how it ended" + (f"; last it said: {last}" if last else "")
    with workspace.database.write() as session:
        return rows.set_state(session, job.id, "lost", note=note) or job


def _has_process(job: Job) -> bool:
    if job.pid is None or job.process_started is None:
        from db.models import now

        return (now() - job.created_at).total_seconds() < ORPHAN_SECONDS
    return processes.is_alive(job.pid, job.process_started)


def cancel(workspace: Workspace, job_id: int) -> Job | None:
    """End a job with every process that it started; what it made until then is kept and imported. None if unknown."""
    with workspace.database.write() as session:
        job = rows.get(session, job_id)
        if job is None or job.state not in ACTIVE_STATES:
            return job
        job = rows.set_state(session, job_id, "cancelled", note="cancelled") or job
    processes.end_job(job.folder)
    if "import_run" in job.after:
        from studio.wrapper import take_in

        take_in(workspace, job)
    return job


def read_progress(file: Path) -> dict[str, Any] | None:
    """What the command last said of its progress."""
    try:
        progress = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # not said yet
    return progress if isinstance(progress, dict) else None


def read_tail(file: Path) -> str:
    """The last lines of a log."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.replace("\r\n", "\n").replace("\r", "\n").splitlines()[-TAIL_LINES:])


def last_line(file: Path) -> str:
    """The last line of a log that says something."""
    lines = [line.strip() for line in read_tail(file).splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""


def main(arguments: Sequence[str]) -> int:
    """Run the job whose id is given, in this process."""
    from studio.wrapper import run_job

    try:
        return run_job(workspace(), int(arguments[0]))
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
