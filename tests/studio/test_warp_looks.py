"""Looks: made once however often they are asked for, found again, and another one when anything that they come from changes."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from studio import media, warp_looks
from studio.checkpoints import GEOMETRIC, Checkpoint
from studio.importer import add_dataset
from studio.inference import TryOnError, TryOnWorker
from studio.warp_looks import TRUTH, Place, ask, cache_of, call_off, fault_of, read_look
from studio.workspace import Workspace
from vton.pairs import Pair, open_dataset


@pytest.fixture
def place(opened: Workspace, drawn: Path, tmp_path: Path) -> Place:
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    return Place(opened, add_dataset(opened, root, "Drawn"), "test", open_dataset(root).splits["test"].pairs[0])


@pytest.fixture
def worker(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TryOnWorker]:
    made = TryOnWorker(opened)
    monkeypatch.setattr(warp_looks, "try_on_worker", lambda _workspace: made)
    yield made
    made.close()


def inputs(place: Place) -> list[Path]:
    root = Path(place.dataset.root) / place.split
    return [root / "image" / f"{place.pair.person}.jpg", root / "cloth" / f"{place.pair.cloth}.jpg"]


def test_a_look_is_made_in_the_workers_process_and_found_again(place: Place, worker: TryOnWorker) -> None:
    folders = {name: place.folder(name, inputs(place)) for name in (GEOMETRIC, TRUTH)}
    assert read_look(folders[GEOMETRIC]) is None and place.has_truth and place.is_drawn
    futures = [ask(place, name, folder) for name, folder in folders.items()]
    assert ask(place, GEOMETRIC, folders[GEOMETRIC]) is futures[0] or futures[0].done()
    for future in futures:
        assert future.result(timeout=120) is None and fault_of(future) == ""
    geometric, truth = (read_look(folder) for folder in folders.values())
    assert geometric and truth and geometric.folder != truth.folder
    assert geometric.report["numbers"]["epe"] > truth.report["numbers"]["epe"] == 0
    worn = geometric.picture("worn")
    assert worn and geometric.picture("nothing") is None
    token = media.sign(place.workspace, worn).removeprefix(f"{media.ROUTE}/")
    assert media.answer(place.workspace, token).status_code == 200
    nobody = replace(place, pair=Pair("nobody", place.pair.cloth))
    failed = ask(nobody, GEOMETRIC, nobody.folder(GEOMETRIC, []))
    with pytest.raises(TryOnError, match="nobody"):
        failed.result(timeout=120)
    assert "nobody" in fault_of(failed) and not nobody.has_truth


def test_another_warp_pair_file_or_version_is_another_look(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = inputs(place)
    checkpoint = Checkpoint("mine", tmp_path / "mine", 1, None)
    folder = place.folder(GEOMETRIC, files)
    assert place.folder(GEOMETRIC, files[::-1]) == folder
    others = [
        place.folder(TRUTH, files),
        place.folder(checkpoint, files),
        place.folder(replace(checkpoint, changed_ns=2), files),
    ]
    others.append(replace(place, pair=Pair(place.pair.cloth, place.pair.cloth)).folder(GEOMETRIC, files))
    os.utime(files[0], ns=(1, 1))
    others.append(place.folder(GEOMETRIC, files))
    monkeypatch.setattr(warp_looks, "version", lambda _package: "0.0.1")
    others.append(place.folder(GEOMETRIC, files))
    assert len({folder, *others}) == 7


def test_what_was_cut_off_is_no_look(place: Place) -> None:
    folder = place.folder(GEOMETRIC, [])
    folder.mkdir(parents=True)
    for text in ("", "{", "[]", '{"format": 0}'):
        (folder / "report.json").write_text(text)
        assert read_look(folder) is None


def test_what_has_not_begun_can_be_called_off_and_asked_for_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[Future[None]] = []

    class Idle:
        def look(self, *_: object) -> "Future[None]":
            waiting.append(Future())
            return waiting[-1]

    monkeypatch.setattr(warp_looks, "try_on_worker", lambda _workspace: Idle())
    folder = place.folder(GEOMETRIC, [])
    first = ask(place, GEOMETRIC, folder)
    assert ask(place, GEOMETRIC, folder) is first
    call_off([first])
    assert first.cancelled() and fault_of(first) == ""
    assert ask(place, GEOMETRIC, folder) is not first and len(waiting) == 2


def test_what_broke_unforeseen_is_one_sentence_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    broken: Future[None] = Future()
    broken.set_exception(MemoryError("no room"))
    assert "MemoryError: no room" in fault_of(broken) and "no room" in caplog.text


def test_the_oldest_looks_go_when_there_are_many(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warp_looks, "KEPT", 3)
    monkeypatch.setattr(warp_looks, "SWEEP", 2)
    monkeypatch.setattr(warp_looks, "try_on_worker", lambda _workspace: type("Idle", (), {"look": lambda *_: Future()})())
    for age in range(6):
        folder = cache_of(place.workspace) / f"look{age}"
        folder.mkdir(parents=True)
        os.utime(folder, ns=(age * 10**9, age * 10**9))
    ask(place, GEOMETRIC, place.folder(GEOMETRIC, []))
    assert sorted(folder.name for folder in cache_of(place.workspace).iterdir()) == ["look3", "look4", "look5"]
