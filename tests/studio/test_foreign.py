"""Folders of another method's pictures: named in several ways, taken in whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from db import runs
from db.models import Dataset
from studio.__main__ import main
from studio.foreign import import_pictures
from studio.importer import ImportFault, add_dataset
from studio.workspace import Workspace
from vton.pairs import Pair, open_dataset


@pytest.fixture
def dataset(opened: Workspace, drawn: Path) -> Dataset:
    return add_dataset(opened, drawn, "Drawn")


@pytest.fixture
def pairs(drawn: Path) -> list[Pair]:
    return list(open_dataset(drawn).splits["test"].pairs)


def pictures(folder: Path, names: list[str]) -> Path:
    folder.mkdir(parents=True)
    for shade, name in enumerate(names):
        Image.new("RGB", (12, 16), (shade, 0, 0)).save(folder / name)
    return folder


NAMINGS: dict[str, Callable[[Pair], str]] = {
    "ours": lambda pair: f"{pair.person}__{pair.cloth}.png",
    "one underscore": lambda pair: f"{pair.person}_{pair.cloth}.png",
    "the person alone": lambda pair: f"{pair.person}.JPG",
}


@pytest.mark.parametrize("naming", NAMINGS)
def test_pictures_are_found_by_their_names(
    opened: Workspace, dataset: Dataset, pairs: list[Pair], tmp_path: Path, naming: str
) -> None:
    folder = pictures(tmp_path / "HR VITON", [NAMINGS[naming](pair) for pair in pairs] + ["grid.png"])
    told: list[tuple[int, int]] = []
    run, left = import_pictures(opened, folder, dataset, "test", progress=lambda *now: told.append(now))
    assert (run.name, run.dataset_id, run.split, left) == ("HR VITON", dataset.id, "test", ["grid.png"])
    with opened.database.read() as session:
        assert [(row.person, row.cloth) for row in runs.results(session, run.id)] == sorted((p.person, p.cloth) for p in pairs)
    assert told[-1] == (len(pairs), len(pairs)) and run.config["source"] == str(folder)
    again, _ = import_pictures(opened, folder, dataset, "test")
    assert again.id != run.id and again.folder != run.folder


def test_a_pair_that_is_not_listed_is_found_by_its_two_names(
    opened: Workspace, dataset: Dataset, pairs: list[Pair], tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "paired", [f"{pair.person}_{pair.person}.png" for pair in pairs])
    run, left = import_pictures(opened, folder, dataset, "test")
    with opened.database.read() as session:
        assert all(row.person == row.cloth for row in runs.results(session, run.id)) and left == []


def test_nothing_is_left_behind_of_what_cannot_be_taken_in(
    opened: Workspace, dataset: Dataset, pairs: list[Pair], tmp_path: Path
) -> None:
    pair = pairs[0]
    unknown = pictures(tmp_path / "unknown", ["cat.png"])
    twice = pictures(tmp_path / "twice", [f"{pair.person}_{pair.cloth}.png", f"{pair.person}__{pair.cloth}.png"])
    empty = pictures(tmp_path / "empty", [])
    damaged = pictures(tmp_path / "damaged", [])
    (damaged / f"{pair.name}.png").write_bytes(b"no picture")
    for folder, words in (
        (unknown, "no picture of a pair of Drawn, test: cat.png is not named"),
        (twice, "are both of the pair"),
        (empty, "holds no picture"),
        (damaged, "is damaged"),
        (tmp_path / "none", "There is no folder"),
    ):
        with pytest.raises(ImportFault, match=words):
            import_pictures(opened, folder, dataset, "test")
    home = opened.settings.runs_dir
    assert not home.exists() or list(home.iterdir()) == []
    with opened.database.read() as session:
        assert runs.list_all(session) == []


def test_the_command_says_what_it_took_and_left_out(
    opened: Workspace, dataset: Dataset, pairs: list[Pair], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pictures(tmp_path / "theirs", [f"{pairs[0].person}_{pairs[0].cloth}.png", "notes.jpg"])
    assert main(["import-run", str(folder), "--dataset", "Drawn", "--name", "Theirs"]) == 0
    assert capsys.readouterr().out == "Took in the run 'Theirs'. Left out, named for no pair: notes.jpg.\n"
    assert main(["import-run", str(folder), "--dataset", "Nobody's"]) == 1
    assert "no dataset called" in capsys.readouterr().err
