"""The diffusions by name: "none", or a checkpoint's folder, with the VAE that it was trained with."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from vton.checkpoint import TrainedUnet, load_unet, load_vae
from vton.checkpoint_info import (
    CONFIG,
    NONE,
    SHIPPED_DIFFUSION,
    SHIPPED_VAE,
    WEIGHTS,
    checkpoint_in,
    hash_weights,
    name_of,
    vae_weights,
)
from vton.devices import likes_channels_last, pick
from vton.diffusion import Schedule
from vton.errors import CheckpointError
from vton.pairs import Split
from vton.sampling import Sampling
from vton.tryon import Diffusion


def default_diffusion(split: Split) -> str:
    """The diffusion of a run that names none: the shipped one for a drawn set, where it and its VAE are here, else none."""
    here = (SHIPPED_DIFFUSION / CONFIG).is_file() and (SHIPPED_VAE / CONFIG).is_file()
    return str(SHIPPED_DIFFUSION) if split.maps["flow"] and here else NONE


def open_diffusion(name: str, vae: Path | None, device: str = "auto") -> Diffusion:
    """The diffusion of the checkpoint `name` with the VAE in the folder `vae` (None: the shipped one), sampled as its own
    default says; it computes on `device`, of `DEVICES`.

    CheckpointError where either is none, or where it was trained with another VAE.
    """
    folder = diffusion_folder(name)
    try:
        chosen = pick(device)
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be used: {error}.") from error
    trained, place = load_unet(folder, chosen), vae_folder(vae)
    check_vae(folder, trained, place)
    network, autoencoder = trained.network, load_vae(place, chosen)
    if likes_channels_last(chosen):
        for part in (network, autoencoder):
            part.to(memory_format=torch.channels_last)
    return Diffusion(network, autoencoder, Schedule(trained.diffusion), trained.sampling)


def sampled(diffusion: Diffusion, name: str, asked: Mapping[str, Any]) -> Diffusion:
    """The diffusion of the checkpoint `name` with those fields of its sampling that are `asked`; eta, which only ddim has, goes
    with another sampler. CheckpointError where it cannot be sampled so."""
    own = diffusion.sampling
    other = {"eta": 0.0} if asked.get("sampler", own.sampler) != own.sampler else {}
    try:
        return replace(diffusion, sampling=replace(own, **other | dict(asked)))
    except ValueError as error:
        raise CheckpointError(f"{diffusion_folder(name)} cannot be sampled so: {error}.") from error


def describe_diffusion(name: str, vae: Path | None, sampling: Sampling, seed: int) -> dict[str, Any]:
    """What a run's config says of its diffusion: checkpoint and VAE by name and sha256, how it is sampled, and the seed."""
    folder = diffusion_folder(name)
    told = {"name": name_of(folder), "kind": "diffusion", "sha256": hash_weights(folder / WEIGHTS)}
    return told | {"vae": describe_vae(vae_folder(vae)), **asdict(sampling), "seed": seed}


def describe_vae(folder: Path) -> dict[str, str]:
    """The VAE's name, and the sha256 of its weights. CheckpointError where there are none."""
    return {"name": name_of(folder), "sha256": hash_weights(vae_weights(folder))}


def diffusion_folder(name: str) -> Path:
    """The checkpoint that `name` stands for: itself, or that of a training's run folder. CheckpointError where it is none."""
    folder = checkpoint_in(Path(name))
    if not (folder / CONFIG).is_file():
        raise CheckpointError(f"{name!r} is no diffusion: give {NONE}, or the folder of a checkpoint or of a training's run.")
    return folder


def vae_folder(vae: Path | None) -> Path:
    """The folder of the VAE asked for, or of the shipped one."""
    return SHIPPED_VAE if vae is None else checkpoint_in(vae)


def check_vae(folder: Path, trained: TrainedUnet, vae: Path) -> None:
    """CheckpointError where the diffusion in `folder` was trained with another VAE than that in `vae`."""
    found = hash_weights(vae_weights(vae))
    if found != trained.vae:
        raise CheckpointError(
            f"{folder} was trained with the VAE {trained.vae[:12]}, and {vae} is {found[:12]} (sha256); give its own by --vae."
        )
