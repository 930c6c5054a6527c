"""Conditions: all that the networks see of a pair, read from a dataset's files and completed where these have gaps."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vton.errors import DataError
from vton.images import (
    mask_to_tensor,
    read_image,
    read_json,
    read_labels,
    read_mask,
    read_parts,
    resize_image,
    resize_labels,
    to_tensor,
)
from vton.labels import COCO_18, DENSEPOSE_PALETTE, Keypoint
from vton.pairs import Pair, Split
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse


@dataclass(frozen=True)
class Conditions:
    """One pair or a batch, in the convention of `vton`; `cloth` and `cloth_mask` keep the garment photo's own size."""

    image: Tensor  # (N, 3, H, W), the photo; a network sees only `agnostic`
    agnostic: Tensor  # (N, 3, H, W), grey (0) where erased
    agnostic_mask: Tensor  # (N, 1, H, W)
    parse: Tensor  # (N, H, W)
    parse_agnostic: Tensor  # (N, H, W)
    keypoints: Tensor  # (N, 25, 3)
    cloth: Tensor  # (N, 3, h, w)
    cloth_mask: Tensor  # (N, 1, h, w)
    densepose: Tensor | None  # (N, 3, H, W), or None where the dataset has none

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the photo."""
        return self.image.shape[-2], self.image.shape[-1]

    def to(self, device: torch.device | str) -> "Conditions":
        """The same on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value.to(device) for name, value in values.items() if value is not None})


def stack(batch: list[Conditions]) -> Conditions:
    """One batch of conditions of equal sizes; densepose only where all have it."""

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(item, name) for item in batch])

    tensors = {field.name: joined(field.name) for field in fields(Conditions) if field.name != "densepose"}
    posed = all(item.densepose is not None for item in batch)
    return Conditions(**tensors, densepose=joined("densepose") if posed else None)


def read(split: Split, pair: Pair) -> Conditions:
    """The conditions of `pair`. Maps of another size than the photo are brought to it; where the dataset has no agnostic mask
    it is drawn by the rule, and the agnostic is always painted from the mask, so that both agree.

    Raises DataError for a missing or damaged file, PreprocessError for a photo without shoulders.
    """
    image = read_image(split.need("image", pair.person))
    size = (image.shape[0], image.shape[1])
    parse = resize_labels(read_labels(split.need("parse", pair.person)), size)
    keypoints = read_keypoints(split.need("keypoints", pair.person))
    mask_file = split.path("agnostic_mask", pair.person)
    mask = resize_labels(read_mask(mask_file), size) if mask_file else agnostic_mask(parse, keypoints)
    agnostic_parse_file = split.path("parse_agnostic", pair.person)
    parse_agnostic = resize_labels(read_labels(agnostic_parse_file), size) if agnostic_parse_file else erase_parse(parse, mask)
    cloth = read_image(split.need("cloth", pair.cloth))
    cloth_mask = resize_labels(read_mask(split.need("cloth_mask", pair.cloth)), (cloth.shape[0], cloth.shape[1]))
    return Conditions(
        image=to_tensor(image),
        agnostic=to_tensor(erase(image, mask)),
        agnostic_mask=mask_to_tensor(mask),
        parse=torch.from_numpy(parse.astype(np.int64))[None],
        parse_agnostic=torch.from_numpy(parse_agnostic.astype(np.int64))[None],
        keypoints=torch.from_numpy(keypoints)[None].float(),
        cloth=to_tensor(cloth),
        cloth_mask=mask_to_tensor(cloth_mask),
        densepose=_densepose(split, pair.person, size),
    )


def _densepose(split: Split, stem: str, size: tuple[int, int]) -> Tensor | None:
    """DensePose in its colours, (1, 3, H, W), of the part ids where there are some; None where the split has neither."""
    kind = split.densepose_kind(stem)
    file = split.path(kind, stem)
    if file is None:
        return None
    if kind == "densepose":
        return to_tensor(resize_image(read_image(file), size))
    return to_tensor(DENSEPOSE_PALETTE[resize_labels(read_parts(file), size)])


def read_keypoints(path: Path) -> np.ndarray:
    """Joints of the largest person in an OpenPose JSON of 18 or 25 joints, float (25, 3); missing ones are zero.

    With 18 joints the hip between both is added. DataError where the file has no person, or another number of joints.
    """
    people = _field(read_json(path), "people", path)
    if not isinstance(people, list) or not people:
        raise DataError(f"{path} has no person in it; run the keypoint detector on the photo again.")
    found = [_joints(_field(person, "pose_keypoints_2d", path), path) for person in people]
    return max(found, key=_extent)


def _field(value: object, name: str, path: Path) -> object:
    if not isinstance(value, dict) or name not in value:
        raise DataError(f'{path} is no OpenPose file: it has no "{name}".')
    return value[name]


def _joints(flat: object, path: Path) -> np.ndarray:
    try:
        joints = np.asarray(flat, np.float64).reshape(-1, 3)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} has a person whose joints are not triples of numbers ({error}).") from error
    if len(joints) not in (18, 25):
        raise DataError(f"{path} has {len(joints)} joints; 18 (COCO) and 25 (BODY_25) are known.")
    if len(joints) == 18:
        body = np.zeros((25, 3))
        body[list(COCO_18)] = joints
        hips = body[[Keypoint.RIGHT_HIP, Keypoint.LEFT_HIP]]
        if hips[:, 2].all():
            body[Keypoint.MID_HIP] = hips.mean(0)
        joints = body
    missing = ~np.isfinite(joints).all(1) | (joints[:, :2] == 0).all(1) | (joints[:, 2] <= 0)
    return np.where(missing[:, None], 0.0, joints)


def _extent(joints: np.ndarray) -> float:
    seen = joints[joints[:, 2] > 0, :2]
    return float(np.prod(np.ptp(seen, axis=0))) if len(seen) > 1 else 0.0
