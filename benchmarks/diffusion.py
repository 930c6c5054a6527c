"""Diffusion against drawn truth, on unpaired pairs that no training saw: quality at the checkpoint's own sampling, a ladder of
samplers and steps, strengths and guidances, seconds a picture, and the speed of training.

All is compared with the true photo. The composites that it is set beside have their bare regions filled with the person's mean
skin colour; "what diffusion begins with", which the aim is counted from, has them filled with all that can be told from outside
the mask; "learned, filled in" is the try-on without diffusion; "VAE's own" is the true photo encoded and decoded. The
garment-feature distances are those of benchmarks/likeness.py, and no LPIPS or FID. With --keep a call that was stopped goes on
where it was, and pictures of the first pairs are kept.
"""

import argparse
import json
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.likeness import DISTANCES, FRECHET, HEAD, PICTURES
from benchmarks.report import arguments, keeping, show, write
from benchmarks.try_ons import BEGUN, PHOTO, Bench, Figures, shared, told
from vton.checkpoint_info import SHIPPED, SHIPPED_DIFFUSION
from vton.diffusions import describe_diffusion, open_diffusion, vae_folder
from vton.errors import VtonError
from vton.images import read_json
from vton.pairs import Pair, open_dataset
from vton.presets import DIFFUSION, with_settings
from vton.sampling import SAMPLERS
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train.diffusion import DiffusionTraining, train_diffusion
from vton.train.features import SHIPPED as FEATURES
from vton.train.features import garment_features
from vton.train.run_folder import claim
from vton.warps import describe_warp, open_warp

SEED = 4001  # of the pairs that are measured: no training saw them
COUNTS, QUICK = (
    {"quality": 500, "ladder": 100, "settings": 50, "time": 12},
    {"quality": 16, "ladder": 2, "settings": 2, "time": 4},
)
LADDER = (200, 50, 20, 8, 4, 2)  # steps
STRENGTHS, GUIDANCES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0), (1.0, 1.25, 1.5, 2.0, 3.0)
REFERENCE, CLOSE = "ddim 200", 0.99  # fewer steps must reach this share of its PSNR inside the mask
GAIN, BELOW_VAE = 5.0, 2.0  # dB inside the mask: above the composite, or, where that is so near the VAE's own, below this
MOST_SECONDS = 5.0
PRESET, STEPS, PEOPLE = "demo", 6, 24  # of the training whose speed is measured
QUALITY = ("psnr_inside", "ssim_inside", "features_inside", "frechet_inside", "psnr", "ssim", "features", "frechet")
SHORT = ("psnr_inside", "ssim_inside", "features_inside", "psnr", "ssim", "features", "median seconds")
assert {*QUALITY} == {*PICTURES, *DISTANCES, *FRECHET}


def main() -> None:
    """Measure; exit 1 where an aim is missed."""
    asked = arguments("diffusion", __doc__ or "", _more)
    try:
        with keeping(asked.keep) as keep:
            missed = _measure(asked, keep)
    except VtonError as error:
        raise SystemExit(f"benchmarks.diffusion: {error}") from error
    if missed:
        raise SystemExit(1)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--diffusion", default=str(SHIPPED_DIFFUSION), metavar="CKPT", help="default: the shipped one")
    parser.add_argument("--vae", type=Path, metavar="DIR", help="the diffusion's VAE (default: the shipped one)")
    parser.add_argument("--warp", default=str(SHIPPED), metavar="CKPT", help="a warp, or geometric (default: the shipped one)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some of the parts")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep there what is found, and go on from it")


def _measure(asked: argparse.Namespace, keep: Path) -> bool:
    """Show the parts that are asked for and write each as soon as it is found; whether an aim was missed."""
    diffusion = open_diffusion(asked.diffusion, asked.vae)
    counts = QUICK if asked.quick else COUNTS
    models = describe_diffusion(asked.diffusion, asked.vae, diffusion.sampling, 0)
    named = {name: models[name] for name in ("name", "sha256", "vae")}
    settings = {"counts": counts, "diffusion": named, "warp": describe_warp(asked.warp)}
    claim(keep, settings, resume=True)
    draw_dataset(SyntheticConfig(train=0, test=counts["quality"], seed=SEED), keep / "set")
    split = open_dataset(keep / "set").splits["test"]
    bench = Bench(split, open_warp(asked.warp), diffusion, garment_features(FEATURES, "cpu"), keep)
    found, missed = _earlier(asked.json, settings), False
    for name in asked.only:
        figures, failed = PARTS[name](bench, list(split.pairs)[: counts.get(name)], asked)
        found[name] = {"sampling": asdict(diffusion.sampling), **figures}
        write(asked.json, {"made with": settings, **found})
        missed |= failed
        print(flush=True)
    return missed


def _earlier(place: Path | None, settings: dict[str, Any]) -> dict[str, Any]:
    """The parts that an earlier call with the same models wrote to `place`."""
    found = read_json(place) if place and place.exists() else {}
    return {name: found[name] for name in PARTS if name in found} if found.get("made with") == settings else {}


def _quality(bench: Bench, pairs: Sequence[Pair], asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    found = {way: figures for way, figures in bench.quality(pairs).items() if way != PHOTO}
    ways = ("diffusion", "learned composite", BEGUN, "VAE's own")
    made, composite, begun, vae = (found[way]["psnr_inside"] for way in ways)
    aim = aimed_at(begun[0], vae[0])
    reached = made[0] >= aim
    closing = (
        f"Inside the mask the diffusion has {made[0]:.2f} dB (95% {made[1]:.2f} to {made[2]:.2f}), at least {aim:.2f} asked: "
        f"{'reached' if reached else 'missed'}. That is {made[0] - composite[0]:+.2f} dB against the learned composite, "
        f"{made[0] - begun[0]:+.2f} dB against {BEGUN}, {made[0] - vae[0]:+.2f} dB against the VAE's own."
    )
    settings = f"{_command(asked, 'quality')}: {len(pairs)} unpaired drawn pairs, 256x192, {told(bench.diffusion.sampling)}"
    head, rows = _rows(found, QUALITY)
    show("Try-ons against the true photo", settings, ("way", *head), rows, closing)
    return {"pairs": len(pairs), "figures": found, "aim": aim, "reached": reached}, not reached


def aimed_at(composite: float, vae: float) -> float:
    """The PSNR inside the mask that is asked of the diffusion: GAIN above the composite's, or, where the VAE's own is not even
    so much above it, BELOW_VAE below that."""
    return composite + GAIN if vae - composite > GAIN else vae - BELOW_VAE


def _ladder(bench: Bench, pairs: Sequence[Pair], asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    own = replace(bench.diffusion.sampling, eta=0.0, mirror=False)
    ways = {f"{name} {steps}": replace(own, sampler=name, steps=steps) for name in SAMPLERS for steps in LADDER}
    found = bench.sampled(f"ladder {shared(own)}", ways, pairs)
    chosen = fewest_steps({way: figures["psnr_inside"][0] for way, figures in found.items()})
    sampler, steps = chosen.split()
    closing = (
        f"The fewest steps whose PSNR inside the mask is within {1 - CLOSE:.0%} of {REFERENCE}'s "
        f"({found[REFERENCE]['psnr_inside'][0]:.2f} dB): {chosen}, {found[chosen]['psnr_inside'][0]:.2f} dB. They become the "
        f"checkpoint's default by: python -m vton.checkpoint sampling {asked.diffusion} --sampler {sampler} --steps {steps}"
    )
    settings = f"{_command(asked, 'ladder')}: {len(pairs)} of the pairs, {shared(own)}"
    head, rows = _rows(found, SHORT)
    show("Samplers and steps", settings, ("sampler and steps", *head), rows, closing)
    return {"pairs": len(pairs), "figures": found, "chosen": chosen}, False


def fewest_steps(psnr: dict[str, float]) -> str:
    """Of samplers and steps ("ddim 200"), with the PSNR that each reaches, the fewest steps that are close to the reference;
    of several samplers with so many the best."""
    close = [way for way, value in psnr.items() if value >= CLOSE * psnr[REFERENCE]]
    return min(close, key=lambda way: (int(way.split()[1]), -psnr[way]))


def _settings(bench: Bench, pairs: Sequence[Pair], asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    own = replace(bench.diffusion.sampling, mirror=False)
    ways = {f"strength {value:g}": replace(own, strength=value) for value in STRENGTHS}
    ways |= {f"guidance {value:g}": replace(own, guidance=value) for value in GUIDANCES}
    found = bench.sampled(f"settings {told(own)}", ways, pairs)
    best = [
        max((way for way in ways if kind in way), key=lambda w: found[w]["psnr_inside"][0]) for kind in ("strength", "guid")
    ]
    closing = f"Highest PSNR inside the mask, the rest as the checkpoint has it: {' and '.join(best)}."
    settings = f"{_command(asked, 'settings')}: {len(pairs)} of the pairs, else {told(own)}"
    head, rows = _rows(found, SHORT)
    show("Strength and guidance", settings, ("setting", *head), rows, closing)
    return {"pairs": len(pairs), "figures": found, "best": best}, False


def _time(bench: Bench, pairs: Sequence[Pair], asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    taken = bench.seconds(pairs)
    rows = [(stage, statistics.median(seconds), min(seconds), max(seconds)) for stage, seconds in taken.items()]
    median = statistics.median(taken["all"])
    reached = median <= MOST_SECONDS
    closing = f"{median:.2f} s a picture, at most {MOST_SECONDS:g} asked: {'reached' if reached else 'missed'}."
    settings = f"{_command(asked, 'time')}: {len(pairs) - 1} pairs, 256x192, from conditions, {told(bench.diffusion.sampling)}"
    show("Time a picture", settings, ("stage", "median s", "least s", "most s"), rows, closing)
    return {"seconds": {stage: list(rest) for stage, *rest in rows}, "reached": reached}, not reached


def _training(bench: Bench, pairs: Sequence[Pair], asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    people, scratch = bench.keep / "people", bench.keep / "training"
    draw_dataset(SyntheticConfig(train=PEOPLE, test=0, seed=SEED), people)
    shutil.rmtree(scratch, ignore_errors=True)
    batch = DIFFUSION[PRESET].loop.batch
    kept, bare = f"batches of {batch}, latents kept", f"batches of {batch}, no latents kept"
    one_by_one = ["batch=1", "workers=0", "precision=no", "looks=0"]
    ways: dict[str, tuple[int, list[str]]] = {
        f"{kept} now": (STEPS, []),
        f"{kept} before": (STEPS, []),
        bare: (STEPS, ["looks=0"]),
        "one by one": (STEPS * batch, one_by_one),
    }
    speeds = {}
    for way, (steps, changed) in ways.items():
        every = [f"{name}={steps}" for name in ("steps", "log_every", "validate_every", "save_every")]
        training = DiffusionTraining(people, with_settings(DIFFUSION[PRESET], [*changed, *every]), vae_folder(asked.vae))
        train_diffusion(replace(training, features=FEATURES, latents=scratch / "latents"), scratch / way)
        lines = [json.loads(line) for line in (scratch / way / "log.jsonl").read_text().splitlines()]
        speeds[way] = [line["examples_per_second"] for line in lines if line["kind"] == "speed"][-1]
    shutil.rmtree(scratch)
    ratio = speeds[f"{kept} before"] / speeds["one by one"]
    closing = f"With kept latents {ratio:.2f} times as fast as one by one in single precision with nothing kept."
    settings = (
        f"{_command(asked, 'training')}: {STEPS} steps of {batch} of the preset {PRESET}, and as many examples one by one"
    )
    show("Training", settings, ("way", "examples a second"), list(speeds.items()), closing)
    return {"examples_per_second": speeds}, False


PARTS = {"quality": _quality, "ladder": _ladder, "settings": _settings, "time": _time, "training": _training}


def _command(asked: argparse.Namespace, part: str) -> str:
    quick = " --quick" if asked.quick else ""
    return f"python -m benchmarks.diffusion --diffusion {asked.diffusion} --warp {asked.warp} --only {part}{quick}"


def _rows(found: Figures, names: Sequence[str]) -> tuple[list[str], list[tuple[object, ...]]]:
    """The heads of some figures, and a row for each way."""
    head = [HEAD[name] for name in names]
    return head, [(way, *(figures[name][0] for name in names)) for way, figures in found.items()]


if __name__ == "__main__":
    main()
