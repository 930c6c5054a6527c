"""Examples varied by lot: mirrored, coloured, moved, and with maps as faulty as detectors make them; the true flow follows."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from vton.conditions import Conditions
from vton.dataset import IGNORED, Example, colours, parts_of
from vton.flow import identity_grid
from vton.mirror import mirror, mirror_flow, mirror_regions

LOST = 0.25  # chance, at full noise, that a map loses a patch
PATCH = 0.15  # of the picture's height: the largest patch that is lost
COARSE = (6, 5)  # places at which an outline's wandering is drawn, smooth between them


@dataclass(frozen=True)
class Augment:
    """How far examples are varied."""

    flip: float = 0.5  # chance
    colour: float = 0.2  # deviation of each channel's gain, the same for cloth and photo
    scale: float = 0.06  # deviation of the photo's scale, and of the garment photo's
    shift: float = 0.03  # deviation of their shift, of the picture's size
    noise: float = 0.5  # 0 to 1: faults in parse and densepose, with which the truth stays exact

    def __post_init__(self) -> None:
        if not (0 <= self.flip <= 1 and 0 <= self.noise <= 1 and min(self.colour, self.scale, self.shift) >= 0):
            raise ValueError(f"flip and noise must be 0 to 1, the others 0 or more, not {self}")


def augment(example: Example, how: Augment, lot: Generator) -> Example:
    """`example` (N = 1) varied; the same `lot` gives the same."""
    if _draw(lot) < how.flip:
        example = flip(example)
    example = move(example, affine(how, lot), affine(how, lot))
    example = _coloured(example, how.colour, lot)
    return _noisy(example, how.noise, lot)


def flip(example: Example) -> Example:
    """Mirrored left to right: the person's left becomes their right in labels, parts and joints, and the flow turns round."""
    return Example(
        mirror(example.conditions),
        example.photo.flip(-1),
        mirror_regions(example.regions),
        example.visible.flip(-1),
        mirror_flow(example.flow),
        example.has_flow,
    )


def move(example: Example, person: Tensor, cloth: Tensor) -> Example:
    """Photo and garment photo each scaled and shifted: a pixel at p is fetched from `p * a[0] + a[1]` of the old one, a (2, 2)
    in `grid_sample` units, rows scale and shift. What comes in from outside is background."""
    seen = example.conditions
    assert seen.densepose is not None
    grid = identity_grid(seen.size)
    places, cloth_places = grid * person[0] + person[1], grid * cloth[0] + cloth[1]
    image, mask = _fetch(seen.image, places, "border"), _fetch_ids(seen.agnostic_mask, places)
    half = torch.tensor([seen.size[1] / 2, seen.size[0] / 2])
    joints = (((seen.keypoints[..., :2] / half - 1) - person[1]) / person[0] + 1) * half
    moved = Conditions(
        image=image,
        agnostic=image * (1 - mask),
        agnostic_mask=mask,
        parse=_fetch_ids(seen.parse[:, None], places)[:, 0],
        parse_agnostic=_fetch_ids(seen.parse_agnostic[:, None], places)[:, 0],
        keypoints=torch.where(seen.keypoints[..., 2:] > 0, torch.cat([joints, seen.keypoints[..., 2:]], -1), 0.0),
        cloth=_fetch(seen.cloth - 1, cloth_places, "zeros") + 1,
        cloth_mask=_fetch_ids(seen.cloth_mask, cloth_places),
        densepose=colours(_fetch_ids(parts_of(seen.densepose)[:, None], places)[:, 0]),
    )
    fetched = places + _fetch(example.flow, places, "border").permute(0, 2, 3, 1)
    flow = (((fetched - cloth[1]) / cloth[0]) - grid).permute(0, 3, 1, 2) * example.has_flow
    regions = _fetch_ids((example.regions - IGNORED)[:, None], places)[:, 0] + IGNORED  # outside: 0, so IGNORED
    visible = _fetch_ids(example.visible, places)
    return Example(moved, _fetch(example.photo, places, "border"), regions, visible, flow, example.has_flow)


def affine(how: Augment, lot: Generator) -> Tensor:
    """A scale and a shift by lot, (2, 2), the scale the same in both directions."""
    scale = math.exp(how.scale * _normal(lot))
    return torch.tensor([[scale, scale], [2 * how.shift * _normal(lot), 2 * how.shift * _normal(lot)]])


def _coloured(example: Example, amount: float, lot: Generator) -> Example:
    """Cloth and photo in the same other colours."""
    other = recolouring(amount, lot)
    seen = example.conditions
    image = other(seen.image)
    seen = replace(seen, image=image, agnostic=image * (1 - seen.agnostic_mask), cloth=other(seen.cloth))
    return replace(example, conditions=seen, photo=other(example.photo))


def recolouring(amount: float, lot: Generator) -> Callable[[Tensor], Tensor]:
    """What gives pictures (N, 3, H, W) other colours: channels exchanged and each of another strength; white stays white."""
    order = torch.randperm(3, generator=lot) if amount else torch.arange(3)
    gain = (amount * torch.randn(3, generator=lot)).exp()[:, None, None]
    return lambda picture: ((picture[:, order] + 1) / 2).clamp(0, 1).pow(gain) * 2 - 1


def _noisy(example: Example, amount: float, lot: Generator) -> Example:
    """Outlines of parse and densepose that wander, each by itself, and sometimes a patch that is lost."""
    seen = example.conditions
    assert seen.densepose is not None
    parse, parts = seen.parse_agnostic, parts_of(seen.densepose)
    parse, parts = (_lose(_wander(ids, amount, lot), amount, lot) for ids in (parse, parts))
    return replace(example, conditions=replace(seen, parse_agnostic=parse, densepose=colours(parts)))


def _wander(ids: Tensor, amount: float, lot: Generator) -> Tensor:
    """Ids (1, H, W) displaced smoothly, by some 1.5 pixels of 256 at full noise."""
    offsets = torch.randn(1, 2, *COARSE, generator=lot) * (amount * _draw(lot) * 3 / 256)
    smooth = F.interpolate(offsets, size=ids.shape[1:], mode="bicubic", align_corners=False)
    places = identity_grid((ids.shape[1], ids.shape[2])) + smooth.permute(0, 2, 3, 1)
    return _fetch_ids(ids[:, None], places)[:, 0]


def _lose(ids: Tensor, amount: float, lot: Generator) -> Tensor:
    if _draw(lot) >= LOST * amount:
        return ids
    height, width = ids.shape[1:]
    most = max(2, int(PATCH * height))
    top, left, tall, wide = (
        int(torch.randint(1, limit, (1,), generator=lot)) for limit in (height - most, width - most, most, most)
    )
    ids = ids.clone()
    ids[:, top : top + tall, left : left + wide] = 0
    return ids


def _fetch(picture: Tensor, places: Tensor, padding_mode: str) -> Tensor:
    return F.grid_sample(picture, places, padding_mode=padding_mode, align_corners=False)


def _fetch_ids(ids: Tensor, places: Tensor) -> Tensor:
    """Ids (1, 1, H, W) at `places`, of their own type, 0 outside."""
    return F.grid_sample(ids.float(), places, mode="nearest", align_corners=False).to(ids.dtype)


def _draw(lot: Generator) -> float:
    return float(torch.rand(1, generator=lot))


def _normal(lot: Generator) -> float:
    return float(torch.randn(1, generator=lot))
