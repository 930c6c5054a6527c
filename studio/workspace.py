"""The workspace: the folder with the database, the runs and the caches, opened once a process."""

import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from db.engine import Database, open_database
from db.errors import DatabaseFault
from db.schema import upgrade
from studio.settings import Settings, get_settings

KEY_FILE = "secret.key"
KEY_BYTES = 32

_opened: dict[Settings, "Workspace"] = {}
_opening = threading.Lock()


class WorkspaceError(Exception):
    """A workspace that can't be opened; str() is one sentence."""


@dataclass(frozen=True)
class Workspace:
    """An open workspace."""

    settings: Settings
    database: Database
    key: bytes  # signs the addresses of pictures; stays on this machine


def open_workspace(settings: Settings) -> Workspace:
    """Make the folders that are missing, bring the database up to date and open it. WorkspaceError in one sentence."""
    try:
        for folder in (settings.workspace, settings.runs_dir, settings.jobs_dir, settings.cache_dir):
            folder.mkdir(parents=True, exist_ok=True)
        key = _read_key(settings.workspace / KEY_FILE)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkspaceError(f"The workspace {settings.workspace} cannot be used ({reason}); name another.") from error
    try:
        upgrade(settings.url)
        database = open_database(settings.url)
    except DatabaseFault as fault:
        raise WorkspaceError(str(fault)) from fault
    return Workspace(settings, database, key)


def workspace() -> Workspace:
    """The workspace of this process's settings, opened at the first call."""
    settings = get_settings()
    with _opening:
        if settings not in _opened:
            _opened[settings] = open_workspace(settings)
        return _opened[settings]


def _read_key(file: Path) -> bytes:
    """The workspace's secret, made at first for its owner's eyes only; whoever makes it first wins."""
    if not file.exists():
        made = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(made, file)
        except FileExistsError:
            return _read_key(file)
        finally:
            made.unlink()
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise WorkspaceError(f"{file} is damaged; delete it, and the studio makes a new one.")
    return key
