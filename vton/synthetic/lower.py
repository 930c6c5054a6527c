"""What is worn below, drawn as part of the person: trousers or a skirt with bare legs, as layers to paint."""

import numpy as np

from vton.labels import ParseClass
from vton.synthetic.body import CROTCH, HIP, WAIST, Body
from vton.synthetic.geometry import Frame, coverage, curve, ellipse, outline, ribbon, smooth_noise, smoothstep
from vton.synthetic.layers import Layer, spot, survey, window
from vton.synthetic.limbs import limb

LEGS = {-1: ParseClass.RIGHT_LEG, 1: ParseClass.LEFT_LEG}


class Bottoms:
    """The layers of one person's lower clothes."""

    def __init__(self, body: Body, frame: Frame) -> None:
        self.body, self.person, self.frame = body, body.person, frame
        self.colour = np.array(self.person.bottom_colour, np.float32)
        self.skirt = self.person.bottom == "skirt"
        self.label = ParseClass.SKIRT if self.skirt else ParseClass.PANTS
        rng = np.random.default_rng([self.person.seed, 6])
        grain = rng.standard_normal(frame.size).astype(np.float32)
        self.weave = 1 + 0.03 * smooth_noise(rng, frame.size, (8, 10)) + 0.02 * grain

    def layers(self) -> list[Layer]:
        """From back to front."""
        below = self._bare_legs() if self.skirt else self._legs()
        return [*below, self._block(), *self._waistband()]

    def _weave(self, part: Frame) -> np.ndarray:
        return self.weave[part.window]

    def _bare_legs(self) -> list[Layer]:
        skin, found = np.array(self.person.skin, np.float32), []
        for side, joints in self.body.legs().items():
            strip = ribbon(joints, side, 0.1)
            width = curve((0, 0.062), (0.3, 0.056), (0.5, 0.042), (1, 0.028))(strip.along) * self.person.scale
            found.append(limb(self.frame, strip.mesh(width), skin, LEGS[side], self.person.light))
        return found

    def _legs(self) -> list[Layer]:
        p, found = self.person, []
        for side, joints in self.body.legs().items():
            strip = ribbon(joints, side, 0.1)
            width = curve((0, 0.0655 * p.hips), (0.25, 0.066), (0.5, 0.052 + 0.02 * p.flare), (1, 0.042 + 0.05 * p.flare))
            mesh = strip.mesh(width(strip.along) * p.scale)
            part = window(self.frame, mesh)
            colour = self.colour * self._weave(part)[..., None]
            found.append(limb(part, mesh, colour, ParseClass.PANTS, p.light, 0.3))
        return found

    def _block(self) -> Layer:
        """The hips of trousers, with fly and pockets, ending in a V between the legs; or a skirt."""
        p = self.person
        low = p.skirt_hem if self.skirt else CROTCH + 0.012
        widen = 0.006 + 0.04 * p.flare if self.skirt else 0.003
        u, q = np.meshgrid(np.linspace(-1, 1, 17), np.linspace(p.waistband, low, 26))
        width = self.body.half_width(np.minimum(q, HIP + 0.03)) * 1.03 + widen * smoothstep(q, WAIST, low)
        mesh = self.body.place(self.body.turned(u, q) * width, q)
        if self.skirt:
            mesh = mesh + np.stack([np.zeros_like(u), 0.012 * (1 - u**2) * smoothstep(q, HIP, low)], -1)
        part = window(self.frame, mesh)
        u, q = survey(part, mesh, u, q)
        light = 1.0 - 0.16 * np.abs(u) ** 4 + 0.06 * p.light * u
        alpha = coverage(part, [outline(mesh)])
        if self.skirt:
            folds = np.sin(u * (5 + 6 * p.flare) + p.seed % 6) * smoothstep(q, 0.3, 0.5)
            light = light + 0.06 * (0.3 + p.flare) * folds
        else:
            light = light - self._seams(u, q)
            between = q - CROTCH + 0.055 - 0.1 * (1 - np.abs(u))
            alpha = alpha * (1 - smoothstep(between, -0.05, 0.004)).astype(np.float32)
        colour = np.clip(self.colour * (light * self._weave(part))[..., None], 0, 1).astype(np.float32)
        return Layer(part, alpha, colour, self.label, shadow=0.35 if self.skirt else 0.0)

    def _seams(self, u: np.ndarray, q: np.ndarray) -> np.ndarray:
        """How much darker fly, pockets and the fold at the crotch are."""
        band = self.person.waistband
        curved = np.abs(u - 0.12 + 2.4 * np.clip(q - 0.39, 0, 1))
        fly = np.exp(-((u / 0.014) ** 2)) + 0.7 * np.exp(-((curved / 0.012) ** 2)) * (q < 0.43)
        pocket = np.exp(-(((np.abs(u) - 0.62 - (q - band) * 3.2) / 0.022) ** 2)) * (q < band + 0.1)
        crotch = np.exp(-(((q - CROTCH) / 0.03) ** 2)) * np.exp(-((u / 0.25) ** 2))
        return (0.22 * fly + 0.2 * pocket) * smoothstep(q, band + 0.02, band + 0.03) + 0.1 * crotch

    def _waistband(self) -> list[Layer]:
        band = self.person.waistband
        u, q = np.meshgrid(np.linspace(-1, 1, 17), np.array([band, band + 0.011, band + 0.022]))
        mesh = self.body.place(self.body.turned(u, q) * self.body.half_width(q) * 1.035, q + 0.006 * (1 - u**2))
        part = window(self.frame, mesh)
        (u,) = survey(part, mesh, u)
        light = (0.92 - 0.16 * np.abs(u) ** 4 + 0.06 * self.person.light * u) * self._weave(part)
        colour = np.clip(self.colour * light[..., None], 0, 1)
        layers = [Layer(part, coverage(part, [outline(mesh)]), colour, self.label, shadow=0.25)]
        if self.skirt:
            return layers
        for at in (-0.55, 0.55):
            across = (
                self.body.turned(np.array(at), np.array(band)) + np.array([-0.035, 0.035, 0.035, -0.035])
            ) * self.body.half_width(band)
            loop = self.body.place(across, band + np.array([-0.002, -0.002, 0.03, 0.03]))
            layers.append(spot(self.frame, loop, self.colour * 0.8))
        middle = self.body.turned(np.array(0.04), np.array(band)) * self.body.half_width(band)
        button = self.body.place(middle, np.array(band + 0.018))
        return [*layers, spot(self.frame, ellipse(button, (0.0048, 0.0048)), np.array([0.72, 0.66, 0.55]))]
