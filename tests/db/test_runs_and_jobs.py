"""Runs and jobs: what an import changes, and which way a job's state may go."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from db import datasets, jobs, runs
from db.engine import Database
from db.models import Job, Metric, Result, Run


def test_results_keep_their_ids_when_put_again(database: Database, run: Run, results: list[Result]) -> None:
    fields = runs.NewResult._fields
    found = [runs.NewResult(*(getattr(row, field) for field in fields)) for row in results]
    with database.write() as session:
        runs.put_results(session, run.id, [found[0]._replace(sha256="new"), found[1]])
    with database.read() as session:
        now = runs.results(session, run.id)
    assert [(row.id, row.sha256) for row in now] == [(results[0].id, "new"), (results[1].id, results[1].sha256)]


def test_metrics_of_run_and_results(database: Database, run: Run, results: list[Result]) -> None:
    pair = (results[0].person, results[0].cloth)
    found = [runs.NewMetric(None, "ssim", 0.9, 0.8, 0.95, 3, True), runs.NewMetric(pair, "ssim", float("inf"))]
    for _ in range(2):
        with database.write() as session:
            runs.put_metrics(session, run.id, found)
    with database.read() as session:
        assert [(row.name, row.value, row.low, row.n) for row in runs.metrics(session, run.id)] == [("ssim", 0.9, 0.8, 3)]
        assert runs.result_metrics(session, run.id) == {results[0].id: {"ssim": float("inf")}}
    with pytest.raises(ValueError, match="of which there is no result"), database.write() as session:
        runs.put_metrics(session, run.id, [runs.NewMetric(("x", "y"), "ssim", 1.0)])
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Metric(run_id=run.id, result_id=None, name="ssim", value=1.0, card={}))


def test_pages_and_search_of_results(database: Database, run: Run) -> None:
    with database.read() as session:
        assert runs.count_results(session, run.id) == 3
        assert runs.count_results(session, run.id, "00003") == 2
        assert [row.person for row in runs.results(session, run.id, offset=1, limit=1)] == ["00002_00"]
        assert [found.name for found, _ in runs.for_pair(session, "00001_00", "00002_00", run.dataset_id)] == ["first"]
        assert runs.for_pair(session, "00001_00", "00001_00") == []


def test_removing_a_run_takes_its_rows_and_removing_a_dataset_leaves_the_run(database: Database, run: Run) -> None:
    assert run.dataset_id is not None
    with database.write() as session:
        datasets.remove(session, run.dataset_id)
    with database.write() as session:
        left = runs.get(session, run.id)
        assert left is not None and left.dataset_id is None
        runs.remove(session, run.id)
    with database.read() as session:
        assert session.scalar(select(Result.id)) is None


def make_job(database: Database) -> Job:
    with database.write() as session:
        return jobs.create(session, kind="draw", title="t", command=["true"], after={}, folder_of="/jobs")


def test_a_job_begins_once_and_ends_once(database: Database) -> None:
    job = make_job(database)
    assert (job.folder, job.state) == (f"/jobs/{job.id}", "queued")
    with database.write() as session:
        assert jobs.begin(session, job.id, 11, 1.5) is not None
        assert jobs.begin(session, job.id, 12, 1.5) is None, "a second process does not get it"
        jobs.set_state(session, job.id, "cancelled", note="Cancelled.")
        ended = jobs.set_state(session, job.id, "done", exit_code=0)
        assert ended is not None and (ended.state, ended.pid) == ("cancelled", 11)
        assert jobs.heartbeat(session, job.id) == "cancelled"
        assert jobs.list_active(session) == [] and not jobs.ever_done(session, "draw")


def test_a_cancelled_job_never_begins(database: Database) -> None:
    job = make_job(database)
    with database.write() as session:
        jobs.set_state(session, job.id, "cancelled")
        assert jobs.begin(session, job.id, 11, 1.5) is None


def test_states_are_known(database: Database) -> None:
    job = make_job(database)
    with pytest.raises(ValueError, match="cannot end as"), database.write() as session:
        jobs.set_state(session, job.id, "running")
    with pytest.raises(IntegrityError), database.write() as session:
        session.merge(Job(id=job.id, state="asleep"))
