"""The seed's published warp: one PyTorch file in, a checkpoint of ours out, and the network out of that."""

import hashlib
import pickle
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vton.checkpoint import load, new_folder, save
from vton.errors import CheckpointError
from vton.networks.seed import SeedConfig, SeedNetwork, published_weights

KIND = "seed warp"
WEIGHTS_KEY = "model_state_dict"
TRAINED_ON = "3,000 photos of VITON-HD at 256x256 (the seed's published weights)"
UNREADABLE = (  # what torch.load raises for a file that is damaged, or that is no file of tensors
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    AssertionError,
    struct.error,
)


def import_seed(file: Path, out: Path, config: SeedConfig | None = None) -> None:
    """Write the weights of the seed's published `file` as the checkpoint `out`, which must not exist yet; of the published size
    where `config` says no other. CheckpointError where the file is anything else."""
    config = config or SeedConfig()
    published = _read(file)
    try:
        weights = published_weights(published, config)
    except ValueError as error:
        raise CheckpointError(f"{file} is no warp of the seed with {config.channels} channels: {error}.") from error
    broken = next((name for name, tensor in weights.items() if not tensor.isfinite().all()), None)
    if broken:
        raise CheckpointError(f"{file} holds numbers in {broken} that are not finite; fetch the published file again.")
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    with new_folder(out) as unfinished:
        save(unfinished, KIND, asdict(config), weights, {"data": TRAINED_ON, "file": file.name, "sha256": sha256}, half=False)


def load_seed(folder: Path, device: torch.device | str = "cpu") -> SeedNetwork:
    """The seed's network in the checkpoint `folder`, ready to be asked. CheckpointError where it holds none."""
    return load(folder, KIND, lambda sizes: SeedNetwork(SeedConfig(**sizes))).to(device)


def _read(file: Path) -> dict[str, Tensor]:
    """The state dict in the file; nothing in it is run."""
    if file.is_dir():
        raise CheckpointError(f"{file} is a folder; give the file of the seed's published warp (.pth).")
    if not file.is_file():
        raise CheckpointError(f"{file} is missing; give the file of the seed's published warp (.pth).")
    try:
        value: Any = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise CheckpointError(
            f"{file} is damaged or holds more than tensors (a pickle that could run code), so it is not opened; "
            "fetch the seed's published warp again."
        ) from error
    weights = value.get(WEIGHTS_KEY) if isinstance(value, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise CheckpointError(f"{file} is no published file of the seed: it has no state dict called {WEIGHTS_KEY!r}.")
    return {str(name): tensor for name, tensor in weights.items()}
