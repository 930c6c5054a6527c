"""DensePose's part ids of a drawn body, below its clothes and hair."""

import numpy as np

from vton.synthetic.body import CROTCH, HIP, Body
from vton.synthetic.geometry import Frame, coverage, curve, ellipse, ribbon
from vton.synthetic.layers import cover, window
from vton.synthetic.limbs import hand

TORSO, HEAD = 2, {-1: 23, 1: 24}
THIGH, SHIN, HAND = {-1: 9, 1: 10}, {-1: 13, 1: 14}, {-1: 3, 1: 4}
UPPER_ARM = {-1: (16, 18), 1: (15, 17)}  # inner and outer half
FOREARM = {-1: (22, 20), 1: (21, 19)}
ELBOW = 0.53  # along the arm


def part_ids(body: Body, frame: Frame) -> np.ndarray:
    """uint8 (H, W), 0-24; what is nearer to the camera covers what is behind it."""
    parts = np.zeros(frame.size, np.uint8)
    _lay(parts, frame, body.torso[body.torso_q > -0.085], TORSO)
    for side in (-1, 1):
        _leg(parts, body, frame, side)
    for side in body.sides:
        arm = body.arms[side]
        for start, end, (inner, outer) in ((0.0, ELBOW, UPPER_ARM[side]), (ELBOW, 1.0, FOREARM[side])):
            strip = arm.part(start, end)
            mesh = strip.mesh(body.arm_half_width(strip.along))
            _lay(parts, frame, mesh[:, :12], inner)
            _lay(parts, frame, mesh[:, 11:], outer)
        for layer in hand(body, frame, side)[:2]:
            parts[layer.frame.window][layer.alpha >= 0.5] = HAND[side]
    middle, turn = body.head_frame()
    skull = middle + ellipse((0, -0.008), (0.067, 0.106)) * body.head_size @ turn
    x, y = frame.pixels()
    aside = (np.stack(np.broadcast_arrays(x - middle[0], y - middle[1]), -1) @ turn.T)[..., 0]
    inside = coverage(frame, [skull]) >= 0.5
    right = aside < body.person.turn * 0.014
    parts[inside & right], parts[inside & ~right] = HEAD[-1], HEAD[1]
    return parts


def _lay(parts: np.ndarray, frame: Frame, mesh: np.ndarray, part: int) -> None:
    box = window(frame, mesh)
    parts[box.window][cover(box, mesh) >= 0.5] = part


def _leg(parts: np.ndarray, body: Body, frame: Frame, side: int) -> None:
    """Thigh and shin; the thigh reaches up to the groin's V."""
    strip = ribbon(body.legs()[side], side, 0.1)
    profile = curve((0, 0.062), (0.3, 0.057), (0.5, 0.044), (1, 0.03))
    for start, end, part in ((0.0, 0.52, THIGH[side]), (0.5, 1.0, SHIN[side])):
        piece = strip.part(start, end)
        _lay(parts, frame, piece.mesh(profile(piece.along) * body.person.scale), part)
    across = np.linspace(0, 1, 9)
    top = HIP - 0.03 + 0.085 * (1 - across)
    q = top + (CROTCH - top) * np.linspace(0, 1, 12)[:, None]
    _lay(parts, frame, body.place(across * side * body.half_width(np.minimum(q, HIP)), q), part=THIGH[side])
