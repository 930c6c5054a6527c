"""Which of several people in a photo is meant."""

import numpy as np

PERSON_SCORE = 0.5  # from there on a box is rather a person than not; whoever poses for a photo scores above 0.9
NOBODY = "Nobody was found in the photo."
SMALL = 0.1  # of the chosen one's area: smaller people stand in the background and need no remark


def choose(boxes: np.ndarray, size: tuple[int, int]) -> int:
    """The largest and most central of `boxes` (N, 4), x0 y0 x1 y1, N > 0, in a photo of `size` (height, width)."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array([size[1], size[0]]) / 2
    central = 1 - np.hypot(*middle.T) / np.hypot(*size)  # 1 in the photo's middle, 0.5 in its corner
    return int(np.argmax(_areas(boxes) * central))


def remark(boxes: np.ndarray, chosen: int) -> str:
    """What the user should know of the others; nothing where `chosen` is alone."""
    areas = _areas(boxes)
    others = int((areas >= SMALL * areas[chosen]).sum()) - 1
    return f"{others + 1} people are in the photo; the largest and most central one was taken." if others else ""


def _areas(boxes: np.ndarray) -> np.ndarray:
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
