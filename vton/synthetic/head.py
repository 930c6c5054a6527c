"""A person's head: hair behind, face, hair before, as layers to paint.

Places on the head are in its own frame: from the middle of the face, x to the right of the photo, y down, for a head of size 1.
"""

from functools import cached_property

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.body import Body
from vton.synthetic.geometry import Frame, coverage, curve, ellipse, ribbon, smoothstep
from vton.synthetic.layers import Layer, cover, spot, survey, window

FACE = curve(
    (-0.1, 0.004), (-0.092, 0.03), (-0.072, 0.05), (-0.04, 0.0595), (0.0, 0.0605), (0.03, 0.0565), (0.055, 0.048),
    (0.075, 0.0365), (0.09, 0.0225), (0.0975, 0.0095), (0.0985, 0.003),
)  # fmt: skip
EXTENT = np.array([(-0.135, -0.165), (0.135, 0.29)])  # all that belongs to a head is within
EYE_LINE, EYE = 0.001, 0.0265


class Head:
    """The layers of one person's head."""

    def __init__(self, body: Body, frame: Frame) -> None:
        self.person, self.size = body.person, body.head_size
        self.middle, self.turn = body.head_frame()
        self.whole = frame
        self.frame = frame.around(self.place(EXTENT))
        x, y = self.frame.pixels()
        away = np.stack(np.broadcast_arrays(x - self.middle[0], y - self.middle[1]), -1)
        self.x, self.y = np.moveaxis((away @ self.turn.T / self.size).astype(np.float32), -1, 0)
        self.aside = self.person.turn * 0.011
        rng = np.random.default_rng([self.person.seed, 2])
        self._waves = rng.uniform(0.6, 1.6, 7) * np.array([3, 5, 9, 14, 22, 31, 45])
        self._phases = rng.uniform(0, 2 * np.pi, 7)
        self.rng = rng

    def place(self, points: np.ndarray) -> np.ndarray:
        """From the head's frame to units of the photo."""
        return self.middle + np.asarray(points, float) * self.size @ self.turn

    def _layer(self, shapes: list[np.ndarray], colour: np.ndarray, label: ParseClass, shadow: float = 0.0) -> Layer:
        """Polygons of the head's frame in a colour (H, W, 3) of its window."""
        return Layer(self.frame, coverage(self.frame, [self.place(shape) for shape in shapes]), colour, label, shadow)

    def _spot(self, polygon: np.ndarray, colour: np.ndarray, share: float = 1.0, label: ParseClass | None = None) -> Layer:
        return spot(self.whole, self.place(polygon), colour, label, share)

    def _hair(self, across: np.ndarray, depth: np.ndarray | float = 1.0) -> np.ndarray:
        """Strands, light and dark by the place `across` them (about -1 to 1)."""
        strands = np.zeros_like(across)
        for wave, phase in zip(self._waves, self._phases, strict=True):
            strands += np.sin(across * np.float32(wave) + np.float32(phase))
        light = np.clip((1 + 0.34 / 7 * strands) * depth, 0.3, 1.7)[..., None]
        return np.clip(np.array(self.person.hair, np.float32) * light + 0.035 * (light - 0.7), 0, 1).astype(np.float32)

    # Behind ----------------------------------------------------------------------------------------------------------

    def behind(self) -> list[Layer]:
        """Hair behind neck and shoulders."""
        style = self.person.hair_style
        shapes = [ellipse((0, -0.012), (0.0725, 0.099))]
        if style in ("long", "one side"):
            shapes.append(_mass(0.215, 0.076, 0.074))
        elif style == "bob":
            shapes.append(_mass(0.105, 0.08, 0.077))
        elif style == "updo":
            shapes.append(ellipse((self.aside * -1.2, -0.114), (0.035, 0.028)))
        elif style == "curly":
            shapes += self._curls(46, 0.105)
        return [self._layer(shapes, self._hair(self.x / 0.08, 0.62), ParseClass.HAIR)]

    def _curls(self, count: int, low: float) -> list[np.ndarray]:
        angle = self.rng.uniform(-0.15 * np.pi, 1.15 * np.pi, count)
        radius = self.rng.uniform(0.062, 0.082, count)
        above = np.stack([np.cos(angle) * radius, -0.012 - np.sin(angle) * radius * 1.15], -1)
        beside = self.rng.choice([-1, 1], count) * self.rng.uniform(0.055, 0.09, count)
        sides = np.stack([beside, self.rng.uniform(-0.02, low, count)], -1)
        radii = self.rng.uniform(0.014, 0.024, 2 * count)
        return [ellipse(place, (r, r)) for place, r in zip([*above, *sides], radii, strict=True)]

    # Face ------------------------------------------------------------------------------------------------------------

    def face(self) -> list[Layer]:
        """Ears, face and what is in it."""
        y = np.concatenate([np.linspace(-0.1, 0.08, 40), np.linspace(0.083, 0.0985, 14)])
        width = FACE(y)
        shape = np.concatenate([np.stack([width, y], -1), np.stack([-width, y], -1)[::-1]])
        skin = np.array(self.person.skin, np.float32)
        layers = []
        if self.person.hair_style in ("updo", "tied back"):
            for side in (-1, 1):
                ear = ellipse((side * 0.0615 - self.aside * 0.3, 0.014), (0.0085, 0.0175), side * 0.15)
                layers.append(self._spot(ear, skin * 0.88, label=ParseClass.FACE))
        layers.append(self._layer([shape], self._skin(skin), ParseClass.FACE, shadow=0.3))
        return layers + [feature for side in (-1, 1) for feature in self._eye(side, skin)] + self._mouth(skin)

    def _skin(self, skin: np.ndarray) -> np.ndarray:
        x, y = self.x, self.y
        light = 1.03 - 0.15 * np.clip(np.abs(x) / 0.062, 0, 1.2) ** 3 + 0.07 * self.person.light * np.clip(x / 0.06, -1, 1)
        light = light - 0.1 * smoothstep(y, 0.07, 0.105) - 0.05 * smoothstep(-y, 0.045, 0.09)
        colour = skin * light[..., None]
        for side in (-1, 1):
            blush = _bump(x - side * 0.034 - self.aside * 0.6, 0.014) * _bump(y - 0.034, 0.012)
            colour = colour + blush[..., None] * np.array([0.035, -0.025, -0.02], np.float32)
            socket = _bump(x - side * EYE - self.aside, 0.016) * _bump(y + 0.004, 0.01)
            colour = colour * (1 - 0.14 * socket[..., None])
        ridge = _bump(x - self.aside * 1.25 + 0.006 * self.person.light, 0.0045) * _bump(y - 0.018, 0.02)
        flank = _bump(x - self.aside * 1.25 - 0.009 * self.person.light, 0.004) * _bump(y - 0.024, 0.014)
        below = _bump(x - self.aside * 1.3, 0.011) * _bump(y - 0.0395, 0.0035)
        lip = _bump(x - self.aside * 1.1, 0.012) * _bump(y - 0.0755, 0.004)
        colour = colour * (1 + 0.05 * ridge - 0.07 * flank - 0.17 * below - 0.09 * lip)[..., None]
        return np.clip(colour, 0, 1).astype(np.float32)

    def _eye(self, side: int, skin: np.ndarray) -> list[Layer]:
        brow = np.array(self.person.hair, np.float32) * 0.55
        eye = np.array([side * EYE + self.aside, EYE_LINE])
        pupil = eye + [self.aside * 0.12, -0.0004]
        return [
            self._spot(_almond(eye, 0.0138, 0.0058), np.array([0.95, 0.94, 0.93], np.float32)),
            self._spot(ellipse(pupil, (0.0066, 0.0066)), np.array(self.person.eyes, np.float32)),
            self._spot(ellipse(pupil, (0.0028, 0.0028)), np.array([0.05, 0.04, 0.04], np.float32)),
            self._spot(ellipse(eye + [0.002, -0.0022], (0.0012, 0.0012)), np.array([1, 1, 1], np.float32)),
            self._spot(_lid(eye, 0.015, 0.0068), np.array([0.1, 0.07, 0.06], np.float32)),
            self._spot(_brow(eye, side), brow * 0.8 + skin * 0.2, 0.7),
            self._spot(ellipse((self.aside * 1.3 + side * 0.006, 0.0378), (0.0026, 0.0013)), skin * 0.52),
        ]

    def _mouth(self, skin: np.ndarray) -> list[Layer]:
        lips = skin * [0.9, 0.64, 0.64] * (1 - 0.12 * self.person.lips) + np.array([0.1, -0.04, -0.02]) * self.person.lips
        x = np.linspace(-1, 1, 25)
        smile = -0.0042 * x**2
        at = np.stack([self.aside * 1.15 + x * 0.0215, 0.0605 + smile], -1)
        zero = np.zeros_like(x)
        bow = np.stack([zero, -0.0066 * (1 - x**2) * (1 - 0.35 * np.exp(-((x / 0.16) ** 2)))], -1)
        under = np.stack([zero, 0.0088 * (1 - x**2) ** 0.8], -1)
        line = np.stack([zero, 0.0012 * (1 - x**2)], -1)
        return [
            self._spot(np.concatenate([at + bow, (at + line)[::-1]]), lips * 0.9),
            self._spot(np.concatenate([at + line, (at + under)[::-1]]), lips),
            self._spot(np.concatenate([at + line * 0.4, (at + line * 1.8)[::-1]]), lips * 0.6),
        ]

    # Before ----------------------------------------------------------------------------------------------------------

    def before(self) -> list[Layer]:
        """Hair over the forehead, beside the face, over the shoulders."""
        style = self.person.hair_style
        layers = [self._cap()]
        if style == "curly":
            curled = np.sin(self.x * 210 + np.sin(self.y * 170) * 1.8) * np.sin(self.y * 190 + np.sin(self.x * 150) * 1.8)
            colour = self._hair(self.x / 0.05 + 0.5 * curled, 1 + 0.22 * curled)
            layers.append(self._layer(self._side_curls(), colour, ParseClass.HAIR, shadow=0.25))
        elif style == "long":
            layers += [self._lock(side, self.rng.uniform(0.17, 0.23)) for side in (-1, 1)]
        elif style == "bob":
            layers += [self._lock(side, 0.102) for side in (-1, 1)]
        elif style == "one side":
            fuller = -1 if self.person.parting > 0 else 1
            layers += [self._lock(-fuller, 0.09), self._lock(fuller, self.rng.uniform(0.17, 0.23))]
        return layers

    @cached_property
    def part(self) -> float:
        """Where the hair is parted."""
        return self.person.parting * 0.035 + self.aside * 0.5

    def _cap(self) -> Layer:
        angle = np.linspace(1.06 * np.pi, -0.06 * np.pi, 60)
        outer = np.stack([np.cos(angle) * 0.072, -0.012 - np.sin(angle) * 0.1], -1)
        x = np.linspace(0.0675, -0.0675, 60)
        rise = np.clip(np.abs(x - self.part) / 0.07, 0, 1.3)
        hairline = -0.076 + 0.058 * rise**1.7
        if self.person.fringe:
            cut = -0.026 + 0.004 * np.cos(x * 420) + 0.4 * np.abs(x) ** 1.5
            hairline = np.where(np.abs(x) < 0.05, cut, hairline)
        temples = np.where(np.abs(x) > 0.054, (np.abs(x) - 0.054) * 2.6, 0)
        shape = np.concatenate([outer, np.stack([x, np.minimum(hairline + temples, 0.012)], -1)])
        fan = np.arctan2(self.x - self.part, self.y + 0.135) * 1.7
        shine = 1 + 0.28 * np.exp(-(((self.y + 0.075 + 0.25 * np.abs(self.x)) / 0.016) ** 2))
        return self._layer([shape], self._hair(fan, 0.92 * shine), ParseClass.HAIR, shadow=0.3)

    def _side_curls(self) -> list[np.ndarray]:
        shapes = []
        for side in (-1, 1):
            for y in np.linspace(-0.055, 0.1, 15):
                x = side * (0.064 + 0.012 * np.sin((y + 0.05) * 22) + self.rng.uniform(-0.007, 0.011))
                radius = self.rng.uniform(0.011, 0.018)
                shapes.append(ellipse((x, y), (radius, radius)))
        return shapes

    def _lock(self, side: int, low: float) -> Layer:
        """Hair from the parting down one side of the face, to y = `low`."""
        knots = [(self.part + side * 0.006, -0.1), (side * 0.051, -0.08), (side * 0.068, -0.02), (side * 0.0695, 0.06)]
        widths: list[tuple[float, float]] = [(0, 0.007), (0.12, 0.014), (0.3, 0.0135), (0.6, 0.018), (0.85, 0.02), (1, 0.007)]
        knots += [(side * 0.083, 0.13), (side * 0.075, low)] if low > 0.12 else [(side * 0.062, low)]
        strip = ribbon(self.place(np.array(knots)), side, rounding=0.06 * self.size)
        mesh = strip.mesh(curve(*widths)(strip.along) * self.size)
        part = window(self.whole, mesh)
        s, t = survey(part, mesh, np.linspace(-1, 1, mesh.shape[1])[None], strip.along[:, None])
        depth = (1 - 0.22 * np.abs(s) ** 3) * (1 + 0.1 * np.sin(t * 9 + 1))
        return Layer(part, cover(part, mesh), self._hair(s * 0.9 + 0.12 * np.sin(t * 5), depth), ParseClass.HAIR, shadow=0.3)


def _bump(x: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-((x / np.float32(width)) ** 2))


def _mass(low: float, wide: float, end: float) -> np.ndarray:
    y = np.linspace(-0.03, low, 24)
    width = wide + (end - wide) * (y + 0.03) / (low + 0.03) + 0.004 * np.sin(y * 40)
    width = width * np.sqrt(np.clip((low + 0.004 - y) / 0.03, 0, 1))
    return np.concatenate([np.stack([width, y], -1), np.stack([-width, y], -1)[::-1]])


def _almond(middle: np.ndarray, wide: float, high: float) -> np.ndarray:
    x = np.linspace(-1, 1, 21)
    upper, lower = -high * (1 - x**2) ** 0.9, high * 0.75 * (1 - x**2)
    return middle + np.concatenate([np.stack([x * wide, upper], -1), np.stack([x * wide, lower], -1)[::-1]])


def _lid(middle: np.ndarray, wide: float, high: float) -> np.ndarray:
    x = np.linspace(-1, 1, 21)
    line = -high * (1 - x**2) ** 0.9
    thick = 0.0006 + 0.0016 * (1 - x**2)
    return middle + np.concatenate([np.stack([x * wide, line - thick], -1), np.stack([x * wide, line + 0.0004], -1)[::-1]])


def _brow(eye: np.ndarray, side: int) -> np.ndarray:
    x = np.linspace(-1, 1, 17)
    arch = -0.0163 - 0.0042 * (1 - (x - 0.15) ** 2)
    thick = 0.0019 * (1.15 - 0.75 * np.clip(x, -0.4, 1))
    across = side * x * 0.0165
    return eye + np.concatenate([np.stack([across, arch - thick], -1), np.stack([across, arch + thick], -1)[::-1]])
