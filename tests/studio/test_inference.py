"""The worker: try-ons land in the lab's run, models stay open, a dead process is replaced, an idle one is freed."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from db import datasets, runs
from db.models import Dataset
from studio import checkpoints, inference
from studio.checkpoints import Checkpoint
from studio.how import How
from studio.importer import add_dataset
from studio.inference import TryOn, TryOnCancelled, TryOnError, TryOnWorker, lab_run_dir
from studio.inference_process import Stopped, Watch
from studio.settings import ROOT
from studio.workspace import Workspace
from tests.fakes.vae import FakeVae
from tests.tiny_diffusion import OWN, save_tiny
from vton.errors import VtonError
from vton.images import read_image, read_json, write_image
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
    while multiprocessing.active_children():
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
    asked: list[tuple[Any, ...]] = []
    learned = Checkpoint("mine", opened.settings.workspace / "checkpoints" / "mine", 1, None)
    ways = [How(), How(learned), How(replace(learned, changed_ns=2))]
    assert len({lab_run_dir(opened, dataset, "test", how) for how in ways}) == 3
    monkeypatch.setattr(worker, "_ask", lambda work, *arguments: asked.append(arguments) or "not made")
    for how in ways[:2]:
        with pytest.raises(TryOnError, match="not made"):
            worker.submit(Path(dataset.root), "test", pairs_of(opened, dataset)[0], opened.settings.runs_dir, how).result(60)
    assert [arguments[6]["warp"] for arguments in asked] == ["geometric", str(learned.path)]


def test_networks_compute_on_the_device_of_the_settings(opened: Workspace, dataset: Dataset) -> None:
    asked: list[tuple[Any, ...]] = []
    on_cpu = TryOnWorker(replace(opened, settings=opened.settings.model_copy(update={"device": "cpu"})))
    on_cpu._ask = lambda work, *arguments: asked.append(arguments) or "not made"  # type: ignore[method-assign,func-returns-value]
    pair = pairs_of(opened, dataset)[0]
    tried = on_cpu.submit(Path(dataset.root), "test", pair, opened.settings.runs_dir)
    looked = on_cpu.look(dataset, "test", pair, "geometric", opened.settings.cache_dir)
    for asked_for in (tried, looked):
        with pytest.raises(TryOnError, match="not made"):
            asked_for.result(60)
    assert [arguments[7 if len(arguments) > 8 else -1] for arguments in asked] == ["cpu", "cpu"]
    on_cpu.close()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_diffusion_stays_open_keeps_every_setting_and_stops_where_it_is_cancelled(
    opened: Workspace, dataset: Dataset, worker: TryOnWorker
) -> None:
    folder = save_tiny(checkpoints.home(opened))[0]
    weights = folder / "model.safetensors"
    small = next(one for one in checkpoints.list_diffusions(opened) if one.path == folder)
    pair, other = pairs_of(opened, dataset)[:2]

    def submit(pair: Pair, **settings: Any) -> TryOn:
        how = How(diffusion=small, sampling=replace(OWN, **settings))
        return worker.submit(Path(dataset.root), "test", pair, lab_run_dir(opened, dataset, "test", how), how)

    worker.get_ready(How(diffusion=small, sampling=OWN))
    first = submit(pair)
    made = first.result(timeout=120)
    (process,) = multiprocessing.active_children()
    written = weights.stat().st_mtime_ns
    weights.write_bytes(bytes(100))
    os.utime(weights, ns=(written, written))
    second = submit(pair, steps=2).result(timeout=120)  # the file could not be opened any more
    with opened.database.read() as session:
        found = runs.for_pair(session, pair.person, pair.cloth, dataset.id)
        assert {row.id for _, row in found} == {made.id, second.id}
        assert {run.config["diffusion"]["steps"] for run, _ in found} == {OWN.steps, 2}
        assert {run.name for run, _ in found} == {
            f"Lab: Drawn, test, small, {steps}, seed 0" for steps in ("3 steps", "2 steps")
        }
    pictures = [(Path(run.folder) / row.path).read_bytes() for run, row in found]
    assert pictures[0] != pictures[1] and not first.watched.exists()

    long, waiting = submit(pair, steps=200), submit(other, steps=200)
    assert submit(pair, steps=200) is long and worker.under_way() == [long, waiting]
    waiting.cancel()
    until(lambda: long.preview.is_file())
    said = long.steps()
    assert said is not None and said.total == 200 and said.done < 200
    long.cancel()
    again = submit(pair, steps=200)
    assert again is not long and worker.find(long.out, pair) is again, "what was cancelled is not given to who asks anew"
    again.cancel()
    for cancelled in (long, waiting, again):
        with pytest.raises(TryOnCancelled):
            cancelled.result(timeout=60)
    assert not (long.out / "results").exists() and not waiting.out.joinpath("results", f"{other.name}.png").exists()
    submit(other, steps=4).result(timeout=60)
    assert multiprocessing.active_children() == [process], "one process made all of it"


def test_each_step_says_how_far_it_is_and_shows_what_it_comes_to_in_the_photos_shape(tmp_path: Path) -> None:
    photo = tmp_path / "square.jpg"
    write_image(photo, np.zeros((300, 300, 3), np.uint8))
    watch = Watch(tmp_path, FakeVae(), photo)  # type: ignore[arg-type]
    watch(1, 9, torch.full((1, 4, 8, 6), 2.0))
    assert read_json(tmp_path / "progress.json") == {"step": 1, "steps": 9, "left": None}
    preview = read_image(tmp_path / "preview.jpg")
    assert preview.shape == (48, 48, 3) and preview.min() > 250
    watch(4, 9, torch.zeros(1, 4, 8, 6))
    said = read_json(tmp_path / "progress.json")
    assert said["step"] == 4 and said["left"] >= 0
    (tmp_path / "cancel").touch()
    with pytest.raises(Stopped):
        watch(5, 9, torch.zeros(1, 4, 8, 6))
    with pytest.raises(Stopped):
        Watch(tmp_path, FakeVae(), photo)  # type: ignore[arg-type]
