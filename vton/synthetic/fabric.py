"""The cloth before it is cut: weave and print on a canvas, in colours 0..1."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vton.synthetic.garments import Garment, Pattern

LEFT, TOP, SPAN = -0.45, -0.13, 0.9  # the canvas covers SPAN x 0.75 units from here
DOWN = 0.75
WORDS = ("HELLO", "PARIS", "OCEAN", "amour", "NORTH", "Sunday", "BLOOM", "studio", "RIVIERA", "good day", "1987", "MILANO")


class Canvas:
    """Cloth at `scale` pixels a unit."""

    def __init__(self, garment: Garment, scale: float) -> None:
        self.garment, self.scale = garment, scale
        self.rng = np.random.default_rng(garment.seed)
        shape = int(DOWN * scale), int(SPAN * scale)
        x = LEFT + (np.arange(shape[1], dtype=np.float32) + 0.5) / scale
        y = TOP + (np.arange(shape[0], dtype=np.float32) + 0.5) / scale
        self.x, self.y = np.meshgrid(x, y)
        self.colour = np.empty((*shape, 3), np.float32)
        self.colour[:] = garment.colour

    def place(self, x: float, y: float) -> tuple[int, int]:
        """Pixel of a place in units."""
        return round((x - LEFT) * self.scale), round((y - TOP) * self.scale)

    def dye(self, where: np.ndarray, colour: tuple[float, float, float], strength: float = 1.0) -> None:
        """Mix `colour` in by the share `where` (H, W)."""
        self.colour += (np.array(colour, np.float32) - self.colour) * (where * strength)[..., None].astype(np.float32)

    def edge(self, distance: np.ndarray) -> np.ndarray:
        """0 to 1 across the line where `distance` (in units) is 0, one pixel wide."""
        return np.clip(distance * self.scale + 0.5, 0, 1)

    def stamp(self, drawing: Image.Image, x: float, y: float, colour: tuple[float, float, float]) -> None:
        """Lay a grey picture (its brightness is the share) with its middle at (x, y)."""
        share = np.asarray(drawing, np.float32) / 255
        cx, cy = self.place(x, y)
        top, left = cy - share.shape[0] // 2, cx - share.shape[1] // 2
        box = self.colour[max(top, 0) : top + share.shape[0], max(left, 0) : left + share.shape[1]]
        share = share[max(-top, 0) :, max(-left, 0) :][: box.shape[0], : box.shape[1], None]
        box += (np.array(colour, np.float32) - box) * share


def weave(canvas: Canvas) -> None:
    """What is woven or printed all over."""
    g, rng = canvas.garment, canvas.rng
    pitch = 0.032 * g.pitch
    x, y = canvas.x, canvas.y
    if g.weave == "stripes":
        share = rng.choice([0.22, 0.35, 0.5])
        canvas.dye(canvas.edge(pitch * share / 2 - np.abs((y % pitch) - pitch / 2)), g.accent)
        if rng.random() < 0.35:
            canvas.dye(canvas.edge(pitch * 0.1 - np.abs((y % (3 * pitch)) - pitch)), g.third)
    elif g.weave == "upright stripes":
        pitch *= 0.62
        canvas.dye(canvas.edge(pitch * rng.choice([0.12, 0.25]) - np.abs(((x + 5) % pitch) - pitch / 2)), g.accent)
    elif g.weave == "checks":
        pitch *= 1.7
        for axis in (x + 5, y):
            canvas.dye(canvas.edge(pitch * 0.22 - np.abs((axis % pitch) - pitch / 2)), g.accent, 0.55)
            canvas.dye(canvas.edge(pitch * 0.03 - np.abs(((axis + pitch / 2) % pitch) - pitch / 2)), g.third, 0.8)
    elif g.weave == "gingham":
        pitch *= 0.75
        for axis in (x + 5 + pitch / 4, y):
            canvas.dye(canvas.edge(pitch * 0.25 - np.abs((axis % pitch) - pitch / 2)), g.accent, 0.5)
    elif g.weave == "dots":
        pitch *= 1.05
        shifted = x + 5 + pitch / 2 * (np.floor(y / pitch) % 2)
        radius = np.hypot((shifted % pitch) - pitch / 2, (y % pitch) - pitch / 2)
        canvas.dye(canvas.edge(pitch * rng.uniform(0.16, 0.27) - radius), g.accent)
    elif g.weave == "flowers":
        _flowers(canvas)
    elif g.weave == "blocks":
        level = rng.uniform(0.1, 0.2)
        canvas.dye(canvas.edge(y - level), g.accent)
        if rng.random() < 0.6:
            canvas.dye(canvas.edge(y - level - rng.uniform(0.05, 0.09)), g.third)
    elif g.weave == "rib":
        canvas.colour *= 1 - 0.13 * (0.5 + 0.5 * np.cos(2 * np.pi * x / (0.0075 * g.pitch)))[..., None] ** 2
    elif g.weave == "heather":
        fleck = cv2.GaussianBlur(rng.standard_normal(x.shape).astype(np.float32), (0, 0), 1.6, sigmaY=0.7)
        canvas.colour *= 1 + 0.09 * (fleck / fleck.std())[..., None]
    fine = rng.standard_normal(x.shape).astype(np.float32)
    canvas.colour *= 1 + 0.012 * fine[..., None]


def _flowers(canvas: Canvas) -> None:
    """Small flowers with leaves, scattered evenly."""
    g, rng = canvas.garment, canvas.rng
    pitch = 0.05 * g.pitch
    for row in range(int(DOWN / pitch) + 2):
        for column in range(int(SPAN / pitch) + 2):
            x = LEFT + (column + 0.5 * (row % 2) + rng.uniform(-0.2, 0.2)) * pitch
            y = TOP + (row + rng.uniform(-0.2, 0.2)) * pitch
            turn, size = rng.uniform(0, 360), pitch * rng.uniform(0.24, 0.34)
            green = np.array((0.30, 0.45, 0.28)) * rng.uniform(0.8, 1.2)
            _petals(canvas, x + size * 0.9, y + size * 0.9, size * 0.75, 2, turn, tuple(green))
            _petals(canvas, x, y, size, 5, turn, g.accent if rng.random() < 0.7 else g.third)
            cv2.circle(
                canvas.colour, canvas.place(x, y), max(1, round(size * 0.24 * canvas.scale)), (0.93, 0.78, 0.3), -1, cv2.LINE_AA
            )


def _petals(canvas: Canvas, x: float, y: float, size: float, count: int, turn: float, colour: tuple[float, ...]) -> None:
    for petal in range(count):
        angle = np.radians(turn + petal * 360 / count)
        at = canvas.place(x + np.cos(angle) * size * 0.5, y + np.sin(angle) * size * 0.5)
        axes = max(1, round(size * 0.46 * canvas.scale)), max(1, round(size * 0.27 * canvas.scale))
        tone = np.array(colour) * canvas.rng.uniform(0.9, 1.08)
        cv2.ellipse(canvas.colour, at, axes, float(np.degrees(angle)), 0, 360, np.clip(tone, 0, 1).tolist(), -1)


def print_on(canvas: Canvas, pattern: Pattern) -> None:
    """What is only on the front of the torso."""
    g, rng = canvas.garment, canvas.rng
    low = max(g.neck_depth, 0.0)
    if g.print == "lettering":
        _lettering(canvas, low)
    elif g.print == "logo":
        small = rng.random() < 0.4
        size = 0.016 if small else rng.uniform(0.038, 0.052)
        x, y = (0.045, max(low, 0.03) + 0.045) if small else (0.0, max(low, 0.02) + 0.03 + size)
        _logo(canvas, x, y, size)
    elif g.print == "placket":
        _placket(canvas, low)
    elif g.print == "pocket":
        _pocket(canvas, 0.048, max(low + 0.02, 0.085))
    elif g.print == "panel":
        top = max(low + 0.02, 0.07)
        for part in range(3):
            canvas.dye(canvas.edge(0.0065 - np.abs(canvas.y - top - part * 0.02)), (g.accent, g.third, g.accent)[part])


def _lettering(canvas: Canvas, low: float) -> None:
    g, rng = canvas.garment, canvas.rng
    word = WORDS[rng.integers(len(WORDS))]
    font = ImageFont.load_default(size=60)
    left, top, right, bottom = font.getbbox(word, stroke_width=1)
    drawing = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(drawing).text((4 - left, 4 - top), word, 255, font, stroke_width=int(rng.integers(0, 3)))
    wide = rng.uniform(0.095, 0.13) * canvas.scale
    size = round(wide), max(4, round(wide * drawing.height / drawing.width))
    y = max(low, 0.02) + 0.035 + size[1] / canvas.scale / 2
    canvas.stamp(drawing.resize(size, Image.Resampling.LANCZOS), 0, y, g.accent)
    if rng.random() < 0.5:
        line = canvas.edge(0.0022 - np.abs(canvas.y - y - size[1] / canvas.scale * 0.5 - 0.014))
        canvas.dye(line * (np.abs(canvas.x) < wide / canvas.scale / 2), g.third)


def _logo(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A mark that is not its own mirror image."""
    g, kind = canvas.garment, canvas.rng.integers(4)
    side = 256
    marks = [Image.new("L", (side, side)) for _ in range(2)]
    first, second = (ImageDraw.Draw(mark) for mark in marks)
    if kind == 0:  # a sun over hills
        first.ellipse((120, 30, 220, 130), 255)
        second.polygon([(10, 230), (95, 90), (150, 170), (185, 130), (250, 230)], 255)
    elif kind == 1:  # a leaf
        first.chord((20, 10, 270, 246), 110, 250, 255)
        second.line([(40, 240), (130, 120), (150, 60)], 255, 12)
    elif kind == 2:  # a star beside a ring
        angle = np.linspace(0, 2 * np.pi, 11)[:-1] - np.pi / 2
        radius = np.where(np.arange(10) % 2, 38, 92)
        first.polygon(
            list(zip((100 + radius * np.cos(angle)).tolist(), (110 + radius * np.sin(angle)).tolist(), strict=True)), 255
        )
        second.ellipse((150, 150, 240, 240), outline=255, width=18)
    else:  # waves
        first.ellipse((24, 24, 232, 232), 255)
        for row in range(3):
            second.line([(k, 120 + row * 36 + 14 * np.sin(k / 22 + row)) for k in range(50, 232)], 255, 14)
    pixels = max(5, round(2 * size * canvas.scale))
    for mark, colour in zip(marks, (g.accent, g.third), strict=True):
        canvas.stamp(mark.resize((pixels, pixels), Image.Resampling.LANCZOS), x, y, colour)


def _placket(canvas: Canvas, low: float) -> None:
    g = canvas.garment
    strip = canvas.edge(0.0115 - np.abs(canvas.x)) * (canvas.y > low - 0.02)
    canvas.dye(strip, g.colour, 0.35)
    canvas.colour *= 1 - 0.22 * (canvas.edge(0.001 - np.abs(np.abs(canvas.x) - 0.0115)) * (canvas.y > low - 0.02))[..., None]
    step = 0.042
    for button in range(int((g.hem - low) / step) + 1):
        at = canvas.place(0, low + 0.018 + button * step)
        radius = max(1, round(0.0048 * canvas.scale))
        cv2.circle(canvas.colour, (at[0], at[1] + max(1, radius // 4)), radius, [c * 0.55 for c in g.colour], -1, cv2.LINE_AA)
        cv2.circle(canvas.colour, at, radius, g.third, -1, cv2.LINE_AA)
        cv2.circle(canvas.colour, at, max(1, radius // 3), [c * 0.6 for c in g.third], -1, cv2.LINE_AA)


def _pocket(canvas: Canvas, x: float, y: float) -> None:
    g = canvas.garment
    left, top = canvas.place(x - 0.024, y)
    right, bottom = canvas.place(x + 0.024, y + 0.05)
    tip = (left + right) // 2, bottom + (bottom - top) // 5
    shape = np.array([(left, top), (right, top), (right, bottom), tip, (left, bottom)], np.int32)
    if g.trimmed:
        cv2.fillPoly(canvas.colour, [shape], g.accent, cv2.LINE_AA)
    dark = [c * 0.7 for c in (g.accent if g.trimmed else g.colour)]
    cv2.polylines(canvas.colour, [shape], True, dark, max(1, round(0.0016 * canvas.scale)), cv2.LINE_AA)
    cv2.line(canvas.colour, (left, top + (bottom - top) // 6), (right, top + (bottom - top) // 6), dark, 1, cv2.LINE_AA)


def cut(garment: Garment, pattern: Pattern, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Cloth for the sleeves and cloth for the torso, float32 (h, w, 3)."""
    canvas = Canvas(garment, scale)
    weave(canvas)
    sleeves = canvas.colour.copy()
    if garment.weave == "blocks":
        sleeves[:] = garment.colour
    print_on(canvas, pattern)
    return np.clip(sleeves, 0.02, 1), np.clip(canvas.colour, 0.02, 1)


def look_up(cloth: np.ndarray, places: np.ndarray, scale: float) -> np.ndarray:
    """Colours (..., 3) of the cloth at `places` (..., 2) in units."""
    x = ((places[..., 0] - LEFT) * scale - 0.5).astype(np.float32)
    y = ((places[..., 1] - TOP) * scale - 0.5).astype(np.float32)
    return cv2.remap(cloth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
