"""Appearance flow: where each output pixel is fetched from in the garment photo.

A flow is (N, 2, H, W): x and y offsets in `grid_sample` units (the image spans -1 to 1, `align_corners=False`), so the same
numbers mean the same motion at every resolution.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def identity_grid(size: tuple[int, int], device: torch.device | str = "cpu") -> Tensor:
    """(1, H, W, 2): the place of every pixel centre, x before y."""
    height, width = size
    y = (torch.arange(height, device=device) * 2 + 1) / height - 1
    x = (torch.arange(width, device=device) * 2 + 1) / width - 1
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None]


def warp(image: Tensor, flow: Tensor, padding_mode: str = "border") -> Tensor:
    """Fetch `image` (N, C, h, w) along `flow` (N, 2, H, W); the result has the size of the flow."""
    grid = identity_grid((flow.shape[-2], flow.shape[-1]), flow.device) + flow.permute(0, 2, 3, 1)
    return F.grid_sample(image, grid, padding_mode=padding_mode, align_corners=False)


def resize(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """The same motion on another grid of pixels; the numbers keep their meaning."""
    return F.interpolate(flow, size=size, mode="bilinear", align_corners=False)


def compose(first: Tensor, second: Tensor) -> Tensor:
    """One flow for `warp(warp(image, first), second)`; both (N, 2, H, W)."""
    return second + warp(first, second)


def total_variation(flow: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, in `grid_sample` units a pixel."""
    return flow.diff(dim=-1).abs().mean() + flow.diff(dim=-2).abs().mean()


def to_pixels(flow: Tensor) -> Tensor:
    """Offsets in pixels of the flow's own grid."""
    height, width = flow.shape[-2:]
    return flow * flow.new_tensor([width / 2, height / 2])[:, None, None]


def jacobian(flow: Tensor) -> Tensor:
    """How much of the garment photo a pixel fetches, (N, 1, H, W): the determinant of the map from photo to garment photo, both
    in pixels of the flow's grid. 1 is neither stretched nor squeezed; below 0 the garment is turned inside out there."""
    moved = to_pixels(flow)
    across, down = (F.pad(moved.diff(dim=d), pad, mode="replicate") for d, pad in ((-1, (0, 1, 0, 0)), (-2, (0, 0, 0, 1))))
    return ((1 + across[:, :1]) * (1 + down[:, 1:]) - across[:, 1:] * down[:, :1]).contiguous()


def folds(flow: Tensor, mask: Tensor) -> Tensor:
    """Where the garment is folded over, bool (N, 1, H, W): a negative `jacobian`, of neighbours in the `mask` (N, 1, H, W)."""
    return (jacobian(flow) < 0) & within(mask)


def within(mask: Tensor) -> Tensor:
    """Where a `jacobian` is of the mask alone, bool (N, 1, H, W): the pixel, the next and the one below are in it."""
    inside = mask > 0.5
    right, below = (F.pad(inside[..., 1:], (0, 1)), F.pad(inside[..., 1:, :], (0, 0, 0, 1)))
    return inside & right & below


def outside(flow: Tensor) -> Tensor:
    """Where the flow (N, 2, H, W) fetches from beyond the garment photo, bool (N, 1, H, W)."""
    place = identity_grid((flow.shape[-2], flow.shape[-1]), flow.device).permute(0, 3, 1, 2) + flow
    return (place.abs() > 1).any(1, keepdim=True)


def unevenness(flow: Tensor, mask: Tensor) -> float:
    """How unevenly the flow (1, 2, H, W) stretches inside the mask (1, 1, H, W): the mean length of its second differences, in
    pixels; 0 for a shift, a scale or a turn."""
    moved, inside = to_pixels(flow), mask > 0.5
    lengths = []
    for d in (-1, -2):
        n = flow.shape[d]
        whole = inside.narrow(d, 0, n - 2) & inside.narrow(d, 1, n - 2) & inside.narrow(d, 2, n - 2)
        lengths.append(moved.diff(n=2, dim=d).norm(dim=1, keepdim=True)[whole])
    both = torch.cat(lengths)
    return float(both.mean()) if len(both) else 0.0


def to_colour(flow: Tensor | np.ndarray, most: float | None = None) -> np.ndarray:
    """A flow (2, H, W) in the field's colour wheel, uint8 (H, W, 3): hue is direction, saturation is length.

    `most` is the length, in `grid_sample` units, at full saturation; by default the 99th percentile of the flow's own.
    The wheel is that of Baker et al., A Database and Evaluation Methodology for Optical Flow, IJCV 2011.
    """
    x, y = np.asarray(flow, np.float32)
    length = np.hypot(x, y)
    radius = np.clip(length / max(most or float(np.percentile(length, 99)), 1e-6), 0, 1)[..., None]
    wheel = _wheel()
    place = (np.arctan2(-y, -x) / np.pi + 1) / 2 * (len(wheel) - 1)
    low = place.astype(int)
    share = (place - low)[..., None]
    hue = wheel[low] * (1 - share) + wheel[(low + 1) % len(wheel)] * share
    return np.round(255 * (1 - radius * (1 - hue))).astype(np.uint8)


def colour_wheel(size: int = 120) -> np.ndarray:
    """The legend of `to_colour`: a disc, uint8 (size, size, 3), white outside."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    disc = to_colour(np.stack([x, y]), most=1)
    disc[np.hypot(x, y) > 1] = 255
    return disc


def draw_grid(flow: Tensor | np.ndarray, lines: int = 24) -> np.ndarray:
    """A straight grid of the garment photo as the flow (2, H, W) bends it, uint8 (H, W, 3), dark on white."""
    offsets = np.asarray(flow, np.float32)
    height, width = offsets.shape[1:]
    grid = identity_grid((height, width))[0].numpy() + offsets.transpose(1, 2, 0)
    cells = np.stack([grid[..., 0] * lines / 2, grid[..., 1] * lines / 2 * height / width], -1)
    away = np.abs(cells - np.round(cells))  # distance to the nearest line, in cells
    step = np.maximum(np.abs(np.gradient(cells, axis=1)) + np.abs(np.gradient(cells, axis=0)), 1e-6)
    ink = np.clip(1.2 - away / step, 0, 1).max(-1)
    inside = (np.abs(grid) <= 1).all(-1)
    picture = np.where(inside, 255 - 185 * ink, 236)
    return np.repeat(picture[..., None], 3, -1).astype(np.uint8)


def _wheel() -> np.ndarray:
    """(55, 3) in 0..1: red, yellow, green, cyan, blue, magenta with the usual 15, 6, 4, 11, 13, 6 steps."""
    corners = np.array([(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0)], float)
    parts = [
        start + (end - start) * np.arange(n)[:, None] / n
        for start, end, n in zip(corners, corners[1:], (15, 6, 4, 11, 13, 6), strict=False)
    ]
    return np.concatenate(parts)
