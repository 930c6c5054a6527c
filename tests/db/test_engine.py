"""Settings of the connections, and many writers at once."""

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db import raters
from db.engine import Database, open_database
from db.models import Item, Rater
from db.schema import upgrade


def test_sqlite_is_set_up_for_many_writers_and_no_loss(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studio.db'}"
    upgrade(url)
    database = open_database(url)
    with database.read() as session:
        found = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous")]
    assert found == ["wal", 1, 2]
    database.close()


def test_a_write_is_the_only_one_from_its_first_moment(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studio.db'}"
    upgrade(url)
    database = open_database(url)
    other = sqlite3.connect(tmp_path / "studio.db", timeout=0, isolation_level=None)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()
    database.close()


def test_an_exception_stores_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        raters.get_or_add(session, "Ada")
        raise RuntimeError
    with database.read() as session:
        assert raters.list_all(session) == []


def test_a_child_without_its_parent_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Item(dataset_id=999, split="test", stem="x", has_person=True, has_cloth=False, maps={}))


def test_ids_are_never_given_twice(database: Database) -> None:
    with database.write() as session:
        first = raters.get_or_add(session, "Ada").id
        session.delete(session.get(Rater, first))
    with database.write() as session:
        assert raters.get_or_add(session, "Bob").id > first


def count_up(url: str, times: int) -> None:
    """Read the number in a row and write the next one: loses counts or fails where transactions do not hold."""
    database = open_database(url)
    for _ in range(times):
        with database.write() as session:
            row = session.get(Rater, 1)
            assert row is not None
            row.name = str(int(row.name) + 1)
    database.close()


def test_parallel_writers_neither_fail_nor_lose_a_count(url: str) -> None:
    upgrade(url)
    database = open_database(url)
    with database.write() as session:
        session.add(Rater(id=1, name="0"))
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=count_up, args=(url, 40)) for _ in range(3)]
    threads = [threading.Thread(target=count_up, args=(url, 40)) for _ in range(3)]
    for one in (*processes, *threads):
        one.start()
    for one in (*processes, *threads):
        one.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with database.read() as session:
        row = session.get(Rater, 1)
        assert row is not None and row.name == "240"
    database.close()
