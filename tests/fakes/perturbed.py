"""Wrappers that spoil what a detector answers, for tests of what follows on it."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from vton.errors import PreprocessError

Change = Callable[[np.ndarray, np.ndarray], "np.ndarray | PreprocessError"]  # (photo, answer) -> another answer


class Perturbed:
    """A detector of any protocol whose answers are changed; refusals stay as they are."""

    def __init__(self, detector: Any, *changes: Change) -> None:
        self.detector, self.changes = detector, changes

    def keypoints(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return self._changed(photos, self.detector.keypoints(photos))

    def densepose(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return self._changed(photos, self.detector.densepose(photos))

    def parse(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return self._changed(photos, self.detector.parse(photos))

    def cloth_mask(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return self._changed(photos, self.detector.cloth_mask(photos))

    def _changed(
        self, photos: Sequence[np.ndarray], answers: Sequence[np.ndarray | PreprocessError]
    ) -> list[np.ndarray | PreprocessError]:
        return [self._one(photo, answer) for photo, answer in zip(photos, answers, strict=True)]

    def _one(self, photo: np.ndarray, answer: np.ndarray | PreprocessError) -> np.ndarray | PreprocessError:
        for change in self.changes:
            if not isinstance(answer, PreprocessError):
                answer = change(photo, answer)
        return answer


def shifted(right: int, down: int) -> Change:
    """The whole answer moved by so many pixels: maps are filled with 0, joints move with their scores."""

    def change(photo: np.ndarray, answer: np.ndarray) -> np.ndarray:
        if answer.shape == (25, 3):
            return np.where(answer[:, 2:] > 0, answer + np.array([right, down, 0], answer.dtype), answer)
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
        size = answer.shape[1], answer.shape[0]
        return cv2.warpAffine(answer.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST).astype(answer.dtype)

    return change


def dilated(pixels: int, *labels: int) -> Change:
    """The area of the labels (of a mask: the mask) grown by so many pixels; a negative number shrinks it."""

    def change(photo: np.ndarray, answer: np.ndarray) -> np.ndarray:
        kernel = np.ones((2 * abs(pixels) + 1,) * 2, np.uint8)
        work = cv2.dilate if pixels > 0 else cv2.erode
        changed = answer.copy()
        for label in labels or (1,):
            area = work((answer == label).astype(np.uint8), kernel) > 0
            changed[(answer == label) & ~area] = 0
            changed[area] = label
        return changed

    return change


def swapped(one: int, other: int) -> Change:
    """Two labels of a map, or two joints, exchanged."""

    def change(photo: np.ndarray, answer: np.ndarray) -> np.ndarray:
        changed = answer.copy()
        if answer.shape == (25, 3):
            changed[[one, other]] = answer[[other, one]]
        else:
            changed[answer == one], changed[answer == other] = other, one
        return changed

    return change


def without(*joints: int) -> Change:
    """Joints that were not found."""

    def change(photo: np.ndarray, answer: np.ndarray) -> np.ndarray:
        changed = answer.copy()
        changed[list(joints)] = 0
        return changed

    return change


def refused(sentence: str, when: Callable[[np.ndarray], bool] = lambda photo: True) -> Change:
    """No answer for the photos that `when` says."""

    def change(photo: np.ndarray, answer: np.ndarray) -> np.ndarray | PreprocessError:
        return PreprocessError(sentence) if when(photo) else answer

    return change
