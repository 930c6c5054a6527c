"""Checks of the keypoints: there, on the person, on the limbs that DensePose shows, and in human proportions."""

from collections.abc import Iterator

import cv2
import numpy as np

from vton.labels import Keypoint, ParseClass
from vton.preprocess.checks.densepose import (
    HEAD,
    LEFT_HAND,
    LEFT_LOWER,
    LEFT_UPPER,
    RIGHT_HAND,
    RIGHT_LOWER,
    RIGHT_UPPER,
    THIGHS,
    TORSO,
)
from vton.preprocess.checks.maps import Scene, among
from vton.preprocess.checks.outcome import Check, Outcome

K = Keypoint
PRESENT = Check(
    "keypoints present",
    "keypoints",
    0.0,
    "How many are missing of neck, shoulders, hips, and of arms that DensePose sees. Drawn and samples: 0.",
)
INSIDE = Check(
    "keypoints inside the person",
    "keypoints",
    0.1,
    "Shoulder widths. Drawn and samples: 0; a parse may be off by 4 pixels of 1024, which is 0.02.",
)
ON_LIMBS = Check(
    "keypoints on their limbs",
    "keypoints",
    0.35,
    "Shoulder widths, the worst joint. Drawn at most 0.18, well-placed joints of the sample with DensePose 0.13.",
)
DISPLACED = Check(
    "keypoints in place",
    "keypoints",
    0.12,
    "Shoulder widths, the mean of the joints. Drawn at most 0.04; a step of 0.35 in any direction gives 0.15 and more.",
)
PROPORTIONS = Check(
    "plausible proportions",
    "keypoints",
    1.0,
    "1 at the edge of BONES, which hold every drawn person (at most 0.68) and sample (0.90) with room.",
)
CHECKS = (PRESENT, INSIDE, ON_LIMBS, DISPLACED, PROPORTIONS)

NEEDED = (K.NECK, K.RIGHT_SHOULDER, K.LEFT_SHOULDER, K.RIGHT_HIP, K.LEFT_HIP)
NAMES = {joint: joint.name.lower().replace("_", " ") for joint in K}
# Where a joint lies: every part of DensePose that meets there.
LIMBS: dict[Keypoint, tuple[tuple[int, ...], ...]] = {
    K.NOSE: (HEAD,),
    K.NECK: (TORSO,),
    K.RIGHT_SHOULDER: (RIGHT_UPPER, TORSO),
    K.LEFT_SHOULDER: (LEFT_UPPER, TORSO),
    K.RIGHT_ELBOW: (RIGHT_UPPER, RIGHT_LOWER),
    K.LEFT_ELBOW: (LEFT_UPPER, LEFT_LOWER),
    K.RIGHT_WRIST: (RIGHT_LOWER, RIGHT_HAND),
    K.LEFT_WRIST: (LEFT_LOWER, LEFT_HAND),
    K.RIGHT_HIP: (TORSO, THIGHS),
    K.LEFT_HIP: (TORSO, THIGHS),
}
LEAST_LIMB = 0.001  # of the photo: a limb that is there


def check_keypoints(scene: Scene) -> Iterator[Outcome]:
    """Every check of the keypoints that the item has the maps for."""
    if scene.joints is None:
        return
    yield _present(scene, scene.joints)
    if scene.width:
        yield _proportions(scene.joints)
        if scene.parse is not None:
            yield _inside(scene.joints, scene.parse, scene.width)
        yield from _on_limbs(scene, scene.joints, scene.width)


def _present(scene: Scene, joints: np.ndarray) -> Outcome:
    """How many joints are missing of those that no try-on can do without, and of arms that DensePose sees (without it: that
    is not known, since a hand may be in a pocket or out of the picture)."""
    missing = [joint for joint in NEEDED if not joints[joint, 2]]
    for joint in (K.RIGHT_ELBOW, K.LEFT_ELBOW, K.RIGHT_WRIST, K.LEFT_WRIST):
        if not joints[joint, 2] and scene.parts is not None and all(_seen(scene.parts, limb) for limb in LIMBS[joint]):
            missing.append(joint)
    if not missing:
        return PRESENT.judge(0, "all joints that matter were found", "")
    what = "a joint is missing" if len(missing) == 1 else f"{len(missing)} joints are missing"
    fact = f"{what} ({', '.join(NAMES[joint] for joint in missing)})"
    return PRESENT.judge(len(missing), fact, "the mask is guessed there")


def _seen(parts: np.ndarray, limb: tuple[int, ...]) -> bool:
    return bool(among(parts, limb).mean() > LEAST_LIMB)


def _inside(joints: np.ndarray, parse: np.ndarray, width: float) -> Outcome:
    """The joint that is farthest from the parsed person, in shoulder widths."""
    away = cv2.distanceTransform((parse == 0).astype(np.uint8), cv2.DIST_L2, 3)
    found = {joint: _at(away, joints[joint]) for joint in LIMBS if joints[joint, 2]}
    worst = max(found, key=lambda joint: found[joint]) if found else K.NECK
    score = found.get(worst, 0.0) / width
    if not score:
        return INSIDE.judge(0, "all joints lie on the person", "")
    fact = f"the {NAMES[worst]} lies {score:.2f} shoulder widths outside the person"
    return INSIDE.judge(score, fact, "the mask will be drawn where nobody is")


def _at(values: np.ndarray, joint: np.ndarray) -> float:
    """The value at a joint's pixel; beyond the frame, that of its edge and the way there."""
    height, width = values.shape
    x, y = np.clip(joint[0], 0, width - 1), np.clip(joint[1], 0, height - 1)
    return float(values[int(y), int(x)]) + float(np.hypot(joint[0] - x, joint[1] - y))


def _on_limbs(scene: Scene, joints: np.ndarray, width: float) -> Iterator[Outcome]:
    """How far joints are from where their limbs meet in DensePose, or the nose from the parsed face; shoulder widths."""
    found: dict[Keypoint, float] = {}
    if scene.parts is not None:
        places = {limb: _places(among(scene.parts, limb)) for limb in {limb for limbs in LIMBS.values() for limb in limbs}}
        for joint, limbs in LIMBS.items():
            if joints[joint, 2] and all(len(places[limb]) > LEAST_LIMB * scene.parts.size for limb in limbs):
                found[joint] = max(_to(places[limb], joints[joint]) for limb in limbs) / width
    elif scene.parse is not None and joints[K.NOSE, 2] and (scene.parse == ParseClass.FACE).any():
        found[K.NOSE] = _to(_places(scene.parse == ParseClass.FACE), joints[K.NOSE]) / width
    if not found:
        return
    worst = max(found, key=lambda joint: found[joint])
    fact = f"the {NAMES[worst]} lies {found[worst]:.2f} shoulder widths from its limb"
    yield ON_LIMBS.judge(found[worst], fact, "keypoints and body do not show the same pose")
    if scene.parts is not None:
        mean = float(np.mean(list(found.values())))
        fact = f"on average the joints lie {mean:.2f} shoulder widths from their limbs"
        yield DISPLACED.judge(mean, fact, "they are displaced, or of another photo")


def _places(area: np.ndarray) -> np.ndarray:
    """The middles (n, 2) of an area's pixels, x before y."""
    found = cv2.findNonZero(area.astype(np.uint8))
    return np.zeros((0, 2)) if found is None else found.reshape(-1, 2) + 0.5


def _to(places: np.ndarray, joint: np.ndarray) -> float:
    """Pixels from a joint to the nearest of `places`; 0 on it."""
    away = float(np.sqrt(np.square(places - joint[:2]).sum(1).min()))
    return away if away > 1 else 0.0


# Lengths as shares of the torso (neck to between the hips): least and most of people who stand before the camera.
BONES: tuple[tuple[str, Keypoint, Keypoint, float, float], ...] = (
    ("shoulders' width", K.RIGHT_SHOULDER, K.LEFT_SHOULDER, 0.3, 1.0),
    ("right shoulder's distance from the neck", K.NECK, K.RIGHT_SHOULDER, 0.12, 0.5),
    ("left shoulder's distance from the neck", K.NECK, K.LEFT_SHOULDER, 0.12, 0.5),
    ("hips' width", K.RIGHT_HIP, K.LEFT_HIP, 0.12, 0.8),
    ("right upper arm", K.RIGHT_SHOULDER, K.RIGHT_ELBOW, 0.15, 0.85),
    ("left upper arm", K.LEFT_SHOULDER, K.LEFT_ELBOW, 0.15, 0.85),
    ("right forearm", K.RIGHT_ELBOW, K.RIGHT_WRIST, 0.1, 1.0),
    ("left forearm", K.LEFT_ELBOW, K.LEFT_WRIST, 0.1, 1.0),
    ("head's height over the neck", K.NECK, K.NOSE, 0.2, 0.7),
)


def _proportions(joints: np.ndarray) -> Outcome:
    """The bone that is farthest beyond its range (1 is at its edge), or a body that is upside down."""
    seen = joints[:, 2] > 0
    hips = [joints[i, :2] for i in (K.RIGHT_HIP, K.LEFT_HIP) if seen[i]]
    if not (seen[K.NECK] and hips):
        return PROPORTIONS.judge(0.0, "too few joints to tell the proportions", "")
    down = np.mean(hips, 0) - joints[K.NECK, :2]
    torso = max(float(np.hypot(*down)), 1e-3)
    found = []
    for name, start, end, least, most in BONES:
        if seen[start] and seen[end]:
            length = float(np.hypot(*(joints[end] - joints[start])[:2])) / torso
            found.append((max(least / max(length, 1e-3), length / most), f"the {name} is {length:.2f} torso lengths"))
    if seen[K.NOSE] and float((joints[K.NOSE, :2] - joints[K.NECK, :2]) @ down) > 0:
        found.append((10.0, "the nose is below the neck"))
    score, fact = max(found, default=(0.0, "too few joints to tell the proportions"))
    return PROPORTIONS.judge(score, fact, "no body is built so")
