"""Run folders: whole, resumable, refused when another's; metrics that equal an independent implementation."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vton import diffusions, warps
from vton import evaluate as evaluation
from vton.errors import DataError
from vton.generate import GenerateConfig, generate, main
from vton.images import read_image, read_json, read_mask, write_image
from vton.metrics import METRICS, summarise
from vton.metrics.table import to_unit
from vton.pairs import Pair, open_dataset
from vton.weights import FOLDER_VARIABLE


@pytest.fixture(scope="module", autouse=True)
def nothing_shipped() -> Iterator[None]:
    """A run is by the geometric warp alone where it names nothing else, and no published weights are here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warps, "SHIPPED", Path("nowhere"))
        patch.setattr(diffusions, "SHIPPED_DIFFUSION", Path("nowhere"))
        patch.setenv(FOLDER_VARIABLE, "nowhere")
        yield


@pytest.fixture(scope="module")
def run(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    assert generate(GenerateConfig(drawn), out) == []
    return out


def test_a_run_folder_is_whole(run: Path, drawn: Path) -> None:
    pairs = open_dataset(drawn).splits["test"].pairs
    assert sorted(p.stem for p in (run / "results").iterdir()) == sorted(pair.name for pair in pairs)
    for pair in pairs:
        stages = run / "intermediates" / pair.name
        size = read_image(run / "results" / f"{pair.name}.png").shape[:2]
        for name in ("warped_cloth", "warped_cloth_mask", "agnostic_mask", "composite"):
            assert read_image(stages / f"{name}.png").shape[:2] == size == (256, 192)
        with np.load(stages / "flow.npz") as stored:
            assert stored["flow"].shape == (2, *size)
        assert len(read_json(stages / "inputs.json")["image"]) == 64
    assert set(read_json(run / "timings.json")["pairs"]) == {pair.name for pair in pairs}
    assert read_json(run / "config.json")["format"] == 1


def test_a_second_call_does_only_what_is_missing(run: Path, drawn: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    first, *others = sorted((copy / "results").iterdir())
    before = {path: path.stat().st_mtime_ns for path in others}
    content = first.read_bytes()
    first.unlink()
    assert generate(GenerateConfig(drawn), copy) == []
    assert first.read_bytes() == content
    assert {path: path.stat().st_mtime_ns for path in others} == before


def test_another_config_is_refused_not_mixed(run: Path, drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another config"):
        generate(GenerateConfig(drawn, paired=True), run)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        generate(GenerateConfig(drawn), tmp_path)


def test_repairs_are_used_and_recorded(run: Path, drawn: Path, tmp_path: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    mended, other = split.pairs[:2]
    mask = read_mask(split.need("agnostic_mask", mended.person))
    mask[:40] = True
    file = tmp_path / "mended" / "test" / "agnostic-mask" / f"{mended.person}_mask.png"
    write_image(file, mask)
    config = GenerateConfig(drawn, pairs=(mended, other), repairs=tmp_path / "mended")
    assert generate(config, tmp_path / "run") == []
    assert (read_mask(tmp_path / "run" / "intermediates" / mended.name / "agnostic_mask.png") == mask).all()
    used = read_json(tmp_path / "run" / "intermediates" / mended.name / "inputs.json")
    assert used["agnostic_mask"] == hashlib.sha256(file.read_bytes()).hexdigest()
    for pair, same in ((mended, False), (other, True)):
        made = (tmp_path / "run" / "results" / f"{pair.name}.png").read_bytes()
        assert (made == (run / "results" / f"{pair.name}.png").read_bytes()) == same
    assert read_json(tmp_path / "run" / "config.json")["repairs"]["root"] == str((tmp_path / "mended").resolve())
    with pytest.raises(DataError, match="repairs"):
        generate(GenerateConfig(drawn, pairs=(mended, other)), tmp_path / "run")
    write_image(file, ~mask)
    with pytest.raises(DataError, match="repairs"):
        generate(config, tmp_path / "run")


def test_an_open_list_takes_further_pairs(drawn: Path, tmp_path: Path) -> None:
    one, two = open_dataset(drawn).splits["test"].pairs[:2]
    for pair in (one, two):
        generate(GenerateConfig(drawn, pairs=(pair,), open_list=True), tmp_path / "lab")
    assert len(list((tmp_path / "lab" / "results").iterdir())) == 2
    assert set(read_json(tmp_path / "lab" / "timings.json")["pairs"]) == {one.name, two.name}


def test_a_pair_that_fails_is_logged_and_the_others_go_on(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn, root)
    broken = open_dataset(root).splits["test"].pairs[0]
    (root / "test" / "cloth" / f"{broken.cloth}.jpg").write_bytes(b"no picture")
    assert main(["--data", str(root), "--out", str(tmp_path / "run")]) == 1
    assert "generate: 1 pair failed;" in capsys.readouterr().err
    failures = [json.loads(line) for line in (tmp_path / "run" / "failures.jsonl").read_text().splitlines()]
    assert [failure["pair"] for failure in failures] == [broken.name]
    assert f"{broken.cloth}.jpg" in failures[0]["error"]
    assert len(list((tmp_path / "run" / "results").iterdir())) == 3
    shutil.copy(drawn / "test" / "cloth" / f"{broken.cloth}.jpg", root / "test" / "cloth")
    assert main(["--data", str(root), "--out", str(tmp_path / "run")]) == 0
    assert not (tmp_path / "run" / "failures.jsonl").exists()


def test_an_interrupted_run_leaves_only_whole_pictures(drawn: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = ["--data", str(drawn), "--warp", "geometric", "--diffusion", "none", "--out", str(out)]
    command = [sys.executable, "-m", "vton.generate", *asked]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    deadline = time.monotonic() + 60
    while not list(out.glob("results/*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert b"Traceback" not in errors
    for picture in out.glob("results/*.png"):
        read_image(picture)
    assert not list(out.rglob("*.tmp"))
    assert main(asked) == 0


@pytest.mark.parametrize(
    "arguments", [["--data", "nowhere", "--out", "x"], ["--data", "SET", "--split", "train", "--out", "x"]]
)
def test_bad_arguments_get_one_sentence(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(drawn) if word == "SET" else word for word in arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("generate: ") and said.count("\n") == 1


def test_a_place_that_cannot_be_written_gets_one_sentence(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        assert main(["--data", str(drawn), "--out", str(place)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all(line.startswith("generate: ") and str(tmp_path) in line for line in said)
    assert (tmp_path / "file").read_text() == "mine"


def make_from_elsewhere(folder: Path, config: object) -> Path:
    """A run folder with one result and this config."""
    write_image(folder / "results" / "a__b.png", np.zeros((64, 48, 3), np.uint8))
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ([], "expected an object, found a list"),
        ("x", "expected an object, found text"),
        ({"dataset": {}}, '"format": null'),
        ({"format": 2}, '"format": 2'),
        ({"format": "1"}, '"format": "1"'),
        ({"format": 1, "dataset": "x"}, '"dataset" to be an object with "root" and "split", found text'),
        ({"format": 1, "dataset": {"root": 3}}, '"root" of "dataset" to be text, found a number'),
        ({"format": 1, "dataset": {"root": ["a"]}}, '"root" of "dataset" to be text, found a list'),
        ({"format": 1, "dataset": {"split": {"a": 1}}}, '"split" of "dataset" to be text, found an object'),
        ({"format": 1, "dataset": {"root": True}}, '"root" of "dataset" to be text, found true or false'),
    ],
)
def test_a_config_of_another_shape_gets_one_sentence(
    config: object, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_from_elsewhere(tmp_path / "run", config)
    assert evaluation.main([str(folder)]) == 1
    said = capsys.readouterr().err
    assert sentence in said and str(folder / "config.json") in said and said.count("\n") == 1


def test_the_reason_why_there_is_no_truth_is_the_right_one(tmp_path: Path) -> None:
    run = make_from_elsewhere(tmp_path / "run", {"format": 1})
    with pytest.raises(DataError, match=f"There is no folder {tmp_path / 'gone'}"):
        evaluation.evaluate(run, reference=tmp_path / "gone")
    (tmp_path / "there").mkdir()
    with pytest.raises(DataError, match=f"{tmp_path / 'there'} holds no true photo"):
        evaluation.evaluate(run, reference=tmp_path / "there")
    with pytest.raises(DataError, match="give --reference"):
        evaluation.evaluate(run)
    (run / "results" / "a__b.png").unlink()
    with pytest.raises(DataError, match="holds no result"):
        evaluation.evaluate(run, reference=tmp_path / "there")


def test_metrics_are_written_with_their_intervals_and_cards(run: Path) -> None:
    report = evaluation.evaluate(run)
    assert read_json(run / "metrics.json") == json.loads(json.dumps(report))
    assert set(report["metrics"]) == set(METRICS) and len(report["pairs"]) == 4
    for entry in report["metrics"].values():
        assert entry["n"] == 4 and entry["interval"][0] <= entry["value"] <= entry["interval"][1]
        assert entry["higher_is_better"] is True and "torchmetrics" in entry["card"]["library"]
    assert report["metrics"]["psnr_inside"]["value"] < report["metrics"]["psnr"]["value"]


def test_the_truth_itself_is_perfect(run: Path, drawn: Path, tmp_path: Path) -> None:
    perfect = tmp_path / "run"
    shutil.copytree(run, perfect)
    for truth in (drawn / "test" / "image-truth").iterdir():
        if (perfect / "results" / truth.name).exists():
            shutil.copy(truth, perfect / "results" / truth.name)
    metrics = evaluation.evaluate(perfect)["metrics"]
    assert metrics["ssim"]["value"] == pytest.approx(1) and metrics["ssim_inside"]["value"] == pytest.approx(1)
    assert metrics["psnr"]["value"] == 100


def test_results_that_are_jpegs_are_measured_as_they_are(run: Path, drawn: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "results").mkdir(parents=True)
    (theirs / "config.json").write_text('{"format": 1}')
    for n, file in enumerate(sorted((run / "results").iterdir())):
        with Image.open(file) as picture:
            picture.save(theirs / "results" / f"{file.stem}{('.JPG', '.jpeg')[n % 2]}", quality=95)
    (theirs / "results" / ".DS_Store.png").write_bytes(b"")
    told = evaluation.evaluate(theirs, drawn, metrics=["ssim"])["metrics"]["ssim"]
    ours = evaluation.evaluate(run, metrics=["ssim"])["metrics"]["ssim"]
    assert told["n"] == ours["n"] and told["value"] == pytest.approx(ours["value"], abs=0.02)
    shutil.copy(file, theirs / "results" / file.name)
    with pytest.raises(DataError, match="holds two pictures of"):
        evaluation.evaluate(theirs, drawn, metrics=["ssim"])


def test_numbers_equal_an_independent_implementation() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (200, 180, 3), np.uint8)
    made = np.clip(truth + rng.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    mask = torch.ones(1, 1, 200, 180)
    mask[..., :100, :] = 0
    psnr = METRICS["psnr"].compute(to_unit(made), to_unit(truth), mask)
    assert psnr == pytest.approx(peak_signal_noise_ratio(truth, made), abs=1e-3)
    inside = METRICS["psnr_inside"].compute(to_unit(made), to_unit(truth), mask)
    assert inside == pytest.approx(peak_signal_noise_ratio(truth[100:], made[100:]), abs=1e-3)
    ssim = METRICS["ssim"].compute(to_unit(made), to_unit(truth), mask)
    expected = structural_similarity(truth, made, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert ssim == pytest.approx(expected, abs=5e-3)


def test_ms_ssim_is_left_out_of_pictures_too_small_for_it() -> None:
    small = torch.rand(1, 3, 100, 80)
    assert METRICS["ms_ssim"].compute(small, small, torch.ones(1, 1, 100, 80)) is None


def test_the_interval_narrows_with_more_pairs() -> None:
    rng = np.random.default_rng(0)
    few, many = summarise(rng.normal(0, 1, 20).tolist())[1], summarise(rng.normal(0, 1, 2000).tolist())[1]
    assert few and many and many[1] - many[0] < few[1] - few[0]
    assert summarise([1.0]) == (1.0, None)


def test_photographs_in_other_garments_have_no_truth(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    generate(GenerateConfig(samples / "v2"), out)
    with pytest.raises(DataError, match="no result with a true photo"):
        evaluation.evaluate(out)
    reference = tmp_path / "reference"
    for result in (out / "results").iterdir():
        write_image(reference / result.name, read_image(result))
    assert evaluation.evaluate(out, reference=reference)["metrics"]["psnr"]["value"] == 100


def test_a_paired_run_is_compared_with_the_photos(samples: Path, tmp_path: Path) -> None:
    generate(GenerateConfig(samples / "v2", paired=True), tmp_path / "run")
    report = evaluation.evaluate(tmp_path / "run", metrics=["ssim"])
    assert report["metrics"]["ssim"]["n"] == 1 and report["metrics"]["ssim"]["interval"] is None
    assert set(report["pairs"]) == {Pair("00006_00", "00006_00").name}


def test_the_classic_layout_is_tried_on(samples: Path, tmp_path: Path) -> None:
    """Its parse is coloured by a palette, its masks are JPEG, and it has neither DensePose nor an agnostic picture."""
    split = open_dataset(samples / "classic").splits["test"]
    assert generate(GenerateConfig(samples / "classic"), tmp_path / "run") == []
    assert {path.stem for path in (tmp_path / "run" / "results").iterdir()} == {pair.name for pair in split.pairs}
    for pair in split.pairs:
        photo = read_image(split.need("image", pair.person))
        made = read_image(tmp_path / "run" / "results" / f"{pair.name}.png")
        assert made.shape == photo.shape
        changed = np.abs(made.astype(int) - photo).max(-1) > 30
        mask = read_mask(tmp_path / "run" / "intermediates" / pair.name / "agnostic_mask.png")
        assert changed[mask].mean() > 0.2, "another garment"
        assert not changed[~mask].any(), "what is not made anew stays"
