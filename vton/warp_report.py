"""One warp of one pair to look at: a folder with its flow at every scale as pictures, what is wrong with it, and its numbers.

The folder holds worn.png, outline.png, folds.png, outside.png, error.png (where there is a truth), scale<i>_<picture>.png
coarse to fine, the legends wheel.png, lengths.png and errors.png, and report.json, which is written last.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vton import conditions as condition_files
from vton.checkpoint_info import WEIGHTS
from vton.conditions import Conditions
from vton.errors import DataError
from vton.flow import colour_wheel, folds, outside, unevenness
from vton.flow_pictures import (
    error_picture,
    full_length,
    longest,
    marks_of,
    outline_picture,
    pictures_of,
    scale_bar,
    worn_picture,
    worst_error,
)
from vton.geometric import Warped
from vton.images import write_image, write_json
from vton.labels import GARMENT
from vton.pairs import Pair, Split, open_dataset
from vton.truth import Truth, errors, read_truth
from vton.warps import NetworkWarp, Scales, Warp, open_warp

FORMAT = 1
REPORT = "report.json"
TRUTH = "truth"  # the name of the true flow, where a dataset has it
STEPS = 81  # points of the curve of errors


def examine(root: Path, split: str, pair: Pair, repairs: Path | None, name: str, out: Path, device: str = "auto") -> None:
    """Write the report of a pair under the warp `name`: what `open_warp` takes, or TRUTH; a network computes on `device`.

    VtonError where it cannot be.
    """
    found = open_dataset(root, repairs).splits.get(split)
    if found is None:
        raise DataError(f"{root} has no split {split!r}.")
    if name == TRUTH:
        truth = read_truth(found, pair)
        if truth is None:
            raise DataError(f"{root} has no true flow of {pair.name}; only drawn sets do.")
        write_report(found, pair, truth.warp, None, out)
        return
    weights = Path(name) / WEIGHTS
    write_report(found, pair, *_opened(name, device, weights.stat().st_mtime_ns if weights.is_file() else 0), out)


@lru_cache(maxsize=4)
def _opened(name: str, device: str, _changed_ns: int) -> tuple[Warp, Callable[[Conditions], Scales] | None]:
    """A warp, and its scales where it has any; kept for the next pair for as long as its weights stay the same."""
    applied = open_warp(name, device)
    return applied, applied.scales if isinstance(applied, NetworkWarp) else None


def write_report(split: Split, pair: Pair, apply: Warp, scales: Callable[[Conditions], Scales] | None, out: Path) -> None:
    """Warp the pair by `apply` and write the folder `out`.

    `scales` gives a learned warp's flows on the way, (cells, flow at the photo's size), coarse to fine. Raises DataError or
    PreprocessError where the pair cannot be read.
    """
    seen, truth = condition_files.read(split, pair), read_truth(split, pair)
    start = time.perf_counter()
    warped = apply(seen)
    seconds = time.perf_counter() - start
    steps = [*(scales(seen) if scales else ()), (seen.size, warped.flow)]
    for i, (cells, flow) in enumerate(steps):
        for name, picture in pictures_of(flow, warped.mask, cells).items():
            write_image(out / f"scale{i}_{name}.png", picture)
    for name, picture in marks_of(folds(warped.flow, warped.mask), outside(warped.flow) & (warped.mask > 0)).items():
        write_image(out / f"{name}.png", picture)
    write_image(out / "worn.png", worn_picture(warped.cloth, warped.mask))
    write_image(out / "outline.png", outline_picture(warped.mask))
    if truth is not None:
        write_image(out / "error.png", error_picture(errors(warped.flow, truth), truth.visible))
    for name, picture in {"wheel": colour_wheel(), "lengths": scale_bar(), "errors": scale_bar(errors=True)}.items():
        write_image(out / f"{name}.png", picture)
    write_json(
        out / REPORT,
        {
            "format": FORMAT,
            "size": seen.size,
            "numbers": {**measure(warped, seen, truth, pair.person == pair.cloth), "seconds": seconds},
            "scales": [{"size": cells, "epe": _mean_error(flow, truth)} for cells, flow in steps],
            "errors": None if truth is None else error_curve(warped.flow, truth),
            "full_length": full_length(seen.size[0]),
            "longest": longest(seen.size[0]),
            "worst_error": worst_error(seen.size[0]),
        },
    )


def measure(warped: Warped, seen: Conditions, truth: Truth | None, paired: bool) -> dict[str, float | None]:
    """The numbers of a warp; None for what cannot be known of this pair.

    `epe` and `epe_p90` in pixels over the visible garment; `iou` against where the truth shows the garment, or a paired photo's
    parse does; `folds` and `outside` as shares of the garment; `unevenness` in pixels.
    """
    garment = warped.mask > 0.5
    area = max(int(garment.sum()), 1)
    worn = truth.visible > 0 if truth else _worn(seen) if paired else None
    off = errors(warped.flow, truth)[truth.visible > 0] if truth and truth.visible.any() else None
    return {
        "epe": None if off is None else float(off.mean()),
        "epe_p90": None if off is None else float(torch.from_numpy(np.percentile(off.numpy(), [90]))),
        "iou": None if worn is None else float((garment & worn).sum() / (garment | worn).sum().clamp_min(1)),
        "folds": float(folds(warped.flow, warped.mask).sum()) / area,
        "outside": float((outside(warped.flow) & garment).sum()) / area,
        "unevenness": unevenness(warped.flow, warped.mask),
    }


def error_curve(flow: Tensor, truth: Truth) -> dict[str, Any]:
    """The share of the visible garment that is off by at most so many pixels, up to the end of the error picture's scale."""
    off = errors(flow, truth)[truth.visible > 0].numpy()
    most = np.linspace(0, worst_error(flow.shape[-2]), STEPS)
    shares = np.searchsorted(np.sort(off), most, side="right") / max(len(off), 1)
    return {"pixels": most.round(4).tolist(), "shares": shares.round(5).tolist()}


def _mean_error(flow: Tensor, truth: Truth | None) -> float | None:
    if truth is None or not truth.visible.any():
        return None
    return float(errors(flow, truth)[truth.visible > 0].mean())


def _worn(seen: Conditions) -> Tensor:
    """Where the person's own garment is, bool (1, 1, H, W)."""
    return torch.isin(seen.parse, torch.tensor([int(one) for one in GARMENT]))[:, None]
