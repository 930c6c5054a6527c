"""python -m vton.train.warp: a run folder from a drawn set, gone on with exactly, and refusals in sentences."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vton.checkpoint import export, load_warp
from vton.checkpoint_info import datasets_of, read_config
from vton.dataset import Example
from vton.images import read_image
from vton.pairs import read_pairs
from vton.presets import WARP, WarpPreset, with_settings
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train import warp as training
from vton.train.loop import Draw
from vton.train.warp import main

FAST = ("steps=4", "validate_every=2", "save_every=2", "log_every=1")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set of six people to train on."""
    root = tmp_path_factory.mktemp("people") / "set"
    draw_dataset(SyntheticConfig(train=6, test=0, seed=3, height=128, width=96), root, processes=1)
    return root


def train(people: Path, out: Path, *more: str) -> int:
    return main(["--data", str(people), "--preset", "tiny", "--out", str(out), "--device", "cpu", *more])


def log(out: Path) -> list[dict]:
    return [line for line in map(json.loads, (out / "log.jsonl").read_text().splitlines()) if line["kind"] != "speed"]


def test_a_training_writes_a_run(people: Path, tmp_path: Path) -> None:
    assert train(people, tmp_path / "whole", "--fold", "1/3", "--set", *FAST) == 0
    network = load_warp(tmp_path / "whole" / "checkpoint")
    assert network.config == WARP["tiny"].network
    measured = [line for line in log(tmp_path / "whole") if line["kind"] == "validation"]
    assert [line["step"] for line in measured] == [2, 4]
    assert all(0 <= line["iou"] <= 1 and line["epe"] > 0 and line["epe_worst"] >= line["epe"] for line in measured)
    assert read_image(tmp_path / "whole" / "pictures" / "0000004.png").shape == (3 * 64, 8 * 64, 3)
    assert any((tmp_path / "whole" / "tensorboard").iterdir())

    # Not the last one in the next one's garment, which that one is trained in.
    assert [(p.person, p.cloth) for p in read_pairs(tmp_path / "whole" / "fold_pairs.txt")] == [
        ("00002_00", "00002_00"), ("00003_00", "00003_00"), ("00002_00", "00003_00")
    ]  # fmt: skip
    assert json.loads((tmp_path / "whole" / "config.json").read_text())["data"] == {
        "root": str(people), "pairs": 7, "left_out": 4, "fold": [1, 3], "drawn": True
    }  # fmt: skip


@pytest.mark.parametrize("left_out", ["parse", "flow"])
def test_a_training_without_a_term_is_saved_and_gone_on_with(people: Path, tmp_path: Path, left_out: str) -> None:
    changed = (*FAST, f"{left_out}=0")
    assert train(people, tmp_path / "run", "--set", *changed) == 0
    (tmp_path / "run" / "log.jsonl").unlink()
    assert train(people, tmp_path / "run", "--resume", "--set", *changed) == 0
    told = json.loads((tmp_path / "run" / "checkpoint" / "config.json").read_text())["trained"]
    assert told["data"]["drawn"] is True and told["losses"][left_out] == 0


def test_what_a_training_began_with_is_told_and_not_read_again(people: Path, tmp_path: Path) -> None:
    assert train(people, tmp_path / "first", "--set", *FAST) == 0
    begun = ("--init", str(tmp_path / "first"), "--fold", "0/3", "--set", *FAST)
    assert train(people, tmp_path / "next", *begun) == 0
    shutil.rmtree(tmp_path / "first")
    assert train(people, tmp_path / "next", "--resume", *begun) == 0
    known = datasets_of(read_config(tmp_path / "next" / "checkpoint"))
    assert known == [{"root": str(people), "fold": [0, 3]}, {"root": str(people), "fold": None}]
    export(tmp_path / "next" / "checkpoint", tmp_path / "given")
    assert {one["root"] for one in datasets_of(read_config(tmp_path / "given"))} == {people.name}


@pytest.mark.slow
def test_two_processes_share_a_training(people: Path, tmp_path: Path) -> None:
    def run(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
        shared = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        command = ["-m", "vton.train.warp", "--data", str(people), "--preset", "tiny", "--out", str(out), "--device", "cpu"]
        environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        told = [*shared, *command, "--set", *FAST, *more]
        return subprocess.run(told, env=environment, capture_output=True, text=True, timeout=300)

    ended = run(tmp_path / "whole")
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert load_warp(tmp_path / "whole" / "checkpoint").config == WARP["tiny"].network
    assert [line["step"] for line in log(tmp_path / "whole") if line["kind"] == "train"] == [1, 2, 3, 4], "one log"
    odd = run(tmp_path / "odd", "batch=3")
    assert odd.returncode != 0 and "train.warp: a batch of 3 cannot be shared evenly by 2 processes" in odd.stderr


def test_a_training_that_a_signal_stops_leaves_whole_files_and_goes_on_exactly(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Example] = []
    steps = ("steps=5", "validate_every=5", "save_every=9", "log_every=1")

    def run(out: Path, *more: str, kill_at: int = 0) -> tuple[int, list[Example]]:
        def losses(*given: object) -> dict[str, torch.Tensor]:
            seen.append(given[1])  # type: ignore[arg-type]
            if len(seen) == kill_at:
                os.kill(os.getpid(), signal.SIGINT)
            return warp_losses(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(training, "warp_losses", losses)
        seen.clear()
        return train(people, out, *more, "--set", *steps), list(seen)

    warp_losses = training.warp_losses
    ended, whole = run(tmp_path / "whole")
    assert ended == 0 and len(whole) == 5
    ended, before = run(tmp_path / "parts", kill_at=2)
    assert ended == 130 and "stopped; the same command with --resume" in capsys.readouterr().err
    load_warp(tmp_path / "parts" / "checkpoint")
    ended, after = run(tmp_path / "parts", "--resume")
    assert ended == 0 and (len(before), len(after)) == (2, 3)
    for one, other in zip(whole, before + after, strict=True):
        assert torch.equal(one.flow, other.flow) and torch.equal(one.conditions.cloth, other.conditions.cloth)
    assert log(tmp_path / "parts") == log(tmp_path / "whole")
    states = [load_warp(tmp_path / name / "checkpoint").state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_no_one_and_nothing_of_a_fold_is_trained_on(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: set[str] = set()
    varied = training.Varied.__getitem__

    def noted(self: training.Varied, draw: Draw) -> Example:
        pair = self.examples.pairs[draw.index]
        trained.update((pair.person, pair.cloth))
        return varied(self, draw)

    monkeypatch.setattr(training.Varied, "__getitem__", noted)
    assert train(people, tmp_path / "run", "--fold", "0/3", "--set", *FAST) == 0
    left_out = {name for pair in read_pairs(tmp_path / "run" / "fold_pairs.txt") for name in (pair.person, pair.cloth)}
    assert left_out == {"00000_00", "00001_00"} and trained == {f"0000{i}_00" for i in range(2, 6)}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_file_ends_the_training_with_its_name(
    people: Path, tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(people, tmp_path / "set")
    for cloth in (tmp_path / "set" / "train" / "cloth").iterdir():
        cloth.write_bytes(b"no picture")
    assert train(tmp_path / "set", tmp_path / "run", "--set", *FAST, f"workers={workers}") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("train.warp: ") and ".jpg cannot be read" in said


def test_another_config_or_a_second_start_is_refused(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(people, tmp_path / "run", "--set", *FAST) == 0
    assert train(people, tmp_path / "run", "--set", *FAST) == 1
    assert "--resume goes on" in capsys.readouterr().err
    assert train(people, tmp_path / "run", "--resume", "--set", *FAST, "batch=3") == 1
    assert "another config (it differs in loop)" in capsys.readouterr().err
    for begin in (tmp_path / "run" / "checkpoint", tmp_path / "run"):
        assert train(people, tmp_path / "next", "--init", str(begin), "--set", *FAST, "widths=(8,8,24)") == 1
        assert "asks for" in capsys.readouterr().err


def test_what_cannot_be_trained_on_gets_a_sentence(
    people: Path, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(drawn, tmp_path / "a") == 1
    assert "has no train split" in capsys.readouterr().err
    assert train(people, tmp_path / "b", "--set", "speed=3") == 1
    assert "'speed=3' sets nothing" in capsys.readouterr().err
    assert train(people, people) == 1
    assert "holds no training" in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert train(people, tmp_path / "c", "--device", "cuda") == 1
    assert "train.warp: there is no device 'cuda' here" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_settings_change_the_field_they_name() -> None:
    changed = with_settings(WARP["tiny"], ["steps=7", "rate=1", "widths=(8, 16)", "finest=0", "mask=0", "precision=bf16"])
    assert (changed.loop.steps, changed.loop.rate, changed.loop.precision) == (7, 1.0, "bf16")
    assert changed.network.widths == (8, 16) and changed.losses.mask == 0
    assert changed.augment == WARP["tiny"].augment
    for wrong in ("steps=many", "steps=2.5", "widths=8"):
        with pytest.raises(ValueError, match="no value of that kind"):
            with_settings(WARP["tiny"], [wrong])


def test_no_two_parts_of_a_preset_have_a_field_of_the_same_name() -> None:
    parts = [getattr(WARP["demo"], part.name) for part in dataclasses.fields(WarpPreset)]
    names = [field.name for part in parts for field in dataclasses.fields(part)]
    assert len(names) == len(set(names))
