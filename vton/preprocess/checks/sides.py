"""Checks of left and right: keypoints, DensePose and parse name each arm, and must name the same."""

from collections.abc import Iterator

import numpy as np

from vton.labels import ParseClass
from vton.preprocess.checks.densepose import LEFT_HAND, LEFT_LOWER, LEFT_UPPER, RIGHT_HAND, RIGHT_LOWER, RIGHT_UPPER
from vton.preprocess.checks.maps import Scene, among, share
from vton.preprocess.checks.outcome import Check, Outcome, percent

P = ParseClass
LEFT, RIGHT = (*LEFT_HAND, *LEFT_UPPER, *LEFT_LOWER), (*RIGHT_HAND, *RIGHT_UPPER, *RIGHT_LOWER)
NEAR = 0.25  # shoulder widths: how thick an arm is taken to be
LEAST_SEEN = 0.003  # of the photo: fewer pixels tell nothing
SWAPPED = "Share of the arms. Drawn at most 8% (folded arms), samples 4%."
SIDES = {
    output: Check(f"{name} left and right", output, 0.2, SWAPPED)
    for output, name in (("keypoints", "keypoints"), ("densepose", "DensePose"), ("parse", "parse"))
}
CHECKS = tuple(SIDES.values())


def check_sides(scene: Scene) -> Iterator[Outcome]:
    """Each pair of maps gives the share of arm pixels on whose side they disagree; a map's score is the least of its
    disagreements, so that the odd one out is blamed."""
    opinions = {name: opinion for name, opinion in _opinions(scene) if opinion is not None}
    apart: dict[str, list[float]] = {name: [] for name in opinions}
    for name, mine in opinions.items():
        for other, theirs in opinions.items():
            told = (mine != 0) & (theirs != 0)
            if other != name and told.mean() > LEAST_SEEN:
                apart[name].append(share(mine != theirs, told))
    for name, scores in apart.items():
        if scores:
            fact = f"{percent(min(scores))} of the arms are on the other side than the other maps say"
            yield SIDES[name].judge(min(scores), fact, "left and right are swapped")


def _opinions(scene: Scene) -> Iterator[tuple[str, np.ndarray | None]]:
    """Of each map where it sees the left arm (1), the right one (-1), neither or both (0); int8 (H, W)."""
    left, right = scene.arm(P.LEFT_ARM, NEAR), scene.arm(P.RIGHT_ARM, NEAR)
    yield "keypoints", None if left is None or right is None else _opinion(left, right)
    yield "densepose", None if scene.parts is None else _opinion(among(scene.parts, LEFT), among(scene.parts, RIGHT))
    yield "parse", None if scene.parse is None else _opinion(scene.parse == P.LEFT_ARM, scene.parse == P.RIGHT_ARM)


def _opinion(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left.astype(np.int8) - right.astype(np.int8)
