"""From shapes in units of the frame's height to pixels: coverage, rasterised meshes, ribbons.

Lengths are in units of the frame's height, x to the right of the frame's middle, y down from its top. Pixel coordinates are
continuous: the pixel in column i covers i to i + 1, so that 2 * x / width - 1 is the place that `grid_sample` means.
A mesh is a grid of vertices (rows, columns, 2).
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

SUPERSAMPLING = 4  # sub-pixels a side when an outline is drawn
SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Frame:
    """A picture's size in pixels, or a window of a larger picture (`whole`), whose pixels are counted from its own corner."""

    height: int
    width: int
    top: int = 0
    left: int = 0
    whole: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def picture(self) -> tuple[int, int]:
        """Height and width of the whole picture."""
        return self.whole or self.size

    @property
    def unit(self) -> float:
        """Pixels of one unit of length: the picture's height, or less where it is wider than 3:4."""
        return min(self.picture[0], self.picture[1] * 4 / 3)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the whole picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @property
    def origin(self) -> tuple[float, float]:
        """Pixel coordinates of the place (0, 0)."""
        height, width = self.picture
        return width / 2 - self.left, (height - self.unit) / 2 - self.top

    def around(self, points: np.ndarray, margin: float = 0.0) -> "Frame":
        """The window that holds `points` (..., 2) and `margin` more on each side, both in units; at least a pixel."""
        placed = self.to_pixels(np.asarray(points, float).reshape(-1, 2))
        reach = margin * self.unit + 2
        low = np.clip(np.floor(placed.min(0) - reach), 0, [self.width - 1, self.height - 1]).astype(int)
        high = np.clip(np.ceil(placed.max(0) + reach), low + 1, [self.width, self.height]).astype(int)
        (left, top), (right, bottom) = low.tolist(), high.tolist()
        return Frame(bottom - top, right - left, self.top + top, self.left + left, self.picture)

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) in units -> (..., 2) in continuous pixel coordinates."""
        return points * self.unit + self.origin

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """x (1, W) and y (H, 1) of the pixel centres, in units."""
        x = (np.arange(self.width) + 0.5 - self.origin[0]) / self.unit
        y = (np.arange(self.height) + 0.5 - self.origin[1]) / self.unit
        return x[None].astype(np.float32), y[:, None].astype(np.float32)

    def times(self, factor: int) -> "Frame":
        """The same window of a picture with `factor` times as many pixels each way."""
        whole = self.picture[0] * factor, self.picture[1] * factor
        return Frame(self.height * factor, self.width * factor, self.top * factor, self.left * factor, whole)

    def grid(self) -> np.ndarray:
        """The pixel centres as `grid_sample` counts the whole picture, float64 (H, W, 2)."""
        height, width = self.picture
        x = ((self.left + np.arange(self.width)) * 2 + 1) / width - 1
        y = ((self.top + np.arange(self.height)) * 2 + 1) / height - 1
        return np.stack(np.meshgrid(x, y), -1)


@functools.lru_cache(maxsize=512)
def curve(*knots: tuple[float, float]) -> PchipInterpolator:
    """A smooth curve through (place, value) without overshoot."""
    places, values = zip(*knots, strict=True)
    return PchipInterpolator(places, values)


def smoothstep(x: np.ndarray | float, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((np.asarray(x) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def coverage(frame: Frame, polygons: Sequence[np.ndarray]) -> np.ndarray:
    """The share of each pixel inside the union of `polygons` (each (N, 2) in units), float32 (H, W)."""
    out = np.zeros(frame.size, np.float32)
    every = frame.to_pixels(np.concatenate(polygons))
    left, top = np.clip(np.floor(every.min(0)).astype(int) - 1, 0, [frame.width, frame.height])
    right, bottom = np.clip(np.ceil(every.max(0)).astype(int) + 1, 0, [frame.width, frame.height])
    if right <= left or bottom <= top:
        return out
    fine = np.zeros(((bottom - top) * SUPERSAMPLING, (right - left) * SUPERSAMPLING), np.uint8)
    placed = ((every - [left, top]) * SUPERSAMPLING - 0.5) * 2**SUBPIXEL_BITS
    ends = np.cumsum([len(polygon) for polygon in polygons])[:-1]
    for polygon in np.split(np.round(placed).astype(np.int32), ends):
        cv2.fillPoly(fine, [polygon], 255, shift=SUBPIXEL_BITS)
    box = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    out[top:bottom, left:right] = box.astype(np.float32) / 255
    return out


def strips(mesh: np.ndarray) -> list[np.ndarray]:
    """A mesh as polygons, one between each row and the next: they may lie over each other."""
    return list(np.concatenate([mesh[:-1], mesh[1:, ::-1]], 1))


def areas(mesh: np.ndarray) -> np.ndarray:
    """The signed area at each corner of each face, (rows - 1, columns - 1): where the sign changes, the mesh folds."""
    down, across = np.diff(mesh, axis=0)[:, :-1], np.diff(mesh, axis=1)[:-1]
    return across[..., 1] * down[..., 0] - across[..., 0] * down[..., 1]


def outline(mesh: np.ndarray) -> np.ndarray:
    """The rim of a mesh as one polygon, (N, 2)."""
    return np.concatenate([mesh[0], mesh[1:, -1], mesh[-1, -2::-1], mesh[-2:0:-1, 0]])


def rasterise(frame: Frame, mesh: np.ndarray, attributes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate vertex `attributes` (rows, columns, K) at the pixel centres that the mesh covers.

    Returns float64 (H, W, K) and bool (H, W). Where the mesh lies over itself, its later rows and columns win.
    """
    corners = _triangles(*mesh.shape[:2])
    places = frame.to_pixels(mesh).reshape(-1, 2)[corners]  # (T, 3, 2)
    values = attributes.reshape(-1, attributes.shape[-1])[corners]  # (T, 3, K)
    a, b, c = places[:, 0], places[:, 1], places[:, 2]
    (abx, aby), (acx, acy) = (b - a).T, (c - a).T
    area = abx * acy - aby * acx
    low = np.clip(np.ceil(places.min(1) - 0.5), 0, [frame.width, frame.height]).astype(int)
    high = np.clip(np.floor(places.max(1) - 0.5) + 1, low, [frame.width, frame.height]).astype(int)
    across, down = (high - low).T
    counts = np.where(np.abs(area) < 1e-9, 0, across * down)
    triangle = np.repeat(np.arange(len(counts)), counts)  # of each candidate: a pixel in the box around its triangle
    place = np.arange(len(triangle)) - np.repeat(np.cumsum(counts) - counts, counts)
    x = low[triangle, 0] + place % across[triangle]
    y = low[triangle, 1] + place // across[triangle]
    with np.errstate(divide="ignore", invalid="ignore"):
        wb_x, wb_y, wc_x, wc_y = acy / area, -acx / area, -aby / area, abx / area
    px, py = x + 0.5 - a[triangle, 0], y + 0.5 - a[triangle, 1]
    wb = px * wb_x[triangle] + py * wb_y[triangle]
    wc = px * wc_x[triangle] + py * wc_y[triangle]
    inside = (wb >= -1e-7) & (wc >= -1e-7) & (wb + wc <= 1 + 1e-7)
    triangle, x, y, wb, wc = triangle[inside], x[inside], y[inside], wb[inside, None], wc[inside, None]
    corner = values[triangle]
    out = np.zeros((*frame.size, values.shape[-1]))
    covered = np.zeros(frame.size, bool)
    out[y, x] = corner[:, 0] * (1 - wb - wc) + corner[:, 1] * wb + corner[:, 2] * wc
    covered[y, x] = True
    return out, covered


def _triangles(rows: int, columns: int) -> np.ndarray:
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    return np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], 1).reshape(-1, 3)


def spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values (H, W, K) where `known`, and elsewhere those of the nearest known pixel."""
    if not known.any():
        return values
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(labels.max() + 1, int)
    source[labels[known]] = np.flatnonzero(known)
    return values.reshape(-1, values.shape[-1])[source[labels]]


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian of `sigma` pixels."""
    return cv2.GaussianBlur(image, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REPLICATE)


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """Soft random hills of mean 0 and deviation about 1, float32 `size`; `cells` is how many fit down and across."""
    hills = rng.standard_normal((cells[0] + 3, cells[1] + 3)).astype(np.float32)
    wide = cv2.resize(
        hills, (size[1] * (cells[1] + 3) // cells[1], size[0] * (cells[0] + 3) // cells[0]), interpolation=cv2.INTER_CUBIC
    )
    top, left = (wide.shape[0] - size[0]) // 2, (wide.shape[1] - size[1]) // 2
    return wide[top : top + size[0], left : left + size[1]]


@dataclass(frozen=True)
class Ribbon:
    """A strip along a line: `centre` (N, 2), unit `normal` (N, 2) to its outer side, `along` (N,) from 0 to 1."""

    centre: np.ndarray
    normal: np.ndarray
    along: np.ndarray

    def mesh(self, half_width: np.ndarray, columns: int = 17, start: float = -1, end: float = 1) -> np.ndarray:
        """Vertices (N, columns, 2) from `start` to `end`, where -1 is the inner edge and 1 the outer one."""
        across = np.linspace(start, end, columns)[None, :, None]
        return self.centre[:, None] + self.normal[:, None] * np.asarray(half_width)[:, None, None] * across

    def part(self, start: float, end: float, samples: int = 0) -> "Ribbon":
        """The stretch between two places of `along`, resampled evenly; its `along` keeps the whole's numbers."""
        along = np.linspace(start, end, samples or max(4, int(len(self.along) * (end - start)) + 2))
        columns = [np.interp(along, self.along, column) for column in (*self.centre.T, *self.normal.T)]
        normal = np.stack(columns[2:], -1)
        normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
        return Ribbon(np.stack(columns[:2], -1), normal, along)


def ribbon(points: np.ndarray, side: int, rounding: float = 0.05, samples: int = 48) -> Ribbon:
    """A ribbon along a polyline whose inner corners are rounded; `side` -1 or 1 is where its outer edge lies."""
    pieces = [points[:1]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = [min(rounding, 0.45 * float(np.linalg.norm(end - corner))) for end in (before, after)]
        start = corner + (before - corner) / np.linalg.norm(before - corner) * reach[0]
        end = corner + (after - corner) / np.linalg.norm(after - corner) * reach[1]
        t = np.linspace(0, 1, 12)[:, None]
        pieces.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    line = np.concatenate([*pieces, points[-1:]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    along = np.linspace(0, 1, samples)
    centre = np.stack([np.interp(along * length[-1], length, column) for column in line.T], -1)
    tangent = np.gradient(centre, axis=0)
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = side * np.stack([tangent[:, 1], -tangent[:, 0]], -1)
    return Ribbon(centre, normal, along)


def ellipse(centre: tuple[float, float] | np.ndarray, radii: tuple[float, float], turn: float = 0.0) -> np.ndarray:
    """A polygon (48, 2) round an ellipse; `turn` in radians."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    points = np.stack([np.cos(angle) * radii[0], np.sin(angle) * radii[1]], -1)
    return np.asarray(centre) + points @ rotation(turn)


def rotation(turn: float) -> np.ndarray:
    """A matrix for row vectors: x turns towards y by `turn` radians."""
    return np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
