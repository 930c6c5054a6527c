"""`python -m vton.checkpoint`: take published weights in, give trained ones to others, say what a checkpoint is, and how a
diffusion is sampled by default."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from vton.checkpoint import export, keep_sampling
from vton.checkpoint_info import checkpoint_in, read_info
from vton.command import ended
from vton.sampling import SAMPLERS, Sampling
from vton.seed_file import import_seed

FOLDER = "a checkpoint's folder, or a training's run folder"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m vton.checkpoint",
        description="Checkpoints: folders with config.json and model.safetensors.",
        epilog="example: python -m vton.checkpoint import warping.pth --out data/checkpoints/seed",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="import|export|inspect|sampling")
    importing = commands.add_parser("import", help="make a checkpoint of the seed's published warp")
    importing.add_argument("file", type=Path, metavar="FILE", help="the .pth file; only its tensors are read, nothing is run")
    importing.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to make")
    exporting = commands.add_parser("export", help="write a checkpoint as it is given to others, in half precision")
    exporting.add_argument("folder", type=Path, metavar="FOLDER", help=FOLDER)
    exporting.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to make")
    inspecting = commands.add_parser("inspect", help="say what a checkpoint is")
    inspecting.add_argument("folder", type=Path, metavar="FOLDER", help=FOLDER)
    sampling = commands.add_parser("sampling", help="change how a diffusion is sampled where nothing else is asked for")
    sampling.add_argument("folder", type=Path, metavar="FOLDER", help=FOLDER)
    sampling.add_argument("--sampler", choices=SAMPLERS)
    sampling.add_argument("--steps", type=int, metavar="N", help="calls of the network a picture")
    for name in ("guidance", "strength", "eta"):
        sampling.add_argument(f"--{name}", type=float, metavar=name[0].upper(), help="as of python -m vton.generate")
    sampling.add_argument("--mirror", action=argparse.BooleanOptionalAction, help="as of python -m vton.generate")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it was done, 1 when not, with one sentence on stderr."""
    arguments = parser().parse_args(argv)
    if arguments.command == "inspect":
        return ended("checkpoint", lambda: _inspect(arguments.folder), arguments.folder, "nothing was changed.")
    if arguments.command == "export":
        return ended("checkpoint", lambda: _export(arguments.folder, arguments.out), arguments.out, "nothing was written.")
    if arguments.command == "sampling":
        return ended("checkpoint", lambda: _sampling(arguments), arguments.folder, "nothing was changed.")
    return ended("checkpoint", lambda: _import(arguments.file, arguments.out), arguments.out, "nothing was written.")


def _import(file: Path, out: Path) -> int:
    import_seed(file, out)
    print(f"checkpoint: {out} is ready; use it as --warp {out}")
    return _inspect(out)


def _export(folder: Path, out: Path) -> int:
    export(checkpoint_in(folder), out)
    print(f"checkpoint: {out} is ready")
    return _inspect(out)


def _sampling(arguments: argparse.Namespace) -> int:
    asked = {field.name: getattr(arguments, field.name) for field in fields(Sampling)}
    keep_sampling(checkpoint_in(arguments.folder), {name: value for name, value in asked.items() if value is not None})
    return _inspect(arguments.folder)


def _inspect(folder: Path) -> int:
    info = read_info(checkpoint_in(folder))
    seen = f"{info.size[0]}x{info.size[1]} (height x width)" if info.size else "not told"
    precision = "half" if info.half else "single"
    for name, value in (
        ("kind", info.kind),
        ("size", seen),
        ("parameters", f"{info.parameters:,} in {precision} precision"),
        ("trained on", info.trained_on + (f", {info.step:,} steps" if info.step is not None else "")),
    ):
        print(f"{name:<11} {value}")
    if info.sampling:
        print(f"{'sampled by':<11} {', '.join(f'{name} {value}' for name, value in asdict(info.sampling).items())}")
    return 0
