"""python -m studio.wrapper JOB_ID: a job's own process; it runs the command, keeps the row, takes in the results."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError

from db import datasets
from db import jobs as rows
from db.models import ACTIVE_STATES, Job
from studio import checks_file, findings, joblog, processes
from studio.checkpoints import is_drawn, list_checkpoints, list_diffusions
from studio.how import default_how
from studio.importer import ImportFault, add_dataset, import_run
from studio.jobcontrol import stopping
from studio.jobs import JobError, start_generate
from studio.settings import ROOT
from studio.uploads import UploadFault, take_upload
from studio.workspace import Workspace, WorkspaceError, workspace

HEARTBEAT_SECONDS = 3.0
STOPPED = (130, -signal.SIGTERM, -signal.SIGKILL)  # how a command ends that was asked to stop


def run_job(workspace: Workspace, job_id: int) -> int:
    """Run a queued job to its end; 1 when it failed or was not there to be run."""
    pid = os.getpid()
    with workspace.database.write() as session:
        job = rows.begin(session, job_id, pid, processes.started_at(pid) or time.time())
    if job is None:
        print(f"job {job_id} is not waiting to be run", file=sys.stderr)
        return 1
    try:
        process = _launch(job)
    except OSError as error:
        _end(workspace, job, "failed", None, f"it could not be started: {error}")
        return 1
    code = _watch(workspace, job, process)
    if stopping(job) and code in STOPPED:
        _end(workspace, job, "cancelled", code, "Cancelled.")
        return 1
    said = _why(job, code)
    half_made = code != 0 and bool({"add_dataset", "take_upload", "checks"} & job.after.keys())
    fault = "" if half_made else _take_in(workspace, job)
    if "doctor" in job.after:  # it ends with 1 where it found faults: what it found counts
        code, said = (code or 1, said) if fault else (0, "")
    if code or fault:
        _end(workspace, job, "failed", code, said if code else fault)
        return 1
    _end(workspace, job, "done", code, "")
    return 0


def _launch(job: Job) -> "subprocess.Popen[bytes]":
    """Start the command; what the doctor prints is a report, and not for the log."""
    if "doctor" not in job.after:
        return subprocess.Popen(job.command, cwd=ROOT, stdin=subprocess.DEVNULL)
    with findings.printed_file(job.folder).open("wb") as report:
        return subprocess.Popen(job.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=report)


def _watch(workspace: Workspace, job: Job, process: "subprocess.Popen[bytes]") -> int:
    """Wait for the command with a heartbeat; end it when the job was cancelled, or asked to stop and still not gone."""
    until = None
    while True:
        try:
            return process.wait(HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            if _heartbeat(workspace, job.id) not in ACTIVE_STATES or (until and time.monotonic() > until):
                processes.end_job(job.folder)
                return -signal.SIGKILL  # its own exit code went to psutil
            elif until is None and stopping(job):
                process.terminate()
                until = time.monotonic() + job.after["grace"]


def _why(job: Job, code: int) -> str:
    """Why a command ended that was not done: the last that it said, or what ended it."""
    if code == -signal.SIGKILL:
        return "The system ended its process at once; is there enough memory?"
    return joblog.last_line(job.folder) or f"it ended with exit code {code} and said nothing"


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


def _take_in(workspace: Workspace, job: Job) -> str:
    """Do what follows on the command; the sentence that says why it could not be done, empty when it was."""
    after = job.after
    try:
        if "doctor" in after:
            findings.keep(workspace, after["doctor"], after["fingerprint"], findings.printed_file(job.folder))
        if "checks" in after:
            checks_file.keep(workspace, after["checks"], after["split"], after["fingerprint"])
        if "take_upload" in after:
            take_upload(workspace, after["take_upload"])
        if "import_run" in after:
            import_run(workspace, after["import_run"], after.get("name"))
        if "add_dataset" in after:
            dataset = add_dataset(workspace, after["add_dataset"], after.get("name"))
            if "generate" in after:
                first = after["generate"]
                with workspace.database.read() as session:
                    pairs = datasets.page_pairs(session, dataset.id, first["split"], paired=False, limit=first["pairs"])
                drawn = is_drawn(dataset.root, first["split"])
                how = default_how(list_checkpoints(workspace), list_diffusions(workspace), drawn)
                start_generate(workspace, dataset, first["split"], pairs, name=first["name"], how=how)
    except (ImportFault, JobError, UploadFault, findings.ReportFault, checks_file.ChecksFault) as error:
        return str(error)
    return ""


def main(arguments: Sequence[str]) -> int:
    """Run the job whose id is given, in this process."""
    try:
        return run_job(workspace(), int(arguments[0]))
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
