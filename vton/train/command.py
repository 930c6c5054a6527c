"""What the command lines of trainings share."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from vton.command import ended
from vton.devices import DEVICES
from vton.errors import DataError


def training_parser(name: str, presets: Iterable[str], data: str, description: str) -> argparse.ArgumentParser:
    """The command line of `python -m vton.train.<name>`; `data` says what a dataset must have."""
    made = argparse.ArgumentParser(
        prog=f"python -m vton.train.{name}",
        description=f"{description} Ctrl-C writes a checkpoint and stops; --resume goes on exactly there. On several GPUs: "
        f"accelerate launch -m vton.train.{name} ...",
        epilog=f"example: python -m vton.train.{name} --data data/drawn --preset demo --out data/runs/{name}",
    )
    made.add_argument("--data", type=Path, required=True, metavar="ROOT", help=data)
    made.add_argument("--preset", choices=presets, required=True, help="the network's size and how it is trained")
    made.add_argument(
        "--out", type=Path, required=True, metavar="RUN_DIR", help="the run folder; checkpoint/ in it is the result"
    )
    made.add_argument("--device", choices=DEVICES, default="auto", help="default: the best there is")
    made.add_argument("--resume", action="store_true", help="go on where the training in RUN_DIR was stopped")
    made.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE", help="change fields of the preset")
    return made


def add_init(made: argparse.ArgumentParser) -> None:
    """The option of what to start from."""
    made.add_argument(
        "--init", type=Path, metavar="CKPT", help="start from the weights of this checkpoint, or of the one in this run folder"
    )


def add_start(made: argparse.ArgumentParser) -> None:
    """The options of trainings on pairs: what to start from, what to compare by, and whom to leave out."""
    add_init(made)
    made.add_argument(
        "--features",
        type=Path,
        metavar="DIR",
        help="garment features for the perceptual loss (default: VGG19's, else the shipped)",
    )
    made.add_argument("--fold", type=_fold, metavar="K/N", help="leave fold K of 0 .. N-1 out; its pairs go to fold_pairs.txt")


def run_training(name: str, asked: argparse.Namespace, train: Callable[[argparse.Namespace], bool]) -> int:
    """0 when `train` reached its last step, 1 when it cannot, 130 when a signal stopped it."""

    def run() -> int:
        try:
            done = train(asked)
        except ValueError as error:
            raise DataError(str(error)) from error
        if not done:
            whole = asked.out / "checkpoint"
            print(f"train.{name}: stopped; the same command with --resume goes on. {whole} is whole.", file=sys.stderr)
        return 0 if done else 130

    return ended(f"train.{name}", run, asked.out, "no step was taken.")


def _fold(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,3})/(\d{1,3})", text)
    if not match or not int(match[1]) < int(match[2]) or int(match[2]) < 2:
        raise argparse.ArgumentTypeError(f'"{text}" is no fold; write K/N with K from 0 to N - 1, as in 0/5')
    return int(match[1]), int(match[2])
