"""Examples to train the diffusion on: someone in a garment, the composite that a try-on begins with, and the lots drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from vton import conditions as condition_files
from vton.dataset import Example, Examples, left_out_fold, split_fold
from vton.errors import DataError
from vton.images import letterbox, read_image, read_json, to_tensor
from vton.latents import LatentCache
from vton.networks.vae import FACTOR, LATENT_CHANNELS
from vton.pairs import Pair, Split
from vton.train.augment import recolouring
from vton.train.loop import Draw, lot
from vton.truth import read_truth
from vton.tryon import COMPOSITE, compose

NOISES = 4  # for an example: on the photo's and on the composite's latent, and for drawing each of the two


@dataclass(frozen=True)
class Vary:
    """How far examples are varied, and how often the garment photo is kept from the network."""

    flip: float = 0.5  # chance
    colour: float = 0.2  # deviation of each channel's gain, the same for all pictures of an example
    looks: int = 0  # in so many ways an example is ever seen, and its latents are kept; 0: each time in another, and none is
    drop: float = 0.15  # chance that nothing is told of the garment, for guidance (arXiv 2207.12598)

    def __post_init__(self) -> None:
        if not (0 <= self.flip <= 1 and 0 <= self.drop <= 1 and self.colour >= 0 and self.looks >= 0):
            raise ValueError(f"flip and drop must be 0 to 1, colour and looks 0 or more, not {self}")


@dataclass(frozen=True)
class Wearing:
    """One example or a batch, all pictures of the network's size."""

    photo: Tensor  # (N, 3, H, W): the person in the cloth
    composite: Tensor  # (N, 3, H, W): what a try-on begins with
    mask: Tensor  # (N, 1, H, W): the agnostic mask
    cloth: Tensor  # (N, 3, H, W): the garment photo
    t: Tensor  # (N,), int64
    keep: Tensor  # (N,), bool: whether the network is told of the garment
    noises: Tensor  # (N, NOISES, 4, H/8, W/8)
    latents: Tensor  # (N, 2, 2, 4, H/8, W/8): of photo and composite, mean and log-variance
    known: Tensor  # (N,), bool: whether `latents` are; they are zeros where not

    def __len__(self) -> int:
        return len(self.photo)

    def to(self, device: torch.device | str) -> "Wearing":
        """The same on another device."""
        return Wearing(**{name: getattr(self, name).to(device) for name in TENSORS})


TENSORS = tuple(field.name for field in fields(Wearing))


def stack(batch: Sequence[Wearing]) -> Wearing:
    """One batch of examples of one size."""
    return Wearing(**{name: torch.cat([getattr(item, name) for item in batch]) for name in TENSORS})


@dataclass(frozen=True)
class Warps:
    """Where warped cloths come from: run folders, or the true flow of a drawn set."""

    folders: dict[str, Path]  # pair's name -> its folder in a run's intermediates; empty for the true flow

    def has(self, pair: Pair) -> bool:
        """Whether there is a warp of the pair."""
        return not self.folders or pair.name in self.folders

    def composite(self, split: Split, pair: Pair, size: tuple[int, int]) -> Tensor:
        """The composite (1, 3, H, W) that a try-on of a pair of the split begins with: made at the photo's size, then
        letterboxed into `size`. DataError where there is neither a warp nor a true flow."""
        if self.folders:
            return letterbox(to_tensor(read_image(self.folders[pair.name] / "composite.png")), size)
        truth = read_truth(split, pair)
        if truth is None:
            raise DataError(f"{split.root} has no true flow of {pair.name}; give the run folders of a warp by --warps.")
        seen = condition_files.read(split, pair)
        return letterbox(compose(seen, truth.warp(seen)), size)


def open_warps(runs: Sequence[Path], split: str) -> Warps:
    """The warps in folders that `python -m vton.generate` wrote of a split. DataError where a folder holds none."""
    folders: dict[str, Path] = {}
    for run in runs:
        named = describe_run(run)
        if named["split"] != split:
            raise DataError(f"{run} is a run of the split {named['split']}, and warps of {split} are needed.")
        composites = sorted((run / "intermediates").glob("*/composite.png"))
        if composites and named["composite"] != COMPOSITE:
            raise DataError(f"{run} was made by another version, which filled composites otherwise; make it anew.")
        if not composites:
            raise DataError(f"{run} holds no composite; give the folder of a run of `python -m vton.generate`.")
        folders |= {composite.parent.name: composite.parent for composite in composites}
    return Warps(folders)


def describe_run(run: Path) -> dict[str, Any]:
    """What a training says of a run whose warps it is given: its name, split and warp."""
    config = read_json(run / "config.json")
    dataset = config.get("dataset") if isinstance(config, dict) else None
    if not isinstance(dataset, dict) or "warp" not in config:
        raise DataError(f"{run} is no run of `python -m vton.generate`: its config.json names no dataset and warp.")
    told = {"split": dataset.get("split"), "warp": config["warp"], "composite": config.get("composite")}
    return {"run": run.resolve().name, **told}


def in_sample(runs: Sequence[Path], split: Split, pairs: Sequence[Pair]) -> list[Pair]:
    """Those of some `pairs` of the split that runs have warps of, by a warp that was trained on their person or garment."""
    found: set[str] = set()
    for run in runs:
        told = describe_run(run)["warp"].get("trained_on", [])
        for data in [told] if isinstance(told, dict) else told:  # 0.3.1 wrote one dataset alone
            if not _is_of(data["root"], split):
                continue
            trained, _ = split_fold(split, *left_out_fold(split, data["fold"] and tuple(data["fold"])))
            known = {item for pair in trained for item in (pair.person, pair.cloth)}
            made = [pair for pair in pairs if (run / "intermediates" / pair.name).is_dir()]
            found |= {pair.name for pair in made if known & {pair.person, pair.cloth}}
    return [pair for pair in pairs if pair.name in found]


def _is_of(root: str, split: Split) -> bool:
    """Whether a checkpoint that names a dataset means that of the split; one that was exported has the folder's name alone."""
    place = Path(root)
    return place.samefile(split.root) if place.is_dir() else place.name == root == split.root.name


class Wearings(Dataset[Wearing]):
    """Examples by `Draw`: each varied, and its timestep and noises drawn, as its number says."""

    def __init__(
        self, examples: Examples, warps: Warps, vary: Vary, timesteps: int, seed: int, cache: LatentCache | None = None
    ) -> None:
        self.examples, self.warps, self.vary, self.timesteps, self.seed = examples, warps, vary, timesteps, seed
        self.cache = cache

    def __getitem__(self, draw: Draw) -> Wearing:
        chosen = lot(self.seed + 1, draw.number)
        pair, example = self.examples.pairs[draw.index], self.examples[draw.index]
        look = drawn_look(self.vary, chosen, self.seed + 2, draw.index)
        composite = self.warps.composite(self.examples.split, pair, self.examples.size)
        photo, composite, mask, cloth = dress(example, composite, *look)
        shape = (LATENT_CHANNELS, *(side // FACTOR for side in self.examples.size))
        kept = self._kept(photo, composite)
        return Wearing(
            photo,
            composite,
            mask,
            cloth,
            t=torch.randint(self.timesteps, (1,), generator=chosen),
            keep=torch.rand(1, generator=chosen) >= self.vary.drop,
            noises=torch.randn(1, NOISES, *shape, generator=chosen),
            latents=torch.zeros(1, 2, 2, *shape) if kept is None else kept,
            known=torch.tensor([kept is not None]),
        )

    def _kept(self, *pictures: Tensor) -> Tensor | None:
        """The latents of pictures as a `Wearing` has them; None where one of them is not in the cache."""
        found = [self.cache.read(picture) for picture in pictures] if self.cache else [None]
        told = [torch.cat([one.mean, one.logvar]) for one in found if one]
        return torch.stack(told)[None] if len(told) == len(pictures) else None


def drawn_look(vary: Vary, chosen: Generator, seed: int, index: int) -> tuple[Any, bool]:
    """By lot: other colours for the pictures of the example `index`, and whether they are mirrored; one of its few looks, where
    it has so many. Of these the first ones are mirrored."""
    if not vary.looks:
        flipped = float(torch.rand(1, generator=chosen)) < vary.flip
        return recolouring(vary.colour, chosen), flipped
    look = int(torch.randint(vary.looks, (1,), generator=chosen))
    return recolouring(vary.colour, lot(seed, index * vary.looks + look)), look + 0.5 < vary.flip * vary.looks


def dress(
    example: Example, composite: Tensor, recoloured: Any = None, flipped: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Photo, composite, mask and garment photo of an example (N = 1)."""
    pictures = [example.photo, composite, example.conditions.cloth]
    if recoloured:
        pictures = [recoloured(picture) for picture in pictures]
    photo, composite, garment = pictures
    made = (photo, composite, example.conditions.agnostic_mask, garment)
    photo, composite, mask, garment = (picture.flip(-1) if flipped else picture for picture in made)
    return photo, composite, mask, garment
