"""How photos reach a network: those no network can take are refused, those of one size go together."""

from collections.abc import Callable, Sequence

import numpy as np

from vton.errors import PreprocessError

LEAST_SIDE = 32  # pixels; the deepest feature maps are 1/32 of the photo
MOST_ASPECT = 6.0  # longer side / shorter side; detectron2 shrinks the shorter side of a longer strip to nothing

Answer = np.ndarray | PreprocessError


def in_batches(photos: Sequence[np.ndarray], batch: int, ask: Callable[[list[int]], list[Answer]]) -> list[Answer]:
    """What `ask` says of each photo, in their order; it is given the indices of at most `batch` photos of one size at a time.

    Photos of one size only, because padding a smaller one would change what is found in it.
    """
    answers: dict[int, Answer] = {}
    sizes: dict[tuple[int, ...], list[int]] = {}
    for index, photo in enumerate(photos):
        refusal = _refusal(photo)
        if refusal:
            answers[index] = PreprocessError(refusal)
        else:
            sizes.setdefault(photo.shape, []).append(index)
    for same in sizes.values():
        for start in range(0, len(same), batch):
            indices = same[start : start + batch]
            answers.update(zip(indices, ask(indices), strict=True))
    return [answers[index] for index in range(len(photos))]


def _refusal(photo: np.ndarray) -> str:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(f"a photo is uint8 (H, W, 3), not {photo.dtype} {photo.shape}")
    height, width = photo.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return f"The photo is {width}x{height} pixels; {LEAST_SIDE} a side are the least that can be looked at."
    if max(height, width) > MOST_ASPECT * min(height, width):
        return f"The photo is {width}x{height} pixels: a strip too narrow to be looked at; cut it to what matters."
    return ""
