"""A flow as pictures: colour wheel, arrows, bent grid and length; what is folded or out of frame, how far it is off the truth.

All take a flow (1, 2, H, W) at the photo's size. Lengths are in pixels of the photo; the same colour means the same length in
every picture of photos of one height, so that pictures of two warps can be compared.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from vton.flow import draw_grid, to_colour, to_pixels

FULL = 0.15  # of the photo's height: the length at full saturation
LONGEST = 0.4  # of the photo's height: the end of the scale of lengths
WORST = 0.04  # of the photo's height: the error at the end of its scale
TALLEST = 640  # pixels; of a picture of a flow
ARROWS = 26  # rows of arrows, at most
SHIFT = 4  # bits after the point of an arrow's ends
PALE = 0.7  # how much white is in the arrows beside the garment
FAINT = 60  # of 255: how opaque a flow is where no garment lies
LENGTHS, ERRORS = cv2.COLORMAP_VIRIDIS, cv2.COLORMAP_INFERNO
FOLDED, BEYOND = (255, 0, 180), (0, 216, 255)  # hues that hardly any cloth has


def full_length(height: int) -> float:
    """Pixels of a photo of this height at which hues are full."""
    return FULL * height


def longest(height: int) -> float:
    """Pixels of a photo of this height that the scale of lengths ends at."""
    return LONGEST * height


def worst_error(height: int) -> float:
    """Pixels of a photo of this height that the colours of errors end at."""
    return WORST * height


def pictures_of(flow: Tensor, mask: Tensor, cells: tuple[int, int]) -> dict[str, np.ndarray]:
    """The four pictures of a flow, uint8 (h, w, 4), by name: "colour", "arrows", "grid", "magnitude"; faint outside the `mask`
    (1, 1, H, W). `cells` are the rows and columns that the flow was made at: an arrow stands for one or more of them."""
    size = _shown(flow)
    moved = to_pixels(flow)[0].numpy()
    height = moved.shape[1]
    small = cv2.resize(moved.transpose(1, 2, 0), size[::-1], interpolation=cv2.INTER_NEAREST)
    near = cv2.resize(mask[0, 0].numpy(), size[::-1], interpolation=cv2.INTER_AREA) > 0.5
    length = np.hypot(small[..., 0], small[..., 1])
    square = small.transpose(2, 0, 1) / height  # in heights of the photo: across and down alike
    drawn = {
        "colour": to_colour(square, FULL),
        "arrows": _arrows(moved / height, near, cells),
        "grid": draw_grid(cv2.resize(flow[0].numpy().transpose(1, 2, 0), size[::-1]).transpose(2, 0, 1)),
        "magnitude": _heat(length / longest(height), LENGTHS),
    }
    return {name: _faded(picture, near) for name, picture in drawn.items()}


def marks_of(folded: Tensor, beyond: Tensor) -> dict[str, np.ndarray]:
    """What is wrong with a flow, uint8 (H, W, 4), clear where nothing is: "folds" and "outside", of bool (1, 1, H, W) each."""
    reach = max(1, round(folded.shape[-2] / 400))
    return {
        "folds": _marked(folded, FOLDED, reach),
        "outside": _marked(beyond, BEYOND, 0),
    }


def worn_picture(cloth: Tensor, mask: Tensor) -> np.ndarray:
    """The warped cloth (1, 3, H, W) as opaque as its mask (1, 1, H, W), uint8 (H, W, 4)."""
    rgb = ((cloth[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255)
    return torch.cat([rgb, (mask[0].permute(1, 2, 0) * 255).round()], -1).to(torch.uint8).numpy()


def outline_picture(mask: Tensor) -> np.ndarray:
    """The mask (1, 1, H, W) as a white line on a black one about its edge, uint8 (H, W, 4), clear elsewhere."""
    solid = (mask[0, 0].numpy() > 0.5).astype(np.uint8)
    wide = max(1, round(solid.shape[0] / 256))
    lines = [cv2.dilate(solid, np.ones((2 * n + 1,) * 2)) - solid for n in (wide, 2 * wide)]
    picture = np.zeros((*solid.shape, 4), np.uint8)
    picture[lines[1] > 0] = (0, 0, 0, 255)
    picture[lines[0] > 0] = (255, 255, 255, 255)
    return picture


def error_picture(error: Tensor, visible: Tensor) -> np.ndarray:
    """Distances (1, 1, H, W) in pixels as colours, uint8 (H, W, 4), clear where the garment is not visible."""
    picture = _heat(error[0, 0].numpy() / worst_error(error.shape[-2]), ERRORS)
    alpha = np.where(visible[0, 0].numpy() > 0, 255, 0)
    return np.dstack([picture, alpha]).astype(np.uint8)


def scale_bar(errors: bool = False, width: int = 128) -> np.ndarray:
    """The legend of lengths, or of errors, from 0 at the left, uint8 (8, width, 3)."""
    return _heat(np.tile(np.linspace(0, 1, width), (8, 1)), ERRORS if errors else LENGTHS)


def _shown(flow: Tensor) -> tuple[int, int]:
    height, width = flow.shape[-2:]
    tall = min(TALLEST, max(height, 2 * TALLEST // 3))
    return tall, max(1, round(width * tall / height))


def _heat(share: np.ndarray, scale: int) -> np.ndarray:
    """0..1 (h, w) in the colours of a scale, uint8 (h, w, 3); what is beyond has its end's."""
    levels = np.round(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(levels, scale), cv2.COLOR_BGR2RGB)


def _arrows(moved: np.ndarray, near: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """Arrows from pixels to where they are fetched from, as long as that is far, on white; `moved` (2, H, W) in heights.

    Those of the garment, where `near` (h, w), lie on top and are darker.
    """
    height, width = near.shape
    rows = min(cells[0], ARROWS)
    columns = max(1, min(cells[1], round(rows * width / height)))
    drawn = cv2.resize(moved.transpose(1, 2, 0), (columns, rows), interpolation=cv2.INTER_AREA)
    hues = to_colour(drawn.transpose(2, 0, 1), FULL / 2)
    canvas = np.full((height, width, 3), 255, np.uint8)
    thick = max(1, round(height / 320))
    inside = cv2.resize(near.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST) > 0
    for row, column in [*np.argwhere(~inside), *np.argwhere(inside)]:
        start = np.array([(column + 0.5) * width / columns, (row + 0.5) * height / rows])
        way = drawn[row, column] * height
        ink = hues[row, column] * 0.75
        colour = [float(part) for part in (ink if inside[row, column] else PALE * 255 + (1 - PALE) * ink)]
        tip = min(0.4, 0.018 * height / max(float(np.hypot(*way)), 1.0))
        cv2.arrowedLine(canvas, _fine(start), _fine(start + way), colour, thick, cv2.LINE_AA, SHIFT, tip)
    return canvas


def _fine(point: np.ndarray) -> tuple[int, int]:
    """A place as OpenCV takes it with SHIFT bits after the point."""
    x, y = np.clip(np.round(point * 2**SHIFT), -(2**20), 2**20)
    return int(x), int(y)


def _faded(picture: np.ndarray, near: np.ndarray) -> np.ndarray:
    return np.dstack([picture, np.where(near, 255, FAINT).astype(np.uint8)])


def _marked(where: Tensor, colour: tuple[int, int, int], reach: int) -> np.ndarray:
    area = cv2.dilate(where[0, 0].numpy().astype(np.uint8), np.ones((2 * reach + 1,) * 2))
    picture = np.zeros((*area.shape, 4), np.uint8)
    picture[area > 0] = (*colour, 255)
    return picture
