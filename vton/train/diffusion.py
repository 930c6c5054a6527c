"""Train the diffusion on a dataset: the U-Net that makes a photo of a composite.

Example: python -m vton.train.diffusion --data data/drawn --preset demo --out data/runs/diffusion
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vton.checkpoint import load_unet, load_vae, save_unet
from vton.checkpoint_info import WEIGHTS, checkpoint_in, read_info
from vton.dataset import Examples, left_out_fold, split_fold, spread, unseen
from vton.devices import likes_channels_last
from vton.diffusion import Schedule
from vton.diffusions import describe_vae
from vton.errors import CheckpointError, DataError
from vton.images import to_image, write_image
from vton.latents import disk_bytes, open_latents
from vton.metrics import METRICS
from vton.networks.unet import Unet
from vton.pairs import absolute, open_dataset
from vton.presets import DIFFUSION, DiffusionPreset, with_settings
from vton.sampling import Sampling
from vton.train.branches import branch_losses
from vton.train.command import add_start, run_training, training_parser
from vton.train.features import describe_features, open_features
from vton.train.loop import open_accelerator, train
from vton.train.run_folder import as_json, claim, goes_on, write_pairs
from vton.train.wearing import Warps, Wearing, Wearings, describe_run, dress, in_sample, open_warps, stack
from vton.tryon import Diffusion, lot_of

FORMAT = 1
IN_SAMPLE = (
    "pairs were warped by a network that was trained on these people; at a try-on its warps will be worse. Train the warp with "
    "--fold K/N and let vton.generate warp what it leaves out."
)
TRUE_FLOW = "The composites are of the true flow; a warp's, at a try-on, are worse: --warps takes runs of vton.generate."
VALIDATED = 12  # of the left out pairs, at most, evenly spread
PICTURED = 6  # of these
LOOKED_AT = Sampling(steps=8)  # how they are sampled
MEASURED = ("psnr_inside", "ssim_inside")


@dataclass(frozen=True)
class DiffusionTraining:
    """What to train on, and how."""

    data: Path
    preset: DiffusionPreset
    vae: Path
    warps: tuple[Path, ...] = ()  # run folders with the warps of people that the warp was not trained on; none: the true flow
    fold: tuple[int, int] | None = None  # (K, N): leave fold K of 0 .. N - 1 out
    init: Path | None = None  # a checkpoint to start from
    features: Path | None = None  # for the perceptual loss; None: VGG19's where they are here, else the shipped ones
    latents: Path | None = None  # the folder of kept latents, which trainings can share; None: in the run folder
    compile: bool = False  # by torch.compile


def train_diffusion(training: DiffusionTraining, out: Path, device: str = "auto", resume: bool = False) -> bool:
    """Train into the run folder `out`; whether the last step was reached. Its `checkpoint/` is the averaged network.

    Writes config.json, log.jsonl, tensorboard/, pictures/ (left out pairs), fold_pairs.txt where a fold is left out, and the
    state that `resume` goes on from. DataError or CheckpointError where it cannot begin.
    """
    preset, split = training.preset, open_dataset(training.data).splits.get("train")
    if split is None:
        raise DataError(f"{training.data} has no train split.")
    if not training.warps and not split.maps["flow"]:
        raise DataError(f"{split.root} has no true flow; give the run folders of a warp, made with this split, by --warps.")
    warps = open_warps(training.warps, split.name)
    cut = split_fold(split, *left_out_fold(split, training.fold))
    pairs, left_out = ([pair for pair in part if warps.has(pair)] for part in cut)
    validated_on = unseen(pairs, left_out)
    if not pairs or not validated_on:
        raise DataError(
            f"{split.root} has {len(pairs)} pairs to train on and {len(validated_on)} to measure by that have a warp."
        )
    description = describe(training, len(pairs), len(left_out), drawn=bool(split.maps["flow"]))
    description["data"]["in_sample"] = known = len(in_sample(training.warps, split, pairs))
    accelerator = open_accelerator(device, preset.loop.precision)
    torch.manual_seed(preset.loop.seed)
    network = Unet(preset.network) if goes_on(out, resume) else begin(training, description["vae"]["sha256"])
    with accelerator.main_process_first():
        claim(out, description, resume)
    if accelerator.is_main_process and (known or not training.warps):
        print(f"{known:,} of {len(pairs):,} {IN_SAMPLE}" if known else TRUE_FLOW, file=sys.stderr)
    if training.fold and accelerator.is_main_process:
        write_pairs(out / "fold_pairs.txt", validated_on)
    if likes_channels_last(accelerator.device.type):
        network.to(memory_format=torch.channels_last)
    if training.compile:
        network.compile()
    vae = load_vae(checkpoint_in(training.vae), accelerator.device).requires_grad_(False)
    features = open_features(training.features, accelerator.device) if preset.losses.perceptual else None
    schedule, size = Schedule(preset.diffusion), preset.network.size
    cache = None
    if preset.vary.looks:
        place = training.latents or out / "latents"
        cache = open_latents(place, checkpoint_in(training.vae), accelerator.mixed_precision)
        if accelerator.is_main_process:
            print(told_of_disk(place, len(pairs), preset.vary.looks, size), file=sys.stderr)
    validation = Examples(split, spread(validated_on, VALIDATED), size)

    def losses(model: nn.Module, batch: Wearing) -> dict[str, Tensor]:
        return branch_losses(model, batch, vae, schedule, preset.losses, features, cache)

    def keep(average: Unet, step: int) -> None:
        own = sampling_of(out, training.init)
        save_unet(out / "checkpoint", average, {"step": step, **description, "sampling": as_json(own)})

    def validated(average: Unet, step: int) -> dict[str, float]:
        measured, pictures = validate(Diffusion(average, vae, schedule, LOOKED_AT), validation, warps)
        write_image(out / "pictures" / f"{step:07d}.png", pictures)
        return measured

    data = Wearings(Examples(split, pairs, size), warps, preset.vary, preset.diffusion.timesteps, preset.loop.seed, cache)
    return train(network, data, len(pairs), stack, losses, validated, keep, preset.loop, out, device, resume)


def begin(training: DiffusionTraining, vae: str) -> Unet:
    """The network to train: a new one, or that of the checkpoint to start from. CheckpointError where that is of another size,
    schedule or VAE (by its sha256)."""
    preset = training.preset
    if training.init is None:
        return Unet(preset.network)
    before = load_unet(checkpoint_in(training.init))
    told = {"network": before.network.config, "diffusion": before.diffusion, "vae": before.vae}
    asked = {"network": preset.network, "diffusion": preset.diffusion, "vae": vae}
    for part, found in told.items():
        if found != asked[part]:
            raise CheckpointError(f"{training.init} was trained with {part} {found}, and {asked[part]} is asked for.")
    return before.network.train()


def sampling_of(*runs: Path | None) -> Sampling:
    """By what a training's checkpoint is sampled: the first of the `runs` or checkpoints that says so, else as usual."""
    for folder in (checkpoint_in(run) for run in runs if run):
        if (folder / WEIGHTS).is_file() and (own := read_info(folder).sampling):
            return own
    return Sampling()


def told_of_disk(folder: Path, pairs: int, looks: int, size: tuple[int, int]) -> str:
    """What a training says of the latents that it keeps."""
    pictures = 2 * pairs * looks
    return (
        f"Latents are kept in {folder}: {pictures:,} pictures, {disk_bytes(pictures, size) / 1e6:,.0f} MB once all were seen "
        f"({pairs:,} pairs, {looks} looks, photo and composite). The folder can be deleted: what is missing is made again."
    )


@torch.no_grad()
def validate(diffusion: Diffusion, examples: Examples, warps: Warps) -> tuple[dict[str, float], np.ndarray]:
    """Means over the pairs inside the mask, of what is sampled and (`composite_...`) of what it began with, and a sheet of the
    first ones: person, garment, composite, result, and the photo to be met."""
    found: dict[str, list[float]] = {f"{which}{name}": [] for name in MEASURED for which in ("", "composite_")}
    rows: list[np.ndarray] = []
    for i, pair in enumerate(examples.pairs):
        example = examples[i]
        photo, composite, mask, cloth = dress(example, warps.composite(examples.split, pair, examples.size))
        picture, _ = (x.cpu().clamp(-1, 1) for x in diffusion.sample(composite, mask, cloth, [lot_of(0, pair.name)]))
        shown = photo + (picture - photo) * mask
        for which, made in (("", shown), ("composite_", composite)):
            for name in MEASURED:
                value = METRICS[name].compute((made + 1) / 2, (photo + 1) / 2, mask)
                found[which + name] += [] if value is None else [value]
        if len(rows) < PICTURED:
            rows.append(np.hstack([to_image(x) for x in (example.conditions.image, cloth, composite, shown, photo)]))
    return {name: float(np.mean(values)) for name, values in found.items() if values}, np.vstack(rows)


def describe(training: DiffusionTraining, pairs: int, left_out: int, drawn: bool) -> dict[str, Any]:
    """The config.json of a training; with it a checkpoint says what schedule and VAE it is for."""
    fold = training.fold and list(training.fold)
    warps = [describe_run(run) for run in training.warps] or "true flow: at a try-on the warps will be worse"
    data = {"root": str(absolute(training.data)), "pairs": pairs, "left_out": left_out, "fold": fold, "drawn": drawn}
    used = {"features": describe_features(training.features)} if training.preset.losses.perceptual else {}
    start = {"init": training.init and str(training.init), **used}
    told = {"vae": describe_vae(checkpoint_in(training.vae))}
    made = {"format": FORMAT, "kind": "diffusion training", "data": data, "warps": warps}
    return {**made, **start, **told, **as_json(training.preset)}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = training_parser("diffusion", DIFFUSION, "a dataset with a train split", "Train the diffusion.")
    made.add_argument("--vae", type=Path, required=True, metavar="DIR", help="the VAE whose latents it is trained on")
    made.add_argument(
        "--warps",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN_DIR",
        help="runs of vton.generate with warps of the train split, out of fold (default: a drawn set's true flow)",
    )
    made.add_argument(
        "--latents", type=Path, metavar="DIR", help="keep latents there, also for other trainings (default: in RUN_DIR)"
    )
    made.add_argument("--compile", action="store_true", help="compile the network first: minutes, then faster on a GPU")
    add_start(made)
    made.epilog = f"{made.epilog} --vae data/demo/vae"
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the last step was reached, 1 when it cannot be, 130 when a signal stopped it."""
    return run_training("diffusion", parser().parse_args(argv), _train)


def _train(asked: argparse.Namespace) -> bool:
    preset = with_settings(DIFFUSION[asked.preset], asked.set)
    start = (tuple(asked.warps), asked.fold, asked.init, asked.features, asked.latents, asked.compile)
    training = DiffusionTraining(asked.data, preset, asked.vae, *start)
    return train_diffusion(training, asked.out, asked.device, asked.resume)


if __name__ == "__main__":
    sys.exit(main())
