"""Conditions: the agnostic area by its rule, joints of either order, maps of any size."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.standing import person
from vton import conditions
from vton.errors import DataError, PreprocessError
from vton.images import to_tensor, write_image
from vton.labels import DENSEPOSE_PALETTE, GARMENT, HEAD, Keypoint, ParseClass
from vton.pairs import open_dataset
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse, hands


def uncovered(parse: np.ndarray, mask: np.ndarray) -> int:
    return int((np.isin(parse, GARMENT) & ~mask).sum())


@pytest.mark.parametrize("size", [(256, 192), (512, 384), (300, 420)])
def test_the_garment_is_covered_and_head_and_hands_stay(size: tuple[int, int]) -> None:
    parse, joints = person(*size)
    mask = agnostic_mask(parse, joints)
    assert uncovered(parse, mask) == 0
    assert not mask[np.isin(parse, HEAD)].any()
    assert hands(parse, joints).any() and not mask[hands(parse, joints)].any()
    assert 0.15 < mask.mean() < 0.6


@pytest.mark.parametrize(
    "missing",
    [(Keypoint.RIGHT_HIP,), (Keypoint.RIGHT_HIP, Keypoint.LEFT_HIP), (Keypoint.LEFT_ELBOW,), (Keypoint.NECK,),
     (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)],
)  # fmt: skip
def test_missing_joints_leave_nothing_of_the_garment(missing: tuple[Keypoint, ...]) -> None:
    parse, joints = person()
    whole = agnostic_mask(parse, joints)
    joints[list(missing)] = 0
    mask = agnostic_mask(parse, joints)
    assert uncovered(parse, mask) == 0
    assert mask.mean() < 1.5 * whole.mean()


def test_without_shoulders_there_is_no_person_to_dress() -> None:
    parse, joints = person()
    joints[Keypoint.LEFT_SHOULDER] = 0
    with pytest.raises(PreprocessError, match="shoulders"):
        agnostic_mask(parse, joints)


def test_image_parse_and_mask_agree() -> None:
    parse, joints = person()
    mask = agnostic_mask(parse, joints)
    image = np.random.default_rng(0).integers(0, 256, (*parse.shape, 3), np.uint8)
    erased = erase(image, mask)
    assert (erased[mask] == 128).all() and (erased[~mask] == image[~mask]).all()
    assert not np.isin(erase_parse(parse, mask), (*GARMENT, ParseClass.NECK)).any()


def write_joints(path: Path, *people: np.ndarray) -> Path:
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": p.ravel().tolist()} for p in people]}))
    return path


def test_eighteen_joints_become_twenty_five_with_the_hips_in_place(tmp_path: Path) -> None:
    coco = np.column_stack([np.arange(18) * 10 + 5, np.arange(18) * 5 + 5, np.ones(18)])
    joints = conditions.read_keypoints(write_joints(tmp_path / "k.json", coco))
    assert (joints[Keypoint.LEFT_WRIST] == coco[7]).all()
    assert (joints[Keypoint.RIGHT_HIP] == coco[8]).all() and (joints[Keypoint.LEFT_HIP] == coco[11]).all()
    assert np.allclose(joints[Keypoint.MID_HIP], (coco[8] + coco[11]) / 2)


def test_of_several_people_the_largest_is_taken(tmp_path: Path) -> None:
    _, large = person()
    small = large * [0.2, 0.2, 1]
    assert np.allclose(conditions.read_keypoints(write_joints(tmp_path / "k.json", small, large)), large)


@pytest.mark.parametrize(
    "text", ['{"people": []}', "[]", "{", '{"people": [{"pose_keypoints_2d": [1, 2]}]}', '{"people": [1]}']
)
def test_a_json_without_a_person_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "k.json").write_text(text)
    with pytest.raises(DataError, match=r"k\.json"):
        conditions.read_keypoints(tmp_path / "k.json")


def test_drawn_conditions_follow_the_convention_and_stack(drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    one, two = (conditions.read(split, pair) for pair in split.pairs[:2])
    both = conditions.stack([one, two])
    assert both.image.shape == (2, 3, 256, 192) and both.parse.shape == (2, 256, 192) and both.parse.dtype == torch.int64
    assert both.keypoints.shape == (2, 25, 3) and both.agnostic_mask.unique().tolist() == [0, 1]
    grey = one.agnostic[one.agnostic_mask.expand_as(one.agnostic) > 0]
    assert grey.abs().max() < 0.01


def test_the_agnostic_area_covers_every_sample(samples: Path) -> None:
    for layout in ("classic", "v2"):
        split = open_dataset(samples / layout).splits["test"]
        for pair in split.pairs:
            read = conditions.read(split, pair)
            assert uncovered(read.parse[0].numpy(), read.agnostic_mask[0, 0].numpy() > 0) == 0, pair


def test_densepose_is_read_from_its_part_ids_where_they_are(drawn: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn, root)
    pair = open_dataset(root).splits["test"].pairs[0]
    coloured = conditions.read(open_dataset(root).splits["test"], pair).densepose
    parts = np.zeros((256, 192), np.uint8)
    parts[50:200, 40:150] = 7
    write_image(root / "test" / "image-densepose-parts" / f"{pair.person}.png", parts)
    exact = conditions.read(open_dataset(root).splits["test"], pair).densepose
    assert coloured is not None and exact is not None and not torch.equal(coloured, exact)
    assert torch.equal(exact, to_tensor(DENSEPOSE_PALETTE[parts]))
    write_image(root / "test" / "image-densepose-parts" / f"{pair.person}.png", parts * 10)
    with pytest.raises(DataError, match="the part id 70; .* has ids 0-24"):
        conditions.read(open_dataset(root).splits["test"], pair)
