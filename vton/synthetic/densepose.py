"""DensePose's part ids of a drawn body, below its clothes and hair."""

import numpy as np

from vton.synthetic.body import CROTCH, HIP, NECK_TOP, TURN, Body
from vton.synthetic.geometry import Frame, coverage, curve, ellipse, ribbon
from vton.synthetic.layers import cover, window
from vton.synthetic.limbs import hand

TORSO, HEAD = 2, {-1: 23, 1: 24}
THIGH, SHIN, HAND = {-1: 9, 1: 10}, {-1: 13, 1: 14}, {-1: 3, 1: 4}
UPPER_ARM = {-1: (16, 18), 1: (15, 17)}  # inner and outer half
FOREARM = {-1: (22, 20), 1: (21, 19)}
ELBOW = 0.53  # along the arm
OUTER = 0.384  # radians round an arm, from where it faces the camera to where its outer half begins
GROIN = CROTCH - 0.01  # level of the torso's tip
THROAT, COLLARBONE, NECK = -0.002, -0.042, 0.045  # levels between which the head's parts end in a V, and half its width


def part_ids(body: Body, frame: Frame) -> np.ndarray:
    """uint8 (H, W), 0-24; what is nearer to the camera covers what is behind it."""
    parts = np.zeros(frame.size, np.uint8)
    for side in (-1, 1):
        _leg(parts, body, frame, side)
    _torso(parts, body, frame)
    for side in (-1, 1):
        _neck(parts, body, frame, side)
    for side in body.sides:
        arm = body.arms[side]
        edge = np.sin(OUTER + side * TURN * body.person.turn)
        for start, end, (inner, outer) in ((0.0, ELBOW, UPPER_ARM[side]), (ELBOW, 1.0, FOREARM[side])):
            strip = arm.part(start, end)
            width = body.arm_half_width(strip.along)
            _lay(parts, frame, strip.mesh(width, 12, end=edge), inner)
            _lay(parts, frame, strip.mesh(width, 12, start=edge), outer)
        for layer in hand(body, frame, side)[:2]:
            parts[layer.frame.window][layer.alpha >= 0.5] = HAND[side]
    middle, turn = body.head_frame()
    skull = middle + ellipse((0, -0.008), (0.067, 0.106)) * body.head_size @ turn
    x, y = frame.pixels()
    aside = (np.stack(np.broadcast_arrays(x - middle[0], y - middle[1]), -1) @ turn.T)[..., 0]
    inside = coverage(frame, [skull]) >= 0.5
    right = aside < body.person.turn * 0.014 * body.head_size
    parts[inside & right], parts[inside & ~right] = HEAD[-1], HEAD[1]
    return parts


def _lay(parts: np.ndarray, frame: Frame, mesh: np.ndarray, part: int) -> None:
    box = window(frame, mesh)
    parts[box.window][cover(box, mesh) >= 0.5] = part


def _torso(parts: np.ndarray, body: Body, frame: Frame) -> None:
    """From the neck to the groin's V, whose tip a turned body shows beside its middle."""
    u = np.linspace(-1, 1, 17)
    low = GROIN + (HIP - 0.03 - GROIN) * abs(u)
    q = NECK_TOP + (low - NECK_TOP) * np.linspace(0, 1, 32)[:, None]
    _lay(parts, frame, body.place(body.turned(u, q) * body.half_width(q), q), TORSO)


def _neck(parts: np.ndarray, body: Body, frame: Frame, side: int) -> None:
    """The neck, which is the head's, down to the throat's V; a turned body shows that beside its middle too."""
    u = np.linspace(0, side, 9)
    low = COLLARBONE + (THROAT - COLLARBONE) * (1 - abs(u))
    q = NECK_TOP + (low - NECK_TOP) * np.linspace(0, 1, 12)[:, None]
    _lay(parts, frame, body.place(body.turned(u, q) * np.minimum(body.half_width(q), NECK), q), HEAD[side])


def _leg(parts: np.ndarray, body: Body, frame: Frame, side: int) -> None:
    """Thigh and shin; the thighs meet where the body's middle is seen."""
    strip = ribbon(body.legs()[side], side, 0.1)
    profile = curve((0, 0.062), (0.3, 0.057), (0.5, 0.044), (1, 0.03))
    for start, end, part in ((0.0, 0.52, THIGH[side]), (0.5, 1.0, SHIN[side])):
        piece = strip.part(start, end)
        _lay(parts, frame, piece.mesh(profile(piece.along) * body.person.scale), part)
    u, q = np.meshgrid(np.linspace(0, side, 9), np.linspace(HIP - 0.03, CROTCH, 12))
    _lay(parts, frame, body.place(body.turned(u, q) * body.half_width(q), q), THIGH[side])
