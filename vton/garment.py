"""A garment photo's landmarks, from its mask: collar, shoulders, armpits, hem, and the sleeves' edges.

All points are (x, y) in pixels of the garment photo; index 0 is the picture's left side, 1 its right.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vton.errors import DataError
from vton.neckline import find_inside

WORK = 512  # height at which the outline is read
STATIONS = 5  # along a sleeve, from shoulder to cuff
BENT = 7  # degrees by which a shoulder line turns down into a sleeve, at least
SEAM, SEAM_VARIES = (
    0.92,
    0.2,
)  # how far beside the middle the shoulder's seam lies, over the armpit's distance, and how it varies
OPENING = 1.2  # a sleeve where it is sewn in, over half the width of the chest, at least
DEEPEST, USUAL = 0.54, 0.50  # how far below the top an armpit lies, over the chest's width


@dataclass(frozen=True)
class Sleeve:
    """The edges of one sleeve at stations from the shoulder seam to the cuff, (STATIONS, 2) each, and where it lies."""

    outer: np.ndarray
    inner: np.ndarray
    area: np.ndarray  # bool (h, w)

    @property
    def length(self) -> float:
        """Along the middle, in pixels."""
        return line_length((self.outer + self.inner) / 2)


@dataclass(frozen=True)
class Garment:
    """Landmarks of one garment."""

    collar: np.ndarray  # (2, 2): where the collar meets the shoulder line
    shoulders: np.ndarray  # (2, 2)
    armpits: np.ndarray  # (2, 2)
    hem: np.ndarray  # (2, 2)
    sides: np.ndarray  # (2, n, 2): down each side from armpit to hem
    sleeves: tuple[Sleeve | None, Sleeve | None]
    torso: np.ndarray  # bool (h, w): the garment without its sleeves and without the inside of its back
    straps: bool  # it hangs by straps

    @property
    def centre(self) -> float:
        """x of the middle."""
        return float(self.armpits[:, 0].mean())

    @property
    def half_width(self) -> float:
        """Half the chest's width at the armpits, in pixels."""
        return float(np.diff(self.armpits[:, 0])[0]) / 2


def find_garment(cloth: np.ndarray, mask: np.ndarray) -> Garment:
    """Landmarks of an upright garment from its photo `cloth` uint8 (h, w, 3) and its mask bool (h, w)."""
    scale = WORK / mask.shape[0]
    size = (max(1, round(mask.shape[1] * scale)), WORK)
    small = _largest(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA))
    rows = np.flatnonzero(small.any(1))
    if small.sum() < 0.01 * small.size or len(rows) < WORK // 10:
        raise DataError("The garment's mask is empty or tiny; make the cloth mask again.")
    flipped = small[:, ::-1]
    centre = _centre(small)
    halves = [_half(small, centre), _half(flipped, small.shape[1] - 1 - centre)]
    pits = _agree([half.armpit for half in halves], [half.outer for half in halves], small)
    pits = [_behind_sleeve(half, pit) for half, pit in zip(halves, pits, strict=True)]
    sides = [_side(half, pit) for half, pit in zip(halves, pits, strict=True)]
    width = small.shape[1]
    full = mask.astype(bool)

    def unflip(points: np.ndarray, side: int) -> np.ndarray:
        points = np.asarray(points, float)
        if side:
            points = points * [-1, 1] + [width - 1, 0]
        return (points + 0.5) / scale - 0.5

    sleeves: list[Sleeve | None] = []
    for side, found in enumerate(sides):
        if found.sleeve is None:
            sleeves.append(None)
            continue
        outer, inner, area = found.sleeve
        area = (area[:, ::-1] if side else area).astype(np.uint8)
        area = cv2.resize(area, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR) > 0
        sleeves.append(Sleeve(unflip(outer, side), unflip(inner, side), area & full))
    if sleeves.count(None) == 1:  # what sticks out on one side only is no sleeve
        sleeves = [None, None]
    collar = np.stack([unflip(found.collar, side) for side, found in enumerate(sides)])
    armpits = np.stack([unflip(found.armpit, side) for side, found in enumerate(sides)])
    usual = _without_hanger(collar, armpits, full)
    inside = find_inside(cloth, full, usual)
    if usual is not collar:
        inside |= _above(usual, full.shape)
    sleeves, torso = _parts(full, sleeves, armpits)
    return Garment(
        collar=usual,
        shoulders=np.stack([unflip(found.shoulder, side) for side, found in enumerate(sides)]),
        armpits=armpits,
        hem=np.stack([unflip(found.edge[-1], side) for side, found in enumerate(sides)]),
        sides=np.stack([unflip(found.edge, side) for side, found in enumerate(sides)]),
        sleeves=(sleeves[0], sleeves[1]),
        torso=torso & ~inside,
        straps=sleeves == [None, None] and _hangs_by_straps(full, usual, armpits),
    )


@dataclass(frozen=True)
class _Half:
    """The left half of a mask: per row its outer edge and the first gap between sleeve and torso (-1 where none)."""

    mask: np.ndarray
    centre: int
    outer: np.ndarray  # (h,), x of the outermost garment pixel left of the centre, the centre where there is none
    gap: np.ndarray  # (h, 2): first and last x of the background inside that row, -1 where none
    hem: int  # last row of the torso near the centre
    armpit: np.ndarray | None


@dataclass(frozen=True)
class _Side:
    collar: np.ndarray
    shoulder: np.ndarray
    armpit: np.ndarray
    edge: np.ndarray
    sleeve: tuple[np.ndarray, np.ndarray, np.ndarray] | None


def _largest(mask: np.ndarray) -> np.ndarray:
    opened = cv2.morphologyEx((mask > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return opened > 0
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _centre(mask: np.ndarray) -> int:
    """The column about which the garment is most symmetric, near the middle of its box."""
    columns = np.flatnonzero(mask.any(0))
    middle, reach = (columns[0] + columns[-1]) // 2, max(1, len(columns) // 10)

    def overlap(x: int) -> int:
        n = min(x, mask.shape[1] - 1 - x)
        return int((mask[:, x - n : x] & mask[:, x + n : x : -1]).sum())

    return max(range(middle - reach, middle + reach + 1), key=overlap)


def _half(mask: np.ndarray, centre: int) -> _Half:
    height = mask.shape[0]
    left = mask[:, : centre + 1]
    outer = np.where(left.any(1), left.argmax(1), centre)
    near = mask[:, max(0, centre - mask.shape[1] // 40) : centre + 1].mean(1) > 0.5
    torso_rows = np.flatnonzero(near)
    hem = int(torso_rows[-1])
    top = int(np.flatnonzero(left.any(1))[0])
    gap = _gaps(left, outer, hem, round(0.04 * (hem - top)))
    rows = np.flatnonzero(gap[:, 0] >= 0)
    armpit = _first_gap(gap, rows[(rows > top + 0.2 * (hem - top)) & (rows < hem)], height)
    if armpit is None:
        armpit = _corner(outer, top, hem)
    return _Half(mask, centre, outer, gap, hem, armpit)


def _gaps(left: np.ndarray, outer: np.ndarray, hem: int, slack: int) -> np.ndarray:
    """Per row the background between sleeve and torso, (h, 2).

    Beside the torso, garment must follow on both sides of it, so that a neckline is none; rows about the hem are left out,
    since a wavy hem has bays of its own; below it all that is left are sleeves.
    """
    height, width = left.shape
    gap = np.full((height, 2), -1)
    for y in np.flatnonzero(left.any(1)):
        inside = np.flatnonzero(~left[y, outer[y] :])
        if inside.size and abs(y - hem) > slack:
            start = outer[y] + inside[0]
            rest = np.flatnonzero(left[y, start:])
            if y > hem:
                gap[y] = start, width - 1
            elif rest.size > 1 and rest[0] > 1:
                gap[y] = start, start + rest[0] - 1
    return gap


def _first_gap(gap: np.ndarray, rows: np.ndarray, height: int) -> np.ndarray | None:
    """Where a run of at least 1.5% of the height of gap rows begins."""
    need = max(4, round(0.015 * height))
    for y in rows:
        if (gap[y : y + need, 0] >= 0).all():
            return np.array([gap[y].mean(), y], float)
    return None


def _corner(outer: np.ndarray, top: int, hem: int) -> np.ndarray | None:
    """The deepest point of the outline between the sleeve's tip and the hem; None where the outline has no such bay."""
    upper = np.arange(top, top + max(2, round(0.6 * (hem - top))))
    tip = int(upper[np.argmin(outer[upper])])
    if hem - tip < 8:
        return None
    below = np.arange(tip, hem + 1)
    foot = int(below[-max(2, len(below) // 20)])
    chord = outer[tip] + (outer[foot] - outer[tip]) * (below - tip) / max(foot - tip, 1)
    depth = (outer[below] - chord)[: foot - tip]
    deepest = int(np.argmax(depth))
    width = 2 * (np.median(outer.max()) - np.median(outer[below]))
    # The armpit is where the sleeve's underside has just ended: the first row that is nearly as deep as the deepest.
    first = int(np.flatnonzero(depth >= 0.85 * depth[deepest])[0])
    if depth[deepest] < 0.05 * width or tip + first < top + 0.18 * (hem - top):
        return None
    return np.array([outer[tip + first], tip + first], float)


def _agree(pits: list[np.ndarray | None], outers: list[np.ndarray], mask: np.ndarray) -> list[np.ndarray | None]:
    """An armpit found on one side only stands for the other too, where that side reaches as far out."""
    known = [pit for pit in pits if pit is not None]
    if len(known) != 1:
        return pits
    y = int(known[0][1])
    reach = [float(outer.max() - outer[max(0, y - mask.shape[0] // 12) : y + 1].min()) for outer in outers]
    alike = abs(reach[0] - reach[1]) < 0.2 * max(reach)
    return [known[0].copy() if pit is None and alike else pit for pit in pits]


def _behind_sleeve(half: _Half, pit: np.ndarray | None) -> np.ndarray | None:
    """A pit deeper than any armpit is where a sleeve that lies against the torso leaves it: take the armpit's usual place."""
    if pit is None:
        return None
    top = int(np.flatnonzero(half.mask.any(1))[0])
    inner = _torso_edge(half, round(pit[1]))
    width = 2 * (half.centre - inner)
    sleeved = half.outer[half.mask.any(1)].min() < inner - 0.1 * width
    return np.array([inner, top + USUAL * width]) if sleeved and pit[1] - top > DEEPEST * width else pit


def _side(half: _Half, pit: np.ndarray | None) -> _Side:
    """Landmarks of the left half in the working picture."""
    mask, centre = half.mask, half.centre
    top_of = np.where(mask.any(0), mask.argmax(0), mask.shape[0])
    top = int(np.flatnonzero(mask.any(1))[0])
    length = half.hem - top
    sleeve = None
    if pit is not None:
        armpit, shoulder = pit, _shoulder(half, top_of, pit)
        sleeve = _trace(_sleeve_area(half, shoulder, armpit), shoulder, armpit, OPENING * (centre - armpit[0]))
    if sleeve is None:
        reach = np.flatnonzero(top_of[: centre + 1] < top + 0.2 * length)
        tip = int(min(reach[0] + 2, centre))
        shoulder = np.array([tip, top_of[tip]], float)
        armpit = _armhole_end(half, shoulder, length)
    collar = _collar(top_of, centre, shoulder, armpit, length)
    rows = np.linspace(armpit[1], half.hem - max(2, 0.01 * length), 6)
    xs = [armpit[0]] + [_torso_edge(half, round(y)) for y in rows[1:]]
    return _Side(collar, shoulder, armpit, np.column_stack([xs, rows]), sleeve)


def _armhole_end(half: _Half, shoulder: np.ndarray, length: int) -> np.ndarray:
    """Where the armhole of a top without sleeves ends: the outline's furthest place outside the line from the shoulder to the
    side at half the length."""
    rows = np.arange(int(shoulder[1]), max(int(shoulder[1]) + 2, half.hem - length // 2))
    edge = half.outer[rows]
    outside = np.linspace(edge[0], edge[-1], len(rows)) - edge
    outside[rows < shoulder[1] + 0.15 * length] = 0
    y = int(rows[np.argmax(outside)]) if outside.max() > 0.02 * length else int(shoulder[1] + 0.3 * length)
    return np.array([half.outer[y], y], float)


def _shoulder(half: _Half, top_of: np.ndarray, armpit: np.ndarray) -> np.ndarray:
    """Where the shoulder line turns down into the sleeve; above the armpit where it runs on without a corner."""
    half_width = half.centre - armpit[0]
    columns = np.arange(int(half.outer[half.mask.any(1)].min()), int(half.centre - 0.3 * half_width))
    columns = columns[top_of[columns] < armpit[1]]
    start = int(np.argmin(top_of[columns])) - max(2, round(0.04 * half_width)) if len(columns) else 0
    if start >= 8:  # outwards, from beside the collar
        line = np.column_stack([columns, top_of[columns]])[start::-1].astype(float)
        found = _knee(line, np.abs((half.centre - line[:, 0]) / half_width - SEAM) < SEAM_VARIES)
        if found is not None and found[1] > BENT:
            return found[0]
    above = int(half.centre - SEAM * half_width)
    return np.array([above, top_of[above]], float)


def _knee(line: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Of the places `where` (n,) is true, the one at which a line of points (n, 2) is best cut into two straight ones, and by
    how many degrees it turns there towards the bottom of the picture; None where there is no place."""
    best: tuple[float, int] | None = None
    for cut in np.flatnonzero(where[3:-3]) + 3:
        error = 0.0
        for part in (line[: cut + 1], line[cut:]):
            along = part[-1] - part[0]
            across = (part - part[0]) @ np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
            error += float(across @ across)
        if best is None or error < best[0]:
            best = error, int(cut)
    if best is None:
        return None
    knee = line[best[1]]
    falls = [np.degrees(np.arctan2(b[1] - a[1], abs(b[0] - a[0]))) for a, b in ((line[0], knee), (knee, line[-1]))]
    return knee, float(falls[1] - falls[0])


def _torso_edge(half: _Half, y: int) -> float:
    """x of the torso's outer edge in row y: behind the gap where there is one."""
    return float(half.gap[y, 1] + 1 if half.gap[y, 0] >= 0 else half.outer[y])


def _collar(top_of: np.ndarray, centre: int, shoulder: np.ndarray, armpit: np.ndarray, length: int) -> np.ndarray:
    """Where the collar meets the shoulder line: the highest place beside the middle, below a standing collar."""
    start = int(shoulder[0])
    span = np.arange(start, centre)
    if len(span) < 4:
        return shoulder
    tops = top_of[span]
    high = int(np.flatnonzero(tops <= tops.min() + max(2, 0.012 * length))[0])
    x = int(span[high])
    slope = span[len(span) // 10 : max(len(span) // 10 + 2, round(0.45 * high) if high > 8 else 2)]
    y = float(top_of[x])
    near_neck = centre - x < 0.6 * (centre - armpit[0])
    if near_neck and high > 8 and len(slope) > 2:
        line = np.polyfit(slope, top_of[slope], 1)
        along = float(np.polyval(line, x))
        if along - y > 0.035 * length:  # a standing collar rises steeply out of the shoulder line
            y = along
    return np.array([x, y], float)


def _without_hanger(collar: np.ndarray, armpits: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A collar much narrower than any neck is a hanger's hook or a label: take the outline where collars usually are."""
    half = float(np.diff(armpits[:, 0])[0]) / 2
    if collar[1, 0] - collar[0, 0] > 0.5 * half:
        return collar
    x = np.clip(armpits[:, 0].mean() + np.array([-0.42, 0.42]) * half, 0, mask.shape[1] - 1)
    return np.column_stack([x, mask.argmax(0)[np.round(x).astype(int)]]).astype(float)


def _above(collar: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """All rows above the line through both collar points, bool (H, W)."""
    line = np.interp(np.arange(size[1]), collar[:, 0], collar[:, 1])
    return np.arange(size[0])[:, None] < line[None]


def _hangs_by_straps(mask: np.ndarray, collar: np.ndarray, armpits: np.ndarray) -> bool:
    """Whether little of the garment is left a little below its highest points."""
    row = round(float(collar[:, 1].mean() + 0.25 * (armpits[:, 1].mean() - collar[:, 1].mean())))
    return bool(mask[row].sum() < 0.35 * np.diff(armpits[:, 0])[0])


def _parts(mask: np.ndarray, sleeves: list[Sleeve | None], armpits: np.ndarray) -> tuple[list[Sleeve | None], np.ndarray]:
    """The sleeves and the torso; scraps that the tracing left beside a sleeve go to it."""
    rest = mask.copy()
    for sleeve in sleeves:
        if sleeve is not None:
            rest &= ~sleeve.area
    _, labels, stats, middles = cv2.connectedComponentsWithStats(rest.astype(np.uint8))
    if len(stats) < 2:
        return sleeves, rest
    main = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    torso = rest.copy()
    grown = list(sleeves)
    for label in range(1, len(stats)):
        side = 0 if middles[label][0] < armpits[:, 0].mean() else 1
        outside = middles[label][0] < armpits[0, 0] if side == 0 else middles[label][0] > armpits[1, 0]
        sleeve = grown[side]
        if label != main and sleeve is not None and outside:
            torso &= labels != label
            grown[side] = replace(sleeve, area=sleeve.area | (labels == label))
    return grown, torso


def _sleeve_area(half: _Half, shoulder: np.ndarray, armpit: np.ndarray) -> np.ndarray:
    """The mask outside the seam from shoulder to armpit, and outside the gap below it, bool."""
    height, width = half.mask.shape
    seam = np.full(height, -1.0)
    above = np.arange(0, int(armpit[1]) + 1)
    share = np.clip((above - shoulder[1]) / max(armpit[1] - shoulder[1], 1), 0, 1)
    seam[above] = shoulder[0] + share * (armpit[0] - shoulder[0])
    rows = np.flatnonzero(half.gap[:, 0] >= 0)
    rows = rows[rows >= armpit[1]]
    leaves = armpit[1] if half.armpit is None else half.armpit[1]  # where the sleeve parts from the torso
    hidden = leaves > armpit[1] + 1
    if hidden and not rows.size:
        rows = np.array([int(leaves)])
    elif rows.size and not hidden and not (rows > half.hem).any():  # a short sleeve: only the gap that begins at the armpit
        ends = np.flatnonzero(np.diff(rows) > max(3, 0.01 * height))
        rows = rows[: ends[0] + 1] if ends.size else rows
        rows = rows if rows[0] - armpit[1] < 0.05 * height else rows[:0]
    if rows.size:
        known_y = np.concatenate([[armpit[1]], rows])
        known_x = np.concatenate([[armpit[0]], np.where(half.gap[rows, 0] >= 0, half.gap[rows, 0], half.outer[rows])])
        between = np.arange(int(armpit[1]), int(rows[-1]) + 1)
        seam[between] = np.interp(between, known_y, known_x)
    area = half.mask & (np.arange(width)[None, :] < seam[:, None])
    count, labels = cv2.connectedComponents(area.astype(np.uint8))
    if count < 2:
        return area
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))


def _trace(
    area: np.ndarray, shoulder: np.ndarray, armpit: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Edges of a sleeve at STATIONS; None where what sticks out is too small to be one, for an opening of at least `least`."""
    ys, xs = np.nonzero(area)
    opening = float(np.hypot(*(shoulder - armpit)))
    if len(xs) < 0.12 * max(opening, least) ** 2:
        return None
    points = np.column_stack([xs, ys]).astype(float)
    start = (shoulder + armpit) / 2
    far = np.hypot(*(points - start).T)
    cuff = points[far >= np.quantile(far, 0.93)].mean(0)
    middle = (start + cuff) / 2
    band = np.abs((points - middle) @ (cuff - start)) < 0.1 * float(np.sum((cuff - start) ** 2))
    if band.any():
        middle = points[band].mean(0)
    line = np.stack([start, middle, cuff])
    shares = np.linspace(0, 1, STATIONS)
    axis = np.column_stack([np.interp(shares * 2, [0, 1, 2], line[:, i]) for i in (0, 1)])
    along = np.gradient(axis, axis=0)
    along /= np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    reach = float(np.max((points - cuff) @ along[-1]))
    axis[-1] += along[-1] * max(0.0, 0.85 * reach)
    outer, inner = [shoulder], [armpit]
    slab = max(2.0, 0.06 * float(np.hypot(*(cuff - start))))
    for place, direction in zip(axis[1:], along[1:], strict=True):
        normal = np.array([direction[1], -direction[0]])  # points to the armpit's side for a sleeve on the left
        offset = points - place
        here = offset[np.abs(offset @ direction) < slab] @ normal
        if here.size < 3:
            here = np.array([-opening / 3, opening / 3])
        inner.append(place + normal * np.quantile(here, 0.97))
        outer.append(place + normal * np.quantile(here, 0.03))
    opening_end = float(armpit @ along[-1])  # above the armpit there is no inner edge, only torso
    inner = [armpit, *(point for point in inner[1:-1] if point @ along[-1] > opening_end), inner[-1]]
    return resample(np.array(outer)), resample(np.array(inner)), area


def resample(line: np.ndarray) -> np.ndarray:
    """STATIONS points at equal distances along a line (n, 2)."""
    at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    places = np.linspace(0, at[-1], STATIONS)
    return np.column_stack([np.interp(places, at, line[:, i]) for i in (0, 1)])


def line_length(line: np.ndarray) -> float:
    """The length of a line (n, 2)."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
