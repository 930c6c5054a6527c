"""Photos -> a dataset with every condition; a second call makes what is missing."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vton.command import ended
from vton.devices import DEVICES
from vton.errors import DataError
from vton.pairs import SPLITS
from vton.preprocess.chain import FAILURES, PreprocessConfig, preprocess
from vton.preprocess.detectors import Detectors
from vton.preprocess.layout import NAMES
from vton.preprocess.photos import LONGEST, QUALITY

EXAMPLE = "example: python -m vton.preprocess photos --out data/mine        (photos/image/*.jpg, photos/cloth/*.jpg)"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m vton.preprocess",
        description="Make a dataset of photos: keypoints, DensePose, parse, garment masks and what is derived from them. A "
        "second call with the same settings makes what is missing, and makes anew what was made of a photo that has changed. "
        f"Photos are kept upright, at most {LONGEST} pixels long, as JPEGs of quality {QUALITY}.",
        epilog=EXAMPLE,
    )
    made.add_argument("root", type=Path, metavar="ROOT", help="a dataset, or a folder that holds image/ and cloth/")
    made.add_argument("--split", default="test", choices=SPLITS, help="train or test (default: test)")
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="the dataset to write")
    made.add_argument(
        "--only",
        nargs="+",
        choices=NAMES,
        metavar="NAME",
        help=f"make only these: {', '.join(NAMES)}; others are taken from ROOT where it has them",
    )
    made.add_argument("--device", choices=DEVICES, default="auto", help="default: the best there is")
    return made


def main(argv: Sequence[str] | None = None, detectors: Detectors | None = None) -> int:
    """0 when everything was made, 1 when something failed or nothing could be done."""
    asked = parser().parse_args(argv)
    return ended("preprocess", lambda: _run(asked, detectors), asked.out, "the same command goes on where it was.")


def _run(asked: argparse.Namespace, detectors: Detectors | None) -> int:
    only = tuple(asked.only) if asked.only else None
    try:
        config = PreprocessConfig(asked.root, asked.split, only, asked.device)
    except ValueError as error:
        raise DataError(str(error)) from error
    failed = preprocess(config, asked.out, detectors)
    if failed:
        photos = [photo for photo in failed if photo]
        what = f"{len(photos)} of the photos failed" if photos else "not everything could be made"
        print(f"preprocess: {what}; the reasons are in {asked.out / FAILURES}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
