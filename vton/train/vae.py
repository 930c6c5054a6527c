"""Train the autoencoder on the photos and the garment photos of a dataset.

Example: python -m vton.train.vae --data data/drawn --preset demo --out data/runs/vae
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vton.checkpoint import load_vae, save_vae
from vton.checkpoint_info import checkpoint_in
from vton.dataset import spread
from vton.errors import CheckpointError, DataError
from vton.images import to_image, write_image
from vton.metrics.table import METRICS, to_unit
from vton.networks.vae import LATENT_CHANNELS, Vae
from vton.pairs import Split, absolute, open_dataset
from vton.presets import VAE, VaePreset, with_settings
from vton.train.command import add_init, run_training, training_parser
from vton.train.features import describe_features, open_features
from vton.train.loop import open_accelerator, train
from vton.train.reconstruction import Pictures, Shown, Varied, read, reconstruction_losses, stack
from vton.train.run_folder import as_json, claim, goes_on

FORMAT = 1
SHOWN = (("image", 0.0), ("cloth", 1.0))  # kinds of pictures, and the bars that fill them up: grey and white
LEFT_OUT = 25  # the first of so many parts of the people and garments is left out
VALIDATED = 48  # of the left out pictures, at most, evenly spread
PICTURED = 6  # of these
MEASURED = 64  # pictures of which the scale of the latents is measured


@dataclass(frozen=True)
class VaeTraining:
    """What to train on, and how."""

    data: Path
    preset: VaePreset
    init: Path | None = None  # a checkpoint to start from
    features: Path | None = None  # for the perceptual loss; None: VGG19's where they are here, else the shipped ones


def train_vae(training: VaeTraining, out: Path, device: str = "auto", resume: bool = False) -> bool:
    """Train into the run folder `out` on the train split; whether the last step was reached. Its `checkpoint/` is the averaged
    network, whose latents have unit variance.

    Writes config.json, log.jsonl, tensorboard/, pictures/ (left out ones) and the state that `resume` goes on from. DataError
    or CheckpointError where it cannot begin.
    """
    preset, split = training.preset, open_dataset(training.data).splits.get("train")
    if split is None:
        raise DataError(f"{training.data} has no train split.")
    shown, left_out = pictures_of(split)
    if not shown or not left_out:
        raise DataError(
            f"{split.root} has {len(shown) + len(left_out)} pictures to train on; that is too few to leave some out."
        )
    description = describe(training, split, len(shown), len(left_out))
    accelerator = open_accelerator(device, preset.loop.precision)
    torch.manual_seed(preset.loop.seed)
    network = Vae(preset.network)
    if training.init and not goes_on(out, resume):
        start_from(network, training.init)
    else:
        network.begin()
    with accelerator.main_process_first():
        claim(out, description, resume)
    features = open_features(training.features, accelerator.device) if preset.losses.perceptual else None
    size, device_used = preset.network.size, accelerator.device
    measured_on, validation = spread(shown, MEASURED), spread(left_out, VALIDATED)

    def losses(model: nn.Module, batch: Pictures) -> dict[str, Tensor]:
        found, posterior = model(batch.images, batch.noise)
        return reconstruction_losses(found, batch.images, posterior, preset.losses, features)

    def measure(average: Vae) -> None:
        average.measure(batches(measured_on, size, preset.loop.batch, device_used))

    def validated(average: Vae, step: int) -> dict[str, float]:
        measure(average)
        measured, pictures = validate(average, batches(validation, size, preset.loop.batch, device_used))
        write_image(out / "pictures" / f"{step:07d}.png", pictures)
        return measured

    def keep(average: Vae, step: int) -> None:
        measure(average)
        save_vae(out / "checkpoint", average, {"step": step, **description})

    data = Varied(shown, size, preset.vary, preset.loop.seed)
    return train(network, data, len(shown), stack, losses, validated, keep, preset.loop, out, device, resume)


def pictures_of(split: Split) -> tuple[list[Shown], list[Shown]]:
    """The photos and garment photos to train on, and those that are left out: the first of the names, of both kinds."""
    stems = sorted(set(split.persons) | set(split.cloths))
    cut = set(stems[: max(1, len(stems) // LEFT_OUT)])
    found: tuple[list[Shown], list[Shown]] = ([], [])
    for kind, bars in SHOWN:
        for stem in sorted(split.maps[kind]):
            found[stem in cut].append(Shown(split.need(kind, stem), bars))
    return found


def start_from(network: Vae, folder: Path) -> None:
    """Give `network` the weights of the checkpoint in `folder`, a run folder's too, whatever size of pictures that was trained
    for. CheckpointError where it is another network."""
    init = load_vae(checkpoint_in(folder))
    if replace(init.config, height=network.config.height, width=network.config.width) != network.config:
        raise CheckpointError(f"the checkpoint to start from is a {init.config}, and the preset asks for {network.config}.")
    network.network.load_state_dict(init.network.state_dict())


def batches(shown: Sequence[Shown], size: tuple[int, int], batch: int, device: torch.device) -> list[Tensor]:
    """The pictures as they are, in batches (N, 3, H, W)."""
    parts = [shown[start : start + batch] for start in range(0, len(shown), batch)]
    return [torch.cat([read(one, size) for one in part]).to(device) for part in parts]


@torch.no_grad()
def validate(network: Vae, pictures: Sequence[Tensor]) -> tuple[dict[str, float], np.ndarray]:
    """Means over the pictures, in the names of the log, and a sheet of the first ones. `std_0` .. are the deviations of the
    latent's channels, `noise` that of the posterior, both by what was measured, so that the first ones are about 1."""
    found: dict[str, list[float]] = {"psnr": [], "ssim": [], "l1": [], "noise": []}
    rows: list[np.ndarray] = []
    means: list[Tensor] = []
    for images in pictures:
        posterior = network.encode(images)
        back = network.decode(posterior.mean).clamp(-1, 1)
        means.append(posterior.mean)
        found["noise"].append(float((posterior.logvar / 2).exp().mean()))
        for picture, truth in zip(back, images, strict=True):
            result, wanted = (to_unit(to_image(x)) for x in (picture, truth))
            for name in ("psnr", "ssim"):
                value = METRICS[name].compute(result, wanted, torch.ones_like(wanted[:, :1]))
                found[name].append(float(value or 0.0))
            found["l1"].append(float((picture - truth).abs().mean()))
            if len(rows) < PICTURED:
                rows.append(np.hstack([to_image(x) for x in (truth, picture, (picture - truth).abs() * 4 - 1)]))
    deviations = torch.cat(means).std((0, 2, 3))
    measured = {name: float(np.mean(values)) for name, values in found.items()}
    return measured | {f"std_{i}": float(deviations[i]) for i in range(LATENT_CHANNELS)}, np.vstack(rows)


def describe(training: VaeTraining, split: Split, pictures: int, left_out: int) -> dict[str, Any]:
    """The config.json of a training's run folder."""
    data = {"root": str(absolute(training.data)), "pictures": pictures, "left_out": left_out, "drawn": bool(split.maps["flow"])}
    used = {"features": describe_features(training.features)} if training.preset.losses.perceptual else {}
    start = {"init": training.init and str(training.init), **used}
    return {"format": FORMAT, "kind": "vae training", "data": data, **start, **as_json(training.preset)}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = training_parser("vae", VAE, "a dataset with a train split", "Train the autoencoder on photos and garment photos.")
    add_init(made)
    made.add_argument(
        "--features", type=Path, metavar="DIR", help="features for the perceptual loss (default: VGG19's, else the shipped)"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the last step was reached, 1 when it cannot be, 130 when a signal stopped it."""
    return run_training("vae", parser().parse_args(argv), _train)


def _train(asked: argparse.Namespace) -> bool:
    preset = with_settings(VAE[asked.preset], asked.set)
    return train_vae(VaeTraining(asked.data, preset, asked.init, asked.features), asked.out, asked.device, asked.resume)


if __name__ == "__main__":
    sys.exit(main())
