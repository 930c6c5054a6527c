"""A garment's mask without any model: for photos on a plain white background, by a threshold. The chain's last resort."""

from collections.abc import Sequence

import cv2
import numpy as np

from vton.errors import PreprocessError

WHITE = 235  # of 255: as dark as the background may be in any channel, on average
TINT = 12  # by how much its channels may differ
NEAR = 10  # of 255: what differs less from the background, and touches the border through its like, is background
BORDER = 0.02  # of the shorter side: where only background is expected
CLEAN = 0.7  # the share of the border that must be background
SPECK = 0.002  # of the picture: smaller pieces are dirt, smaller holes noise
LEAST, MOST = 0.01, 0.95  # of the picture: how much a garment may cover


class WhiteBackground:
    """A ClothMaskDetector for shop photos on white; it refuses other backgrounds."""

    def cloth_mask(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        """As in the protocol."""
        return [_answer(photo) for photo in photos]


def _answer(photo: np.ndarray) -> np.ndarray | PreprocessError:
    try:
        return cut_from_white(photo)
    except PreprocessError as error:
        return error


def cut_from_white(photo: np.ndarray) -> np.ndarray:
    """The mask, bool (h, w), of what stands on white in uint8 (h, w, 3); white cloth stays inside, as it has an outline.

    Raises PreprocessError where the background is not white, or nothing stands out from it.
    """
    edge = max(1, round(BORDER * min(photo.shape[:2])))
    around = np.ones(photo.shape[:2], bool)
    around[edge:-edge, edge:-edge] = False
    rim = photo[around].astype(int)
    background = np.median(rim, axis=0)
    if background.min() < WHITE or np.ptp(background) > TINT:
        raise PreprocessError("The garment's background is not white, so no threshold can cut it out.")
    smooth = cv2.GaussianBlur(photo, (0, 0), max(0.5, min(photo.shape[:2]) / 800)).astype(int)
    near = np.abs(smooth - background).max(2) < NEAR
    if near[around].mean() < CLEAN:
        raise PreprocessError("The garment's background is not plain, so no threshold can cut it out.")
    outside = _touching(near, around)
    mask = _without_specks(~outside)
    if not LEAST < mask.mean() < MOST:
        raise PreprocessError("Nothing stands out from the white background of the garment's photo.")
    return mask


def _touching(near: np.ndarray, around: np.ndarray) -> np.ndarray:
    """The pieces of `near` that reach into the rim."""
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    return np.isin(labels, np.unique(labels[around & near])) & near


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """Without pieces and holes that are smaller than a speck."""
    least = SPECK * mask.size
    for sign in (True, False):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == sign).astype(np.uint8), connectivity=4)
        small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < least)
        mask = np.where(np.isin(labels, small[small > 0]), not sign, mask)
    return mask
