"""Faults planted into drawn items for scoring the checks; written apart from what their thresholds were set with.

Each fault changes one output as a detector, a converter or a person might spoil it, by a random amount, and leaves the rest as
it would then come out: the agnostic maps are derived anew from a spoiled parse or spoiled keypoints, so that only the photo and
the other detectors give it away.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.faults import agnostic, cloth, parse, pose
from benchmarks.faults.case import Case, Changed
from vton.images import replacing, write_image, write_json, write_labels, write_npz
from vton.labels import ParseClass
from vton.pairs import MAPS, SUFFIXES

FAULTS: dict[str, tuple[str, Callable[[Case], Changed | None]]] = {
    "mask shrunk": ("agnostic", agnostic.mask_shrunk),
    "mask bitten": ("agnostic", agnostic.mask_bitten),
    "mask over the face": ("agnostic", agnostic.mask_over_face),
    "mask over the hands": ("agnostic", agnostic.hands_masked),
    "mask of another": ("agnostic", agnostic.mask_of_another),
    "mask over everything": ("agnostic", agnostic.mask_over_everything),
    "mask soft": ("agnostic", agnostic.mask_soft),
    "agnostic of another mask": ("agnostic", agnostic.agnostic_of_another_mask),
    "parse: arms swapped": ("parse", parse.arms_swapped),
    "parse: sleeves as bare arms": ("parse", parse.sleeves_as_arms),
    "parse: bare arms as sleeves": ("parse", parse.arms_as_sleeves),
    "parse: holes in the garment": ("parse", parse.garment_holes),
    "parse: trousers and skirt mixed": ("parse", parse.lower_mixed),
    "parse: speckled": ("parse", parse.speckled),
    "parse: garment missed": ("parse", parse.garment_missed),
    "parse of another": ("parse", parse.parse_of_another),
    "parse in colours or ids over 19": ("parse", parse.parse_in_colours),
    "keypoints shifted": ("keypoints", pose.joints_shifted),
    "keypoints mirrored": ("keypoints", pose.joints_mirrored),
    "keypoints: left and right swapped": ("keypoints", pose.joints_swapped),
    "keypoints missing": ("keypoints", pose.joints_missing),
    "keypoints: one astray": ("keypoints", pose.joint_astray),
    "keypoints of another": ("keypoints", pose.joints_of_another),
    "keypoints of another size": ("keypoints", pose.joints_of_another_size),
    "DensePose shifted": ("densepose", pose.densepose_shifted),
    "DensePose mirrored": ("densepose", pose.densepose_mirrored),
    "DensePose of another": ("densepose", pose.densepose_of_another),
    "DensePose miscoloured": ("densepose", pose.densepose_miscoloured),
    "DensePose cut off": ("densepose", pose.densepose_cut),
    "cloth mask with background": ("cloth_mask", cloth.cloth_with_background),
    "cloth mask with holes": ("cloth_mask", cloth.cloth_holed),
    "cloth mask cut off": ("cloth_mask", cloth.cloth_cut),
    "cloth mask of another": ("cloth_mask", cloth.cloth_of_another),
    "cloth mask soft": ("cloth_mask", cloth.cloth_soft),
    "a map of another size": ("", cloth.other_size),
    "flow mirrored": ("flow", cloth.flow_mirrored),
    "flow of another": ("flow", cloth.flow_of_another),
}


def plant(changed: Changed, folder: Path, split: str, stem: str) -> None:
    """Write the spoiled maps into a folder that is laid over the dataset."""
    for kind, found in changed.items():
        name = f"{stem}__{stem}" if kind == "flow" else f"{stem}{SUFFIXES.get(kind, '')}"
        place = folder / split / MAPS[kind][0] / name
        if kind == "keypoints":
            people = [{"pose_keypoints_2d": [round(float(number), 3) for number in found.ravel()]}]
            write_json(place.with_name(f"{name}.json"), {"people": people})
        elif kind == "flow":
            write_npz(place.with_name(f"{name}.npz"), flow=found, visible=np.isfinite(found).all(0))
        elif kind in ("parse", "parse_agnostic"):
            _write_parse(place.with_name(f"{name}.png"), found)
        else:
            ending = ".png" if kind == "agnostic_mask" else ".jpg"
            write_image(place.with_name(name + ending), found)


def _write_parse(place: Path, ids: np.ndarray) -> None:
    """Labels as the set has them; colours, or ids that there are not, as a converter that knows no better."""
    if ids.ndim == 2 and ids.max() <= max(ParseClass):
        write_labels(place, ids)
        return
    with replacing(place) as file:
        Image.fromarray(ids).save(file, "PNG")
