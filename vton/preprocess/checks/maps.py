"""All maps of one item as its files have them, and the same on one small canvas, on which most checks look."""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from vton.conditions import read_keypoints
from vton.errors import DataError, PreprocessError
from vton.images import read_image, read_labels, read_parts
from vton.labels import ARM_CHAINS, DENSEPOSE_PALETTE, ParseClass
from vton.pairs import Split
from vton.preprocess.agnostic import agnostic_mask, hands
from vton.skeleton import body_scale

HEIGHT = 256  # pixels of the canvas: the height at which VITON-HD's parses were made
PERSON_KINDS = ("image", "parse", "parse_agnostic", "keypoints", "agnostic", "agnostic_mask", "worn_mask")
CLOTH_KINDS = ("cloth", "cloth_mask")


@dataclass(frozen=True)
class Maps:
    """The files' contents at their own sizes; None for what the dataset does not have or what cannot be read."""

    image: np.ndarray | None = None  # uint8 (H, W, 3)
    parse: np.ndarray | None = None  # uint8 (H, W), class ids
    parse_agnostic: np.ndarray | None = None
    densepose: np.ndarray | None = None  # uint8 (H, W, 3), colours
    keypoints: np.ndarray | None = None  # (25, 3), pixels
    agnostic: np.ndarray | None = None  # uint8 (H, W, 3)
    agnostic_mask: np.ndarray | None = None  # uint8 (H, W), the stored values
    worn_mask: np.ndarray | None = None
    cloth: np.ndarray | None = None  # uint8 (h, w, 3)
    cloth_mask: np.ndarray | None = None  # uint8 (h, w), the stored values
    densepose_parts: np.ndarray | None = None  # uint8 (H, W), part ids; only where they tell the same as the colours
    flow: np.ndarray | None = None  # (2, H, W) of the person in their own garment, grid_sample units; NaN where it says nothing
    lossless: bool = False  # whether the agnostic is stored without loss
    unreadable: dict[str, str] = field(default_factory=dict)  # kind -> why it cannot be used


def read_maps(split: Split, stem: str) -> Maps:
    """Every file that the split has of one stem, as a person and as a garment. What cannot be read is told in `unreadable`."""
    found: dict[str, np.ndarray] = {}
    unreadable: dict[str, str] = {}
    for kind in (*PERSON_KINDS, *dict.fromkeys(("densepose", split.densepose_kind(stem))), *CLOTH_KINDS):
        path = split.path(kind, stem)
        if path is not None:
            try:
                found[kind] = _read(kind, path)
            except DataError as error:
                unreadable[kind] = str(error)
    flow = split.path("flow", f"{stem}__{stem}")
    if flow is not None:
        try:
            found["flow"] = _read_flow(flow)
        except DataError as error:
            unreadable["flow"] = str(error)
    agnostic = split.path("agnostic", stem)
    return Maps(**found, lossless=agnostic is not None and agnostic.suffix == ".png", unreadable=unreadable)


def _read_flow(path: Path) -> np.ndarray:
    """Offsets (2, H, W), NaN where the garment is not to be seen."""
    try:
        with np.load(path) as arrays:
            flow = arrays["flow"].astype(np.float32)
            if flow.ndim != 3 or flow.shape[0] != 2:
                raise DataError(f"{path} holds an array of {flow.shape}; a flow has (2, H, W).")
            return np.where(arrays["visible"], flow, np.nan) if "visible" in arrays else flow
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no flow ({error}); draw the set again.") from error


def _read(kind: str, path: Path) -> np.ndarray:
    if kind in ("parse", "parse_agnostic"):
        return read_labels(path)
    if kind == "densepose_parts":
        return read_parts(path)
    if kind == "keypoints":
        return read_keypoints(path)
    return read_image(path)[..., 0] if kind.endswith("_mask") else read_image(path)


@dataclass(frozen=True)
class Scene:
    """The person's maps on one canvas of HEIGHT rows, whatever their sizes."""

    maps: Maps

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas, in the proportions of the photo or else of a map."""
        known = (self.maps.image, self.maps.parse, self.maps.densepose, self.maps.densepose_parts, self.maps.agnostic_mask)
        height, width = next((found.shape[:2] for found in known if found is not None), (HEIGHT, 0))
        return HEIGHT, max(1, round(HEIGHT * width / height))

    @cached_property
    def image(self) -> np.ndarray | None:
        return fitted(self.maps.image, self.size, cv2.INTER_AREA)

    @cached_property
    def lab(self) -> np.ndarray | None:
        """The photo in CIE Lab, float32 (H, W, 3)."""
        return None if self.image is None else cv2.cvtColor(self.image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)

    @cached_property
    def parse(self) -> np.ndarray | None:
        return fitted(self.maps.parse, self.size, cv2.INTER_NEAREST)

    @cached_property
    def parts(self) -> np.ndarray | None:
        """DensePose's part ids, uint8 (H, W): as stored, else of the nearest colour of the palette, as JPEG blurs them."""
        if self.maps.densepose_parts is not None:
            return fitted(self.maps.densepose_parts, self.size, cv2.INTER_NEAREST)
        return None if self._decoded is None else cv2.medianBlur(self._decoded[0], 3)

    @cached_property
    def off_palette(self) -> float | None:
        """How far DensePose's colours are from the palette's, the median of the body's pixels in levels of 255."""
        if self._decoded is None:
            return None
        body = self._decoded[0] > 0
        return float(np.median(self._decoded[1][body])) if body.any() else 0.0

    @cached_property
    def _decoded(self) -> tuple[np.ndarray, np.ndarray] | None:
        colours = fitted(self.maps.densepose, self.size, cv2.INTER_NEAREST)
        return None if colours is None else nearest_parts(colours)

    @cached_property
    def joints(self) -> np.ndarray | None:
        """(25, 3) in pixels of the canvas."""
        if self.maps.keypoints is None or self.maps.image is None:
            return None
        height, width = self.maps.image.shape[:2]
        joints = self.maps.keypoints * (self.size[1] / width, self.size[0] / height, 1.0)
        return np.clip(joints, -4 * HEIGHT, 8 * HEIGHT)  # what lies farther is as wrong

    @cached_property
    def mask(self) -> np.ndarray | None:
        """The agnostic area, bool (H, W): the dataset's, else the grey of its agnostic image, else the rule's."""
        if self.maps.agnostic_mask is not None:
            small = fitted(self.maps.agnostic_mask, self.size, cv2.INTER_NEAREST)  # the very pixels of `parse`
            return None if small is None else small >= 128
        if self.maps.agnostic is not None:
            small = fitted((np.abs(self.maps.agnostic.astype(np.int16) - 128).max(-1) <= 8) * np.uint8(255), self.size)
            return None if small is None else cv2.medianBlur(small, 5) >= 128
        if self.parse is None or self.joints is None:
            return None
        try:
            return agnostic_mask(self.parse, self.joints)
        except PreprocessError:
            return None

    @cached_property
    def hands(self) -> np.ndarray:
        """Where hands are, by parse and keypoints, bool (H, W)."""
        if self.parse is None or self.joints is None:
            return np.zeros(self.size, bool)
        return hands(self.parse, self.joints)

    def arm(self, side: ParseClass, thickness: float) -> np.ndarray | None:
        """A line of `thickness` shoulder widths along the joints of one arm, bool (H, W); None without keypoints."""
        if self.joints is None or not self.width:
            return None
        canvas = np.zeros(self.size, np.uint8)
        for start, end in pairwise(ARM_CHAINS[side]):
            if self.joints[start, 2] and self.joints[end, 2]:
                one, other = (tuple(int(v) for v in self.joints[joint, :2]) for joint in (start, end))
                cv2.line(canvas, one, other, 1, max(1, round(thickness * self.width)))
        return canvas > 0

    @cached_property
    def area(self) -> float | None:
        """The mask's share of the photo."""
        return None if self.mask is None else float(self.mask.mean())

    @cached_property
    def width(self) -> float | None:
        """The person's scale, pixels of the canvas: the larger of the shoulders' width and 0.6 of the torso's length."""
        return None if self.joints is None else body_scale(self.joints)


def fitted(array: np.ndarray | None, size: tuple[int, int], how: int = cv2.INTER_AREA) -> np.ndarray | None:
    """A picture or labels at another (height, width)."""
    if array is None or array.shape[:2] == size:
        return array
    return cv2.resize(array, size[::-1], interpolation=how)


def nearest_parts(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each pixel (H, W, 3) the part id 0-24 whose colour is nearest, uint8, and how far that is, float32 (H, W)."""
    ids = nearest_ids(colours)
    return ids, np.linalg.norm(colours.astype(np.float32) - DENSEPOSE_PALETTE[ids].astype(np.float32), axis=-1)


def nearest_ids(colours: np.ndarray) -> np.ndarray:
    """Of each pixel (H, W, 3) the part id 0-24 whose colour is nearest, uint8 (H, W)."""
    red, green, blue = (colours[..., i] >> 3 for i in range(3))
    return _nearest_table()[red, green, blue]


@cache
def _nearest_table() -> np.ndarray:
    """The nearest part of every colour in steps of 8 levels, uint8 (32, 32, 32): the palette's colours are farther apart."""
    steps = np.arange(32, dtype=np.float32) * 8 + 3.5
    seen = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    apart = np.stack([np.square(seen - colour).sum(-1) for colour in DENSEPOSE_PALETTE.astype(np.float32)])
    return apart.argmin(0).astype(np.uint8)


def among(labels: np.ndarray, ids: Iterable[int]) -> np.ndarray:
    """Where uint8 labels (H, W) are one of `ids`, bool (H, W)."""
    table = np.zeros(256, np.uint8)
    table[list(ids)] = 1
    return cv2.LUT(labels, table) > 0


def eroded(area: np.ndarray, by: int) -> np.ndarray:
    """bool (H, W) without its outermost `by` pixels."""
    return cv2.erode(area.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8), borderValue=0) > 0


def dilated(area: np.ndarray, by: int) -> np.ndarray:
    """bool (H, W) grown by `by` pixels."""
    return cv2.dilate(area.astype(np.uint8), np.ones((2 * by + 1,) * 2, np.uint8)) > 0


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """How much of `whole` is also in `part`, 0 to 1; 0 where there is nothing."""
    return count(part & whole) / max(count(whole), 1)


def count(area: np.ndarray) -> int:
    """How many pixels of bool (H, W)."""
    return int(np.count_nonzero(area))
