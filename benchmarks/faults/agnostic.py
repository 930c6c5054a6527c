"""Spoiled agnostic areas."""

import cv2
import numpy as np

from benchmarks.faults.case import Case, Changed, away, disc, masked, moved
from vton.labels import ARMS, GARMENT, HEAD
from vton.preprocess.agnostic import erase
from vton.preprocess.checks.maps import nearest_parts


def mask_shrunk(case: Case) -> Changed:
    return masked(case, cv2.erode(case.mask.astype(np.uint8), disc(case.rng.uniform(0.05, 0.09) * case.size[1])) > 0)


def mask_bitten(case: Case) -> Changed:
    outline = np.isin(case.own.parse, GARMENT)
    return masked(case, case.mask & ~case.blob(outline, case.rng.uniform(0.06, 0.15)))


def mask_over_face(case: Case) -> Changed:
    ys, xs = np.nonzero(np.isin(case.own.parse, HEAD))
    top = np.quantile(ys, case.rng.uniform(0.1, 0.7))
    rows = np.arange(case.size[0])[:, None]
    head = cv2.dilate(np.isin(case.own.parse, HEAD).astype(np.uint8), disc(4)) > 0
    return masked(case, case.mask | (head & (rows > top)))


def mask_of_another(case: Case) -> Changed | None:
    theirs = case.other.agnostic_mask >= 128
    same = (case.mask & theirs).sum() / (case.mask | theirs).sum()
    return masked(case, theirs) if same < 0.85 else None


def mask_over_everything(case: Case) -> Changed:
    return masked(case, np.ones(case.size, bool) if case.rng.random() < 0.5 else ~case.mask)


def agnostic_of_another_mask(case: Case) -> Changed:
    x, y = away(case, 0.12, 0.4)
    return {"agnostic": erase(case.own.image, moved(case.mask.astype(np.uint8), x, y) > 0)}


def mask_soft(case: Case) -> Changed:
    if case.rng.random() < 0.3:
        return {"agnostic_mask": cv2.cvtColor(case.own.agnostic, cv2.COLOR_RGB2GRAY)}
    soft = cv2.GaussianBlur(case.own.agnostic_mask, (0, 0), case.rng.uniform(1.5, 5))
    return {"agnostic_mask": cv2.imdecode(cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE)}


def hands_masked(case: Case) -> Changed | None:
    found = np.isin(nearest_parts(case.own.densepose)[0], (3, 4)) & np.isin(case.own.parse, ARMS)
    if found.sum() < 0.004 * found.size:
        return None
    return masked(case, case.mask | (cv2.dilate(found.astype(np.uint8), disc(5)) > 0))
