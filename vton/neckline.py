"""A garment photo's neckline, by its colours: where the inside of the back is seen through the collar's opening."""

import cv2
import numpy as np

ALIKE = 11  # a distance in Lab within which colours count as one


def find_inside(cloth: np.ndarray, mask: np.ndarray, collar: np.ndarray) -> np.ndarray:
    """The inside of the back, seen through the collar's opening, bool (h, w); nothing where no neckline stands out.

    `cloth` is the photo, uint8 (h, w, 3), `mask` bool (h, w), and `collar` (2, 2) the left and the right end of the collar's
    line, x, y in pixels. The neckline is the curve from collar to collar, between a V and a U of any depth, on whose two sides
    the colours differ most, measured against how much they vary along it.
    """
    width = float(collar[1, 0] - collar[0, 0])
    nothing = np.zeros(mask.shape, bool)
    if width < 0.08 * mask.shape[1]:
        return nothing
    lab = cv2.cvtColor(cv2.GaussianBlur(cloth, (0, 0), max(1.0, width / 120)), cv2.COLOR_RGB2LAB).astype(np.float32)
    u = np.linspace(-0.86, 0.86, 61)
    x = collar.mean(0)[0] + u * width / 2
    base = np.interp(x, collar[:, 0], collar[:, 1])
    for score, powers, least in ((_plain_inside, (1.0, 1.4, 2.0, 3.0, 8.0), 0.75), (_contrast, (1.0, 1.4, 2.0, 3.0), 1.0)):
        shapes = [(power, depth) for power in powers for depth in np.linspace(0.14, 1.3, 59)]
        curves = [base + depth * width * (1 - np.abs(u) ** power) for power, depth in shapes]
        scores = [score(lab, mask, x, np.stack([base, y]), 0.035 * width) for y in curves]
        if max(scores) >= least:
            chosen = shapes[int(np.argmax(scores))]
            break
    else:
        return nothing
    power, depth = chosen
    columns = np.arange(mask.shape[1])
    v = np.clip((columns - collar.mean(0)[0]) / (width / 2), -1, 1)
    line = np.interp(columns, collar[:, 0], collar[:, 1]) + depth * width * (1 - np.abs(v) ** power)
    between = (columns > collar[0, 0]) & (columns < collar[1, 0])
    return mask & between[None] & (np.arange(mask.shape[0])[:, None] < line[None])


def _contrast(lab: np.ndarray, mask: np.ndarray, x: np.ndarray, band: np.ndarray, step: float) -> float:
    """How steadily the colour changes across a neckline: the mean difference over its spread along the curve.

    `band` (2, n) are y of the collar's line and of the neckline at `x` (n,).
    """
    columns, above, below = _beside(mask, x, band[1], step)
    clear = np.clip(above - round(2 * step), 0, None)
    if mask[clear, columns].mean() < 0.7 or not mask[below, columns].all():
        return 0.0
    change = lab[below, columns] - lab[above, columns]
    mean = change.mean(0)
    return float(np.linalg.norm(mean) / (np.linalg.norm(change.std(0)) + 6.0))


def _plain_inside(lab: np.ndarray, mask: np.ndarray, x: np.ndarray, band: np.ndarray, step: float) -> float:
    """For a patterned front: how far all above a neckline has one colour, and all just below it another; 0 to 1."""
    columns, _, below = _beside(mask, x, band[1], step)
    inside = band[0] + (band[1] - band[0]) * np.array([0.3, 0.5, 0.7, 0.88])[:, None]
    rows = np.clip(np.round(inside).astype(int), 0, mask.shape[0] - 1)
    back = mask[np.clip(rows - round(1.5 * step) - 1, 0, None), columns]  # away from the picture's white above the back's edge
    here = back & mask[rows, columns] & (inside < band[1] - step)
    if here.mean() < 0.3 or not mask[below, columns].all():
        return 0.0
    seen = lab[rows, columns]
    near = here & (inside < band[0] + 0.3 * float(np.ptp(x)))  # beside the back's edge, where the front cannot be
    if near.sum() < 8:
        return 0.0
    usual = np.median(seen[near], 0)
    alike = float((np.linalg.norm(seen - usual, axis=-1)[here] < ALIKE).mean())
    other = float((np.linalg.norm(lab[below, columns] - usual, axis=-1) > ALIKE).mean())
    return min(alike, other)


def _beside(mask: np.ndarray, x: np.ndarray, y: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, and the rows `step` above and below a curve, within the picture."""
    height, width = mask.shape
    columns = np.clip(np.round(x).astype(int), 0, width - 1)
    return (columns, *(np.clip(np.round(y + away).astype(int), 0, height - 1) for away in (-step, step)))
