"""The garment photo: the pieces at rest, flat on white."""

from dataclasses import dataclass

import cv2
import numpy as np

from vton.synthetic.body import Colour
from vton.synthetic.fabric import cut, look_up
from vton.synthetic.garments import Garment, Pattern, Piece
from vton.synthetic.geometry import Frame, blur, coverage, outline, smooth_noise, smoothstep
from vton.synthetic.layers import survey, window

RIM = 1.6  # pixels that the photo shows beyond the mesh, so that nothing worn is fetched from the white
MARGIN = (0.67, 0.82)  # the most of the frame's unit that a garment fills, across and down
CLOSEST = 1.38  # the most that a garment is enlarged for its photo: a vest is not shown as large as a coat
FINER = 2  # the photo is drawn at this many times its size


@dataclass(frozen=True)
class Placement:
    """Where the flat garment lies in its photo: place * scale + shift, in units."""

    scale: float
    shift: np.ndarray

    def __call__(self, flat: np.ndarray) -> np.ndarray:
        return flat * self.scale + self.shift


def placement(pattern: Pattern) -> Placement:
    """The garment fills its photo as far as its own `photo_scale` says."""
    every = np.concatenate([piece.rest.reshape(-1, 2) for piece in pattern.pieces])
    low, high = every.min(0), every.max(0)
    scale = pattern.garment.photo_scale * min(CLOSEST, float((np.array(MARGIN) / (high - low)).min()))
    middle = np.array([0.0, 0.5]) + pattern.garment.photo_shift
    return Placement(scale, middle - scale * (low + high) / 2)


def photograph(garment: Garment, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The garment photo, uint8 (H, W, 3), and its mask, bool (H, W), inside of the back's neck included."""
    pattern = Pattern(garment)
    fine = frame.times(FINER)
    put = placement(pattern)
    scale = put.scale * fine.unit
    sleeve_cloth, torso_cloth = cut(garment, pattern, scale)
    photo = np.ones((*fine.size, 3), np.float32)
    mask = np.zeros(fine.size, np.float32)
    rng = np.random.default_rng([garment.seed, 1])
    for alpha, dye in _back_of_the_neck(pattern, put, fine):
        photo += (np.array(dye, np.float32) - photo) * alpha[..., None]
        mask = np.maximum(mask, alpha)
    for piece in pattern.pieces:
        part = window(frame, put(piece.rest))
        alpha, colour = _piece(piece, garment, put, part, sleeve_cloth if piece.side else torso_cloth, rng)
        box = part.times(FINER).window
        photo[box] *= 1 - 0.2 * (blur(alpha, 0.004 * scale) * mask[box] * (1 - alpha))[..., None]
        photo[box] += (colour - photo[box]) * alpha[..., None]
        mask[box] = np.maximum(mask[box], alpha)
    small = cv2.resize(photo, (frame.width, frame.height), interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask, (frame.width, frame.height), interpolation=cv2.INTER_AREA) >= 0.5
    return np.round(np.clip(small, 0, 1) * 255).astype(np.uint8), inside


def _piece(
    piece: Piece, garment: Garment, put: Placement, frame: Frame, cloth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Share and colour of one piece in the window `frame`, FINER times as fine."""
    mesh, fine = put(piece.rest), frame.times(FINER)
    smooth = survey(frame, mesh, *np.moveaxis(piece.fabric, -1, 0), piece.across, piece.down, piece.up)
    size = fine.size[::-1]
    x, y, across, down, up = (cv2.resize(field, size, interpolation=cv2.INTER_LINEAR) for field in smooth)
    scale = put.scale * fine.unit
    colour = look_up(cloth, np.stack([x, y], -1), scale)
    for distance, width, trimmed in _bands(piece, garment, across, down, up):
        band = np.clip((width - distance) * scale + 0.5, 0, 1)
        if trimmed:
            colour += (np.array(garment.accent, np.float32) - colour) * band[..., None]
        colour *= (1 - 0.05 * band - 0.2 * np.clip(1.2 - np.abs(distance - width) * scale, 0, 1))[..., None]
    light = 1 - 0.13 * np.abs(across) ** 5 - 0.05 * across * piece.side
    if garment.neckline == "high" and piece.side == 0:  # the inside of the collar's fold
        light = light * (1 - 0.12 * (1 - smoothstep(down, 0.03, 0.05)) * (across**2 < Pattern(garment).neck_u ** 2))
    colour *= (light * (1 + 0.022 * smooth_noise(rng, fine.size, (5, 4))))[..., None].astype(np.float32)
    alpha = coverage(fine, [outline(mesh)])
    reach = round(2 * RIM * FINER) | 1
    grown = cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return grown, np.clip(colour, 0, 1)


def _bands(
    piece: Piece, g: Garment, across: np.ndarray, down: np.ndarray, up: np.ndarray
) -> list[tuple[np.ndarray, float, bool]]:
    """Cuff, or collar and hem: how far each pixel is from that edge, how wide the band is, whether in the accent colour."""
    if piece.side:
        return [(up, 0.011, g.trimmed)]
    hem = (up, 0.009, False)
    if g.neckline == "high":
        return [hem]
    collar = np.where(np.abs(across) < Pattern(g).neck_u, down, np.float32(1))
    return [(collar, 0.0085, g.trimmed), hem]


def _back_of_the_neck(pattern: Pattern, put: Placement, frame: Frame) -> list[tuple[np.ndarray, Colour]]:
    """The inside of the back, seen through the neckline, and the label in it."""
    g = pattern.garment
    if g.neckline == "high" or g.sleeves == "straps":
        return []
    u = np.linspace(-pattern.neck_u, pattern.neck_u, 40)
    top = float(pattern.neckline(np.array(pattern.neck_u)))
    back = top + 0.012 * (1 - (u / pattern.neck_u) ** 2)
    front = pattern.neckline(u) + 0.012
    front[[0, -1]] = top
    width = u * g.shoulder
    inside = np.concatenate([np.stack([width, back], -1), np.stack([width, front], -1)[::-1]])
    red, green, blue = (c * 0.58 for c in g.colour)
    label = np.array([(-0.011, 0.015), (0.011, 0.015), (0.011, 0.026), (-0.011, 0.026)]) + [0, top]
    layers: list[tuple[np.ndarray, Colour]] = [(coverage(frame, [put(inside)]), (red, green, blue))]
    if g.neck_depth - top > 0.04:
        layers.append((coverage(frame, [put(label)]), (0.93, 0.93, 0.92)))
    return layers
