"""Backup and restore: whole copies only, and what was there is kept."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from db import raters
from db.__main__ import main
from db.copies import backup, restore
from db.engine import open_database
from db.errors import DatabaseFault
from db.schema import upgrade


def add(url: str, name: str) -> None:
    database = open_database(url)
    with database.write() as session:
        raters.get_or_add(session, name)
    database.close()


def names(url: str) -> list[str]:
    database = open_database(url)
    with database.read() as session:
        found = [rater.name for rater in raters.list_all(session)]
    database.close()
    return found


@pytest.fixture
def filled(url: str) -> str:
    if url.startswith("postgresql") and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")
    upgrade(url)
    add(url, "Ada")
    return url


def test_restore_gives_back_what_was_and_keeps_what_is(filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    backup(filled, tmp_path / "monday")
    assert [file.name for file in tmp_path.glob("*monday*")] == ["monday"]
    add(filled, "Bob")
    kept = restore(filled, tmp_path / "monday")
    assert names(filled) == ["Ada"]
    assert kept is not None and kept.exists()
    restore(filled, kept)
    assert names(filled) == ["Ada", "Bob"]


def test_backup_and_restore_while_the_database_is_open(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studio.db'}"
    upgrade(url)
    add(url, "Ada")
    database = open_database(url)
    with database.write() as session:
        raters.get_or_add(session, "not committed")
        backup(url, tmp_path / "monday.db")
    restore(url, tmp_path / "monday.db")
    with database.write() as session:
        assert [rater.name for rater in raters.list_all(session)] == ["Ada"]
        raters.get_or_add(session, "Eve")
    database.close()
    assert names(url) == ["Ada", "Eve"]


def test_backup_never_writes_over_a_file(filled: str, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    with pytest.raises(DatabaseFault, match="exists already"):
        backup(filled, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "precious"


def other_database(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('0001')")
    connection.commit()
    connection.close()


def no_database(file: Path) -> None:
    file.write_bytes(b"\x00 nothing that we know \x00" * 100)


def empty_file(file: Path) -> None:
    file.touch()


def cut_off(file: Path) -> None:
    whole = f"sqlite:///{file.with_name('whole.db')}"
    upgrade(whole)
    backup(whole, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("make", [other_database, no_database, empty_file, cut_off])
def test_what_is_not_ours_is_refused_and_nothing_changes(tmp_path: Path, make: object) -> None:
    url = f"sqlite:///{tmp_path / 'studio.db'}"
    upgrade(url)
    add(url, "Ada")
    make(tmp_path / "strange.db")  # type: ignore[operator]
    with pytest.raises(DatabaseFault):
        restore(url, tmp_path / "strange.db")
    assert names(url) == ["Ada"]
    assert list(tmp_path.glob("studio.db.before*")) == []


def test_a_damaged_database_is_moved_aside_by_restore(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studio.db'}"
    upgrade(url)
    add(url, "Ada")
    backup(url, tmp_path / "monday.db")
    (tmp_path / "studio.db").write_bytes(b"broken" * 1000)
    kept = restore(url, tmp_path / "monday.db")
    assert names(url) == ["Ada"]
    assert kept is not None and kept.read_bytes().startswith(b"broken")


def newer_schema(file: Path) -> str:
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    return "newer release (schema 9999)"


def not_ours(file: Path) -> str:
    file.unlink()
    other_database(file)
    return "not one of this studio's"


def garbage(file: Path) -> str:
    no_database(file)
    return "is not a whole SQLite database"


@pytest.mark.parametrize("damage", [newer_schema, not_ours, garbage])
def test_a_backup_that_fails_names_the_database(tmp_path: Path, damage: Callable[[Path], str]) -> None:
    file = tmp_path / "studio.db"
    upgrade(f"sqlite:///{file}")
    sentence = damage(file)
    with pytest.raises(DatabaseFault) as fault:
        backup(f"sqlite:///{file}", tmp_path / "monday.db")
    assert sentence in str(fault.value) and str(fault.value).startswith(f"{file} ")
    assert "monday" not in str(fault.value) and not list(tmp_path.glob("*monday*"))


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'studio.db'}"
    assert main(["upgrade", "--url", url]) == 0
    assert main(["backup", str(tmp_path / "b.db"), "--url", url]) == 0
    assert main(["restore", str(tmp_path / "b.db"), "--url", url]) == 0
    assert "is kept at" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "none.db"), "--url", url]) == 1
    assert capsys.readouterr().err == f"There is no backup at {tmp_path / 'none.db'}.\n"
