"""The guarded rule of the agnostic area on what detectors get wrong: bad joints, bad sizes, other people."""

import numpy as np
import pytest

from vton.errors import PreprocessError
from vton.labels import GARMENT, HEAD, Keypoint, ParseClass
from vton.preprocess.agnostic import agnostic_mask, erase

K, P = Keypoint, ParseClass
BOXES = (
    (170, 256, 66, 126, P.PANTS),
    (60, 175, 64, 128, P.UPPER),
    (66, 190, 44, 62, P.RIGHT_ARM),
    (66, 190, 130, 148, P.LEFT_ARM),
    (48, 62, 86, 106, P.NECK),
    (16, 50, 80, 112, P.FACE),
)  # of 256x192
JOINTS = {
    K.NECK: (96, 66), K.RIGHT_SHOULDER: (64, 68), K.LEFT_SHOULDER: (128, 68), K.RIGHT_ELBOW: (54, 118),
    K.RIGHT_WRIST: (52, 164),
    K.LEFT_ELBOW: (138, 118), K.LEFT_WRIST: (140, 164), K.RIGHT_HIP: (80, 170), K.LEFT_HIP: (112, 170),
}  # fmt: skip


def person(height: int = 256, width: int = 192, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Parse and joints of a figure of boxes, `scale` of the picture high, in its middle."""
    parse, joints = np.zeros((height, width), np.uint8), np.zeros((25, 3))
    y, x = scale * height / 256, scale * width / 192
    top, left = (1 - scale) * height / 2, (1 - scale) * width / 2
    for y0, y1, x0, x1, label in BOXES:
        parse[round(top + y0 * y) : round(top + y1 * y), round(left + x0 * x) : round(left + x1 * x)] = label
    for joint, (a, b) in JOINTS.items():
        joints[joint] = left + a * x, top + b * y, 1
    return parse, joints


def holds(parse: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """The mask, after the promises that hold whatever the joints say."""
    mask = agnostic_mask(parse, joints)
    assert mask.shape == parse.shape
    assert not (np.isin(parse, GARMENT) & ~mask).any(), "garment is left"
    assert not mask[np.isin(parse, HEAD)].any(), "the head is erased"
    return mask


USUAL = agnostic_mask(*person()).mean()
BROKEN = {
    "hips coincide": {K.RIGHT_HIP: (96, 170), K.LEFT_HIP: (96, 170)},
    "no hips": {K.RIGHT_HIP: None, K.LEFT_HIP: None},
    "one hip": {K.LEFT_HIP: None},
    "hips far away": {K.RIGHT_HIP: (5000, 9000), K.LEFT_HIP: (-4000, 9000)},
    "shoulders coincide": {K.RIGHT_SHOULDER: (96, 68), K.LEFT_SHOULDER: (96, 68)},
    "no wrists": {K.RIGHT_WRIST: None, K.LEFT_WRIST: None},
    "elbow in the corner": {K.RIGHT_ELBOW: (0, 0)},
    "wrist far away": {K.RIGHT_WRIST: (5000, 164)},
    "a joint that is no number": {K.LEFT_ELBOW: (np.nan, np.inf)},
    "no neck": {K.NECK: None},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_wrong_joints_neither_uncover_the_garment_nor_erase_the_picture(fault: str) -> None:
    parse, joints = person()
    for joint, place in BROKEN[fault].items():
        joints[joint] = (*place, 1) if place else (0, 0, 0)
    assert 0.5 * USUAL < holds(parse, joints).mean() < 1.35 * USUAL


@pytest.mark.parametrize("size", [(384, 512), (800, 600), (2048, 1536), (97, 64)])
def test_any_size_is_its_own(size: tuple[int, int]) -> None:
    assert holds(*person(*size)).any()


def test_a_tiny_person_is_covered() -> None:
    parse, joints = person(scale=0.15)
    assert holds(parse, joints).mean() < 0.1


@pytest.mark.parametrize("joint", [K.LEFT_SHOULDER, K.RIGHT_SHOULDER])
@pytest.mark.parametrize("value", [(0, 0, 0), (np.nan, 3, 1)])
def test_without_a_shoulder_there_is_one_sentence(joint: Keypoint, value: tuple[float, ...]) -> None:
    parse, joints = person()
    joints[joint] = value
    with pytest.raises(PreprocessError, match="shoulders"):
        agnostic_mask(parse, joints)


def test_what_another_person_wears_stays() -> None:
    parse, joints = person()
    wide = np.zeros((256, 600), np.uint8)
    wide[:, :192] = parse
    wide[90:200, 480:560] = P.UPPER
    mask = agnostic_mask(wide, joints)
    assert not mask[:, 400:].any() and not (np.isin(parse, GARMENT) & ~mask[:, :192]).any()
    wide[100:110, 160:170] = P.UPPER  # a scrap beside the person is the person's own
    assert agnostic_mask(wide, joints)[100:110, 160:170].all()


def test_a_mask_of_another_size_is_one_sentence() -> None:
    with pytest.raises(PreprocessError, match="The agnostic mask is 30x40, the photo 32x40"):
        erase(np.zeros((40, 32, 3), np.uint8), np.zeros((40, 30), bool))
