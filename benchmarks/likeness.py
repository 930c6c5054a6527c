"""How like the true photo a picture is, inside the agnostic mask and whole, for benchmarks of diffusions.

The garment-feature distance is the perceptual loss of the trainings: mean L1 of what the shipped garment network sees at each
depth, the deepest counting 1 and each shallower one half of the next. The garment-feature Fréchet distance is that of two sets
of pictures, by the means over place of the deepest features. Both are made as LPIPS and FID are, of another network: their
numbers must not be compared with those.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vton.images import to_image
from vton.metrics.table import METRICS, to_unit
from vton.train.losses import FADE, Features, masked_mean

PICTURES = ("ssim", "ssim_inside", "psnr", "psnr_inside")
DISTANCES = ("features", "features_inside")
FRECHET = ("frechet", "frechet_inside")
HEAD = {
    "psnr_inside": "PSNR inside, dB",
    "ssim_inside": "SSIM inside",
    "features_inside": "garment features inside",
    "frechet_inside": "Fréchet inside",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "features": "garment features",
    "frechet": "Fréchet",
    "median seconds": "median s",
}


def likeness(picture: Tensor, photo: Tensor, mask: Tensor, features: Features) -> dict[str, float]:
    """PICTURES and DISTANCES of a picture against the true photo, both (1, 3, H, W) in [-1, 1] and taken as stored, in 8 bits.
    NaN where the picture is too small for one."""
    made, true = (to_unit(to_image(x)) for x in (picture, photo))
    found = {}
    for name in PICTURES:
        value = METRICS[name].compute(made, true, mask)
        found[name] = float("nan") if value is None else value
    return found | dict(zip(DISTANCES, feature_distances(made * 2 - 1, true * 2 - 1, mask, features), strict=True))


@torch.no_grad()
def feature_distances(picture: Tensor, photo: Tensor, mask: Tensor, features: Features) -> tuple[float, float]:
    """The garment-feature distance of two pictures (1, 3, H, W), whole and inside the mask (1, 1, H, W)."""
    whole = inside = 0.0
    pairs = list(zip(features(picture), features(photo), strict=True))
    for depth, (found, wanted) in enumerate(pairs):
        away = (found - wanted).abs().mean(1, keepdim=True)
        share = FADE ** (len(pairs) - 1 - depth)
        whole += share * float(away.mean())
        inside += share * float(masked_mean(away, _shrunk(mask, away)))
    return whole, inside


@torch.no_grad()
def feature_means(picture: Tensor, mask: Tensor, features: Features) -> tuple[list[float], list[float]]:
    """The deepest features of a picture, each one's mean over the whole of it and over the mask."""
    deepest = features(picture)[-1]
    weight = _shrunk(mask, deepest)
    inside = (deepest * weight).sum((2, 3)) / weight.sum().clamp_min(1e-6)
    return _listed(deepest.mean((2, 3))), _listed(inside)


def frechet(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    """The squared Fréchet distance of the normal distributions that two sets of vectors have (arXiv 1706.08500, equation 6).
    NaN of sets with fewer than 2."""
    first, second = (np.asarray(vectors, float) for vectors in (one, other))
    if min(len(first), len(second)) < 2:
        return float("nan")
    cov, cov_other = (np.atleast_2d(np.cov(vectors, rowvar=False)) for vectors in (first, second))
    between = np.sqrt(np.linalg.eigvals(cov @ cov_other).astype(complex)).real.sum()
    away = np.square(first.mean(0) - second.mean(0)).sum()
    return float(max(0.0, away + np.trace(cov) + np.trace(cov_other) - 2 * between))


def _shrunk(mask: Tensor, like: Tensor) -> Tensor:
    """The mask at the size of some features: the share of each cell that it covers."""
    return torch.nn.functional.adaptive_avg_pool2d(mask, like.shape[-2:])


def _listed(values: Tensor) -> list[float]:
    return [round(float(value), 5) for value in values[0]]
