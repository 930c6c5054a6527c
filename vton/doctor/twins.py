"""Pictures that train and test share, found by a difference hash and made sure of by their colours."""

import numpy as np

MARGIN = 6  # levels between neighbours below which a step counts as none: plain walls and white paper hash to the same
FARTHEST = 24  # bits of 256 that may differ
NEAREST_COLOURS = 3.0  # levels of 255 between the two thumbs, in the mean


def difference_hash(thumbs: np.ndarray) -> np.ndarray:
    """uint8 (N, 16, 17, 3) -> uint64 (N, 4): a bit for every step from left to right that gets brighter."""
    grey = thumbs.astype(np.int16).sum(3) // 3
    bits = grey[:, :, 1:] - grey[:, :, :-1] > MARGIN
    return np.packbits(bits.reshape(len(thumbs), -1), axis=1).view(np.uint64)


def find_twins(ones: np.ndarray, others: np.ndarray) -> list[tuple[int, int]]:
    """(index in `ones`, index in `others`) of thumbs that show the same picture; at most one for each of `ones`."""
    if not len(ones) or not len(others):
        return []
    hashes = difference_hash(others)
    found = []
    for index, code in enumerate(difference_hash(ones)):
        near = np.flatnonzero(np.bitwise_count(hashes ^ code).sum(1) <= FARTHEST)
        if len(near):
            away = np.abs(others[near].astype(np.int16) - ones[index]).mean((1, 2, 3))
            if away.min() <= NEAREST_COLOURS:
                found.append((index, int(near[away.argmin()])))
    return found
