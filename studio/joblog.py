"""What a job's folder says: its progress and the end of its log."""

import json
from pathlib import Path
from typing import Any

LOG, PROGRESS = "log.txt", "progress.json"
TAIL_BYTES, TAIL_LINES = 16_384, 40
LINE_LENGTH = 500  # characters kept of a last line


def read_progress(folder: Path | str) -> dict[str, Any] | None:
    """What the command last said of its progress, None before it said anything."""
    try:
        progress = json.loads((Path(folder) / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return progress if isinstance(progress, dict) else None


def read_tail(folder: Path | str) -> str:
    """The last lines of the log, empty when there is none."""
    try:
        with (Path(folder) / LOG).open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def last_line(folder: Path | str) -> str:
    """The last line of the log that says something."""
    lines = [line.strip() for line in read_tail(folder).splitlines() if line.strip()]
    return lines[-1][:LINE_LENGTH] if lines else ""
