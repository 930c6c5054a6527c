"""The table of metrics, and how the pairs' values become one number with its interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

MS_SSIM_SIDE = 176  # five scales of an 11 pixel window need more than 160 pixels
RESAMPLES = 1000
PSNR_MOST = 100.0  # dB, given for two equal pictures, whose ratio is infinite


@dataclass(frozen=True)
class Metric:
    """One number for a result against its truth: both (1, 3, H, W) in [0, 1], with the agnostic mask (1, 1, H, W)."""

    name: str
    unit: str
    higher_is_better: bool
    region: str
    compute: Callable[[Tensor, Tensor, Tensor], float | None]  # None where the picture is too small for it

    def card(self) -> dict[str, str]:
        """What must be equal for two values to be compared."""
        return {"library": f"torchmetrics {version('torchmetrics')}", "region": self.region, "unit": self.unit}


def _ssim(result: Tensor, truth: Tensor, mask: Tensor) -> float:
    return float(torch.as_tensor(structural_similarity_index_measure(result, truth, data_range=1.0)))


def _ssim_inside(result: Tensor, truth: Tensor, mask: Tensor) -> float | None:
    _, everywhere = structural_similarity_index_measure(result, truth, data_range=1.0, return_full_image=True)
    inside = mask.expand_as(everywhere) > 0
    return float(everywhere[inside].mean()) if inside.any() else None


def _ms_ssim(result: Tensor, truth: Tensor, mask: Tensor) -> float | None:
    if min(result.shape[-2:]) < MS_SSIM_SIDE:
        return None
    return float(multiscale_structural_similarity_index_measure(result, truth, data_range=1.0))


def _ms_ssim_box(result: Tensor, truth: Tensor, mask: Tensor) -> float | None:
    rows, columns = (np.flatnonzero(mask[0, 0].any(axis).numpy()) for axis in (1, 0))
    if not rows.size or min(result.shape[-2:]) < MS_SSIM_SIDE:
        return None
    box = (..., _span(rows, result.shape[-2]), _span(columns, result.shape[-1]))
    return _ms_ssim(result[box], truth[box], mask)


def _span(places: np.ndarray, length: int) -> slice:
    """The places' extent, widened about its middle to what MS-SSIM needs."""
    size = max(int(places[-1] - places[0]) + 1, MS_SSIM_SIDE)
    start = int(np.clip((places[0] + places[-1] + 1 - size) // 2, 0, length - size))
    return slice(start, start + size)


def _psnr(result: Tensor, truth: Tensor, mask: Tensor) -> float:
    return min(float(peak_signal_noise_ratio(result, truth, data_range=1.0)), PSNR_MOST)


def _psnr_inside(result: Tensor, truth: Tensor, mask: Tensor) -> float | None:
    inside = mask.expand_as(result) > 0
    return _psnr(result[inside], truth[inside], mask) if inside.any() else None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("ssim", "", True, "whole picture", _ssim),
        Metric("ssim_inside", "", True, "inside the agnostic mask", _ssim_inside),
        Metric("ms_ssim", "", True, "whole picture", _ms_ssim),
        Metric("ms_ssim_box", "", True, "bounding box of the agnostic mask", _ms_ssim_box),
        Metric("psnr", "dB", True, "whole picture", _psnr),
        Metric("psnr_inside", "dB", True, "inside the agnostic mask", _psnr_inside),
    )
}


def summarise(values: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    """The mean over pairs, and its 95% interval by bootstrap over pairs (seeded); one pair gives no interval."""
    array = np.asarray(values, float)
    if len(array) < 2:
        return float(array.mean()), None
    draws = np.random.default_rng(0).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.quantile(array[draws].mean(1), [0.025, 0.975])
    return float(array.mean()), (float(low), float(high))


def to_unit(image: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) -> (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
