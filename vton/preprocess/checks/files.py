"""Checks of the files themselves: readable, and of their photo's size."""

from collections.abc import Iterator

import numpy as np

from vton.preprocess.checks.maps import Maps
from vton.preprocess.checks.outcome import Check, Outcome

OUTPUT_OF = {
    "image": "parse",
    "parse": "parse",
    "densepose": "densepose",
    "densepose_parts": "densepose",
    "keypoints": "keypoints",
    "agnostic": "agnostic",
    "agnostic_mask": "agnostic",
    "parse_agnostic": "agnostic",
    "cloth": "cloth_mask",
    "cloth_mask": "cloth_mask",
    "worn_mask": "flow",
    "flow": "flow",
}
NAMES = {
    "parse": "parse",
    "densepose": "DensePose map",
    "densepose_parts": "map of DensePose's parts",
    "agnostic": "agnostic image",
    "agnostic_mask": "mask",
    "parse_agnostic": "agnostic parse",
    "cloth_mask": "cloth mask",
}
CANNOT = (
    "1 for a file that cannot be used, with the reader's own words: a parse that holds colours or unknown ids, a cut-off file"
)
STRETCHED = "1 for another size than the photo's: every map means the same pixels"
READABLE = {output: Check("readable", output, 0.0, CANNOT) for output in dict.fromkeys(OUTPUT_OF.values())}
SIZES = {kind: Check(f"size of the {name}", OUTPUT_OF[kind], 0.0, STRETCHED) for kind, name in NAMES.items()}
CHECKS = (*READABLE.values(), *SIZES.values())


def check_files(maps: Maps) -> Iterator[Outcome]:
    """One outcome for every file that cannot be read, and one for every map's size."""
    for kind, why in maps.unreadable.items():
        check = READABLE[OUTPUT_OF[kind]]
        yield Outcome(check.name, check.output, 1.0, check.threshold, why)
    for kind, check in SIZES.items():
        found: np.ndarray | None = getattr(maps, kind)
        photo = maps.cloth if kind == "cloth_mask" else maps.image
        if found is not None and photo is not None:
            (height, width), (high, wide) = photo.shape[:2], found.shape[:2]
            fact = f"the {NAMES[kind]} is {wide}x{high}, its photo {width}x{height}"
            odd = float((height, width) != (high, wide))
            yield check.judge(odd, fact, "one will be stretched onto the other")
