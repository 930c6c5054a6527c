"""What a listing of a split's folders tells: gaps, orphans, names, files that are not read; no file is opened."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vton.doctor.report import FAULT, WARNING, Finding, Trouble, finding
from vton.pairs import MAPS, Split, file_stem, map_folder

PAIR_KINDS = ("flow", "truth")  # named by the pair
CLOTH_KINDS = ("cloth", "cloth_mask")  # the others are named by the person
BESIDES = ("densepose_parts",)  # tells what another kind tells too, so nobody misses it
NEEDED = ("cloth_mask", "parse", "keypoints")  # without these there is no try-on
WORDS = {"image": "person", "cloth": "cloth"}


def missing_maps(split: Split) -> Iterator[Finding]:
    """Persons and cloths without a map: a fault where a try-on needs it, a warning where others of the split have it."""
    for kind in MAPS:
        owner = "cloth" if kind in CLOTH_KINDS else "image"
        stems = split.maps[owner]
        if kind in (*PAIR_KINDS, *BESIDES, "image", "cloth") or not stems:
            continue
        lacking = sorted(stem for stem in stems if stem not in split.maps[kind])
        folder, there = folder_name(split, kind), len(stems) - len(lacking)
        todo = "make it too, or remove the folder"
        if kind in NEEDED:
            todo = f"add it to {folder}: without it no try-on can be made"
        if kind in NEEDED and not there:
            trouble = Trouble("missing", FAULT, f"there is none for any {WORDS[owner]}, and a try-on needs it", todo)
            yield finding(trouble, folder, split.name)
        elif kind in NEEDED or there:
            severity = FAULT if kind in NEEDED else WARNING
            for stem in lacking:
                trouble = Trouble("missing", severity, f"the {WORDS[owner]} {stem} has no {kind}", todo)
                yield finding(trouble, f"{folder}/{stem}", split.name, stem)


def orphans(split: Split) -> Iterator[Finding]:
    """Maps whose person, cloth or pair is not there."""
    for kind in MAPS:
        for stem, file in sorted(split.maps[kind].items()):
            if kind in PAIR_KINDS:
                names = stem.split("__")
                fine = len(names) == 2 and names[0] in split.maps["image"] and names[1] in split.maps["cloth"]
                whose = "pair"
            elif kind == "cloth_mask":
                fine, whose = stem in split.maps["cloth"], "cloth"
            else:
                fine, whose = kind in ("image", "cloth") or stem in split.maps["image"], "person"
            if not fine:
                trouble = Trouble("orphan", WARNING, f"its {whose} is not there", f"add the {whose}, or remove this file")
                yield finding(trouble, file, split.name, stem)


def strange_names(split: Split) -> Iterator[Finding]:
    """Names of photos and garments that trip programs, each once."""
    for kind in ("image", "cloth"):
        for stem, file in sorted(split.maps[kind].items()):
            if trouble := _name_trouble(stem):
                yield finding(trouble, file, split.name, stem)


def _name_trouble(stem: str) -> Trouble | None:
    rename = "rename it, with its maps and in the pair list: letters a-z, digits, - and single _"
    if not stem.isprintable() or any(0xD800 <= ord(letter) <= 0xDFFF for letter in stem):
        return Trouble("name", FAULT, "has bytes in its name that are no text", rename)
    if any(letter.isspace() for letter in stem):
        return Trouble("name", WARNING, "has a space in its name, where a pair list's line is cut", rename)
    if unicodedata.normalize("NFC", stem) != stem:
        return Trouble("name", WARNING, "spells its accents apart (NFD, as macOS does), so lists may not match it", rename)
    if not stem.isascii():
        return Trouble("name", WARNING, "has letters beyond ASCII in its name, which some programs cannot open", rename)
    if "__" in stem:
        return Trouble("name", WARNING, 'has "__" in its name, which parts person and cloth in results', rename)
    return None


def unread_files(split: Split) -> Iterator[Finding]:
    """What lies in a map's folder and is no file of that kind, or is there twice."""
    for kind in MAPS:
        place = map_folder(split.root, split.name, kind)
        if place is None:
            continue
        by_stem: dict[str, list[str]] = defaultdict(list)
        for name in sorted(os.listdir(place)):
            stem = file_stem(name, kind)
            if stem is not None:
                by_stem[stem].append(name)
            elif not name.startswith("."):
                wrong, todo = f"is not read as {kind}: another ending is expected", "save it as JPEG, PNG or WebP"
                other = "move it elsewhere" if kind in ("keypoints", "flow") or Path(name).suffix == "" else todo
                yield finding(Trouble("unread", WARNING, wrong, other), f"{split.name}/{place.name}/{name}", split.name)
        for stem, names in by_stem.items():
            if len(names) > 1:
                trouble = Trouble("double", WARNING, f"{' and '.join(names)} go by one name; {names[0]} is read", "keep one")
                yield finding(trouble, split.maps[kind][stem], split.name, stem)


def hollow_splits(root: Path, known: dict[str, Split], names: tuple[str, ...]) -> Iterator[Finding]:
    """Splits that hold files but no photo, so that nothing of them is read; one with nothing in it is no fault."""
    for name in names:
        places = (map_folder(root, name, kind) for kind in MAPS)
        if name not in known and any(place and any(place.iterdir()) for place in places):
            trouble = Trouble("missing", FAULT, "there are maps but no photos, so the split is not read", "add the photos")
            yield finding(trouble, f"{name}/image", name)


def folder_name(split: Split, kind: str) -> str:
    """The folder of one kind as this split spells it, else as we would."""
    place = map_folder(split.root, split.name, kind)
    return f"{split.name}/{place.name if place else MAPS[kind][0]}"
