"""The pictures that metrics compare: results, their truths, the photos of the same persons, at one size."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vton.errors import DataError
from vton.images import read_image, resize_image
from vton.pairs import Pair, Split


@dataclass(frozen=True)
class Compared:
    """What the metrics of one call see."""

    run: Path
    split: Split | None
    results: list[tuple[Pair, Path]]
    truths: dict[Pair, Path]  # of the results that have one

    @property
    def with_truth(self) -> list[tuple[Pair, Path, Path]]:
        """The results that have a truth: pair, result, truth."""
        return [(pair, path, self.truths[pair]) for pair, path in self.results if pair in self.truths]


def fingerprint(compared: Compared) -> str:
    """What changes when a picture that is compared does."""
    digest = hashlib.sha256()
    for pair, path in compared.results:
        for file in (path, compared.truths.get(pair), photo_of(compared.split, pair)):
            digest.update(pair.name.encode() + (hashlib.sha256(file.read_bytes()).digest() if file else b"none"))
    return digest.hexdigest()


def photo_of(split: Split | None, pair: Pair) -> Path | None:
    """The photo of the pair's person, in their own garment."""
    return split.path("image", pair.person) if split else None


def picture_sets(compared: Compared) -> tuple[list[Pair], list[Path], list[tuple[Path, tuple[int, int]]], str]:
    """Pairs, their results, the photos to compare those with (and the size to compare them at), and what these are.

    The true photos where every result has one; else the photos of the same persons in their own garments, as unpaired
    results are compared in the literature; where there are none of those, the results that have a truth.
    """
    persons = {pair.person: (photo_of(compared.split, pair), path) for pair, path in reversed(compared.results)}
    photos = [(photo, size_of(path)) for photo, path in persons.values() if photo]
    pairs = [pair for pair, _ in compared.results]
    if len(compared.truths) < len(pairs) and len(photos) == len(persons):
        return pairs, [path for _, path in compared.results], photos, "the persons' photos in their own garments"
    found = compared.with_truth
    truths = [(truth, size_of(path)) for _, path, truth in found]
    return [pair for pair, _, _ in found], [path for _, path, _ in found], truths, "the true photos"


def size_of(path: Path) -> tuple[int, int]:
    """The picture's (height, width), from its header; DataError where it is none."""
    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except OSError as error:
        raise DataError(f"{path} cannot be read as a picture ({error}).") from error


def size_in_words(paths: Sequence[Path]) -> str:
    """The pictures' height and width, as commands take them."""
    sizes = {size_of(path) for path in paths}
    return "{}x{}".format(*sizes.pop()) if len(sizes) == 1 else f"{len(sizes)} sizes"


def at_size(path: Path, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) of this (height, width)."""
    return resize_image(read_image(path), size)


def result_and_truth(result: Path, truth: Path) -> np.ndarray:
    """(2, H, W, 3): the result, and its truth at the same size."""
    made = read_image(result)
    return np.stack([made, at_size(truth, (made.shape[0], made.shape[1]))])


def names_sha256(pairs: Iterable[Pair]) -> str:
    """What tells one set of pairs from another, in whatever order."""
    return hashlib.sha256("\n".join(sorted(pair.name for pair in pairs)).encode()).hexdigest()
