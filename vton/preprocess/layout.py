"""Where the chain reads and writes: a folder of photos or a dataset as its source, VITON-HD's layout as its result."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vton.conditions import read_keypoints
from vton.errors import DataError
from vton.images import (
    read_image,
    read_json,
    read_labels,
    read_mask,
    read_parts,
    replacing,
    resize_image,
    resize_labels,
    write_image,
    write_json,
    write_labels,
)
from vton.labels import DENSEPOSE_PALETTE
from vton.pairs import MAPS, PHOTOS, SPLITS, SUFFIXES, Pair, Split, absolute, file_stem, open_split, read_pairs
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse
from vton.preprocess.person import drawn_body, only_person
from vton.skeleton import draw_skeleton

NAMES = ("keypoints", "densepose", "parse", "cloth-mask", "agnostic")
KINDS = {  # what each name writes; the first kind is what makes a dataset have it
    "keypoints": ("keypoints", "openpose_img"),
    "densepose": ("densepose", "densepose_parts"),
    "parse": ("parse",),
    "cloth-mask": ("cloth_mask",),
    "agnostic": ("agnostic_mask", "agnostic", "parse_agnostic"),
}
PNG = ("parse", "parse_agnostic", "openpose_img", "agnostic_mask", "densepose_parts")
OTHER_PHOTOS = frozenset(
    {".heic", ".heif", ".avif", ".tif", ".tiff", ".gif", ".bmp", ".dng"}
)  # that people have, and we do not read
ENDING = {"keypoints": ".json"} | dict.fromkeys(PNG, ".png")


def owner(name: str) -> str:
    """The kind of photo that a map is made of: "cloth" for the cloth mask, else "image"."""
    return "cloth" if name == "cloth-mask" else "image"


def open_source(root: Path, split: str) -> Split:
    """The photos and maps of one split of `root`, or of a plain folder with image/ and cloth/. DataError where it has none."""
    root = absolute(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give a dataset, or a folder that holds image/ and cloth/.")
    found = open_split(root, split) if (root / split).is_dir() else _plain(root, split)
    if not (found.maps["image"] or found.maps["cloth"] or any(left_out(found))):
        others = [name for name in SPLITS if (root / name).is_dir() and name != split]
        hint = f"it has {others[0]}/, so try --split {others[0]}" if others else "put people into image/, garments into cloth/"
        raise DataError(f"{root} holds no photos in {split}/image, {split}/cloth, image/ or cloth/; {hint}.")
    return found


def left_out(source: Split) -> Iterator[tuple[str, str]]:
    """Every photo that cannot be taken for its name alone, as "image/IMG_1.HEIC", with the reason."""
    home = source.root / source.name
    for kind in sorted(PHOTOS):
        folder = (home if home.is_dir() else source.root) / kind
        taken = {stem: Path(file).name for stem, file in source.maps[kind].items()}
        for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
            ending, stem = Path(name).suffix.lower(), file_stem(name, kind)
            if ending in OTHER_PHOTOS and not name.startswith("."):
                yield f"{kind}/{name}", f"{name} is a photo that cannot be read here; export it as a JPEG."
            elif stem is not None and taken[stem] != name:
                yield (
                    f"{kind}/{name}",
                    f"{name} goes by the same name as {taken[stem]}, which comes first and was taken; rename one.",
                )


def _plain(root: Path, split: str) -> Split:
    """A folder of photos alone; its list, if any, is called as in a dataset."""
    found = replace(open_split(root, "."), name=split)
    file = root / f"{split}_pairs.txt"
    return replace(found, pairs=tuple(read_pairs(file, found.maps))) if file.exists() else found


def place(root: Path, split: str, kind: str, stem: str) -> Path:
    """The file of one kind in the layout as it is written."""
    return root / split / MAPS[kind][0] / f"{stem}{SUFFIXES.get(kind, '')}{ENDING.get(kind, '.jpg')}"


def has(source: Split, name: str) -> bool:
    """Whether the source has maps of that name."""
    return bool(source.maps[KINDS[name][0]])


def write_keypoints(out: Path, split: str, stem: str, joints: np.ndarray, size: tuple[int, ...]) -> None:
    """Joints (25, 3) as OpenPose's JSON and picture."""
    numbers = [round(float(number), 3) for number in joints.ravel()]
    write_image(place(out, split, "openpose_img", stem), draw_skeleton(joints, size))
    people = [{"person_id": [-1], "pose_keypoints_2d": numbers}]
    write_json(place(out, split, "keypoints", stem), {"version": 1.3, "people": people})


def write_densepose(out: Path, split: str, stem: str, parts: np.ndarray, size: tuple[int, ...]) -> None:
    """Part ids (H, W) as they are, and in VITON-HD's colours."""
    write_image(place(out, split, "densepose_parts", stem), parts.astype(np.uint8))
    write_image(place(out, split, "densepose", stem), DENSEPOSE_PALETTE[parts])


def write_parse(out: Path, split: str, stem: str, ids: np.ndarray, size: tuple[int, ...]) -> None:
    """Class ids (H, W), of the person who is meant only."""
    body = body_of(out, split, stem, size)
    write_labels(place(out, split, "parse", stem), ids if body is None else only_person(ids, body))


def body_of(out: Path, split: str, stem: str, size: tuple[int, ...]) -> np.ndarray | None:
    """Where the person who is meant is, bool (H, W), by DensePose or else the keypoints in `out`; None where neither tells.

    DataError where a map cannot be read.
    """
    parts, colours, joints = (place(out, split, kind, stem) for kind in ("densepose_parts", "densepose", "keypoints"))
    if parts.exists():
        body = read_parts(parts) > 0
    elif colours.exists():
        body = read_image(colours).max(2) >= DENSEPOSE_PALETTE[1:].max(1).min() // 2
    elif joints.exists():
        body = drawn_body(read_keypoints(joints), size)
    else:
        return None
    return resize_labels(body, (size[0], size[1])) if body.any() else None


def write_cloth_mask(out: Path, split: str, stem: str, mask: np.ndarray, size: tuple[int, ...]) -> None:
    """A garment's mask, bool (h, w)."""
    write_image(place(out, split, "cloth_mask", stem), mask)


WRITERS = {
    "keypoints": write_keypoints,
    "densepose": write_densepose,
    "parse": write_parse,
    "cloth-mask": write_cloth_mask,
}


def derive_agnostic(out: Path, split: str, stem: str) -> None:
    """Agnostic image, its mask and the agnostic parse, from the photo, the parse and the keypoints that lie in `out`.

    PreprocessError where a shoulder is missing.
    """
    photo = read_image(place(out, split, "image", stem))
    size = (photo.shape[0], photo.shape[1])
    parse = resize_labels(read_labels(place(out, split, "parse", stem)), size)
    mask = agnostic_mask(parse, read_keypoints(place(out, split, "keypoints", stem)))
    write_labels(place(out, split, "parse_agnostic", stem), erase_parse(parse, mask))
    write_image(place(out, split, "agnostic", stem), erase(photo, mask))
    write_image(place(out, split, "agnostic_mask", stem), mask)


def take(source: Split, name: str, stem: str, out: Path) -> None:
    """Take the maps of one name from the source: as they are, or brought to the size that the photo was brought to.

    DataError where one cannot be read.
    """
    photo = owner(name)
    with Image.open(place(out, source.name, photo, stem)) as picture:
        size = picture.height, picture.width
    was = read_image(source.need(photo, stem)).shape[:2]
    for kind in KINDS[name]:
        file = source.path(kind, stem)
        if file is not None:
            _take_one(file, kind, place(out, source.name, kind, stem), was, size)
    if name == "keypoints" and source.path("openpose_img", stem) is None:
        joints = read_keypoints(place(out, source.name, "keypoints", stem))
        write_image(place(out, source.name, "openpose_img", stem), draw_skeleton(joints, size))


def _take_one(file: Path, kind: str, target: Path, was: tuple[int, ...], size: tuple[int, int]) -> None:
    """Copy a map that can be read; where the photo was shrunk from `was` to `size`, or the ending is another, write it anew."""
    found = _read(file, kind)
    if tuple(was) == size and file.suffix.lower() == target.suffix:
        with replacing(target) as copy:
            copy.write(file.read_bytes())
    elif kind == "keypoints":
        write_json(target, _scaled(read_json(file), size[1] / was[1], size[0] / was[0]))
    else:
        resize = resize_image if kind in ("agnostic", "openpose_img") else resize_labels
        resized = found if tuple(was) == size else resize(found, size)
        write = write_labels if kind in ("parse", "parse_agnostic") else write_image
        write(target, resized)


def _read(file: Path, kind: str) -> np.ndarray:
    if kind == "keypoints":
        return read_keypoints(file)
    if kind in ("parse", "parse_agnostic"):
        return read_labels(file)
    if kind in ("cloth_mask", "agnostic_mask"):
        return read_mask(file)
    return read_parts(file) if kind == "densepose_parts" else read_image(file)


def _scaled(openpose: dict[str, Any], x: float, y: float) -> dict[str, Any]:
    """OpenPose's JSON with every joint moved as the photo was shrunk."""
    people = []
    for person in openpose["people"]:
        flat = np.asarray(person["pose_keypoints_2d"], np.float64).reshape(-1, 3) * (x, y, 1.0)
        people.append({**person, "pose_keypoints_2d": [round(float(number), 3) for number in flat.ravel()]})
    return {**openpose, "people": people}


def list_pairs(source: Split, persons: list[str], cloths: list[str]) -> list[Pair]:
    """The source's list as far as its photos are there; without one, every person with the garment that follows their own."""
    if source.pairs:
        there = set(persons), set(cloths)
        return [pair for pair in source.pairs if pair.person in there[0] and pair.cloth in there[1]]
    if not cloths:
        return []
    after = {cloth: number + 1 for number, cloth in enumerate(cloths)}
    return [Pair(person, cloths[after.get(person, number) % len(cloths)]) for number, person in enumerate(persons)]
