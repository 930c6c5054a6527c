"""What a checkpoint says of itself, read without opening the network: kind, size, parameters, what it was trained on."""

import hashlib
import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from vton.errors import CheckpointError
from vton.sampling import Sampling

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
PUBLISHED_CLASS, PUBLISHED_WEIGHTS = "_class_name", "diffusion_pytorch_model.safetensors"  # as diffusers saves a network
TRAINED = "checkpoint"  # its folder in a training's run folder
GEOMETRIC = "geometric"  # the warp that needs no checkpoint
NONE = "none"  # no diffusion: the composite with its bare regions filled
SHIPPED = Path(__file__).parents[1] / "data" / "demo" / "warp"  # the checkpoints trained on drawn pictures
SHIPPED_DIFFUSION, SHIPPED_VAE = SHIPPED.parent / "unet", SHIPPED.parent / "vae"
SHIPPED_NAME = SHIPPED.parent.name  # what each of them is called
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
    sampling: Sampling | None = None  # a diffusion's own
    vae: str = ""  # the sha256 of the weights of the VAE that a diffusion was trained with


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
        sampling=_sampling(trained),
        vae=str(vae.get("sha256", "")) if isinstance(vae := trained.get("vae"), dict) else "",
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


def kind_of(folder: Path) -> str:
    """The kind of the checkpoint in `folder`, "vae" also of one that diffusers saved; "" where it cannot be told."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return ""
    if not isinstance(config, dict):
        return ""
    return "vae" if config.get(PUBLISHED_CLASS) == "AutoencoderKL" else str(config.get("kind", ""))


def checkpoint_in(folder: Path) -> Path:
    """`folder` itself, or its checkpoint/ where it is the run folder of a training."""
    trained = folder / TRAINED
    return trained if (trained / CONFIG).is_file() else folder


def name_of(folder: Path) -> str:
    """What the checkpoint in `folder` is called: as its folder is, or as the training that wrote it; the shipped ones alike."""
    place = (folder.parent if folder.name == TRAINED else folder).resolve()
    shipped = (one.resolve() for one in (SHIPPED, SHIPPED_DIFFUSION, SHIPPED_VAE))
    return SHIPPED_NAME if place in shipped else place.name


def hash_weights(place: Path) -> str:
    """The sha256 of a file of weights. CheckpointError where it cannot be read."""
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{place} cannot be read ({error.strerror}); copy the checkpoint again.") from error


def vae_weights(folder: Path) -> Path:
    """The file of an autoencoder's weights, ours or as diffusers saves it; its sha256 is what an autoencoder is known by."""
    return folder / (WEIGHTS if (folder / WEIGHTS).is_file() else PUBLISHED_WEIGHTS)


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
    """Whether its pictures were drawn: as it says, else by whether it learnt from a true flow, which only drawn ones have."""
    data, losses = trained.get("data"), trained.get("losses")
    if isinstance(data, dict) and isinstance(data.get("drawn"), bool):
        return bool(data["drawn"])
    return bool(isinstance(losses, dict) and losses.get("flow"))


def _sampling(trained: dict[str, Any]) -> Sampling | None:
    try:
        return Sampling(**trained["sampling"])
    except (KeyError, TypeError, ValueError):
        return None


def datasets_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    """What a checkpoint and those that it began with were trained on: "root" and "fold" (the one left out), its own first."""
    trained = config.get("trained", {})
    data, before = trained.get("data"), trained.get("before", [])
    own = [{"root": data["root"], "fold": data.get("fold")}] if isinstance(data, dict) and "root" in data else []
    return own + [one for one in before if one not in own]


def _trained_on(trained: dict[str, Any], drawn: bool) -> str:
    data = trained.get("data")
    if isinstance(data, str):
        return data
    if not isinstance(data, dict) or "root" not in data:
        return "nothing that it tells"
    pairs = f"{data['pairs']:,} pairs of " if isinstance(data.get("pairs"), int) else ""
    return f"{pairs}{'drawn pictures' if drawn else 'photos'} ({Path(str(data['root'])).name})"
