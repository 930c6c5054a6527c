"""What each part of the diffusion's training is worth: a checkpoint trained on without it, all for the same few steps, on the
same pairs, from the same seed; then sampled on unpaired pairs that no training saw, and compared with the true photo.

All begin with one checkpoint, since in so few steps a new network does not come as far as the composite that it is given. The
people are drawn anew, so that the warp, which never saw them, warps them as badly as those of a try-on. The in-sample warps are
of the same network after it was trained on these very people, as it was trained before; a try-on's are the others still.
Without cross-attention the network is only ever told of no garment, in training as in sampling. Without guidance it is always
told of the garment. With --keep a call that was stopped goes on where it was.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.kept import Kept
from benchmarks.likeness import HEAD
from benchmarks.report import arguments, keeping, show, write
from benchmarks.truth import summary
from benchmarks.try_ons import NOISE, Bench, Figures
from vton.checkpoint import load_warp
from vton.checkpoint_info import NONE, SHIPPED, SHIPPED_DIFFUSION, read_config
from vton.dataset import trainable_pairs
from vton.diffusions import describe_diffusion, open_diffusion, vae_folder
from vton.errors import DataError, VtonError
from vton.generate import GenerateConfig, generate
from vton.pairs import Split, open_dataset
from vton.presets import DIFFUSION, WARP, with_settings
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train.augment import Augment
from vton.train.diffusion import DiffusionTraining, train_diffusion
from vton.train.features import SHIPPED as FEATURES
from vton.train.features import garment_features
from vton.train.losses import WarpWeights
from vton.train.run_folder import claim
from vton.train.warp import WarpTraining, train_warp
from vton.warps import checkpoint_folder, describe_warp, open_warp

SEED = 5001  # of people and pairs that the warp was not trained on
PRESET, STEPS, QUICK_STEPS = "demo", 100, 15
PEOPLE, PAIRS, WARP_STEPS = 200, 50, 200
QUICK = {"PEOPLE": 24, "PAIRS": 4, "WARP_STEPS": 5}
SHORT = ("psnr_inside", "ssim_inside", "features_inside", "psnr", "ssim", "features")
FULL, IN_SAMPLE = "full", "with in-sample warps"


@dataclass(frozen=True)
class Variant:
    """A training, and how what it made is sampled."""

    changed: tuple[str, ...] = ()  # fields of the preset
    guidance: float | None = None  # None: the one that is asked for
    in_sample: bool = False


VARIANTS = {
    FULL: Variant(),
    "without the perceptual branch": Variant(("pixels=0", "perceptual=0", "latent=0")),
    "without cross-attention": Variant(("drop=1.0",), guidance=0.0),
    "without guidance": Variant(("drop=0.0",), guidance=1.0),
    IN_SAMPLE: Variant(in_sample=True),
}


def main() -> None:
    """Train on, sample and compare."""
    asked = arguments("ablation", __doc__ or "", _more)
    try:
        with keeping(asked.keep) as keep:
            _measure(asked, keep)
    except VtonError as error:
        raise SystemExit(f"benchmarks.ablation: {error}") from error


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, metavar="N", help=f"of each training (default: {STEPS}; {QUICK_STEPS} if quick)")
    parser.add_argument("--guidance", type=float, default=1.5, metavar="G", help="of the sampling (default: 1.5)")
    parser.add_argument(
        "--diffusion", default=str(SHIPPED_DIFFUSION), metavar="CKPT", help="what all begin with (default: the shipped one)"
    )
    parser.add_argument("--vae", type=Path, metavar="DIR", help="default: the shipped one")
    parser.add_argument("--warp", default=str(SHIPPED), metavar="CKPT", help="the checkpoint (default: the shipped one)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep there what is found, and go on from it")


def _measure(asked: argparse.Namespace, keep: Path) -> None:
    counts = QUICK if asked.quick else {"PEOPLE": PEOPLE, "PAIRS": PAIRS, "WARP_STEPS": WARP_STEPS}
    steps = asked.steps or (QUICK_STEPS if asked.quick else STEPS)
    begun = open_diffusion(asked.diffusion, asked.vae)
    sampling = replace(begun.sampling, guidance=asked.guidance)
    used = {"warp": describe_warp(asked.warp), "diffusion": describe_diffusion(asked.diffusion, asked.vae, sampling, NOISE)}
    settings = {"steps": steps, **counts, **used}
    claim(keep, settings, resume=True)
    draw_dataset(SyntheticConfig(train=counts["PEOPLE"], test=counts["PAIRS"], seed=SEED), keep / "set")
    splits = open_dataset(keep / "set").splits
    fresh = _warps(splits["train"], asked.warp, keep / "warps")
    _finish(train_warp(_fine_tuning(keep / "set", asked.warp, counts["WARP_STEPS"]), keep / "warp", resume=True))
    seen = _warps(splits["train"], str(keep / "warp"), keep / "in-sample warps")
    warp, features, found = open_warp(asked.warp), garment_features(FEATURES, "cpu"), Figures()
    for name, variant in VARIANTS.items():
        preset = with_settings(DIFFUSION[PRESET], [*_budget(steps), *variant.changed])
        training = DiffusionTraining(
            keep / "set",
            replace(preset, network=begun.network.config, diffusion=begun.schedule.config),
            vae_folder(asked.vae),
            (seen if variant.in_sample else fresh,),
            init=Path(asked.diffusion),
            features=FEATURES,
            latents=keep / "latents",
        )
        _finish(train_diffusion(training, keep / name, resume=True))
        guidance = asked.guidance if variant.guidance is None else variant.guidance
        ways = {name: replace(sampling, guidance=guidance)}
        ways |= {f"{FULL}, sampled without guidance": replace(sampling, guidance=1.0)} if name == FULL else {}
        bench = Bench(splits["test"], warp, open_diffusion(str(keep / name), asked.vae), features, keep)
        found |= bench.sampled(name, ways, list(splits["test"].pairs))
        write(asked.json, {"made with": settings, "figures": found})
    away = differences(keep)
    write(asked.json, {"made with": settings, "figures": found, "psnr_inside against full": away})
    _show(found, away, settings, asked)


def differences(keep: Path) -> dict[str, tuple[float, float, float]]:
    """By how much each training's PSNR inside the mask is above the full one's, pair by pair: mean and 95% interval."""
    psnr = {}
    for name in VARIANTS:
        lines = Kept(keep / f"{name}.jsonl").lines
        psnr[name] = {line["pair"]: line["ways"][name]["psnr_inside"] for line in lines}
    full = psnr.pop(FULL)
    return summary({name: [found[pair] - full[pair] for pair in full] for name, found in psnr.items()}, ())


def _warps(split: Split, warp: str, out: Path) -> Path:
    """The run folder with the warps of all that can be trained on."""
    pairs = tuple(trainable_pairs(split))
    failed = generate(GenerateConfig(split.root, split.name, pairs=pairs, warp=warp, diffusion=NONE), out)
    if failed:
        raise DataError(f"{len(failed)} pairs could not be warped; the reasons are in {out / 'failures.jsonl'}.")
    return out


def _fine_tuning(data: Path, warp: str, steps: int) -> WarpTraining:
    """The training that makes the warp know the people of `data`, by the losses and the variation that it was trained by."""
    folder, preset = checkpoint_folder(warp), with_settings(WARP[PRESET], _budget(steps))
    trained = read_config(folder).get("trained", {})
    preset = replace(
        preset,
        network=load_warp(folder).config,
        losses=WarpWeights(**trained.get("losses", asdict(preset.losses))),
        augment=Augment(**trained.get("augment", asdict(preset.augment))),
    )
    return WarpTraining(data, preset, init=folder, features=FEATURES)


def _budget(steps: int) -> list[str]:
    """The settings of a training of so many steps."""
    return [f"steps={steps}", f"warmup={steps // 10}", f"validate_every={steps}", "save_every=100"]


def _finish(done: bool) -> None:
    """End as a command that a signal stops, where a training was not `done`."""
    if not done:
        raise SystemExit(130)


def _show(
    found: Figures, away: dict[str, tuple[float, float, float]], settings: dict[str, Any], asked: argparse.Namespace
) -> None:
    told_away = [f"{name} {mean:+.2f} dB (95% {low:+.2f} to {high:+.2f})" for name, (mean, low, high) in away.items()]
    full = found[FULL]["psnr_inside"][0]
    closing = f"PSNR inside the mask against the full training's {full:.2f} dB, pair by pair: {', '.join(told_away)}."
    quick = " --quick" if asked.quick else ""
    told = (
        f"python -m benchmarks.ablation --diffusion {asked.diffusion} --warp {asked.warp} --guidance {asked.guidance:g}"
        f"{quick}: {settings['steps']} steps on each, {settings['PEOPLE']} people, {settings['PAIRS']} unpaired drawn pairs"
    )
    rows: Sequence[Sequence[object]] = [(name, *(figures[one][0] for one in SHORT)) for name, figures in found.items()]
    show("What each part is worth", told, ("training", *(HEAD[one] for one in SHORT)), rows, closing)


if __name__ == "__main__":
    main()
