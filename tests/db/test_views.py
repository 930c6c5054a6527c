"""Saved views: a name is taken once a dataset, and they go with it."""

import pytest

from db import datasets, views
from db.engine import Database
from db.models import Dataset

QUERY = "split=test&kind=Paired&trait=sleeves%3Along"


@pytest.fixture
def dataset(database: Database) -> Dataset:
    with database.write() as session:
        return datasets.add(session, "small", "/sets/small", "v1", [], {})


def names(database: Database, dataset: Dataset) -> list[str]:
    with database.read() as session:
        return [view.name for view in views.list_of(session, dataset.id)]


def test_a_view_is_found_by_its_name_with_its_query(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        views.save(session, dataset.id, "Long sleeves", QUERY)
        views.save(session, dataset.id, "All", "split=test")
    with database.read() as session:
        found = views.by_name(session, dataset.id, "Long sleeves")
        assert found is not None and found.query == QUERY
        assert views.by_name(session, dataset.id + 1, "Long sleeves") is None
    assert names(database, dataset) == ["All", "Long sleeves"]


def test_names_are_taken_once_and_not_empty(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        first = views.save(session, dataset.id, "first", QUERY)
        views.save(session, dataset.id, "second", QUERY)
        for name in ("second", " ", ""):
            with pytest.raises(ValueError, match="free name"):
                views.rename(session, first.id, name)
        assert views.rename(session, first.id, "first").name == "first"
        assert views.rename(session, first.id, "third").name == "third"
        other = datasets.add(session, "other", "/sets/other", "v1", [], {})
        views.save(session, other.id, "second", QUERY)
    assert names(database, dataset) == ["second", "third"]


def test_change_and_remove(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        view = views.save(session, dataset.id, "one", QUERY)
        views.change(session, view.id, "split=train")
    with database.read() as session:
        assert [one.query for one in views.list_of(session, dataset.id)] == ["split=train"]
    with database.write() as session:
        views.remove(session, view.id)
        with pytest.raises(ValueError, match="no saved view"):
            views.change(session, view.id, QUERY)
    assert names(database, dataset) == []


def test_views_go_with_their_dataset(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        views.save(session, dataset.id, "one", QUERY)
        datasets.remove(session, dataset.id)
    assert names(database, dataset) == []


def test_pages_do_not_share_their_views(database: Database, dataset: Dataset) -> None:
    with database.write() as session:
        views.save(session, dataset.id, "one", QUERY)
        views.save(session, dataset.id, "one", "show=left", "qa")
        with pytest.raises(ValueError, match="free name"):
            views.save(session, dataset.id, "one", "show=all", "qa")
    with database.read() as session:
        assert [view.query for view in views.list_of(session, dataset.id, "qa")] == ["show=left"]
    assert names(database, dataset) == ["one"]
