"""Spoiled keypoints and DensePose maps."""

import cv2
import numpy as np

from benchmarks.faults.case import Case, Changed, away, derived, moved
from vton.labels import DENSEPOSE_PALETTE, Keypoint
from vton.preprocess.checks.maps import nearest_parts

K = Keypoint
MIRRORED = ((2, 5), (3, 6), (4, 7), (9, 12), (10, 13), (11, 14), (15, 16), (17, 18), (19, 22), (20, 23), (21, 24))


def joints_shifted(case: Case) -> Changed:
    joints = case.own.keypoints.copy()
    joints[joints[:, 2] > 0, :2] += away(case, 0.35, 0.9)
    return derived(case, joints=joints)


def joints_mirrored(case: Case) -> Changed:
    joints = case.own.keypoints.copy()
    joints[joints[:, 2] > 0, 0] = case.size[1] - 1 - joints[joints[:, 2] > 0, 0]
    return derived(case, joints=joints)


def joints_swapped(case: Case) -> Changed:
    joints = case.own.keypoints.copy()
    for one, other in MIRRORED:
        joints[[one, other]] = joints[[other, one]]
    return derived(case, joints=joints)


def joints_missing(case: Case) -> Changed:
    joints = case.own.keypoints.copy()
    needed = [K.NECK, K.RIGHT_SHOULDER, K.LEFT_SHOULDER, K.RIGHT_HIP, K.LEFT_HIP, K.RIGHT_ELBOW, K.LEFT_ELBOW]
    joints[case.rng.choice(needed, case.rng.integers(1, 4), replace=False)] = 0
    return derived(case, joints=joints)


def joint_astray(case: Case) -> Changed:
    joints = case.own.keypoints.copy()
    joint = case.rng.choice([K.RIGHT_ELBOW, K.LEFT_ELBOW, K.RIGHT_WRIST, K.LEFT_WRIST, K.RIGHT_SHOULDER, K.LEFT_SHOULDER])
    joints[joint, :2] += away(case, 0.7, 1.8)
    return derived(case, joints=joints)


def joints_of_another(case: Case) -> Changed | None:
    both = (case.own.keypoints[:, 2] > 0) & (case.other.keypoints[:, 2] > 0)
    apart = np.hypot(*(case.own.keypoints - case.other.keypoints)[both, :2].T)
    return derived(case, joints=case.other.keypoints) if apart.max() > 0.6 * case.shoulders else None


def joints_of_another_size(case: Case) -> Changed:
    return derived(case, joints=case.own.keypoints * [*([case.rng.choice([0.5, 0.75, 1.33, 2])] * 2), 1])


def densepose_shifted(case: Case) -> Changed:
    return {"densepose": moved(case.own.densepose, *away(case, 0.25, 0.8))}


def densepose_mirrored(case: Case) -> Changed:
    return {"densepose": np.ascontiguousarray(case.own.densepose[:, ::-1])}


def densepose_of_another(case: Case) -> Changed | None:
    one, other = (maps.densepose.max(-1) > 20 for maps in (case.own, case.other))
    return {"densepose": case.other.densepose} if (one & other).sum() < 0.85 * (one | other).sum() else None


def densepose_miscoloured(case: Case) -> Changed:
    if case.rng.random() < 0.5:
        return {"densepose": np.ascontiguousarray(case.own.densepose[..., ::-1])}
    values = (nearest_parts(case.own.densepose)[0] * 10).astype(np.uint8)
    colours = cv2.applyColorMap(values, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return {"densepose": np.where(values[..., None] > 0, colours, 0).astype(np.uint8)}


def densepose_cut(case: Case) -> Changed:
    picture = case.own.densepose.copy()
    rows = np.flatnonzero(picture.max((1, 2)) > 20)
    picture[: round(float(np.quantile(rows, case.rng.uniform(0.25, 0.5))))] = DENSEPOSE_PALETTE[0]
    return {"densepose": picture}
