"""One person's parse out of everybody's: beside each other, touching, and where nothing tells who is meant."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fakes.taught import FakeDensePose, FakeKeypoints, FakeParse, Taught, lesson
from vton.conditions import read_keypoints
from vton.errors import PreprocessError
from vton.images import read_image, read_labels
from vton.labels import ParseClass
from vton.pairs import Split, open_dataset
from vton.preprocess.chain import PreprocessConfig, preprocess
from vton.preprocess.checks.maps import nearest_parts
from vton.preprocess.detectors import Detectors
from vton.preprocess.person import drawn_body, only_person
from vton.synthetic import SyntheticConfig, draw_dataset

WIDTH = 192
Answers = list[np.ndarray | PreprocessError]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Split:
    root = tmp_path_factory.mktemp("people") / "set"
    draw_dataset(SyntheticConfig(train=0, test=6, seed=12), root, processes=1)
    return open_dataset(root).splits["test"]


def parse_of(people: Split, number: int) -> np.ndarray:
    return read_labels(people.need("parse", people.persons[number]))


def bodies(people: Split, number: int) -> dict[str, np.ndarray]:
    """The body of one person as DensePose and as the keypoints tell it."""
    stem = people.persons[number]
    joints = read_keypoints(people.need("keypoints", stem))
    parts = nearest_parts(read_image(people.need("densepose", stem)))[0]
    return {"densepose": parts > 0, "keypoints": drawn_body(joints, parts.shape)}


@pytest.mark.parametrize("told_by", ["densepose", "keypoints"])
def test_a_person_alone_stays_whole(people: Split, told_by: str) -> None:
    for number in range(len(people.persons)):
        parse = parse_of(people, number)
        assert (only_person(parse, bodies(people, number)[told_by]) == parse).mean() > 0.999


@pytest.mark.parametrize("told_by", ["densepose", "keypoints"])
@pytest.mark.parametrize("apart", [WIDTH, 110], ids=["beside", "touching"])
def test_who_stands_beside_goes(people: Split, told_by: str, apart: int) -> None:
    for number in range(len(people.persons)):
        mine, theirs = parse_of(people, number), parse_of(people, (number + 1) % len(people.persons))
        both = np.zeros((256, WIDTH + apart), np.uint8)
        both[:, apart:] = theirs
        both[:, :WIDTH][mine > 0] = mine[mine > 0]
        body = np.pad(bodies(people, number)[told_by], ((0, 0), (0, apart)))
        kept = only_person(both, body)
        own = np.pad(mine > 0, ((0, 0), (0, apart)))
        assert np.count_nonzero(kept[own]) > 0.97 * np.count_nonzero(own)
        others = np.count_nonzero(both) - np.count_nonzero(own)
        assert np.count_nonzero(kept[~own]) < (0.3 if apart < WIDTH else 0.01) * others
        assert not (kept[:, WIDTH:] == ParseClass.FACE).any()
        assert set(np.unique(kept)) <= set(np.unique(both))


def test_a_parse_of_somebody_else_is_left_to_the_checks(people: Split) -> None:
    parse = parse_of(people, 0)
    parse[:, :40] = 0
    body = np.zeros(parse.shape, bool)
    body[100:140, 2:12] = True
    assert np.array_equal(only_person(parse, body), parse)
    assert not drawn_body(np.zeros((25, 3)), parse.shape).any()


class LeftOne:
    """Detectors of keypoints and DensePose that mean the person in the left half."""

    def __init__(self, taught: Taught) -> None:
        self.taught = taught
        self.remarks: list[str] = []

    def keypoints(self, photos: Sequence[np.ndarray]) -> Answers:
        self.remarks = ["2 people are in the photo; the largest and most central one was taken."] * len(photos)
        return FakeKeypoints(self.taught).keypoints([photo[:, :WIDTH] for photo in photos])

    def densepose(self, photos: Sequence[np.ndarray]) -> Answers:
        found = FakeDensePose(self.taught).densepose([photo[:, :WIDTH] for photo in photos])
        return [one if isinstance(one, PreprocessError) else np.pad(one, ((0, 0), (0, WIDTH))) for one in found]


class Everybody:
    """A parse detector that sees the people in both halves."""

    def __init__(self, taught: Taught) -> None:
        self.one = FakeParse(taught)

    def parse(self, photos: Sequence[np.ndarray]) -> Answers:
        halves = [self.one.parse([photo[:, :WIDTH], photo[:, WIDTH:]]) for photo in photos]
        return [np.hstack([half for half in both if isinstance(half, np.ndarray)]) for both in halves]


@pytest.mark.parametrize("densepose", [True, False], ids=["densepose", "keypoints only"])
def test_the_chain_parses_only_the_person_who_is_meant(people: Split, tmp_path: Path, densepose: bool) -> None:
    taught = lesson()
    (tmp_path / "photos" / "image").mkdir(parents=True)
    photos = [read_image(people.need("image", stem)) for stem in people.persons[:2]]
    Image.fromarray(np.hstack(photos)).save(tmp_path / "photos" / "image" / "two.jpg", quality=95)
    left = LeftOne(taught)
    found = Detectors(left, left if densepose else None, Everybody(taught))
    out = tmp_path / "out"
    preprocess(PreprocessConfig(tmp_path / "photos"), out, found)
    parse = read_labels(out / "test" / "image-parse-v3" / "two.png")
    seen = Everybody(taught).parse([read_image(out / "test" / "image" / "two.jpg")])[0]
    assert isinstance(seen, np.ndarray) and (seen[:, WIDTH:] > 0).mean() > 0.2
    assert (parse[:, WIDTH:] > 0).mean() < 0.02
    assert (parse[:, :WIDTH] == seen[:, :WIDTH]).mean() > 0.97
    remarks = [json.loads(line) for line in (out / "remarks.jsonl").read_text().splitlines()]
    assert any("2 people" in row["remark"] for row in remarks)


def test_a_parse_is_made_again_when_it_is_known_who_is_meant(people: Split, tmp_path: Path) -> None:
    taught = lesson()
    (tmp_path / "photos" / "image").mkdir(parents=True)
    photos = [read_image(people.need("image", stem)) for stem in people.persons[:2]]
    Image.fromarray(np.hstack(photos)).save(tmp_path / "photos" / "image" / "two.jpg", quality=95)
    config, out = PreprocessConfig(tmp_path / "photos"), tmp_path / "out"
    file = out / "test" / "image-parse-v3" / "two.png"
    preprocess(config, out, Detectors(parse=Everybody(taught)))
    everybody = read_labels(file)
    preprocess(config, out, Detectors(LeftOne(taught), None, Everybody(taught)))
    assert np.count_nonzero(read_labels(file)) < 0.8 * np.count_nonzero(everybody)
