"""Checks of the cloth mask: the whole garment, nothing but the garment, in one piece."""

from collections.abc import Iterator

import cv2
import numpy as np

from vton.preprocess.checks.maps import HEIGHT, Maps, count, dilated, eroded, fitted, share
from vton.preprocess.checks.masks import judge_values
from vton.preprocess.checks.outcome import Check, Outcome, percent

VALUES = Check("cloth mask values", "cloth_mask", 0.7, "As for the mask; the samples' JPEG masks have 0.")
AREA = Check("cloth mask area", "cloth_mask", 1.0, "1 at the edge of 5% to 85% of the photo. Drawn 15-36%, samples 36-66%.")
BORDER = Check(
    "cloth mask at the border",
    "cloth_mask",
    0.02,
    "Share of the border. Drawn and published samples: 0; a sample that fills its picture to the edge 7%.",
)
HOLES = Check(
    "holes in the cloth mask",
    "cloth_mask",
    0.013,
    "Share of the mask, holes that show background left out. Drawn at most 0.2%, samples 1.0% (a neck label).",
)
PIECES = Check("cloth mask in one piece", "cloth_mask", 0.02, "Share of the mask. Drawn and samples: 0.")
BACKGROUND = Check(
    "background in the cloth mask", "cloth_mask", 0.015, "Share of the mask. Drawn 0, samples at most 0.1% (white on white)."
)
LEFT_OUT = Check(
    "garment outside the cloth mask", "cloth_mask", 0.02, "Of the mask's area. Drawn 0, samples at most 1.1% (a shadow)."
)
CHECKS = (VALUES, AREA, BORDER, HOLES, PIECES, BACKGROUND, LEFT_OUT)
LEAST, MOST = 0.05, 0.85  # of the photo
SMOOTH, UNLIKE = 3.0, 5.0  # Lab: how far background may differ from itself, and what is surely no background


def check_cloth(maps: Maps) -> Iterator[Outcome]:
    """Every check of the cloth mask that the item has the maps for."""
    if maps.cloth_mask is None:
        return
    yield judge_values(VALUES, maps.cloth_mask, "the cloth mask")
    height, width = (maps.cloth if maps.cloth is not None else maps.cloth_mask).shape[:2]
    size = HEIGHT, max(1, round(HEIGHT * width / height))
    small = fitted(maps.cloth_mask, size)
    assert small is not None
    mask = small >= 128
    area = float(mask.mean())
    wrong = "that is hardly a garment" if area < LEAST else "that is more than a garment"
    yield AREA.judge(max(LEAST / max(area, 1e-6), area / MOST), f"the cloth mask covers {percent(area)} of the photo", wrong)
    yield _border(mask)
    yield _pieces(mask)
    photo = fitted(maps.cloth, size)
    if photo is not None:
        yield from _against_photo(mask, photo)


def _border(mask: np.ndarray) -> Outcome:
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    score = float(edge.mean())
    fact = f"the cloth mask touches {percent(score)} of the picture's border"
    return BORDER.judge(score, fact, "the garment may be cut off there, or background was taken for it")


def _pieces(mask: np.ndarray) -> Outcome:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    score = float(areas[1:].sum() / max(areas.sum(), 1))
    return PIECES.judge(
        score, f"{percent(score)} of the cloth mask lies apart from the garment", "it was cut in pieces, or more was cut out"
    )


def _against_photo(mask: np.ndarray, photo: np.ndarray) -> Iterator[Outcome]:
    """Against what the photo's border shows to be its background."""
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    edge = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    away = np.linalg.norm(lab - np.median(edge, 0), axis=-1)
    background = _reached(away < SMOOTH)
    score = share(background, eroded(mask, 2))
    yield BACKGROUND.judge(
        score, f"{percent(score)} of the cloth mask is background", "its colour will be printed on the garment"
    )
    garment = away > UNLIKE
    outside = count(eroded(garment, 1) & ~dilated(mask, 2)) / max(count(mask), 1)
    yield LEFT_OUT.judge(outside, f"{percent(outside)} of the garment lies outside the cloth mask", "that part will be missing")
    holes = _filled(mask) & ~mask & ~background
    score = count(holes) / max(count(mask), 1)
    yield HOLES.judge(score, f"{percent(score)} of the cloth mask are holes", "skin or the old garment will show through")


def _reached(plain: np.ndarray) -> np.ndarray:
    """The parts of `plain` (H, W) that are connected with the picture's border."""
    _, labels = cv2.connectedComponents(plain.astype(np.uint8), connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, edge[edge > 0])


def _filled(mask: np.ndarray) -> np.ndarray:
    """A mask without its holes."""
    return ~_reached(~mask)
