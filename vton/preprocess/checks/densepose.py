"""Checks of DensePose: its colours, and that it shows the body that the parse shows."""

from collections.abc import Iterator

import numpy as np

from vton.labels import ARMS, ParseClass
from vton.preprocess.checks.maps import Scene, among, dilated, share
from vton.preprocess.checks.outcome import Check, Outcome, percent

P = ParseClass
COLOURS = Check(
    "DensePose colours",
    "densepose",
    8.0,
    "Levels of 255, median. Drawn 1, the published sample 1 (its 90th percentile 3.7); the next palette lies 26 away.",
)
OVERLAP = Check(
    "DensePose over the parsed body",
    "densepose",
    0.2,
    "1 - IoU without hair and loose clothes. Drawn at most 0.14 (wide tops), sample 0.05.",
)
PARTS = Check(
    "DensePose parts on the bare skin",
    "densepose",
    0.1,
    "Share of face or of bare arms. Drawn at most 6% (a hand before the trousers), sample 3%.",
)
BEYOND = Check("DensePose beyond the person", "densepose", 0.03, "Share of DensePose. Drawn and sample: 0.")
CHECKS = (COLOURS, OVERLAP, PARTS, BEYOND)

LOOSE = (P.HAIR, P.HAT, P.SKIRT, P.DRESS, P.COAT, P.SCARF, P.SUNGLASSES)  # need not lie on the body
# DensePose's part ids; left and right are the person's own.
TORSO, HEAD = (1, 2), (23, 24)
RIGHT_UPPER, LEFT_UPPER, RIGHT_LOWER, LEFT_LOWER = (16, 18), (15, 17), (20, 22), (19, 21)
RIGHT_HAND, LEFT_HAND, THIGHS = (3,), (4,), (7, 8, 9, 10)
BARE = (((P.FACE,), HEAD), (ARMS, (*RIGHT_UPPER, *LEFT_UPPER, *RIGHT_LOWER, *LEFT_LOWER, *RIGHT_HAND, *LEFT_HAND)))


def check_densepose(scene: Scene) -> Iterator[Outcome]:
    """Every check of DensePose that the item has the maps for."""
    if scene.off_palette is not None:
        fact = f"DensePose's colours are {scene.off_palette:.0f} levels from the palette's"
        yield COLOURS.judge(scene.off_palette, fact, "they are another palette's, or red and blue are swapped")
    if scene.parts is not None and scene.parse is not None:
        yield from _overlap(scene.parts, scene.parse)


def _overlap(parts: np.ndarray, parse: np.ndarray) -> Iterator[Outcome]:
    """How far DensePose and the parsed person cover each other, loose clothes and hair aside, and skin by skin."""
    loose = among(parse, LOOSE)
    body, person = (parts > 0) & ~loose, (parse > 0) & ~loose
    score = 1 - share(body & person, body | person)
    fact = f"DensePose and the parsed body overlap by {percent(1 - score)}"
    yield OVERLAP.judge(score, fact, "one of them is displaced, or shows another person")
    strange = max((share(~dilated(among(parts, there), 3), among(parse, skin)) for skin, there in BARE), default=0.0)
    fact = f"{percent(strange)} of the face or of the bare arms is no such part in DensePose"
    yield PARTS.judge(strange, fact, "it is cut off, displaced, or shows another person")
    beyond = share(~dilated(parse > 0, 3), parts > 0)
    fact = f"{percent(beyond)} of DensePose lies beyond the parsed person"
    yield BEYOND.judge(beyond, fact, "it is displaced, or shows another person")
