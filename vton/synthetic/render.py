"""The photo: a person in a garment, painted from back to front, and everything that is known about it."""

import functools
from dataclasses import dataclass

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.body import WAIST, Body, Person
from vton.synthetic.cloth import placement
from vton.synthetic.densepose import part_ids
from vton.synthetic.garments import Garment, Pattern, Piece
from vton.synthetic.geometry import Frame, coverage, outline, rasterise, smooth_noise, smoothstep, spread
from vton.synthetic.head import Head
from vton.synthetic.layers import Layer, Painting, cover, window
from vton.synthetic.limbs import free_arm, hand, torso_skin, whole_arm
from vton.synthetic.lower import Bottoms

FLOW_STEP = 2.0**-16  # flows are multiples of this, under 0.02 px at any size, so that they pack well
NOISE = 1.1 / 255  # deviation of the camera's noise


@dataclass(frozen=True)
class Rendering:
    """A photo and the truth about it; arrays are (H, W) unless said otherwise."""

    image: np.ndarray  # uint8 (H, W, 3)
    parse: np.ndarray  # uint8 ids of ParseClass
    densepose: np.ndarray  # uint8 part ids 0-24
    keypoints: np.ndarray  # float (25, 3)
    flow: np.ndarray  # float32 (2, H, W): exact where the garment is, also below arms and hair; continued elsewhere
    worn: np.ndarray  # bool: the garment, also where arms, hair or a waistband cover it
    visible: np.ndarray  # bool: the garment, where nothing covers it
    shading: np.ndarray  # float32: photo / fetched garment photo, where visible and away from edges


@dataclass(frozen=True)
class Scene:
    """What is the same in every photo of a person, whatever they wear above; layers from back to front."""

    body: Body
    background: np.ndarray  # float32 (H, W, 3)
    behind: list[Layer]  # hair, then the skin of the torso
    bottoms: list[Layer]
    shoulders: list[Layer]  # the bare arms, behind the garment
    hands: dict[int, list[Layer]]
    head: list[Layer]
    densepose: np.ndarray  # uint8 (H, W)
    noise: np.ndarray  # float32 (H, W, 3): the camera's


@functools.lru_cache(maxsize=2)
def scene(person: Person, frame: Frame) -> Scene:
    """All of a person's photo but the garment and what it leaves of the arms."""
    body = Body(person)
    head = Head(body, frame)
    behind = [*head.behind(), torso_skin(body, frame)]
    return Scene(
        body,
        _background(person, frame),
        behind,
        Bottoms(body, frame).layers(),
        [whole_arm(body, frame, side) for side in (-1, 1)],
        {side: hand(body, frame, side) for side in (-1, 1)},
        [*head.face(), *head.before()],
        part_ids(body, frame),
        np.random.default_rng([person.seed, 3]).standard_normal((*frame.size, 3), np.float32) * np.float32(NOISE),
    )


def dress(person: Person, garment: Garment, frame: Frame, cloth: np.ndarray) -> Rendering:
    """The photo of `person` in `garment`, whose garment photo of the same frame is `cloth`, uint8 (H, W, 3)."""
    there, pattern = scene(person, frame), Pattern(garment)
    body = there.body
    worn = Worn(body, pattern, frame, cloth)
    painting = Painting(there.background.copy())
    painting.paint(*there.behind)
    bare_from = max(0.0, garment.sleeve_length - 0.1)  # below a sleeve there is no arm to draw
    painting.paint(*([] if person.tucked else there.bottoms))
    painting.paint(*([] if bare_from else there.shoulders))
    torso, *sleeves = pattern.pieces
    worn.paint(painting, torso)
    painting.paint(*(there.bottoms if person.tucked else []))
    for side in body.sides:
        painting.paint(free_arm(body, frame, side, bare_from), *there.hands[side])
        for sleeve in sleeves:
            if sleeve.side == side:
                worn.paint(painting, sleeve)
    painting.paint(*there.head)
    return Rendering(
        image=np.round(np.clip(painting.colour + there.noise, 0, 1) * 255).astype(np.uint8),
        parse=painting.parse,
        densepose=there.densepose,
        keypoints=body.keypoints(frame.size, frame.to_pixels),
        flow=np.ascontiguousarray(spread(worn.flow, worn.known).transpose(2, 0, 1)),
        worn=worn.known,
        visible=painting.parse == ParseClass.UPPER,
        shading=painting.light,
    )


def _background(person: Person, frame: Frame) -> np.ndarray:
    x, y = frame.pixels()
    glow = np.exp(-(((x + 0.1 * person.light) / 0.5) ** 2 + ((y - 0.4) / 0.7) ** 2))
    light = 0.93 + 0.09 * glow - 0.03 * y + 0.02 * person.light * x
    return np.clip(np.array(person.background, np.float32) * light[..., None], 0, 1).astype(np.float32)


class Worn:
    """A garment on a body: its pieces painted by their flow, which is kept."""

    def __init__(self, body: Body, pattern: Pattern, frame: Frame, cloth: np.ndarray) -> None:
        self.body, self.pattern, self.frame = body, pattern, frame
        self.garment, self.person = pattern.garment, body.person
        self.cloth = cloth.astype(np.float32) / 255
        self.put = placement(pattern)
        self.flow = np.zeros((*frame.size, 2), np.float32)
        self.known = np.zeros(frame.size, bool)

    def paint(self, painting: Painting, piece: Piece) -> None:
        """Fetch a piece from the garment photo by its flow, shade it, lay it in."""
        mesh = self.pattern.worn(piece, self.body)
        part = window(self.frame, mesh)
        height, width = part.picture
        rest = self.frame.to_pixels(self.put(piece.rest)) * [2 / width, 2 / height] - 1
        values, covered = rasterise(part, mesh, np.dstack([rest, piece.across, piece.down, piece.up]))
        values = spread(values, covered)
        flow = np.round((values[..., :2] - part.grid()) / FLOW_STEP) * FLOW_STEP
        across, down, up = np.moveaxis(values[..., 2:].astype(np.float32), -1, 0)
        alpha = cover(part, mesh) if piece.side else coverage(part, [outline(mesh)])
        shade = self._sleeve_shade(across, down, piece.side) if piece.side else self._torso_shade(part, across, down, up)
        colour = fetch(self.cloth, part.grid() + flow, alpha > 0) * shade[..., None]
        painting.paint(Layer(part, alpha, colour, ParseClass.UPPER, shadow=0.22 if piece.side else 0.35))
        inside = alpha >= 0.5
        painting.light[part.window][inside] = shade[inside]
        self.flow[part.window][inside] = flow[inside]
        self.known[part.window] |= inside

    def _torso_shade(self, part: Frame, across: np.ndarray, down: np.ndarray, up: np.ndarray) -> np.ndarray:
        g, p, body = self.garment, self.person, self.body
        rng = np.random.default_rng([g.seed, p.seed, 4])
        light = 1.02 - 0.2 * np.abs(across) ** 3.2 + 0.07 * p.light * across
        x, y = part.pixels()
        soft = 0.016 + 0.026 * g.ease
        for side in (-1, 1):  # folds run from the armpits, down from the bust, and across the waist
            joint = body.shoulder(side)
            angle = np.arctan2((joint[0] - x) * side, np.maximum(y - joint[1], 1e-3))
            reach = np.exp(-np.hypot(x - joint[0], y - joint[1]) / (0.13 * p.scale))
            light = light + soft * reach * np.sin(angle * 9 + rng.uniform(0, 6))
        folds = np.sin((x - p.x) * rng.uniform(42, 64) + rng.uniform(0, 6) + 2.2 * np.sin(y * 9 + rng.uniform(0, 6)))
        light = light + soft * folds * smoothstep(down, 0.12, 0.3) * (0.6 if p.tucked else 1)
        waist = body.spine(np.array(WAIST))[1]
        crease = np.sin((y - waist) * 80 + 14 * (x - p.x) * rng.choice([-1, 1]) + rng.uniform(0, 6))
        light = light + soft * crease * np.exp(-(((y - waist) / 0.07) ** 2)) * smoothstep(np.abs(across), 0.15, 0.8)
        bust = body.spine(np.array(0.15))[1]
        for side in (-1, 1):
            sideways = np.exp(-(((across - side * 0.42) / 0.27) ** 2))
            light = light - 0.055 * sideways * np.exp(-(((y - bust - 0.028) / 0.022) ** 2))
            light = light + 0.035 * sideways * np.exp(-(((y - bust + 0.02) / 0.03) ** 2))
        light = light + 0.03 * smooth_noise(rng, part.size, (5, 4))
        return np.clip(light - 0.06 * smoothstep(-up, -0.012, 0), 0.55, 1.12).astype(np.float32)

    def _sleeve_shade(self, across: np.ndarray, down: np.ndarray, side: int) -> np.ndarray:
        p, g = self.person, self.garment
        rng = np.random.default_rng([g.seed, p.seed, 5 + side])
        light = 1.02 - 0.24 * np.abs(across - 0.12 * p.light * side) ** 2.4 + 0.06 * p.light * across * side
        elbow = np.exp(-(((down - 0.185) / 0.04) ** 2)) if g.sleeve_length > 0.5 else np.zeros_like(down)
        creases = np.sin(down * rng.uniform(120, 150) + across * 2.2 + rng.uniform(0, 6))
        light = light + (0.02 + 0.05 * elbow) * creases * smoothstep(down, 0.02, 0.08) * (1.15 - 0.5 * across)
        light = light - 0.1 * np.exp(-((down / 0.012) ** 2)) * (across < 0.6)
        return np.clip(light, 0.55, 1.12).astype(np.float32)


def fetch(photo: np.ndarray, places: np.ndarray, where: np.ndarray) -> np.ndarray:
    """What `grid_sample` fetches from `photo` (h, w, 3) at `places` (H, W, 2), where `where`: float32 (H, W, 3), else 0."""
    height, width = photo.shape[:2]
    x = np.clip((places[where, 0] + 1) * width / 2 - 0.5, 0, width - 1)
    y = np.clip((places[where, 1] + 1) * height / 2 - 0.5, 0, height - 1)
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    fx, fy = (x - left)[:, None].astype(np.float32), (y - top)[:, None].astype(np.float32)
    upper = photo[top, left] * (1 - fx) + photo[top, left + 1] * fx
    lower = photo[top + 1, left] * (1 - fx) + photo[top + 1, left + 1] * fx
    out = np.zeros((*where.shape, 3), np.float32)
    out[where] = upper * (1 - fy) + lower * fy
    return out
