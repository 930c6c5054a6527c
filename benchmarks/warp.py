"""Warps against drawn truth: pasted, geometric, learned and the true flow on unpaired pairs that no training saw, once with
exact maps and once with maps as faulty as detectors make them; then sizes, seconds and the speed of training.

End-point error is in pixels of the 256x192 garment photo, over the pixels in which the truth shows the garment; SSIM and PSNR
compare the warped cloth with the true photo there. Folds are the share of these pixels at which the garment is turned inside
out (the truth's own are seams, and sleeves that lie over the torso); out of frame is the share fetched from beyond the photo.
IoU is of the worn mask with where the truth shows the garment, on the whole photo, and within the area that a try-on may paint
(the agnostic mask): a long garment that truly covers trousers reaches beyond it, and no try-on may follow it there.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import arguments, median_seconds, show, write
from benchmarks.truth import overlap, pasted_warp, summary
from vton import conditions as condition_files
from vton.conditions import Conditions
from vton.errors import CheckpointError
from vton.flow import folds, outside
from vton.geometric import Warped, geometric_warp
from vton.images import read_image, to_tensor
from vton.metrics.table import METRICS
from vton.networks.warp import WarpNetwork
from vton.pairs import open_dataset
from vton.presets import WARP, with_settings
from vton.progress import track
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train.warp import WarpTraining, train_warp
from vton.truth import Truth, errors, read_truth
from vton.warps import open_warp

SEED = 3001  # of the pairs that are measured: no training and no constant saw them
NOISE = 0.5  # faults in the maps of the second part
MOST_ERROR, LEAST_IOU, MOST_OF_GEOMETRIC = 1.0, 0.96, 1 / 3
PICTURES = ("ssim_inside", "psnr_inside")
FIGURES = (
    "epe px",
    "median epe px",
    "epe px of the worst tenth",
    "iou",
    "iou in the area",
    *PICTURES,
    "folds %",
    "out of frame %",
)
REACHABLE = "seen in the area"  # of the garment that the truth shows, the share where the try-on may paint
STEPS = 6  # of training, each time its speed is measured
TIMES = 3


Table = dict[str, dict[str, tuple[float, float, float]]]  # warp -> figure -> its value and the 95% interval


def main() -> None:
    """Measure; exit 1 where the learned warp misses an aim on exact maps."""
    asked = arguments("warp", __doc__ or "", _more)
    count, times = (40, 1) if asked.quick else (500, TIMES)
    try:
        open_warp(asked.warp)
    except CheckpointError as error:
        raise SystemExit(f"benchmarks.warp: {error}") from error
    found: dict[str, Table] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for title, noise in (("exact maps", 0.0), ("noisy maps", NOISE)):
            found[title] = _against_truth(Path(scratch) / title.split()[0], count, noise, asked.warp)
            rows = [(name, *(values[figure][0] for figure in FIGURES)) for name, values in found[title].items()]
            settings = f"python -m benchmarks.warp --warp {asked.warp}: {count} unpaired drawn pairs, 256x192, {title}"
            show(f"Warps against the truth, {title}", settings, ("warp", *FIGURES), rows, _closing(found[title]))
            print()
        aims = _aims(found["exact maps"])
        missed = sum(aim[-1] == "missed" for aim in aims)
        closing = f"{missed} of {len(aims)} missed." if missed else "All reached."
        show("Aims, exact maps", "means over the pairs", ("aim", "", "asked", "found", ""), aims, closing)
        print()
        sizes = _sizes()
        show(
            "The presets",
            "one pair, one forward pass",
            ("preset", "million parameters", "median s", "least s", "most s"),
            sizes,
            f"The smallest takes {sizes[0][2]:.3f} s, the largest {sizes[-1][2] / sizes[0][2]:.0f} times that.",
        )
        print()
        speed = _training_speed(Path(scratch), times)
    ratio = speed["batches"] / speed["one by one"]
    show(
        "Training, preset demo",
        f"{STEPS} steps of {WARP['demo'].loop.batch} and as many examples one by one; {times} of each by turns, median",
        ("way", "examples a second"),
        list(speed.items()),
        f"Batches of {WARP['demo'].loop.batch} read beside the training: {ratio:.2f} times as fast as one by one.",
    )
    write(
        asked.json, {"pairs": count, "warp": asked.warp, **found, "aims": aims, "presets": sizes, "examples_per_second": speed}
    )
    if missed:
        raise SystemExit(1)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--warp", default="data/demo/warp", metavar="CKPT", help="the checkpoint (default: data/demo/warp)")


def _against_truth(root: Path, count: int, noise: float, name: str) -> Table:
    """Per warp and figure: its value over `count` pairs and the 95% interval."""
    draw_dataset(SyntheticConfig(train=0, test=count, seed=SEED, noise=noise), root)
    split = open_dataset(root).splits["test"]
    learned = open_warp(name)
    values: dict[str, dict[str, list[float]]] = {}
    for pair in track(list(split.pairs), count, "measuring"):
        conditions = condition_files.read(split, pair)
        photo, truth = to_tensor(read_image(split.need("truth", pair.name))), read_truth(split, pair)
        assert truth is not None
        warps: dict[str, Callable[[Conditions], Warped]] = {
            "pasted": pasted_warp,
            "geometric": geometric_warp,
            "learned": learned,
            "true flow": truth.warp,
        }
        for way, apply in warps.items():
            for figure, value in _measure(apply(conditions), photo, truth, conditions.agnostic_mask):
                values.setdefault(way, {}).setdefault(figure, []).append(value)
    return {way: _summarised(found) for way, found in values.items()}


def _measure(warped: Warped, photo: torch.Tensor, truth: Truth, area: torch.Tensor) -> Iterator[tuple[str, float]]:
    """The figures of one pair; the try-on may paint in `area` alone."""
    seen = truth.visible
    yield "epe px", float(errors(warped.flow, truth)[seen > 0].mean())
    yield "iou", overlap(warped, truth)
    yield "iou in the area", overlap(warped, truth, area)
    yield REACHABLE, float(seen[area > 0].sum() / seen.sum())
    for name in PICTURES:
        value = METRICS[name].compute((warped.cloth * seen + 1) / 2, (photo * seen + 1) / 2, seen)
        yield name, float("nan") if value is None else value
    yield "folds %", 100 * float(folds(warped.flow, seen).sum() / seen.sum())
    yield "out of frame %", 100 * float((outside(warped.flow) & (seen > 0)).sum() / seen.sum())


def _summarised(found: dict[str, list[float]]) -> dict[str, tuple[float, float, float]]:
    errors = sorted(found["epe px"])
    worst = errors[-max(1, len(errors) // 10) :]
    return {**summary(found, ("epe px", "iou")), "epe px of the worst tenth": summary({"": worst}, ())[""]}


def _closing(found: Table) -> str:
    learned, geometric = found["learned"], found["geometric"]
    error, low, high = learned["epe px"]
    middle, worst = learned["median epe px"][0], learned["epe px of the worst tenth"][0]
    return (
        f"Learned: {error:.2f} px off (95% {low:.2f} to {high:.2f}; median pair {middle:.2f}, worst tenth {worst:.2f}), "
        f"{error / geometric['epe px'][0]:.2f} of the geometric one's; IoU {learned['iou'][0]:.3f}, "
        f"{learned['iou in the area'][0]:.3f} in the area that a try-on may paint, which holds "
        f"{learned[REACHABLE][0]:.1%} of what the truth shows of the garment."
    )


def _aims(found: Table) -> list[tuple[str, str, float, float, str]]:
    """What is asked of the learned warp, and whether it is reached."""
    learned, geometric, truth = (found[way] for way in ("learned", "geometric", "true flow"))
    error = learned["epe px"][0]
    asked = [
        ("end-point error, px", "at most", MOST_ERROR, error),
        ("end-point error over the geometric one's", "at most", MOST_OF_GEOMETRIC, error / geometric["epe px"][0]),
        ("IoU of the worn mask", "at least", LEAST_IOU, learned["iou"][0]),
        ("folds, %, against the truth's", "at most", truth["folds %"][0], learned["folds %"][0]),
    ]
    return [(*aim, "reached" if (aim[3] <= aim[2] if aim[1] == "at most" else aim[3] >= aim[2]) else "missed") for aim in asked]


def _sizes() -> list[tuple[str, float, float, float, float]]:
    """Per preset: millions of parameters, and the seconds of one forward pass."""
    rows = []
    for name, preset in WARP.items():
        network = WarpNetwork(preset.network).eval()
        height, width = preset.network.size
        cloth, mask = torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width)
        parse = torch.zeros(1, height, width, dtype=torch.long)
        with torch.inference_mode():
            network(cloth, mask, parse, cloth)
            taken = median_seconds(partial(network, cloth, mask, parse, cloth), 5)
        rows.append((name, sum(p.numel() for p in network.parameters()) / 1e6, *taken))
    return rows


def _training_speed(scratch: Path, times: int) -> dict[str, float]:
    """Examples a second by the preset's own batches, and one by one with nothing read ahead."""
    people = scratch / "people"
    draw_dataset(SyntheticConfig(train=24, test=0, seed=SEED), people)
    batch = WARP["demo"].loop.batch
    ways = {"batches": (batch, WARP["demo"].loop.workers, STEPS), "one by one": (1, 0, STEPS * batch)}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(times):
        for way, (size, workers, steps) in ways.items():
            every = [f"{name}={steps}" for name in ("steps", "log_every", "validate_every", "save_every")]
            preset = with_settings(WARP["demo"], [f"batch={size}", f"workers={workers}", *every])
            out = scratch / f"{way} {turn}"
            train_warp(WarpTraining(people, preset), out, "cpu")
            told = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
            taken[way].append([line["examples_per_second"] for line in told if line["kind"] == "speed"][-1])
    return {way: float(np.median(speeds)) for way, speeds in taken.items()}


if __name__ == "__main__":
    main()
