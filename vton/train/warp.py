"""Train the warping network on a dataset.

Example: python -m vton.train.warp --data data/drawn --preset demo --out data/runs/warp
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
from torch.utils.data import Dataset

from vton.checkpoint import load_warp, save_warp
from vton.checkpoint_info import checkpoint_in, datasets_of, read_config
from vton.dataset import Example, Examples, left_out_fold, split_fold, spread, stack, unseen
from vton.errors import CheckpointError, DataError
from vton.flow import to_colour, warp
from vton.images import read_json, to_image, write_image
from vton.networks.warp import Prediction, Region, WarpNetwork, visible_mask
from vton.pairs import absolute, open_dataset
from vton.presets import WARP, WarpPreset, with_settings
from vton.train.augment import augment
from vton.train.command import add_start, run_training, training_parser
from vton.train.features import describe_features, open_features
from vton.train.loop import Draw, lot, open_accelerator, train
from vton.train.losses import distance, masked_mean, warp_losses
from vton.train.run_folder import as_json, claim, goes_on, write_pairs

FORMAT = 1
VALIDATED = 60  # of the left out pairs, at most, evenly spread
PICTURED = 6  # of these


@dataclass(frozen=True)
class WarpTraining:
    """What to train on, and how."""

    data: Path
    preset: WarpPreset
    fold: tuple[int, int] | None = None  # (K, N): leave fold K of 0 .. N - 1 out, for others to be warped without bias
    init: Path | None = None  # a checkpoint to start from
    features: Path | None = (
        None  # of garments, for the perceptual loss; None: VGG19's where they are here, else the shipped ones
    )


class Varied(Dataset[Example]):
    """Examples by `Draw`, each varied as its number says."""

    def __init__(self, examples: Examples, preset: WarpPreset) -> None:
        self.examples, self.preset = examples, preset

    def __getitem__(self, draw: Draw) -> Example:
        chosen = lot(self.preset.loop.seed + 1, draw.number)
        return augment(self.examples[draw.index], self.preset.augment, chosen)


def train_warp(training: WarpTraining, out: Path, device: str = "auto", resume: bool = False) -> bool:
    """Train into the run folder `out`; whether the last step was reached. Its `checkpoint/` is the averaged network.

    Writes config.json, log.jsonl, tensorboard/, pictures/ (left out pairs), fold_pairs.txt where a fold is left out, and the
    state that `resume` goes on from. DataError or CheckpointError where it cannot begin.
    """
    preset, split = training.preset, open_dataset(training.data).splits.get("train")
    if split is None:
        raise DataError(f"{training.data} has no train split.")
    pairs, left_out = split_fold(split, *left_out_fold(split, training.fold))
    if not pairs or not left_out:
        raise DataError(f"{split.root} has {len(split.persons)} people to train on; that is too few to leave some out.")
    if preset.losses.flow and not split.maps["flow"]:
        raise DataError(f"{split.root} has no true flow; train without it: --set flow=0.")
    description = describe(training, len(pairs), len(left_out), drawn=bool(split.maps["flow"]))
    if training.init:
        begun = goes_on(out, resume)
        before = (
            read_json(out / "config.json").get("before") if begun else datasets_of(read_config(checkpoint_in(training.init)))
        )
        description |= {"before": before} if before else {}
    accelerator = open_accelerator(device, preset.loop.precision)
    torch.manual_seed(preset.loop.seed)
    network = WarpNetwork(preset.network)
    if training.init and not goes_on(out, resume):
        network.load_state_dict(_same_size(load_warp(checkpoint_in(training.init)), preset).state_dict())
    with accelerator.main_process_first():
        claim(out, description, resume)
    if training.fold and accelerator.is_main_process:
        write_pairs(out / "fold_pairs.txt", unseen(pairs, left_out))
    network.parse.requires_grad_(bool(preset.losses.parse))  # several processes wait for every gradient that there may be
    features = open_features(training.features, accelerator.device) if preset.losses.perceptual else None
    size = preset.network.size
    validation = Examples(split, unseen(pairs, spread(left_out, VALIDATED)), size)

    def losses(model: nn.Module, example: Example) -> dict[str, Tensor]:
        return warp_losses(predict(model, example), example, preset.losses, features)

    def keep(average: WarpNetwork, step: int) -> None:
        save_warp(out / "checkpoint", average, {"step": step, **description})

    def validated(average: WarpNetwork, step: int) -> dict[str, float]:
        measured, pictures = validate(average, validation, preset.loop.batch, accelerator.device)
        write_image(out / "pictures" / f"{step:07d}.png", pictures)
        return measured

    data = Varied(Examples(split, pairs, size), preset)
    return train(network, data, len(pairs), stack, losses, validated, keep, preset.loop, out, device, resume)


def predict(model: nn.Module, example: Example) -> Prediction:
    """What the network says about a batch of examples."""
    seen = example.conditions
    found: Prediction = model(seen.cloth, seen.cloth_mask, seen.parse_agnostic, seen.densepose)
    return found


@torch.no_grad()
def validate(network: WarpNetwork, examples: Examples, batch: int, device: torch.device) -> tuple[dict[str, float], np.ndarray]:
    """Means over the pairs, in the names of the log, and a sheet of the first ones. `epe` is the mean end-point error on
    visible pixels, of the network's size, and `epe_worst` that of the worst decile; both only where there is a true flow."""
    found: dict[str, list[float]] = {"iou": [], "parse": [], "cloth": [], "epe": []}
    rows: list[np.ndarray] = []
    for start in range(0, len(examples), batch):
        example = stack([examples[i] for i in range(start, min(start + batch, len(examples)))]).to(device)
        said = predict(network, example)
        fetched = warp(example.conditions.cloth, said.flow)
        mask = visible_mask(warp(example.conditions.cloth_mask, said.flow), said.parse) > 0.5
        for i in range(len(example)):
            visible, known = example.visible[i] > 0, example.regions[i] >= 0
            found["iou"].append(float((mask[i] & visible).sum() / (mask[i] | visible).sum().clamp_min(1)))
            found["parse"].append(float((said.parse[i].argmax(0) == example.regions[i])[known].float().mean()))
            found["cloth"].append(float(masked_mean((fetched[i] - example.photo[i]).abs().mean(0), visible.float())))
            if example.has_flow[i]:
                off = distance(said.flow[i, None], example.flow[i, None], examples.size)
                found["epe"].append(float(masked_mean(off, visible[None].float())))
            if len(rows) < PICTURED:
                rows.append(_row(example, said, fetched, mask, i))
    measured = {name: float(np.mean(values)) for name, values in found.items() if values}
    if found["epe"]:
        worst = sorted(found["epe"])[-max(1, len(found["epe"]) // 10) :]
        measured["epe_worst"] = float(np.mean(worst))
    return measured, np.vstack(rows)


def _row(example: Example, said: Prediction, fetched: Tensor, mask: Tensor, i: int) -> np.ndarray:
    """Person, cloth, conditions, flow, warped, and the photo to be met, side by side."""
    seen = example.conditions
    assert seen.densepose is not None
    worn = torch.where(mask[i], fetched[i], seen.agnostic[i])
    upper = (said.parse[i].argmax(0) == Region.UPPER).float().expand(3, -1, -1) * 2 - 1
    flow = to_colour(said.flow[i].cpu(), most=1.0)
    left, right = (seen.image[i], seen.cloth[i], seen.densepose[i]), (fetched[i], upper, worn, example.photo[i])
    return np.hstack([*(to_image(x) for x in left), flow, *(to_image(x) for x in right)])


def describe(training: WarpTraining, pairs: int, left_out: int, drawn: bool) -> dict[str, Any]:
    """The config.json of a training."""
    fold = training.fold and list(training.fold)
    data = {"root": str(absolute(training.data)), "pairs": pairs, "left_out": left_out, "fold": fold, "drawn": drawn}
    used = {"features": describe_features(training.features)} if training.preset.losses.perceptual else {}
    start = {"init": training.init and str(training.init), **used}
    return {"format": FORMAT, "kind": "warp training", "data": data, **start, **as_json(training.preset)}


def _same_size(network: WarpNetwork, preset: WarpPreset) -> WarpNetwork:
    if network.config != preset.network:
        raise CheckpointError(f"the checkpoint to start from is a {network.config}, and the preset asks for {preset.network}.")
    return network


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = training_parser("warp", WARP, "a dataset with a train split", "Train the warping network.")
    add_start(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the last step was reached, 1 when it cannot be, 130 when a signal stopped it."""
    return run_training("warp", parser().parse_args(argv), _train)


def _train(asked: argparse.Namespace) -> bool:
    preset = with_settings(WARP[asked.preset], asked.set)
    training = WarpTraining(asked.data, preset, asked.fold, asked.init, asked.features)
    return train_warp(training, asked.out, asked.device, asked.resume)


if __name__ == "__main__":
    sys.exit(main())
