"""The drawn dataset: its truth is true, its bytes repeat, its layout is VITON-HD's."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vton.errors import DataError
from vton.flow import warp
from vton.images import read_image, read_labels, read_mask, to_tensor
from vton.labels import Keypoint, ParseClass
from vton.pairs import MAPS, open_dataset
from vton.synthetic import Frame, SyntheticConfig, draw_dataset, draw_garment, draw_person, dress, photograph
from vton.synthetic.__main__ import main
from vton.synthetic.garments import Pattern
from vton.synthetic.geometry import areas
from vton.synthetic.write import garment_of, items, person_of

SIZE = (160, 112)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "set"
    draw_dataset(SyntheticConfig(train=2, test=3, seed=5, height=SIZE[0], width=SIZE[1]), out, processes=1)
    return out


def _hashes(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _psnr(image: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    error = (image.astype(float) - truth.astype(float))[where]
    return float(10 * np.log10(255**2 / (error**2).mean()))


@pytest.mark.parametrize(("index", "size"), [(0, (256, 192)), (1, (256, 192)), (2, (320, 200)), (3, (192, 192))])
def test_warping_the_garment_photo_gives_the_photo(index: int, size: tuple[int, int]) -> None:
    """At least 28 dB where visible, outlines (mixed pixels) included, and 34 dB a pixel inside of them, shading divided out."""
    person, garment = draw_person(np.random.default_rng([1, index])), draw_garment(np.random.default_rng([2, index]))
    cloth, mask = photograph(garment, Frame(*size))
    seen = dress(person, garment, Frame(*size), cloth)
    fetched = warp(torch.from_numpy(cloth).permute(2, 0, 1)[None].double(), torch.from_numpy(seen.flow)[None].double())
    shaded = np.clip(fetched[0].permute(1, 2, 0).numpy() * seen.shading[..., None], 0, 255)
    inner = seen.visible.copy()
    for axis in (0, 1):
        inner &= np.roll(inner, 1, axis) & np.roll(inner, -1, axis)
    assert seen.visible.mean() > 0.05
    assert _psnr(shaded, seen.image, seen.visible) >= 28
    assert _psnr(shaded, seen.image, inner) >= 34
    from_garment = warp(torch.from_numpy(mask)[None, None].float(), torch.from_numpy(seen.flow)[None])[0, 0].numpy()
    assert from_garment[seen.visible].mean() > 0.995


def test_written_flow_fits_the_written_pictures(drawn: Path) -> None:
    """The same from files, for unpaired pairs: the garment photo is a JPEG, and soft shading is judged from its own blur."""
    split = open_dataset(drawn).splits["test"]
    for pair in split.pairs:
        with np.load(split.need("flow", pair.name)) as stored:
            flow, visible = stored["flow"], stored["visible"]
        assert flow.dtype == np.float32 and flow.shape == (2, *SIZE)
        assert visible.dtype == bool and visible.shape == SIZE
        truth = read_image(split.need("truth", pair.name))
        cloth = to_tensor(read_image(split.need("cloth", pair.cloth)))
        fetched = (warp(cloth, torch.from_numpy(flow)[None])[0].permute(1, 2, 0).numpy() + 1) * 127.5
        grey = (truth.mean(2)[visible], fetched.mean(2)[visible])
        assert np.corrcoef(*grey)[0, 1] > 0.8 or np.abs(grey[0] - grey[1]).mean() < 25
        chroma = [a[visible] / np.maximum(a[visible].sum(-1, keepdims=True), 30) for a in (truth.astype(float), fetched)]
        assert np.abs(chroma[0] - chroma[1]).mean() < 0.02


def test_layout_is_complete(drawn: Path) -> None:
    dataset = open_dataset(drawn)
    for name, count in (("train", 2), ("test", 3)):
        split = dataset.splits[name]
        for kind in MAPS:
            assert len(split.maps[kind]) == (2 * count if kind in ("flow", "truth") else count), kind
        for stem in split.persons:
            assert read_image(split.need("image", stem)).shape == (*SIZE, 3)
            parse, visible = read_labels(split.need("parse", stem)), read_mask(split.need("worn_mask", stem))
            assert {ParseClass.UPPER, ParseClass.FACE, ParseClass.HAIR} <= set(np.unique(parse))
            assert ((parse == ParseClass.UPPER) == visible).mean() > 0.99
            grey = read_image(split.need("agnostic", stem)).astype(int)
            erased = read_mask(split.need("agnostic_mask", stem))
            assert np.abs(grey[erased] - 128).mean() < 8
            assert erased[parse == ParseClass.UPPER].mean() > 0.99


def test_the_paired_truth_is_the_photo(drawn: Path) -> None:
    split = open_dataset(drawn).splits["train"]
    for pair in split.paired():
        photo = read_image(split.need("image", pair.person))
        assert _psnr(photo, read_image(split.need("truth", pair.name)), np.ones(SIZE, bool)) > 34


def test_every_test_line_is_unpaired_and_nothing_is_shared(drawn: Path) -> None:
    dataset = open_dataset(drawn)
    for split in dataset.splits.values():
        assert split.pairs and all(pair.person != pair.cloth for pair in split.pairs)
        assert all(split.path(kind, pair.name) for pair in split.pairs for kind in ("flow", "truth"))
    train, test = (set(dataset.splits[name].persons) for name in ("train", "test"))
    assert not train & test
    config = SyntheticConfig(train=20, test=20)
    drawn_items = [(item.split, item.index) for item in items(config)]
    assert len({person_of(config, *item).arms for item in drawn_items}) == 40
    assert len({repr(garment_of(config, *item)) for item in drawn_items}) == 40


def test_keypoints_are_in_the_photo(drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    for stem in split.persons:
        person = json.loads(split.need("keypoints", stem).read_text())["people"][0]
        joints = np.array(person["pose_keypoints_2d"]).reshape(25, 3)
        found = joints[joints[:, 2] > 0]
        assert (found[:, 0] < SIZE[1]).all() and (found[:, 1] < SIZE[0]).all() and (found >= 0).all()
        k = Keypoint
        assert (
            joints[[k.NOSE, k.NECK, k.RIGHT_SHOULDER, k.LEFT_SHOULDER, k.RIGHT_ELBOW, k.RIGHT_HIP, k.LEFT_HIP], 2] > 0
        ).all()
        assert joints[k.RIGHT_SHOULDER, 0] < joints[k.NECK, 0] < joints[k.LEFT_SHOULDER, 0]
        assert joints[k.NOSE, 1] < joints[k.NECK, 1] < joints[k.MID_HIP, 1]


def test_same_seed_same_bytes_and_a_stopped_drawing_is_finished(drawn: Path, tmp_path: Path) -> None:
    config = SyntheticConfig(train=2, test=3, seed=5, height=SIZE[0], width=SIZE[1])
    draw_dataset(config, tmp_path / "again", processes=1)
    assert _hashes(tmp_path / "again") == _hashes(drawn)
    for lost in ("test_pairs.txt", "test/image-truth/00003_00__00004_00.png", "train/cloth/00001_00.jpg"):
        (tmp_path / "again" / lost).unlink()
    draw_dataset(config, tmp_path / "again", processes=1)
    assert _hashes(tmp_path / "again") == _hashes(drawn)


def test_processes_change_nothing(tmp_path: Path) -> None:
    config = SyntheticConfig(train=0, test=6, seed=9, height=64, width=64)
    for processes in (1, 2):
        draw_dataset(config, tmp_path / str(processes), processes)
    assert _hashes(tmp_path / "1") == _hashes(tmp_path / "2")


def test_a_garment_at_rest_lies_flat() -> None:
    """No fold, and sleeves beside the torso: every part of the garment has its own place in the garment photo."""
    for index in range(120):
        garment = draw_garment(np.random.default_rng([3, index]))
        torso, *sleeves = Pattern(garment).pieces
        for piece in (torso, *sleeves):
            signs = np.sign(areas(piece.rest))
            assert (signs == signs[0, 0]).all(), (garment, piece.name)
        for sleeve in sleeves:
            inner = sleeve.rest[3:, 0] * [sleeve.side, 1]
            inner = inner[inner[:, 1] < garment.hem]
            assert (inner[:, 0] > Pattern(garment).half_width(inner[:, 1])).all(), garment


def test_another_seed_draws_others() -> None:
    first, second = (SyntheticConfig(seed=seed) for seed in (0, 1))
    assert person_of(first, "test", 0) != person_of(second, "test", 0)
    assert garment_of(first, "test", 0) != garment_of(first, "train", 0)


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_a_single_pair(count: int, tmp_path: Path) -> None:
    draw_dataset(SyntheticConfig(train=0, test=count, height=96, width=64), tmp_path / "set", processes=1)
    lines = (tmp_path / "set" / "test_pairs.txt").read_text().splitlines()
    assert lines == ["00000_00.jpg 00001_00.jpg"][:count]
    assert (tmp_path / "set" / "train_pairs.txt").read_text() == ""
    if count:
        assert open_dataset(tmp_path / "set").splits["test"].cloths == ["00000_00", "00001_00"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="not empty"):
        draw_dataset(SyntheticConfig(train=0, test=1, height=64, width=64), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    draw_dataset(SyntheticConfig(train=0, test=0, height=64, width=64), tmp_path / "set")
    with pytest.raises(DataError, match="another seed"):
        draw_dataset(SyntheticConfig(train=0, test=0, seed=1, height=64, width=64), tmp_path / "set")


@pytest.mark.parametrize("size", ["256", "0x0", "30000x64", "64x2000", "axb"])
def test_a_bad_size_is_one_sentence(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vton.synthetic", "--out", str(tmp_path / "set"), "--size", size])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and "size" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "set").exists()
