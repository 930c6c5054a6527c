"""Reads a run's metrics.json: numbers that can be stored, and what could not be measured."""

import json
import math
from pathlib import Path
from typing import Any

from db.runs import NewMetric

FORMAT = 1
MOST = 2**31 - 1  # what a column of whole numbers holds in every database


class _Malformed(Exception):
    """What is not as data/README.md describes it; str() is half a sentence."""


def read_metrics(file: Path, fault: type[Exception]) -> list[NewMetric]:
    """The numbers in metrics.json, none when there is no such file; `fault` with a sentence when it is malformed."""
    if not file.exists():
        return []
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise fault(f"{file} cannot be read as JSON ({error}).") from error
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise fault(f'{file} has no "format": {FORMAT}.')
    try:
        return _of_run(table) + _of_pairs(table)
    except _Malformed as error:
        raise fault(f"{file} is not as the formats describe it: {error}.") from error


def read_left_out(file: Path) -> dict[str, str]:
    """Why a metric was not measured, by its name; nothing where the file does not say."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["left_out"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {str(name): str(why) for name, why in found.items()} if isinstance(found, dict) else {}


def _of_run(table: dict[str, Any]) -> list[NewMetric]:
    found = []
    for name, value in _part(table, "metrics").items():
        entry = _object(value, f"the metric {name}")
        if "value" not in entry:
            raise _Malformed(f'the metric {name} has no "value"')
        if entry["value"] is not None:
            found.append(_whole(name, entry))
    return found


def _of_pairs(table: dict[str, Any]) -> list[NewMetric]:
    return [
        NewMetric(_pair(pair), name, _number(value, f"{name} of {pair}"))
        for pair, values in _part(table, "pairs").items()
        for name, value in _object(values, f"the pair {pair}").items()
        if value is not None
    ]


def _part(table: dict[str, Any], name: str) -> dict[str, Any]:
    return _object(table.get(name, {}), f'"{name}"')


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Malformed(f"{what} is no object")
    return value


def _whole(name: str, entry: dict[str, Any]) -> NewMetric:
    interval = entry.get("interval") or [None, None]
    if not isinstance(interval, list) or len(interval) != 2:
        raise _Malformed(f"the interval of {name} is no list of two numbers")
    low, high = (None if end is None else _number(end, f"the interval of {name}") for end in interval)
    better = entry.get("higher_is_better")
    return NewMetric(
        None,
        name,
        _number(entry["value"], f"the value of {name}"),
        low,
        high,
        _amount(entry.get("n"), f'"n" of {name}'),
        None if better is None else bool(better),
        _object(entry.get("card") or {}, f"the card of {name}"),
    )


def _number(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _Malformed(f"{what} is no number") from None
    if math.isnan(number):  # infinity is a measured value: the PSNR of a perfect picture
        raise _Malformed(f"{what} is no number")
    return number


def _amount(value: Any, what: str) -> int | None:
    if value is None:
        return None
    number = _number(value, what)
    if not 0 <= number <= MOST or number != int(number):
        raise _Malformed(f"{what} is no amount")
    return int(number)


def _pair(name: str) -> tuple[str, str]:
    person, separator, cloth = name.partition("__")
    if not (person and separator and cloth):
        raise _Malformed(f"{name} is no pair <person>__<cloth>")
    return person, cloth
