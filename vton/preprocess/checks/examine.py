"""All checks of one item, and of every item of a split."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2

from vton.pairs import Split
from vton.preprocess.checks import cloth, densepose, files, flow, keypoints, masks, parse, shared, sides
from vton.preprocess.checks.maps import Maps, Scene, read_maps
from vton.preprocess.checks.outcome import Check, Outcome, badness
from vton.progress import Progress

FORMAT = 1
CHECKS: tuple[Check, ...] = (
    *files.CHECKS,
    *parse.CHECKS,
    *keypoints.CHECKS,
    *densepose.CHECKS,
    *sides.CHECKS,
    *masks.CHECKS,
    *cloth.CHECKS,
    *flow.CHECKS,
    *shared.CHECKS,
)
Usual = tuple[float, float]  # the split's median mask area and its spread, shares of the photo


def check_item(split: Split, stem: str, usual: Usual | None = None) -> list[Outcome]:
    """Every check of the files that a split has of one stem, as a person and as a garment.

    `usual` (from `usual_of`) is what the mask's area is compared with; without it that one check is left out.
    """
    return check_maps(read_maps(split, stem), usual)


def check_maps(maps: Maps, usual: Usual | None = None) -> list[Outcome]:
    """Every check that the maps suffice for."""
    found, area = _check(maps)
    return found + ([masks.judge_area(area, usual)] if usual and area is not None else [])


def check_split(split: Split, other: Split | None = None) -> dict[str, list[Outcome]]:
    """Every check of every item, the worst item first; `other` is the dataset's other split, which must show other pictures."""
    stems = stems_of(split)
    progress = Progress(len(stems), "Checks")
    seen = {}
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # numpy, OpenCV and Pillow leave Python's lock
            for stem, found in zip(stems, pool.map(lambda stem: _check(read_maps(split, stem)), stems), strict=True):
                seen[stem] = found
                progress.advance(note=stem)
            for stem, outcome in shared.check_shared(split, other, pool) if other else ():
                seen[stem][0].append(outcome)
    finally:
        cv2.setNumThreads(threads)
    usual = masks.usual_area([area for _, area in seen.values() if area is not None])
    items = {}
    for stem, (outcomes, area) in seen.items():
        items[stem] = outcomes + ([masks.judge_area(area, usual)] if usual and area is not None else [])
    return dict(sorted(items.items(), key=lambda item: (-badness(item[1]), item[0])))


def usual_of(split: Split) -> Usual | None:
    """The usual mask area of a split, as `check_split` takes it; None for a handful of items."""
    areas = [Scene(read_maps(split, stem)).area for stem in split.persons]
    return masks.usual_area([area for area in areas if area is not None])


def stems_of(split: Split) -> list[str]:
    """Every person and every garment of a split, by file stem."""
    return sorted({*split.maps["image"], *split.maps["cloth"]})


def report(split: Split, items: dict[str, list[Outcome]]) -> dict[str, Any]:
    """What `--json` writes; data/README.md describes it."""
    return {
        "format": FORMAT,
        "split": split.name,
        "checks": [check.to_json() for check in CHECKS],
        "items": {stem: [outcome.to_json() for outcome in found] for stem, found in items.items()},
    }


def _check(maps: Maps) -> tuple[list[Outcome], float | None]:
    """The outcomes that need no other item, and the mask's area where there is a mask."""
    scene = Scene(maps)
    return list(_all(maps, scene)), scene.area


def _all(maps: Maps, scene: Scene) -> Iterator[Outcome]:
    yield from files.check_files(maps)
    if any(known is not None for known in (maps.image, maps.parse, maps.densepose, maps.densepose_parts, maps.agnostic_mask)):
        yield from parse.check_parse(scene)
        yield from keypoints.check_keypoints(scene)
        yield from densepose.check_densepose(scene)
        yield from sides.check_sides(scene)
        yield from masks.check_masks(maps, scene)
    yield from cloth.check_cloth(maps)
    yield from flow.check_flow(maps)
