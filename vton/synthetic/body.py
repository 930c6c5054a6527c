"""Who is in the photo: a person drawn by lot (shape, skin, hair, pose, clothes below), and their body as surfaces.

On the torso a place is (u, q): u from -1, the person's right edge, to 1, the left one; q down the spine from the shoulders'
line, in units of the frame's height for a body of scale 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from vton.labels import Keypoint
from vton.synthetic.geometry import Ribbon, curve, ribbon, rotation, smoothstep

Colour = tuple[float, float, float]  # RGB in 0..1
ArmPose = Literal["down", "bent", "hip", "before", "crossed"]
HairStyle = Literal["long", "one side", "bob", "updo", "curly", "tied back"]
SIDES = {"right": -1, "left": 1}  # the person's own side -> where it is in the photo

# Levels of q on a body of scale 1.
ARMPIT, BUST, WAIST, HIP, CROTCH = 0.09, 0.14, 0.235, 0.385, 0.455
NECK_TOP = -0.1
UPPER_ARM, FOREARM, HAND = 0.185, 0.165, 0.085
HEAD = 1.06  # a head's size / its frame's
ROUND, TURN = 1.1, 0.44  # radians: half of what is seen of the torso's round; how far the body turns at most
SEEN_TURN = 0.4  # of TURN

SKIN_TONES: tuple[Colour, ...] = (
    (0.96, 0.83, 0.75), (0.93, 0.78, 0.68), (0.89, 0.71, 0.59), (0.80, 0.60, 0.46), (0.66, 0.46, 0.33), (0.47, 0.31, 0.22),
)  # fmt: skip
HAIR_COLOURS: tuple[Colour, ...] = (
    (0.10, 0.08, 0.07), (0.20, 0.13, 0.09), (0.33, 0.21, 0.13), (0.50, 0.33, 0.19), (0.74, 0.57, 0.36), (0.56, 0.25, 0.12),
)  # fmt: skip
DARK = 4  # from this skin tone on, eyes are brown and hair is one of the first three
EYE_COLOURS: tuple[Colour, ...] = ((0.28, 0.18, 0.1), (0.25, 0.38, 0.5), (0.3, 0.38, 0.25))
BOTTOM_COLOURS: tuple[Colour, ...] = (
    (0.23, 0.31, 0.44), (0.37, 0.47, 0.60), (0.11, 0.11, 0.13), (0.93, 0.92, 0.90), (0.72, 0.63, 0.51), (0.38, 0.39, 0.41),
    (0.27, 0.31, 0.24), (0.40, 0.16, 0.18),
)  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """How one arm is held; angles in radians from straight down, positive away from the body."""

    pose: ArmPose
    upper: float
    lower: float
    foreshortening: float  # the forearm's length in the photo / its real one


@dataclass(frozen=True)
class Person:
    """All that is drawn by lot about a person, so that the same one can be dressed in any garment."""

    seed: int  # of this person's own hair strands, folds, background and noise
    scale: float
    x: float  # of the neck, from the frame's middle
    shoulder_y: float
    shoulders: float  # this and the next three: widths / a standard body's
    bust: float
    waist: float
    hips: float
    torso: float  # torso length / a standard body's
    lean: float  # radians
    sway: float  # sideways bow of the spine
    shoulder_tilt: float
    hip_tilt: float
    turn: float  # -1 to 1, of TURN: how far the body is turned, to the left of the photo when negative
    roll: float  # of the head, radians
    arms: tuple[Arm, Arm]  # right, left
    arm_before: int  # the side whose arm comes before the other where they cross: -1 right, 1 left
    arm_girth: float
    skin: Colour
    hair: Colour
    hair_style: HairStyle
    fringe: bool
    parting: float  # -1 to 1
    eyes: Colour
    lips: float
    bottom: Literal["trousers", "skirt"]
    bottom_colour: Colour
    waistband: float  # q
    tucked: bool  # the garment goes into the waistband
    skirt_hem: float  # q
    flare: float  # of legs or skirt
    light: float  # -1 from the left, 1 from the right
    background: Colour

    @property
    def turned(self) -> Literal["left", "front", "right"]:
        """Where in the photo the body is turned to, "front" where that is hardly to be seen."""
        if abs(self.turn) < SEEN_TURN:
            return "front"
        return "left" if self.turn < 0 else "right"


def _arms(rng: np.random.Generator) -> tuple[Arm, Arm]:
    """Each as it likes; two before the torso are folded, so that they hide less of it."""
    arms = _arm(rng), _arm(rng)
    if rng.random() < 0.1 or arms[0].pose == arms[1].pose == "before":
        raised = rng.uniform(-0.016, 0.03)
        return Arm("crossed", raised, 0.0, 1.0), Arm("crossed", raised, 0.0, 1.0)
    return arms


def _arm(rng: np.random.Generator) -> Arm:
    pose: ArmPose = rng.choice(["down", "bent", "hip", "before"], p=[0.32, 0.24, 0.22, 0.22])
    low, high = {
        "down": ((4, 15), (-6, 10)),
        "bent": ((10, 26), (-42, -8)),
        "hip": ((28, 40), (-62, -50)),
        "before": ((4, 16), (-116, -62)),
    }[pose]
    short = rng.uniform(0.72, 0.95) if pose in ("before", "bent") else rng.uniform(0.92, 1)
    return Arm(pose, np.radians(rng.uniform(*low)), np.radians(rng.uniform(*high)), short)


def draw_person(rng: np.random.Generator) -> Person:
    """A person by lot."""
    skin = int(rng.integers(len(SKIN_TONES)))
    dark = skin >= DARK
    tone = np.array(SKIN_TONES[skin]) * rng.uniform(0.97, 1.03) * rng.uniform(0.99, 1.01, 3)
    hair = np.array(HAIR_COLOURS[rng.integers(len(HAIR_COLOURS)) % (3 if dark else 6)]) * rng.uniform(0.85, 1.15)
    bottom = np.array(BOTTOM_COLOURS[rng.integers(len(BOTTOM_COLOURS))]) * rng.uniform(0.92, 1.06)
    grey = rng.uniform(0.84, 0.94)
    lean = rng.normal(0, 0.026)
    scale = rng.uniform(1.1, 1.24)
    arms = _arms(rng)
    folded = arms[0].pose == "crossed"  # so much is hidden then that long hair may not hide more, nor a high waistband
    covered = folded or "before" in (arms[0].pose, arms[1].pose)
    turn = rng.choice([-1, 1]) * rng.uniform(SEEN_TURN, 1) if rng.random() < 0.55 else rng.normal(0, 0.13)
    return Person(
        seed=int(rng.integers(2**31)),
        scale=scale,
        x=rng.normal(0, 0.018),
        shoulder_y=0.294 * scale + rng.uniform(0.0, 0.03),
        shoulders=rng.uniform(0.94, 1.06),
        bust=rng.uniform(0.93, 1.1),
        waist=rng.uniform(0.92, 1.14),
        hips=rng.uniform(0.93, 1.08),
        torso=rng.uniform(0.96, 1.05),
        lean=lean,
        sway=rng.normal(0, 0.011),
        shoulder_tilt=rng.normal(0, 0.03) + lean,
        hip_tilt=rng.normal(0, 0.026),
        turn=float(turn),
        roll=rng.normal(0, 0.06),
        arms=arms,
        arm_before=int(rng.choice([-1, 1])),
        arm_girth=rng.uniform(0.92, 1.12),
        skin=_colour(tone),
        hair=_colour(hair),
        hair_style=rng.choice(
            ["long", "one side", "bob", "updo", "curly", "tied back"],
            p=[0, 0, 0.3, 0.22, 0.22, 0.26] if folded else [0.28, 0.2, 0.14, 0.12, 0.12, 0.14],
        ),
        fringe=bool(rng.random() < 0.3),
        parting=rng.uniform(-0.5, 0.5),
        eyes=EYE_COLOURS[0 if dark else rng.integers(len(EYE_COLOURS))],
        lips=rng.uniform(0, 1),
        bottom="trousers" if rng.random() < 0.68 else "skirt",
        bottom_colour=_colour(bottom),
        waistband=rng.uniform(0.215, 0.285),
        tucked=bool(rng.random() < 0.5) and not covered,
        skirt_hem=rng.uniform(0.57, 0.66),
        flare=rng.uniform(0, 1),
        light=rng.uniform(-1, 1),
        background=_colour(np.array([grey, grey, grey]) + rng.normal(0, 0.008, 3)),
    )


def _colour(rgb: np.ndarray) -> Colour:
    red, green, blue = np.clip(rgb, 0, 1).tolist()
    return red, green, blue


class Body:
    """The surfaces of a person's body, in units."""

    def __init__(self, person: Person) -> None:
        self.person = person
        p = person
        self.half_width = curve(
            (-0.13, 0.0395), (-0.07, 0.0395), (-0.053, 0.043), (-0.041, 0.057), (-0.027, 0.092 * p.shoulders),
            (-0.013, 0.119 * p.shoulders), (0.012, 0.13 * p.shoulders), (0.045, 0.121 * p.shoulders),
            (ARMPIT, 0.106 * p.bust), (BUST, 0.11 * p.bust), (WAIST, 0.0885 * p.waist), (0.3, 0.106 * (p.hips + p.waist) / 2),
            (HIP, 0.127 * p.hips), (CROTCH, 0.131 * p.hips), (0.6, 0.125 * p.hips),
        )  # fmt: skip
        turned = p.turn**2
        self._narrowing = curve(
            (-0.13, 1.0),
            (-0.05, 1.0),
            (0.0, 1 - 0.1 * turned),
            (0.04, 1 - 0.1 * turned),
            (0.14, 1 - 0.05 * turned),
            (0.6, 1 - 0.05 * turned),
        )

    def spine(self, q: np.ndarray) -> np.ndarray:
        """(..., 2): the middle of the torso at `q`."""
        p = self.person
        down = np.asarray(q) * np.where(np.asarray(q) > 0, p.torso, 1) * p.scale
        aside = np.sin(p.lean) * -down + p.sway * np.sin(np.pi * np.clip(q, 0, 0.5) / 0.47)
        aside = aside - 0.011 * p.turn * smoothstep(q, -0.03, 0.05)  # the neck stands before the middle of the chest
        return np.stack([p.x + aside, p.shoulder_y + np.cos(p.lean) * down], -1)

    def place(self, across: np.ndarray, q: np.ndarray) -> np.ndarray:
        """(..., 2): `across` (a length, not a share) from the spine at `q`, along the tilt of shoulders or hips."""
        p = self.person
        share = np.clip(np.asarray(q) / HIP, 0, 1)
        tilt = p.shoulder_tilt + (p.hip_tilt - p.shoulder_tilt) * share
        axis = np.stack([np.cos(tilt), np.sin(tilt)], -1)
        return self.spine(q) + axis * (np.asarray(across) * self._narrowing(q))[..., None] * p.scale

    def turned(self, u: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Where u (-1 to 1 round the front) is seen between the torso's edges at level q: it is round, and turned."""
        turn = TURN * self.person.turn
        left, right = np.sin(turn - ROUND), np.sin(turn + ROUND)
        seen = (2 * np.sin(turn + ROUND * u) - left - right) / (right - left)
        return u + (seen - u) * (0.3 * smoothstep(q, -0.045, -0.01) + 0.7 * smoothstep(q, 0.0, 0.1))

    @cached_property
    def torso(self) -> np.ndarray:
        """The skin from the throat to below the crotch, (rows, 17, 2); `torso_q` are the rows' levels."""
        u, q = np.meshgrid(np.linspace(-1, 1, 17), self.torso_q)
        return self.place(self.turned(u, q) * self.half_width(q), q)

    torso_q = np.concatenate([np.linspace(-0.12, 0.02, 18), np.linspace(0.03, CROTCH + 0.03, 24)])

    def shoulder(self, side: int) -> np.ndarray:
        """(2,): the joint."""
        return self.place(np.array(0.108 * self.person.shoulders * side), np.array(0.012))

    @cached_property
    def arm_joints(self) -> dict[int, np.ndarray]:
        """side -> (4, 2): shoulder, elbow, wrist, tip of the hand."""
        joints = {}
        for side, arm in zip((-1, 1), self.person.arms, strict=True):
            scale = self.person.scale
            shoulder = self.shoulder(side)
            elbow = shoulder + _direction(side, arm.upper) * UPPER_ARM * scale
            wrist = elbow + _direction(side, arm.lower) * FOREARM * arm.foreshortening * scale
            if arm.pose == "hip":
                wrist = self.place(np.array(side * 0.119 * self.person.hips), np.array(0.29))
                elbow = _elbow(shoulder, wrist, UPPER_ARM * scale, FOREARM * scale, side)
            elif arm.pose == "crossed":
                before = side == self.person.arm_before
                elbow = self.place(np.array(side * (0.027 + 0.104 * self.person.bust)), np.array(0.19 - arm.upper))
                wrist = self.place(np.array(side * -0.032), np.array((0.163 if before else 0.178) - arm.upper))
            bend = {"down": 0.0, "bent": 0.06, "hip": 0.9, "before": -0.12, "crossed": -0.1}[arm.pose]
            tip = wrist + (wrist - elbow) / np.linalg.norm(wrist - elbow) @ rotation(bend * -side) * HAND * scale
            joints[side] = np.stack([shoulder, elbow, wrist, tip])
        return joints

    @property
    def sides(self) -> tuple[int, int]:
        """The arms' sides, the one that comes before the other last."""
        return -self.person.arm_before, self.person.arm_before

    @cached_property
    def arms(self) -> dict[int, Ribbon]:
        """side -> the line from shoulder to wrist."""
        return {side: ribbon(joints[:3], side) for side, joints in self.arm_joints.items()}

    def arm_half_width(self, along: np.ndarray) -> np.ndarray:
        """Of the bare arm, from shoulder (0) to wrist (1)."""
        profile = curve((0, 0.035), (0.12, 0.0345), (0.35, 0.031), (0.52, 0.0265), (0.65, 0.0275), (0.85, 0.0215), (1, 0.018))
        return profile(along) * self.person.arm_girth * self.person.scale

    def legs(self) -> dict[int, np.ndarray]:
        """side -> (3, 2): hip, knee, ankle; they leave the frame below."""
        hips = {side: self.place(np.array(side * 0.064 * self.person.hips), np.array(HIP)) for side in (-1, 1)}
        down = np.array([[0, 0], [0.012, 0.24], [0.015, 0.48]]) * self.person.scale
        return {side: hip + down * [side, 1] for side, hip in hips.items()}

    @property
    def head_size(self) -> float:
        return HEAD * self.person.scale

    def head_frame(self) -> tuple[np.ndarray, np.ndarray]:
        """The head's middle (2,) and a matrix for row vectors that rolls it."""
        throat = self.spine(np.array(-0.055))
        turn = rotation(self.person.roll + self.person.lean)
        return throat + np.array([0, -0.108 * self.head_size]) @ turn, turn

    def keypoints(self, size: tuple[int, int], to_pixels: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """BODY_25, float (25, 3) in pixels; joints outside the photo are 0, 0, 0."""
        k = Keypoint
        joints = {k.NECK: self.spine(np.array(-0.004)), k.MID_HIP: self.place(np.array(0.0), np.array(HIP))}
        for side, shoulder, elbow, wrist in (
            (-1, k.RIGHT_SHOULDER, k.RIGHT_ELBOW, k.RIGHT_WRIST),
            (1, k.LEFT_SHOULDER, k.LEFT_ELBOW, k.LEFT_WRIST),
        ):
            joints |= dict(zip((shoulder, elbow, wrist), self.arm_joints[side], strict=False))
        for side, hip, knee, ankle in (
            (-1, k.RIGHT_HIP, k.RIGHT_KNEE, k.RIGHT_ANKLE),
            (1, k.LEFT_HIP, k.LEFT_KNEE, k.LEFT_ANKLE),
        ):
            joints |= dict(zip((hip, knee, ankle), self.legs()[side], strict=True))
        middle, turn = self.head_frame()
        aside = self.person.turn * 0.014
        face = {k.NOSE: (aside * 1.3, 0.032), k.RIGHT_EYE: (aside - 0.0265, 0.002), k.LEFT_EYE: (aside + 0.0265, 0.002)}
        face |= {k.RIGHT_EAR: (-0.064, 0.014), k.LEFT_EAR: (0.064, 0.014)}
        joints |= {joint: middle + np.array(at) * self.head_size @ turn for joint, at in face.items()}
        out = np.zeros((len(Keypoint), 3))
        for joint, at in joints.items():
            x, y = to_pixels(at)
            if 0 <= x < size[1] and 0 <= y < size[0]:
                out[joint] = x, y, 1
        return out


def _direction(side: int, angle: float) -> np.ndarray:
    return np.array([side * np.sin(angle), np.cos(angle)])


def _elbow(shoulder: np.ndarray, wrist: np.ndarray, upper: float, lower: float, side: int) -> np.ndarray:
    """Where the elbow is when the hand is at `wrist`, away from the body; the arm turns out of the photo where it must."""
    across = wrist - shoulder
    reach = float(np.linalg.norm(across))
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = np.sqrt(max(upper**2 - along**2, 0)) * 0.92
    outward = side * np.array([across[1], -across[0]]) / reach
    return shoulder + across / reach * along + outward * out
