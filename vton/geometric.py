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

from vton.body import ARM, ARMPIT_DROP, NECK_RISE, Body, find_body, sleeve_ends
from vton.conditions import Conditions
from vton.fill import arms_before
from vton.flow import identity_grid, warp
from vton.garment import STATIONS, Garment, Sleeve, find_garment
from vton.images import mask_to_tensor, to_image
from vton.labels import HEAD, ParseClass

COARSE = 8  # the splines are evaluated every so many pixels, and interpolated between
LONG = 0.72  # a sleeve longer than this share of the arm reaches the wrist
# A garment's usual widths between the ends of the shoulders and at the armpits, of its collar, and its length, over a wearer's
# torso; how much each says about its scale across and along: seams vary least, but those of a wide garment lie further out.
SLEEVED = ((0.71, 0.74, 0.39, 1.11), (0.79, 0.13, 0.04, 0.04), (1.23, -0.37, 0.05, 0.09))
SLEEVELESS = ((0.56, 0.72, 0.40, 1.11), (0.30, 0.21, 0.17, 0.32), (0.34, 0.09, 0.14, 0.43))
SPREAD = 0.85  # of the width between the armpits: straps further apart were laid out so for the photo
SHOULDERS = (0.57, 0.43)  # the usual width between the shoulders over the torso's length, and how much it says about the scale
ARM_LENGTH = 0.85  # of the length from neck to hips, at least: a bent arm looks shorter than it is
STRETCH = 0.95  # how much shorter a garment is on the body than laid flat, in proportion to its width
CREASE = 0.34  # of the shoulder width: how far beside the middle a sleeve's crease lies, over the torso's side
SET_IN = 0.70  # of the shoulder width: how far beside the middle the armpit of a sleeve lies
SETTLED = (0.08, 0.12, 0.12)  # of the arm: how soon the outer edge, the middle and the inner edge of a sleeve lie on it
ROOM = 0.08  # of the shoulder width: how far a garment stands off the body and what is worn now
EASE = 1.04  # a garment is a little wider than the body in it


@dataclass(frozen=True)
class Warped:
    """A garment on its way to the body: the flow (1, 2, H, W), the cloth it fetches and where that is garment."""

    flow: Tensor
    cloth: Tensor  # (1, 3, H, W)
    mask: Tensor  # (1, 1, H, W)
    sleeve_ends: tuple[float, float]  # how far each arm is covered: 0 shoulder, 1 elbow, 2 wrist


def by_flow(conditions: Conditions, flow: Tensor, mask: Tensor) -> Warped:
    """The cloth of one pair (N = 1) by a `flow` (1, 2, H, W), worn on the `mask` (1, 1, H, W)."""
    body = find_body(conditions.parse[0].numpy(), conditions.keypoints[0].numpy())
    return Warped(flow, warp(conditions.cloth, flow), mask, sleeve_ends(body, mask[0, 0].numpy() > 0))


def geometric_warp(conditions: Conditions) -> Warped:
    """Warp the cloth of one pair (N = 1) to the size of its photo."""
    cloth, cloth_mask = to_image(conditions.cloth), conditions.cloth_mask[0, 0].numpy() > 0
    garment = find_garment(cloth, cloth_mask)
    parse = conditions.parse[0].numpy()
    body = find_body(parse, conditions.keypoints[0].numpy())
    plan = _Plan.of(garment, body)
    before = arms_before(body, to_image(conditions.image), parse, plan.sleeve_ends)
    places, covered = _fetch(plan, before)
    covered &= ~np.isin(parse, HEAD)
    covered &= _about(parse != ParseClass.BACKGROUND, ROOM * body.width)
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
        length_of_body = float(np.hypot(*(body.hips - body.neck)))
        usual, across, along = SLEEVELESS if garment.sleeves == (None, None) else SLEEVED
        logs = np.log(np.array(usual) / np.maximum(_measures(garment), 1.0))
        shoulders, share = SHOULDERS
        scale = length_of_body * float(np.exp(np.dot(across, logs))) * (body.width / (shoulders * length_of_body)) ** share
        stretch = STRETCH * length_of_body * float(np.exp(np.dot(along, logs))) / scale
        lengths, ends = [], []
        bones = [np.maximum(np.hypot(*np.diff(arm[:3], axis=0).T), 1.0) for arm in body.arms]
        straight = max(*(float(pair.sum()) for pair in bones), ARM_LENGTH * length_of_body)
        for side, sleeve in enumerate(garment.sleeves):
            upper, fore = bones[side]
            share = sleeve.length * scale / straight if sleeve else 0.0
            lengths.append(float((upper + fore) * (1.0 if share > LONG else max(1.2 * share - 0.13, 0.08))))
            ends.append(float(min(lengths[-1] / upper, 1.0) + max(lengths[-1] - upper, 0.0) / fore))
        return cls(garment, body, scale, stretch, (lengths[0], lengths[1]), (ends[0], ends[1]))

    def seam(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Where torso and sleeve meet on the body: at the shoulder and in the armpit."""
        armpit, neck, across = self.torso_side(side)[0], self.body.neck, self.body.across
        aside = float((armpit - neck) @ across)
        return _shoulder(self, side), armpit - across * (aside - np.sign(aside) * min(abs(aside), CREASE * self.body.width))

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
        rows = garment.sides.mean(0)[:, 1]
        drops = -NECK_RISE * body.width + (rows - garment.collar[:, 1].mean()) * self.scale * self.stretch
        return drops


def _fetch(plan: _Plan, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each photo pixel is fetched from in the garment photo (H, W, 2), and which pixels are garment (H, W).

    `before` (H, W) are the arms that hide the torso, and that only sleeves cover.
    """
    garment, body = plan.garment, plan.body
    size = (before.shape[0], before.shape[1])
    rows = np.arange(size[0])[:, None]
    # No garment is worn above the chin or in the air above the shoulders, nor below the waist over the clothes there.
    worn_rows = rows > body.neck[1] - 0.62 * body.width
    if body.tucked:
        worn_rows = worn_rows & (rows < body.at(0, body.waist_drop)[1] + 0.04 * body.width)
    puff = 0.0 if garment.straps else 0.05 * body.width
    worn_rows = worn_rows & (rows > body.silhouette[None] - puff)
    places = _spline(*_torso_points(plan), size)
    covered = _lookup(garment.torso, places) & worn_rows & ~before
    for side in body.back_to_front:
        sleeve = garment.sleeves[side]
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
        target.append(body.shoulder_line(body.turn + _collar_place(plan, side)))
        apart = np.hypot(*(garment.shoulders[side] - collar)) > 0.2 * garment.half_width
        if apart and not garment.straps and garment.shoulders[side, 1] < garment.armpits[side, 1] - 0.4 * garment.half_width:
            source.append(garment.shoulders[side])
            target.append(_shoulder(plan, side))
        source.extend(garment.sides[side])
        target.extend(plan.torso_side(side))
    for row, drop in zip(garment.sides.mean(0)[:, 1], plan.drops(), strict=True):
        source.append(np.array([garment.centre, row]))
        target.append(body.front(drop))
    return np.array(source), np.array(target)


def _height(garment: Garment) -> float:
    """From collar to hem, in pixels of the garment photo."""
    return float(garment.hem[:, 1].mean() - garment.collar[:, 1].mean())


def _measures(garment: Garment) -> tuple[float, float, float, float]:
    """Widths between the shoulders' ends and the armpits, of the collar, and the length, in pixels of the garment photo."""
    chest, shoulders, collar = 2 * garment.half_width, np.ptp(garment.shoulders[:, 0]), np.ptp(garment.collar[:, 0])
    if garment.sleeves == (None, None):
        shoulders, collar = min(shoulders, SPREAD * chest), min(collar, SPREAD * chest)
    return float(shoulders), chest, float(collar), _height(garment)


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
    hanging = float(np.clip(0.95 * natural, 0.85 * waist, 1.45 * waist))
    if not body.tucked:
        return hanging
    gathered = float(np.clip((drop - body.waist_drop) / (0.3 * body.width) + 1, 0, 1))
    return hanging + (waist - hanging) * gathered


def _sleeve_points(plan: _Plan, sleeve: Sleeve, side: int) -> np.ndarray:
    """Outer edge, middle and inner edge of the sleeve on the arm, (3, STATIONS, 2).

    At the seam the sleeve spans from shoulder to armpit; it settles on the arm within `SETTLED` of the arm's length, its outer
    edge sooner than its inner one.
    """
    shoulder, armpit = plan.seam(side)
    bones = np.hypot(*np.diff(plan.body.arms[side][:3], axis=0).T)
    half = np.hypot(*(sleeve.outer - sleeve.inner).T) / 2 * plan.scale
    along = np.linspace(0, plan.sleeve_lengths[side], STATIONS)
    lines = []
    for place, settled in zip((1.0, 0.0, -1.0), SETTLED, strict=True):
        seam = armpit + (shoulder - armpit) * (place + 1) / 2
        share = np.clip(along / max(settled * float(bones.sum()), 1.0), 0, 1)[:, None]
        share = share * share * (3 - 2 * share)
        lines.append(seam + (_beside_arm(plan.body, side, along, half, place) - seam) * share)
    return np.stack(lines)


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
    snug = 1.08 * thickness
    wide = np.clip(0.86 * half, snug, 1.9 * thickness)
    hang = 0.75 * (wide - snug) * (1 - np.clip((along / knots[-1] - 0.15) / 0.55, 0, 1))
    return middle + outward * (outwards * wide - hang)[:, None]


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


def _about(mask: np.ndarray, reach: float) -> np.ndarray:
    """All within `reach` pixels of the mask, bool (H, W)."""
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= reach


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
