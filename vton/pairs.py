"""Pairs of a person and a garment, and the folders that hold them: VITON-HD's layout under the names it goes by."""

import hashlib
import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from vton.errors import DataError

SPLITS = ("train", "test")

# kind -> folder names that public copies and forks use for it; the first is what we write.
MAPS: dict[str, tuple[str, ...]] = {
    "image": ("image",),
    "cloth": ("cloth",),
    "cloth_mask": ("cloth-mask", "cloth_mask", "cloth_mask-bytedance"),
    "parse": ("image-parse-v3", "image-parse", "parse-bytedance", "image_parse"),
    "parse_agnostic": ("image-parse-agnostic-v3.2", "image-parse-agnostic"),
    "densepose": ("image-densepose", "densepose"),
    "densepose_parts": ("image-densepose-parts",),
    "openpose_img": ("openpose_img", "openpose-img"),
    "keypoints": ("openpose_json", "openpose-json"),
    "agnostic": ("agnostic-v3.2", "agnostic"),
    "agnostic_mask": ("agnostic-mask", "agnostic_mask"),
    "worn_mask": ("gt_cloth_warped_mask",),
    "flow": ("flow",),
    "truth": ("image-truth",),
}
SUFFIXES = {"keypoints": "_keypoints", "openpose_img": "_rendered", "agnostic_mask": "_mask"}
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
RESULTS = (".png", ".jpg", ".jpeg")  # of a run's results: ours are the first, other teams' may be any
FORMATS = ("JPEG", "PNG", "WEBP")  # what is opened, whatever the name says
MAX_BYTES = 20_000_000  # of one file
MAX_PIXELS = 50_000_000  # of one picture: about 600 MB while it is read
PHOTOS = frozenset({"image", "cloth"})  # what everything else is made of, so never repaired
ENDINGS = {"keypoints": frozenset({".json"}), "flow": frozenset({".npz"})}


@dataclass(frozen=True, order=True)
class Pair:
    """A person's photo and the garment to put on, by their file stems."""

    person: str
    cloth: str

    @property
    def name(self) -> str:
        """The name of this pair's files in a run folder."""
        return f"{self.person}__{self.cloth}"


@dataclass(frozen=True)
class Line:
    """One line of a pair list: its pair, or why it is left out."""

    number: int
    pair: Pair | None
    problem: str


@dataclass(frozen=True)
class Split:
    """One split of a dataset: which files there are, by kind and stem, and the pairs as listed (unpaired)."""

    name: str
    root: Path
    maps: dict[str, dict[str, str]] = field(repr=False)  # kind -> stem -> path relative to `root`
    pairs: tuple[Pair, ...] = field(repr=False)
    skipped: tuple[str, ...] = field(default=(), repr=False)  # the lines of the list that are left out, each with its reason
    repaired: dict[str, dict[str, Path]] = field(default_factory=dict, repr=False)  # kind -> stem -> what replaces the map

    @property
    def persons(self) -> list[str]:
        """Stems of the photos, sorted."""
        return sorted(self.maps["image"])

    @property
    def cloths(self) -> list[str]:
        """Stems of the garment photos, sorted."""
        return sorted(self.maps["cloth"])

    def paired(self) -> list[Pair]:
        """Every person with the garment that they wear."""
        return [Pair(stem, stem) for stem in self.persons if stem in self.maps["cloth"]]

    def path(self, kind: str, stem: str) -> Path | None:
        """Where the map of that kind lies, a repaired one first, or None where there is none."""
        repaired = self.repaired.get(kind, {}).get(stem)
        if repaired is not None:
            return repaired
        relative = self.maps[kind].get(stem)
        return self.root / relative if relative else None

    def densepose_kind(self, stem: str) -> str:
        """Which kind tells DensePose best: the part ids where they are, unless only the picture of them was repaired."""
        mended = {kind for kind in ("densepose", "densepose_parts") if stem in self.repaired.get(kind, {})}
        return "densepose" if mended == {"densepose"} or not self.path("densepose_parts", stem) else "densepose_parts"

    def need(self, kind: str, stem: str) -> Path:
        """As `path`, but DataError says which file is missing."""
        path = self.path(kind, stem)
        if path is None:
            raise DataError(f"{self.root / self.name / MAPS[kind][0]} has no file for {stem}.")
        return path


@dataclass(frozen=True)
class Dataset:
    """A folder in the VITON-HD layout; read, never written to."""

    root: Path
    splits: dict[str, Split]
    fingerprint: str  # changes when files come or go


def open_dataset(root: Path, repairs: Path | None = None) -> Dataset:
    """List a dataset's files, each folder once. `repairs` is a folder in the same layout that holds mended maps only: each
    takes the place of the dataset's own. DataError where `root` is no VITON-HD layout, or `repairs` no folder."""
    root = absolute(root)
    if not os.path.isdir(root):
        raise DataError(f"{root} is not a folder; give the folder that holds train/ or test/.")
    repairs = repairs and absolute(repairs)
    if repairs and not os.path.isdir(repairs):
        raise DataError(f"{repairs} is not a folder; give the one that holds the repaired maps, or leave it out.")
    fingerprint = dataset_fingerprint(root, repairs)
    splits = {name: open_split(root, name) for name in SPLITS if (root / name).is_dir()}
    if repairs:
        splits = {name: replace(split, repaired=_repaired(repairs, split)) for name, split in splits.items()}
    splits = {name: split for name, split in splits.items() if split.maps["image"] or split.pairs}
    if not splits:
        raise DataError(f"{root} holds no train/image or test/image with pictures; VITON-HD's layout has them.")
    return Dataset(root, splits, fingerprint)


def absolute(path: Path | str) -> Path:
    """A path as a person gave it, from the root on, with ~ and links followed. DataError where it cannot be one: a null byte,
    a link to itself, a home that nobody has."""
    try:
        return Path(path).expanduser().resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{str(path)!r} cannot be a folder ({error}); give another one.") from error


def dataset_fingerprint(root: Path, repairs: Path | None = None) -> str:
    """A hash of the folders' and pair lists' times of change: cheap, and another one when files come or go, repairs too."""
    seen = [_times(root)] + ([_times(repairs)] if repairs else [])
    return hashlib.sha256(repr(seen if repairs else seen[0]).encode()).hexdigest()


def _times(root: Path) -> list[tuple[str, int]]:
    """Every folder and pair list that exists, and when it changed."""
    places = [root, *(root / f"{name}_pairs.txt" for name in SPLITS)]
    places += [root / name / folder for name in SPLITS for folders in MAPS.values() for folder in folders]
    return [(str(place.relative_to(root)), place.stat().st_mtime_ns) for place in places if place.exists()]


def _repaired(repairs: Path, split: Split) -> dict[str, dict[str, Path]]:
    """kind -> stem -> file of the mended maps of people and garments that the split has."""
    known = split.maps["image"].keys() | split.maps["cloth"].keys()
    found = {kind: _list_folder(repairs, split.name, kind) for kind in MAPS if kind not in PHOTOS}
    return {
        kind: {stem: repairs / file for stem, file in files.items() if stem in known or stem in split.maps[kind]}
        for kind, files in found.items()
    }


def open_split(root: Path, name: str) -> Split:
    """List one split's files and read its pairs; a list that cannot be read is told in `skipped`."""
    maps = {kind: _list_folder(root, name, kind) for kind in MAPS}
    file = root / f"{name}_pairs.txt"
    if not file.exists():
        return Split(name, root, maps, ())
    try:
        lines = read_lines(file, maps)
    except DataError as error:
        return Split(name, root, maps, (), (str(error),))
    pairs = tuple(line.pair for line in lines if line.pair)
    if columns_swapped(pairs, maps):
        pairs = tuple(Pair(pair.cloth, pair.person) for pair in pairs)
    skipped = tuple(f"{file.name}, line {line.number}: {line.problem}" for line in lines if not line.pair)
    return Split(name, root, maps, pairs, skipped)


def map_folder(root: Path, split: str, kind: str) -> Path | None:
    """Where the files of one kind lie: the first folder name that exists counts."""
    places = (root / split / folder for folder in MAPS[kind])
    return next((place for place in places if place.is_dir()), None)


def file_stem(name: str, kind: str) -> str | None:
    """The stem that a file of one kind goes by, or None for a file that is not of that kind."""
    stem, ending = os.path.splitext(name)
    if stem.startswith(".") or ending.lower() not in ENDINGS.get(kind, PICTURES):
        return None
    return stem.removesuffix(SUFFIXES.get(kind, ""))


def _list_folder(root: Path, split: str, kind: str) -> dict[str, str]:
    """Stem -> path of the files of one kind; of several that go by one stem, the first by name."""
    place = map_folder(root, split, kind)
    if place is None:
        return {}
    named = ((file_stem(name, kind), name) for name in sorted(os.listdir(place), reverse=True))
    return {stem: f"{split}/{place.name}/{name}" for stem, name in named if stem is not None}


def columns_swapped(pairs: tuple[Pair, ...], maps: dict[str, dict[str, str]]) -> bool:
    """Some helpers write "cloth person": true when no line fits as written and every line fits the other way."""

    def fits(person: str, cloth: str) -> bool:
        return person in maps["image"] and cloth in maps["cloth"]

    probe = pairs[:50]
    return bool(probe) and not any(fits(p.person, p.cloth) for p in probe) and all(fits(p.cloth, p.person) for p in probe)


def read_pairs(file: Path, maps: dict[str, dict[str, str]] | None = None) -> list[Pair]:
    """The pairs of a list of lines "person.jpg cloth.jpg"; `maps` as in `read_lines`. DataError names the line that is none,
    or leaves its folder."""
    pairs = []
    for line in read_lines(file, maps):
        if line.pair is None:
            raise DataError(f"{file}, line {line.number}: {line.problem}")
        pairs.append(line.pair)
    return pairs


def read_lines(file: Path, maps: dict[str, dict[str, str]] | None = None) -> list[Line]:
    """Every line of a pair list that is not blank; with the split's `maps`, names with spaces in them are told apart by what
    exists. DataError where the file is no text."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as a list of pairs ({error}).") from error
    return [_read_line(number, line.strip(), maps) for number, line in enumerate(lines, 1) if line.strip()]


def _read_line(number: int, text: str, maps: dict[str, dict[str, str]] | None) -> Line:
    words = text.split()
    if any("/" in word or "\\" in word or word.startswith(".") for word in words):
        return Line(number, None, f'expected "person.jpg cloth.jpg", names without a folder, found "{text[:80]}".')
    if len(words) == 2:
        return Line(number, Pair(*(_stem(word) for word in words)), "")
    fitting = _split_by_files(text, maps) if maps and len(words) > 2 else []
    if len(fitting) == 1:
        return Line(number, fitting[0], "")
    return Line(number, None, f'expected "person.jpg cloth.jpg", found "{text[:80]}".')


def _split_by_files(text: str, maps: dict[str, dict[str, str]]) -> list[Pair]:
    """The ways to cut a line in two so that both halves name files, in either order of the columns."""
    cuts = [(_stem(text[: gap.start()]), _stem(text[gap.end() :])) for gap in re.finditer(r"\s+", text)]
    image, cloth = maps["image"], maps["cloth"]
    return [Pair(a, b) for a, b in cuts if (a in image and b in cloth) or (b in image and a in cloth)]


def _stem(word: str) -> str:
    stem, ending = os.path.splitext(word)
    return stem if ending.lower() in PICTURES else word


def choose_pairs(split: Split, paired: bool = False, file: Path | None = None) -> list[Pair]:
    """The pairs to work on: those of `file` or else of the split; `paired` puts every person in their own garment."""
    if file is not None:
        listed = read_pairs(file, split.maps)
        pairs = [Pair(pair.person, pair.person) for pair in listed] if paired else listed
    else:
        pairs = split.paired() if paired else list(split.pairs)
    if not pairs:
        wanted = "a person with a garment of the same name" if paired else f"a line in {split.name}_pairs.txt"
        raise DataError(f"{file or split.root} gives no pair to work on; it needs {wanted}.")
    return list(dict.fromkeys(pairs))


if __name__ == "__main__":
    from vton.doctor.command import main

    sys.exit(main())
