"""Train the network whose features compare garments in the perceptual loss: it learns to tell what kind of garment it sees.

Example: python -m vton.train.garment_features --data data/drawn --preset demo --out data/runs/features
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.utils.data import Dataset

from vton.checkpoint import save_garment
from vton.dataset import IGNORED
from vton.errors import DataError
from vton.flow import identity_grid
from vton.images import letterbox, mask_to_tensor, read_image, read_json, read_mask, resize_labels, to_tensor
from vton.networks.garment import GarmentNetwork
from vton.pairs import Split, absolute, open_dataset
from vton.presets import GARMENT, GarmentPreset, with_settings
from vton.train.augment import Augment, affine, recolouring
from vton.train.command import run_training, training_parser
from vton.train.loop import Draw, lot, open_accelerator, train
from vton.train.run_folder import as_json, claim

FORMAT = 1
ATTRIBUTES = ("sleeves", "neckline", "weave", "print")  # of a drawn set's traits, those of the garment
KINDS = (("cloth", "cloth_mask"), ("image", "worn_mask"))  # pictures of a garment, and where it is in them


@dataclass(frozen=True)
class Garments:
    """Pictures of garments, one or a batch, and what they are."""

    picture: Tensor  # (N, 3, H, W), grey around the garment
    words: Tensor  # (N, attributes), places in the config's words; IGNORED for a word that is not among them

    def to(self, device: torch.device | str) -> "Garments":
        """The same on another device."""
        return Garments(self.picture.to(device), self.words.to(device))


@dataclass(frozen=True)
class Shown:
    """A picture with a garment in it."""

    picture: Path
    mask: Path
    traits: dict[str, str]  # attribute -> word


class Varied(Dataset[Garments]):
    """Pictures by `Draw`, each varied as its number says."""

    def __init__(self, shown: Sequence[Shown], preset: GarmentPreset) -> None:
        self.shown, self.preset = shown, preset

    def __getitem__(self, draw: Draw) -> Garments:
        chosen = lot(self.preset.loop.seed + 1, draw.number)
        return read(self.shown[draw.index], self.preset, chosen)


def train_garment_features(data: Path, preset: GarmentPreset, out: Path, device: str = "auto", resume: bool = False) -> bool:
    """Train into the run folder `out` on the train split; whether the last step was reached. Its `checkpoint/` is the averaged
    network, with its accuracy on the garments of the test split, none of which it is trained on.

    DataError where the dataset does not tell what its garments are.
    """
    dataset = open_dataset(data)
    missing = [name for name in ("train", "test") if name not in dataset.splits]
    if missing:
        raise DataError(f"{data} has no {missing[0]} split; it is needed, to train on the one and to measure on the other.")
    shown, held_out = (pictures_of(dataset.splits[name]) for name in ("train", "test"))
    preset = replace(preset, network=replace(preset.network, words=words_of(shown)))
    counted = {"pictures": len(shown), "held_out": len(held_out), "chance": chance(held_out)}
    description = {
        "format": FORMAT,
        "kind": "garment features training",
        "data": {"root": str(absolute(data)), "drawn": bool(dataset.splits["train"].maps["flow"]), **counted},
        **as_json(preset),
    }
    accelerator = open_accelerator(device, preset.loop.precision)
    with accelerator.main_process_first():
        claim(out, description, resume)
    torch.manual_seed(preset.loop.seed)
    accuracy: dict[str, float] = {}

    def validated(average: GarmentNetwork, step: int) -> dict[str, float]:
        accuracy.update(validate(average, held_out, preset, accelerator.device))
        return accuracy

    def keep(average: GarmentNetwork, step: int) -> None:
        save_garment(out / "checkpoint", average, {"step": step, "accuracy": dict(accuracy), **description})

    data_varied = Varied(shown, preset)
    network = GarmentNetwork(preset.network)
    return train(network, data_varied, len(shown), stack, losses, validated, keep, preset.loop, out, device, resume)


def pictures_of(split: Split) -> list[Shown]:
    """Every garment of the split as its own photo shows it, and as it is worn. DataError where nothing tells what they are."""
    place = split.root / split.name / "traits.json"
    if not place.is_file():
        raise DataError(
            f"{place} is missing, which tells what the garments are; `python -m vton.synthetic` draws sets that do."
        )
    told = read_json(place)
    found = []
    for stem, traits in told.items():
        if any(attribute not in traits for attribute in ATTRIBUTES):
            raise DataError(f"{place} does not tell {', '.join(ATTRIBUTES)} of {stem}; draw the set again.")
        for kind, mask in KINDS:
            found.append(Shown(split.need(kind, stem), split.need(mask, stem), {name: traits[name] for name in ATTRIBUTES}))
    return found


def words_of(shown: Sequence[Shown]) -> dict[str, tuple[str, ...]]:
    """The words of each attribute, sorted."""
    return {name: tuple(sorted({one.traits[name] for one in shown})) for name in ATTRIBUTES}


def chance(shown: Sequence[Shown]) -> dict[str, float]:
    """How often the commonest word of each attribute is right."""
    counts = {name: Counter(one.traits[name] for one in shown) for name in ATTRIBUTES}
    return {name: round(max(found.values()) / len(shown), 6) for name, found in counts.items()}


def read(shown: Shown, preset: GarmentPreset, chosen: Generator | None = None) -> Garments:
    """A picture at the network's size, cut out on grey; varied by `chosen` where that is given."""
    image = read_image(shown.picture)
    mask = resize_labels(read_mask(shown.mask), (image.shape[0], image.shape[1]))
    picture = to_tensor(image)
    if chosen is not None:
        picture = recolouring(preset.augment.colour, chosen)(picture)
    picture = letterbox(picture * mask_to_tensor(mask), preset.network.size)
    if chosen is not None:
        picture = moved(picture, preset.augment, chosen)
    words = preset.network.words
    places = [words[name].index(word) if word in words[name] else IGNORED for name, word in shown.traits.items()]
    return Garments(picture, torch.tensor([places]))


def moved(picture: Tensor, how: Augment, chosen: Generator) -> Tensor:
    """`picture` scaled, shifted and perhaps mirrored by lot."""
    if float(torch.rand(1, generator=chosen)) < how.flip:
        picture = picture.flip(-1)
    scale, shift = affine(how, chosen)
    places = identity_grid((picture.shape[-2], picture.shape[-1])) * scale + shift
    return F.grid_sample(picture, places, align_corners=False)


def stack(batch: Sequence[Garments]) -> Garments:
    """One batch."""
    return Garments(torch.cat([item.picture for item in batch]), torch.cat([item.words for item in batch]))


def losses(model: nn.Module, batch: Garments) -> dict[str, Tensor]:
    """The cross-entropy of each attribute."""
    said = model(batch.picture)
    return {name: F.cross_entropy(logits, batch.words[:, i]) for i, (name, logits) in enumerate(said.items())}


@torch.no_grad()
def validate(network: GarmentNetwork, shown: Sequence[Shown], preset: GarmentPreset, device: torch.device) -> dict[str, float]:
    """The share of the pictures of which each attribute is told right."""
    right: dict[str, int] = dict.fromkeys(preset.network.words, 0)
    for start in range(0, len(shown), preset.loop.batch):
        batch = stack([read(one, preset) for one in shown[start : start + preset.loop.batch]]).to(device)
        for i, (name, logits) in enumerate(network(batch.picture).items()):
            right[name] += int((logits.argmax(1) == batch.words[:, i]).sum())
    return {name: count / len(shown) for name, count in right.items()}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return training_parser(
        "garment_features",
        GARMENT,
        "a drawn set with train and test pairs",
        "Train the features of the perceptual loss: a network that tells sleeves, neckline, weave and print of a drawn set's "
        "garments.",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the last step was reached, 1 when it cannot be, 130 when a signal stopped it."""
    return run_training("garment_features", parser().parse_args(argv), _train)


def _train(asked: argparse.Namespace) -> bool:
    preset = with_settings(GARMENT[asked.preset], asked.set)
    return train_garment_features(asked.data, preset, asked.out, asked.device, asked.resume)


if __name__ == "__main__":
    sys.exit(main())
