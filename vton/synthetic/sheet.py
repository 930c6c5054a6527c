"""A contact sheet of a drawn set: python -m vton.synthetic.sheet ROOT FILE.png; the README's picture is made by it."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from vton.errors import DataError, VtonError
from vton.images import read_image, replacing, resize_image
from vton.pairs import open_dataset

COLUMNS, ROWS = 4, 4
CELL = (208, 156)  # pixels of one picture
GAP, MARGIN = 2, 12  # pixels within a pair, and between pairs
COLOURS = 256  # of the picture's palette
EXAMPLE = "example: python -m vton.synthetic.sheet data/drawn docs/drawn.png"


def sheet(root: Path) -> np.ndarray:
    """Test pairs as person, garment and true photo of that person in it, uint8 (H, W, 3), in full rows unless there is but one.

    DataError where there is no pair, or no truth.
    """
    split = open_dataset(root).splits.get("test")
    if split is None or not split.pairs:
        raise DataError(f"{root} has no test pairs; draw some with python -m vton.synthetic --test 16.")
    pairs = []
    for pair in split.pairs[: COLUMNS * ROWS]:
        files = split.need("image", pair.person), split.need("cloth", pair.cloth), split.need("truth", pair.name)
        cells = [resize_image(read_image(file), CELL) for file in files]
        pairs.append(_beside(cells, GAP, 1))
    full = len(pairs) // COLUMNS * COLUMNS or len(pairs)
    return _beside([_beside(pairs[i : i + COLUMNS], MARGIN, 1) for i in range(0, full, COLUMNS)], MARGIN, 0)


def _beside(pictures: list[np.ndarray], gap: int, axis: int) -> np.ndarray:
    edges = [(0, 0)] * 3
    edges[axis] = (0, gap)
    padded = [np.pad(picture, edges, constant_values=255) for picture in pictures[:-1]]
    return np.concatenate([*padded, pictures[-1]], axis)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vton.synthetic.sheet", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("root", type=Path, help="a drawn set")
    parser.add_argument("file", type=Path, help="the PNG to write")
    asked = parser.parse_args()
    try:
        picture = Image.fromarray(sheet(asked.root)).quantize(COLOURS, kmeans=4, dither=Image.Dither.NONE)
        with replacing(asked.file) as file:
            picture.save(file, "PNG", optimize=True)
    except (VtonError, OSError) as error:
        print(f"sheet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
