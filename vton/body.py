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
SHOULDER_RISE = 0.13  # the top of the shoulder above its joint
NECK_RISE = 0.28  # the shoulder line at the neck above the joints
ARMPIT_DROP = 0.40
ARM = (0.155, 0.125, 0.09, 0.085)  # half the arm's thickness at shoulder, elbow, wrist and where the hand begins
FRONT = (
    (-0.1, 0.3, 0.7, 1.2),
    (1.0, 2.1, 2.75, 2.9),
)  # drops, and how far the front's middle lies aside there over the throat's
NOSE = 0.61  # how far the throat's middle moves over how far the nose does, from between the ears
TUCKED = 0.78  # of the length from neck to hips: a waistband lies higher, a top that hangs over it ends lower
UPPER_ARM, FOREARM, TORSO = 0.85, 0.75, 1.55  # lengths, where joints are missing
ALONG_ARM = np.linspace(0.1, 2.0, 39)  # where an arm is looked at: 1 elbow, 2 wrist
COVERED = 0.75  # of an arm up to a place: a sleeve reaches there


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
    tucked: bool  # tops end at the waistband, or seem to: the lower clothes begin above the hips
    turn: float  # how far the throat's middle lies beside the shoulders', in pixels along `across`: the body is turned that way
    arms: tuple[np.ndarray, np.ndarray]  # (4, 2) each: shoulder, elbow, wrist, where the photo's hand begins
    arms_seen: tuple[bool, bool]  # false for an arm that is behind the back: no hand, and nothing beside the torso
    back_to_front: tuple[int, int]  # which arm is drawn first: of crossed arms the one less seen lies behind
    silhouette: np.ndarray  # (W,), first row of torso, neck or arm in each column, the height where there is none

    def at(self, sideways: float, drop: float) -> np.ndarray:
        """The point `sideways` of the torso's middle and `drop` below the neck, both in pixels."""
        length = max(float(np.dot(self.hips - self.neck, self.down)), 1.0)
        middle = self.neck + (self.hips - self.neck) * (drop / length)
        return middle + self.across * sideways

    def front(self, drop: float) -> np.ndarray:
        """The middle of the body's front, `drop` below the neck: on a turned body it lies beside the torso's middle."""
        return self.at(self.turn * float(np.interp(drop / self.width, *FRONT)), drop)

    def shoulder_line(self, sideways: float) -> np.ndarray:
        """The top of the shoulder, `sideways` of the middle: the silhouette's where it can be trusted.

        Hair hides one shoulder more often than both, so the higher silhouette of the two sides counts.
        """
        usual = np.interp(abs(sideways) / (self.width / 2), [0.75, 1.1, 1.4], [NECK_RISE, SHOULDER_RISE, 0.0])
        seen = []
        for mirrored in (sideways, -sideways):
            x, y = self.neck + self.across * mirrored
            seen.append((y - self.silhouette[int(np.clip(round(x), 0, len(self.silhouette) - 1))]) / self.width)
        rise = float(np.clip(max(seen), usual - 0.03, usual + 0.13)) * self.width
        return self.neck + self.across * sideways - np.array([0, rise])


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
        turn=_turn(parse, keypoints, neck, across, down, width),
        tucked=waist_drop < TUCKED * torso,
        arms=(arms[0], arms[1]),
        arms_seen=(bool(found[0].any() or beside[0]), bool(found[1].any() or beside[1])),
        back_to_front=(0, 1) if found[1].sum() >= found[0].sum() else (1, 0),
        silhouette=silhouette,
    )


def sleeve_ends(body: Body, mask: np.ndarray) -> tuple[float, float]:
    """How far a garment on the `mask` (H, W) covers each arm: 0 shoulder, 1 elbow, 2 wrist."""
    ends = []
    for arm in body.arms:
        x, y = (np.interp(ALONG_ARM, [0, 1, 2], arm[:3, i]).round().astype(int) for i in (0, 1))
        inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
        here = inside & mask[np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)]
        so_far = np.cumsum(here) / np.arange(1, len(here) + 1)
        reached = np.flatnonzero(here & (so_far > COVERED))
        ends.append(float(ALONG_ARM[reached[-1]]) if len(reached) else 0.0)
    return ends[0], ends[1]


def _turn(
    parse: np.ndarray, keypoints: np.ndarray, neck: np.ndarray, across: np.ndarray, down: np.ndarray, width: float
) -> float:
    """How far the throat's middle lies beside the shoulders' in a turned body, 0 where face and throat do not agree on it.

    A head turns on its own, and hair hides half a throat: only what both show is taken for the body's turn.
    """
    face = keypoints[[K.NOSE, K.LEFT_EAR, K.RIGHT_EAR]]
    ys, xs = np.nonzero(parse == ParseClass.NECK)
    if not face[:, 2].all() or len(xs) < 20:
        return 0.0
    skin = np.column_stack([xs, ys]) - neck
    low = skin @ down > np.quantile(skin @ down, 0.6)
    throat = float((skin[low] @ across).mean())
    nose = NOSE * float((face[0, :2] - face[1:, :2].mean(0)) @ across)
    if throat * nose <= 0:
        return 0.0
    return float(np.sign(nose) * min(abs(nose), abs(throat), 0.08 * width))


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
