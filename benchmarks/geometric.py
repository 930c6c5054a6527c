"""The geometric try-on against drawn truth: how far its warp is off, how near its pictures come; and its seconds a pair.

Three warps go through the same filling and paste-back: the garment pasted (scaled to the box of what is worn now), the
geometric warp, and the true flow, which is the ceiling. End-point error is in pixels of the 256x192 garment photo, over the
pixels in which the truth shows the garment; IoU is that of the warp's mask and those pixels.
"""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.report import arguments, show, write
from benchmarks.truth import overlap, pasted_warp, summary
from vton import conditions as conditions_files
from vton.checkpoint_info import GEOMETRIC
from vton.conditions import Conditions
from vton.generate import GenerateConfig, generate
from vton.geometric import Warped, geometric_warp
from vton.images import read_image, read_json, to_image, write_image
from vton.metrics.table import METRICS, to_unit
from vton.pairs import Pair, Split, open_dataset
from vton.progress import track
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.truth import Truth, errors, read_truth
from vton.tryon import try_on

SEED = 2024  # of the pairs that are measured; what is constant in the warp was set on others
STAGES = ("read", "warp", "fill", "paste", "write")
PICTURES = ("ssim", "ssim_inside", "psnr", "psnr_inside")
MOST_ERROR, LEAST_IOU = 6.0, 0.85  # of the median pair
WORST = 10


def main() -> None:
    """Measure against the truth, then the time; write the contact sheet of the worst pairs."""
    asked = arguments("geometric", __doc__ or "")
    pairs, timed = (40, 6) if asked.quick else (200, 40)
    with tempfile.TemporaryDirectory() as scratch:
        truth = _against_truth(Path(scratch) / "truth", pairs, Path("data/benchmarks/geometric-worst.png"))
        seconds = _seconds(Path(scratch) / "timed", timed)
    rows = [(name, *(value for figure in FIGURES for value in truth[name][figure])) for name in truth]
    head = ("warp", *(part for figure in FIGURES for part in (figure, "low", "high")))
    settings = f"python -m benchmarks.geometric{' --quick' if asked.quick else ''}: {pairs} unpaired drawn pairs, 256x192"
    error, overlap = truth["geometric"]["median epe px"][0], truth["geometric"]["median iou"][0]
    reached = error <= MOST_ERROR and overlap >= LEAST_IOU
    closing = (
        f"Geometric warp, median pair: {error:.2f} px off (at most {MOST_ERROR:g} asked), IoU {overlap:.3f} "
        f"(at least {LEAST_IOU:g} asked); mean {truth['geometric']['epe px'][0]:.2f} px, {truth['geometric']['iou'][0]:.3f}; "
        f"the worst {WORST} are in data/benchmarks/geometric-worst.png."
    )
    show("Geometric try-on against the truth", settings, head, rows, closing)
    print()
    median = statistics.median(seconds["total"])
    stages = [(stage, statistics.median(taken), min(taken), max(taken)) for stage, taken in seconds.items()]
    against = median / statistics.median(seconds["read"])
    closing = f"{median:.2f} s a pair at 1024x768: {against:.1f} times as long as reading its pictures."
    show("Its time", f"{timed} drawn pairs, 1024x768, one process", ("stage", "median s", "least s", "most s"), stages, closing)
    write(asked.json, {"pairs": pairs, "truth": truth, "seconds": {name: statistics.median(v) for name, v in seconds.items()}})
    if not reached:
        raise SystemExit(1)


MEDIANS = ("epe px", "iou")
FIGURES = ("epe px", "median epe px", "iou", "median iou", *PICTURES)


def _against_truth(root: Path, count: int, sheet: Path) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Per warp and figure: its value over `count` pairs and the 95% interval; the worst ten by error are drawn into `sheet`."""
    draw_dataset(SyntheticConfig(train=0, test=count, seed=SEED), root)
    split = open_dataset(root).splits["test"]
    values: dict[str, dict[str, list[float]]] = {}
    worst: list[tuple[float, np.ndarray]] = []
    for pair in track(list(split.pairs), count, "measuring"):
        conditions = conditions_files.read(split, pair)
        truth = read_truth(split, pair)
        assert truth is not None
        warps: dict[str, Callable[[Conditions], Warped]] = {
            "pasted": pasted_warp,
            "geometric": geometric_warp,
            "true flow": partial(_true_warp, truth),
        }
        for name, way in warps.items():
            found, picture = _measure(conditions, way, split, pair, truth)
            kept = values.setdefault(name, {figure: [] for figure in found})
            for figure, value in found.items():
                kept[figure].append(value)
            if name == "geometric":
                worst.append((found["epe px"], picture))
    worst.sort(key=lambda item: -item[0])
    write_image(sheet, np.vstack([picture for _, picture in worst[:WORST]]))
    return {name: summary(found, MEDIANS) for name, found in values.items()}


def _true_warp(truth: Truth, conditions: Conditions) -> Warped:
    """The truth, its sleeves ending where the geometric warp says."""
    return replace(truth.warp(conditions), sleeve_ends=geometric_warp(conditions).sleeve_ends)


def _measure(
    conditions: Conditions, way: Callable[[Conditions], Warped], split: Split, pair: Pair, truth: Truth
) -> tuple[dict[str, float], np.ndarray]:
    """The figures of one pair, and garment, person, result and truth side by side."""
    result = try_on(conditions, way)
    photo, image = read_image(split.need("truth", pair.name)), to_image(result.image)
    off = errors(result.warped.flow, truth)[truth.visible > 0]
    found = {"epe px": float(off.mean()), "iou": overlap(result.warped, truth)}
    for name in PICTURES:
        value = METRICS[name].compute(to_unit(image), to_unit(photo), conditions.agnostic_mask)
        found[name] = float("nan") if value is None else value
    return found, np.hstack([to_image(conditions.cloth), to_image(conditions.image), image, photo])


def _seconds(root: Path, count: int) -> dict[str, list[float]]:
    """Seconds of every stage for pairs at 1024x768, the first one left out since it warms up."""
    draw_dataset(SyntheticConfig(train=0, test=count, seed=1, height=1024, width=768), root / "set")
    generate(GenerateConfig(root / "set", warp=GEOMETRIC), root / "run")
    taken = list(read_json(root / "run" / "timings.json")["pairs"].values())[1:]
    return {**{stage: [pair[stage] for pair in taken] for stage in STAGES}, "total": [sum(pair.values()) for pair in taken]}


if __name__ == "__main__":
    main()
