"""upgrade(url): bring a database to the newest schema, whatever release left it behind."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from db.engine import WRITERS_LOCK, make_engine, read_url, sqlite_file
from db.errors import DatabaseFault


def upgrade(url: str) -> bool:
    """Apply what is missing, all of it or nothing; True when something was applied, DatabaseFault when it can't be."""
    parsed = read_url(url)
    file = sqlite_file(parsed)
    if file is not None and not file.parent.is_dir():
        raise DatabaseFault(f"The folder {file.parent} for the database does not exist; make it or name another.")
    engine = make_engine(parsed, foreign_keys=False).execution_options(sqlite_begin="IMMEDIATE")
    place = parsed.render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            return _upgrade(connection, place)
    except DatabaseError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseFault(f"The database {place} cannot be brought up to date: {reason}") from error
    finally:
        engine.dispose()


def _upgrade(connection: Connection, place: str) -> bool:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS_LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return False
    if current is not None and current not in known_revisions():
        raise DatabaseFault(f"The database {place} was made by a newer release (schema {current}); install that one.")
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise DatabaseFault(f"The database {place} holds a row of {broken[0]} whose {broken[2]} is missing.")
    return True


def known_revisions() -> set[str]:
    """Every schema version that this release can open."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
