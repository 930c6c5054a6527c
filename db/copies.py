"""backup and restore: whole copies of a database, taken and put back while the studio may be running."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL

from db.engine import BUSY_SECONDS, read_url, sqlite_file
from db.errors import DatabaseFault
from db.models import Base
from db.schema import known_revisions, upgrade

PARTS = ("-wal", "-shm", "")  # the files of an SQLite database, by what stands behind its name


def backup(url: str, target: Path) -> None:
    """Write a copy of the database, as of one moment, to a file that must not exist yet."""
    target = target.absolute()
    if target.exists():
        raise DatabaseFault(f"{target} exists already; name a new file for the backup.")
    if not target.parent.is_dir():
        raise DatabaseFault(f"The folder {target.parent} for the backup does not exist; make it or name another.")
    parsed = read_url(url)
    file = sqlite_file(parsed)
    with _temporary_beside(target) as unfinished:
        if file is None:
            _postgresql_tool("pg_dump", parsed, "--format=custom", f"--file={unfinished}")
        else:
            if not file.is_file():
                raise DatabaseFault(f"There is no database at {file}.")
            try:
                _copy_sqlite(file, unfinished)
            except sqlite3.DatabaseError as error:
                raise DatabaseFault(f"{file} is not a whole SQLite database: {error}.") from error
            check_sqlite(unfinished, called=file)
        os.replace(unfinished, target)


def restore(url: str, source: Path) -> Path | None:
    """Put a backup in the database's place and bring it up to date.

    Returns where the contents until now are kept, None when there were none. DatabaseFault, and nothing changed, when
    the file is not a whole database of ours.
    """
    source = source.absolute()
    if not source.is_file():
        raise DatabaseFault(f"There is no backup at {source}.")
    parsed = read_url(url)
    file = sqlite_file(parsed)
    if file is None:
        kept = Path.cwd() / f"before-restore-{_stamp()}.dump"
        backup(url, kept)
        options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
        _postgresql_tool("pg_restore", parsed, *options, str(source))
        upgrade(url)
        return kept
    file = file.absolute()
    if source == file:
        raise DatabaseFault(f"{source} is the database itself; name a backup of it.")
    check_sqlite(source)
    kept_file = _set_aside(file)
    _copy_sqlite(source, file)
    upgrade(url)
    return kept_file


def check_sqlite(file: Path, called: Path | None = None) -> None:
    """DatabaseFault unless the file is a whole SQLite database with our tables, of this release or an older one.

    `called` is what the sentence names where `file` is a copy that nobody has asked for.
    """
    name = called or file
    try:
        with closing(_open(file, "ro")) as connection:
            faults = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            marked = "alembic_version" in tables
            revisions = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")] if marked else []
    except sqlite3.DatabaseError as error:
        raise DatabaseFault(f"{name} is not a whole SQLite database: {error}.") from error
    if faults != ["ok"]:
        raise DatabaseFault(f"{name} is damaged: {faults[0]}.")
    if not revisions or not tables & set(Base.metadata.tables):
        raise DatabaseFault(f"{name} is a database, but not one of this studio's.")
    if revisions[0] not in known_revisions():
        raise DatabaseFault(f"{name} was made by a newer release (schema {revisions[0]}); install that one.")


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS)


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy page by page under SQLite's own locks, so that neither side has to be closed."""
    with closing(_open(source, "ro")) as reading, closing(_open(target, "rwc")) as writing:
        reading.backup(writing)


def _set_aside(file: Path) -> Path | None:
    """Keep a copy of the database beside it; where it can't be read any more, move its files away."""
    if not file.exists():
        return None
    kept = file.with_name(f"{file.name}.before-restore-{_stamp()}")
    try:
        _copy_sqlite(file, kept)
        check_sqlite(kept)
    except (sqlite3.DatabaseError, DatabaseFault):
        for suffix in PARTS:
            part = file.with_name(file.name + suffix)
            if part.exists():
                os.replace(part, kept.with_name(kept.name + suffix))
    return kept


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield unfinished
    finally:
        for suffix in PARTS:
            unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)


def _postgresql_tool(tool: str, url: URL, *arguments: str) -> None:
    address = url.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    try:
        done = subprocess.run(
            [tool, f"--dbname={address}", *arguments], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise DatabaseFault(f"{tool} is not installed; it comes with PostgreSQL's client programs.") from None
    if done.returncode:
        raise DatabaseFault(f"{tool} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
