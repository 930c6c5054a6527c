"""The photo: a person in a garment, painted from back to front, and everything that is known about it."""

from dataclasses import dataclass

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.body import CROTCH, HIP, NECK_TOP, WAIST, Body, Person
from vton.synthetic.cloth import placement
from vton.synthetic.garments import Garment, Pattern, Piece
from vton.synthetic.geometry import (
    Frame,
    Ribbon,
    blur,
    coverage,
    curve,
    ellipse,
    outline,
    quads,
    rasterise,
    ribbon,
    smooth_noise,
    smoothstep,
    spread,
)  # fmt: skip
from vton.synthetic.head import Head, Layer

FLOW_STEP = 2.0**-16  # flows are multiples of this, about 0.01 px at a photo's size, so that they pack well
NOISE = 1.1 / 255  # deviation of the camera's noise
ARMS = {-1: ParseClass.RIGHT_ARM, 1: ParseClass.LEFT_ARM}
LEGS = {-1: ParseClass.RIGHT_LEG, 1: ParseClass.LEFT_LEG}


@dataclass(frozen=True)
class Rendering:
    """A photo and the truth about it; arrays are (H, W) unless said otherwise."""

    image: np.ndarray  # uint8 (H, W, 3)
    parse: np.ndarray  # uint8 ids of ParseClass
    densepose: np.ndarray  # uint8 part ids 0-24
    keypoints: np.ndarray  # float (25, 3)
    flow: np.ndarray  # float32 (2, H, W)
    visible: np.ndarray  # bool: the garment, where nothing covers it
    shading: np.ndarray  # float32: photo / fetched garment photo, where visible and away from edges


class Painting:
    """A photo in the making."""

    def __init__(self, frame: Frame, background: np.ndarray) -> None:
        self.frame, self.colour = frame, background
        self.parse = np.zeros(frame.size, np.uint8)
        self.shade = np.ones(frame.size, np.float32)

    def paint(self, *layers: Layer) -> None:
        """Lay layers over what is there, each after its shadow."""
        for layer in layers:
            if layer.shadow:
                dark = layer.shadow * blur(layer.alpha, 0.011 * self.frame.unit) * (1 - layer.alpha) * (self.parse > 0)
                self.colour *= 1 - dark[..., None]
                self.shade *= 1 - dark
            self.colour += (layer.colour - self.colour) * layer.alpha[..., None]
            if layer.label is not None:
                self.parse[layer.alpha >= 0.5] = layer.label


def dress(person: Person, garment: Garment, frame: Frame, cloth: np.ndarray) -> Rendering:
    """The photo of `person` in `garment`, whose garment photo of the same frame is `cloth`, uint8 (H, W, 3)."""
    return Scene(person, garment, frame, cloth).render()


class Scene:
    """One person in one garment."""

    def __init__(self, person: Person, garment: Garment, frame: Frame, cloth: np.ndarray) -> None:
        self.person, self.garment, self.frame = person, garment, frame
        self.cloth = cloth.astype(np.float32) / 255
        self.body, self.pattern = Body(person), Pattern(garment)
        self.skin = np.array(person.skin, np.float32)
        self.rng = np.random.default_rng([person.seed, 3])
        self.flow = np.zeros((*frame.size, 2), np.float32)
        self.worn = np.zeros(frame.size, bool)

    def render(self) -> Rendering:
        painting = Painting(self.frame, self._background())
        head = Head(self.body, self.frame)
        painting.paint(*head.behind(), self._torso_skin())
        if not self.person.tucked:
            painting.paint(*self._bottoms())
        for side in (-1, 1):
            painting.paint(self._arm(side, 0.0))
        for piece in self.pattern.pieces:
            if piece.side == 0:
                self._paint_piece(painting, piece)
        if self.person.tucked:
            painting.paint(*self._bottoms())
        for side in (-1, 1):
            painting.paint(self._arm(side, self._free_from(side)), *self._hand(side))
            for piece in self.pattern.pieces:
                if piece.side == side:
                    self._paint_piece(painting, piece)
        painting.paint(*head.face(), *head.before())
        noise = self.rng.standard_normal((*self.frame.size, 3)).astype(np.float32) * NOISE
        image = np.round(np.clip(painting.colour + noise, 0, 1) * 255).astype(np.uint8)
        visible = painting.parse == ParseClass.UPPER
        keypoints = self.body.keypoints(self.frame.size, self.frame.to_pixels)
        flow = spread(self.flow, self.worn).transpose(2, 0, 1).astype(np.float32)
        return Rendering(
            image, painting.parse, self._densepose(), keypoints, np.ascontiguousarray(flow), visible, painting.shade
        )

    def _background(self) -> np.ndarray:
        x, y = self.frame.pixels()
        glow = np.exp(-(((x + 0.1 * self.person.light) / 0.5) ** 2 + ((y - 0.4) / 0.7) ** 2))
        light = 0.93 + 0.09 * glow - 0.03 * y + 0.02 * self.person.light * x
        return np.clip(np.array(self.person.background, np.float32) * light[..., None], 0, 1).astype(np.float32)

    # The garment -----------------------------------------------------------------------------------------------------

    def _paint_piece(self, painting: Painting, piece: Piece) -> None:
        """Fetch a piece from the garment photo by its flow, shade it, lay it in."""
        frame, mesh = self.frame, self.pattern.worn(piece, self.body)
        rest = frame.to_pixels(placement(self.pattern)(piece.rest)) * [2 / frame.width, 2 / frame.height] - 1
        values, covered = rasterise(frame, mesh, np.dstack([rest, piece.across, piece.down, piece.up]))
        values = spread(values, covered)
        x, y = _places(frame)
        flow = np.round((values[..., :2] - np.stack([x, y], -1)) / FLOW_STEP).astype(np.float32) * np.float32(FLOW_STEP)
        alpha = coverage(frame, quads(mesh) if piece.side else [outline(mesh)])
        across, down, up = (values[..., i].astype(np.float32) for i in (2, 3, 4))
        shade = self._sleeve_shade(across, down, piece) if piece.side else self._torso_shade(across, down, up)
        colour = fetch(self.cloth, flow.transpose(2, 0, 1), alpha > 0) * shade[..., None]
        painting.paint(Layer(alpha, colour, ParseClass.UPPER, shadow=0.35))
        inside = alpha >= 0.5
        painting.shade[inside] = shade[inside]
        self.flow[inside] = flow[inside]
        self.worn |= inside

    def _torso_shade(self, across: np.ndarray, down: np.ndarray, up: np.ndarray) -> np.ndarray:
        g, p = self.garment, self.person
        rng = np.random.default_rng([g.seed, p.seed, 4])
        light = 1.02 - 0.2 * np.abs(across) ** 3.2 + 0.07 * p.light * across
        x, y = self.frame.pixels()
        soft = 0.02 + 0.028 * g.ease
        for side in (-1, 1):  # folds run from the armpits, down from the bust, and across the waist
            joint = self.body.shoulder(side)
            angle = np.arctan2((x - joint[0]) * side * -1, np.maximum(y - joint[1], 1e-3))
            reach = np.exp(-np.hypot(x - joint[0], y - joint[1]) / (0.13 * p.scale))
            light = light + soft * reach * np.sin(angle * 11 + rng.uniform(0, 6))
        folds = np.sin((x - p.x) * rng.uniform(55, 80) + rng.uniform(0, 6) + 2.2 * np.sin(y * 9 + rng.uniform(0, 6)))
        light = light + soft * folds * smoothstep(down, 0.12, 0.3) * (0.6 if self.person.tucked else 1)
        waist = self.body.spine(np.array(WAIST))[1]
        crease = np.sin((y - waist) * 90 + 14 * (x - p.x) * rng.choice([-1, 1]) + rng.uniform(0, 6))
        light = light + soft * crease * np.exp(-(((y - waist) / 0.07) ** 2)) * smoothstep(np.abs(across), 0.15, 0.8)
        bust = self.body.spine(np.array(0.15))[1]
        for side in (-1, 1):
            under = np.exp(-(((across - side * 0.42) / 0.26) ** 2 + ((y - bust - 0.028) / 0.022) ** 2))
            above = np.exp(-(((across - side * 0.42) / 0.28) ** 2 + ((y - bust + 0.02) / 0.03) ** 2))
            light = light - 0.055 * under + 0.035 * above
        light = light + 0.03 * smooth_noise(rng, self.frame.size, (7, 6))
        return np.clip(light - 0.06 * smoothstep(-up, -0.012, 0), 0.55, 1.12).astype(np.float32)

    def _sleeve_shade(self, across: np.ndarray, down: np.ndarray, piece: Piece) -> np.ndarray:
        p, g = self.person, self.garment
        rng = np.random.default_rng([g.seed, p.seed, 5 + piece.side])
        light = 1.02 - 0.24 * np.abs(across - 0.12 * p.light * piece.side) ** 2.4 + 0.06 * p.light * across * piece.side
        elbow = np.exp(-(((down - 0.178) / 0.04) ** 2)) if g.sleeve_length > 0.5 else np.zeros_like(down)
        creases = np.sin(down * rng.uniform(150, 190) + across * 2.2 + rng.uniform(0, 6))
        light = light + (0.022 + 0.055 * elbow) * creases * smoothstep(down, 0.02, 0.08) * (1.15 - 0.5 * across)
        light = light - 0.1 * np.exp(-((down / 0.012) ** 2)) * (across < 0.6)
        return np.clip(light, 0.55, 1.12).astype(np.float32)

    # The body --------------------------------------------------------------------------------------------------------

    def _torso_skin(self) -> Layer:
        mesh = self.body.torso
        u, q = np.meshgrid(np.linspace(-1, 1, mesh.shape[1]), self.body.torso_q)
        values, covered = rasterise(self.frame, mesh, np.dstack([u, q]))
        values = spread(values, covered).astype(np.float32)
        u, q = values[..., 0], values[..., 1]
        light = 1.0 - 0.2 * np.abs(u) ** 3 + 0.06 * self.person.light * u
        light = light - 0.26 * np.exp(-(((q - NECK_TOP + 0.01) / 0.03) ** 2)) - 0.03 * smoothstep(q, 0.0, 0.1)
        for side in (-1, 1):  # collar bones, and the muscles of the neck
            line = q - 0.002 + 0.018 * np.abs(u) ** 0.7
            bone = np.exp(-((line / 0.0042) ** 2)) * np.exp(-(((u - side * 0.4) / 0.24) ** 2))
            light = light - 0.1 * bone + 0.05 * np.roll(bone, -max(1, round(0.006 * self.frame.unit)), 0)
            cord = np.exp(-(((u - side * (0.62 - (q + 0.09) * 6.5)) / 0.1) ** 2)) * smoothstep(-q, 0.02, 0.05)
            light = light - 0.06 * cord
        navel = np.exp(-((u / 0.045) ** 2 + ((q - 0.272) / 0.006) ** 2))
        light = light - 0.25 * navel - 0.05 * np.exp(-((u / 0.05) ** 2)) * smoothstep(q, 0.18, 0.22)
        colour = np.clip(self.skin * light[..., None], 0, 1)
        return Layer(coverage(self.frame, [outline(mesh)]), colour, ParseClass.NECK)

    def _limb(self, strip: Ribbon, half_width: np.ndarray, colour: np.ndarray, label: ParseClass, shadow: float) -> Layer:
        """A round limb or trouser leg."""
        mesh = strip.mesh(half_width)
        across = np.broadcast_to(np.linspace(-1, 1, mesh.shape[1]), mesh.shape[:2])
        along = np.broadcast_to(strip.along[:, None], mesh.shape[:2])
        values, covered = rasterise(self.frame, mesh, np.dstack([across, along]))
        s = spread(values, covered)[..., 0].astype(np.float32)
        right = 1 if strip.normal[:, 0].mean() > 0 else -1
        light = 1.01 - 0.21 * np.abs(s) ** 2.6 + 0.06 * self.person.light * s * right
        return Layer(coverage(self.frame, quads(mesh)), np.clip(colour * light[..., None], 0, 1), label, shadow)

    def _free_from(self, side: int) -> float:
        """From where along the arm it lies before the torso."""
        return 0.2

    def _arm(self, side: int, start: float) -> Layer:
        strip = self.body.arms[side].part(start, 1.0)
        width = self.body.arm_half_width(strip.along)
        layer = self._limb(strip, width, self.skin, ARMS[side], 0.3 if start else 0.0)
        if start:
            return layer
        cap = ellipse(strip.centre[0], (width[0], width[0]))
        return Layer(np.maximum(layer.alpha, coverage(self.frame, [cap])), layer.colour, layer.label)

    def _hand(self, side: int) -> list[Layer]:
        """A relaxed hand: palm and fingers as one shape, lines between the fingers, a thumb on the inside."""
        _, elbow, wrist, tip = self.body.arm_joints[side]
        along = (tip - wrist) / np.linalg.norm(tip - wrist)
        scale = self.person.scale
        outward = side * np.array([along[1], -along[0]])
        x = np.linspace(0, 1, 30)
        half = curve((0, 0.0145), (0.22, 0.0185), (0.5, 0.0198), (0.75, 0.0165), (0.93, 0.011), (1, 0.004))(x) * scale
        middle = wrist + along * (x[:, None] * 0.077 - 0.008) * scale + outward * (0.004 * np.sin(x * 3))[:, None] * scale
        palm = Ribbon(middle, np.broadcast_to(outward, middle.shape), x)
        layers = [self._limb(palm, half, self.skin, ARMS[side], 0.25)]
        thumb = np.stack(
            [middle[5] - outward * 0.011 * scale, middle[13] - outward * 0.023 * scale, middle[21] - outward * 0.021 * scale]
        )
        strip = ribbon(thumb, side, 0.02, 14)
        layers.append(self._limb(strip, np.linspace(0.0078, 0.004, 14) * scale, self.skin * 0.97, ARMS[side], 0.15))
        for offset in (-0.45, 0.03, 0.5):
            start = middle[16] + outward * half[16] * offset
            end = middle[27] + outward * half[26] * offset
            line = ribbon(np.stack([start, (start + end) / 2, end]), side, 0.01, 8).mesh(np.full(8, 0.0009 * scale), 3)
            layers.append(Layer(coverage(self.frame, quads(line)) * 0.6, self.skin * 0.66))
        return layers

    # Below -----------------------------------------------------------------------------------------------------------

    def _bottoms(self) -> list[Layer]:
        return self._trousers() if self.person.bottom == "trousers" else self._skirt()

    def _hips(self, low: float, widen: float, columns: int = 17) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A mesh from the waistband to q = `low`, and its vertices' u and q."""
        u, q = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(self.person.waistband, low, 26))
        width = self.body.half_width(np.minimum(q, HIP + 0.03)) * 1.03 + widen * smoothstep(q, WAIST, low)
        return self.body.place(u * width, q + 0.008 * (1 - u**2) * (q < self.person.waistband + 0.03)), u, q

    def _trousers(self) -> list[Layer]:
        p, colour = self.person, np.array(self.person.bottom_colour, np.float32)
        layers = []
        for side, joints in self.body.legs().items():
            strip = ribbon(joints, side, 0.1)
            width = curve((0, 0.056 * p.hips), (0.25, 0.054), (0.5, 0.042 + 0.018 * p.flare), (1, 0.032 + 0.05 * p.flare))
            layers.append(self._limb(strip, width(strip.along) * p.scale, self._denim(colour), ParseClass.PANTS, 0.3))
        mesh, u, q = self._hips(CROTCH + 0.012, 0.004)
        layers.append(self._block(mesh, u, q, colour))
        return layers + self._waistband(colour)

    def _block(self, mesh: np.ndarray, u: np.ndarray, q: np.ndarray, colour: np.ndarray) -> Layer:
        """Hips of trousers, with fly and pockets, ending in a V between the legs; or a skirt."""
        values, covered = rasterise(self.frame, mesh, np.dstack([u, q]))
        values = spread(values, covered).astype(np.float32)
        u, q = values[..., 0], values[..., 1]
        light = 1.0 - 0.16 * np.abs(u) ** 4 + 0.06 * self.person.light * u
        skirt = self.person.bottom == "skirt"
        if skirt:
            folds = np.sin(u * (5 + 6 * self.person.flare) + self.person.seed % 6) * smoothstep(q, 0.3, 0.5)
            light = light + 0.06 * (0.3 + self.person.flare) * folds
        else:
            band = self.person.waistband
            seam = np.exp(-((u / 0.014) ** 2)) + 0.7 * np.exp(-(((u - 0.12 + 2.4 * np.clip(q - 0.39, 0, 1)) / 0.012) ** 2)) * (
                q < 0.43
            )
            pocket = np.abs(np.abs(u) - 0.62 - (q - band) * 3.2)
            light = light - 0.22 * seam * smoothstep(q, band + 0.02, band + 0.03)
            light = light - 0.2 * np.exp(-((pocket / 0.022) ** 2)) * smoothstep(q, band + 0.02, band + 0.03) * (q < band + 0.1)
            light = light - 0.1 * np.exp(-(((q - CROTCH) / 0.03) ** 2)) * np.exp(-((u / 0.25) ** 2))
        light = light * self._denim(np.ones(3, np.float32))[..., 0]
        alpha = coverage(self.frame, [outline(mesh)])
        if not skirt:
            alpha = alpha * (1 - smoothstep(q - CROTCH + 0.055 - 0.1 * (1 - np.abs(u)) ** 1.0, -0.004, 0.004)).astype(
                np.float32
            )
        label = ParseClass.SKIRT if skirt else ParseClass.PANTS
        return Layer(
            alpha, np.clip(colour * light[..., None], 0, 1).astype(np.float32), label, shadow=0.0 if not skirt else 0.35
        )

    def _denim(self, colour: np.ndarray) -> np.ndarray:
        """`colour` (3,) as (H, W, 3), with a weave and worn places."""
        rng = np.random.default_rng([self.person.seed, 6])
        grain = rng.standard_normal(self.frame.size).astype(np.float32)
        return colour * (1 + 0.03 * smooth_noise(rng, self.frame.size, (8, 10)) + 0.02 * grain)[..., None]

    def _waistband(self, colour: np.ndarray) -> list[Layer]:
        band = self.person.waistband
        u, q = np.meshgrid(np.linspace(-1, 1, 17), np.array([band, band + 0.011, band + 0.022]))
        mesh = self.body.place(u * self.body.half_width(q) * 1.035, q + 0.008 * (1 - u**2))
        layers = [Layer(coverage(self.frame, [outline(mesh)]), colour * 0.9, self._bottom_label(), shadow=0.25)]
        for at in (-0.55, 0.55):
            loop = self.body.place(
                np.array([at - 0.035, at + 0.035, at + 0.035, at - 0.035]) * self.body.half_width(band),
                np.array([band - 0.002, band - 0.002, band + 0.03, band + 0.03]),
            )
            layers.append(Layer(coverage(self.frame, [loop]), colour * 0.8))
        button = self.body.place(np.array(0.004), np.array(band + 0.019))
        return [
            *layers,
            Layer(coverage(self.frame, [ellipse(button, (0.0048, 0.0048))]), np.array([0.72, 0.66, 0.55], np.float32)),
        ]

    def _bottom_label(self) -> ParseClass:
        return ParseClass.SKIRT if self.person.bottom == "skirt" else ParseClass.PANTS

    def _skirt(self) -> list[Layer]:
        p, colour = self.person, np.array(self.person.bottom_colour, np.float32)
        layers = [self._leg(side) for side in (-1, 1)]
        mesh, u, q = self._hips(p.skirt_hem, 0.006 + 0.035 * p.flare)
        mesh = mesh + np.stack([np.zeros_like(u), 0.012 * (1 - u**2) * smoothstep(q, HIP, p.skirt_hem)], -1)
        return [*layers, self._block(mesh, u, q, colour), *self._waistband(colour)]

    def _leg(self, side: int) -> Layer:
        strip = ribbon(self.body.legs()[side], side, 0.1)
        width = curve((0, 0.05), (0.3, 0.046), (0.5, 0.034), (1, 0.022))(strip.along) * self.person.scale
        return self._limb(strip, width, self.skin, LEGS[side], 0.0)

    # Parts -----------------------------------------------------------------------------------------------------------

    def _densepose(self) -> np.ndarray:
        """DensePose's part ids of the body below clothes and hair."""
        parts = np.zeros(self.frame.size, np.uint8)

        def lay(mesh: np.ndarray, part: int) -> None:
            parts[coverage(self.frame, quads(mesh)) >= 0.5] = part

        torso = self.body.torso
        lay(torso[(self.body.torso_q > -0.085)], 2)
        for side, part in ((-1, 9), (1, 10)):
            strip = ribbon(self.body.legs()[side], side, 0.1)
            width = curve((0, 0.05), (0.3, 0.047), (0.5, 0.036), (1, 0.024))(strip.along) * self.person.scale
            lay(strip.part(0, 0.52).mesh(np.interp(np.linspace(0, 0.52, 26), strip.along, width)), part)
            lay(strip.part(0.5, 1.0).mesh(np.interp(np.linspace(0.5, 1, 26), strip.along, width)), part + 4)
            half = torso[:, :9] if side < 0 else torso[:, 8:]
            columns = np.abs(np.linspace(-1, 1, 17))[:9] if side < 0 else np.abs(np.linspace(-1, 1, 17))[8:]
            rows = np.linspace(0, 1, 12)[:, None]
            top = HIP - 0.03 + 0.085 * (1 - columns)[None]
            q = top + (CROTCH + 0.03 - top) * rows
            u = np.broadcast_to(columns * side, q.shape)
            lay(self.body.place(u * self.body.half_width(q), q), part)
            assert half.shape[1] == 9
        for side, (inner, outer, low_inner, low_outer, hand) in {-1: (16, 18, 22, 20, 3), 1: (15, 17, 21, 19, 4)}.items():
            arm = self.body.arms[side]
            for start, end, first, second in ((0.0, 0.53, inner, outer), (0.53, 1.0, low_inner, low_outer)):
                strip = arm.part(start, end)
                mesh = strip.mesh(self.body.arm_half_width(strip.along), 9)
                lay(mesh[:, :7], first)
                lay(mesh[:, 6:], second)
            parts[np.maximum.reduce([layer.alpha for layer in self._hand(side)[:2]]) >= 0.5] = hand
        middle, turn = self.body.head_frame()
        skull = middle + np.concatenate([ellipse((0, -0.01), (0.066, 0.105))]) * self.person.scale @ turn
        x, y = self.frame.pixels()
        local = (np.stack(np.broadcast_arrays(x - middle[0], y - middle[1]), -1) @ turn.T)[..., 0]
        head = coverage(self.frame, [skull]) >= 0.5
        parts[head & (local < self.person.turn * 0.014)] = 23
        parts[head & (local >= self.person.turn * 0.014)] = 24
        return parts


def _places(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the pixel centres as `grid_sample` counts, (H, W)."""
    x = (np.arange(frame.width) * 2 + 1) / frame.width - 1
    y = (np.arange(frame.height) * 2 + 1) / frame.height - 1
    across, down = np.meshgrid(x, y)
    return across, down


def fetch(photo: np.ndarray, flow: np.ndarray, where: np.ndarray) -> np.ndarray:
    """`vton.flow.warp` without torch, where `where` is true: float32 (H, W, 3), 0 elsewhere."""
    height, width = photo.shape[:2]
    across, down = _places(Frame(*flow.shape[1:]))
    x = np.clip(((across + flow[0])[where] + 1) * width / 2 - 0.5, 0, width - 1)
    y = np.clip(((down + flow[1])[where] + 1) * height / 2 - 0.5, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    upper = photo[top, left] * (1 - fx) + photo[top, left + 1] * fx
    lower = photo[top + 1, left] * (1 - fx) + photo[top + 1, left + 1] * fx
    out = np.zeros((*flow.shape[1:], 3), np.float32)
    out[where] = upper * (1 - fy) + lower * fy
    return out
