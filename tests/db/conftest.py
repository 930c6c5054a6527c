"""A fresh database for each test: SQLite always, PostgreSQL too where VTON_TEST_POSTGRES holds the URL of an empty one."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from db import datasets, raters, runs
from db.engine import Database, open_database, read_url
from db.models import Rater, Result, Run
from db.schema import upgrade

BACKENDS = ["sqlite", *(["postgresql"] if os.environ.get("VTON_TEST_POSTGRES") else [])]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a place without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'studio.db'}"
    address = os.environ["VTON_TEST_POSTGRES"]
    engine = create_engine(read_url(address))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return address


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An open database of the newest schema."""
    upgrade(url)
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def run(database: Database) -> Run:
    """A run of three results on a small dataset."""
    items = [datasets.NewItem("test", f"0000{n}_00", True, True, {"image": f"test/image/0000{n}_00.jpg"}) for n in (1, 2, 3)]
    pairs = {"test": [("00001_00", "00002_00"), ("00002_00", "00003_00"), ("00003_00", "00001_00")]}
    with database.write() as session:
        dataset = datasets.add(session, "small", "/sets/small", "v1", items, pairs)
        made = runs.put(
            session,
            name="first",
            folder="/runs/first",
            config={"format": 1},
            config_hash="c" * 64,
            dataset_id=dataset.id,
            split="test",
            created_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
        )
        found = [runs.NewResult(p, c, f"results/{p}__{c}.png", f"sha-{p}", 48, 64, 99, 7) for p, c in pairs["test"]]
        runs.put_results(session, made.id, found)
    return made


@pytest.fixture
def results(database: Database, run: Run) -> list[Result]:
    """The results of the run, in order."""
    with database.read() as session:
        return runs.results(session, run.id)


@pytest.fixture
def rater(database: Database) -> Rater:
    """Someone who judges."""
    with database.write() as session:
        return raters.get_or_add(session, "Ada")
