"""Reads a run's metrics.json into numbers that can be stored."""

import json
import math
from pathlib import Path
from typing import Any

from db.runs import NewMetric

FORMAT = 1


def read_metrics(file: Path, fault: type[Exception]) -> list[NewMetric]:
    """The numbers in metrics.json, none when there is no such file; `fault` with a sentence when it is malformed."""
    if not file.exists():
        return []
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise fault(f"{file} cannot be read as JSON ({error}).") from error
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise fault(f'{file} has no "format": {FORMAT}.')
    try:
        whole = [_whole(name, entry) for name, entry in table.get("metrics", {}).items() if entry["value"] is not None]
        pairs = [
            NewMetric(_pair(pair), str(name), _number(value))
            for pair, values in table.get("pairs", {}).items()
            for name, value in values.items()
            if value is not None
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise fault(f"{file} is not as the formats describe it ({error!r}).") from error
    return whole + pairs


def _whole(name: str, entry: dict[str, Any]) -> NewMetric:
    low, high = entry.get("interval") or (None, None)
    better = entry.get("higher_is_better")
    return NewMetric(
        None,
        name,
        _number(entry["value"]),
        None if low is None else _number(low),
        None if high is None else _number(high),
        None if entry.get("n") is None else int(entry["n"]),
        None if better is None else bool(better),
        dict(entry.get("card") or {}),
    )


def _number(value: Any) -> float:
    number = float(value)
    if math.isnan(number):  # infinity is a measured value: the PSNR of a perfect picture
        raise ValueError(f"{value} is no number")
    return number


def _pair(name: str) -> tuple[str, str]:
    person, separator, cloth = name.partition("__")
    if not (person and separator and cloth):
        raise ValueError(f"{name!r} is no pair")
    return person, cloth
