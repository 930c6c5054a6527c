"""The chain through the fakes: photos alone become a complete dataset, whatever kills it and whatever some photos hold."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.fakes.perturbed import Perturbed, dilated, refused, shifted, swapped, without
from tests.fakes.taught import FakeClothMask, FakeKeypoints, FakeParse, Taught, detectors, lesson
from vton.conditions import read_keypoints
from vton.doctor.examine import examine
from vton.errors import DataError, PreprocessError
from vton.generate import GenerateConfig, generate
from vton.images import read_image, read_labels, read_mask, write_labels
from vton.labels import DENSEPOSE_PALETTE, Keypoint, ParseClass
from vton.pairs import Pair, choose_pairs, open_dataset
from vton.preprocess.__main__ import main
from vton.preprocess.chain import PreprocessConfig, preprocess
from vton.preprocess.detectors import Detectors
from vton.preprocess.photos import LONGEST
from vton.synthetic import SyntheticConfig, draw_dataset

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, str(ROOT / "tests" / "fakes" / "command.py")]
MAPS = ("keypoints", "densepose", "parse", "parse_agnostic", "agnostic", "agnostic_mask", "openpose_img")


@pytest.fixture(scope="session")
def taught() -> Taught:
    return lesson()


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five drawn people whom the fakes were not taught on."""
    root = tmp_path_factory.mktemp("strangers") / "set"
    draw_dataset(SyntheticConfig(train=0, test=5, seed=5, height=256, width=192), root, processes=1)
    return root


@pytest.fixture
def photos(strangers: Path, tmp_path: Path) -> Path:
    """A folder with image/ and cloth/ and nothing else."""
    for folder in ("image", "cloth"):
        shutil.copytree(strangers / "test" / folder, tmp_path / "photos" / folder)
    return tmp_path / "photos"


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a dataset that is no log of one run."""
    logs = ("stages.json", "failures.jsonl", ".preprocess.lock")
    return {
        str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file() and file.name not in logs
    }


def failures(out: Path) -> list[dict[str, str]]:
    file = out / "failures.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_fakes_see_only_pixels_and_are_about_right(taught: Taught, strangers: Path) -> None:
    split = open_dataset(strangers).splits["test"]
    images = [read_image(split.need("image", stem)) for stem in split.persons]
    truth = [read_labels(split.need("parse", stem)) for stem in split.persons]
    found = FakeParse(taught).parse(images)
    assert np.mean([(one == true).mean() for one, true in zip(found, truth, strict=True)]) > 0.85
    joints = FakeKeypoints(taught).keypoints(images)
    shoulders = [Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER]
    known = [read_keypoints(split.need("keypoints", stem)) for stem in split.persons]
    off = [np.hypot(*(one[shoulders, :2] - true[shoulders, :2]).T).mean() for one, true in zip(joints, known, strict=True)]
    assert np.mean(off) < 0.05 * 256
    masks = FakeClothMask().cloth_mask([read_image(split.need("cloth", stem)) for stem in split.cloths])
    worn = [read_mask(split.need("cloth_mask", stem)) for stem in split.cloths]
    assert np.mean([(one == true).mean() for one, true in zip(masks, worn, strict=True)]) > 0.95
    blank = np.full((64, 48, 3), 255, np.uint8)
    assert all(
        isinstance(fake[0], PreprocessError) for fake in (FakeParse(taught).parse([blank]), FakeClothMask().cloth_mask([blank]))
    )


def test_photos_alone_become_a_dataset_on_which_a_try_on_runs(taught: Taught, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert preprocess(PreprocessConfig(photos), out, detectors(taught)) == []
    report = examine(out)
    assert report.faults == 0 and report.warnings == 0, report.to_text()
    assert report.layout == "VITON-HD, release of 2022"
    checked = json.loads((out / "checks.json").read_text())
    split = open_dataset(out).splits["test"]
    assert sorted(checked["items"]) == split.persons and all(len(found) > 30 for found in checked["items"].values())
    assert len(split.persons) == 5 and all(len(split.maps[kind]) == 5 for kind in (*MAPS, "cloth", "cloth_mask"))
    assert len(split.pairs) == 5 and all(pair.person != pair.cloth for pair in split.pairs)
    parts = np.asarray(Image.open(out / "test" / "image-densepose-parts" / f"{split.persons[0]}.png"))
    colours = read_image(split.need("densepose", split.persons[0]))
    assert parts.ndim == 2 and set(np.unique(parts)) <= set(range(25)) and len(np.unique(parts)) > 4
    assert np.abs(colours.astype(int) - DENSEPOSE_PALETTE[parts]).mean() < 3
    run = tmp_path / "run"
    assert generate(GenerateConfig(out, pairs=split.pairs[:2]), run) == []
    result, photo = (
        read_image(run / "results" / f"{split.pairs[0].name}.png"),
        read_image(split.need("image", split.pairs[0].person)),
    )
    mask = read_mask(split.need("agnostic_mask", split.pairs[0].person))
    assert np.array_equal(result[~mask], photo[~mask]) and np.abs(result[mask].astype(int) - photo[mask]).mean() > 5


def test_a_second_call_makes_nothing_and_a_changed_photo_is_made_anew(taught: Taught, photos: Path, tmp_path: Path) -> None:
    out, made = tmp_path / "out", detectors(taught)
    preprocess(PreprocessConfig(photos), out, made)
    before = {file: file.stat().st_mtime_ns for file in (out / "test").rglob("*") if file.is_file()}
    checked = (out / "checks.json").read_bytes(), (out / "checks.json").stat().st_mtime_ns
    preprocess(PreprocessConfig(photos), out, made)
    assert (out / "checks.json").stat().st_mtime_ns == checked[1]
    assert {file: file.stat().st_mtime_ns for file in (out / "test").rglob("*") if file.is_file()} == before
    first, second = sorted((photos / "image").iterdir())[:2]
    shutil.copy(second, first)
    preprocess(PreprocessConfig(photos), out, made)
    after = {file: file.stat().st_mtime_ns for file in (out / "test").rglob("*") if file.is_file()}
    changed = {file for file in after if after[file] != before.get(file)}
    assert changed and all(first.stem in file.name and file.parent.name not in ("cloth", "cloth-mask") for file in changed)
    assert (out / "checks.json").read_bytes() != checked[0]
    parse = out / "test" / "image-parse-v3"
    assert (parse / f"{first.stem}.png").read_bytes() == (parse / f"{second.stem}.png").read_bytes()


@pytest.mark.slow
def test_killed_ten_times_it_ends_whole(taught: Taught, photos: Path, tmp_path: Path) -> None:
    taught.save(tmp_path / "taught.npz")
    whole, out = tmp_path / "whole", tmp_path / "killed"
    preprocess(PreprocessConfig(photos), whole, detectors(taught))
    command = [*COMMAND, str(tmp_path / "taught.npz"), str(photos), "--out", str(out)]
    chance, killed = random.Random(1), 0
    while killed < 10:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        seen = len(list(out.rglob("*")))
        enough = seen + chance.randint(1, 8)
        while len(list(out.rglob("*"))) < enough and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        if process.poll() is not None:  # it was faster: it begins anew
            shutil.rmtree(out)
            continue
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert contents(out) == contents(whole)


DIES = """
import os, signal, sys
sys.path.insert(0, {root!r})
import contextlib, io
from pathlib import Path
from vton import images
from vton.preprocess import layout, photos, record, chain
from tests.fakes.taught import Taught, detectors
from vton.preprocess.__main__ import main
left, part = int(sys.argv[2]), float(sys.argv[3])
real = images.replacing

class Dying:
    def __init__(self, file): self.file = file
    def write(self, data):
        global left
        left -= 1
        if left > 0:
            return self.file.write(data)
        self.file.write(bytes(data)[: int(len(data) * part)])
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

@contextlib.contextmanager
def dying(path):
    with real(path) as file:
        yield Dying(file)

for module in (images, layout, photos, record, chain):
    if hasattr(module, "replacing"):
        module.replacing = dying
sys.exit(main(sys.argv[4:], detectors(Taught.load(Path(sys.argv[1])))))
"""


@pytest.mark.slow
def test_killed_inside_a_write_it_ends_whole(taught: Taught, photos: Path, tmp_path: Path) -> None:
    for folder in ("image", "cloth"):
        for file in sorted((photos / folder).iterdir())[2:]:
            file.unlink()
    taught.save(tmp_path / "taught.npz")
    whole, out = tmp_path / "whole", tmp_path / "killed"
    preprocess(PreprocessConfig(photos), whole, detectors(taught))
    torn = 0
    for number, (writes, part) in enumerate([(1, 0.5), (3, 0.0), (6, 0.9), (9, 0.5), (4, 0.3), (7, 1.0), (5, 0.5), (2, 0.5)]):
        code = DIES.format(root=str(ROOT))
        words = [str(tmp_path / "taught.npz"), str(writes), str(part), str(photos), "--out", str(out)]
        done = subprocess.run([sys.executable, "-c", code, *words], stderr=subprocess.DEVNULL, check=False)
        assert done.returncode in (-signal.SIGKILL, 0), number
        torn += len([file for file in out.rglob(".*.tmp") if file.stat().st_size])
    assert torn >= 4, "no kill hit a write"
    assert preprocess(PreprocessConfig(photos), out, detectors(taught)) == []
    assert contents(out) == contents(whole)


def test_a_cut_off_line_of_the_record_counts_as_not_written(taught: Taught, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    preprocess(PreprocessConfig(photos), out, detectors(taught))
    before = contents(out)
    lines = (out / "preprocess.jsonl").read_bytes()
    (out / "preprocess.jsonl").write_bytes(lines[: int(len(lines) * 0.6)])
    preprocess(PreprocessConfig(photos), out, detectors(taught))
    assert contents(out) == before


def test_what_fails_is_listed_and_the_others_go_on(taught: Taught, photos: Path, tmp_path: Path) -> None:
    persons = sorted(file.stem for file in (photos / "image").iterdir())
    (photos / "image" / f"{persons[0]}.jpg").write_bytes((photos / "image" / f"{persons[0]}.jpg").read_bytes()[:3000])
    Image.new("RGB", (192, 256), "white").save(photos / "image" / f"{persons[1]}.jpg")
    Image.new("RGB", (30, 300), "red").save(photos / "image" / f"{persons[2]}.jpg")
    (photos / "cloth" / f"{persons[3]}.jpg").write_bytes(b"\0\0\0\x18ftypheic")
    out = tmp_path / "out"
    failed = preprocess(PreprocessConfig(photos), out, detectors(taught))
    assert failed == [f"cloth/{persons[3]}", *(f"image/{stem}" for stem in persons[:3])]
    said = {(row["photo"], row["stage"]): row["error"] for row in failures(out)}
    assert "cannot be read" in said[f"image/{persons[0]}", "photos"]
    assert "No person" in said[f"image/{persons[1]}", "keypoints"] and "No person" in said[f"image/{persons[1]}", "parse"]
    assert "30x300" in said[f"image/{persons[2]}", "photos"]
    assert "HEIC" in said[f"cloth/{persons[3]}", "photos"]
    split = open_dataset(out).splits["test"]
    assert sorted(split.maps["agnostic"]) == persons[3:] and sorted(split.maps["cloth_mask"]) == [*persons[:3], *persons[4:]]
    assert {pair.person for pair in split.pairs} == set(persons[3:]) and persons[3] not in {pair.cloth for pair in split.pairs}


def test_photos_that_their_names_keep_out_are_told(taught: Taught, photos: Path, tmp_path: Path) -> None:
    persons = sorted((photos / "image").iterdir())
    persons[0].rename(photos / "image" / "IMG 1 (2).JPG")
    Image.open(persons[1]).save(persons[1].with_suffix(".png"))
    Image.open(persons[2]).save(photos / "image" / "scan.tiff")
    (photos / "cloth" / "IMG_3.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    for folder in ("image", "cloth"):
        (photos / folder / "notes.txt").write_text("not a photo, and none that anybody misses")
    out = tmp_path / "out"
    failed = preprocess(PreprocessConfig(photos), out, detectors(taught))
    second = f"image/{persons[1].stem}.png"
    assert set(failed) == {"cloth/IMG_3.HEIC", "image/scan.tiff", second}
    said = {row["photo"]: row["error"] for row in failures(out)}
    assert "export it as a JPEG" in said["cloth/IMG_3.HEIC"] and "IMG_3.HEIC" in said["cloth/IMG_3.HEIC"]
    assert f"goes by the same name as {persons[1].name}, which comes first and was taken" in said[second]
    split = open_dataset(out).splits["test"]
    assert len(split.persons) == len(split.pairs) == 5 and not split.skipped and "IMG 1 (2)" in split.persons
    (tmp_path / "chosen.txt").write_text(f"IMG 1 (2).jpg {split.cloths[1]}.jpg\n")  # a list for --pairs, as QA exports it
    assert choose_pairs(split, file=tmp_path / "chosen.txt") == [Pair("IMG 1 (2)", split.cloths[1])]


def test_people_alone_become_a_dataset_that_the_doctor_reads(taught: Taught, photos: Path, tmp_path: Path) -> None:
    shutil.rmtree(photos / "cloth")
    assert preprocess(PreprocessConfig(photos), tmp_path / "out", detectors(taught)) == []
    report = examine(tmp_path / "out")
    assert report.faults == report.warnings == 0 and report.counts["test"]["agnostic"] == 5


def test_a_photo_that_fails_later_takes_its_maps_along(taught: Taught, photos: Path, tmp_path: Path) -> None:
    out, stem = tmp_path / "out", min(file.stem for file in (photos / "image").iterdir())
    preprocess(PreprocessConfig(photos), out, detectors(taught))
    (photos / "image" / f"{stem}.jpg").write_bytes(b"rubbish")
    assert preprocess(PreprocessConfig(photos), out, detectors(taught)) == [f"image/{stem}"]
    left = [file for file in (out / "test").rglob(f"{stem}*") if file.parent.name not in ("cloth", "cloth-mask")]
    assert left == []


def test_only_some_maps_are_made_and_the_others_taken(taught: Taught, strangers: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert preprocess(PreprocessConfig(strangers, only=("parse", "agnostic")), out, detectors(taught)) == []
    theirs, ours = open_dataset(strangers).splits["test"], open_dataset(out).splits["test"]
    stem = theirs.persons[0]
    for kind in ("keypoints", "densepose", "openpose_img", "image", "cloth", "cloth_mask"):
        assert theirs.need(kind, stem).read_bytes() == ours.need(kind, stem).read_bytes()
    assert theirs.need("parse", stem).read_bytes() != ours.need("parse", stem).read_bytes()
    assert ours.pairs == theirs.pairs and not ours.maps["flow"]
    assert examine(out).faults == 0
    with pytest.raises(DataError, match="other settings .another only.; choose another folder"):
        preprocess(PreprocessConfig(strangers), out, detectors(taught))


def test_maps_follow_a_photo_that_is_shrunk(taught: Taught, strangers: Path, tmp_path: Path) -> None:
    root, stem = tmp_path / "large", "person"
    split = open_dataset(strangers).splits["test"]
    first, times = split.persons[0], 6
    for folder in ("image", "image-parse-v3", "openpose_json"):
        (root / "test" / folder).mkdir(parents=True)
    photo = Image.open(split.need("image", first))
    photo.resize((192 * times, 256 * times)).save(root / "test" / "image" / f"{stem}.png")
    parse = read_labels(split.need("parse", first))
    write_labels(root / "test" / "image-parse-v3" / f"{stem}.png", parse.repeat(times, 0).repeat(times, 1))
    joints = read_keypoints(split.need("keypoints", first))
    flat = (joints * (times, times, 1)).ravel().tolist()
    text = json.dumps({"people": [{"pose_keypoints_2d": flat}]})
    (root / "test" / "openpose_json" / f"{stem}_keypoints.json").write_text(text)
    out = tmp_path / "out"
    assert preprocess(PreprocessConfig(root, only=("agnostic",)), out, Detectors()) == []
    kept = out / "test"
    assert read_image(kept / "image" / f"{stem}.jpg").shape == (LONGEST, 768, 3)
    assert (read_labels(kept / "image-parse-v3" / f"{stem}.png") == parse.repeat(4, 0).repeat(4, 1)).all()
    assert np.allclose(read_keypoints(kept / "openpose_json" / f"{stem}_keypoints.json"), joints * (4, 4, 1), atol=0.01)
    assert read_mask(kept / "agnostic-mask" / f"{stem}_mask.png").shape == (LONGEST, 768)


def test_photos_of_any_kind_become_upright_bounded_jpegs(photos: Path, tmp_path: Path) -> None:
    first = Image.open(sorted((photos / "image").iterdir())[0])
    root = tmp_path / "kinds" / "image"
    root.mkdir(parents=True)
    exif = first.getexif()
    exif[0x0112] = 6
    first.rotate(90, expand=True).save(root / "turned.jpg", exif=exif, quality=95)
    alpha = first.convert("RGBA")
    alpha.putalpha(0)
    alpha.save(root / "clear.png")
    grey = (np.asarray(first.convert("L")).astype(np.uint16)) * 257
    Image.fromarray(grey).save(root / "deep.png")
    first.resize((3000, 4000)).save(root / "phone.jpg", quality=80)
    first.save(root / "shop.webp")
    out = tmp_path / "out"
    assert preprocess(PreprocessConfig(root.parent, only=("densepose",)), out, Detectors()) == []
    kept = {file.stem: Image.open(file) for file in (out / "test" / "image").iterdir()}
    assert {stem: photo.size for stem, photo in kept.items()} == {
        **dict.fromkeys(("turned", "clear", "deep", "shop"), (192, 256)),
        "phone": (768, 1024),
    }
    assert all(photo.format == "JPEG" and photo.mode == "RGB" and not photo.getexif() for photo in kept.values())
    assert np.abs(np.asarray(kept["turned"], int) - np.asarray(first.convert("RGB"), int)).mean() < 4
    assert np.asarray(kept["clear"]).min() == 255
    assert np.abs(np.asarray(kept["deep"], int)[..., 0] - np.asarray(first.convert("L"), int)).mean() < 3


def test_without_densepose_it_goes_on_and_says_so_once(
    taught: Taught, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    have = detectors(taught)
    some = Detectors(have.keypoints, None, have.parse, have.cloth_mask, {"densepose": "detectron2 is not installed."})
    out = tmp_path / "out"
    assert preprocess(PreprocessConfig(photos), out, some) == []
    assert capsys.readouterr().err.count("detectron2 is not installed.") == 1
    stages = {stage["name"]: stage for stage in json.loads((out / "stages.json").read_text())["stages"]}
    note = stages["densepose"]["note"]
    assert (
        stages["densepose"]["state"] == "missing" and "detectron2 is not installed." in note and "a trained warp does" in note
    )
    assert examine(out).faults == 0
    split = open_dataset(out).splits["test"]
    assert generate(GenerateConfig(out, pairs=split.pairs[:1]), tmp_path / "run") == []
    assert preprocess(PreprocessConfig(photos), out, have) == []
    assert len(open_dataset(out).splits["test"].maps["densepose"]) == 5


def test_without_the_garment_detector_white_backgrounds_are_cut_out(taught: Taught, photos: Path, tmp_path: Path) -> None:
    have, out = detectors(taught), tmp_path / "out"
    room = sorted((photos / "cloth").iterdir())[0]
    Image.effect_noise((192, 256), 60).convert("RGB").save(room)
    failed = preprocess(PreprocessConfig(photos), out, Detectors(have.keypoints, have.densepose, have.parse, None))
    assert failed == [f"cloth/{room.stem}"] and "not white" in failures(out)[0]["error"]
    assert json.loads((out / "preprocess.json").read_text())["detectors"]["cloth-mask"] == "WhiteBackground"
    plain = contents(out / "test" / "cloth-mask")
    assert len(plain) == 4
    assert preprocess(PreprocessConfig(photos), out, have) == []
    found = contents(out / "test" / "cloth-mask")
    assert len(found) == 5 and any(found[name] != plain[name] for name in plain), "the detector's masks take their place"


def test_without_parse_the_rest_is_made_and_the_exit_status_says_so(
    taught: Taught, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    have = detectors(taught)
    some = Detectors(have.keypoints, have.densepose, None, have.cloth_mask, {"parse": "segformer is not here; fetch it."})
    assert main([str(photos), "--out", str(tmp_path / "out")], some) == 1
    assert {(row["photo"], row["stage"]) for row in failures(tmp_path / "out")} == {("", "parse"), ("", "agnostic")}
    assert "not everything could be made" in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "test" / "openpose_json").iterdir())) == 5
    assert main([str(photos), "--out", str(tmp_path / "out")], have) == 0
    assert examine(tmp_path / "out").faults == 0


def test_a_spoilt_parse_moves_the_agnostic_mask(taught: Taught, photos: Path, tmp_path: Path) -> None:
    for folder in ("image", "cloth"):
        for file in sorted((photos / folder).iterdir())[2:]:
            file.unlink()
    have = detectors(taught)
    upper, pants = ParseClass.UPPER, ParseClass.PANTS
    ways = {
        "good": (),
        "same": (),
        "moved": (shifted(12, 20),),
        "grown": (dilated(6, upper),),
        "swapped": (swapped(upper, pants),),
    }
    masks = {}
    for name, changes in ways.items():
        spoilt = Detectors(have.keypoints, None, Perturbed(have.parse, *changes), have.cloth_mask)
        assert preprocess(PreprocessConfig(photos), tmp_path / name, spoilt) == []
        masks[name] = contents(tmp_path / name / "test" / "agnostic-mask")
    assert masks["same"] == masks["good"]
    assert all(masks[name] != masks["good"] for name in ("moved", "grown", "swapped"))


def test_missing_joints_and_refusals(taught: Taught, photos: Path, tmp_path: Path) -> None:
    have, out = detectors(taught), tmp_path / "out"
    lame = Perturbed(have.keypoints, without(Keypoint.LEFT_ELBOW, Keypoint.RIGHT_HIP, Keypoint.LEFT_HIP))
    assert preprocess(PreprocessConfig(photos), out, Detectors(lame, None, have.parse, have.cloth_mask)) == []
    faceless = Perturbed(have.keypoints, without(Keypoint.LEFT_SHOULDER))
    failed = preprocess(PreprocessConfig(photos), tmp_path / "two", Detectors(faceless, None, have.parse, have.cloth_mask))
    assert len(failed) == 5 and {row["stage"] for row in failures(tmp_path / "two")} == {"agnostic"}
    shy = Perturbed(have.parse, refused("Too dark.", lambda photo: photo.mean() < 1000))
    preprocess(PreprocessConfig(photos), tmp_path / "three", Detectors(have.keypoints, None, shy, have.cloth_mask))
    assert [row["error"] for row in failures(tmp_path / "three") if row["photo"]] == ["Too dark."] * 5


def test_a_garment_alone(taught: Taught, photos: Path, tmp_path: Path) -> None:
    shutil.rmtree(photos / "image")
    assert preprocess(PreprocessConfig(photos, only=("cloth-mask",)), tmp_path / "out", detectors(taught)) == []
    assert len(list((tmp_path / "out" / "test" / "cloth-mask").iterdir())) == 5


def test_a_list_beside_the_photos_is_kept(taught: Taught, photos: Path, tmp_path: Path) -> None:
    one, two, *_ = sorted(file.stem for file in (photos / "image").iterdir())
    (photos / "test_pairs.txt").write_text(f"{two}.jpg {one}.jpg\n{one}.jpg nothing.jpg\n")
    preprocess(PreprocessConfig(photos), tmp_path / "out", detectors(taught))
    assert open_dataset(tmp_path / "out").splits["test"].pairs == (Pair(two, one),)


def test_folders_and_settings_that_are_refused(
    taught: Taught, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    refusals = {
        (str(tmp_path / "nowhere"), str(tmp_path / "out")): "is not a folder",
        (str(tmp_path / "empty"), str(tmp_path / "out")): "put people into image/, garments into cloth/",
        (str(photos), str(photos)): "never written to",
        (str(photos), str(photos / "out")): "never written to",
        (str(photos), str(tmp_path / "other")): "not empty",
        (str(photos), str(tmp_path / "other" / "letter.txt")): "is a file",
    }
    for (root, out), sentence in refusals.items():
        assert main([root, "--out", out], detectors(taught)) == 1
        assert sentence in capsys.readouterr().err
    (tmp_path / "set" / "train").mkdir(parents=True)
    shutil.copytree(photos / "image", tmp_path / "set" / "train" / "image")
    assert main([str(tmp_path / "set"), "--out", str(tmp_path / "out")], detectors(taught)) == 1
    assert "--split train" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(photos), "--out", str(tmp_path / "out"), "--only", "pose"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([str(photos), "--out", str(tmp_path / "out"), "--device", "cuda"], detectors(taught)) == 1
    assert "preprocess: there is no device 'cuda' here" in capsys.readouterr().err and not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="A split is train or test, not 'val'"):
        PreprocessConfig(photos, split="val")
    with pytest.raises(ValueError, match="'pose' is nothing that can be made"):
        PreprocessConfig(photos, only=("pose",))


def test_two_at_once_and_two_detectors_are_refused(taught: Taught, photos: Path, tmp_path: Path) -> None:
    import fcntl

    out, have = tmp_path / "out", detectors(taught)
    preprocess(PreprocessConfig(photos), out, have)
    with (out / ".preprocess.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another process"):
            preprocess(PreprocessConfig(photos), out, have)
    other = Detectors(Perturbed(have.keypoints), have.densepose, have.parse, have.cloth_mask)
    os.utime(photos / "image")
    shutil.copy(sorted((photos / "image").iterdir())[0], photos / "image" / "new.jpg")
    with pytest.raises(DataError, match="made by FakeKeypoints, and now it would be Perturbed"):
        preprocess(PreprocessConfig(photos), out, other)
