"""What benchmarks of warps share: the warps to compare with, how far a flow is off, and figures with their intervals."""

import statistics

import cv2
import numpy as np
import torch

from vton.conditions import Conditions
from vton.flow import identity_grid, warp
from vton.geometric import Warped
from vton.images import mask_to_tensor
from vton.labels import GARMENT
from vton.metrics.table import summarise


def distances(warped: Warped, flow: np.ndarray) -> np.ndarray:
    """How far every pixel's place in the garment photo is off (H, W), in pixels, against the true flow (2, H, W)."""
    height, width = flow.shape[1:]
    return np.hypot(*((warped.flow[0].numpy() - flow) * np.array([width / 2, height / 2])[:, None, None]))


def overlap(warped: Warped, visible: np.ndarray) -> float:
    """The worn mask's intersection over union with where the truth shows the garment, bool (H, W)."""
    worn = warped.mask[0, 0].numpy() > 0
    return float((worn & visible).sum() / max((worn | visible).sum(), 1))


def pasted_warp(conditions: Conditions) -> Warped:
    """No warp: the garment's box scaled to the box of what the person wears now."""
    worn = np.isin(conditions.parse[0].numpy(), GARMENT)
    cloth = conditions.cloth_mask[0, 0].numpy() > 0
    (left, top, wide, high), (x, y, across, down) = (cv2.boundingRect(mask.astype(np.uint8)) for mask in (worn, cloth))
    height, width = worn.shape
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    places = np.stack([x + (columns - left) * across / max(wide, 1), y + (rows - top) * down / max(high, 1)], -1)
    grid = torch.from_numpy((places + 0.5) / np.array([width / 2, height / 2]) - 1).float()[None]
    flow = (grid - identity_grid(conditions.size)).permute(0, 3, 1, 2).contiguous()
    mask = (warp(conditions.cloth_mask, flow) > 0.5).float()
    return Warped(flow, warp(conditions.cloth, flow), mask, (2.0, 2.0))


def true_warp(
    conditions: Conditions, flow: np.ndarray, visible: np.ndarray, sleeve_ends: tuple[float, float] = (0.0, 0.0)
) -> Warped:
    """The warp that the drawing knows; it does not know where on the arms the sleeves end."""
    moved = torch.from_numpy(flow)[None].float()
    return Warped(moved, warp(conditions.cloth, moved), mask_to_tensor(visible), sleeve_ends)


def summary(found: dict[str, list[float]], medians: tuple[str, ...]) -> dict[str, tuple[float, float, float]]:
    """Per figure its mean over the pairs and the 95% interval; of `medians` the median too, as "median <name>"."""
    figures: dict[str, tuple[float, float, float]] = {}
    for name, values in found.items():
        mean, interval = summarise(values)
        figures[name] = (mean, *(interval or (mean, mean)))
        if name in medians:
            draws = np.random.default_rng(0).choice(values, (1000, len(values)))
            low, high = np.quantile(np.median(draws, 1), [0.025, 0.975])
            figures[f"median {name}"] = (statistics.median(values), float(low), float(high))
    return figures
