"""A checkpoint: a folder with config.json and model.safetensors, from which a network is rebuilt as it was trained."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from vton.checkpoint_info import CONFIG, FORMAT, PUBLISHED_CLASS, PUBLISHED_WEIGHTS, WEIGHTS, name_of, read_config
from vton.diffusion import DiffusionConfig
from vton.errors import CheckpointError
from vton.images import read_json, replacing, write_json
from vton.networks.garment import GarmentConfig, GarmentNetwork
from vton.networks.unet import Unet, UnetConfig
from vton.networks.vae import Vae, VaeConfig, published_config, published_weights
from vton.networks.warp import WarpConfig, WarpNetwork
from vton.sampling import Sampling

Network = TypeVar("Network", bound=nn.Module)


def save_warp(folder: Path, network: WarpNetwork, trained: Mapping[str, Any], half: bool = False) -> None:
    """Write the network; `trained` tells on what and how. `half` stores it in half precision, at half the bytes."""
    save(folder, "warp", asdict(network.config), network.state_dict(), trained, half)


def load_warp(folder: Path, device: torch.device | str = "cpu") -> WarpNetwork:
    """The warping network in `folder`, float32, ready to be asked. CheckpointError where it holds none."""
    return load(folder, "warp", lambda sizes: WarpNetwork(WarpConfig(**_tuples(sizes)))).to(device)


def save_garment(folder: Path, network: GarmentNetwork, trained: Mapping[str, Any], half: bool = False) -> None:
    """Write the network that knows garments; as `save_warp`."""
    save(folder, "garment features", asdict(network.config), network.state_dict(), trained, half)


def load_garment(folder: Path, device: torch.device | str = "cpu") -> GarmentNetwork:
    """The network that knows garments in `folder`, float32. CheckpointError where it holds none."""
    return load(folder, "garment features", lambda sizes: GarmentNetwork(GarmentConfig(**_tuples(sizes)))).to(device)


def save(
    folder: Path, kind: str, network: Mapping[str, Any], weights: Mapping[str, Tensor], trained: Mapping[str, Any], half: bool
) -> None:
    """Write a checkpoint of `kind`: the weights, and the config that rebuilds the network."""
    dtype = torch.float16 if half else torch.float32
    stored = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in weights.items()}
    with replacing(folder / WEIGHTS) as file:
        file.write(to_bytes(stored))
    write_json(folder / CONFIG, {"format": FORMAT, "kind": kind, "network": dict(network), "trained": dict(trained)})


def export(folder: Path, out: Path) -> None:
    """Write the checkpoint in `folder`, of any kind, to the new folder `out` as it is given to others: in half precision, and
    only the names of the dataset and of the checkpoint that it began with, since their places are this machine's.

    CheckpointError where `folder` holds none, or `out` exists.
    """
    config = read_config(folder)
    trained, weights = config["trained"], _read_weights(folder / WEIGHTS)
    data, init = trained.get("data"), trained.get("init")
    if isinstance(data, dict) and "root" in data:
        trained |= {"data": data | {"root": Path(str(data["root"])).name}}
    if before := trained.get("before"):
        trained |= {"before": [one | {"root": Path(str(one["root"])).name} for one in before]}
    if init:
        trained |= {"init": name_of(Path(str(init)))}
    with new_folder(out) as unfinished:
        save(unfinished, str(config.get("kind")), config["network"], weights, trained, half=True)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder that becomes `out` when the block ends well, and else vanishes. CheckpointError where `out` exists."""
    if out.exists():
        raise CheckpointError(f"{out} exists already; choose another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def load(folder: Path, kind: str, build: Callable[[dict[str, Any]], Network]) -> Network:
    """The network of a checkpoint, built of its own config. CheckpointError says what does not fit."""
    config = read_config(folder)
    if config.get("kind") != kind:
        raise CheckpointError(f"{folder} holds a {config.get('kind')}, and a checkpoint of the kind {kind!r} is needed.")
    sizes = config["network"]
    try:
        network = build(sizes)
    except (TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder / CONFIG} describes no network that this version knows ({error}).") from error
    place = folder / WEIGHTS
    return _filled(network, _read_weights(place), place)


def _filled(network: Network, weights: Mapping[str, Tensor], place: Path) -> Network:
    """`network` with the weights that were read at `place`, float32. CheckpointError names the first that does not fit."""
    expected = network.state_dict()
    odd = sorted(name for name in expected.keys() | weights.keys() if _shape(expected, name) != _shape(weights, name))
    if odd:
        name = odd[0]
        raise CheckpointError(
            f"{place} does not fit its config.json: {len(odd)} tensors differ, first {name}, "
            f"{_shape(weights, name) or 'missing'} in the file and {_shape(expected, name) or 'missing'} in the network."
        )
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network.eval()


def _read_weights(place: Path) -> dict[str, Tensor]:
    try:
        return load_file(place)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{place} cannot be read as safetensors ({error}); copy the checkpoint again.") from error


def _shape(tensors: Mapping[str, Tensor], name: str) -> list[int] | None:
    return list(tensors[name].shape) if name in tensors else None


def _tuples(sizes: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that a config has, also in what it holds by name."""
    found = {name: _tuples(value) if isinstance(value, dict) else value for name, value in sizes.items()}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


@dataclass(frozen=True)
class TrainedUnet:
    """A U-Net, and what it must be used with."""

    network: Unet
    diffusion: DiffusionConfig  # what it predicts
    sampling: Sampling  # by which it is sampled where nothing else is asked for
    vae: str  # the sha256 of the weights of the VAE whose latents it knows


def save_unet(folder: Path, network: Unet, trained: Mapping[str, Any], half: bool = False) -> None:
    """Write the U-Net; as `save_warp`, and `trained` holds the rest of a `TrainedUnet`: "diffusion", "sampling" and "vae" with
    its "sha256"."""
    save(folder, "diffusion", asdict(network.config), network.state_dict(), trained, half)


def load_unet(folder: Path, device: torch.device | str = "cpu") -> TrainedUnet:
    """The U-Net in `folder`, float32, ready to be asked. CheckpointError where it holds none, or does not say how to use it."""
    network = load(folder, "diffusion", lambda sizes: Unet(UnetConfig(**_tuples(sizes)))).to(device)
    trained = read_config(folder)["trained"]
    try:
        diffusion, sampling = DiffusionConfig(**trained["diffusion"]), Sampling(**trained["sampling"])
        return TrainedUnet(network, diffusion, sampling, str(trained["vae"]["sha256"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / CONFIG} does not say what schedule, sampling and VAE it is for ({error}).") from error


def keep_sampling(folder: Path, asked: Mapping[str, Any]) -> None:
    """Change fields of the sampling that the diffusion in `folder` has by default; eta, which only ddim has, goes with another
    sampler. CheckpointError where it is no diffusion, or cannot be sampled so."""
    trained, config = load_unet(folder), read_config(folder)
    other = {"eta": 0.0} if asked.get("sampler", "ddim") != "ddim" else {}
    try:
        sampling = replace(trained.sampling, **other | dict(asked))
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be sampled so: {error}.") from error
    write_json(folder / CONFIG, config | {"trained": config["trained"] | {"sampling": asdict(sampling)}})


def save_vae(folder: Path, network: Vae, trained: Mapping[str, Any], half: bool = False) -> None:
    """Write the autoencoder, with the scale of its latents; as `save_warp`."""
    save(folder, "vae", asdict(network.config), network.state_dict(), trained, half)


def load_vae(folder: Path, device: torch.device | str = "cpu") -> Vae:
    """The autoencoder in `folder`, float32, ready to be asked; the folder may also be one that diffusers saved.

    CheckpointError where it holds none, or one of other latents.
    """
    config = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else None
    if isinstance(config, dict) and PUBLISHED_CLASS in config:
        return _load_published_vae(folder, config).to(device)
    return load(folder, "vae", lambda sizes: Vae(VaeConfig(**_tuples(sizes)))).to(device)


def _load_published_vae(folder: Path, config: Mapping[str, Any]) -> Vae:
    """The autoencoder of a folder that diffusers saved."""
    if config[PUBLISHED_CLASS] != "AutoencoderKL":
        raise CheckpointError(f"{folder} holds a {config[PUBLISHED_CLASS]} of diffusers, and an AutoencoderKL is needed.")
    place = folder / PUBLISHED_WEIGHTS
    if not place.is_file():
        raise CheckpointError(f"{folder} has no {PUBLISHED_WEIGHTS}; other files, which may run code, are not opened.")
    try:
        sizes, factor = published_config(config)
        network = Vae(sizes)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder} is no autoencoder that can be used here: {error}.") from error
    return _filled(network, published_weights(_read_weights(place), factor), place)


if __name__ == "__main__":
    import sys

    from vton.checkpoint_command import main

    sys.exit(main())
