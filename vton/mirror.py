"""Left and right exchanged: a pair as a mirror shows it, in pictures, labels, parts, joints and flows alike."""

import torch
from torch import Tensor

from vton.conditions import Conditions
from vton.dataset import colours, parts_of
from vton.labels import Keypoint, ParseClass
from vton.networks.warp import Region

CLASSES = tuple((left, left + 1) for left in (ParseClass.LEFT_ARM, ParseClass.LEFT_LEG, ParseClass.LEFT_SHOE))
REGIONS = tuple((left, left + 1) for left in (Region.LEFT_ARM, Region.LEFT_LEG, Region.LEFT_SHOE))
PARTS = tuple((first, first + 1) for first in range(3, 25, 2))  # DensePose: hands, feet, legs, arms, face
JOINTS = tuple((joint, Keypoint[joint.name.replace("RIGHT", "LEFT")]) for joint in Keypoint if joint.name.startswith("RIGHT"))


def mirror(seen: Conditions) -> Conditions:
    """One pair (N = 1) mirrored; the person's left becomes their right. It needs a densepose."""
    assert seen.densepose is not None
    joints = seen.keypoints.clone()
    for right, left in JOINTS:
        joints[:, [right, left]] = joints[:, [left, right]]
    joints[..., 0] = torch.where(joints[..., 2] > 0, seen.size[1] - joints[..., 0], joints[..., 0])
    return Conditions(
        image=seen.image.flip(-1),
        agnostic=seen.agnostic.flip(-1),
        agnostic_mask=seen.agnostic_mask.flip(-1),
        parse=_exchanged(seen.parse, CLASSES).flip(-1),
        parse_agnostic=_exchanged(seen.parse_agnostic, CLASSES).flip(-1),
        keypoints=joints,
        cloth=seen.cloth.flip(-1),
        cloth_mask=seen.cloth_mask.flip(-1),
        densepose=colours(_exchanged(parts_of(seen.densepose), PARTS)).flip(-1),
    )


def mirror_flow(flow: Tensor) -> Tensor:
    """The flow (N, 2, H, W) of the mirrored pair."""
    return flow.flip(-1) * flow.new_tensor([-1.0, 1.0])[:, None, None]


def mirror_regions(regions: Tensor) -> Tensor:
    """Ids of `Region` (N, H, W) of the mirrored pair."""
    return _exchanged(regions, REGIONS).flip(-1)


def mirror_logits(logits: Tensor) -> Tensor:
    """What is said for each `Region`, (N, 13, H, W), of the mirrored pair."""
    order = torch.arange(len(Region))
    return logits[:, _exchanged(order, REGIONS)].flip(-1)


def _exchanged(ids: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    out = ids.clone()
    for one, other in pairs:
        out[ids == one], out[ids == other] = other, one
    return out
