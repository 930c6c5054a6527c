"""What is worn: a garment drawn by lot, as meshes with two shapes, at rest and on a body.

A garment has a torso piece and, where it has sleeves, one piece a side. The torso's vertices are places (u, q) as on a body
(see `body`); a sleeve's are (t, s): t from the armhole, 0, to the cuff, 1; s from the inner edge, -1, to the outer one, 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from vton.synthetic.body import ARMPIT, BUST, FOREARM, HIP, UPPER_ARM, WAIST, Body, Colour
from vton.synthetic.geometry import areas, curve, smoothstep

Neckline = Literal["round", "V", "boat", "scoop", "square", "high"]
Sleeves = Literal["none", "straps", "short", "elbow", "long"]
Weave = Literal["plain", "stripes", "upright stripes", "checks", "gingham", "dots", "flowers", "blocks", "rib", "heather"]
Print = Literal["none", "logo", "lettering", "placket", "pocket", "panel"]

COLUMNS_OUTSIDE, COLUMNS_INSIDE, ROWS = 9, 17, 34  # of the torso's mesh: beside and within the neckline
SLEEVE_ROWS, SLEEVE_COLUMNS = 44, 17
SLEEVE_PLACES = np.meshgrid(np.linspace(-1, 1, SLEEVE_COLUMNS), np.linspace(0, 1, SLEEVE_ROWS))  # s and t
ARM_LENGTH = UPPER_ARM + FOREARM
COLLAR = 0.046  # half-width of a high neckline
ARMPIT_ALONG = 0.13  # share of the arm
GATHERED = 0.02  # below the waistband's edge


@dataclass(frozen=True)
class Garment:
    """All that is drawn by lot about a garment; lengths in units of a standard body."""

    seed: int  # of its own print and folds
    neckline: Neckline
    neck_depth: float  # q of the neckline's lowest place
    neck_width: float  # half of it
    sleeves: Sleeves
    sleeve_length: float  # share of the arm
    sleeve_angle: float  # radians from straight down, at rest
    cuff: float  # half-width
    armhole: float  # q of the underarm
    shoulder: float  # half-width at the shoulder
    ease: float  # width / the standard body's
    shaping: float  # 0 is a box, 1 follows the waist
    hem: float  # q
    hem_curve: float  # how much lower the hem hangs in the middle
    flare: float
    weave: Weave
    print: Print
    colour: Colour
    accent: Colour
    third: Colour
    pitch: float  # of the weave's pattern
    trimmed: bool  # collar and cuffs in the accent colour
    photo_scale: float  # of the garment in its photo / filling it
    photo_shift: tuple[float, float]


COLOURS: tuple[Colour, ...] = (
    (0.95, 0.94, 0.92), (0.12, 0.12, 0.14), (0.15, 0.19, 0.34), (0.78, 0.15, 0.17), (0.91, 0.73, 0.27), (0.22, 0.42, 0.34),
    (0.93, 0.70, 0.70), (0.45, 0.62, 0.80), (0.55, 0.16, 0.26), (0.80, 0.71, 0.58), (0.49, 0.50, 0.53), (0.87, 0.44, 0.27),
    (0.46, 0.36, 0.58), (0.62, 0.76, 0.68), (0.20, 0.45, 0.62), (0.96, 0.89, 0.76),
)  # fmt: skip


def _contrasting(rng: np.random.Generator, *others: Colour) -> Colour:
    """A colour that can be told from the others."""
    away = [min(np.abs(np.subtract(colour, other)).sum() for other in others) for colour in COLOURS]
    choice = [colour for colour, distance in zip(COLOURS, away, strict=True) if distance > 0.55]
    return choice[rng.integers(len(choice))] if choice else COLOURS[int(np.argmax(away))]


def draw_garment(rng: np.random.Generator) -> Garment:
    """A garment by lot."""
    sleeves: Sleeves = rng.choice(["none", "straps", "short", "elbow", "long"], p=[0.09, 0.05, 0.29, 0.12, 0.45])
    necklines = ["scoop", "V", "square"] if sleeves == "straps" else ["round", "V", "boat", "scoop", "square", "high"]
    neckline: Neckline = rng.choice(necklines, p=None if sleeves == "straps" else [0.32, 0.22, 0.12, 0.14, 0.08, 0.12])
    depth, width = {
        "round": ((0.0, 0.028), (0.053, 0.065)),
        "V": ((0.065, 0.115), (0.054, 0.067)),
        "boat": ((-0.018, -0.004), (0.078, 0.092)),
        "scoop": ((0.045, 0.085), (0.063, 0.08)),
        "square": ((0.045, 0.08), (0.066, 0.082)),
        "high": ((-0.084, -0.066), (0.058, 0.06)),
    }[neckline]
    fit = rng.choice(["tight", "normal", "loose"], p=[0.3, 0.42, 0.28])
    weaves: list[Weave] = [
        "plain",
        "stripes",
        "upright stripes",
        "checks",
        "gingham",
        "dots",
        "flowers",
        "blocks",
        "rib",
        "heather",
    ]
    weave: Weave = rng.choice(weaves, p=[0.16, 0.17, 0.09, 0.08, 0.07, 0.11, 0.12, 0.05, 0.06, 0.09])
    calm = weave in ("plain", "heather", "rib", "blocks")
    prints: list[Print] = ["none", "logo", "lettering", "placket", "pocket", "panel"]
    chance = [0.12, 0.24, 0.24, 0.16, 0.1, 0.14] if calm else [0.68, 0.0, 0.0, 0.22, 0.1, 0.0]
    colour = COLOURS[rng.integers(len(COLOURS))]
    accent = _contrasting(rng, colour)
    tint = rng.uniform(0.93, 1.05, 3)
    red, green, blue = np.clip(np.array(colour) * tint, 0, 0.97).tolist()
    wide = dict(tight=(0.96, 1.03), normal=(1.06, 1.15), loose=(1.2, 1.36))[fit]
    narrow = dict(tight=0.031, normal=0.037, loose=0.047)[fit]
    return Garment(
        seed=int(rng.integers(2**31)),
        neckline=neckline,
        neck_depth=rng.uniform(*depth),
        neck_width=rng.uniform(*width),
        sleeves=sleeves,
        sleeve_length=dict(
            none=0, straps=0, short=rng.uniform(0.24, 0.4), elbow=rng.uniform(0.48, 0.66), long=rng.uniform(0.93, 1.0)
        )[sleeves],
        sleeve_angle=np.radians(rng.uniform(15, 23) if sleeves == "long" else rng.uniform(33, 47)),
        cuff=dict(none=0.0, straps=0.0, short=narrow + 0.008, elbow=narrow + 0.003, long=narrow * 0.62 + 0.006)[sleeves],
        armhole=ARMPIT
        + dict(tight=0.0, normal=0.008, loose=0.022)[fit]
        + rng.uniform(0, 0.006)
        + (0.012 if sleeves == "none" else 0),
        shoulder=dict(none=rng.uniform(0.097, 0.109), straps=0.088).get(sleeves, 0.122 + (0.01 if fit == "loose" else 0)),
        ease=rng.uniform(*wide),
        shaping=dict(tight=rng.uniform(0.7, 1), normal=rng.uniform(0.3, 0.7), loose=rng.uniform(0, 0.15))[fit],
        hem=rng.choice(
            [rng.uniform(0.25, 0.28), rng.uniform(0.315, 0.365), rng.uniform(0.38, 0.43)],
            p=[0.0, 0.7, 0.3] if sleeves in ("none", "straps") else [0.17, 0.53, 0.3],
        ),
        hem_curve=rng.choice([0.0, 0.006, 0.018], p=[0.3, 0.5, 0.2]),
        flare=rng.choice([0.0, 0.012, 0.035], p=[0.55, 0.3, 0.15]),
        weave=weave,
        print=rng.choice(prints, p=chance)
        if neckline != "V" or not calm
        else rng.choice(["none", "pocket", "panel", "placket"]),
        colour=(red, green, blue),
        accent=accent,
        third=_contrasting(rng, colour, accent),
        pitch=rng.uniform(0.75, 1.35),
        trimmed=bool(rng.random() < 0.22),
        photo_scale=rng.uniform(0.84, 0.97),
        photo_shift=(rng.uniform(-0.012, 0.012), rng.uniform(-0.015, 0.015)),
    )


@dataclass(frozen=True)
class Piece:
    """One mesh of a garment; all arrays start with (rows, columns)."""

    name: Literal["torso", "right sleeve", "left sleeve"]
    rest: np.ndarray  # (..., 2) flat, before it is placed in the photo
    fabric: np.ndarray  # (..., 2) where it was cut from the cloth
    across: np.ndarray  # (...) -1 to 1 from edge to edge
    down: np.ndarray  # (...) length from the neckline or armhole
    up: np.ndarray  # (...) length to the hem or cuff

    @property
    def side(self) -> int:
        """Where it is in the photo: -1 left, 0 middle, 1 right."""
        return {"torso": 0, "right sleeve": -1, "left sleeve": 1}[self.name]


class Pattern:
    """A garment's pieces, at rest and worn."""

    def __init__(self, garment: Garment) -> None:
        self.garment = g = garment
        bust, waist, hip = 0.116 * g.ease, 0.098 * g.ease, 0.13 * max(g.ease, 1.0)
        box = max(bust, 0.122 * g.ease)
        self._body_width = curve(
            (g.armhole, bust * 0.99),
            (BUST + 0.02, bust),
            (WAIST, waist * g.shaping + box * (1 - g.shaping) + g.flare * 0.3),
            (HIP, hip * g.shaping + box * (1 - g.shaping) + g.flare),
            (0.6, hip * g.shaping + box * (1 - g.shaping) + g.flare * 1.5),
        )
        if g.sleeves in ("none", "straps"):
            halfway = g.shoulder - (0.008 if g.sleeves == "none" else 0.003)
        else:
            halfway = g.shoulder + 0.4 * (bust * 0.99 - g.shoulder) - 0.002
        self._shoulder_width = curve((-0.02, g.shoulder), (g.armhole * 0.5, halfway), (g.armhole, bust * 0.99))

    def half_width(self, q: np.ndarray) -> np.ndarray:
        """Of the flat garment, from edge to middle."""
        q, armhole = np.asarray(q, float), self.garment.armhole
        return np.where(q < armhole, self._shoulder_width(np.clip(q, -0.02, None)), self._body_width(np.clip(q, armhole, 0.6)))

    def across(self, u: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Where u lies at level q, as a share of the half-width: beside a neckline, u runs from its edge to the shoulder's."""
        g, n = self.garment, self.neck_u
        edge = COLLAR if g.neckline == "high" else n * g.shoulder
        low = max(g.neck_depth, -0.04)
        width = self.half_width(q)
        neck = (edge + (n * width - edge) * smoothstep(q, low, low + 0.3)) / width
        inside = np.abs(u) / n * neck
        outside = neck + (1 - neck) * (np.abs(u) - n) / (1 - n)
        return np.sign(u) * np.where(np.abs(u) < n, inside, outside)

    @cached_property
    def neck_u(self) -> float:
        """The neckline's half-width as a share of the shoulder's."""
        return min(self.garment.neck_width / self.garment.shoulder, 0.78)

    def neckline(self, u: np.ndarray) -> np.ndarray:
        """q of the upper edge at `u`: the neckline, and the shoulder beside it."""
        g, n = self.garment, self.neck_u
        tip, top = -0.016, -0.016 - 0.034 * (g.shoulder - g.neck_width) / 0.064
        if g.neckline == "high":
            top = -0.046
        inside = np.clip(np.abs(u) / n, 0, 1)
        shape: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "round": lambda x: 1 - np.sqrt(1 - 0.998 * x**2.4),
            "scoop": lambda x: 1 - np.sqrt(1 - 0.998 * x**3),
            "V": lambda x: x**1.12,
            "boat": lambda x: x**2.2,
            "square": lambda x: smoothstep(x, 0.8, 1.0),
            "high": lambda x: np.zeros_like(x),
        }
        front = g.neck_depth + (top - g.neck_depth) * shape[g.neckline](inside)
        beside = top + (tip - top) * np.clip((np.abs(u) - n) / (1 - n), 0, 1) ** 0.9
        return np.where(np.abs(u) < n - 1e-9, front, beside)

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """u and q of the torso's vertices, (rows, columns)."""
        g, n = self.garment, self.neck_u
        inner = np.sin(np.linspace(-1.2, 1.2, COLUMNS_INSIDE)) / np.sin(1.2) * n
        outer = np.linspace(n, 1, COLUMNS_OUTSIDE)
        columns = np.concatenate([-outer[::-1], inner[1:-1], outer])
        u, share = np.meshgrid(columns, np.linspace(0, 1, ROWS))
        top = self.neckline(columns)
        hem = g.hem + g.hem_curve * (1 - columns**2)
        return u, top + (hem - top) * share

    def torso(self) -> Piece:
        u, q = self.places
        flat = np.stack([self.across(u, q) * self.half_width(q), q], -1)
        return Piece("torso", flat, flat, u, q - q[:1], q[-1:] - q)

    def armhole(self, across: np.ndarray) -> np.ndarray:
        """q along the armhole for s from -1 (underarm) to 1 (shoulder)."""
        tip = float(self.neckline(np.array(1.0)))
        return self.garment.armhole + (tip - self.garment.armhole) * (across + 1) / 2

    def _cuff(self, angle: float) -> Callable[[np.ndarray], np.ndarray]:
        """Where the cuff's s is when the left sleeve lies at `angle`."""
        g = self.garment
        along = np.array([np.sin(angle), np.cos(angle)])
        outward = np.array([along[1], -along[0]])
        hole = np.array([(g.shoulder + self.half_width(np.array(g.armhole))) / 2, self.armhole(np.array(0.0))])
        end = hole + along * g.sleeve_length * ARM_LENGTH * 0.85
        return lambda s: end + outward * (s * g.cuff)[..., None]

    def _flat_sleeve(self, angle: float) -> np.ndarray:
        s, t = SLEEVE_PLACES
        hole = np.stack([self.half_width(self.armhole(s)), self.armhole(s)], -1)
        return hole + (self._cuff(angle)(s) - hole) * t[..., None]

    @cached_property
    def sleeve_angle(self) -> float:
        """As drawn by lot, or as much more as it takes for the sleeves to lie flat, beside the torso, hiding nothing of it."""
        g = self.garment
        underarm = np.array([self.half_width(np.array(g.armhole)), g.armhole])
        share = np.linspace(0.1, 1, 20)[:, None]
        for angle in np.arange(g.sleeve_angle, np.pi / 3, 0.015):
            x, y = (underarm + (self._cuff(angle)(np.array(-1.0)) - underarm) * share).T
            beside = (x > self.half_width(y) + 0.002 + 0.005 * share[:, 0])[y < g.hem + 0.01].all()
            if beside and (areas(self._flat_sleeve(angle)) < 0).all():
                return float(angle)
        return np.pi / 3

    def sleeve(self, side: int) -> Piece:
        g = self.garment
        s, t = SLEEVE_PLACES
        length = g.sleeve_length * ARM_LENGTH
        flat = self._flat_sleeve(self.sleeve_angle)
        width = g.cuff + (0.5 * (g.armhole + 0.018) - g.cuff) * (1 - t)
        fabric = np.stack([s * width * side + 0.36 * side, 0.03 + t * length], -1)
        return Piece("left sleeve" if side > 0 else "right sleeve", flat * [side, 1], fabric, s, t * length, (1 - t) * length)

    @cached_property
    def pieces(self) -> list[Piece]:
        """Torso first; sleeves lie over it."""
        return [self.torso()] + ([self.sleeve(-1), self.sleeve(1)] if self.garment.sleeve_length else [])

    def worn(self, piece: Piece, body: Body) -> np.ndarray:
        """Where the piece's vertices are on `body`, in units."""
        return self._worn_torso(body) if piece.side == 0 else self._worn_sleeve(piece, body)

    def _worn_width(self, q: np.ndarray, body: Body) -> np.ndarray:
        """Half-width on the body: what hangs hangs, what is tight is stretched; shoulders are the person's."""
        flat = self.half_width(q) * body.person.shoulders
        hanging = np.maximum(self.half_width(np.clip(q, self.garment.armhole, None)) * 0.95, body.half_width(q) * 1.025)
        width = flat + (hanging - flat) * smoothstep(q, self.garment.armhole * 0.55, self.garment.armhole * 1.15)
        if not body.person.tucked:
            return width
        band = body.person.waistband
        return width + (body.half_width(q) * 1.005 - width) * smoothstep(q, band - 0.055, band + 0.012)

    def _worn_torso(self, body: Body) -> np.ndarray:
        g, person = self.garment, body.person
        u, q = self.places
        u = self.across(u, q)
        if person.tucked:  # what goes into the waistband is gathered there
            low = person.waistband + GATHERED
            q = np.where(q > low, low + (q - low) * 0.12, q)
        across = body.turned(u, q) * self._worn_width(q, body)
        rng = np.random.default_rng([g.seed, person.seed])
        wave, phase = rng.uniform(3, 5), rng.uniform(0, 6)
        loose = smoothstep(q, 0.12, g.hem) * (g.ease - 0.9)
        across = across + np.sin(u * wave + phase) * 0.008 * loose * (1 - u**2)
        chest = np.exp(-(((q - BUST) / 0.05) ** 2)) * 0.004 * (1 - u**2)  # cloth goes the longer way over the bust
        hang = np.sin(u * wave * 1.7 + phase) * 0.006 * loose - 0.012 * smoothstep(q, 0.15, g.hem) * u**2 * (g.ease - 0.9)
        return body.place(across, q * 0.985 + chest + hang)

    def _worn_sleeve(self, piece: Piece, body: Body) -> np.ndarray:
        g, side = self.garment, piece.side
        t, s = piece.down[:, 0] / piece.down[-1, 0], piece.across[0]
        q = self.armhole(s)
        arm = body.arms[side].part(0, min(g.sleeve_length, 1.0), SLEEVE_ROWS)
        hole = body.place(side * self._worn_width(q, body), q * 0.985)
        bare = body.arms[side].part(ARMPIT_ALONG, 1.0)  # a wide underarm lies behind the arm: the sleeve starts at the armpit
        away = bare.centre[0] - bare.normal[0] * body.arm_half_width(bare.along[:1]) - hole[0]
        away = np.array([side * min(side * away[0], 0.0), min(away[1], 0.0)])
        hole = hole + away * smoothstep(-s, -0.7, 1.0)[:, None]
        flat_width = g.cuff + (0.5 * (g.armhole + 0.018) - g.cuff) * (1 - t)
        width = np.maximum(body.arm_half_width(arm.along) * 1.07, flat_width * 0.86 * body.person.scale)
        folds = np.sin(arm.along * 38 + g.seed % 7) * 0.0012 * smoothstep(arm.along, 0.2, 0.4) * g.ease
        full = width - body.arm_half_width(arm.along) * 1.07  # what is too wide hangs below the arm, not above it
        hanging = arm.mesh(width + folds, SLEEVE_COLUMNS)
        hanging -= arm.normal[:, None] * (full * 0.75 * (1 - smoothstep(arm.along, 0.15, 0.7)))[:, None, None]
        settled = 0.24 - 0.16 * smoothstep(s, -0.2, 1.0)  # the outer edge lies round the shoulder at once
        share = smoothstep(t[:, None] * g.sleeve_length / settled, 0, 1)[..., None]
        return hole[None] + (hanging - hole[None]) * share
