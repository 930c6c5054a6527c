"""A pair list -> a run folder: results, every stage, timings and failures; a second call does only what is missing.

Example: python -m vton.generate --data data/demo-set --split test --out data/runs/first
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vton import conditions as condition_files
from vton.checkpoint_info import NONE
from vton.command import ended
from vton.conditions import Conditions
from vton.devices import DEVICES
from vton.diffusion import Preview
from vton.diffusions import default_diffusion, describe_diffusion
from vton.errors import DataError, VtonError
from vton.images import read_json, replacing, to_image, write_image, write_json, write_npz
from vton.opened import Opened
from vton.pairs import Pair, Split, absolute, choose_pairs, open_dataset
from vton.paste import PASTES
from vton.progress import Progress
from vton.sampling import SAMPLERS, Sampling
from vton.tryon import COMPOSITE, Diffusion, Result, try_on
from vton.warps import Warp, default_warp, describe_warp

FORMAT = 1


@dataclass(frozen=True)
class GenerateConfig:
    """What to put on whom, and by which models."""

    data: Path
    split: str = "test"
    paired: bool = False
    pairs: tuple[Pair, ...] | Path | None = None  # or a list's file; None: the split's own list
    open_list: bool = False  # the pair list is no part of the run's identity: further pairs may come later
    warp: str | None = None  # "geometric" or a checkpoint's folder; None: the split's `default_warp`
    diffusion: str | None = None  # "none" or a checkpoint's folder; None: the split's `default_diffusion`
    vae: Path | None = None  # the diffusion's; None: the shipped one
    sampler: str | None = None  # these six: None for the checkpoint's own default
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    eta: float | None = None
    mirror: bool | None = None
    paste: str | None = None  # of PASTES; None: the first
    seed: int = 0  # of the noise, with the pair's name
    batch: int = 1  # pairs that a GPU makes at once; no part of the run's identity
    repairs: Path | None = None  # a folder of mended maps that take the place of the dataset's own
    device: str = "auto"  # of DEVICES, for networks

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be 1 or more, not {self.batch}")
        if self.paste not in (None, *PASTES):
            raise ValueError(f"paste must be one of {', '.join(PASTES)}, not {self.paste!r}")
        if self.diffusion == NONE and _named(self):
            raise ValueError(f"{_named(self)} is for a diffusion; name its checkpoint by --diffusion")
        replace(Sampling(), **self.asked)  # says what of it cannot be

    @property
    def asked(self) -> dict[str, Any]:
        """The fields of `Sampling` that are not left to the checkpoint."""
        named = {field.name: getattr(self, field.name) for field in fields(Sampling)}
        return {name: value for name, value in named.items() if value is not None}


def generate(config: GenerateConfig, out: Path, opened: Opened | None = None, preview: Preview | None = None) -> list[str]:
    """Write the run folder `out` and return the names of the pairs that failed (their reasons are in failures.jsonl).

    What is `opened` already is not opened again. `preview` is called at every step of a diffusion, as by `Diffusion.refine`;
    what it raises ends the run there.

    Raises DataError where the dataset cannot be read, or where `out` was made with another config.
    """
    opened = opened or Opened()
    dataset = open_dataset(config.data, config.repairs)
    if config.split not in dataset.splits:
        raise DataError(f"{dataset.root} has no split {config.split!r}; it has {', '.join(dataset.splits)}.")
    split = dataset.splits[config.split]
    pairs = list(config.pairs) if isinstance(config.pairs, tuple) else choose_pairs(split, config.paired, config.pairs)
    warp = default_warp(split) if config.warp is None else config.warp
    diffusion, refined = None, {"name": NONE}
    name = default_diffusion(split) if config.diffusion is None else config.diffusion
    if name != NONE:
        diffusion = opened.diffusion(name, config.vae, config.asked, config.device)
        refined = describe_diffusion(name, config.vae, diffusion.sampling, config.seed)
        if config.paste not in (None, diffusion.paste):
            diffusion = replace(diffusion, paste=config.paste)
            refined |= {"paste": config.paste}
    elif _named(config):
        raise DataError(f"{_named(config)} is for a diffusion, and {split.root} has no default one; name one by --diffusion.")
    making = Making(split, opened.warp(warp, config.device), diffusion, config, out, preview)
    _claim(out, _describe(config, split, pairs, {"warp": describe_warp(warp), "diffusion": refined}))
    progress = Progress(len(pairs), "Try-on")
    for start in range(0, len(pairs), config.batch):
        part = pairs[start : start + config.batch]
        making.make([pair for pair in part if not (out / "results" / f"{pair.name}.png").exists()])
        progress.advance(len(part), note=part[-1].name)
    _write_failures(out / "failures.jsonl", making.failures)
    _write_timings(out / "timings.json", making.timings)
    return list(making.failures)


def _named(config: GenerateConfig) -> str:
    """The settings of a diffusion that a config has."""
    return ", ".join([*config.asked, *(name for name in ("vae", "paste") if getattr(config, name))])


def _describe(config: GenerateConfig, split: Split, pairs: Sequence[Pair], made_by: dict[str, Any]) -> dict[str, Any]:
    """The run's config.json: every input by hash; `made_by` are the warp and the diffusion."""
    files = sorted(path for kind in split.maps.values() for path in kind.values())
    kind = "open" if config.open_list else "list" if config.pairs is not None else "paired" if config.paired else "unpaired"
    listed: dict[str, Any] = {"kind": kind}
    if not config.open_list:
        listed |= {"n": len(pairs), "sha256": _sha256("\n".join(pair.name for pair in pairs).encode())}
    described = {
        "format": FORMAT,
        "dataset": {"root": str(split.root), "split": split.name, "files_sha256": _sha256("\n".join(files).encode())},
        "pairs": listed,
        **made_by,
        "composite": COMPOSITE,
        "flow": {"size": "photo", "units": "grid_sample, align_corners=False", "dtype": "float16"},
        "code": version("vton-studio"),
    }
    return described | ({"repairs": _describe_repairs(config.repairs, split)} if config.repairs else {})


def _describe_repairs(repairs: Path, split: Split) -> dict[str, str]:
    """The folder of repairs, and a hash of what each of them holds."""
    files = sorted(path for kind in split.repaired.values() for path in kind.values())
    root = absolute(repairs)
    lines = [f"{path.relative_to(root)} {_sha256(path.read_bytes())}" for path in files]
    return {"root": str(root), "sha256": _sha256("\n".join(lines).encode())}


def _claim(out: Path, description: dict[str, Any]) -> None:
    """Make `out` this config's folder; DataError where it is another's."""
    place = out / "config.json"
    if not place.exists():
        if out.exists() and any(out.iterdir()):
            raise DataError(f"{out} is not empty and holds no run; choose another folder.")
        write_json(place, description)
        return
    found = read_json(place)
    keys = dict.fromkeys([*description, "repairs"])
    differs = [key for key in keys if not isinstance(found, dict) or _same(found.get(key)) != _same(description.get(key))]
    if differs:
        raise DataError(f"{out} was made with another config (it differs in {', '.join(differs)}); choose another folder.")


def _same(part: Any) -> Any:
    """What a part of a config is told from another by: weights by their hash, whatever their folder is called."""
    if not isinstance(part, dict) or "sha256" not in part:
        return part
    return {key: _same(value) for key, value in part.items() if key != "name"}


@dataclass
class Begun:
    """A pair that is warped, before the diffusion."""

    pair: Pair
    conditions: Conditions
    result: Result
    seconds: float  # that reading took


class Making:
    """A run under way: what its pairs are made by, and what became of them."""

    def __init__(
        self,
        split: Split,
        warp: Warp,
        diffusion: Diffusion | None,
        config: GenerateConfig,
        out: Path,
        preview: Preview | None = None,
    ) -> None:
        self.split, self.warp, self.diffusion, self.config, self.out = split, warp, diffusion, config, out
        self.preview = preview
        self.failures: dict[str, str] = {}
        self.timings: dict[str, dict[str, float]] = {}

    def make(self, pairs: Sequence[Pair]) -> None:
        """Try pairs on, the diffusion all at once, and write them, each one's result last."""
        begun = [found for pair in pairs if (found := self._begin(pair))]
        results = [one.result for one in begun]
        if self.diffusion and begun:
            names, seen = [one.pair.name for one in begun], [one.conditions for one in begun]
            results = self.diffusion.refine(results, seen, names, self.config.seed, self.preview)
        for one, result in zip(begun, results, strict=True):
            start = time.perf_counter()
            mask = one.conditions.agnostic_mask[0, 0].numpy() > 0
            _write(self.out, one.pair, result, mask, _input_hashes(self.split, one.pair))
            seconds = {"read": one.seconds, **result.seconds, "write": time.perf_counter() - start}
            self.timings[one.pair.name] = seconds

    def _begin(self, pair: Pair) -> Begun | None:
        start = time.perf_counter()
        try:
            conditions = condition_files.read(self.split, pair)
            read = time.perf_counter() - start
            return Begun(pair, conditions, try_on(conditions, self.warp, refined=self.diffusion is not None), read)
        except VtonError as error:
            self.failures[pair.name] = str(error)
            return None


def _write(out: Path, pair: Pair, result: Result, agnostic_mask: np.ndarray, inputs: dict[str, str]) -> None:
    stages = out / "intermediates" / pair.name
    write_npz(stages / "flow.npz", flow=result.warped.flow[0].numpy().astype(np.float16))
    write_image(stages / "warped_cloth.png", to_image(result.warped.cloth))
    write_image(stages / "warped_cloth_mask.png", result.warped.mask[0, 0].numpy() > 0)
    write_image(stages / "agnostic_mask.png", agnostic_mask)
    write_image(stages / "composite.png", to_image(result.composite))
    write_json(stages / "inputs.json", inputs)
    write_image(out / "results" / f"{pair.name}.png", to_image(result.image))


def _input_hashes(split: Split, pair: Pair) -> dict[str, str]:
    """sha256 of every file that a pair's conditions are read from."""
    used = [(kind, pair.person) for kind in ("image", "parse", "parse_agnostic", "keypoints", "agnostic_mask")]
    used += [(split.densepose_kind(pair.person), pair.person)]
    used += [(kind, pair.cloth) for kind in ("cloth", "cloth_mask")]
    paths = {kind: split.path(kind, stem) for kind, stem in used}
    return {kind: _sha256(path.read_bytes()) for kind, path in paths.items() if path is not None}


def _write_failures(place: Path, failures: dict[str, str]) -> None:
    if not failures:
        place.unlink(missing_ok=True)
        return
    lines = [json.dumps({"pair": name, "error": error}, ensure_ascii=False) + "\n" for name, error in failures.items()]
    with replacing(place) as file:
        file.write("".join(lines).encode())


def _write_timings(place: Path, timings: dict[str, dict[str, float]]) -> None:
    if timings:
        before = read_json(place)["pairs"] if place.exists() else {}
        write_json(place, {"format": FORMAT, "unit": "seconds", "pairs": before | timings})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m vton.generate",
        description="Try garments on: a pair list -> a run folder. A second call with the same config does what is missing.",
        epilog="example: python -m vton.generate --data data/demo-set --split test --out data/runs/first",
    )
    made.add_argument("--data", type=Path, required=True, metavar="ROOT", help="a dataset in the VITON-HD layout")
    made.add_argument("--split", default="test", help="train or test (default: test)")
    made.add_argument("--pairs", type=Path, metavar="FILE", help='lines "person.jpg cloth.jpg" (default: the split\'s list)')
    made.add_argument("--paired", action="store_true", help="every person in their own garment")
    made.add_argument("--repairs", type=Path, metavar="DIR", help="a folder of mended maps that take the place of ROOT's own")
    made.add_argument(
        "--warp",
        metavar="NAME",
        help="geometric, or a checkpoint's folder (default: the shipped one on a drawn set, else geometric)",
    )
    made.add_argument(
        "--diffusion",
        metavar="NAME",
        help="none, or a checkpoint's folder, whose defaults hold below (default: the shipped one on a drawn set, else none)",
    )
    made.add_argument("--vae", type=Path, metavar="DIR", help="the diffusion's VAE (default: the shipped one)")
    made.add_argument("--sampler", choices=SAMPLERS, help="how the diffusion is sampled")
    made.add_argument("--steps", type=int, metavar="N", help="calls of the network a picture")
    made.add_argument("--guidance", type=float, metavar="G", help="how far towards the garment; 1 is no guidance")
    made.add_argument("--strength", type=float, metavar="S", help="of the noise on the composite, above 0 to 1")
    made.add_argument("--eta", type=float, metavar="E", help="noise that ddim adds on the way, 0 to 1")
    made.add_argument(
        "--mirror", action=argparse.BooleanOptionalAction, help="the mean with its mirror image, in twice the time"
    )
    made.add_argument("--paste", choices=PASTES, help="how the result is laid back into the photo (default: feathered)")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise, with the pair's name (default: 0)")
    made.add_argument("--batch", type=int, default=1, metavar="N", help="pairs that a GPU makes at once (default: 1)")
    made.add_argument("--device", choices=DEVICES, default="auto", help="for networks (default: the best there is)")
    made.add_argument("--out", type=Path, required=True, metavar="RUN_DIR", help="the run folder to write")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every pair was made, 1 when some failed or nothing could be done."""
    arguments = parser().parse_args(argv)
    return ended("generate", lambda: _run(arguments), arguments.out, "the same command goes on where it was.")


def _run(arguments: argparse.Namespace) -> int:
    try:
        config = GenerateConfig(
            data=arguments.data,
            split=arguments.split,
            paired=arguments.paired,
            pairs=arguments.pairs,
            warp=arguments.warp,
            diffusion=arguments.diffusion,
            vae=arguments.vae,
            sampler=arguments.sampler,
            steps=arguments.steps,
            guidance=arguments.guidance,
            strength=arguments.strength,
            eta=arguments.eta,
            mirror=arguments.mirror,
            paste=arguments.paste,
            seed=arguments.seed,
            batch=arguments.batch,
            repairs=arguments.repairs,
            device=arguments.device,
        )
    except ValueError as error:
        raise DataError(str(error)) from error
    failed = generate(config, arguments.out)
    if failed:
        failures = "1 pair" if len(failed) == 1 else f"{len(failed)} pairs"
        print(f"generate: {failures} failed; the reasons are in {arguments.out / 'failures.jsonl'}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
