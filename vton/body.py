"""A person's landmarks to hang a garment on: neck, shoulders, armpits, waist and arms, from keypoints and parse.

All points are (x, y) in pixels of the photo; index 0 is the picture's left side (the person's right), 1 its right.
"""

from dataclasses import dataclass

import numpy as np

from vton.errors import PreprocessError
from vton.labels import GARMENT, LOWER_BODY, LOWER_CLOTHES, SKIN, Keypoint, ParseClass
from vton.preprocess.agnostic import HAND_START, hand

K = Keypoint
SIDES = (
    (K.RIGHT_SHOULDER, K.RIGHT_ELBOW, K.RIGHT_WRIST, K.RIGHT_HIP, ParseClass.RIGHT_ARM),
    (K.LEFT_SHOULDER, K.LEFT_ELBOW, K.LEFT_WRIST, K.LEFT_HIP, ParseClass.LEFT_ARM),
)

# Proportions of the shoulder width (between the two shoulder joints), read off upright people in VITON-HD.
SHOULDER_RISE = 0.10  # the top of the shoulder above its joint
NECK_RISE = 0.27  # the shoulder line at the neck above the joints
ARMPIT_DROP = 0.40
ARM = (0.14, 0.12, 0.095, 0.09)  # half the arm's thickness at shoulder, elbow, wrist and where the hand begins
UPPER_ARM, FOREARM, TORSO = 0.85, 0.75, 1.55  # lengths, where joints are missing


@dataclass(frozen=True)
class Body:
    """Landmarks of one person."""

    neck: np.ndarray  # (2,), between the shoulders
    shoulders: np.ndarray  # (2, 2), the joints
    hips: np.ndarray  # (2,), between the hips
    width: float  # between the shoulder joints, in pixels
    across: np.ndarray  # (2,), unit vector from the picture's left shoulder to the right one
    down: np.ndarray  # (2,), unit vector from neck to hips
    chest: float  # half the width at the armpits
    waist: float  # half the width where the lower clothes begin
    waist_drop: float  # from the neck to there, along `down`
    arms: tuple[np.ndarray, np.ndarray]  # (4, 2) each: shoulder, elbow, wrist, where the photo's hand begins
    arms_seen: tuple[bool, bool]  # false for an arm that is behind the back: no hand, and nothing beside the torso
    silhouette: np.ndarray  # (W,), first row of torso, neck or arm in each column, the height where there is none

    def at(self, sideways: float, drop: float) -> np.ndarray:
        """The point `sideways` of the torso's middle and `drop` below the neck, both in pixels."""
        length = max(float(np.dot(self.hips - self.neck, self.down)), 1.0)
        middle = self.neck + (self.hips - self.neck) * (drop / length)
        return middle + self.across * sideways

    def shoulder_line(self, sideways: float) -> np.ndarray:
        """The top of the shoulder, `sideways` of the middle: the silhouette's where it can be trusted."""
        share = abs(sideways) / (self.width / 2)
        rise = np.interp(share, [0.3, 1.0, 1.3], [NECK_RISE, SHOULDER_RISE, 0.0]) * self.width
        point = self.neck + self.across * sideways - np.array([0, rise])
        x = int(np.clip(round(point[0]), 0, len(self.silhouette) - 1))
        seen = self.silhouette[x]
        return np.array([point[0], np.clip(seen, point[1] - 0.06 * self.width, point[1] + 0.08 * self.width)])


def find_body(parse: np.ndarray, keypoints: np.ndarray) -> Body:
    """Landmarks from `parse` ids (H, W) and `keypoints` (25, 3). PreprocessError where a shoulder is missing."""
    seen = keypoints[:, 2] > 0
    if not (seen[K.RIGHT_SHOULDER] and seen[K.LEFT_SHOULDER]):
        raise PreprocessError("No two shoulders were found in the photo; the person must face the camera.")
    order = SIDES if keypoints[K.RIGHT_SHOULDER, 0] <= keypoints[K.LEFT_SHOULDER, 0] else SIDES[::-1]
    shoulders = np.stack([keypoints[side[0], :2] for side in order])
    neck = shoulders.mean(0)
    measured = float(np.hypot(*(shoulders[1] - shoulders[0])))
    hips = [keypoints[side[3], :2] for side in order if seen[side[3]]]
    if len(hips) == 2:
        hip = np.mean(hips, 0)
    else:
        hip = neck + np.array([0, TORSO * max(measured, 0.05 * parse.shape[1])])
    torso = float(np.hypot(*(hip - neck)))
    width = max(measured, 0.3 * torso, 0.05 * parse.shape[1])
    across = (shoulders[1] - shoulders[0]) / max(measured, 1e-6)
    down = (hip - neck) / max(torso, 1e-6)
    upper = np.isin(parse, (*GARMENT, *SKIN))
    silhouette = np.where(upper.any(0), upper.argmax(0), parse.shape[0]).astype(float)
    chest = 0.5 * width
    found = [hand(parse, keypoints, side[4]) for side in order]
    arms = [_arm(keypoints, order[i], width, (-1, 1)[i], found[i]) for i in (0, 1)]
    beside = [
        any(seen[side[j]] and abs(float((keypoints[side[j], :2] - neck) @ across)) > 0.6 * width for j in (1, 2))
        for side in order
    ]
    waist_drop, waist = _waist(parse, neck, hip, down, torso, chest)
    return Body(
        neck=neck,
        shoulders=shoulders,
        hips=hip,
        width=width,
        across=across,
        down=down,
        chest=chest,
        waist=waist,
        waist_drop=waist_drop,
        arms=(arms[0], arms[1]),
        arms_seen=(bool(found[0].any() or beside[0]), bool(found[1].any() or beside[1])),
        silhouette=silhouette,
    )


def _waist(
    parse: np.ndarray, neck: np.ndarray, hip: np.ndarray, down: np.ndarray, torso: float, chest: float
) -> tuple[float, float]:
    """How far below the neck the lower clothes begin, and half their width there; the hips' where none are seen."""
    lower = np.isin(parse, LOWER_BODY)
    columns = np.arange(int(max(0, hip[0] - chest)), int(min(parse.shape[1], hip[0] + chest)))
    columns = columns[lower[:, columns].any(0)] if len(columns) else columns
    if len(columns) < 0.3 * chest:
        return 1.05 * torso, 1.05 * chest
    tops = lower[:, columns].argmax(0)
    start = float(np.median(tops))
    drop = (start - neck[1]) / max(down[1], 0.3)
    if not 0.5 * torso < drop < 1.6 * torso:
        return float(np.clip(drop, 0.6 * torso, 1.4 * torso)), 1.05 * chest
    rows = np.arange(int(start + 0.08 * torso), int(min(parse.shape[0], start + 0.25 * torso)))
    widths = np.isin(parse[rows], LOWER_CLOTHES).sum(1) if len(rows) else np.array([])
    half = float(np.median(widths)) / 2 if len(widths) else 0.0
    return drop, float(np.clip(half, 0.75 * chest, 1.35 * chest))


def _arm(
    keypoints: np.ndarray, side: tuple[Keypoint | ParseClass, ...], width: float, sign: int, seen: np.ndarray
) -> np.ndarray:
    """Shoulder, elbow, wrist and the beginning of the hand, which is where `seen` (H, W) is; missing joints hang down."""
    shoulder = keypoints[side[0], :2]
    elbow = keypoints[side[1], :2]
    if not keypoints[side[1], 2]:
        elbow = shoulder + np.array([0.12 * sign, UPPER_ARM]) * width
    wrist = keypoints[side[2], :2]
    if not keypoints[side[2], 2]:
        upper = elbow - shoulder
        wrist = elbow + upper / max(float(np.hypot(*upper)), 1e-6) * FOREARM * width
    forearm = wrist - elbow
    end = wrist + HAND_START * forearm
    ys, xs = np.nonzero(seen)
    away = np.hypot(xs - wrist[0], ys - wrist[1])
    near = away < 0.9 * max(float(np.hypot(*forearm)), 1.0)
    if near.any():
        first = near & (away <= np.quantile(away[near], 0.15))
        end = np.array([xs[first].mean(), ys[first].mean()])
    return np.stack([shoulder, elbow, wrist, end]).astype(float)
