"""Checks of the agnostic area: whether it hides the worn garment, spares the person, and is what was really erased."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from vton.labels import GARMENT, HEAD, ParseClass
from vton.preprocess.agnostic import GREY
from vton.preprocess.checks.maps import Maps, Scene, among, count, dilated, eroded, fitted, share
from vton.preprocess.checks.outcome import Check, Outcome, percent

MEAN = np.full((1, 3), 1 / 3, np.float32)  # of the three colours
BLOCK = 8  # pixels of the photo a side: JPEG's own blocks
FEWEST = 8  # items without which there is no "usual" area

VALUES = Check(
    "mask values",
    "agnostic",
    0.7,
    "Grey pixels (40 to 215) per pixel of outline. Drawn and samples 0, a JPEG of quality 30 0.3, blurred by one pixel 1.0.",
)
AREA = Check("mask area", "agnostic", 1.0, "1 at the edge of 6% to 60% of the photo. Drawn 27-49%, samples 29-51%.")
UNUSUAL = Check(
    "mask area in the split",
    "agnostic",
    5.0,
    "Robust standard deviations from the median of the split. Drawn: at most 3.4.",
)
HIDDEN = Check(
    "worn garment hidden",
    "agnostic",
    0.01,
    "Share of the worn top outside the mask. Drawn 0, the published agnostic sample 0.7%; above that a shape can be seen.",
)
OUTSIDE = Check(
    "agnostic outside the mask",
    "agnostic",
    2.0,
    "Levels of 255, block means, 99.9th percentile. Without loss it is the same picture: 0, and 2 for colour conversion.",
)
OUTSIDE_JPEG = Check(
    "agnostic outside the mask",
    "agnostic",
    8.0,
    "As for PNG. The published JPEG sample has 4.9.",
)
INSIDE = Check(
    "agnostic inside the mask", "agnostic", 8.0, "Levels of 255 from grey. Drawn at most 1; JPEG rings by 5 beside an outline."
)
FACE = Check(
    "face spared", "agnostic", 0.03, "Share of the face. Drawn 0, the published sample 0.2%; the chin may be a pixel off."
)
HAIR = Check(
    "hair spared",
    "agnostic",
    0.25,
    "Share of the hair. Ours 0; the published rule pastes no hair back: 7% of the sample.",
)
HANDS = Check(
    "hands spared",
    "agnostic",
    0.4,
    "Share of both hands. Ours 0; the published rule ends arms in a disc at the wrist: 20% of the sample.",
)
PARSE_AGNOSTIC = Check(
    "parse without the garment",
    "agnostic",
    0.02,
    "Share of the garment left, or of other labels than the parse has. Drawn and published sample: 0.",
)
CHECKS = (VALUES, AREA, UNUSUAL, HIDDEN, OUTSIDE, OUTSIDE_JPEG, INSIDE, FACE, HAIR, HANDS, PARSE_AGNOSTIC)
LEAST, MOST = 0.06, 0.6  # of the photo


def check_masks(maps: Maps, scene: Scene) -> Iterator[Outcome]:
    """Every check of the agnostic area that the item has the maps for."""
    if maps.agnostic_mask is not None:
        yield judge_values(VALUES, maps.agnostic_mask, "the mask")
    if scene.mask is None or scene.area is None:
        return
    yield _area(scene.area)
    if scene.parse is not None:
        yield from _spared(scene, scene.mask, scene.parse)
        yield from _parse_agnostic(maps, scene, scene.parse)
    if maps.agnostic is not None and maps.image is not None:
        yield from _agreement(maps, maps.agnostic, maps.image)


def judge_values(check: Check, values: np.ndarray, name: str) -> Outcome:
    """Pixels that are neither black nor white, per pixel of outline: JPEG leaves a few, blurring or a picture many."""
    soft = count((values > 40) & (values < 215))
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    outline = count(cv2.morphologyEx((values >= 128).astype(np.uint8), cv2.MORPH_GRADIENT, cross))
    fact = f"{percent(soft / values.size)} of {name}'s pixels are neither black nor white"
    return check.judge(soft / max(outline, 1), fact, "it is soft or no mask at all, and its outline is anybody's guess")


def usual_area(areas: Sequence[float]) -> tuple[float, float] | None:
    """Median and robust spread (1.48 MAD, at least 2% of the photo) of a split's mask areas; None for a handful of items."""
    if len(areas) < FEWEST:
        return None
    middle = float(np.median(areas))
    return middle, max(1.48 * float(np.median(np.abs(np.asarray(areas) - middle))), 0.02)


def judge_area(area: float, usual: tuple[float, float]) -> Outcome:
    """A mask's area against its split's, in robust standard deviations."""
    middle, spread = usual
    fact = f"the mask covers {percent(area)} of the photo, others of this split {percent(middle)}"
    return UNUSUAL.judge(abs(area - middle) / spread, fact, "such an odd one out is often a wrong one")


def _area(area: float) -> Outcome:
    score = max(LEAST / max(area, 1e-6), area / MOST)
    wrong = "so little hides no garment" if area < LEAST else "so much leaves too little of the person to keep"
    return AREA.judge(score, f"the mask covers {percent(area)} of the photo", wrong)


def _spared(scene: Scene, mask: np.ndarray, parse: np.ndarray) -> Iterator[Outcome]:
    leak = share(~mask, among(parse, GARMENT))
    yield HIDDEN.judge(leak, f"the mask leaves {percent(leak)} of the worn top visible", "its shape will leak")
    face = share(mask, among(parse, (ParseClass.FACE, ParseClass.SUNGLASSES)))
    yield FACE.judge(face, f"the mask covers {percent(face)} of the face", "another face will be invented there")
    hair = share(mask, among(parse, HEAD) & (parse != ParseClass.FACE))
    yield HAIR.judge(hair, f"the mask covers {percent(hair)} of the hair", "it will be invented anew")
    if scene.hands.mean() > 0.001:
        covered = share(mask, scene.hands)
        yield HANDS.judge(covered, f"the mask covers {percent(covered)} of the hands", "hands are what is invented worst")


def _parse_agnostic(maps: Maps, scene: Scene, parse: np.ndarray) -> Iterator[Outcome]:
    """Share of the worn garment and neck that is left in the agnostic parse."""
    without = fitted(maps.parse_agnostic, scene.size, cv2.INTER_NEAREST)
    if without is not None:
        gone = (*GARMENT, ParseClass.NECK)
        left = share(among(without, gone), among(parse, gone))
        strange = share((without != parse) & (without != 0), parse != 0)
        score = max(left, strange)
        fact = f"{percent(left)} of the garment is left in the agnostic parse and {percent(strange)} is something else there"
        yield PARSE_AGNOSTIC.judge(score, fact, "the network sees the old garment's outline, or another person's")


def _agreement(maps: Maps, agnostic: np.ndarray, image: np.ndarray) -> Iterator[Outcome]:
    """Outside the mask the agnostic is the photo, inside it is grey. Means of blocks are compared, since JPEG changes single
    pixels, and the worst but one in a thousand counts."""
    if agnostic.shape != image.shape:
        return
    apart = cv2.transform(cv2.absdiff(agnostic, image), MEAN)
    greyness = cv2.transform(cv2.absdiff(agnostic, np.full_like(agnostic, GREY)), MEAN)
    if maps.agnostic_mask is not None and maps.agnostic_mask.shape == image.shape[:2]:
        mask = maps.agnostic_mask >= 128
        grey = _worst_block(greyness, eroded(mask, 2))
        fact = f"inside the mask the agnostic image is up to {grey:.0f} of 255 levels from grey"
        yield INSIDE.judge(grey, fact, "what should be erased is still there")
    else:
        mask = greyness <= 8
    worst = _worst_block(apart, ~dilated(mask, 2))
    check = OUTSIDE if maps.lossless else OUTSIDE_JPEG
    fact = f"outside the mask the agnostic image is up to {worst:.0f} of 255 levels from the photo"
    yield check.judge(worst, fact, "it was made from another mask or another photo")


def _worst_block(values: np.ndarray, where: np.ndarray) -> float:
    """The 99.9th percentile of the means of blocks that lie wholly in `where` (H, W); 0 where there are none."""
    height, width = (n // BLOCK for n in values.shape)
    inside, means = (
        cv2.resize(array[: height * BLOCK, : width * BLOCK].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        for array in (where, values)
    )
    whole = means[inside > 0.999]
    return float(np.percentile(whole, 99.9)) if whole.size else 0.0
