"""One file of a dataset, seen as the readers of `vton.images` and `vton.conditions` will see it, small and without torch."""

import json
import math
import stat
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile

from vton.doctor.report import FAULT, WARNING, Trouble
from vton.labels import DENSEPOSE_PALETTE, PARSE_PALETTE
from vton.pairs import FORMATS, MAX_BYTES, MAX_PIXELS

LABELS = {  # kind -> its trouble's name, how many ids there are, and whose
    "parse": ("parse", len(PARSE_PALETTE), "VITON-HD's classes (20 of CIHP)"),
    "parse_agnostic": ("parse", len(PARSE_PALETTE), "VITON-HD's classes (20 of CIHP)"),
    "densepose_parts": ("densepose", len(DENSEPOSE_PALETTE), "DensePose's parts"),
}
MASKS = ("cloth_mask", "agnostic_mask", "worn_mask")
PHOTOS = ("image", "cloth")
ENDING_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
OTHER_FORMATS = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"<", "HTML or SVG"),
)
SMALLEST_SIDE, LONGEST_SHAPE = 64, 4  # pixels; long side to short side
DRAFT = (72, 72)  # JPEGs are decoded at the smallest scale above this
THUMB = (17, 16)
SHOULDERS = (2, 5)  # the same in COCO's 18 and BODY_25's joints


@dataclass(frozen=True)
class Look:
    """What was seen of one file."""

    troubles: tuple[Trouble, ...] = ()
    size: tuple[int, int] | None = None  # (height, width) as it will be read; None where it cannot be
    thumb: np.ndarray | None = None  # uint8 (16, 17, 3), of photos and garments
    reach: tuple[float, float] | None = None  # the farthest y and x of the joints, in pixels


class _Unreadable(Exception):
    """A file that nothing more can be said about than its one trouble."""

    def __init__(self, kind: str, wrong: str, todo: str) -> None:
        super().__init__(wrong)
        self.trouble = Trouble(kind, FAULT, wrong, todo)


def look_at(path: Path, kind: str) -> Look:
    """Look at the file of one kind of map; whatever it holds, this returns."""
    looks = {"keypoints": _look_at_keypoints, "flow": _look_at_flow}
    try:
        _check_file(path)
        return looks[kind](path) if kind in looks else _look_at_picture(path, kind)
    except _Unreadable as error:
        return Look((error.trouble,))


def _check_file(path: Path) -> None:
    try:
        found = path.stat()
    except OSError as error:
        raise _Unreadable("damaged", f"cannot be opened ({error.strerror})", "put the file in its place again") from None
    if not stat.S_ISREG(found.st_mode):
        raise _Unreadable("damaged", "is no file", "put the file in its place")
    if not found.st_size:
        raise _Unreadable("empty", "is empty", "copy or make it again")
    if found.st_size > MAX_BYTES:
        wrong = f"has {found.st_size / 1e6:.0f} MB; {MAX_BYTES // 1_000_000} MB are the most that is read"
        raise _Unreadable("too-large", wrong, "save it smaller")


def _look_at_picture(path: Path, kind: str) -> Look:
    try:
        with Image.open(path, formats=FORMATS) as picture:
            return _look_inside(path, kind, picture)
    except Image.DecompressionBombError:
        raise _Unreadable("too-large", f"has more than {MAX_PIXELS:,} pixels", "save it smaller") from None
    except (OSError, SyntaxError, ValueError) as error:
        other = _other_format(path)
        if other:
            raise _Unreadable("format", f"is a {other} file", "save it as JPEG, PNG or WebP") from None
        what = str(error) if "cannot identify" not in str(error) else "no JPEG, PNG or WebP picture"
        raise _Unreadable("damaged", f"cannot be read ({what})", "copy or make it again") from None


def _look_inside(path: Path, kind: str, picture: Image.Image) -> Look:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _Unreadable("too-large", f"has {width}x{height} pixels; {MAX_PIXELS:,} are the most", "save it smaller")
    deep = _is_deep(picture)
    picture.draft(None, DRAFT)
    picture.load()
    turned = _orientation(picture)
    across = turned in (5, 6, 7, 8) and kind not in (*LABELS, *MASKS)
    troubles = [
        *_format_troubles(path, kind, picture),
        *_shape_troubles(width, height),
        *_turned_troubles(kind, turned),
        *_mode_troubles(kind, picture, deep),
        *_content_troubles(kind, picture),
    ]
    thumb = np.asarray(picture.convert("RGB").resize(THUMB, Image.Resampling.BOX)) if kind in PHOTOS else None
    return Look(tuple(troubles), (width, height) if across else (height, width), thumb)


def _is_deep(picture: Image.Image) -> bool:
    """Whether a PNG stores 16 bits a channel; Pillow's mode tells it of grey ones only, and only before it is loaded."""
    tiles = picture.tile if isinstance(picture, ImageFile.ImageFile) else []
    return picture.format == "PNG" and bool(tiles) and "16" in str(tiles[0][3])


def _other_format(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(16)
    if start[4:8] == b"ftyp":
        return "HEIC or AVIF"
    return next((name for mark, name in OTHER_FORMATS if start.startswith(mark)), None)


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1


def _format_troubles(path: Path, kind: str, picture: Image.Image) -> list[Trouble]:
    found = "JPEG" if picture.format == "MPO" else picture.format
    named = ENDING_FORMATS.get(path.suffix.lower())
    troubles = []
    if named and found != named:
        todo = "nothing is lost here, but other programs go by the name: rename it, or save it as what the name says"
        troubles.append(Trouble("format", WARNING, f"is a {found} picture under the name {path.suffix}", todo))
    if found == "JPEG" and kind in LABELS:
        troubles.append(
            Trouble(LABELS[kind][0], FAULT, "holds class ids as a JPEG, which blurs them", "make it again as a PNG")
        )
    return troubles


def _shape_troubles(width: int, height: int) -> list[Trouble]:
    short, long = sorted((width, height))
    if short < SMALLEST_SIDE or long > LONGEST_SHAPE * short:
        wrong = f"is {width}x{height}: too small or too narrow to see a person or a garment in"
        return [Trouble("shape", WARNING, wrong, f"use a picture of at least {SMALLEST_SIDE} pixels, at most 4:1")]
    return []


def _turned_troubles(kind: str, orientation: int) -> list[Trouble]:
    if orientation == 1 or not 1 < orientation <= 8:
        return []
    if kind in (*LABELS, *MASKS):
        wrong = f"carries an EXIF orientation ({orientation}), which is not obeyed in a map"
    else:
        wrong = f"is stored turned (EXIF orientation {orientation}); it is read upright"
    return [Trouble("turned", WARNING, wrong, "save it upright, so that every program sees the same and its maps fit it")]


def _mode_troubles(kind: str, picture: Image.Image, deep: bool) -> list[Trouble]:
    mode, again = picture.mode, "save it as 8-bit RGB"
    if kind in LABELS:
        if mode in ("P", "L") and not deep:
            return []
        what = "16-bit values" if deep else f"colours ({mode})"
        name, count, _ = LABELS[kind]
        todo = f"make it again as a PNG of mode P, ids 0-{count - 1}"
        return [Trouble(name, FAULT, f"holds {what} where class ids belong", todo)]
    if deep or mode.startswith("I"):
        if kind in MASKS and mode.startswith("I"):
            return [Trouble("mode", FAULT, "has 16 bits a pixel; a mask read so is all white", "save it with 8 bits")]
        return [Trouble("mode", WARNING, "has 16 bits a channel; it is read as 8", again)]
    if mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        how = "the transparency is ignored" if kind in MASKS else "it is laid on white"
        return [Trouble("mode", WARNING, f"has transparency ({mode}); {how}", again)]
    if mode == "CMYK":
        return [Trouble("mode", WARNING, "has CMYK colours; they are converted and may shift", again)]
    if mode == "P" and kind not in MASKS:
        return [Trouble("mode", WARNING, "has a palette of at most 256 colours", f"{again} from the original")]
    return []


def _content_troubles(kind: str, picture: Image.Image) -> list[Trouble]:
    if kind in LABELS and picture.mode in ("P", "L"):
        highest = int(np.asarray(picture).max())
        name, count, classes = LABELS[kind]
        if highest >= count:
            wrong = f"has the class id {highest}; ids 0-{count - 1} are known"
            return [Trouble(name, FAULT, wrong, f"make it again with {classes}")]
    if kind in MASKS and not picture.mode.startswith("I") and np.asarray(picture.convert("L")).max() < 128:
        severity = FAULT if kind == "cloth_mask" else WARNING
        return [Trouble("mask", severity, "marks nothing: no pixel reaches 128 of 255", "make it again, white on black")]
    return []


def _look_at_keypoints(path: Path) -> Look:
    again = "run the keypoint detector on the photo again"
    try:
        value = json.loads(path.read_bytes())
        people = [_joints(person["pose_keypoints_2d"]) for person in value["people"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise _Unreadable("keypoints", f"is no OpenPose file ({what})", again) from None
    if not people:
        raise _Unreadable("keypoints", "has no person in it", again)
    counts = {len(joints) for joints in people}
    if not counts <= {18, 25}:
        raise _Unreadable("keypoints", f"has {max(counts - {18, 25})} joints; 18 (COCO) and 25 (BODY_25) are known", again)
    largest = max(people, key=_extent)
    seen = largest[_seen(largest)]
    troubles = []
    if 18 in counts:
        wrong = "has 18 joints (COCO) where VITON-HD has 25; the hip between both is computed, the feet are missing"
        troubles.append(Trouble("keypoints", WARNING, wrong, "nothing needs doing; masks of the body differ a little"))
    if len(people) > 1:
        todo = "check that this is who the garment is for, and remove the others"
        troubles.append(Trouble("keypoints", WARNING, f"has {len(people)} persons; the largest is taken", todo))
    if not _seen(largest)[list(SHOULDERS)].all():
        troubles.append(Trouble("keypoints", FAULT, "lacks a shoulder, so no garment can be hung on it", again))
    reach = (float(seen[:, 1].max()), float(seen[:, 0].max())) if len(seen) else None
    return Look(tuple(troubles), None, None, reach)


def _joints(flat: Any) -> np.ndarray:
    return np.asarray(flat, np.float64).reshape(-1, 3)


def _seen(joints: np.ndarray) -> np.ndarray:
    return np.isfinite(joints).all(1) & (joints[:, :2] != 0).any(1) & (joints[:, 2] > 0)


def _extent(joints: np.ndarray) -> float:
    seen = joints[_seen(joints), :2]
    return float(np.prod(np.ptp(seen, axis=0))) if len(seen) > 1 else 0.0


def _look_at_flow(path: Path) -> Look:
    again = "draw the set again"
    try:
        with zipfile.ZipFile(path) as archive, archive.open("flow.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise _Unreadable("flow", f"is no flow ({error})", again) from None
    if len(shape) != 3 or shape[0] != 2 or dtype.kind != "f" or math.prod(shape) > 2 * MAX_PIXELS:
        raise _Unreadable("flow", f"holds {dtype} {shape} where float (2, H, W) belongs", again)
    return Look((), (shape[1], shape[2]))
