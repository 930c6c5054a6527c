"""The warp that needs no training: garment landmarks to body landmarks by thin-plate splines, torso and sleeves apart.

Each part of the garment (torso, two sleeves) has a spline from the photo to the garment photo (Duchon 1977; the transform of
CP-VTON, arXiv 1807.07688, with landmarks in place of a regressor), so a bent or crossed arm carries its sleeve without tearing the
torso. Where parts overlap the sleeve lies on top. The parts become one flow.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from vton.body import ARM, ARMPIT_DROP, Body, find_body
from vton.conditions import Conditions
from vton.flow import identity_grid, warp
from vton.garment import STATIONS, Garment, Sleeve, find_garment
from vton.images import mask_to_tensor, to_image

COARSE = 8  # the splines are evaluated every so many pixels, and interpolated between
SNAP = 0.80  # a sleeve longer than this share of the arm reaches the wrist
STRETCH = (0.80, 1.30)  # how much shorter or longer than in proportion a garment may become to end at the waist
EASE = 1.06  # a garment is a little wider than the body in it


@dataclass(frozen=True)
class Warped:
    """A garment on its way to the body: the flow (1, 2, H, W), the cloth it fetches and where that is garment."""

    flow: Tensor
    cloth: Tensor  # (1, 3, H, W)
    mask: Tensor  # (1, 1, H, W)


def geometric_warp(conditions: Conditions) -> Warped:
    """Warp the cloth of one pair (N = 1) to the size of its photo."""
    cloth, cloth_mask = to_image(conditions.cloth), conditions.cloth_mask[0, 0].numpy() > 0
    garment = find_garment(cloth, cloth_mask)
    body = find_body(conditions.parse[0].numpy(), conditions.keypoints[0].numpy())
    places, covered = _fetch(garment, body, conditions.size)
    height, width = cloth_mask.shape
    grid = torch.from_numpy((places + 0.5) / np.array([width / 2, height / 2]) - 1).float()[None]
    flow = (grid - identity_grid(conditions.size)).permute(0, 3, 1, 2).contiguous()
    return Warped(flow, warp(conditions.cloth, flow), mask_to_tensor(covered))


def _fetch(garment: Garment, body: Body, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where each photo pixel is fetched from in the garment photo (H, W, 2), and which pixels are garment (H, W)."""
    scale = body.chest * EASE / garment.half_width
    stretch = _stretch(garment, body, scale)
    places = _spline(*_torso_points(garment, body, scale, stretch), size)
    covered = _lookup(garment.torso, places) & _below_face(garment, body, size)
    for side, sleeve in enumerate(garment.sleeves):
        if sleeve is None:
            continue
        target = _sleeve_points(garment, sleeve, body, side, scale, stretch)
        source = np.stack([sleeve.outer, (sleeve.outer + sleeve.inner) / 2, sleeve.inner])
        sleeve_places = _spline(source.reshape(-1, 2), target.reshape(-1, 2), size)
        here = _lookup(sleeve.area, sleeve_places) & _ribbon(target, size)
        places[here] = sleeve_places[here]
        covered |= here
    return places, cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def _stretch(garment: Garment, body: Body, scale: float) -> float:
    """Vertical scale over horizontal scale, so that the hem meets the waist where the garment's cut allows it."""
    length = float(garment.hem[:, 1].mean() - garment.collar[:, 1].mean()) * scale
    top = body.shoulder_line(0.4 * body.width / 2)[1] - body.neck[1]
    wanted = body.waist_drop + 0.05 * body.width - top
    return float(np.clip(wanted / max(length, 1.0), *STRETCH))


def _torso_points(garment: Garment, body: Body, scale: float, stretch: float) -> tuple[np.ndarray, np.ndarray]:
    """Matching points of the torso, garment photo then photo: collar, shoulders, sides, and the middle line."""
    centre = garment.centre
    source, target = [], []

    def match(point: np.ndarray, place: np.ndarray) -> None:
        source.append(point)
        target.append(place)

    collar_drop = float(np.mean([body.shoulder_line((p[0] - centre) * scale)[1] for p in garment.collar]) - body.neck[1])
    collar_y = float(garment.collar[:, 1].mean())
    rows = garment.sides[0, :, 1]
    drops = collar_drop + (rows - collar_y) * scale * stretch
    armpit = ARMPIT_DROP * body.width
    if garment.sleeves != (None, None):  # the armpit of a set-in sleeve sits in the arm's
        drops = np.interp(drops, [drops[0], drops[-1]], [0.5 * (armpit + drops[0]), drops[-1]])
    for side in (0, 1):
        match(garment.collar[side], body.shoulder_line((garment.collar[side, 0] - centre) * scale))
        shoulder = garment.shoulders[side]
        if np.hypot(*(shoulder - garment.collar[side])) > 0.2 * garment.half_width:
            match(shoulder, _shoulder(garment, body, side, scale))
        for point, drop in zip(garment.sides[side], drops, strict=True):
            natural = (point[0] - centre) * scale
            match(point, body.at(np.sign(natural) * _half_width(body, abs(natural), drop), drop))
    for row, drop in zip(rows, drops, strict=True):
        match(np.array([centre, row]), body.at(0.0, drop))
    return np.array(source), np.array(target)


def _shoulder(garment: Garment, body: Body, side: int, scale: float) -> np.ndarray:
    """Where the shoulder seam lies: on the shoulder line, not beyond the arm."""
    natural = (garment.shoulders[side, 0] - garment.centre) * scale
    sideways = float(np.clip(natural, -0.56 * body.width, 0.56 * body.width))
    return body.shoulder_line(sideways)


def _half_width(body: Body, natural: float, drop: float) -> float:
    """Half the garment's width `drop` below the neck: its own cut, but no narrower than the body and not much wider."""
    waist = np.interp(drop, [ARMPIT_DROP * body.width, body.waist_drop], [body.chest * EASE, body.waist * EASE])
    return float(np.clip(natural, waist, 1.15 * waist))


def _sleeve_points(
    garment: Garment, sleeve: Sleeve, body: Body, side: int, scale: float, stretch: float
) -> np.ndarray:
    """Outer edge, middle and inner edge of the sleeve on the arm, (3, STATIONS, 2)."""
    arm = body.arms[side]
    bones = np.hypot(*np.diff(arm, axis=0).T)
    length = sleeve.length * scale * np.sqrt(stretch)
    reach = float(bones.sum())
    length = reach * 1.02 if length > SNAP * reach else length
    along = np.linspace(0, length, STATIONS)
    knots = np.array([0, bones[0], reach])
    middle = np.column_stack([np.interp(along, knots, arm[:, i]) for i in (0, 1)])
    beyond = np.maximum(along - reach, 0)[:, None]
    middle = middle + beyond * (arm[2] - arm[1]) / max(bones[1], 1e-6)
    bones_direction = np.diff(arm, axis=0) / np.maximum(bones, 1e-6)[:, None]
    turn = np.clip((along - bones[0]) / (0.3 * max(bones[0], 1e-6)) + 0.5, 0, 1)[:, None]
    direction = bones_direction[0] * (1 - turn) + bones_direction[1] * turn
    direction /= np.maximum(np.hypot(*direction.T), 1e-6)[:, None]
    outward = np.column_stack([-direction[:, 1], direction[:, 0]]) * (1 if side == 0 else -1)
    thickness = np.interp(along, knots, np.array(ARM) * body.width)
    cut = np.hypot(*(sleeve.outer - sleeve.inner).T) / 2 * scale
    half = np.clip(cut, thickness * 1.05, thickness * 1.5)[:, None]
    outer, inner = middle + outward * half, middle - outward * half
    armpit = body.at((-1, 1)[side] * body.chest * EASE, ARMPIT_DROP * body.width)
    outer[0], inner[0] = _shoulder(garment, body, side, scale), armpit
    middle[0] = (outer[0] + inner[0]) / 2
    return np.stack([outer, middle, inner])


def _spline(source: np.ndarray, target: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The thin-plate spline that fetches `source` points at `target` points, for every pixel: (H, W, 2)."""
    height, width = size
    y = np.arange(-COARSE // 2, height + COARSE, COARSE) + 0.0
    x = np.arange(-COARSE // 2, width + COARSE, COARSE) + 0.0
    unit = float(max(size))
    spline = RBFInterpolator(target / unit, source, kernel="thin_plate_spline", smoothing=1e-6)
    coarse = spline(np.column_stack([v.ravel() for v in np.meshgrid(x, y)]) / unit).reshape(len(y), len(x), 2)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        coarse.astype(np.float32), (columns - x[0].item()) / COARSE, (rows - y[0].item()) / COARSE, cv2.INTER_CUBIC
    )


def _lookup(mask: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The mask at those places of the garment photo, False outside of it."""
    fetched = cv2.remap(
        mask.astype(np.float32), places.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return fetched > 0.5


def _ribbon(target: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The region about a sleeve in which its spline holds: the strip between its edges, a little widened, bool (H, W)."""
    outer, middle, inner = target
    edge = np.concatenate([middle + (outer - middle) * 1.25, (middle + (inner - middle) * 1.25)[::-1]])
    end = middle[-1] - middle[-2]
    edge[STATIONS - 1 : STATIONS + 1] += 0.15 * end
    canvas = np.zeros(size, np.uint8)
    cv2.fillPoly(canvas, [np.round(edge).astype(np.int32)], 1)
    return canvas > 0


def _below_face(garment: Garment, body: Body, size: tuple[int, int]) -> np.ndarray:
    """Rows that a collar can reach, bool (H, 1): nothing of a garment is worn above the chin."""
    return (np.arange(size[0]) > body.neck[1] - 0.62 * body.width)[:, None]
