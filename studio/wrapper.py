"""What a job's own process does: run the command, keep the row alive, say how it ended, take in what it made."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from db import jobs as rows
from db.models import Job
from studio import launches, processes
from studio.importer import ImportFault, add_dataset, import_run
from studio.jobs import LOG, JobError, last_line
from studio.settings import ROOT
from studio.workspace import Workspace

HEARTBEAT_SECONDS = 3.0


def run_job(workspace: Workspace, job_id: int) -> int:
    """Run a queued job to its end; 1 when it failed or was not there to be run."""
    pid = os.getpid()
    with workspace.database.write() as session:
        job = rows.begin(session, job_id, pid, processes.started_at(pid) or time.time())
    if job is None:
        print(f"job {job_id} is not waiting to be run", file=sys.stderr)
        return 1
    try:
        process = subprocess.Popen(job.command, cwd=ROOT, stdin=subprocess.DEVNULL)
    except OSError as error:
        _end(workspace, job, "failed", None, f"it could not be started: {error}")
        return 1
    code = _watch(workspace, job, process)
    said = last_line(Path(job.folder) / LOG) if code else ""
    note, whole = take_in(workspace, job)
    if code:
        _end(workspace, job, "failed", code, said or f"it ended with exit code {code} and said nothing")
    else:
        _end(workspace, job, "done" if whole else "failed", code, note)
    return 0 if code == 0 and whole else 1


def _watch(workspace: Workspace, job: Job, process: "subprocess.Popen[bytes]") -> int:
    """Wait for the command with a heartbeat; end it when the job was cancelled."""
    while True:
        try:
            return process.wait(HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            if _heartbeat(workspace, job.id) not in rows.ACTIVE_STATES:
                processes.end_job(job.folder)


def _heartbeat(workspace: Workspace, job_id: int) -> str | None:
    try:
        with workspace.database.write() as session:
            return rows.heartbeat(session, job_id)
    except OperationalError as error:  # the database is away for a moment; the command goes on
        print(f"no heartbeat: {error.orig}", file=sys.stderr)
        return "running"


def _end(workspace: Workspace, job: Job, state: str, code: int | None, note: str) -> None:
    with workspace.database.write() as session:
        rows.set_state(session, job.id, state, exit_code=code, note=note)


def take_in(workspace: Workspace, job: Job) -> tuple[str, bool]:
    """Import what a job made, as its `after` says; (a sentence, whether all went well)."""
    after: dict[str, Any] = job.after
    try:
        if "import_run" in after:
            run = import_run(workspace, after["import_run"], after.get("name"))
            return f"taken in as the run {run.name!r}", True
        if "add_dataset" in after:
            dataset = add_dataset(workspace, after["add_dataset"], after.get("name"))
            if "generate" in after:
                launches.start_first(workspace, dataset, **after["generate"])
            return f"taken in as the dataset {dataset.name!r}", True
    except (ImportFault, JobError) as error:
        return str(error), False
    return "", True
