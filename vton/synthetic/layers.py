"""Painting: layers in windows of a photo, laid over each other from back to front."""

from dataclasses import dataclass

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.geometry import Frame, blur, coverage, rasterise, spread, strips

SHADOW_REACH = 0.011  # units
LEAN = 0.15  # in pixels of a garment and something else the garment has so much the greater share: they count as garment
CRISPNESS = 2.0  # how much steeper an outline is than its coverage: fewer pixels are a mixture of two things


@dataclass(frozen=True)
class Layer:
    """Something to paint, in a window of the photo."""

    frame: Frame
    alpha: np.ndarray  # float32 (H, W): its share of each pixel
    colour: np.ndarray  # float32 (H, W, 3) or (3,)
    label: ParseClass | None = None  # what the parse calls it; None: as what lies below
    shadow: float = 0.0  # how much it darkens what lies below, around it
    shades_itself: bool = True  # whether that falls on what has the same label too


class Painting:
    """A photo in the making: its colour, its parse, and how much of the light reaches what was painted."""

    def __init__(self, background: np.ndarray) -> None:
        self.colour = background
        self.parse = np.zeros(background.shape[:2], np.uint8)
        self.light = np.ones(background.shape[:2], np.float32)

    def paint(self, *layers: Layer) -> None:
        """Lay layers over what is there, each after its shadow."""
        for layer in layers:
            colour, parse, light = (
                self.colour[layer.frame.window],
                self.parse[layer.frame.window],
                self.light[layer.frame.window],
            )
            alpha = layer.alpha
            if layer.label is not None:
                lean = LEAN if layer.label == ParseClass.UPPER else np.where(parse == ParseClass.UPPER, np.float32(-LEAN), 0)
                alpha = np.clip((alpha - 0.5) * CRISPNESS + 0.5 + lean, 0, 1)
            if layer.shadow:
                near = blur(layer.alpha, SHADOW_REACH * layer.frame.unit)
                struck = (parse > 0) & (layer.shades_itself | (parse != layer.label))
                dark = 1 - layer.shadow * near * (1 - alpha) * struck
                colour *= dark[..., None]
                light *= dark
            colour += (layer.colour - colour) * alpha[..., None]
            if layer.label is not None:
                parse[layer.alpha >= 0.5] = layer.label


def window(frame: Frame, mesh: np.ndarray) -> Frame:
    """The part of `frame` that a mesh or polygon and its shadow touch."""
    return frame.around(mesh, 3 * SHADOW_REACH)


def survey(frame: Frame, mesh: np.ndarray, *attributes: np.ndarray) -> list[np.ndarray]:
    """Vertex `attributes` (rows, columns) as float32 (H, W) of `frame`, continued beyond the mesh."""
    values, covered = rasterise(frame, mesh, np.stack(np.broadcast_arrays(*attributes, mesh[..., 0])[:-1], -1))
    return list(np.moveaxis(spread(values, covered), -1, 0).astype(np.float32))


def spot(frame: Frame, polygon: np.ndarray, colour: np.ndarray, label: ParseClass | None = None, share: float = 1.0) -> Layer:
    """A polygon (N, 2) in units, of one colour (3,)."""
    part = frame.around(polygon)
    return Layer(part, coverage(part, [polygon]) * np.float32(share), np.asarray(colour, np.float32), label)


def cover(frame: Frame, mesh: np.ndarray) -> np.ndarray:
    """The share of each pixel that a mesh covers, however it folds."""
    return coverage(frame, strips(mesh))
