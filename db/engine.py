"""open_database(url): the one place that knows how SQLite and PostgreSQL differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from db.errors import DatabaseFault

BUSY_SECONDS = 30  # how long a writer waits for the one before it
WRITERS_LOCK = 0x56544F4E  # PostgreSQL advisory lock: one writer at a time, as SQLite has it


@dataclass(frozen=True)
class Database:
    """An open database; sessions come from `read` and `write` and are never kept."""

    url: URL
    engine: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent picture of the database; nothing done in it is kept."""
        with self._session("DEFERRED") as session:
            yield session
            session.expunge_all()  # so that the rows stay as they were read
            session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is the only writer until its end: committed there, rolled back on an exception."""
        with self._session("IMMEDIATE") as session:
            session.connection()  # begins now, not at the first question
            if self.url.get_backend_name() == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS_LOCK})
            yield session
            session.commit()

    def _session(self, begin: str) -> Session:
        engine = self.engine.execution_options(sqlite_begin=begin)
        return sessionmaker(engine, expire_on_commit=False)()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def read_url(url: str) -> URL:
    """The parsed URL with its driver named; DatabaseFault when it is neither SQLite's nor PostgreSQL's."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseFault(f"{url!r} is no database URL; expected sqlite:///FILE or postgresql://...") from None
    backend = parsed.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise DatabaseFault(f"{url!r} is not supported; expected sqlite:///FILE or postgresql://...")
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database, None for a server's."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def make_engine(url: URL, foreign_keys: bool = True) -> Engine:
    """An engine with our settings; `foreign_keys=False` is for migrations, which rebuild tables on SQLite."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; `begin` below does
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={BUSY_SECONDS * 1000}",
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def open_database(url: str) -> Database:
    """The database at `url`, reached once so that a wrong place is told now and not at the first click."""
    parsed = read_url(url)
    file = sqlite_file(parsed)
    if file is not None and not file.parent.is_dir():
        raise DatabaseFault(f"The folder {file.parent} for the database does not exist; make it or name another.")
    engine = make_engine(parsed)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError as error:
        engine.dispose()
        place = parsed.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseFault(f"The database {place} cannot be opened: {reason}") from error
    return Database(parsed, engine)
