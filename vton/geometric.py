"""The warp that needs no training: garment landmarks to body landmarks by thin-plate splines, torso and sleeves apart.

Each part of the garment (torso, two sleeves) has a spline from the photo to the garment photo (Duchon 1977; the transform of
CP-VTON, arXiv 1807.07688, with landmarks in place of a regressor), so a bent or crossed arm carries its sleeve without tearing
the torso. Where parts overlap the sleeve lies on top. The parts become one flow.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from vton.body import ARM, ARMPIT_DROP, Body, find_body
from vton.conditions import Conditions
from vton.fill import arms_before
from vton.flow import identity_grid, warp
from vton.garment import STATIONS, Garment, Sleeve, find_garment, line_length
from vton.images import mask_to_tensor, to_image

COARSE = 8  # the splines are evaluated every so many pixels, and interpolated between
SNAP = 0.80  # a sleeve longer than this share of the arm reaches the wrist
STRETCH = (0.80, 1.30)  # how much shorter or longer than in proportion a garment may become to end at the waist
SET_IN = 0.43  # of the shoulder width: how far beside the middle the armpit of a sleeve lies
EASE = 1.06  # a garment is a little wider than the body in it


@dataclass(frozen=True)
class Warped:
    """A garment on its way to the body: the flow (1, 2, H, W), the cloth it fetches and where that is garment."""

    flow: Tensor
    cloth: Tensor  # (1, 3, H, W)
    mask: Tensor  # (1, 1, H, W)
    sleeve_ends: tuple[float, float]  # how far each arm is covered: 0 shoulder, 1 elbow, 2 wrist


def geometric_warp(conditions: Conditions) -> Warped:
    """Warp the cloth of one pair (N = 1) to the size of its photo."""
    cloth, cloth_mask = to_image(conditions.cloth), conditions.cloth_mask[0, 0].numpy() > 0
    garment = find_garment(cloth, cloth_mask)
    parse = conditions.parse[0].numpy()
    body = find_body(parse, conditions.keypoints[0].numpy())
    plan = _Plan.of(garment, body)
    before = arms_before(body, to_image(conditions.image), parse, plan.sleeve_ends)
    places, covered = _fetch(plan, before)
    height, width = cloth_mask.shape
    grid = torch.from_numpy((places + 0.5) / np.array([width / 2, height / 2]) - 1).float()[None]
    flow = (grid - identity_grid(conditions.size)).permute(0, 3, 1, 2).contiguous()
    return Warped(flow, warp(conditions.cloth, flow), mask_to_tensor(covered), plan.sleeve_ends)


@dataclass(frozen=True)
class _Plan:
    """One garment measured against one body."""

    garment: Garment
    body: Body
    scale: float  # pixels of the photo a pixel of the garment photo
    stretch: float  # vertical scale over horizontal scale
    sleeve_lengths: tuple[float, float]  # pixels of the photo, 0 where there is no sleeve
    sleeve_ends: tuple[float, float]

    @classmethod
    def of(cls, garment: Garment, body: Body) -> "_Plan":
        scale = body.chest * EASE / garment.half_width
        length = float(garment.hem[:, 1].mean() - garment.collar[:, 1].mean()) * scale
        top = body.shoulder_line(0.4 * body.width / 2)[1] - body.neck[1]
        wanted = body.waist_drop + 0.05 * body.width - top
        stretch = float(np.clip(wanted / max(length, 1.0), *STRETCH))
        lengths, ends = [], []
        for side, sleeve in enumerate(garment.sleeves):
            upper, fore = np.maximum(np.hypot(*np.diff(body.arms[side][:3], axis=0).T), 1.0)
            reach = upper + fore
            natural = sleeve.length * scale * np.sqrt(stretch) if sleeve else 0.0
            lengths.append(float(reach * 1.04 if natural > SNAP * reach else natural))
            ends.append(float(min(lengths[-1] / upper, 1.0) + max(lengths[-1] - upper, 0.0) / fore))
        return cls(garment, body, scale, stretch, (lengths[0], lengths[1]), (ends[0], ends[1]))

    def seam(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Where torso and sleeve meet on the body: at the shoulder and in the armpit."""
        return _shoulder(self, side), self.torso_side(side)[0]

    def torso_side(self, side: int) -> np.ndarray:
        """Where the garment's side lies on the body, (n, 2), from armpit to hem."""
        drops = self.drops()
        naturals = np.abs(self.garment.sides[side, :, 0] - self.garment.centre) * self.scale
        halves = [_half_width(self.body, natural, drop) for natural, drop in zip(naturals, drops, strict=True)]
        if self.garment.sleeves[side] is not None:
            halves[0] = min(halves[0], SET_IN * self.body.width)
        return np.array([self.body.at((-1, 1)[side] * half, drop) for half, drop in zip(halves, drops, strict=True)])

    def drops(self) -> np.ndarray:
        """How far below the neck the rows of `garment.sides` lie, (n,), in pixels."""
        garment, body = self.garment, self.body
        over = [body.shoulder_line((point[0] - garment.centre) * self.scale)[1] for point in garment.collar]
        rows = garment.sides.mean(0)[:, 1]
        drops = np.mean(over) - body.neck[1] + (rows - garment.collar[:, 1].mean()) * self.scale * self.stretch
        if garment.sleeves == (None, None):
            return drops
        armpit = 0.5 * (ARMPIT_DROP * body.width + drops[0])  # that of a set-in sleeve sits in the arm's
        return np.interp(drops, [drops[0], drops[-1]], [armpit, drops[-1]])


def _fetch(plan: _Plan, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each photo pixel is fetched from in the garment photo (H, W, 2), and which pixels are garment (H, W).

    `before` (H, W) are the arms that hide the torso, and that only sleeves cover.
    """
    garment, body = plan.garment, plan.body
    size = (before.shape[0], before.shape[1])
    rows = np.arange(size[0])[:, None]
    # No garment is worn above the chin or in the air above the shoulders, nor below the waist over the clothes there.
    worn_rows = (rows > body.neck[1] - 0.62 * body.width) & (rows < body.at(0, body.waist_drop)[1] + 0.12 * body.width)
    puff = 0.0 if garment.straps else 0.05 * body.width
    worn_rows = worn_rows & (rows > body.silhouette[None] - puff)
    places = _spline(*_torso_points(plan), size)
    covered = _lookup(garment.torso, places) & worn_rows & ~before
    for side, sleeve in enumerate(garment.sleeves):
        if sleeve is None:
            continue
        target = _sleeve_points(plan, sleeve, side)
        source = np.stack([sleeve.outer, (sleeve.outer + sleeve.inner) / 2, sleeve.inner])
        sleeve_places = _spline(source.reshape(-1, 2), target.reshape(-1, 2), size)
        here = _lookup(sleeve.area, sleeve_places) & _strip(target, size)
        places[here] = sleeve_places[here]
        gap = _seam_gap(covered | here, plan.seam(side), body.width) & ~here & ~covered
        covered |= here
        places[gap] = places[_nearest_core(covered, gap)]
        covered |= gap
    slit = max(5, round(0.05 * body.width)) | 1
    closed = cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((slit, slit), np.uint8)) > 0
    slits = closed & ~covered & ~before
    places[slits] = places[_nearest_core(covered, slits)]
    return places, covered | slits


def _torso_points(plan: _Plan) -> tuple[np.ndarray, np.ndarray]:
    """Matching points of the torso, garment photo then photo: collar, shoulders, sides, and the middle line."""
    garment, body = plan.garment, plan.body
    source, target = [], []
    for side in (0, 1):
        collar = garment.collar[side]
        source.append(collar)
        target.append(body.shoulder_line(_collar_place(plan, side)))
        apart = np.hypot(*(garment.shoulders[side] - collar)) > 0.2 * garment.half_width
        if apart and not garment.straps and garment.shoulders[side, 1] < garment.armpits[side, 1] - 0.4 * garment.half_width:
            source.append(garment.shoulders[side])
            target.append(_shoulder(plan, side))
        source.extend(garment.sides[side])
        target.extend(plan.torso_side(side))
    for row, drop in zip(garment.sides.mean(0)[:, 1], plan.drops(), strict=True):
        source.append(np.array([garment.centre, row]))
        target.append(body.at(0.0, drop))
    return np.array(source), np.array(target)


def _shoulder(plan: _Plan, side: int) -> np.ndarray:
    """Where the shoulder seam lies: on the shoulder line, not beyond the arm."""
    natural = (plan.garment.shoulders[side, 0] - plan.garment.centre) * plan.scale
    return plan.body.shoulder_line(float(np.clip(natural, -0.56 * plan.body.width, 0.56 * plan.body.width)))


def _collar_place(plan: _Plan, side: int) -> float:
    """How far beside the neck the collar lies; straps that the photo shows spread out come to the middle of the shoulder."""
    natural = (plan.garment.collar[side, 0] - plan.garment.centre) * plan.scale
    most = 0.38 * plan.body.width
    return float(np.clip(natural, -most, most)) if plan.garment.straps else natural


def _half_width(body: Body, natural: float, drop: float) -> float:
    """Half the garment's width `drop` below the neck: its own cut, but no narrower than the body and not much wider."""
    waist = np.interp(drop, [ARMPIT_DROP * body.width, body.waist_drop], [body.chest * EASE, body.waist * EASE])
    return float(np.clip(natural, waist, 1.15 * waist))


def _sleeve_points(plan: _Plan, sleeve: Sleeve, side: int) -> np.ndarray:
    """Outer edge, middle and inner edge of the sleeve on the arm, (3, STATIONS, 2)."""
    shoulder, armpit = plan.seam(side)
    arm = plan.body.arms[side][:3]
    bones = np.maximum(np.hypot(*np.diff(arm, axis=0).T), 1.0)
    reach, unit = float(bones.sum()), plan.scale * np.sqrt(plan.stretch)
    start = float(np.clip((armpit - arm[0]) @ (arm[1] - arm[0]) / bones[0], 0, 0.8 * reach))
    half = np.hypot(*(sleeve.outer - sleeve.inner).T) / 2 * plan.scale
    joint = _beside_arm(plan.body, side, np.zeros(1), half[:1], 1.0)[0]
    outer_end = max(line_length(sleeve.outer) * unit - float(np.hypot(*(joint - shoulder))), 0.2 * start)
    inner_end = start + line_length(sleeve.inner) * unit
    if plan.sleeve_lengths[side] >= reach:
        outer_end = inner_end = plan.sleeve_lengths[side]
    outer = _beside_arm(plan.body, side, np.linspace(0, outer_end, STATIONS), half, 1.0)
    inner = _beside_arm(plan.body, side, np.linspace(start, inner_end, STATIONS), half, -0.85)
    outer[0], inner[0] = shoulder, armpit
    return np.stack([outer, (outer + inner) / 2, inner])


def _beside_arm(body: Body, side: int, along: np.ndarray, half: np.ndarray, outwards: float) -> np.ndarray:
    """Points `along` the arm (n,) in pixels from the shoulder, on its outer (1) or inner (negative) side, (n, 2).

    `half` (n,) is half the sleeve's own width; on the arm it is at least the arm's, and not much more.
    """
    arm = body.arms[side][:3]
    bones = np.maximum(np.hypot(*np.diff(arm, axis=0).T), 1.0)
    knots = np.array([0, bones[0], bones.sum()])
    middle = np.column_stack([np.interp(along, knots, arm[:, i]) for i in (0, 1)])
    straight = np.diff(arm, axis=0) / bones[:, None]
    middle = middle + np.maximum(along - knots[-1], 0)[:, None] * straight[1]
    turn = np.clip((along - bones[0]) / (0.3 * bones[0]) + 0.5, 0, 1)[:, None]
    direction = straight[0] * (1 - turn) + straight[1] * turn
    direction /= np.maximum(np.hypot(*direction.T), 1e-6)[:, None]
    outward = np.column_stack([-direction[:, 1], direction[:, 0]]) * (1 if side == 0 else -1)
    thickness = np.interp(along, knots, np.array(ARM[:3]) * body.width)
    return middle + outward * outwards * np.clip(half, thickness * 1.08, thickness * 1.3)[:, None]


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
    x, y = (np.ascontiguousarray(places[..., i], np.float32) for i in (0, 1))
    fetched = cv2.remap(mask.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return fetched > 0.5


def _strip(target: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The region about a sleeve in which its spline holds: the strip between its edges, a little widened, bool (H, W)."""
    outer, middle, inner = target
    edge = np.concatenate([middle + (outer - middle) * 1.25, (middle + (inner - middle) * 1.25)[::-1]])
    edge[STATIONS - 1 : STATIONS + 1] += 0.15 * (middle[-1] - middle[-2])
    canvas = np.zeros(size, np.uint8)
    cv2.fillPoly(canvas, [np.round(edge).astype(np.int32)], 1)
    return canvas > 0


def _seam_gap(covered: np.ndarray, seam: tuple[np.ndarray, np.ndarray], width: float) -> np.ndarray:
    """Holes along the seam between torso and sleeve, bool (H, W): what closing the garment about the seam would add."""
    near = np.zeros(covered.shape, np.uint8)
    start, end = (tuple(int(v) for v in point) for point in seam)
    cv2.line(near, start, end, 1, max(3, round(0.3 * width)))
    reach = max(3, round(0.18 * width)) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return (cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_CLOSE, disc) > 0) & (near > 0)


def _nearest_core(covered: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of `gap` the nearest covered one that is not at the garment's very edge: rows and columns."""
    core = cv2.erode(covered.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    core = core if core.any() else covered
    _, labels = cv2.distanceTransformWithLabels((~core).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(core)
    home = np.zeros((labels.max() + 1, 2), int)
    home[labels[rows, columns]] = np.column_stack([rows, columns])
    found = home[labels[gap]]
    return found[:, 0], found[:, 1]
