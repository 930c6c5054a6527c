"""A clean item to spoil, and what spoiling needs."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vton.errors import PreprocessError
from vton.labels import Keypoint
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse
from vton.preprocess.checks.maps import Maps

K = Keypoint
Changed = dict[str, Any]  # kind -> the spoiled map


@dataclass(frozen=True)
class Case:
    """One clean item and another of the same set, its maps at the photo's size."""

    own: Maps
    other: Maps
    rng: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        return self.own.parse.shape

    @property
    def mask(self) -> np.ndarray:
        return self.own.agnostic_mask >= 128

    @property
    def shoulders(self) -> float:
        return float(np.hypot(*(self.own.keypoints[K.LEFT_SHOULDER] - self.own.keypoints[K.RIGHT_SHOULDER])[:2]))

    def blob(self, where: np.ndarray, share: float) -> np.ndarray:
        """An uneven patch around a random pixel of `where`, of about `share` of its area, bool (H, W)."""
        ys, xs = np.nonzero(where)
        i = self.rng.integers(len(ys))
        radius = np.sqrt(share * len(ys) / np.pi)
        stretch, turn = self.rng.uniform(0.7, 1.4), self.rng.uniform(0, 180)
        axes = max(1, round(radius * stretch)), max(1, round(radius / stretch))
        canvas = np.zeros(self.size, np.uint8)
        cv2.ellipse(canvas, (int(xs[i]), int(ys[i])), axes, turn, 0, 360, 1, -1)
        return (canvas > 0) & where


def derived(case: Case, parse: np.ndarray | None = None, joints: np.ndarray | None = None) -> Changed:
    """A spoiled parse or spoiled keypoints, and what the chain makes of them."""
    changed: Changed = ({"parse": parse} if parse is not None else {}) | ({"keypoints": joints} if joints is not None else {})
    parse = case.own.parse if parse is None else parse
    try:
        mask = agnostic_mask(parse, case.own.keypoints if joints is None else joints)
    except PreprocessError:
        return changed
    return changed | masked(case, mask) | {"parse_agnostic": erase_parse(parse, mask)}


def masked(case: Case, mask: np.ndarray) -> Changed:
    return {"agnostic_mask": mask, "agnostic": erase(case.own.image, mask)}


def disc(by: float) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(by)) + 1,) * 2)


def moved(array: np.ndarray, x: float, y: float) -> np.ndarray:
    """A map shifted by whole pixels, black where nothing comes from."""
    matrix = np.array([[1, 0, round(x)], [0, 1, round(y)]], np.float32)
    return cv2.warpAffine(array, matrix, array.shape[1::-1], flags=cv2.INTER_NEAREST)


def away(case: Case, least: float, most: float) -> np.ndarray:
    """A random step (x, y) in pixels, its length in shoulder widths."""
    angle = case.rng.uniform(0, 2 * np.pi)
    return case.rng.uniform(least, most) * case.shoulders * np.array([np.cos(angle), np.sin(angle)])
