"""What benchmarks of warps share: a warp that is none, how much masks overlap, and figures with their intervals."""

import statistics

import cv2
import numpy as np
import torch

from vton.conditions import Conditions
from vton.flow import identity_grid, warp
from vton.geometric import Warped
from vton.labels import GARMENT
from vton.metrics.table import summarise
from vton.truth import Truth


def overlap(warped: Warped, truth: Truth, area: torch.Tensor | None = None) -> float:
    """The worn mask's intersection over union with where the truth shows the garment; within `area` (1, 1, H, W) if given."""
    inside = torch.ones_like(truth.visible) if area is None else area
    worn, visible = (warped.mask > 0) & (inside > 0), (truth.visible > 0) & (inside > 0)
    return float((worn & visible).sum() / (worn | visible).sum().clamp_min(1))


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
