"""Draw a dataset of people in clothes, with exact truth, in the VITON-HD layout."""

import argparse
import re
import sys
from pathlib import Path

from vton.command import ended
from vton.synthetic.write import SyntheticConfig, draw_dataset

EXAMPLE = "example: python -m vton.synthetic --out data/drawn --train 100 --test 24 --size 256x192"


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f'"{text}" is no size; write height x width in pixels, as in 256x192')
    return int(match[1]), int(match[2])


def main() -> int:
    default = SyntheticConfig()
    parser = argparse.ArgumentParser(prog="python -m vton.synthetic", description=__doc__, epilog=EXAMPLE)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write; drawn further where it holds part of this set"
    )
    parser.add_argument("--train", type=int, default=default.train, help="pairs to train on, 0 or more (%(default)s)")
    parser.add_argument("--test", type=int, default=default.test, help="pairs to test on, 0 or more (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="the same seed gives the same bytes (%(default)s)")
    parser.add_argument("--size", type=_size, default=(default.height, default.width), metavar="HxW", help="pixels (256x192)")
    parser.add_argument("--noise", type=float, default=default.noise, help="faults planted in the maps, 0 to 1 (%(default)s)")
    chosen = parser.parse_args()
    try:
        height, width = chosen.size
        config = SyntheticConfig(chosen.train, chosen.test, chosen.seed, height, width, chosen.noise)
    except ValueError as error:
        parser.error(f"{error}.")
    return ended("synthetic", lambda: _draw(config, chosen.out), chosen.out, "the same command draws the rest.")


def _draw(config: SyntheticConfig, out: Path) -> int:
    measured = draw_dataset(config, out)
    print(f"{config.train} train and {config.test} test pairs of {config.height}x{config.width} in {out}")
    if measured["pairs"]:
        print(
            f"after the best affine fit the flow of the median pair is {measured['affine_residual_px']:.1f} px off "
            f"(at 256x192); {measured['visible_share']:.0%} of its worn garment is visible, "
            f"in every pair at least {measured['least_visible_share']:.0%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
