"""Datasets: what a page of pairs holds, and what a new scan changes."""

import pytest

from db import datasets, runs
from db.engine import Database
from db.models import Dataset, Run

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


def test_all_pairs_and_the_pairs_of_some_stems(database: Database, dataset: Dataset) -> None:
    with database.read() as session:
        assert datasets.page_pairs(session, dataset.id, "test", False, offset=0, limit=None) == PAIRS["test"]
        assert datasets.pairs_with(session, dataset.id, "test", ["00001_00"]) == PAIRS["test"][1:]
        assert datasets.pairs_with(session, dataset.id, "train", ["00001_00"]) == []
        assert datasets.stems(session, dataset.id, "test") == {item.stem for item in ITEMS if item.split == "test"}


def test_metrics_of_single_pairs_are_found_by_run(database: Database, run: Run) -> None:
    pair = ("00001_00", "00002_00")
    found = [
        runs.NewMetric(None, "lpips", 0.2, higher_is_better=False),
        runs.NewMetric(None, "fid", 9.0, higher_is_better=False),
        runs.NewMetric(pair, "lpips", 0.3),
        runs.NewMetric(pair, "elsewhere", 1.0),
    ]
    assert run.dataset_id is not None
    with database.write() as session:
        runs.put_metrics(session, run.id, found)
    with database.read() as session:
        measures = datasets.measures(session, run.dataset_id, "test")
        assert measures == [(run.id, "first", "elsewhere", None), (run.id, "first", "lpips", False)]
        assert datasets.measures(session, run.dataset_id, "train") == []
        assert datasets.measured(session, run.id, "lpips") == {pair: 0.3}
        assert datasets.measured(session, run.id, "fid") == {}
        versions = datasets.run_versions(session, run.dataset_id)
    same = {"folder": run.folder, "dataset_id": run.dataset_id, "split": "test", "created_at": run.created_at}
    with database.write() as session:
        runs.put(session, name="", config={}, config_hash="", **same)
    with database.read() as session:
        assert datasets.run_versions(session, run.dataset_id) != versions, "a run that is taken in again is another version"
