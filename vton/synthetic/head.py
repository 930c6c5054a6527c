"""A person's head: hair behind, face, hair before, as layers to paint.

Places on the head are in its own frame: from the middle of the face, x to the right of the photo, y down, for a body of scale 1.
"""

from dataclasses import dataclass

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.body import Body
from vton.synthetic.geometry import Frame, Ribbon, coverage, curve, ellipse, quads, rasterise, ribbon, smoothstep, spread

FACE = curve(
    (-0.1, 0.004), (-0.092, 0.028), (-0.072, 0.048), (-0.04, 0.0575), (0.0, 0.0585), (0.03, 0.0545), (0.055, 0.046),
    (0.075, 0.0345), (0.09, 0.021), (0.0975, 0.009), (0.0985, 0.003),
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """Something to paint: its share of each pixel, its colour, what the parse calls it (None: as what lies below)."""

    alpha: np.ndarray  # float32 (H, W)
    colour: np.ndarray  # float32 (H, W, 3) or (3,)
    label: ParseClass | None = None
    shadow: float = 0.0  # how much it darkens what lies below, around it


class Head:
    """The layers of one person's head in one frame."""

    def __init__(self, body: Body, frame: Frame) -> None:
        self.body, self.frame, self.person = body, frame, body.person
        self.middle, self.turn = body.head_frame()
        x, y = frame.pixels()
        away = np.stack(np.broadcast_arrays(x - self.middle[0], y - self.middle[1]), -1)
        local = (away @ self.turn.T / self.person.scale).astype(np.float32)
        self.x, self.y = local[..., 0], local[..., 1]
        self.aside = self.person.turn * 0.011
        rng = np.random.default_rng([self.person.seed, 2])
        self._waves = rng.uniform(0.6, 1.6, 7) * np.array([3, 5, 9, 14, 22, 31, 45])
        self._phases = rng.uniform(0, 2 * np.pi, 7)
        self.rng = rng

    def place(self, points: np.ndarray) -> np.ndarray:
        """From the head's frame to units of the photo."""
        return self.middle + np.asarray(points, float) * self.person.scale @ self.turn

    def fill(self, *polygons: np.ndarray) -> np.ndarray:
        """Share of each pixel inside polygons of the head's frame."""
        return coverage(self.frame, [self.place(polygon) for polygon in polygons])

    def _strands(self, across: np.ndarray) -> np.ndarray:
        """Light and dark along hair, by the place across it (about -1 to 1)."""
        waves = [np.sin(across * wave + phase) for wave, phase in zip(self._waves, self._phases, strict=True)]
        return sum(waves) / 7  # type: ignore[return-value]

    def _hair(self, across: np.ndarray, depth: np.ndarray | float = 1.0) -> np.ndarray:
        shine = 1 + 0.34 * self._strands(across) + 0.12 * self.person.light * np.clip(self.x / 0.08, -1, 1)
        light = np.clip(shine * depth, 0.3, 1.7)[..., None]
        return np.clip(np.array(self.person.hair, np.float32) * light + 0.035 * (light - 0.7), 0, 1).astype(np.float32)

    # Behind ----------------------------------------------------------------------------------------------------------

    def behind(self) -> list[Layer]:
        """Hair behind neck and shoulders."""
        style = self.person.hair_style
        skull = ellipse((0, -0.012), (0.0715, 0.099))
        shapes = [skull]
        if style in ("long", "one side"):
            shapes.append(_mass(0.235, 0.074, 0.07))
        elif style == "bob":
            shapes.append(_mass(0.1, 0.078, 0.074))
        elif style == "updo":
            shapes.append(ellipse((self.aside * -1.2, -0.118), (0.036, 0.03)))
        elif style == "curly":
            shapes += self._curls(46, 0.105)
        alpha = self.fill(*shapes)
        return [Layer(alpha, self._hair(self.x / 0.08, 0.62), ParseClass.HAIR)]

    def _curls(self, count: int, low: float) -> list[np.ndarray]:
        angle = self.rng.uniform(-0.15 * np.pi, 1.15 * np.pi, count)
        radius = self.rng.uniform(0.062, 0.085, count)
        at = np.stack([np.cos(angle) * radius, -0.012 - np.sin(angle) * radius * 1.18], -1)
        sides = np.stack(
            [self.rng.choice([-1, 1], count) * self.rng.uniform(0.055, 0.09, count), self.rng.uniform(-0.02, low, count)], -1
        )
        return [
            ellipse(place, (r, r)) for place, r in zip([*at, *sides], self.rng.uniform(0.014, 0.024, 2 * count), strict=True)
        ]

    # Face ------------------------------------------------------------------------------------------------------------

    def face(self) -> list[Layer]:
        """Ears, face and what is in it."""
        y = np.concatenate([np.linspace(-0.1, 0.08, 40), np.linspace(0.083, 0.0985, 14)])
        width = FACE(y)
        shape = np.concatenate([np.stack([width, y], -1), np.stack([-width, y], -1)[::-1]])
        skin = np.array(self.person.skin, np.float32)
        layers = []
        if self.person.hair_style in ("updo", "tied back"):
            ears = self.fill(
                *(ellipse((side * 0.06 - self.aside * 0.3, 0.014), (0.0085, 0.017), side * 0.15) for side in (-1, 1))
            )
            layers.append(Layer(ears, skin * 0.88, ParseClass.FACE))
        layers.append(Layer(self.fill(shape), self._skin(skin), ParseClass.FACE, shadow=0.3))
        return layers + self._features(skin)

    def _skin(self, skin: np.ndarray) -> np.ndarray:
        x, y = self.x, self.y
        light = 1.03 - 0.15 * np.clip(np.abs(x) / 0.06, 0, 1.2) ** 3 + 0.07 * self.person.light * np.clip(x / 0.06, -1, 1)
        light = light - 0.09 * smoothstep(y, 0.07, 0.105) - 0.05 * smoothstep(-y, 0.045, 0.09)
        colour = skin * light[..., None]
        for side in (-1, 1):
            blush = np.exp(-(((x - side * 0.034 - self.aside * 0.6) / 0.014) ** 2 + ((y - 0.034) / 0.012) ** 2))
            colour = colour + blush[..., None] * np.array([0.035, -0.025, -0.02])
            socket = np.exp(-(((x - side * 0.0265 - self.aside) / 0.015) ** 2 + ((y + 0.004) / 0.009) ** 2))
            colour = colour * (1 - 0.12 * socket[..., None])
        nose = np.exp(-(((x - self.aside * 1.25 + 0.006 * self.person.light) / 0.0045) ** 2 + ((y - 0.02) / 0.02) ** 2))
        below = np.exp(-(((x - self.aside * 1.3) / 0.011) ** 2 + ((y - 0.0395) / 0.0035) ** 2))
        lip = np.exp(-(((x - self.aside * 1.1) / 0.012) ** 2 + ((y - 0.0735) / 0.004) ** 2))
        colour = colour * (1 + 0.05 * nose - 0.17 * below - 0.09 * lip)[..., None]
        return np.clip(colour, 0, 1).astype(np.float32)

    def _features(self, skin: np.ndarray) -> list[Layer]:
        dark = np.array(self.person.hair, np.float32) * 0.55
        lips = skin * [0.86, 0.55, 0.55] * (1 - 0.25 * self.person.lips) + np.array([0.1, 0.0, 0.02]) * self.person.lips
        layers = []
        for side in (-1, 1):
            eye = np.array([side * 0.0265 + self.aside, 0.001])
            layers += [
                Layer(self.fill(_almond(eye, 0.0125, 0.0055)), np.array([0.96, 0.95, 0.94], np.float32)),
                Layer(
                    self.fill(ellipse(eye + [self.aside * 0.12, -0.0003], (0.0052, 0.0052))),
                    np.array(self.person.eyes, np.float32),
                ),
                Layer(self.fill(ellipse(eye + [self.aside * 0.12, -0.0003], (0.0025, 0.0025))), np.float32([0.05, 0.04, 0.04])),
                Layer(self.fill(ellipse(eye + [0.0018, -0.002], (0.0011, 0.0011))), np.float32([1, 1, 1])),
                Layer(self.fill(_lid(eye, 0.0138, 0.0062)), np.array([0.1, 0.07, 0.06], np.float32)),
                Layer(self.fill(_brow(eye, side)) * 0.8, dark * 0.8 + skin * 0.15),
                Layer(self.fill(ellipse((self.aside * 1.3 + side * 0.0058, 0.0375), (0.0024, 0.0013))), skin * 0.52),
            ]
        x = np.linspace(-1, 1, 25)
        at = np.stack([self.aside * 1.15 + x * 0.0205, np.full_like(x, 0.0595)], -1)
        zero = np.zeros_like(x)
        bow = np.stack([zero, -0.0068 * (1 - x**2) * (1 - 0.35 * np.exp(-((x / 0.16) ** 2)))], -1)
        under = np.stack([zero, 0.0088 * (1 - x**2) ** 0.8], -1)
        line = np.stack([zero, 0.0012 * (1 - x**2)], -1)
        layers += [
            Layer(self.fill(np.concatenate([at + bow, (at + line)[::-1]])), (lips * 0.9).astype(np.float32)),
            Layer(self.fill(np.concatenate([at + line, (at + under)[::-1]])), lips.astype(np.float32)),
            Layer(self.fill(np.concatenate([at + line * 0.4, (at + line * 1.8)[::-1]])), (lips * 0.55).astype(np.float32)),
        ]
        return layers

    # Before ----------------------------------------------------------------------------------------------------------

    def before(self) -> list[Layer]:
        """Hair over the forehead, beside the face, over the shoulders."""
        style, person = self.person.hair_style, self.person
        part = person.parting * 0.035 + self.aside * 0.5
        layers = [self._cap(part)]
        if style == "curly":
            alpha = self.fill(*self._side_curls())
            layers.append(Layer(alpha, self._hair(self.x / 0.02 + self.y / 0.02), ParseClass.HAIR, shadow=0.25))
        sides = {"long": (-1, 1), "bob": (-1, 1), "one side": (-1 if person.parting > 0 else 1,)}.get(style, ())
        for side in sides:
            layers.append(self._lock(side, part, 0.1 if style == "bob" else 0.215 + 0.05 * abs(person.parting)))
        if style == "one side":
            layers.append(self._lock(-sides[0], part, 0.085))
        return layers

    def _cap(self, part: float) -> Layer:
        angle = np.linspace(1.06 * np.pi, -0.06 * np.pi, 60)
        outer = np.stack([np.cos(angle) * 0.0705, -0.012 - np.sin(angle) * 0.1], -1)
        x = np.linspace(0.0655, -0.0655, 60)
        rise = np.clip(np.abs(x - part) / 0.07, 0, 1.3)
        hairline = -0.082 + 0.062 * rise**1.7
        if self.person.fringe:
            hairline = np.where(np.abs(x) < 0.05, -0.024 + 0.004 * np.cos(x * 420) + 0.4 * np.abs(x) ** 1.5, hairline)
        temples = np.where(np.abs(x) > 0.052, (np.abs(x) - 0.052) * 2.6, 0)
        shape = np.concatenate([outer, np.stack([x, np.minimum(hairline + temples, 0.012)], -1)])
        fan = np.arctan2(self.x - part, self.y + 0.135) * 1.7
        shine = 1 + 0.28 * np.exp(-(((self.y + 0.075 + 0.25 * np.abs(self.x)) / 0.016) ** 2))
        return Layer(self.fill(shape), self._hair(fan, 0.92 * shine), ParseClass.HAIR, shadow=0.3)

    def _side_curls(self) -> list[np.ndarray]:
        shapes = []
        for side in (-1, 1):
            for y in np.linspace(-0.055, 0.1, 15):
                x = side * (0.062 + 0.012 * np.sin((y + 0.05) * 22) + self.rng.uniform(-0.007, 0.011))
                radius = self.rng.uniform(0.011, 0.018)
                shapes.append(ellipse((x, y), (radius, radius)))
        return shapes

    def _lock(self, side: int, part: float, low: float) -> Layer:
        knots = [(part + side * 0.006, -0.103), (side * 0.05, -0.082), (side * 0.0665, -0.02), (side * 0.068, 0.06)]
        widths: list[tuple[float, float]] = [(0, 0.007), (0.12, 0.014), (0.3, 0.0135), (0.6, 0.018), (0.85, 0.019), (1, 0.007)]
        if low > 0.12:
            knots += [(side * 0.082, 0.13), (side * 0.074, low)]
        else:
            knots += [(side * 0.06, low)]
        strip = ribbon(self.place(np.array(knots)), side, rounding=0.06 * self.person.scale)
        return self._strip(strip, curve(*widths)(strip.along) * self.person.scale)

    def _strip(self, strip: Ribbon, half_width: np.ndarray) -> Layer:
        mesh = strip.mesh(half_width)
        across = np.broadcast_to(np.linspace(-1, 1, mesh.shape[1]), mesh.shape[:2])
        along = np.broadcast_to(strip.along[:, None], mesh.shape[:2])
        values, covered = rasterise(self.frame, mesh, np.dstack([across, along]))
        values = spread(values, covered)
        s, t = values[..., 0], values[..., 1]
        depth = (1 - 0.22 * np.abs(s) ** 3) * (1 + 0.1 * np.sin(t * 9 + 1))
        return Layer(
            coverage(self.frame, quads(mesh)), self._hair(s * 0.9 + 0.12 * np.sin(t * 5), depth), ParseClass.HAIR, shadow=0.3
        )


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
    arch = -0.0165 - 0.0035 * (1 - (x - 0.3) ** 2)
    thick = 0.0018 * (1.15 - 0.75 * np.clip(x, -0.4, 1))
    across = side * x * 0.0165
    return eye + np.concatenate([np.stack([across, arch - thick], -1), np.stack([across, arch + thick], -1)[::-1]])
