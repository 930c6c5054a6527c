"""Metrics by a network: LPIPS of a pair, and how far the features of one set of pictures lie from another's (FID, KID)."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from vton.progress import Progress

LPIPS, FID, KID = "lpips", "fid", "kid"
BATCH = 16
SMALLEST = 64  # px; AlexNet's last features need about as many
KID_SUBSETS, KID_SUBSET = 100, 1000  # torch-fidelity's defaults
FID_ENOUGH = 2048  # pictures: with fewer than features, a covariance is not of full rank
SEED = 2020  # of KID's subsets, torch-fidelity's default


def lpips(network: nn.Module, pairs: Iterable[np.ndarray], total: int, device: str) -> Iterator[float | None]:
    """The LPIPS of each of the `total` pairs, uint8 (2, H, W, 3); None where a picture is too small for it."""
    progress = Progress(total, "LPIPS")
    for batch in batches(pairs):
        x = torch.from_numpy(batch).to(device).permute(1, 0, 4, 2, 3).float() / 127.5 - 1  # (2, N, 3, H, W)
        with torch.inference_mode():
            if min(x.shape[-2:]) < SMALLEST:
                yield from [None] * len(batch)
            else:
                yield from network(x[0], x[1]).flatten().tolist()
        progress.advance(len(batch))


def features(network: nn.Module, pictures: Iterable[np.ndarray], progress: Progress, device: str) -> Tensor:
    """(N, features) of pictures, each uint8 (H, W, 3); the network resizes them itself."""
    found = []
    for batch in batches(pictures):
        with torch.inference_mode():
            found.append(network(torch.from_numpy(batch).permute(0, 3, 1, 2).to(device))[0].cpu())
        progress.advance(len(batch))
    return torch.cat(found)


def batches(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """At most BATCH pictures of one shape at a time, in their order."""
    held: list[np.ndarray] = []
    for picture in pictures:
        if held and (len(held) == BATCH or picture.shape != held[0].shape):
            yield np.stack(held)
            held = []
        held.append(picture)
    if held:
        yield np.stack(held)


def frechet(a: Tensor, b: Tensor) -> float:
    """The Fréchet distance of two sets of features (N, D) taken as Gaussians (Heusel et al. 2017, eq. 6).

    With covariances A = P'P and B = Q'Q, the trace of (AB)^(1/2) is the sum of the singular values of PQ': the same number
    as by the eigenvalues of the D x D product, in a fraction of the time.
    """
    a, b = a.double(), b.double()
    p, q = _root(a), _root(b)
    shared = torch.linalg.svdvals(p @ q.T).sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + p.square().sum() + q.square().sum() - 2 * shared)


def _root(x: Tensor) -> Tensor:
    """P of at most (D, D) with P'P the covariance of x (N, D)."""
    centred = (x - x.mean(0)) / sqrt(len(x) - 1)
    return centred if len(x) <= x.shape[1] else torch.linalg.qr(centred, mode="r").R


def kernel_distance(a: Tensor, b: Tensor) -> tuple[float, float]:
    """torch-fidelity's KID of two sets of features (N, D): mean and standard deviation over `kid_subsets`."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    number, size = kid_subsets(min(len(a), len(b)))
    found = kid_features_to_metric(a, b, kid_subsets=number, kid_subset_size=size, rng_seed=SEED, verbose=False)
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"]


def kid_subsets(n: int) -> tuple[int, int]:
    """How many subsets of how many of `n` pictures KID averages over: up to 1,000, one subset of all."""
    return (KID_SUBSETS, KID_SUBSET) if n > KID_SUBSET else (1, n)


def fid_card(n: int) -> dict[str, str]:
    """What must be equal for two FIDs over n pictures to be compared, and what speaks against trusting it."""
    card = _inception_card() | {"interval": "none"}
    if n < FID_ENOUGH:
        card["caution"] = f"{n} pictures, fewer than {FID_ENOUGH}: FID comes out too high; compare only at the same N."
    return card


def kid_card(n: int, deviation: float) -> dict[str, str]:
    """The same for KID, whose standard deviation over the subsets is given too."""
    number, size = kid_subsets(n)
    card = _inception_card() | {"interval": "none", "subsets": f"{number} of {size}"}
    if number > 1:
        return card | {"deviation": f"{deviation:.3g} over the subsets"}
    return card | {"caution": f"{n} pictures: one subset of all of them, so nothing is known of its spread."}


def lpips_card() -> dict[str, str]:
    """What must be equal for two LPIPS to be compared."""
    return {"library": f"torchmetrics {version('torchmetrics')}", "region": "whole picture", "unit": "", "network": "AlexNet"}


def _inception_card() -> dict[str, str]:
    return {
        "library": f"torch-fidelity {version('torch-fidelity')}",
        "region": "whole picture",
        "unit": "",
        "network": "InceptionV3, 2048 features",
        "resize": "to 299x299 by the library: bilinear as TensorFlow 1, not antialiased",
    }
