"""The drawn dataset: its truth is true, its bytes repeat, its layout is VITON-HD's."""

import hashlib
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from vton.errors import DataError
from vton.flow import warp
from vton.images import read_image, read_labels, read_mask, to_tensor
from vton.labels import DENSEPOSE_PALETTE, Keypoint, ParseClass
from vton.pairs import MAPS, open_dataset
from vton.preprocess.agnostic import agnostic_mask
from vton.synthetic import Frame, SyntheticConfig, draw_dataset, draw_garment, draw_person, dress, photograph, sheet
from vton.synthetic.__main__ import main
from vton.synthetic.body import Arm, ArmPose, Body
from vton.synthetic.densepose import part_ids
from vton.synthetic.garments import Pattern
from vton.synthetic.geometry import areas
from vton.synthetic.hardness import Hardness, hardness, summary
from vton.synthetic.noise import Noise
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
            expected = {"flow": 2 * count, "truth": 2 * count, "densepose_parts": 0}.get(kind, count)
            assert len(split.maps[kind]) == expected, kind
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
    config = SyntheticConfig(train=300, test=300)
    drawn_items = [(item.split, item.index) for item in items(config)]
    people = [person_of(config, *item) for item in drawn_items]
    garments = [garment_of(config, *item) for item in drawn_items]
    assert len({person.arms for person in people}) == 600, "a pose was drawn twice"
    assert len({(person.skin, person.hair, person.shoulders) for person in people}) == 600
    assert len({(garment.hem, garment.ease, garment.pitch) for garment in garments}) == 600
    assert len({drawn.seed for drawn in (*people, *garments)}) == 1200


def test_every_pose_and_turn_occurs_often() -> None:
    config = SyntheticConfig(train=0, test=400, seed=2)
    people = [person_of(config, "test", index) for index in range(400)]
    shares = {pose: np.mean([pose in (arm.pose for arm in person.arms) for person in people]) for pose in get_args(ArmPose)}
    assert all(share > 0.12 for share in shares.values()), shares
    assert np.mean([person.turn < -0.5 for person in people]) > 0.1 and np.mean([person.turn > 0.5 for person in people]) > 0.1
    for person in people:
        body = Body(person)
        (right, _, right_wrist, _), (left, _, left_wrist, _) = body.arm_joints[-1], body.arm_joints[1]
        assert (right_wrist[0] > left_wrist[0]) == (person.arms[0].pose == "crossed") or "before" in (
            arm.pose for arm in person.arms
        )
        neck = body.spine(np.array(-0.05))[0]
        towards = (left[0] - neck) - (neck - right[0])  # the shoulder on the side she turns to comes nearer to the neck
        assert abs(person.turn) < 0.5 or abs(person.lean) > 0.02 or towards * person.turn < 0


def test_flows_are_hard_and_garments_are_seen() -> None:
    """No affine map explains the flow of the median pair to 4 px at 256x192, and no garment is mostly covered."""
    config = SyntheticConfig(train=0, test=60, seed=4, height=128, width=96)
    blank = np.full((128, 96, 3), 200, np.uint8)
    pairs = []
    for index in range(60):
        seen = dress(person_of(config, "test", index), garment_of(config, "test", index + 1), config.frame, blank)
        assert not (seen.visible & ~seen.worn).any()
        pairs.append(hardness(seen.flow, seen.visible, seen.worn))
    assert summary(pairs)["affine_residual_px"] > 4.3
    assert min(pair.visible for pair in pairs) >= 0.6


def test_hardness_of_known_flows() -> None:
    frame = Frame(128, 96)
    everywhere = np.ones(frame.size, bool)
    grid = frame.grid()
    affine = np.stack([0.2 * grid[..., 0] - 0.1 * grid[..., 1] + 0.3, 0.4 * grid[..., 0]])
    half = everywhere & (grid[..., 0] < 0)
    assert hardness(affine, half, everywhere).residual < 1e-6
    assert hardness(affine, half, everywhere).visible == 0.5
    step = np.where(np.indices(frame.size)[0] % 2, 0.125, -0.125)  # 8 px of 64 up and down: 16 px at 256 rows
    assert hardness(np.stack([np.zeros(frame.size), step]), everywhere, everywhere).residual == pytest.approx(16, rel=0.01)
    assert hardness(affine, ~everywhere, everywhere) == Hardness(0.0, 0.0)


def test_the_record_says_how_hard_the_set_is(drawn: Path) -> None:
    record = json.loads((drawn / "synthetic.json").read_text())
    assert record["measured"]["pairs"] == 10 and record["measured"]["affine_residual_px"] > 0
    assert 0.6 <= record["measured"]["least_visible_share"] <= record["measured"]["visible_share"] <= 1
    assert record["noise"] == 0


def test_jpegs_are_near_what_was_drawn(drawn: Path) -> None:
    """The tolerances that `write` states."""
    split = open_dataset(drawn).splits["test"]
    for stem in split.persons:
        truth = read_image(split.need("truth", f"{stem}__{stem}")).astype(int)
        off = np.abs(read_image(split.need("image", stem)) - truth)
        assert off.mean() < 2 and off.max() <= 40
        with np.load(split.need("flow", f"{stem}__{stem}")) as stored:
            assert (read_mask(split.need("worn_mask", stem)) == stored["visible"]).all()
        picture = read_image(split.need("densepose", stem)).astype(int)
        away = np.abs(picture[:, :, None] - DENSEPOSE_PALETTE.astype(int)).sum(-1)
        assert (away.min(-1) > 40).mean() < 0.005


def test_densepose_tells_which_way_a_body_is_turned() -> None:
    """The torso's tip and the throat go where the front goes, and of the arm on that side less of the outside is seen."""
    frame = Frame(256, 192)
    upright = replace(draw_person(np.random.default_rng(4)), lean=0.0, sway=0.0, roll=0.0, shoulder_tilt=0.0, hip_tilt=0.0)
    still = replace(upright, arms=(Arm("down", 0.15, 0.1, 1.0), Arm("down", 0.15, 0.1, 1.0)))
    found = []
    for turn in (-0.9, 0.0, 0.9):
        parts = part_ids(Body(replace(still, turn=turn)), frame)
        torso, head = parts == 2, np.isin(parts, (23, 24))
        middle = np.nonzero(torso)[1].mean()
        tips = [np.nonzero(area[np.nonzero(area)[0].max()])[0].mean() - middle for area in (torso, head)]
        outside = [(parts == outer).sum() / np.isin(parts, (inner, outer)).sum() for inner, outer in ((16, 18), (15, 17))]
        found.append([*tips, *outside])
    towards_right, front, towards_left = found[0], found[1], found[2]
    assert abs(front[0]) < 2 and abs(front[1]) < 2 and abs(front[2] - front[3]) < 0.05
    for place in (0, 1, 2):  # to the left of the photo, as she turns there
        assert towards_right[place] < front[place] - 0.1 < towards_left[place] - 0.2
    assert towards_right[3] > front[3] + 0.1 > towards_left[3] + 0.2
    assert min(abs(towards_right[0]), abs(towards_left[0])) > 6


def test_noise_spoils_the_maps_and_nothing_else(drawn: Path, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy"
    config = SyntheticConfig(train=2, test=3, seed=5, height=SIZE[0], width=SIZE[1], noise=1.0)
    draw_dataset(config, noisy, processes=1)
    exact, spoiled = _hashes(drawn), _hashes(noisy)
    changed = {path.split("/")[1] for path in exact if exact[path] != spoiled[path] and "/" in path}
    maps = {"image-parse-v3", "image-densepose", "openpose_json", "openpose_img", "cloth-mask"}
    assert changed == maps | {"image-parse-agnostic-v3.2", "agnostic-v3.2", "agnostic-mask"}
    assert json.loads((noisy / "synthetic.json").read_text())["noise"] == 1.0
    splits = open_dataset(noisy).splits
    for stem in splits["test"].persons:
        parse = read_labels(splits["test"].need("parse", stem))
        joints = np.array(json.loads(splits["test"].need("keypoints", stem).read_text())["people"][0]["pose_keypoints_2d"])
        expected = agnostic_mask(parse, joints.reshape(25, 3))
        assert (read_mask(splits["test"].need("agnostic_mask", stem)) != expected).mean() < 0.002
    draw_dataset(config, tmp_path / "again", processes=1)
    assert _hashes(tmp_path / "again") == spoiled


def test_noise_plants_every_fault() -> None:
    """Each kind of fault is there in some of many draws at full strength, hardly in any at a tenth of it."""
    frame = Frame(128, 96)
    parse, densepose = np.zeros(frame.size, np.uint8), np.zeros(frame.size, np.uint8)
    parse[30:80, 20:76], parse[80:, 30:66], densepose[40:80, 20:30] = ParseClass.UPPER, ParseClass.PANTS, 20
    parse[80:90, 20:29], parse[80:90, 67:76] = ParseClass.RIGHT_ARM, ParseClass.LEFT_ARM
    joints = np.column_stack([np.full(25, 40.0), np.linspace(10, 110, 25), np.ones(25)])
    found: dict[float, Counter[str]] = {0.1: Counter(), 1.0: Counter()}
    for strength, counts in found.items():
        for seed in range(80):
            noise = Noise(strength, np.random.default_rng([7, seed]), frame)
            seen, moved = noise.parse(parse, densepose), noise.keypoints(joints)
            counts["skirt"] += ParseClass.SKIRT in seen
            counts["coat or dress"] += bool(np.isin(seen, (ParseClass.COAT, ParseClass.DRESS)).any())
            counts["sleeve as arm"] += bool((seen[60:74, 22:28] == ParseClass.RIGHT_ARM).mean() > 0.3)
            counts["arms swapped"] += bool((seen[82:88, 22:27] == ParseClass.LEFT_ARM).mean() > 0.5)
            counts["joint lost"] += bool((moved[:, 2] == 0).any())
            assert (moved[[Keypoint.RIGHT_SHOULDER, Keypoint.LEFT_SHOULDER], 2] > 0).all()
            counts["outline"] += bool((seen != parse).mean() > 0.02)
            counts["mask"] += bool((noise.mask(parse == ParseClass.UPPER) != (parse == ParseClass.UPPER)).mean() > 0.01)
    for fault, count in found[1.0].items():
        assert count > 3 and count > 3 * found[0.1][fault], (fault, found)


def test_a_contact_sheet(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pairs of three pictures beside each other."""
    monkeypatch.setattr(sys, "argv", ["sheet", str(drawn), str(tmp_path / "sheet.png")])
    assert sheet.main() == 0
    picture = read_image(tmp_path / "sheet.png")
    assert picture.shape == (sheet.CELL[0], 9 * sheet.CELL[1] + 6 * sheet.GAP + 2 * sheet.MARGIN, 3)
    assert picture[:, : sheet.CELL[1]].std() > 20
    with pytest.raises(DataError, match="no test pairs"):
        draw_dataset(SyntheticConfig(train=1, test=0, height=64, width=64), tmp_path / "empty")
        sheet.sheet(tmp_path / "empty")


@pytest.mark.parametrize("noise", [-0.1, 1.5, float("nan")])
def test_noise_is_a_share(noise: float) -> None:
    with pytest.raises(ValueError, match="noise must be between 0 and 1"):
        SyntheticConfig(noise=noise)


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


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    place = tmp_path / "file" / "set"
    monkeypatch.setattr(sys, "argv", ["vton.synthetic", "--out", str(place), "--train", "0", "--test", "1"])
    assert main() == 1
    said = capsys.readouterr().err
    assert said.startswith(f"synthetic: {place} cannot be used: ") and said.count("\n") == 1 and "Errno" not in said


@pytest.mark.parametrize("size", ["256", "0x0", "30000x64", "64x2000", "axb"])
def test_a_bad_size_is_one_sentence(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vton.synthetic", "--out", str(tmp_path / "set"), "--size", size])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and "size" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "set").exists()
