"""Reads a run's failures.jsonl: which pairs could not be made, and why."""

import json
from pathlib import Path


def read_failures(folder: Path) -> list[tuple[str, str]]:
    """(pair, reason) of every pair of a run that failed; lines that cannot be read are left out."""
    try:
        lines = (folder / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [failure for failure in map(_read_line, lines) if failure is not None]


def _read_line(line: str) -> tuple[str, str] | None:
    try:
        entry = json.loads(line)
        return str(entry["pair"]), str(entry["error"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
