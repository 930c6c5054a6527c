"""What a training wrote of itself, read while it goes on: its log line by line, and its sample pictures."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LOG, PICTURES = "log.jsonl", "pictures"
TRAIN, SPEED, VALIDATION = "train", "speed", "validation"  # kinds of lines
LATEST_SPEEDS = 10  # reports of which the speed is the median


@dataclass(frozen=True)
class Entry:
    """One line of a log: the numbers of a kind after so many steps."""

    step: int
    kind: str
    values: dict[str, float]


@dataclass(frozen=True)
class Series:
    """One number over the steps."""

    steps: list[int]
    values: list[float]


def read_log(folder: Path) -> tuple[Entry, ...]:
    """Every whole line of a training's log; none where there is no log yet. What is half written comes with the next look."""
    file = folder / LOG
    try:
        seen = file.stat()
        return _read_once(file, seen.st_mtime_ns, seen.st_size, seen.st_ino)
    except OSError:
        return ()


@lru_cache(maxsize=32)
def _read_once(file: Path, _changed_ns: int, _size: int, _inode: int) -> tuple[Entry, ...]:
    entries = (_entry(line) for line in file.read_bytes().split(b"\n"))
    return tuple(entry for entry in entries if entry is not None)


def _entry(line: bytes) -> Entry | None:
    """The entry of a line, its numbers that are finite; None where it is none, as when it is still being written."""
    try:
        told = json.loads(line)
        step, kind = told.pop("step"), told.pop("kind")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    if type(step) is not int or not isinstance(kind, str):
        return None
    numbers = {name: value for name, value in told.items() if type(value) in (int, float) and math.isfinite(value)}
    return Entry(step, kind, numbers)


def last(entries: Sequence[Entry], kind: str) -> Entry | None:
    """The newest line of a kind."""
    return next((entry for entry in reversed(entries) if entry.kind == kind), None)


def series(entries: Sequence[Entry], kind: str) -> dict[str, Series]:
    """Every number of a kind over the steps, in the order in which the log names them."""
    found: dict[str, Series] = {}
    for entry in entries:
        if entry.kind == kind:
            for name, value in entry.values.items():
                one = found.setdefault(name, Series([], []))
                one.steps.append(entry.step)
                one.values.append(value)
    return found


def smooth(values: Sequence[float], keep: float) -> list[float]:
    """The moving average that keeps the share `keep` (0 to below 1) of itself at every value, without a bias at the start."""
    smoothed, mean, weight = [], 0.0, 0.0
    for value in values:
        mean, weight = keep * mean + (1 - keep) * value, keep * weight + 1 - keep
        smoothed.append(mean / weight)
    return smoothed


def speed(entries: Sequence[Entry]) -> float | None:
    """Examples a second of late; None where the log says nothing of it."""
    told = [value for entry in entries if entry.kind == SPEED for value in entry.values.values()][-LATEST_SPEEDS:]
    return sorted(told)[len(told) // 2] if told else None


def pictures(folder: Path) -> dict[int, Path]:
    """The sample pictures by the step at which they were made, the oldest first."""
    return {int(file.stem): file for file in sorted((folder / PICTURES).glob("*.png")) if file.stem.isdigit()}
