"""The check across splits: a photo that train and test share is learnt by heart, and then counted as skill."""

from collections.abc import Iterator
from concurrent.futures import Executor

import numpy as np

from vton.doctor.look import PHOTOS, look_at
from vton.doctor.twins import find_twins
from vton.pairs import Split
from vton.preprocess.checks.outcome import Check, Outcome
from vton.progress import track

SHARED = {
    kind: Check(
        f"{name} in one split only",
        "photo",
        0.5,
        "1 where the other split shows the same: at most 24 of 256 bits of a difference hash, and 3 levels of colour, apart. "
        "Drawn and samples: 0.",
    )
    for kind, name in zip(PHOTOS, ("photo", "garment"), strict=True)
}
CHECKS = tuple(SHARED.values())


def check_shared(split: Split, other: Split, threads: Executor) -> Iterator[tuple[str, Outcome]]:
    """(stem, outcome) of every photo and garment of a split that can be read, against all of another split."""
    for kind, check in SHARED.items():
        (stems, asked), (others, learnt) = _thumbs(split, kind, threads), _thumbs(other, kind, threads)
        twins = dict(find_twins(asked, learnt))
        for number, stem in enumerate(stems):
            if number in twins:
                fact = f"{other.name} shows the same picture, as {others[twins[number]]}"
                yield stem, check.judge(1, fact, "what was learnt by heart there counts as skill here")
            else:
                yield stem, check.judge(0, f"{other.name} does not show the same picture", "")


def _thumbs(split: Split, kind: str, threads: Executor) -> tuple[list[str], np.ndarray]:
    """The stems of photos that can be read, and uint8 (N, 16, 17, 3) of them."""
    files = [(stem, split.need(kind, stem)) for stem in sorted(split.maps[kind])]
    thumbs = track(threads.map(lambda file: look_at(file[1], kind).thumb, files), len(files), f"{split.name}, {kind}")
    found = [(stem, thumb) for (stem, _), thumb in zip(files, thumbs, strict=True) if thumb is not None]
    return [stem for stem, _ in found], np.stack([thumb for _, thumb in found]) if found else np.zeros((0, 16, 17, 3), np.uint8)
