"""Pictures that show the same, in two splits or in one, found by a difference hash and made sure of by their colours."""

import numpy as np

MARGIN = 6  # levels between neighbours below which a step counts as none: plain walls and white paper hash to the same
FARTHEST = 24  # bits of 256 that may differ
NEAREST_COLOURS = 3.0  # levels of 255 between the two thumbs, in the mean


def difference_hash(thumbs: np.ndarray) -> np.ndarray:
    """uint8 (N, 16, 17, 3) -> uint64 (N, 4): a bit for every step from left to right that gets brighter."""
    grey = thumbs.astype(np.int16).sum(3) // 3
    bits = grey[:, :, 1:] - grey[:, :, :-1] > MARGIN
    return np.packbits(bits.reshape(len(thumbs), 256), axis=1).view(np.uint64)


def find_twins(ones: np.ndarray, others: np.ndarray) -> list[tuple[int, int]]:
    """(index in `ones`, index in `others`) of thumbs that show the same picture; at most one for each of `ones`."""
    hashes = difference_hash(others)
    found = ((index, _twin(ones[index], code, others, hashes)) for index, code in enumerate(difference_hash(ones)))
    return [(index, twin) for index, twin in found if twin is not None]


def find_repeats(thumbs: np.ndarray) -> list[tuple[int, int]]:
    """(index, an earlier index) of thumbs that show the same picture as one before them; at most one for each."""
    hashes = difference_hash(thumbs)
    found = ((index, _twin(thumbs[index], code, thumbs[:index], hashes[:index])) for index, code in enumerate(hashes))
    return [(index, twin) for index, twin in found if twin is not None]


def _twin(thumb: np.ndarray, code: np.ndarray, others: np.ndarray, hashes: np.ndarray) -> int | None:
    """Which of `others` is nearest to `thumb` in its colours, of those whose hash is near; None where none is near enough."""
    near = np.flatnonzero(np.bitwise_count(hashes ^ code).sum(1) <= FARTHEST)
    if not len(near):
        return None
    away = np.abs(others[near].astype(np.int16) - thumb).mean((1, 2, 3))
    return int(near[away.argmin()]) if away.min() <= NEAREST_COLOURS else None
