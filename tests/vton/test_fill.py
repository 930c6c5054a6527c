"""What shows where the new garment does not cover: lower clothes up to the waistband, skin above it, arms without steps; and
what of a garment hangs where clothes below cut its hem off."""

import numpy as np
import pytest

from tests.standing import person
from vton.areas import arm_area, hang
from vton.body import find_body
from vton.fill import ERASED, fill_bare
from vton.labels import Keypoint, ParseClass

BLUE, SKIN, GREY, RED = (40, 60, 160), (220, 170, 140), (200, 200, 200), (180, 20, 30)
COLOURS = {
    ParseClass.PANTS: BLUE, ParseClass.SKIRT: BLUE, ParseClass.UPPER: RED, ParseClass.NECK: SKIN, ParseClass.FACE: SKIN,
    ParseClass.LEFT_ARM: SKIN, ParseClass.RIGHT_ARM: SKIN,
}  # fmt: skip


def erased(kind: ParseClass = ParseClass.PANTS) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Photo, parse, joints and erased area of one who stands in a red top that hides the waistband of blue lower clothes."""
    parse, joints = person()
    parse[parse == ParseClass.PANTS] = kind
    image = np.full((*parse.shape, 3), GREY, np.uint8)
    for label, colour in COLOURS.items():
        image[parse == label] = colour
    mask = np.zeros(parse.shape, bool)
    mask[55:178, 40:152] = True
    return image, np.where(mask, ERASED, parse.astype(int)), joints, mask


@pytest.mark.parametrize("kind", [ParseClass.PANTS, ParseClass.SKIRT])
def test_between_a_short_garment_and_the_clothes_below_is_no_bare_belly(kind: ParseClass) -> None:
    image, parse, joints, mask = erased(kind)
    worn = np.zeros_like(mask)
    worn[60:115, 64:128] = True
    filled = fill_bare(image, parse, find_body(parse, joints), mask, worn, (0.0, 0.0)).astype(int)
    hips, belly = filled[145:178, 90:102], filled[118:128, 90:102]
    assert np.abs(hips - BLUE).max() < 12, "lower clothes up to the waistband, and no seam where they begin to be seen"
    assert np.abs(belly.mean((0, 1)) - SKIN).max() < 25, "skin above it"


def test_where_no_lower_clothes_are_seen_none_are_made_up() -> None:
    image, parse, joints, mask = erased()
    parse[parse == ParseClass.PANTS] = ParseClass.LEFT_LEG
    filled = fill_bare(image, parse, find_body(parse, joints), mask, np.zeros_like(mask), (0.0, 0.0)).astype(int)
    assert np.abs(filled[150:165, 90:102].mean((0, 1)) - BLUE).max() > 60


def test_an_arm_is_drawn_without_steps_or_spikes() -> None:
    _, parse, joints, _ = erased()
    arms = arm_area(find_body(parse, joints), parse.shape)
    left = arms[125:160, :76]
    first, last = left.argmax(1), 76 - left[:, ::-1].argmax(1)
    assert (last - first > 6).all()
    assert np.abs(np.diff(first)).max() <= 1 and np.abs(np.diff(first, 2)).sum() <= 12
    assert np.abs(np.diff(last)).max() <= 1 and np.abs(np.diff(last, 2)).sum() <= 12


def test_a_hem_cut_off_by_the_clothes_below_leaves_no_strips_beside_them() -> None:
    _, parse, joints, mask = erased()
    mask[:, 40:60], mask[:, 132:152] = np.arange(len(mask))[:, None] < 210, np.arange(len(mask))[:, None] < 210  # for the arms
    reach = np.zeros_like(mask)
    reach[60:205, 52:140] = True
    bare_arms = hang(reach, mask, parse, find_body(parse, joints), (0.0, 0.0))
    assert bare_arms[60:176, 64:128].all() and not bare_arms[180:].any()
    assert np.array_equal(bare_arms[:170], (reach & mask)[:170])
    sleeves = hang(reach, mask, parse, find_body(parse, joints), (2.0, 2.0))
    assert not sleeves[185:].any(), "below the wrist there is no sleeve"
    joints[[Keypoint.RIGHT_WRIST, Keypoint.LEFT_WRIST], 1] = 200
    longer = hang(reach, mask, parse, find_body(parse, joints), (2.0, 2.0))
    assert longer[190, 54] and not longer[190, 64:128].any(), "sleeves stay"


def test_a_hem_that_ends_by_itself_is_left_as_it_is() -> None:
    _, parse, joints, mask = erased()
    reach = np.zeros_like(mask)
    reach[60:160, 52:140] = True
    assert np.array_equal(hang(reach, mask, parse, find_body(parse, joints), (0.0, 0.0)), reach & mask)
