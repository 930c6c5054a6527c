"""The checks: silent on clean items, loud on each spoiled map, and by name; measured on more in benchmarks/checks.py."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vton.labels import DENSEPOSE_PALETTE, GARMENT, Keypoint, ParseClass
from vton.pairs import open_dataset
from vton.preprocess.checks import CHECKS, OUTPUTS, Maps, Outcome, badness, check_item, check_maps, read_maps
from vton.preprocess.checks.maps import nearest_parts
from vton.preprocess.checks.masks import judge_area, usual_area

K, P = Keypoint, ParseClass


@pytest.fixture(scope="module")
def clean(drawn: Path) -> list[Maps]:
    split = open_dataset(drawn).splits["test"]
    return [read_maps(split, stem) for stem in split.persons]


def failed(maps: Maps) -> dict[str, Outcome]:
    return {outcome.check: outcome for outcome in check_maps(maps) if not outcome.ok}


def array(value: np.ndarray | None) -> np.ndarray:
    assert value is not None
    return value.copy()


def test_clean_items_pass_every_check(clean: list[Maps]) -> None:
    for maps in clean:
        assert failed(maps) == {}
    assert len({outcome.check for outcome in check_maps(clean[0])}) > 30


def test_every_check_says_what_it_measures_and_judges_an_output() -> None:
    named = [(check.name, check.output, check.threshold) for check in CHECKS]
    assert len(set(named)) == len(named)
    for check in CHECKS:
        assert check.output in OUTPUTS and len(check.reason) > 20 and check.reason.endswith((".", "file", "pixels")), check


def uncover(maps: Maps) -> Maps:
    """A mask that leaves the lower part of the top visible."""
    mask, garment = array(maps.agnostic_mask), np.isin(array(maps.parse), GARMENT)
    mask[int(np.quantile(np.nonzero(garment)[0], 0.9)) :] = 0
    return replace(maps, agnostic_mask=mask)


def over_face(maps: Maps) -> Maps:
    return replace(maps, agnostic_mask=np.where(array(maps.parse) == P.FACE, np.uint8(255), array(maps.agnostic_mask)))


def soft(maps: Maps) -> Maps:
    return replace(maps, agnostic_mask=cv2.GaussianBlur(array(maps.agnostic_mask), (0, 0), 2))


def grey_agnostic_as_mask(maps: Maps) -> Maps:
    return replace(maps, agnostic_mask=array(maps.agnostic)[..., 0])


def photo_as_agnostic(maps: Maps) -> Maps:
    return replace(maps, agnostic=array(maps.image))


def darker_agnostic(maps: Maps) -> Maps:
    agnostic = array(maps.agnostic)
    outside = array(maps.agnostic_mask) < 128
    agnostic[outside] = agnostic[outside] // 2
    return replace(maps, agnostic=agnostic)


def parse_kept(maps: Maps) -> Maps:
    return replace(maps, parse_agnostic=array(maps.parse))


def with_labels(maps: Maps, where: np.ndarray, label: ParseClass) -> Maps:
    return replace(maps, parse=np.where(where, np.uint8(label), array(maps.parse)))


def patched_trousers(maps: Maps) -> Maps:
    parse = array(maps.parse)
    worn = P.PANTS if (parse == P.PANTS).any() else P.SKIRT
    rows = np.arange(len(parse))[:, None]
    return with_labels(maps, (parse == worn) & (rows > 235), P.SKIRT if worn == P.PANTS else P.PANTS)


def a_hole(maps: Maps) -> Maps:
    garment = np.isin(array(maps.parse), GARMENT)
    y, x = (int(np.median(places)) for places in np.nonzero(garment))
    hole = cv2.circle(np.zeros(garment.shape, np.uint8), (x, y), 8, 1, -1) > 0
    return with_labels(maps, hole & garment, P.BACKGROUND)


def no_garment(maps: Maps) -> Maps:
    return with_labels(maps, np.isin(array(maps.parse), GARMENT), P.BACKGROUND)


def specks(maps: Maps) -> Maps:
    rows, columns = np.indices(array(maps.parse).shape)
    return with_labels(maps, (array(maps.parse) > 0) & (rows % 9 < 2) & (columns % 9 < 2), P.SCARF)


def moved_joints(maps: Maps) -> Maps:
    joints = array(maps.keypoints)
    joints[:, 0] += 30
    return replace(maps, keypoints=joints)


def no_shoulder(maps: Maps) -> Maps:
    joints = array(maps.keypoints)
    joints[K.LEFT_SHOULDER] = 0
    return replace(maps, keypoints=joints)


def short_torso(maps: Maps) -> Maps:
    joints = array(maps.keypoints)
    joints[[K.LEFT_HIP, K.RIGHT_HIP], 1] = joints[K.NECK, 1] + 10
    return replace(maps, keypoints=joints)


def swapped_joints(maps: Maps) -> Maps:
    joints = array(maps.keypoints)
    joints[[2, 3, 4, 5, 6, 7]] = joints[[5, 6, 7, 2, 3, 4]]
    return replace(maps, keypoints=joints)


def swapped_parts(maps: Maps) -> Maps:
    order = [0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23]
    return replace(maps, densepose=DENSEPOSE_PALETTE[np.array(order)[nearest_parts(array(maps.densepose))[0]]])


def lowered_densepose(maps: Maps) -> Maps:
    return replace(maps, densepose=np.roll(array(maps.densepose), 40, 0))


def swapped_colours(maps: Maps) -> Maps:
    return replace(maps, densepose=array(maps.densepose)[..., ::-1])


def boxed_cloth(maps: Maps) -> Maps:
    x, y, wide, high = cv2.boundingRect((array(maps.cloth_mask) >= 128).astype(np.uint8))
    mask = array(maps.cloth_mask)
    mask[y : y + high, x : x + wide] = 255
    return replace(maps, cloth_mask=mask)


def half_cloth(maps: Maps) -> Maps:
    mask = array(maps.cloth_mask)
    mask[:, mask.shape[1] // 2 :] = 0
    return replace(maps, cloth_mask=mask)


def cloth_with_hole(maps: Maps) -> Maps:
    mask = array(maps.cloth_mask)
    y, x = (int(np.median(places)) for places in np.nonzero(mask >= 128))
    mask[y - 10 : y + 10, x - 10 : x + 10] = 0
    return replace(maps, cloth_mask=mask)


def cloth_at_border(maps: Maps) -> Maps:
    mask = array(maps.cloth_mask)
    mask[-20:, 50:120] = 255
    return replace(maps, cloth_mask=mask)


def small_parse(maps: Maps) -> Maps:
    return replace(maps, parse=array(maps.parse)[::2, ::2])


def doubled_flow(maps: Maps) -> Maps:
    return replace(maps, flow=array(maps.flow) + np.float32(1.5))


SPOILED: list[tuple[Callable[[Maps], Maps], str, str]] = [
    (uncover, "worn garment hidden", "agnostic"),
    (over_face, "face spared", "agnostic"),
    (soft, "mask values", "agnostic"),
    (grey_agnostic_as_mask, "mask values", "agnostic"),
    (photo_as_agnostic, "agnostic inside the mask", "agnostic"),
    (darker_agnostic, "agnostic outside the mask", "agnostic"),
    (parse_kept, "parse without the garment", "agnostic"),
    (patched_trousers, "one kind of lower clothes", "parse"),
    (a_hole, "holes in the garment", "parse"),
    (no_garment, "garment found", "parse"),
    (no_garment, "person outside the parse", "parse"),
    (specks, "islands", "parse"),
    (small_parse, "size of the parse", "parse"),
    (moved_joints, "keypoints on their limbs", "keypoints"),
    (moved_joints, "keypoints in place", "keypoints"),
    (no_shoulder, "keypoints present", "keypoints"),
    (short_torso, "plausible proportions", "keypoints"),
    (swapped_joints, "keypoints left and right", "keypoints"),
    (swapped_parts, "DensePose left and right", "densepose"),
    (lowered_densepose, "DensePose over the parsed body", "densepose"),
    (lowered_densepose, "DensePose parts on the bare skin", "densepose"),
    (swapped_colours, "DensePose colours", "densepose"),
    (boxed_cloth, "background in the cloth mask", "cloth_mask"),
    (half_cloth, "garment outside the cloth mask", "cloth_mask"),
    (cloth_with_hole, "holes in the cloth mask", "cloth_mask"),
    (cloth_at_border, "cloth mask at the border", "cloth_mask"),
    (cloth_at_border, "cloth mask in one piece", "cloth_mask"),
    (doubled_flow, "flow out of the frame", "flow"),
    (doubled_flow, "displacement of the flow", "flow"),
]


@pytest.mark.parametrize(
    ("spoil", "check", "output"), SPOILED, ids=[f"{spoil.__name__}: {check}" for spoil, check, _ in SPOILED]
)
def test_a_spoiled_map_is_found_by_its_check(clean: list[Maps], spoil: Callable[[Maps], Maps], check: str, output: str) -> None:
    for maps in clean:
        found = failed(spoil(maps))
        assert check in found, (spoil.__name__, {name: outcome.score for name, outcome in found.items()})
        assert found[check].output == output
        assert ": " in found[check].sentence and found[check].sentence.endswith(".")


def test_swapped_arms_are_blamed_on_the_map_that_swapped_them(clean: list[Maps]) -> None:
    for maps in clean:
        assert "left and right" not in " ".join(failed(swapped_parts(maps)).keys() - {"DensePose left and right"})


def arms_of(maps: Maps) -> np.ndarray:
    return np.isin(nearest_parts(array(maps.densepose))[0], (15, 16, 17, 18, 19, 20, 21, 22))


def test_sleeves_and_bare_arms_are_told_apart_by_the_skin(clean: list[Maps]) -> None:
    told = 0
    for maps in clean:
        parse = array(maps.parse)
        sleeves = arms_of(maps) & np.isin(parse, GARMENT)
        bare = arms_of(maps) & np.isin(parse, (P.LEFT_ARM, P.RIGHT_ARM))
        if sleeves.mean() > 0.02:
            assert "sleeves are no bare arms" in failed(with_labels(maps, sleeves, P.LEFT_ARM))
        if bare.mean() > 0.02:
            assert "bare arms are no sleeves" in failed(with_labels(maps, bare, P.UPPER))
        told += int(sleeves.mean() > 0.02) + int(bare.mean() > 0.02)
    assert told


@pytest.mark.parametrize("share", [0.02, 0.04, 0.3])
def test_the_share_that_leaks_is_measured_and_told(clean: list[Maps], share: float) -> None:
    garment = np.isin(array(clean[0].parse), GARMENT)
    places = np.argwhere(garment)[: round(share * garment.sum())]
    mask = array(clean[0].agnostic_mask)
    mask[tuple(places.T)] = 0
    outcome = failed(replace(clean[0], agnostic_mask=mask))["worn garment hidden"]
    assert outcome.score == pytest.approx(share, abs=0.001)
    assert f"{share:.0%}".rstrip("%") in outcome.sentence and "its shape will leak" in outcome.sentence


def test_the_odd_mask_of_a_split_is_found() -> None:
    areas = [0.3 + 0.01 * i for i in range(-5, 6)]
    usual = usual_area(areas)
    assert usual and all(judge_area(area, usual).ok for area in areas)
    assert not judge_area(0.6, usual).ok and not judge_area(0.05, usual).ok
    assert usual_area(areas[:4]) is None


def test_fewer_maps_mean_fewer_checks_and_no_alarm(clean: list[Maps]) -> None:
    whole = {outcome.check for outcome in check_maps(clean[0])}
    names = (
        "image",
        "parse",
        "densepose",
        "keypoints",
        "agnostic",
        "agnostic_mask",
        "cloth",
        "cloth_mask",
        "flow",
        "worn_mask",
    )
    for name in names:
        assert failed(replace(clean[0], **{name: None})) == {}
        only = Maps(**{name: getattr(clean[0], name)})
        assert len(check_maps(only)) < len(whole)
    assert check_maps(Maps()) == []


@pytest.mark.parametrize("size", [(64, 96), (500, 130), (97, 97)])
def test_nonsense_is_judged_without_a_crash(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    colours, labels = rng.integers(0, 256, (*size, 3), np.uint8), rng.integers(0, 20, size, np.uint8)
    for joints in (rng.normal(0, 1e9, (25, 3)), np.zeros((25, 3)), rng.uniform(0, 100, (25, 3))):
        for mask in (np.zeros(size, np.uint8), np.full(size, 255, np.uint8), colours[..., 0]):
            maps = Maps(colours, labels, labels, colours, joints, colours, mask, mask, colours[::3], mask)
            found = check_maps(maps)
            assert all(np.isfinite(outcome.score) and outcome.sentence for outcome in found) and badness(found) > 0


def test_another_size_of_photo_gives_the_same_verdict(clean: list[Maps]) -> None:
    maps = clean[0]
    double = {
        name: cv2.resize(getattr(maps, name), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        for name in (
            "image",
            "parse",
            "parse_agnostic",
            "densepose",
            "agnostic",
            "agnostic_mask",
            "worn_mask",
            "cloth",
            "cloth_mask",
        )
    }
    large = replace(maps, **double, keypoints=array(maps.keypoints) * [2, 2, 1], flow=None)
    assert failed(large) == {}
    assert "worn garment hidden" in failed(uncover(large)) and "keypoints present" in failed(no_shoulder(large))


def test_the_two_bad_samples_stand_out(samples: Path) -> None:
    split = open_dataset(samples / "classic").splits["test"]
    found = {stem: check_item(split, stem) for stem in split.persons}
    ranked = sorted(found, key=lambda stem: -badness(found[stem]))
    assert set(ranked[:2]) == {"07445_00", "08909_00"} and badness(found[ranked[2]]) == 0
    told = {stem: [outcome.check for outcome in found[stem] if not outcome.ok] for stem in ranked[:2]}
    assert told == {"07445_00": ["sleeves are no bare arms"], "08909_00": ["one kind of lower clothes"]}
    assert all(outcome.ok for stem in split.cloths for outcome in check_item(split, stem))


def test_the_later_layouts_sample_is_checked_with_all_its_maps(samples: Path) -> None:
    split = open_dataset(samples / "v2").splits["test"]
    found = {outcome.check: outcome for outcome in check_item(split, "00006_00")}
    # Its keypoints are not the published ones; everything else is.
    assert {outcome.output for outcome in found.values() if not outcome.ok} == {"keypoints"}
    assert found["DensePose over the parsed body"].ok and found["agnostic outside the mask"].ok
    assert not any(outcome.ok for outcome in check_item(split, "002") if outcome.check == "cloth mask at the border")


def test_densepose_is_judged_by_its_part_ids_where_they_are(clean: list[Maps]) -> None:
    maps = clean[0]
    parts = nearest_parts(array(maps.densepose))[0]
    assert failed(replace(maps, densepose_parts=parts)) == {}
    assert "DensePose over the parsed body" in failed(replace(maps, densepose_parts=np.roll(parts, 60, 1)))
    assert "size of the map of DensePose's parts" in failed(replace(maps, densepose_parts=parts[::2]))
