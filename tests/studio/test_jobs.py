"""Jobs are processes of their own: they outlive their starter, end wholly, are found lost, and are never doubled."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from db import jobs as rows
from db import runs
from db.models import Job, now
from studio import jobs, processes, wrapper
from studio.importer import add_dataset
from studio.jobs import JobStatus
from studio.settings import ROOT
from studio.workspace import Workspace
from vton.checkpoint_info import SHIPPED, SHIPPED_DIFFUSION

PYTHON = [sys.executable, "-c"]
SLEEP = [*PYTHON, "import time; time.sleep(60)"]


def wait_for(workspace: Workspace, job_id: int, wanted: Callable[[JobStatus], object], seconds: float = 30) -> JobStatus:
    """The job's status as soon as it is as wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = jobs.status(workspace, job_id)
        if seen is not None and wanted(seen):
            return seen
        time.sleep(0.05)
    raise AssertionError(f"after {seconds} s the job was still {seen}")


def ended(seen: JobStatus) -> bool:
    return not seen.active


def running(seen: JobStatus) -> bool:
    return seen.job.state == "running"


def test_a_job_says_how_far_it_is_and_how_it_ended(opened: Workspace) -> None:
    text = json.dumps({"label": "l", "done": 1, "total": 2, "seconds": 1.0, "eta": 1.0, "note": "half"})
    code = f"import os; open(os.environ['VTON_PROGRESS'], 'w').write('''{text}'''); print('first'); print('all is well')"
    job = jobs.start(opened, "test", "A test", [*PYTHON, code])
    seen = wait_for(opened, job.id, ended)
    assert (seen.job.state, seen.job.exit_code, seen.job.note) == ("done", 0, "")
    assert seen.progress is not None and seen.progress["note"] == "half"
    assert seen.log_tail.splitlines() == ["first", "all is well"]
    assert seen.job.started_at and seen.job.ended_at and seen.job.ended_at >= seen.job.started_at


def test_a_command_that_fails_is_told_by_its_last_line(opened: Workspace) -> None:
    code = "import sys; print('some way'); print('No person found in x.jpg.', file=sys.stderr); print(); sys.exit(3)"
    job = jobs.start(opened, "test", "A test", [*PYTHON, code])
    seen = wait_for(opened, job.id, ended)
    assert (seen.job.state, seen.job.exit_code, seen.job.note) == ("failed", 3, "No person found in x.jpg.")
    missing = wait_for(opened, jobs.start(opened, "test", "No", ["/no/such/program"]).id, ended)
    assert missing.job.state == "failed" and "could not be started" in missing.job.note


STARTER = """
import sys
from studio import jobs
from studio.workspace import workspace
job = jobs.start(workspace(), "test", "Outlives", [sys.executable, "-c", "import time; time.sleep(2); print('still here')"])
print(job.id, flush=True)
import time; time.sleep(60)
"""


def test_a_job_survives_its_starter(opened: Workspace) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    job_id = int(starter.stdout.readline())
    wait_for(opened, job_id, running)
    starter.kill()
    starter.wait()
    assert jobs.status(opened, job_id).active  # type: ignore[union-attr]
    seen = wait_for(opened, job_id, ended)
    assert seen.job.state == "done" and seen.log_tail == "still here"


FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
plain = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
apart = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(plain.pid, apart.pid, os.getpid(), flush=True)
time.sleep(60)
"""


def test_cancel_ends_children_of_children(opened: Workspace) -> None:
    job = jobs.start(opened, "test", "Family", [*PYTHON, FAMILY])
    seen = wait_for(opened, job.id, lambda one: len(one.log_tail.split()) == 3)
    pids = [int(word) for word in seen.log_tail.split()] + [seen.job.pid or 0]
    assert all(psutil.pid_exists(pid) for pid in pids)
    cancelled = jobs.cancel(opened, job.id)
    assert cancelled is not None and cancelled.state == "cancelled"
    assert processes.of_job(job.folder) == []
    assert not any(processes.started_at(pid) and processes.is_alive(pid, processes.started_at(pid) or 0) for pid in pids)
    later = jobs.status(opened, job.id)
    assert later is not None and later.job.state == "cancelled", "it stays as it ended"
    assert jobs.cancel(opened, job.id).state == "cancelled"  # type: ignore[union-attr]


def test_a_job_whose_process_vanished_is_lost_and_leaves_nothing_running(opened: Workspace) -> None:
    job = jobs.start(opened, "test", "Lost", [*PYTHON, "print('begun', flush=True); import time; time.sleep(60)"])
    seen = wait_for(opened, job.id, lambda one: running(one) and one.log_tail)
    psutil.Process(seen.job.pid).kill()
    lost = wait_for(opened, job.id, ended)
    assert lost.job.state == "lost" and "begun" in lost.job.note
    assert processes.of_job(job.folder) == []


def test_another_process_with_the_same_number_is_not_the_job(opened: Workspace) -> None:
    with opened.database.write() as session:
        job = rows.create(session, kind="test", title="t", command=SLEEP, after={}, folder_of=str(opened.settings.jobs_dir))
        rows.begin(session, job.id, os.getpid(), (processes.started_at(os.getpid()) or 0) - 1000)
    assert [one.state for one in jobs.list_recent(opened)] == ["lost"]


def test_a_job_whose_starter_died_before_the_process_is_lost_after_a_while(opened: Workspace) -> None:
    with opened.database.write() as session:
        young = rows.create(session, kind="test", title="t", command=SLEEP, after={}, folder_of="/nowhere")
        old = rows.create(session, kind="test", title="t", command=SLEEP, after={}, folder_of="/nowhere")
        old.created_at = now() - timedelta(minutes=5)
    states = {job.id: job.state for job in jobs.list_recent(opened)}
    assert states == {young.id: "queued", old.id: "lost"}


def test_the_same_work_is_never_doubled(opened: Workspace) -> None:
    first = jobs.start(opened, "test", "One", SLEEP)
    assert jobs.start(opened, "test", "One", SLEEP).id == first.id
    other = jobs.start(opened, "test", "Another", [*PYTHON, "import time; time.sleep(61)"])
    assert other.id != first.id
    for job in (first, other):
        jobs.cancel(opened, job.id)
    again = jobs.again(opened, first)
    assert again.id not in (first.id, other.id)
    jobs.cancel(opened, again.id)


def test_a_second_process_for_a_job_does_nothing(opened: Workspace) -> None:
    job = jobs.start(opened, "test", "One", SLEEP)
    wait_for(opened, job.id, running)
    second = [sys.executable, "-m", "studio.wrapper", str(job.id)]
    done = subprocess.run(second, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "not waiting to be run" in done.stderr
    assert jobs.status(opened, job.id).active  # type: ignore[union-attr]
    jobs.cancel(opened, job.id)


def test_what_a_job_made_is_taken_in_also_when_it_failed(opened: Workspace, make_run: Callable[..., Path]) -> None:
    after = {"import_run": str(make_run("whole")), "name": "Whole"}
    good = wait_for(opened, jobs.start(opened, "test", "t", [*PYTHON, "pass"], after).id, ended)
    after = {"import_run": str(make_run("partly")), "name": "Partly"}
    partly = wait_for(opened, jobs.start(opened, "test", "t", [*PYTHON, "exit('1 pair failed')"], after).id, ended)
    empty = wait_for(opened, jobs.start(opened, "test", "t", [*PYTHON, "0"], {"import_run": "/nowhere"}).id, ended)
    assert (good.job.state, partly.job.state, partly.job.note) == ("done", "failed", "1 pair failed")
    assert empty.job.state == "failed" and "no run folder at /nowhere" in empty.job.note
    with opened.database.read() as session:
        assert {run.name for run in runs.list_all(session)} == {"Whole", "Partly"}


def test_a_cancelled_run_keeps_what_it_made(opened: Workspace, make_run: Callable[..., Path]) -> None:
    job = jobs.start(opened, "test", "t", SLEEP, {"import_run": str(make_run()), "name": "Begun"})
    wait_for(opened, job.id, running)
    jobs.cancel(opened, job.id)
    with opened.database.read() as session:
        assert [run.name for run in runs.list_all(session)] == ["Begun"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that are asked for, none of which runs."""
    asked: list[Job] = []

    def keep(workspace: Workspace, kind: str, title: str, command: list[str], after: dict[str, object]) -> Job:
        job = Job(kind=kind, title=title, command=command, after=after)
        asked.append(job)
        return job

    monkeypatch.setattr(jobs, "start", keep)
    return asked


@pytest.mark.parametrize("is_drawn", [True, False])
def test_first_try_ons_are_made_by_what_is_taken_where_nobody_chose(
    is_drawn: bool, opened: Workspace, make_dataset: Callable[[], Path], drawn: Path, started: list[Job]
) -> None:
    after = {"split": "test", "pairs": 1, "name": "First"}
    wrapper._take_in(opened, Job(after={"add_dataset": str(drawn if is_drawn else make_dataset()), "generate": after}))
    command = started[0].command
    made_by = [command[command.index(option) + 1] for option in ("--warp", "--diffusion")]
    assert made_by == ([str(SHIPPED), str(SHIPPED_DIFFUSION)] if is_drawn else ["geometric", "none"])


def test_command_lines_that_pages_start(opened: Workspace, make_dataset: Callable[[], Path], started: list[Job]) -> None:
    dataset = add_dataset(opened, make_dataset())
    jobs.start_generate(opened, dataset, "test", [("00001_00", "00002_00")], name="My run!")
    jobs.start_generate(opened, dataset, "test", paired=True, name="My run!")
    listed, paired = (job.command for job in started)
    assert listed[1:3] == ["-m", "vton.generate"] and listed[listed.index("--data") + 1] == dataset.root
    assert Path(listed[listed.index("--pairs") + 1]).read_text() == "00001_00.jpg 00002_00.jpg\n"
    assert "--paired" in paired and "--pairs" not in paired
    outs = [Path(job.command[job.command.index("--out") + 1]) for job in started]
    assert [out.name for out in outs] == ["my-run", "my-run-2"]
    assert all(out.parent == opened.settings.runs_dir for out in outs)
    jobs.start_drawing(opened)
    assert started[-1].command[3:] == [
        *["--out", str(opened.settings.demo_set), "--train", "0", "--test", "24", "--seed", "0", "--size", "512x384"]
    ]
