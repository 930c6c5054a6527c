"""Jobs that stop by themselves: asked to, they end in their own time, or are ended when that has run out."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from db import jobs as rows
from db.models import Job
from studio import jobs, processes, wrapper
from studio.jobcontrol import stopping
from studio.workspace import Workspace

READY = "import pathlib, signal, sys, time; "
POLITE = f"""{READY}
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""
DEAF = f"""{READY}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""
SPLIT = f"""{READY}
signal.signal(signal.SIGTERM, lambda *_: print("The disk is full.") or sys.exit(1))
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""
KILLED = "import os; os.kill(os.getpid(), 9)"


@pytest.fixture
def wrapped(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """Runs a command by the wrapper in this process, with a short heartbeat; once it is ready it is asked to stop."""
    monkeypatch.setattr(wrapper, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(processes, "end_job", partial(processes.end_job, grace=0.2))

    def run(code: str, grace: float, ask: bool = True) -> Job:
        ready = opened.settings.workspace / "ready"
        command, after = [sys.executable, "-c", code, str(ready)], {"training": "x", "grace": grace}
        home = str(opened.settings.jobs_dir)
        with opened.database.write() as session:
            job = rows.create(session, kind="train", title="t", command=command, after=after, folder_of=home)
        Path(job.folder).mkdir(parents=True)
        monkeypatch.setenv(processes.JOB_VARIABLE, job.folder)
        thread = threading.Thread(target=wrapper.run_job, args=(opened, job.id))
        thread.start()
        while ask and not ready.exists():
            time.sleep(0.02)
        if ask:
            asked = jobs.cancel(opened, job.id)
            assert asked is not None and stopping(asked)
        thread.join(30)
        assert not thread.is_alive()
        with opened.database.read() as session:
            return rows.get(session, job.id) or job

    return run


def test_one_that_stops_by_itself_is_cancelled(wrapped: Callable[..., Job]) -> None:
    job = wrapped(POLITE, grace=60)
    assert (job.state, job.exit_code, stopping(job)) == ("cancelled", 130, False)


def test_one_that_does_not_stop_in_time_is_ended(wrapped: Callable[..., Job]) -> None:
    job = wrapped(DEAF, grace=0.1)
    assert (job.state, job.exit_code) == ("cancelled", -signal.SIGKILL)


def test_one_that_fails_while_it_stops_has_failed(wrapped: Callable[..., Job]) -> None:
    job = wrapped(SPLIT, grace=60)
    assert (job.state, job.exit_code) == ("failed", 1)


def test_one_that_the_system_ends_says_so(wrapped: Callable[..., Job]) -> None:
    job = wrapped(KILLED, grace=60, ask=False)
    assert job.state == "failed" and "enough memory" in job.note
