"""Examples to train on: pairs -> what the networks see and what they should find, at a network's size."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vton import conditions as condition_files
from vton.conditions import Conditions
from vton.errors import DataError
from vton.images import letterbox, read_image, read_mask, resize_image, resize_labels, to_image, to_tensor
from vton.labels import DENSEPOSE_PALETTE, ParseClass
from vton.labels import Keypoint as K
from vton.networks.warp import Region, merge
from vton.pairs import Pair, Split
from vton.preprocess.checks.maps import nearest_ids
from vton.truth import read_truth
from vton.warping import flow_into

Item = TypeVar("Item")

IGNORED = -100  # in `Example.regions`: what is seen there is not known
UNCOVERED = -1  # the same, but that it is not the garment is
ARM_PARTS = {Region.RIGHT_ARM: (3, 16, 18, 20, 22), Region.LEFT_ARM: (4, 15, 17, 19, 21)}  # DensePose ids
TORSO_PARTS, LEG_PARTS = (1, 2), tuple(range(5, 15))
FOLDS = 25  # of which the first validates, where a training is asked to leave none out
BARE = 0.8  # of the way from neck to hips: above it the torso beside a garment is skin, below it may be trousers


@dataclass(frozen=True)
class Example:
    """One pair or a batch at a network's size: what it sees, and the truth about the person in that cloth."""

    conditions: Conditions
    photo: Tensor  # (N, 3, H, W): the person in the cloth
    regions: Tensor  # (N, H, W), ids of `Region` in `photo`, IGNORED or UNCOVERED
    visible: Tensor  # (N, 1, H, W): where the cloth is seen in `photo`
    flow: Tensor  # (N, 2, H, W): the true flow, exact where `visible`; zeros where there is none
    has_flow: Tensor  # (N, 1, 1, 1): 1 where the dataset has the true flow

    def __len__(self) -> int:
        return len(self.photo)

    def to(self, device: torch.device | str) -> "Example":
        """The same on another device."""
        moved = {name: getattr(self, name).to(device) for name in TENSORS}
        return Example(self.conditions.to(device), **moved)


TENSORS = tuple(field.name for field in fields(Example) if field.name != "conditions")


def stack(batch: Sequence[Example]) -> Example:
    """One batch of examples of one size."""
    joined = {name: torch.cat([getattr(item, name) for item in batch]) for name in TENSORS}
    return Example(condition_files.stack([item.conditions for item in batch]), **joined)


class Examples(Dataset[Example]):
    """The examples of some pairs of a split, read from its files."""

    def __init__(self, split: Split, pairs: Sequence[Pair], size: tuple[int, int]) -> None:
        self.split, self.pairs, self.size = split, list(pairs), size

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Example:
        return read(self.split, self.pairs[index], self.size)


def trainable_pairs(split: Split) -> list[Pair]:
    """Everyone in their own garment, and in another one where the dataset has the true photo and flow of it."""
    paired = split.paired()
    truths = split.maps["truth"].keys() & split.maps["flow"].keys()
    others = [pair for pair in split.pairs if pair.person != pair.cloth and pair.name in truths]
    return [*paired, *others]


def split_fold(split: Split, fold: int, folds: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs to train on without fold `fold` (0 .. folds - 1) of the people, and those of the fold.

    A fold is a run of people in the order of their names. A pair whose person or garment is of the fold is never trained on.
    """
    persons = split.persons
    cut = set(persons[fold * len(persons) // folds : (fold + 1) * len(persons) // folds])
    pairs = trainable_pairs(split)
    return [p for p in pairs if not {p.person, p.cloth} & cut], [p for p in pairs if p.person in cut]


def left_out_fold(split: Split, asked: tuple[int, int] | None) -> tuple[int, int]:
    """The fold (K, N) that a training leaves out: the one it is `asked` to, else a small one to measure by."""
    return asked or (0, min(FOLDS, max(2, len(split.persons))))


def unseen(trained: Sequence[Pair], left_out: Sequence[Pair]) -> list[Pair]:
    """Of the pairs that are left out, those whose garment is not trained on either, as worn by someone else."""
    cloths = {pair.cloth for pair in trained}
    return [pair for pair in left_out if pair.cloth not in cloths]


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of them, evenly spread."""
    return [items[i * len(items) // min(most, len(items))] for i in range(min(most, len(items)))]


def read(split: Split, pair: Pair, size: tuple[int, int]) -> Example:
    """The example of one pair at `size`. DataError where a map is missing, or where nothing shows the person in that cloth."""
    whole = condition_files.read(split, pair)
    fitted = fit(whole, size)
    known, truth = read_truth(split, pair), split.path("truth", pair.name)
    if pair.person != pair.cloth and truth is None:
        raise DataError(f"{split.root} has no photo of {pair.person} in {pair.cloth}, so this pair cannot be trained on.")
    photo = fitted.image if truth is None else _picture(resize_image(read_image(truth), whole.size), size)
    if known is None:
        visible = _worn(split, pair, whole, size)
        flow = torch.zeros(1, 2, *size)
    else:
        cloth_size = (whole.cloth.shape[-2], whole.cloth.shape[-1])
        seen = resize_labels(known.visible[0, 0].numpy() > 0, whole.size)
        visible = _labels(torch.from_numpy(seen)[None], size)[:, None].float()
        flow = flow_into(known.flow, cloth_size, size)
    own = pair.person == pair.cloth
    regions = regions_of(fitted, visible) if own else regions_in_other(fitted, visible)
    if own and known is not None:  # one's own garment ends where the trousers are seen: learnt, it would cut longer ones off
        regions = torch.where(regions == Region.BOTTOM, torch.full_like(regions, IGNORED), regions)
    elif known is not None:
        regions = torch.where(regions == IGNORED, torch.full_like(regions, UNCOVERED), regions)
    return Example(fitted, photo, regions, visible, flow, torch.full((1, 1, 1, 1), float(known is not None)))


def fit(conditions: Conditions, size: tuple[int, int]) -> Conditions:
    """The conditions of a pair as a network of `size` sees them: letterboxed, and densepose in its exact colours.

    DataError where there is no densepose.
    """
    if conditions.densepose is None:
        raise DataError("This pair has no DensePose map, and the network sees it; `python -m vton.preprocess` makes it.")
    parts = torch.from_numpy(nearest_ids(to_image(conditions.densepose)))[None]
    mask = _labels(conditions.agnostic_mask[:, 0], size)[:, None].float()
    height, width = conditions.size
    scale = min(size[0] / height, size[1] / width)
    bars = conditions.keypoints.new_tensor([(size[1] - width * scale) / 2, (size[0] - height * scale) / 2])
    joints = torch.cat([conditions.keypoints[..., :2] * scale + bars, conditions.keypoints[..., 2:]], -1)
    image = letterbox(conditions.image, size)
    return Conditions(
        image=image,
        agnostic=image * (1 - mask),
        agnostic_mask=mask,
        parse=_labels(conditions.parse, size),
        parse_agnostic=_labels(conditions.parse_agnostic, size),
        keypoints=torch.where(conditions.keypoints[..., 2:] > 0, joints, 0.0),
        cloth=letterbox(conditions.cloth, size, value=1.0),
        cloth_mask=(letterbox(conditions.cloth_mask, size) > 0.5).float(),
        densepose=colours(_labels(parts, size)),
    )


def colours(parts: Tensor) -> Tensor:
    """DensePose part ids (N, H, W) -> their colours (N, 3, H, W) in [-1, 1]."""
    palette = torch.from_numpy(DENSEPOSE_PALETTE.astype(np.float32) / 127.5 - 1)
    return palette[parts.long()].permute(0, 3, 1, 2).contiguous()


def parts_of(densepose: Tensor) -> Tensor:
    """Exact colours (1, 3, H, W) -> part ids (1, H, W)."""
    return torch.from_numpy(nearest_ids(to_image(densepose)).astype(np.int64))[None]


def regions_of(conditions: Conditions, visible: Tensor) -> Tensor:
    """What is where in the photo of a person in their own garment, (1, H, W)."""
    regions = merge(conditions.parse)
    mislabelled = (regions == Region.UPPER) & (visible[:, 0] == 0)
    regions = torch.where(mislabelled, torch.full_like(regions, IGNORED), regions)
    return torch.where(visible[:, 0] > 0, torch.full_like(regions, Region.UPPER), regions)


def regions_in_other(conditions: Conditions, visible: Tensor) -> Tensor:
    """What is where in the photo of a person in another garment, (1, H, W): what does not depend on the garment stays, bare
    arms are where DensePose has arms; IGNORED where skin or trousers may come out below the garment."""
    assert conditions.densepose is not None
    parts, regions = parts_of(conditions.densepose), merge(conditions.parse_agnostic)
    erased = (conditions.parse_agnostic == ParseClass.BACKGROUND) & (conditions.agnostic_mask[:, 0] > 0)
    for region, ids in ARM_PARTS.items():
        regions = torch.where(erased & _among(parts, ids), torch.full_like(regions, region), regions)
    joints = conditions.keypoints[0]
    waist = joints[K.NECK, 1] + BARE * (joints[K.MID_HIP, 1] - joints[K.NECK, 1])
    rows = torch.arange(regions.shape[1])[None, :, None]
    lower = rows >= waist if bool(joints[[K.NECK, K.MID_HIP], 2].all()) else torch.ones_like(rows, dtype=torch.bool)
    unknown = erased & (_among(parts, LEG_PARTS) | (_among(parts, TORSO_PARTS) & lower))
    regions = torch.where(unknown, torch.full_like(regions, IGNORED), regions)
    return torch.where(visible[:, 0] > 0, torch.full_like(regions, Region.UPPER), regions)


def _among(parts: Tensor, ids: Sequence[int]) -> Tensor:
    return torch.isin(parts, torch.tensor(ids))


def _worn(split: Split, pair: Pair, whole: Conditions, size: tuple[int, int]) -> Tensor:
    """Where a person's own garment is seen, of the dataset's mask or else of the parse."""
    file = split.path("worn_mask", pair.person)
    worn = torch.from_numpy(resize_labels(read_mask(file), whole.size))[None] if file else merge(whole.parse) == Region.UPPER
    return _labels(worn, size)[:, None].float()


def _picture(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    return letterbox(to_tensor(image), size)


def _labels(ids: Tensor, size: tuple[int, int]) -> Tensor:
    """Ids (N, H, W) letterboxed without being mixed, int64; 0 in the bars."""
    return letterbox(ids[:, None].float(), size, mode="nearest")[:, 0].long()
