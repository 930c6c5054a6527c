"""Spoiled cloth masks, sizes and flows."""

import cv2
import numpy as np

from benchmarks.faults.case import Case, Changed, disc


def cloth_with_background(case: Case) -> Changed:
    mask = (case.own.cloth_mask >= 128).astype(np.uint8)
    if case.rng.random() < 0.5:
        return {"cloth_mask": cv2.dilate(mask, disc(case.rng.uniform(0.03, 0.08) * mask.shape[1])) > 0}
    x, y, wide, high = cv2.boundingRect(mask)
    mask[y : y + high, x : x + wide] = 1
    return {"cloth_mask": mask > 0}


def cloth_holed(case: Case) -> Changed:
    mask = case.own.cloth_mask >= 128
    inner = cv2.erode(mask.astype(np.uint8), disc(0.04 * mask.shape[1])) > 0
    for _ in range(case.rng.integers(1, 4)):
        mask &= ~case.blob(inner, case.rng.uniform(0.03, 0.08))
    return {"cloth_mask": mask}


def cloth_cut(case: Case) -> Changed:
    mask = case.own.cloth_mask >= 128
    x, y, wide, high = cv2.boundingRect(mask.astype(np.uint8))
    lost = case.rng.uniform(0.12, 0.3)
    if case.rng.random() < 0.5:
        mask[: y + round(lost * high)] = False
    else:
        mask[:, x + round((1 - lost) * wide) :] = False
    return {"cloth_mask": mask}


def cloth_of_another(case: Case) -> Changed | None:
    one, other = case.own.cloth_mask >= 128, case.other.cloth_mask >= 128
    return {"cloth_mask": other} if (one & other).sum() < 0.85 * (one | other).sum() else None


def cloth_soft(case: Case) -> Changed:
    return {"cloth_mask": cv2.GaussianBlur(case.own.cloth_mask, (0, 0), case.rng.uniform(1.5, 5))}


def other_size(case: Case) -> Changed:
    kind = str(case.rng.choice(["parse", "agnostic_mask", "densepose", "cloth_mask"]))
    found = getattr(case.own, kind)
    high, wide = round(found.shape[0] * case.rng.choice([0.5, 0.75, 2])), round(found.shape[1] * case.rng.choice([0.5, 1, 2]))
    return {kind: cv2.resize(found, (wide, high), interpolation=cv2.INTER_NEAREST)}


def flow_mirrored(case: Case) -> Changed:
    grid = (np.arange(case.size[1]) * 2 + 1) / case.size[1] - 1
    flow = case.own.flow.copy()
    flow[0] = -(flow[0] + grid) - grid
    return {"flow": flow}


def flow_of_another(case: Case) -> Changed | None:
    one, other = (np.isfinite(maps.flow).all(0) for maps in (case.own, case.other))
    return {"flow": case.other.flow} if (one & other).sum() < 0.8 * (one | other).sum() else None
