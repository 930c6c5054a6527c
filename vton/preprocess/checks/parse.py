"""Checks of the parse: a garment that is there in one piece, sleeves that are no bare arms, one kind of lower clothes."""

from collections.abc import Iterator

import cv2
import numpy as np

from vton.labels import ARMS, GARMENT, ParseClass
from vton.preprocess.checks.densepose import TORSO
from vton.preprocess.checks.maps import Scene, among, count, dilated, eroded, share
from vton.preprocess.checks.outcome import Check, Outcome, percent

P = ParseClass
FOUND = Check(
    "garment found",
    "parse",
    1.0,
    "Least share of a top, 8% of the person, by its share. Drawn at most 0.63, samples at most 0.27.",
)
HOLES = Check("holes in the garment", "parse", 0.01, "Share of the garment. Drawn and samples: 0.")
SLEEVES = Check(
    "sleeves are no bare arms",
    "parse",
    0.15,
    "Share of the bare arms in the garment's colours. Drawn 0, good samples 0; 07445_00, whose sleeves are parsed so, 98%.",
)
BARE = Check(
    "bare arms are no sleeves",
    "parse",
    0.15,
    "Share of the sleeves in the skin's colours. Drawn 7% (98th percentile; one of 107 19%), samples 5%: a beige print.",
)
LOWER = Check(
    "one kind of lower clothes",
    "parse",
    0.02,
    "Share of the lesser class. Drawn and good samples: 0; 08909_00, a skirt with patches of trousers, 11%.",
)
MISSED = Check(
    "person outside the parse",
    "parse",
    0.01,
    "Share of the person, only where the photo's background is plain. Drawn and samples: 0.",
)
ISLANDS = Check("islands", "parse", 0.015, "Share of the person in specks. Drawn at most 0.7% (curls, straps), samples 0.2%.")
CHECKS = (FOUND, HOLES, SLEEVES, BARE, LOWER, MISSED, ISLANDS)
LEAST_GARMENT = 0.08  # of the parsed person
PLAIN, SHOWN = 10.0, 20.0  # Lab: how even a plain background is, and what stands out from it
ENOUGH, UNLIKE = 0.004, 6.0  # of the photo: an area whose colours tell; Lab: another colour for sure
SLEEVE = 0.3  # shoulder widths: how thick a sleeve is taken to be
ISLAND = 0.001  # of the photo


def check_parse(scene: Scene) -> Iterator[Outcome]:
    """Every check of the parse that the item has the maps for."""
    if scene.parse is None:
        return
    parse = scene.parse
    garment = among(parse, GARMENT)
    part = share(garment, parse != 0)
    fact = f"{percent(part)} of the parsed person is a top"
    yield FOUND.judge(LEAST_GARMENT / max(part, 1e-3), fact, "the garment was missed, so it will stay visible")
    shown = _standing_out(scene.lab) if scene.lab is not None else None
    body = shown if scene.parts is None else eroded(scene.parts > 0, 2)
    if body is not None:
        yield _holes(garment, parse, body)
    if shown is not None:
        yield _missed(shown, parse)
    yield _lower(parse)
    yield _islands(parse)
    if scene.lab is not None:
        yield from _skin(scene, scene.lab, parse, garment)


def _holes(garment: np.ndarray, parse: np.ndarray, shown: np.ndarray) -> Outcome:
    """Patches within the garment that the parse calls background although something is `shown` there."""
    closed = np.zeros(garment.shape, np.uint8)
    outlines, _ = cv2.findContours(garment.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(closed, outlines, -1, 1, -1)
    score = count((closed > 0) & (parse == P.BACKGROUND) & shown) / max(count(garment), 1)
    fact = f"{percent(score)} of the garment's area are holes"
    return HOLES.judge(score, fact, "the old garment will show through them")


def _lower(parse: np.ndarray) -> Outcome:
    """The lesser of trousers and skirt, of both: people wear one of them."""
    trousers, skirt = (count(parse == label) for label in (P.PANTS, P.SKIRT))
    score = min(trousers, skirt) / max(trousers + skirt, 1)
    if not score:
        return LOWER.judge(0, "the lower clothes are of one kind", "")
    one, other = ("skirt", "trousers") if trousers > skirt else ("trousers", "skirt")
    fact = f"{percent(score)} of the lower clothes are parsed as {one}, the rest as {other}"
    return LOWER.judge(score, fact, "one of them is wrong, and the seam between them will show")


def _missed(shown: np.ndarray, parse: np.ndarray) -> Outcome:
    """What the photo shows beside the parse, as a share of the parsed person."""
    score = count(eroded(shown, 1) & ~dilated(parse > 0, 3)) / max(count(parse > 0), 1)
    fact = f"the photo shows {percent(score)} more than the parsed person"
    return MISSED.judge(score, fact, "a part of the person was missed, or the parse is of another photo")


def _standing_out(lab: np.ndarray) -> np.ndarray | None:
    """What stands out from the photo's background, bool (H, W); None where that is not plain."""
    quarter = lab.shape[0] // 4
    edge = np.concatenate([lab[0], lab[:quarter, 0], lab[:quarter, -1]])
    background = np.median(edge, 0)
    if np.quantile(np.linalg.norm(edge - background, axis=1), 0.9) > PLAIN:
        return None
    return np.linalg.norm(lab - background, axis=-1) > SHOWN


def _islands(parse: np.ndarray) -> Outcome:
    """Share of the person in patches of a class smaller than ISLAND of the photo."""
    small = 0
    for label in np.unique(parse[parse > 0]):
        _, _, stats, _ = cv2.connectedComponentsWithStats((parse == label).astype(np.uint8), connectivity=8)
        areas = stats[1:, cv2.CC_STAT_AREA]
        small += int(areas[areas < ISLAND * parse.size].sum())
    score = small / max(count(parse), 1)
    return ISLANDS.judge(score, f"{percent(score)} of the parsed person are scattered specks", "the parse is noisy")


def _skin(scene: Scene, lab: np.ndarray, parse: np.ndarray, garment: np.ndarray) -> Iterator[Outcome]:
    """Arms in the garment's colours, and sleeves in the skin's; the skin's are learnt from face, neck and hands."""
    skin = _samples(lab, eroded(parse == P.FACE, 2) | eroded(parse == P.NECK, 2) | eroded(scene.hands, 1), keep=0.7)
    at_arms = _arms(scene, SLEEVE)
    torso = ~at_arms if scene.parts is None else among(scene.parts, TORSO) & ~at_arms
    cloth = _samples(lab, eroded(garment & torso, 3), keep=1.0)
    if skin is None or cloth is None:
        return
    arms, sleeves = eroded(among(parse, ARMS) & ~scene.hands, 1), eroded(garment & at_arms, 1)
    if arms.mean() > ENOUGH:
        score = _mistaken(lab[arms], skin, cloth)
        fact = f"{percent(score)} of what the parse calls bare arms has the garment's colours, not the skin's"
        yield SLEEVES.judge(score, fact, "sleeves were taken for skin and will stay")
    if sleeves.mean() > ENOUGH:
        score = _mistaken(lab[sleeves], cloth, skin)
        fact = f"{percent(score)} of what the parse calls sleeves has the skin's colours, not the garment's"
        yield BARE.judge(score, fact, "bare arms were taken for sleeves")


def _arms(scene: Scene, thickness: float) -> np.ndarray:
    """Where both arms are by their joints, `thickness` shoulder widths thick, bool (H, W)."""
    lines = [line for side in ARMS if (line := scene.arm(side, thickness)) is not None]
    return np.logical_or.reduce([np.zeros(scene.size, bool), *lines])


def _mistaken(pixels: np.ndarray, called: np.ndarray, other: np.ndarray) -> float:
    """Share of colours (n, 3) that are unlike the samples of what they are called, and nearer to the other's."""
    to_called, to_other = _distance(pixels, called), _distance(pixels, other)
    return float(np.mean((to_other < to_called) & (to_called > UNLIKE)))


def _samples(lab: np.ndarray, where: np.ndarray, keep: float) -> np.ndarray | None:
    """At most 150 colours (n, 3) of an area; of them the `keep` nearest to their median. None where there are too few."""
    pixels = lab[where]
    if len(pixels) < 20:
        return None
    pixels = pixels[:: max(1, len(pixels) // 150)]
    away = np.linalg.norm(pixels - np.median(pixels, 0), axis=1)
    return pixels[away <= np.quantile(away, keep)]


def _distance(pixels: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Of each colour (n, 3), of every so many where they are thousands, the distance to the samples, in Lab, but for the
    nearest twentieth of them, which may be another thing's; brightness counts half, since limbs lie in shade."""
    scale = np.array([0.5, 1, 1], np.float32)
    one, other = pixels[:: 1 + len(pixels) // 2000] * scale, samples * scale
    squares = np.square(one).sum(1)[:, None] + np.square(other).sum(1) - 2 * one @ other.T
    few = len(samples) // 20
    return np.sqrt(np.maximum(np.partition(squares, few, axis=1)[:, few], 0))
