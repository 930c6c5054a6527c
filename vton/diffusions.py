"""The diffusions by name: "none", or a checkpoint's folder, with the VAE that it was trained with."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vton.checkpoint import TrainedUnet, load_unet, load_vae, vae_weights
from vton.checkpoint_info import CONFIG, SHIPPED, WEIGHTS, checkpoint_in, hash_weights, name_of
from vton.devices import pick
from vton.diffusion import Sampling, Schedule
from vton.errors import CheckpointError
from vton.tryon import Diffusion

NONE = "none"  # the composite with its bare regions filled
SHIPPED_VAE = SHIPPED.parent / "vae"


def open_diffusion(name: str, vae: Path | None, asked: Mapping[str, Any], device: str = "auto") -> Diffusion:
    """The diffusion of the checkpoint `name` with the VAE in the folder `vae` (None: the shipped one), sampled as its own
    default says but for the fields of `Sampling` that are `asked`; it computes on `device`, of `DEVICES`.

    CheckpointError where either is none, where it was trained with another VAE, or where it cannot be sampled so.
    """
    folder = diffusion_folder(name)
    try:
        chosen = pick(device)
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be used: {error}.") from error
    trained, place = load_unet(folder, chosen), vae_folder(vae)
    check_vae(folder, trained, place)
    return Diffusion(trained.network, load_vae(place, chosen), Schedule(trained.diffusion), sampling_of(folder, trained, asked))


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


def sampling_of(folder: Path, trained: TrainedUnet, asked: Mapping[str, Any]) -> Sampling:
    """The checkpoint's own sampling with what is `asked`; eta, which only ddim has, goes with another sampler."""
    other = {"eta": 0.0} if asked.get("sampler", trained.sampling.sampler) != trained.sampling.sampler else {}
    try:
        return replace(trained.sampling, **other | dict(asked))
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be sampled so: {error}.") from error
