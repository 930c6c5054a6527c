"""Checks of a flow: a garment that is bent, not folded, torn or fetched from beyond its photo."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch

from vton.flow import identity_grid, warp
from vton.preprocess.checks.maps import Maps, fitted, share
from vton.preprocess.checks.outcome import Check, Outcome, percent

FOLDED = Check(
    "folded flow", "flow", 0.05, "Share of the flow. Drawn truth at most 1.9%: where a sleeve lies on the body the flow jumps."
)
OUT_OF_FRAME = Check("flow out of the frame", "flow", 0.02, "Share of the flow. Drawn truth: 0.")
FAR = Check(
    "displacement of the flow", "flow", 1.5, "grid_sample units, 99.9th percentile. Drawn truth at most 0.87, a raised arm."
)
COVERS = Check("warped cloth mask", "flow", 0.1, "1 - IoU. Drawn truth: 0.")
CHECKS = (FOLDED, OUT_OF_FRAME, FAR, COVERS)


def check_flow(maps: Maps) -> Iterator[Outcome]:
    """Every check of the flow that the item has the maps for."""
    flow = maps.flow
    if flow is None or not np.isfinite(flow).all(0).any():
        return
    seen = np.isfinite(flow).all(0)
    places = flow + identity_grid((flow.shape[1], flow.shape[2]))[0].numpy().transpose(2, 0, 1)
    folded = _folded(places, seen)
    yield FOLDED.judge(folded, f"{percent(folded)} of the flow is folded over", "the print will be mirrored there")
    out = float((np.abs(places[:, seen]) > 1).any(0).mean())
    fact = f"{percent(out)} of the flow fetches from beyond the garment photo"
    yield OUT_OF_FRAME.judge(out, fact, "the photo's edge will be smeared")
    far = float(np.percentile(np.abs(flow[:, seen]), 99.9))
    yield FAR.judge(
        far, f"the flow moves the garment by up to {far / 2:.0%} of the photo", "hardly anything lies that far away"
    )
    yield from _covers(maps, flow, seen)


def _folded(places: np.ndarray, seen: np.ndarray) -> float:
    """Share of the pixels, with their right and lower neighbour seen, where the Jacobian's determinant is negative."""
    across, down = np.diff(places, axis=2)[:, :-1], np.diff(places, axis=1)[:, :, :-1]
    known = seen[:-1, :-1] & seen[:-1, 1:] & seen[1:, :-1]
    turned = across[0] * down[1] - across[1] * down[0]
    return float((turned[known] < 0).mean()) if known.any() else 0.0


def _covers(maps: Maps, flow: np.ndarray, seen: np.ndarray) -> Iterator[Outcome]:
    """1 - IoU of the cloth mask moved along the flow and the garment as worn."""
    if maps.cloth_mask is None or maps.worn_mask is None:
        return
    size = flow.shape[1], flow.shape[2]
    mask = torch.from_numpy((maps.cloth_mask >= 128).astype(np.float32))[None, None]
    moved = warp(mask, torch.from_numpy(np.nan_to_num(flow))[None])[0, 0].numpy() >= 0.5
    worn = fitted(maps.worn_mask, size, cv2.INTER_AREA)
    assert worn is not None
    worn = worn >= 128
    moved &= seen
    score = 1 - share(moved & worn, moved | worn)
    yield COVERS.judge(
        score,
        f"the warped cloth mask and the worn garment overlap by {percent(1 - score)}",
        "the flow does not fit the garment as worn",
    )
