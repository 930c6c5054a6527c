"""Spoiled parses."""

import cv2
import numpy as np

from benchmarks.faults.case import Case, Changed, derived, disc
from vton.labels import ARMS, GARMENT, ParseClass
from vton.preprocess.checks.maps import nearest_parts

P = ParseClass
ARM_PARTS = {P.RIGHT_ARM: (16, 18, 20, 22), P.LEFT_ARM: (15, 17, 19, 21)}


def arms_swapped(case: Case) -> Changed | None:
    parse = case.own.parse.copy()
    left, right = parse == P.LEFT_ARM, parse == P.RIGHT_ARM
    if min(left.sum(), right.sum()) < 0.004 * parse.size:
        return None
    parse[left], parse[right] = P.RIGHT_ARM, P.LEFT_ARM
    return derived(case, parse)


def sleeves_as_arms(case: Case) -> Changed | None:
    parse, parts = case.own.parse.copy(), nearest_parts(case.own.densepose)[0]
    for label, ids in ARM_PARTS.items():
        parse[np.isin(parts, ids) & np.isin(parse, GARMENT)] = label
    return derived(case, parse) if (parse != case.own.parse).sum() > 0.015 * parse.size else None


def arms_as_sleeves(case: Case) -> Changed | None:
    parse, parts = case.own.parse.copy(), nearest_parts(case.own.densepose)[0]
    parse[np.isin(parse, ARMS) & ~np.isin(cv2.dilate(parts, np.ones((5, 5))), (3, 4))] = P.UPPER
    return derived(case, parse) if (parse != case.own.parse).sum() > 0.025 * parse.size else None


def garment_holes(case: Case) -> Changed:
    parse, inside = case.own.parse.copy(), np.isin(case.own.parse, GARMENT)
    inner = cv2.erode(inside.astype(np.uint8), disc(0.03 * case.size[1])) > 0
    for _ in range(case.rng.integers(1, 4)):
        parse[case.blob(inner, case.rng.uniform(0.03, 0.08))] = P.BACKGROUND
    return derived(case, parse)


def lower_mixed(case: Case) -> Changed:
    parse = case.own.parse.copy()
    worn = np.isin(parse, (P.PANTS, P.SKIRT))
    parse[case.blob(worn, case.rng.uniform(0.05, 0.3))] = (
        P.SKIRT if (parse == P.PANTS).sum() > (parse == P.SKIRT).sum() else P.PANTS
    )
    return derived(case, parse)


def speckled(case: Case) -> Changed:
    parse = case.own.parse.copy()
    noise = cv2.resize(
        case.rng.random((case.size[0] // 3, case.size[1] // 3)), case.size[::-1], interpolation=cv2.INTER_NEAREST
    )
    hit = (parse > 0) & (noise < case.rng.uniform(0.05, 0.12))
    parse[hit] = case.rng.choice([P.COAT, P.SCARF, P.DRESS, P.FACE, P.PANTS])
    return derived(case, parse)


def garment_missed(case: Case) -> Changed:
    parse = case.own.parse.copy()
    parse[np.isin(parse, GARMENT)] = case.rng.choice([P.BACKGROUND, P.NECK, P.PANTS])
    return derived(case, parse)


def parse_of_another(case: Case) -> Changed | None:
    one, other = case.own.parse > 0, case.other.parse > 0
    return derived(case, case.other.parse) if (one & other).sum() < 0.88 * (one | other).sum() else None


def parse_in_colours(case: Case) -> Changed:
    if case.rng.random() < 0.5:
        return {"parse": case.own.parse[..., None].repeat(3, -1) * np.uint8(10)}
    return {"parse": case.own.parse * np.uint8(12)}
