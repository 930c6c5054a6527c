"""Draw a dataset of people in clothes, with exact truth, in the VITON-HD layout."""

import argparse
import re
import sys
from pathlib import Path

from vton.errors import VtonError
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
    chosen = parser.parse_args()
    try:
        config = SyntheticConfig(chosen.train, chosen.test, chosen.seed, *chosen.size)
    except ValueError as error:
        parser.error(f"{error}.")
    try:
        draw_dataset(config, chosen.out)
    except (VtonError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command draws the rest.", file=sys.stderr)
        return 130
    print(f"{config.train} train and {config.test} test pairs of {config.height}x{config.width} in {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
