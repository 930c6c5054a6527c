"""Models and migrations agree, and the first schema is still opened with all its rows."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select

from db.engine import make_engine, open_database, read_url
from db.errors import DatabaseFault
from db.models import Base
from db.schema import upgrade

FIRST = Path(__file__).parents[1] / "data" / "schema_0001.sql"


def test_models_and_migrations_agree(url: str) -> None:
    assert upgrade(url)
    engine = make_engine(read_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        checks = {found["name"] for found in inspect(connection).get_check_constraints("rating")}
        assert {"ck_rating_score_1_to_5", "ck_rating_undo_is_not_live"} <= checks
    engine.dispose()
    assert not upgrade(url), "a second upgrade has nothing to do"


def test_first_schema_is_still_opened_with_every_row(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    connection = sqlite3.connect(file)
    connection.executescript(FIRST.read_text())
    before = {
        name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    }
    connection.close()
    upgrade(f"sqlite:///{file}")
    database = open_database(f"sqlite:///{file}")
    with database.read() as session:
        for mapper in Base.registry.mappers:
            table = mapper.local_table.name  # type: ignore[attr-defined]
            if table not in before:
                continue
            rows = list(session.scalars(select(mapper.class_)))
            assert len(rows) == before[table] > 0, table
            assert session.scalar(select(func.count()).select_from(mapper.class_)) == len(rows)
    database.close()
    assert set(before) >= {"dataset", "item", "listed_pair", "run", "result", "metric", "rater", "rating", "job"}


def test_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "studio.db"
    upgrade(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseFault, match="newer release"):
        upgrade(f"sqlite:///{file}")


@pytest.mark.parametrize("url", ["mysql://somewhere/x", "sqlite://", "nonsense"])
def test_other_databases_are_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(DatabaseFault, match="expected sqlite:///FILE or postgresql"):
        read_url(url)


def test_what_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "studio.db"
    file.write_bytes(b"this is no database, and long enough to be looked at" * 40)
    with pytest.raises(DatabaseFault, match="not a database"):
        upgrade(f"sqlite:///{file}")
    with pytest.raises(DatabaseFault, match="does not exist"):
        upgrade(f"sqlite:///{tmp_path / 'nowhere' / 'studio.db'}")
