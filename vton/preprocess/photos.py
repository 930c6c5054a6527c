"""Photos as they come become photos as the chain keeps them: upright JPEGs in RGB of a bounded size, without metadata."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from vton.errors import DataError, PreprocessError
from vton.images import read_image, replacing, resize_image, write_image

LONGEST = 1024  # pixels of the longer side: VITON-HD's height
QUALITY = 95  # of the JPEGs, without chroma subsampling
SMALLEST_SIDE, LONGEST_SHAPE = 64, 4  # pixels; long side to short side: beyond, detectors fail or see nothing
TELLING = {"exif", "xmp", "photoshop", "comment"}  # metadata that may say who took the photo, and where
APPLE = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")  # brands of HEIC files, which phones write


def read_photo(path: Path) -> np.ndarray:
    """The photo as uint8 (H, W, 3) RGB, upright, on white, its longer side at most LONGEST.

    Raises DataError where the file cannot be read, PreprocessError where it is too small or too narrow to see anything in.
    """
    if _is_heic(path):
        raise DataError(f"{path.name} is a HEIC photo, which cannot be read here; export it as a JPEG.")
    photo = read_image(path)
    short, long = sorted(photo.shape[:2])
    if short < SMALLEST_SIDE or long > LONGEST_SHAPE * short:
        raise PreprocessError(
            f"{path.name} has {photo.shape[1]}x{photo.shape[0]} pixels; a photo needs at least {SMALLEST_SIDE} on its shorter "
            f"side, and at most {LONGEST_SHAPE} times that on its longer one."
        )
    return resize_image(photo, bounded(photo.shape))


def bounded(size: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) shrunk so that the longer side has at most LONGEST pixels."""
    scale = min(1.0, LONGEST / max(size[:2]))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def keep_photo(source: Path, place: Path) -> None:
    """Write the photo at `source` to `place`; a JPEG that is as we would have it is copied, not encoded again."""
    photo = read_photo(source)
    data = source.read_bytes()
    if _as_wanted(data):
        with replacing(place) as file:
            file.write(data)
    else:
        write_image(place, photo, QUALITY)


def _as_wanted(data: bytes) -> bool:
    with Image.open(BytesIO(data)) as picture:
        plain = (
            picture.format == "JPEG" and picture.mode == "RGB" and not picture.getexif() and not TELLING & picture.info.keys()
        )
        return plain and max(picture.size) <= LONGEST


def _is_heic(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False  # the reader will say that it is missing
    return start[4:8] == b"ftyp" and start[8:12] in APPLE
