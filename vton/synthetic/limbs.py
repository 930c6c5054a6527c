"""Bare skin of throat, torso, arms and hands, as layers to paint."""

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.body import NECK_TOP, Body
from vton.synthetic.geometry import Frame, Ribbon, coverage, curve, ellipse, outline, ribbon, smoothstep
from vton.synthetic.layers import Layer, cover, spot, survey, window

ARMS = {-1: ParseClass.RIGHT_ARM, 1: ParseClass.LEFT_ARM}
FOLD = (0.1, 0.02)  # where an arm comes before the torso, in shares of its length: at its inner edge, at its outer one


def limb(frame: Frame, mesh: np.ndarray, colour: np.ndarray, label: ParseClass, light: float, shadow: float = 0.0) -> Layer:
    """Something round, whose columns run along it; `colour` is (3,), or (H, W, 3) of a `frame` that is the mesh's window."""
    part = window(frame, mesh) if colour.ndim == 1 else frame
    (s,) = survey(part, mesh, np.linspace(-1, 1, mesh.shape[1])[None])
    right = 1 if (mesh[:, -1, 0] - mesh[:, 0, 0]).mean() > 0 else -1
    shade = 1.01 - 0.21 * np.abs(s) ** 2.6 + 0.06 * light * s * right
    shaded = np.clip(colour * shade[..., None], 0, 1).astype(np.float32)
    return Layer(part, cover(part, mesh), shaded, label, shadow, shades_itself=label not in ARMS.values())


def torso_skin(body: Body, frame: Frame) -> Layer:
    """Throat, chest and belly."""
    mesh = body.torso[body.torso_q < 0.42]
    part = window(frame, mesh)
    u, q = survey(part, mesh, np.linspace(-1, 1, mesh.shape[1])[None], body.torso_q[body.torso_q < 0.42, None])
    light = 1.0 - 0.2 * np.abs(u) ** 3 + 0.06 * body.person.light * u
    light = light - 0.26 * np.exp(-(((q - NECK_TOP - 0.008) / 0.026) ** 2)) - 0.03 * smoothstep(q, 0.0, 0.1)
    for side in (-1, 1):  # collar bones, and the muscles of the neck
        line = q - 0.002 + 0.018 * np.abs(u) ** 0.7
        reach = np.exp(-(((u - side * 0.4) / 0.24) ** 2))
        light = light - reach * (0.1 * np.exp(-((line / 0.0042) ** 2)) - 0.05 * np.exp(-(((line + 0.007) / 0.0042) ** 2)))
        cord = np.exp(-(((u - side * (0.62 - (q + 0.09) * 6.5)) / 0.1) ** 2)) * smoothstep(-q, 0.02, 0.05)
        light = light - 0.06 * cord
    navel = np.exp(-((u / 0.045) ** 2 + ((q - 0.272) / 0.006) ** 2))
    light = light - 0.25 * navel - 0.05 * np.exp(-((u / 0.05) ** 2)) * smoothstep(q, 0.18, 0.22)
    colour = np.clip(np.array(body.person.skin, np.float32) * light[..., None], 0, 1).astype(np.float32)
    return Layer(part, coverage(part, [outline(mesh)]), colour, ParseClass.NECK)


def whole_arm(body: Body, frame: Frame, side: int) -> Layer:
    """A bare arm with its round shoulder."""
    strip = body.arms[side]
    width = body.arm_half_width(strip.along)
    skin = np.array(body.person.skin, np.float32)
    layer = limb(frame, strip.mesh(width), skin, ARMS[side], body.person.light)
    cap = coverage(layer.frame, [ellipse(strip.centre[0], (width[0], width[0]))])
    return Layer(layer.frame, np.maximum(layer.alpha, cap), layer.colour, layer.label)


def free_arm(body: Body, frame: Frame, side: int, start: float) -> Layer:
    """The part of an arm that lies before the torso: from the share `start` of its length, or from the armpit's fold."""
    strip = body.arms[side]
    mesh = strip.mesh(body.arm_half_width(strip.along))
    across = np.linspace(-1, 1, mesh.shape[1])
    first = np.maximum(FOLD[0] + (FOLD[1] - FOLD[0]) * (across + 1) / 2, start)
    along = first + (1 - first) * np.linspace(0, 1, len(mesh))[:, None]
    for column in range(mesh.shape[1]):
        line = mesh[:, column].copy()
        for axis in (0, 1):
            mesh[:, column, axis] = np.interp(along[:, column], strip.along, line[:, axis])
    return limb(frame, mesh, np.array(body.person.skin, np.float32), ARMS[side], body.person.light, 0.3)


def hand(body: Body, frame: Frame, side: int) -> list[Layer]:
    """A relaxed hand: palm and fingers as one shape, a thumb on the inside, lines between the fingers."""
    _, elbow, wrist, tip = body.arm_joints[side]
    along = (tip - wrist) / np.linalg.norm(tip - wrist)
    scale, light = body.person.scale * 1.22, body.person.light
    skin = np.array(body.person.skin, np.float32)
    outward = side * np.array([along[1], -along[0]])
    x = np.linspace(0, 1, 30)
    half = curve((0, 0.0148), (0.22, 0.0185), (0.5, 0.0195), (0.75, 0.0165), (0.93, 0.011), (1, 0.004))(x) * scale
    middle = wrist + along * (x[:, None] * 0.076 - 0.008) * scale + outward * (0.004 * np.sin(x * 3))[:, None] * scale
    palm = Ribbon(middle, np.broadcast_to(outward, middle.shape), x)
    inward = [middle[row] - outward * reach * scale for row, reach in ((5, 0.011), (13, 0.023), (21, 0.021))]
    thumb = ribbon(np.stack(inward), side, 0.02, 14)
    layers = [
        limb(frame, palm.mesh(half), skin, ARMS[side], light, 0.25),
        limb(frame, thumb.mesh(np.linspace(0.0078, 0.004, 14) * scale), skin * 0.97, ARMS[side], light, 0.15),
    ]
    for offset in (-0.45, 0.03, 0.5):
        start = middle[16] + outward * half[16] * offset
        end = middle[27] + outward * half[26] * offset
        width = (end - start)[::-1] * [1, -1] / np.linalg.norm(end - start) * 0.0009 * scale
        line = np.stack([start - width, start + width, end + width, end - width])
        layers.append(spot(frame, line, skin * 0.66, share=0.6))
    return layers
