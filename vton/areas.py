"""Where arms, trunk and lower clothes lie in the photo, whether they are seen or not, and where a garment hangs on them."""

import cv2
import numpy as np

from vton.body import ARM, Body
from vton.labels import LOWER_CLOTHES, ParseClass

HAND = 3.0  # where the drawn arm meets the photo's hand: 0 shoulder, 1 elbow, 2 wrist
WAISTBAND = 0.66  # of the length from neck to hips: where lower clothes begin that a top hides
HIPS = 1.3  # how much wider than there they are at the hips
HEM_CUT = 0.5  # of the shoulder width: where a hem is cut off over so much, no more of the torso's cloth hangs beside it


def hang(reach: np.ndarray, mask: np.ndarray, parse: np.ndarray, body: Body, sleeve_ends: tuple[float, float]) -> np.ndarray:
    """Where a garment that reaches over `reach` is laid, bool (H, W): inside of the `mask`, and, where the lower clothes that
    are seen cut off its hem, no lower beside them, but for sleeves."""
    cut_off = reach & ~mask & np.isin(parse, LOWER_CLOTHES)
    columns = cut_off.any(0)
    if columns.sum() < HEM_CUT * body.width:
        return reach & mask
    drop = drop_of(body, parse.shape)
    hem = np.median(np.where(cut_off, drop, np.inf).min(0)[columns])
    return reach & mask & ((drop < hem) | covered_arms(body, parse.shape, sleeve_ends))


def arm_area(body: Body, size: tuple[int, ...], starts: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Both arms as tapering strips from `starts` (0 shoulder, 1 elbow, 2 wrist) to the hand, bool (H, W)."""
    canvas = np.zeros(size, np.uint8)
    for arm, seen, start in zip(body.arms, body.arms_seen, starts, strict=True):
        for place, half in _along(body, arm, start, HAND) if seen else ():
            _disc(canvas, place, half)
    return canvas > 0


def covered_arms(body: Body, size: tuple[int, ...], ends: tuple[float, float]) -> np.ndarray:
    """The arms from the shoulder to `ends`, generously wide, bool (H, W)."""
    canvas = np.zeros(size, np.uint8)
    for arm, end in zip(body.arms, ends, strict=True):
        if end > 0:
            for place, half in _along(body, arm, 0.0, end):
                _disc(canvas, place, 1.7 * half)
    return canvas > 0


def torso_area(body: Body, parse: np.ndarray) -> np.ndarray:
    """Neck, shoulders and trunk down to the hips, bool (H, W)."""
    waist, hips = body.waist_drop, max(body.waist_drop, float(np.dot(body.hips - body.neck, body.down)))
    edge = []
    face = np.flatnonzero((parse == ParseClass.FACE).any(1))
    chin = float(face[-1]) if face.size else body.neck[1] - 0.5 * body.width
    face_columns = np.flatnonzero((parse == ParseClass.FACE).any(0))
    over = float(face_columns.mean()) if face_columns.size else body.neck[0]
    for sign in (-1, 1):
        line = [
            np.array([0.75 * over + 0.25 * body.neck[0] + sign * 0.20 * body.width, chin - 0.1 * body.width]),
            body.neck + np.array([sign * 0.23 * body.width, -0.36 * body.width]),
            body.shoulder_line(sign * 0.36 * body.width),
            body.shoulder_line(sign * 0.5 * body.width),
            body.at(sign * body.chest, 0.35 * body.width),
            body.at(sign * 0.5 * (body.chest + body.waist), 0.6 * waist),
            body.at(sign * body.waist, waist),
            body.at(sign * body.waist * 1.08, hips),
        ]
        edge += line if sign < 0 else line[::-1]
    canvas = np.zeros(parse.shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(np.array(edge)).astype(np.int32)], 1)
    return canvas > 0


def lower_clothes(body: Body, parse: np.ndarray) -> np.ndarray:
    """The lower clothes, bool (H, W): what is seen of them, and what a top hides of them up to the waistband."""
    seen = np.isin(parse, LOWER_CLOTHES)
    if not seen.any():
        return seen
    length = float(np.dot(body.hips - body.neck, body.down))
    hips, narrow = max(length, body.waist_drop), body.waist if body.tucked else body.waist / HIPS
    knots = ((narrow, waistband(body)), (body.waist, hips), (body.waist, hips + 0.2 * length))
    edge = [*(body.at(-half, drop) for half, drop in knots), *(body.at(half, drop) for half, drop in knots[::-1])]
    hidden = np.zeros(parse.shape, np.uint8)
    cv2.fillPoly(hidden, [np.round(np.array(edge)).astype(np.int32)], 1)
    first = np.where(seen.any(0), seen.argmax(0), parse.shape[0])
    return seen | ((hidden > 0) & (np.arange(parse.shape[0])[:, None] < first[None]))


def waistband(body: Body) -> float:
    """How far below the neck the lower clothes begin, be it under a top, in pixels."""
    return min(body.waist_drop, WAISTBAND * float(np.dot(body.hips - body.neck, body.down)))


def drop_of(body: Body, size: tuple[int, ...]) -> np.ndarray:
    """How far each pixel lies below the neck, along the torso, (H, W)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return (columns - body.neck[0]) * body.down[0] + (rows - body.neck[1]) * body.down[1]


def _along(body: Body, arm: np.ndarray, start: float, end: float) -> list[tuple[np.ndarray, float]]:
    """Places down an arm less than a pixel apart, with half its thickness there."""
    knots = [0.0, 1.0, 2.0, HAND]
    shares = np.linspace(start, end, max(8, int(2 * body.width)))
    places = np.column_stack([np.interp(shares, knots, arm[:, i]) for i in (0, 1)])
    halves = np.interp(shares, knots, ARM) * body.width
    return list(zip(places, halves.tolist(), strict=True))


def _disc(canvas: np.ndarray, place: np.ndarray, radius: float) -> None:
    """Set `canvas` to 1 within `radius` of `place` (x, y), to a sixteenth of a pixel: whole pixels have spikes when small."""
    x, y, reach = (round(16 * value) for value in (*place.tolist(), max(0.5, radius)))
    cv2.circle(canvas, (x, y), reach, 1, -1, shift=4)
