"""How hard the pairs of a drawn set are, by their true flow: what the best affine fit misses, and how much is seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vton.synthetic.geometry import Frame

ROWS = 256  # residuals are counted in pixels of a 256x192 photo, whatever the size


@dataclass(frozen=True)
class Hardness:
    """Two numbers about one pair."""

    residual: float  # pixels of a 256x192 garment photo: median distance of the flow from its best affine fit, where visible
    visible: float  # share of the worn garment that nothing covers


def hardness(flow: np.ndarray, visible: np.ndarray, worn: np.ndarray) -> Hardness:
    """Of one pair: `flow` (2, H, W) in grid_sample units, `visible` and `worn` bool (H, W); nothing seen counts as 0 and 0."""
    frame = Frame(*visible.shape)
    rows, columns = np.nonzero(visible)
    if len(rows) < 3:
        return Hardness(0.0, 0.0)
    to_pixels = np.array([frame.width, frame.height]) / 2 * ROWS / frame.unit
    fetched = (frame.grid()[rows, columns] + flow[:, rows, columns].T) * to_pixels
    places = np.stack([columns, rows, np.ones(len(rows))], -1)
    affine = np.linalg.lstsq(places, fetched, rcond=None)[0]
    missed = np.linalg.norm(fetched - places @ affine, axis=1)
    return Hardness(float(np.median(missed)), float(visible.sum() / worn.sum()))


def summary(pairs: Sequence[Hardness]) -> dict[str, float]:
    """A set's figures, as its record holds them: of the median pair, and of the one that shows least of its garment."""
    if not pairs:
        return {"pairs": 0}
    residual, visible = ([getattr(pair, name) for pair in pairs] for name in ("residual", "visible"))
    return {
        "pairs": len(pairs),
        "affine_residual_px": round(float(np.median(residual)), 3),
        "visible_share": round(float(np.median(visible)), 4),
        "least_visible_share": round(min(visible), 4),
    }
