"""What kind of garment each is, from what lies in the dataset: IDM-VTON's tags, or the drawn set's own record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from vton.doctor.layout import tag_file

TRAITS = "traits.json"  # of a drawn set, in the split's folder
OF_PERSONS = frozenset(
    {"arms", "turned", "hair", "bottom"}
)  # the drawn set's words about the person; all others are the garment's
WORDS = {
    "category_name": "Category",
    "item": "Garment",
    "sleeveLength": "Sleeve length",
    "sleeves": "Sleeve length",
    "neckLine": "Neckline",
    "length": "Length",
    "fit": "Fit",
    "prints": "Print",
    "colors": "Colour",
    "textures": "Fabric",
    "details": "Detail",
    "looks": "Look",
}
Known = dict[str, dict[str, frozenset[str]]]  # key -> value -> the stems that have it


@dataclass(frozen=True)
class Traits:
    """The traits of a split; empty where nothing tells them."""

    stems: Known = field(default_factory=dict)
    fault: str = ""  # one sentence, where there is a file that cannot be used

    def having(self, key: str, values: set[str]) -> frozenset[str]:
        """The stems with one of the values."""
        known = self.stems.get(key, {})
        return frozenset().union(*(known.get(value, frozenset()) for value in values))


def label(key: str) -> str:
    """A trait's name as people write it."""
    return WORDS.get(key, key.replace("_", " ").capitalize())


def is_of_person(key: str) -> bool:
    """Whether a trait is told of the person and not of the garment."""
    return key in OF_PERSONS


def find_file(root: Path, split: str) -> Path | None:
    """The file that tells a split's traits."""
    return next((file for file in (tag_file(root, split), root / split / TRAITS) if file.is_file()), None)


def version(root: Path, split: str) -> tuple[str, int, int]:
    """Another one when the file that tells the traits is another or was changed."""
    file = find_file(root, split)
    try:
        seen = file.stat() if file else None
    except OSError:
        seen = None
    return (str(file), seen.st_mtime_ns, seen.st_size) if seen else ("", 0, 0)


def read(told: tuple[str, int, int]) -> Traits:
    """The traits of the file that `version` found."""
    return _read(*told) if told[0] else Traits()


@lru_cache(maxsize=8)
def _read(name: str, _changed_ns: int, _size: int) -> Traits:
    file = Path(name)
    try:
        value = json.loads(file.read_bytes())
        told = _words(value) if file.name == TRAITS else _tags(value)
        return Traits(_gathered(told))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Traits(fault=f"{file} is no list of garment traits, so there is nothing to filter by; replace or remove it.")


def _words(value: Any) -> Iterator[tuple[str, str, str]]:
    """(stem, key, value) of the drawn set's record: {stem: {key: word}}."""
    for stem, words in value.items():
        for key, word in words.items():
            yield stem, key, str(word)


def _tags(value: Any) -> Iterator[tuple[str, str, str]]:
    """(stem, key, value) of IDM-VTON's tags: entries of "data" with a file_name, a category_name, and in tag_info one
    tag_name (what is told) and tag_category (the word) each.
    """
    for entry in value["data"]:
        stem = Path(entry["file_name"]).stem
        if entry.get("category_name"):
            yield stem, "category_name", str(entry["category_name"]).capitalize()
        for tag in entry.get("tag_info") or []:
            given = tag.get("tag_category")
            for word in given if isinstance(given, list) else [given]:
                if word:
                    yield stem, str(tag["tag_name"]), str(word)


def _gathered(told: Iterator[tuple[str, str, str]]) -> Known:
    found: dict[str, dict[str, set[str]]] = {}
    for stem, key, word in told:
        found.setdefault(key, {}).setdefault(word, set()).add(stem)
    return {
        key: {word: frozenset(stems) for word, stems in sorted(values.items(), key=lambda one: (-len(one[1]), one[0]))}
        for key, values in sorted(found.items(), key=lambda one: _place(one[0]))
    }


def _place(key: str) -> tuple[int, str]:
    order = list(WORDS)
    return (order.index(key) if key in order else len(order) + is_of_person(key), key)
