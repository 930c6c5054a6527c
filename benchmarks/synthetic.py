"""The drawn set: how fast it is drawn, how hard its pairs are, how true its truth is, what its JPEGs lose."""

import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import arguments, show, write
from vton.flow import warp
from vton.images import read_image, read_mask
from vton.labels import DENSEPOSE_PALETTE
from vton.pairs import open_dataset
from vton.synthetic import SyntheticConfig, draw_dataset, dress, photograph
from vton.synthetic.write import garment_of, person_of

WORKERS = 2
LIMITS = {"seconds": 300.0, "residual": 4.0, "visible": 0.6, "psnr": 28.0}


def truth_psnr(config: SyntheticConfig, index: int) -> float:
    """Of the garment photo warped by the true flow against the truth photo, where visible, in dB, shading divided out."""
    garment = garment_of(config, "test", (index + 1) % config.test)
    cloth, _ = photograph(garment, config.frame)
    seen = dress(person_of(config, "test", index), garment, config.frame, cloth)
    fetched = warp(torch.from_numpy(cloth).permute(2, 0, 1)[None].double(), torch.from_numpy(seen.flow)[None].double())
    shaded = np.clip(fetched[0].permute(1, 2, 0).numpy() * seen.shading[..., None], 0, 255)
    error = (shaded - seen.image)[seen.visible]
    return float(10 * np.log10(255**2 / (error**2).mean()))


def jpeg_losses(root: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Layer -> mean and greatest difference of each file from what was drawn, in 0..255 or, for masks and parts, 0 or 1."""
    split = open_dataset(root).splits["test"]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for stem in split.persons:
        truth = read_image(split.need("truth", f"{stem}__{stem}")).astype(int)
        erased = read_mask(split.need("agnostic_mask", stem))[..., None]
        picture = read_image(split.need("densepose", stem)).astype(int)
        colours = DENSEPOSE_PALETTE.astype(int)
        parts = np.abs(picture[:, :, None] - colours).sum(-1).argmin(-1)
        with np.load(split.need("flow", f"{stem}__{stem}")) as stored:
            seen = stored["visible"]
        off = {
            "image": read_image(split.need("image", stem)) - truth,
            "agnostic": read_image(split.need("agnostic", stem)) - np.where(erased, 128, truth),
            "densepose, from its parts' colours": picture - colours[parts],
            "worn mask at 128": read_mask(split.need("worn_mask", stem)).astype(int) - seen,
        }
        for layer, difference in off.items():
            means, most = found.setdefault(layer, ([], []))
            means.append(float(np.abs(difference).mean()))
            most.append(float(np.abs(difference).max()))
    return found


def main() -> None:
    """Draw sets, measure them, and exit 1 where a figure that must hold does not."""
    asked = arguments("synthetic", __doc__ or "")
    pairs, sampled = (120, 40) if asked.quick else (1000, 200)
    config = SyntheticConfig(train=0, test=pairs, seed=1)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "set"
        start = time.perf_counter()
        measured = draw_dataset(config, root, WORKERS)
        seconds = (time.perf_counter() - start) * 1000 / pairs
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = (used.ru_utime + used.ru_stime) / WORKERS * 1000 / pairs
        losses = jpeg_losses(root)
    psnr = [truth_psnr(config, index) for index in range(sampled)]
    rows: list[tuple[object, ...]] = [
        ("1,000 pairs drawn, s by the clock", seconds, "", ""),
        (f"1,000 pairs drawn, s of each of {WORKERS} processors", busy, "", f"{LIMITS['seconds']:.0f} at most"),
        ("affine residual of the median flow, px", measured["affine_residual_px"], "", f"{LIMITS['residual']:.0f} at least"),
        ("visible share of the worn garment", measured["visible_share"], measured["least_visible_share"], "0.6 at least"),
        ("truth from flow, shading aside, dB", statistics.median(psnr), min(psnr), f"{LIMITS['psnr']:.0f} at least"),
    ]
    rows += [(f"JPEG, {layer}: mean, most", statistics.mean(means), max(most), "") for layer, (means, most) in losses.items()]
    held = (
        busy <= LIMITS["seconds"]
        and measured["affine_residual_px"] >= LIMITS["residual"]
        and measured["least_visible_share"] >= LIMITS["visible"]
        and min(psnr) >= LIMITS["psnr"]
    )
    command = f"python -m benchmarks.synthetic{' --quick' if asked.quick else ''}"
    settings = f"{command}: {pairs} pairs of 256x192 on {WORKERS} processes, truth of {sampled}"
    closing = (
        f"1,000 pairs in {seconds / 60:.1f} minutes, of which each processor works {busy / 60:.1f}; "
        f"the best affine fit misses the median flow by {measured['affine_residual_px']:.1f} px; "
        f"every limit {'holds' if held else 'DOES NOT HOLD'}."
    )
    show("The drawn set", settings, ("what", "median", "least or most", "limit"), rows, closing)
    write(
        asked.json,
        {"seconds_1000": seconds, "busy_seconds_1000": busy, "measured": measured, "psnr": psnr, "jpeg": losses, "held": held},
    )
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
