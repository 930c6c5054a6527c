"""The run folder of a training: whose it is, its config as JSON, and the pairs that it leaves out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vton.errors import DataError
from vton.images import read_json, replacing, write_json
from vton.pairs import Pair
from vton.train.loop import STATE


def claim(out: Path, description: dict[str, Any], resume: bool) -> None:
    """Make `out` this training's folder. DataError where it holds something else, or a training that is not to be resumed."""
    place = out / "config.json"
    if not place.exists():
        if out.exists() and any(out.iterdir()):
            raise DataError(f"{out} is not empty and holds no training; choose another folder.")
        write_json(place, description)
        return
    found = read_json(place)
    differs = [key for key in description if not isinstance(found, dict) or found.get(key) != description[key]]
    if differs:
        raise DataError(f"{out} was made with another config (it differs in {', '.join(differs)}); choose another folder.")
    if not resume and (out / STATE).exists():
        raise DataError(f"{out} holds a training already; --resume goes on with it.")


def goes_on(out: Path, resume: bool) -> bool:
    """Whether `out` holds the state of a training that is to be resumed: what it began with is not read again."""
    return resume and (out / STATE).exists()


def as_json(config: Any) -> Any:
    """A config dataclass as JSON has it: its fields, tuples as lists."""
    return _listed(asdict(config))


def write_pairs(place: Path, pairs: Sequence[Pair]) -> None:
    """A pair list, as `python -m vton.generate --pairs` takes it."""
    with replacing(place) as file:
        file.write("".join(f"{pair.person}.jpg {pair.cloth}.jpg\n" for pair in pairs).encode())


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _listed(inner) for name, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, list | tuple) else value
