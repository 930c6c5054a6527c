"""The worker: try-ons land in the lab's run, a dead process is replaced, an idle one is freed."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from db import datasets, runs
from db.models import Dataset
from studio import inference
from studio.checkpoints import Checkpoint
from studio.importer import add_dataset
from studio.inference import TryOnError, TryOnWorker, lab_run_dir
from studio.settings import ROOT
from studio.workspace import Workspace
from vton.errors import VtonError
from vton.pairs import Pair


@pytest.fixture
def dataset(opened: Workspace, drawn: Path) -> Dataset:
    return add_dataset(opened, drawn, "Drawn")


@pytest.fixture
def worker(opened: Workspace) -> Iterator[TryOnWorker]:
    made = TryOnWorker(opened)
    yield made
    made.close()


def pairs_of(workspace: Workspace, dataset: Dataset) -> list[Pair]:
    with workspace.database.read() as session:
        return [Pair(*pair) for pair in datasets.page_pairs(session, dataset.id, "test", paired=False)]


def test_try_ons_land_in_the_labs_run_and_survive_a_dead_process(
    opened: Workspace, dataset: Dataset, worker: TryOnWorker
) -> None:
    first, second = pairs_of(opened, dataset)[:2]
    folder = lab_run_dir(opened, dataset, "test")
    made = worker.submit(Path(dataset.root), "test", first, folder).result(timeout=120)
    assert (folder / made.path).is_file() and (made.person, made.cloth) == (first.person, first.cloth)
    (process,) = multiprocessing.active_children()
    process.kill()
    process.join()
    worker.submit(Path(dataset.root), "test", second, folder).result(timeout=120)
    with opened.database.read() as session:
        (run,) = runs.list_all(session)
        assert (run.name, run.dataset_id, run.folder) == ("Lab: Drawn, test", dataset.id, str(folder))
        assert {Pair(row.person, row.cloth) for row in runs.results(session, run.id)} == {first, second}
    with pytest.raises(VtonError, match="nobody"):
        worker.submit(Path(dataset.root), "test", Pair("nobody", first.cloth), folder).result(timeout=120)


def test_a_process_that_always_dies_is_told(
    opened: Workspace, dataset: Dataset, worker: TryOnWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "end_with", os._exit)
    future = worker.submit(Path(dataset.root), "test", pairs_of(opened, dataset)[0], opened.settings.runs_dir / "x")
    with pytest.raises(TryOnError, match="ended twice"):
        future.result(timeout=120)


def test_an_idle_process_is_freed(opened: Workspace, dataset: Dataset) -> None:
    worker = TryOnWorker(opened, idle_seconds=0.2)
    folder = lab_run_dir(opened, dataset, "test")
    worker.submit(Path(dataset.root), "test", pairs_of(opened, dataset)[0], folder).result(timeout=120)
    end = time.monotonic() + 20
    while worker.warm or multiprocessing.active_children():
        assert time.monotonic() < end
        time.sleep(0.05)
    worker.close()


SERVER = """
import time
from studio.inference import ProcessPoolExecutor, end_with
import multiprocessing, os
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with, initargs=(os.getpid(),))
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_the_process_ends_with_a_studio_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = subprocess.Popen([sys.executable, str(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    worker = psutil.Process(int(server.stdout.readline()))
    server.kill()
    server.wait()
    end = time.monotonic() + 20
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the worker outlived the studio"
        time.sleep(0.1)


def test_every_state_of_a_learned_warp_has_a_run_of_its_own(
    opened: Workspace, dataset: Dataset, worker: TryOnWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    learned = Checkpoint("mine", opened.settings.workspace / "checkpoints" / "mine", 1, None)
    folders = {lab_run_dir(opened, dataset, "test", warp) for warp in (None, learned, replace(learned, changed_ns=2))}
    assert len(folders) == 3
    monkeypatch.setattr(worker, "_ask", lambda work, *arguments: asked.append(arguments) or "not made")
    for warp in (None, learned):
        with pytest.raises(TryOnError, match="not made"):
            worker.submit(Path(dataset.root), "test", pairs_of(opened, dataset)[0], opened.settings.runs_dir, warp).result(60)
    assert [arguments[-2:] for arguments in asked] == [("geometric", "auto"), (str(learned.path), "auto")]


def test_networks_compute_on_the_device_of_the_settings(opened: Workspace, dataset: Dataset) -> None:
    asked: list[tuple[str, ...]] = []
    on_cpu = TryOnWorker(replace(opened, settings=opened.settings.model_copy(update={"device": "cpu"})))
    on_cpu._ask = lambda work, *arguments: asked.append(arguments) or "not made"  # type: ignore[method-assign,func-returns-value]
    pair = pairs_of(opened, dataset)[0]
    tried = on_cpu.submit(Path(dataset.root), "test", pair, opened.settings.runs_dir)
    looked = on_cpu.look(dataset, "test", pair, "geometric", opened.settings.cache_dir)
    for future in (tried, looked):
        with pytest.raises(TryOnError, match="not made"):
            future.result(60)
    assert [arguments[-1] for arguments in asked] == ["cpu", "cpu"]
    on_cpu.close()
