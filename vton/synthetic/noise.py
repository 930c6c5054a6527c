"""Faults planted in the maps, as detectors make them: outlines that wander, labels that are confused, joints that are lost.

Only what a detector would give is touched (parse, densepose, keypoints, cloth mask); photos and truth stay exact. A strength is
0 (nothing) to 1 (about as bad as detectors get before a person would throw the result away).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from vton.labels import Keypoint, ParseClass
from vton.synthetic.geometry import Frame, smooth_noise, spread

WANDER = 0.006  # units: deviation of an outline at strength 1
GROWTH = 0.01  # units: the most that a label grows, shrinks or moves at strength 1
JITTER = 0.012  # units: deviation of a joint at strength 1
DENSEPOSE_ARMS = {-1: (3, 16, 18, 20, 22), 1: (4, 15, 17, 19, 21)}  # part ids, hand first
K = Keypoint
LOSABLE = (  # joints that detectors miss; without a shoulder there would be no agnostic
    K.NOSE, K.RIGHT_EYE, K.LEFT_EYE, K.RIGHT_EAR, K.LEFT_EAR, K.RIGHT_ELBOW, K.LEFT_ELBOW, K.RIGHT_WRIST, K.LEFT_WRIST,
    K.MID_HIP, K.RIGHT_HIP, K.LEFT_HIP, K.RIGHT_KNEE, K.LEFT_KNEE,
)  # fmt: skip
SWAPPED_JOINTS = ((K.RIGHT_ELBOW, K.LEFT_ELBOW), (K.RIGHT_WRIST, K.LEFT_WRIST))


@dataclass(frozen=True)
class Noise:
    """The faults of one item: the same generator plants the same ones."""

    strength: float
    rng: np.random.Generator
    frame: Frame

    def happens(self, chance: float) -> bool:
        """By lot, `chance` at strength 1."""
        return bool(self.rng.random() < chance * self.strength)

    def parse(self, parse: np.ndarray, densepose: np.ndarray) -> np.ndarray:
        """`parse` ids (H, W) with faults; `densepose`, exact, says where the arms are below their sleeves."""
        out = parse.copy()
        if self.happens(0.3):
            self._bare_sleeve(out, densepose)
        if self.happens(0.15):
            out = _swap(out, ParseClass.LEFT_ARM, ParseClass.RIGHT_ARM)
        if self.happens(0.2):
            out = _swap(out, ParseClass.PANTS, ParseClass.SKIRT)
        if self.happens(0.25):
            self._patch(out, ParseClass.UPPER, ParseClass.COAT if self.rng.random() < 0.5 else ParseClass.DRESS)
        for label in (ParseClass.UPPER, ParseClass.NECK, ParseClass.HAIR, ParseClass.LEFT_ARM, ParseClass.RIGHT_ARM):
            if self.rng.random() < 0.5:
                out = _relabel(out, label, self._grown(out == label))
        return self._wander(out)

    def densepose(self, parts: np.ndarray) -> np.ndarray:
        """Part ids (H, W) with faults."""
        out = parts.copy()
        if self.happens(0.12):
            for right, left in zip(DENSEPOSE_ARMS[-1], DENSEPOSE_ARMS[1], strict=True):
                out = _swap(out, right, left)
        if self.happens(0.2):
            out[np.isin(out, DENSEPOSE_ARMS[int(self.rng.choice([-1, 1]))][:1])] = 0
        return self._wander(out)

    def keypoints(self, keypoints: np.ndarray) -> np.ndarray:
        """Joints (25, 3) with faults: moved, less sure, some lost (0, 0, 0), arms exchanged now and then."""
        out = keypoints.copy()
        found = out[:, 2] > 0
        limit = np.array([self.frame.width, self.frame.height]) - 1e-3
        moved = out[:, :2] + self.rng.normal(0, JITTER * self.strength * self.frame.unit, (len(out), 2))
        out[:, :2] = np.where(found[:, None], np.clip(moved, 0, limit), 0)
        out[:, 2] *= 1 - 0.5 * self.strength * self.rng.random(len(out))
        if self.happens(0.06):
            for right, left in SWAPPED_JOINTS:
                out[[right, left]] = out[[left, right]]
        for joint in LOSABLE:
            if self.happens(0.08):
                out[joint] = 0
        return out

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """A garment's mask, bool (H, W), grown, shrunk or moved."""
        return self._wander(self._grown(mask).astype(np.uint8)) > 0

    def _grown(self, mask: np.ndarray) -> np.ndarray:
        reach = round(GROWTH * self.strength * self.frame.unit * self.rng.random())
        kind = self.rng.integers(3)
        if kind == 2:
            shift = self.rng.uniform(-1, 1, 2) * GROWTH * self.strength * self.frame.unit
            move = np.array([[1, 0, round(shift[0])], [0, 1, round(shift[1])]], np.float32)
            return cv2.warpAffine(mask.astype(np.uint8), move, mask.shape[::-1], flags=cv2.INTER_NEAREST) > 0
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        return (cv2.dilate if kind else cv2.erode)(mask.astype(np.uint8), kernel) > 0

    def _wander(self, ids: np.ndarray) -> np.ndarray:
        """Every outline displaced by soft hills."""
        x, y = np.meshgrid(np.arange(ids.shape[1], dtype=np.float32), np.arange(ids.shape[0], dtype=np.float32))
        reach = np.float32(WANDER * self.strength * self.frame.unit)
        hills = [smooth_noise(self.rng, self.frame.size, (14, 11)) * reach for _ in range(2)]
        return cv2.remap(ids, x + hills[0], y + hills[1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)

    def _bare_sleeve(self, parse: np.ndarray, densepose: np.ndarray) -> None:
        """The lower part of a sleeve taken for the arm in it."""
        side = int(self.rng.choice([-1, 1]))
        sleeve = (parse == ParseClass.UPPER) & np.isin(densepose, DENSEPOSE_ARMS[side])
        rows = np.flatnonzero(sleeve.any(1))
        if rows.size:
            low = rows[0] + self.rng.uniform(0.3, 0.8) * np.ptp(rows)
            sleeve[: int(low)] = False
            parse[sleeve] = ParseClass.RIGHT_ARM if side < 0 else ParseClass.LEFT_ARM

    def _patch(self, parse: np.ndarray, label: ParseClass, other: ParseClass) -> None:
        """Part of a label taken for another."""
        hills = smooth_noise(self.rng, self.frame.size, (6, 5))
        parse[(parse == label) & (hills > self.rng.uniform(0.9, 1.5))] = other


def _swap(ids: np.ndarray, first: int, second: int) -> np.ndarray:
    return np.where(ids == first, second, np.where(ids == second, first, ids)).astype(ids.dtype)


def _relabel(ids: np.ndarray, label: int, where: np.ndarray) -> np.ndarray:
    """`label` exactly `where`; what it leaves goes to the nearest other label."""
    others = spread(ids[..., None], ids != label)[..., 0]
    return np.where(where, np.uint8(label), others).astype(ids.dtype)
