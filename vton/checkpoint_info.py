"""What a checkpoint says of itself, read without opening the network: kind, size, parameters, what it was trained on."""

import hashlib
import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from vton.errors import CheckpointError

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
TRAINED = "checkpoint"  # its folder in a training's run folder
GEOMETRIC = "geometric"  # the warp that needs no checkpoint
SHIPPED = Path(__file__).parents[1] / "data" / "demo" / "warp"  # the checkpoint trained on drawn pictures
MAX_HEADER = 100_000_000  # bytes; safetensors' own limit


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint's own words."""

    kind: str  # "warp", "seed warp" ...
    size: tuple[int, int] | None  # (height, width) that the network sees
    parameters: int
    half: bool  # stored in half precision
    trained_on: str  # half a sentence, after "trained on"
    drawn: bool  # trained on drawn pictures, not on photos
    step: int | None  # of its training


def read_info(folder: Path) -> CheckpointInfo:
    """The info of the checkpoint in `folder`. CheckpointError where it is none."""
    config = read_config(folder)
    network, trained = config["network"], config["trained"]
    height, width = network.get("height"), network.get("width")
    parameters, half = _weights(folder / WEIGHTS)
    drawn = _drawn(trained)
    step = trained.get("step")
    return CheckpointInfo(
        kind=str(config.get("kind")),
        size=(height, width) if isinstance(height, int) and isinstance(width, int) else None,
        parameters=parameters,
        half=half,
        trained_on=_trained_on(trained, drawn),
        drawn=drawn,
        step=step if isinstance(step, int) else None,
    )


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a checkpoint of any kind; `network` and `trained` are dicts. CheckpointError where it is none."""
    place = folder / CONFIG
    try:
        config = json.loads(place.read_bytes())
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} is no checkpoint: it has no {CONFIG}; give the folder that a training wrote."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{place} is not readable JSON ({error}).") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT or not isinstance(config.get("network"), dict):
        raise CheckpointError(f"{place} is not of a checkpoint of format {FORMAT}.")
    trained = config.get("trained")
    return config | {"trained": trained if isinstance(trained, dict) else {}}


def checkpoint_in(folder: Path) -> Path:
    """`folder` itself, or its checkpoint/ where it is the run folder of a training."""
    trained = folder / TRAINED
    return trained if (trained / CONFIG).is_file() else folder


def name_of(folder: Path) -> str:
    """What the checkpoint in `folder` is called: as its folder is, or as the training that wrote it."""
    return (folder.parent if folder.name == TRAINED else folder).resolve().name


def hash_weights(place: Path) -> str:
    """The sha256 of a file of weights. CheckpointError where it cannot be read."""
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{place} cannot be read ({error.strerror}); copy the checkpoint again.") from error


def _weights(place: Path) -> tuple[int, bool]:
    """How many numbers a safetensors file holds, and whether in half precision, from its header alone."""
    try:
        with place.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_HEADER:
                raise ValueError(f"its header would be {length} bytes")
            header = json.loads(file.read(length))
        tensors = [value for name, value in header.items() if name != "__metadata__"]
        return sum(prod(value["shape"]) for value in tensors), all(value["dtype"] == "F16" for value in tensors)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{place} cannot be read as safetensors ({error}); copy the checkpoint again.") from error


def _drawn(trained: dict[str, Any]) -> bool:
    """Whether it learnt from a true flow, which only drawn pictures have."""
    losses = trained.get("losses")
    return bool(isinstance(losses, dict) and losses.get("flow"))


def _trained_on(trained: dict[str, Any], drawn: bool) -> str:
    data = trained.get("data")
    if isinstance(data, str):
        return data
    if not isinstance(data, dict) or "root" not in data:
        return "nothing that it tells"
    pairs = f"{data['pairs']:,} pairs of " if isinstance(data.get("pairs"), int) else ""
    return f"{pairs}{'drawn pictures' if drawn else 'photos'} ({Path(str(data['root'])).name})"
