"""A flow between sizes: made at a network's size in letterboxes, applied at the photo's own."""

import torch
from torch import Tensor

from vton.flow import identity_grid
from vton.images import letterbox, unletterbox


def flow_into(flow: Tensor, cloth_size: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """A flow (1, 2, H, W) from a garment photo of `cloth_size` to a photo of the flow's size -> the same motion between both
    letterboxed into `size`; zero in the bars."""
    photo_size = (flow.shape[-2], flow.shape[-1])
    (photo_scale, photo_shift), (cloth_scale, cloth_shift) = _placed(photo_size, size), _placed(cloth_size, size)
    place = identity_grid(photo_size).permute(0, 3, 1, 2)
    moved = (place + flow) * cloth_scale + cloth_shift - (place * photo_scale + photo_shift)
    return letterbox(moved, size)


def flow_out(flow: Tensor, cloth_size: tuple[int, int], photo_size: tuple[int, int]) -> Tensor:
    """Undo `flow_into`: a flow (1, 2, h, w) between letterboxes -> the flow (1, 2, H, W) between the photos themselves."""
    size = (flow.shape[-2], flow.shape[-1])
    (photo_scale, photo_shift), (cloth_scale, cloth_shift) = _placed(photo_size, size), _placed(cloth_size, size)
    place = identity_grid(photo_size).permute(0, 3, 1, 2)
    fetched = place * photo_scale + photo_shift + unletterbox(flow, photo_size)
    return (fetched - cloth_shift) / cloth_scale - place


def _placed(size: tuple[int, int], into: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """How places of a picture go to its letterbox, in `grid_sample` units: times a scale plus a shift, (2, 1, 1) each."""
    inside = letterbox(torch.ones(1, 1, *size), into, mode="nearest")[0, 0] > 0
    scale, shift = [], []
    for seen in (inside.any(0), inside.any(1)):
        first, count, total = int(seen.int().argmax()), int(seen.sum()), len(seen)
        scale.append(count / total)
        shift.append((2 * first + count) / total - 1)
    return torch.tensor(scale)[:, None, None], torch.tensor(shift)[:, None, None]
