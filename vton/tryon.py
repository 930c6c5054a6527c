"""Try-on: conditions to warped cloth to image; the whole route on one screen."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vton.conditions import Conditions
from vton.fill import fill_bare
from vton.geometric import Warped, geometric_warp
from vton.images import mask_to_tensor, to_image, to_tensor

FEATHER = 0.004  # of the photo's height: how softly the result is laid back into the photo


@dataclass(frozen=True)
class Result:
    """All stages of one try-on, at the photo's size."""

    warped: Warped
    composite: Tensor  # (1, 3, H, W): the agnostic with the warped cloth laid in; what a diffusion model starts from
    image: Tensor  # (1, 3, H, W): equal to the photo wherever the agnostic mask is 0
    seconds: dict[str, float]  # by stage


def try_on(conditions: Conditions, warp: Callable[[Conditions], Warped] = geometric_warp) -> Result:
    """Put the cloth of one pair (N = 1) on, moved by `warp`, bare regions filled in."""
    start = time.perf_counter()
    warped = warp(conditions)
    moved = time.perf_counter()
    worn = warped.mask * conditions.agnostic_mask
    composite = conditions.agnostic * (1 - worn) + warped.cloth * worn
    bare = fill_bare(
        to_image(conditions.image),
        conditions.parse[0].numpy(),
        conditions.keypoints[0].numpy(),
        conditions.agnostic_mask[0, 0].numpy() > 0,
        worn[0, 0].numpy() > 0,
        warped.sleeve_ends,
    )
    soft = _soften(worn, conditions.size)
    filled = time.perf_counter()
    image = paste_back(to_tensor(bare) * (1 - soft) + warped.cloth * soft, conditions)
    seconds = {"warp": moved - start, "fill": filled - moved, "paste": time.perf_counter() - filled}
    return Result(warped, composite, image, seconds)


def paste_back(image: Tensor, conditions: Conditions) -> Tensor:
    """`image` inside the agnostic mask, the photo's own pixels outside it, feathered inwards so that no seam shows."""
    mask = conditions.agnostic_mask
    radius = max(1.0, FEATHER * conditions.size[0])
    inside = cv2.distanceTransform(mask[0, 0].numpy().astype(np.uint8), cv2.DIST_L2, 3)
    # Towards parts that were cut out of the mask (hair, hands, trousers) the edge is the thing's own: keep it sharp.
    weight = torch.from_numpy(np.clip(inside / radius, 0, 1))[None, None].float()
    background = mask_to_tensor(conditions.parse[0].numpy() == 0) * (1 - mask)
    near = mask_to_tensor(cv2.dilate(background[0, 0].numpy(), np.ones((2 * int(radius) + 3,) * 2)) > 0)
    weight = torch.where(near > 0, weight, mask)
    return conditions.image * (1 - weight) + image * weight


def _soften(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask with an edge as soft as a lens makes it, never outside of it."""
    sigma = max(0.6, 0.0012 * size[0])
    blurred = cv2.GaussianBlur(mask[0, 0].numpy(), (0, 0), sigma)
    return torch.from_numpy(np.clip(2 * blurred - 1, 0, 1))[None, None] * mask
