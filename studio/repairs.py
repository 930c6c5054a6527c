"""Maps repaired by hand: every version is kept, and the newest lie in a folder that takes the dataset's place.

In the workspace, `repairs/<dataset id>/`:

    versions/<split>/<folder>/<stem>/0001.png, 0001.json   what somebody saved: who, when, and the sha256 of what it was made of
    current/<split>/<folder>/<file>                        the newest, and what was derived from it anew
    pending/<split>/<stem>                                 an item whose `current` is being made

`current` follows from `versions` alone, so that it is made right again after whatever it was interrupted in.
"""

import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from db import datasets
from db.models import Dataset
from studio.workspace import Workspace
from vton.errors import VtonError
from vton.labels import PARSE_PALETTE
from vton.pairs import MAPS, SUFFIXES, Split

if TYPE_CHECKING:
    from vton.preprocess.checks import Outcome

FORMAT = 1
KINDS = ("parse", "agnostic_mask", "cloth_mask")  # what can be repaired
DERIVED = ("agnostic_mask", "agnostic", "parse_agnostic")  # what is made of parse, keypoints and mask
MENDED = frozenset({*KINDS, *DERIVED})
PREFIX = "repairs/"  # of a repaired file's name in a verdict
ORIENTATION = 0x0112  # the EXIF tag


class RepairFault(VtonError):
    """A repair that cannot be taken; str() is one sentence."""


@dataclass(frozen=True)
class Item:
    """One item of a dataset, with the files that stand for its maps now."""

    dataset: Dataset
    split: str
    stem: str
    maps: Mapping[str, str]  # kind -> path relative to the dataset's root
    overlay: Path

    def path(self, kind: str) -> Path | None:
        """The map's file, a repaired one first; None where there is none."""
        found = self.file(kind)
        return Path(found[1]) if found else None

    def file(self, kind: str) -> tuple[str, str] | None:
        """What stands for a map, as a verdict names it, and where that lies; both as texts, since a list asks of thousands."""
        if kind in MENDED:
            relative = _relative(self.split, kind, self.stem)
            repaired = f"{self.overlay}/{relative}"
            if os.path.isfile(repaired):
                return PREFIX + relative, repaired
        own = self.maps.get(kind)
        return (own, f"{self.dataset.root}/{own}") if own else None

    def original(self, kind: str) -> Path | None:
        """The dataset's own file."""
        relative = self.maps.get(kind)
        return Path(self.dataset.root) / relative if relative else None

    def as_split(self) -> Split:
        """The item alone, as vton reads a split."""
        maps = {kind: {self.stem: self.maps[kind]} if kind in self.maps else {} for kind in MAPS}
        found = {kind: self.path(kind) for kind in MENDED}
        repaired = {kind: {self.stem: path} for kind, path in found.items() if path and path.is_relative_to(self.overlay)}
        return Split(self.split, Path(self.dataset.root), maps, (), repaired=repaired)


@dataclass(frozen=True)
class Version:
    """What somebody saved of a map, or that they went back to the dataset's own (no sha256)."""

    number: int
    kind: str
    rater: str
    at: datetime
    parent: str  # sha256 of the file that it was made of, empty where there was none
    sha256: str


def home(workspace: Workspace, dataset_id: int) -> Path:
    """Where a dataset's repairs lie."""
    return workspace.settings.workspace / "repairs" / str(dataset_id)


def current(workspace: Workspace, dataset_id: int) -> Path:
    """The folder of the newest repaired maps, which may be missing or empty."""
    return home(workspace, dataset_id) / "current"


def overlay_of(workspace: Workspace, dataset: Dataset) -> Path | None:
    """The folder that a run takes repaired maps from, made right first; None where nothing is repaired."""
    pending = home(workspace, dataset.id) / "pending"
    for mark in sorted(pending.glob("*/*")) if pending.is_dir() else []:
        item = find_item(workspace, dataset, mark.parent.name, mark.name)
        if item is None:
            continue
        with _alone(workspace, dataset.id):
            _settle(workspace, item)
    folder = current(workspace, dataset.id)
    return folder if any(folder.glob("*/*/*.png")) else None


def repaired_stems(workspace: Workspace, dataset: Dataset, split: str) -> set[str]:
    """The items of a split of which some map is repaired."""
    folder = current(workspace, dataset.id) / split
    ending = SUFFIXES["agnostic_mask"]
    return {
        file.stem.removesuffix(ending) if file.parent.name in MAPS["agnostic_mask"] else file.stem
        for file in folder.glob("*/*.png")
    }


def state_of(workspace: Workspace, dataset: Dataset) -> str:
    """Another word whenever a dataset's repaired maps change: "" before the first time, then "r1", "r2" ..."""
    folder = home(workspace, dataset.id)
    try:
        return f"r{(folder / 'saved').stat().st_size}"
    except OSError:
        return ""


def place(folder: Path, split: str, kind: str, stem: str) -> Path:
    """The file of a repaired map below `folder`: always a PNG, in the layout that we write."""
    return folder / _relative(split, kind, stem)


def _relative(split: str, kind: str, stem: str) -> str:
    return f"{split}/{MAPS[kind][0]}/{stem}{SUFFIXES.get(kind, '')}.png"


def owner(kind: str) -> str:
    """The kind of photo that a map belongs to."""
    return "cloth" if kind == "cloth_mask" else "image"


def find_item(workspace: Workspace, dataset: Dataset, split: str, stem: str) -> Item | None:
    """An item of a dataset, None where there is none."""
    with workspace.database.read() as session:
        row = datasets.item(session, dataset.id, split, stem)
    return Item(dataset, split, stem, dict(row.maps), current(workspace, dataset.id)) if row else None


def sha256_of(path: Path) -> str:
    """Of a file, worked out once as long as it does not change; OSError where it is gone."""
    seen = path.stat()
    return _sha256(path, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=50_000)
def _sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inputs_of_rule(item: Item) -> tuple[Path, Path] | None:
    """Parse and keypoints, of which the try-on draws the agnostic mask where there is none; None where it does not."""
    parse, keypoints = item.path("parse"), item.path("keypoints")
    if item.path("agnostic_mask") or item.path("image") is None or parse is None or keypoints is None:
        return None
    return parse, keypoints


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) of a photo as it is seen; OSError where it cannot be read."""
    return _size(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=50_000)
def _size(path: Path, _mtime_ns: int) -> tuple[int, int]:
    with Image.open(path) as picture:
        turned = picture.getexif().get(ORIENTATION, 1) >= 5  # by a quarter
        return picture.size if turned else picture.size[::-1]


def labels_of(item: Item, kind: str) -> np.ndarray:
    """A mask or a parse at its photo's own size: uint8 (H, W), class ids of a parse, 0 or 255 of a mask.

    An agnostic mask that the dataset lacks is drawn by the rule. RepairFault says why there is none.
    """
    photo = item.path(owner(kind))
    if photo is None:
        raise RepairFault(f"{item.stem} has no photo to repair a map of.")
    path = item.path(kind)
    if path is None:
        return _by_rule(item) * np.uint8(255) if kind == "agnostic_mask" else np.zeros(size_of(photo), np.uint8)
    try:
        with Image.open(path) as picture:
            ids = kind.startswith("parse")
            if ids and picture.mode not in ("P", "L"):
                raise RepairFault(f"{path} holds colours ({picture.mode}), not class ids.")
            stored = np.array(picture) if ids else (np.array(picture.convert("L")) >= 128) * np.uint8(255)
        height, width = size_of(photo)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RepairFault(f"{path} cannot be read ({error}).") from error
    if stored.shape == (height, width):
        return stored
    return np.array(Image.fromarray(stored).resize((width, height), Image.Resampling.NEAREST))


def _by_rule(item: Item) -> np.ndarray:
    from vton.conditions import read_keypoints  # loads torch
    from vton.images import read_labels, resize_labels
    from vton.preprocess.agnostic import agnostic_mask

    split, photo = item.as_split(), item.path("image")
    assert photo is not None
    parse = resize_labels(read_labels(split.need("parse", item.stem)), size_of(photo))
    return agnostic_mask(parse, read_keypoints(split.need("keypoints", item.stem)))


def save(workspace: Workspace, item: Item, kind: str, png: bytes, rater: str, parent: str) -> Version:
    """Take an edited map, a greyscale PNG at its photo's own size, as the newest version, and derive what depends on it.

    `parent` is the sha256 of the file that it was made of. RepairFault where that is not the newest any more, or the picture
    is no such map.
    """
    labels = _decode(item, kind, png)
    with _alone(workspace, item.dataset.id):
        _check_parent(item, kind, parent)
        folder = _versions(workspace, item, kind)
        number = len(versions(workspace, item, kind)) + 1
        file = folder / f"{number:04}.png"
        _write_map(file, kind, labels)
        return _add(workspace, item, Version(number, kind, rater, datetime.now(UTC), parent, sha256_of(file)))


def restore(workspace: Workspace, item: Item, kind: str, rater: str, parent: str) -> Version:
    """Go back to the dataset's own map; the versions stay. RepairFault where it is not repaired, or was changed meanwhile."""
    with _alone(workspace, item.dataset.id):
        _check_parent(item, kind, parent)
        before = versions(workspace, item, kind)
        if not before or not before[-1].sha256:
            raise RepairFault(f"The {MAPS[kind][0]} of {item.stem} is the dataset's own already.")
        return _add(workspace, item, Version(len(before) + 1, kind, rater, datetime.now(UTC), parent, ""))


def versions(workspace: Workspace, item: Item, kind: str) -> list[Version]:
    """Everything that was saved of a map, oldest first."""
    found = []
    for file in sorted(_versions(workspace, item, kind).glob("[0-9]*.json")):
        told = json.loads(file.read_bytes())
        at = datetime.fromisoformat(told["at"])
        found.append(Version(told["number"], kind, told["rater"], at, told["parent"], told["sha256"]))
    return found


def forget(workspace: Workspace, dataset_id: int, split: str, stem: str, of: str) -> None:
    """Delete every version of what was repaired of a photo (`of` is "image" or "cloth") that is itself deleted."""
    folder = home(workspace, dataset_id)
    if not folder.is_dir():
        return
    with _alone(workspace, dataset_id):
        for kind in MENDED:
            if owner(kind) == of:
                shutil.rmtree(folder / "versions" / split / MAPS[kind][0] / stem, ignore_errors=True)
                place(folder / "current", split, kind, stem).unlink(missing_ok=True)
        with (folder / "saved").open("ab") as count:
            count.write(b".")


def recheck(item: Item) -> "list[Outcome]":
    """The automatic checks of an item as it is now, all but those that compare it with others."""
    from vton.preprocess.checks import check_item  # loads torch

    return check_item(item.as_split(), item.stem)


def _decode(item: Item, kind: str, png: bytes) -> np.ndarray:
    """The map in an edited PNG, uint8 (H, W)."""
    photo = item.path(owner(kind))
    if kind not in KINDS or photo is None:
        raise RepairFault(f"{item.stem} has no {kind} that can be repaired.")
    height, width = size_of(photo)
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if picture.size != (width, height) or picture.mode != "L":
                found = f"{picture.width}x{picture.height} of mode {picture.mode}"
                raise RepairFault(f"The repaired map is {found}; expected {width}x{height} of mode L, as its photo.")
            labels = np.array(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RepairFault(f"The repaired map cannot be read as a PNG ({error}).") from error
    known = np.arange(len(PARSE_PALETTE)) if kind == "parse" else np.array([0, 255])
    if not np.isin(labels, known).all():
        raise RepairFault(f"The repaired map holds other values than {'class ids' if kind == 'parse' else '0 and 255'}.")
    return labels


def _check_parent(item: Item, kind: str, parent: str) -> None:
    path = item.path(kind)
    if (sha256_of(path) if path else "") != parent:
        raise RepairFault(f"The {MAPS[kind][0]} of {item.stem} was changed meanwhile; load the page again, then repair it.")


def _versions(workspace: Workspace, item: Item, kind: str) -> Path:
    return home(workspace, item.dataset.id) / "versions" / item.split / MAPS[kind][0] / item.stem


def _write_map(file: Path, kind: str, labels: np.ndarray) -> None:
    from vton.images import write_image, write_labels  # loads torch

    (write_labels if kind.startswith("parse") else write_image)(file, labels)


def _add(workspace: Workspace, item: Item, version: Version) -> Version:
    """Write a version down, then bring `current` in line with it."""
    from vton.images import write_json  # loads torch

    told: dict[str, Any] = {"format": FORMAT, "number": version.number, "split": item.split, "item": item.stem}
    told |= {"kind": version.kind, "rater": version.rater, "at": version.at.isoformat()}
    told |= {"parent": version.parent, "sha256": version.sha256}
    mark = _mark(workspace, item)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    write_json(_versions(workspace, item, version.kind) / f"{version.number:04}.json", told)
    _settle(workspace, item)
    return version


def _mark(workspace: Workspace, item: Item) -> Path:
    return home(workspace, item.dataset.id) / "pending" / item.split / item.stem


def _settle(workspace: Workspace, item: Item) -> None:
    """Bring an item's maps in `current` in line with its versions."""
    newest = {kind: found[-1] for kind in KINDS if (found := versions(workspace, item, kind))}
    by_hand = {kind: version for kind, version in newest.items() if version.sha256}
    _count(workspace, item)  # before and after: what is made of a half of it is not taken for the whole
    for kind in (*KINDS, *DERIVED):
        target = place(item.overlay, item.split, kind, item.stem)
        if kind in by_hand:
            _copy(_versions(workspace, item, kind) / f"{by_hand[kind].number:04}.png", target)
        else:
            target.unlink(missing_ok=True)
    if by_hand.keys() & {"parse", "agnostic_mask"}:
        _derive(item, keep_mask="agnostic_mask" in by_hand)
    _count(workspace, item)
    _mark(workspace, item).unlink(missing_ok=True)


def _count(workspace: Workspace, item: Item) -> None:
    with (home(workspace, item.dataset.id) / "saved").open("ab") as count:
        count.write(b".")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)


def _derive(item: Item, keep_mask: bool) -> None:
    """Agnostic mask (unless made by hand), agnostic image and agnostic parse, as far as there is what they are made of."""
    from vton.images import read_image, read_labels, read_mask, resize_labels
    from vton.preprocess.agnostic import erase, erase_parse

    image = read_image(item.as_split().need("image", item.stem))
    size = (image.shape[0], image.shape[1])
    if not keep_mask:
        try:
            made = _by_rule(item)
        except VtonError:  # no keypoints, or no shoulders: the dataset's own mask stays
            return
        _write_map(place(item.overlay, item.split, "agnostic_mask", item.stem), "agnostic_mask", made)
    mask = read_mask(item.as_split().need("agnostic_mask", item.stem))
    _write_map(place(item.overlay, item.split, "agnostic", item.stem), "agnostic", erase(image, mask))
    parse_file = item.path("parse")
    if parse_file is not None:
        try:
            parse = resize_labels(read_labels(parse_file), size)
        except VtonError:  # a parse of colours, which no network could be given either
            return
        _write_map(place(item.overlay, item.split, "parse_agnostic", item.stem), "parse_agnostic", erase_parse(parse, mask))


@contextmanager
def _alone(workspace: Workspace, dataset_id: int) -> Iterator[None]:
    """Nobody else changes the dataset's repairs meanwhile."""
    folder = home(workspace, dataset_id)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
