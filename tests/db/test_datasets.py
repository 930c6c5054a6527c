"""Datasets: what a page of pairs holds, and what a new scan changes."""

import pytest

from db import datasets
from db.engine import Database
from db.models import Dataset

ITEMS = [
    datasets.NewItem("test", "00001_00", True, True, {"image": "test/image/00001_00.jpg"}),
    datasets.NewItem("test", "00002_00", True, False, {}),
    datasets.NewItem("test", "Blue_x%y", True, True, {}),
    datasets.NewItem("test", "00003_00", False, True, {}),
    datasets.NewItem("train", "00001_00", True, True, {}),
]
PAIRS = {"test": [("00002_00", "00003_00"), ("00001_00", "Blue_x%y"), ("Blue_x%y", "00001_00")]}


@pytest.fixture
def dataset(database: Database) -> Dataset:
    with database.write() as session:
        return datasets.add(session, "small", "/sets/small", "v1", ITEMS, PAIRS)


def test_unpaired_pages_follow_the_list(database: Database, dataset: Dataset) -> None:
    with database.read() as session:
        assert datasets.page_pairs(session, dataset.id, "test", paired=False) == PAIRS["test"]
        assert datasets.page_pairs(session, dataset.id, "test", False, offset=1, limit=1) == [PAIRS["test"][1]]
        assert datasets.count_pairs(session, dataset.id, "test", paired=False) == 3


def test_paired_pages_hold_stems_with_both_by_stem(database: Database, dataset: Dataset) -> None:
    with database.read() as session:
        assert datasets.page_pairs(session, dataset.id, "test", paired=True) == [
            ("00001_00", "00001_00"),
            ("Blue_x%y", "Blue_x%y"),
        ]
        assert datasets.count_pairs(session, dataset.id, "train", paired=True) == 1


@pytest.mark.parametrize(("search", "found"), [("0003", 1), ("blue", 2), ("x%y", 2), ("%", 2), ("x_y", 0), ("", 3)])
def test_search_finds_either_id_and_takes_signs_literally(
    database: Database, dataset: Dataset, search: str, found: int
) -> None:
    with database.read() as session:
        assert datasets.count_pairs(session, dataset.id, "test", False, search) == found
        assert len(datasets.page_pairs(session, dataset.id, "test", False, search)) == found


def test_splits_count_what_they_hold(database: Database, dataset: Dataset) -> None:
    with database.read() as session:
        assert datasets.splits(session, dataset.id) == {"test": (3, 3, 2, 3), "train": (1, 1, 1, 0)}


def test_new_scan_keeps_the_ids_of_what_stayed(database: Database, dataset: Dataset) -> None:
    with database.read() as session:
        kept = datasets.item(session, dataset.id, "test", "00001_00")
    newer = [ITEMS[0]._replace(has_cloth=False), datasets.NewItem("test", "00009_00", True, True, {"image": "i"})]
    with database.write() as session:
        datasets.replace_contents(session, dataset.id, "v2", newer, {"test": [("00009_00", "00009_00")]})
    with database.read() as session:
        now = datasets.item(session, dataset.id, "test", "00001_00")
        assert kept is not None and now is not None
        assert (now.id, now.has_cloth) == (kept.id, False)
        assert datasets.item(session, dataset.id, "test", "00002_00") is None
        assert datasets.page_pairs(session, dataset.id, "test", False) == [("00009_00", "00009_00")]
        stored = datasets.get(session, dataset.id)
        assert stored is not None and stored.fingerprint == "v2"


def test_names_are_taken_once(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        other = datasets.add(session, "other", "/sets/other", "v1", [], {})
        with pytest.raises(ValueError, match="free name"):
            datasets.rename(session, other.id, "small")
        assert datasets.rename(session, other.id, "other").name == "other"


def test_removing_takes_the_contents_along(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        datasets.remove(session, dataset.id)
    with database.read() as session:
        assert datasets.list_all(session) == [] and datasets.splits(session, dataset.id) == {}
