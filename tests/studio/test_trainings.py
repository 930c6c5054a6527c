"""Trainings: plans, what is checked before a start, how each is listed, and cancelling and resuming for real."""

import importlib
import json
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from db.models import Dataset, Job
from studio import checkpoints, jobs, processes, training_plans, trainings
from studio.checkpoints import Checkpoint, list_checkpoints
from studio.importer import add_dataset, import_run
from studio.jobs import JobError
from studio.training_log import series, speed
from studio.training_plans import TrainingFault
from studio.trainings import Training, Wish, faults, find_training, list_trainings
from studio.workspace import Workspace
from tests.tiny_diffusion import save_tiny
from vton.checkpoint import load_warp, save_warp
from vton.generate import GenerateConfig, generate
from vton.images import read_json, write_json
from vton.networks.warp import WarpNetwork
from vton.presets import WARP
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train import vae

WAIT_SECONDS = 120


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set of six people to train on."""
    root = tmp_path_factory.mktemp("people") / "set"
    draw_dataset(SyntheticConfig(train=6, test=0, seed=3, height=128, width=96), root, processes=1)
    return root


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are made without a process of their own, and nothing is shipped."""
    monkeypatch.setattr(training_plans, "_asked", lambda work, *arguments: work(*arguments))
    for name in ("SHIPPED", "SHIPPED_DIFFUSION", "SHIPPED_VAE"):
        monkeypatch.setattr(checkpoints, name, tmp_path / "not-shipped" / name)


@pytest.fixture
def dataset(opened: Workspace, people: Path) -> Dataset:
    return add_dataset(opened, people, "People")


def without(people: Path, root: Path, *gone: str) -> Path:
    """A copy of the set that lacks files or folders of its train split."""
    shutil.copytree(people, root)
    for name in gone:
        place = root / "train" / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    return root


def put_warp(workspace: Workspace, name: str = "mine") -> Checkpoint:
    """A warp of the preset tiny in the workspace, as `starting_points` finds it."""
    torch.manual_seed(1)
    save_warp(checkpoints.home(workspace) / name, WarpNetwork(WARP["tiny"].network), {"step": 3, "losses": {"flow": 1.0}})
    return next(one for one in trainings.starting_points(workspace, "warp") if one.name == name)


def wait_for(workspace: Workspace, name: str, wanted: Callable[[Training], object]) -> Training:
    """The training as soon as it is as wanted."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        seen = find_training(workspace, name)
        assert seen is not None
        if wanted(seen):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"after {WAIT_SECONDS} s the training was {seen.state} at step {seen.step}: {told(workspace, seen)}")


def wait_until_gone(job: Job) -> None:
    """Wait until nothing of a job is running any more."""
    until = time.monotonic() + WAIT_SECONDS
    while processes.of_job(job.folder):
        assert time.monotonic() < until, "it left a process behind"
        time.sleep(0.1)


def told(workspace: Workspace, training: Training) -> str:
    status = training.job and jobs.status(workspace, training.job.id)
    return status.log_tail if status else ""


# What a training would be.


@pytest.mark.parametrize("kind", trainings.KINDS)
def test_presets_are_told_with_their_size_before_one_starts(kind: str) -> None:
    plans = training_plans.presets(kind)
    assert "tiny" in plans and "demo" in plans
    assert 0 < plans["tiny"].parameters < plans["demo"].parameters
    changed = training_plans.plan(kind, "tiny", ("steps=7", "rate=1e-4"))
    assert (changed.config["loop"]["steps"], changed.config["loop"]["rate"]) == (7, 1e-4)
    assert changed.config["network"] == plans["tiny"].config["network"] and changed.size == plans["tiny"].size


def test_a_plan_knows_how_large_its_network_is() -> None:
    network = WarpNetwork(WARP["tiny"].network)
    assert training_plans.plan("warp", "tiny", ()).parameters == sum(weights.numel() for weights in network.parameters())


@pytest.mark.parametrize(
    ("preset", "setting", "sentence"),
    [
        ("huge", "steps=3", "no preset 'huge'"),
        ("tiny", "stps=3", "'stps=3' sets nothing"),
        ("tiny", "steps=many", "no value of that kind"),
        ("tiny", "steps=0", "must be 1 or more"),
        ("tiny", "height=65", "65"),
    ],
)
def test_what_cannot_be_planned_is_said_in_a_sentence(preset: str, setting: str, sentence: str) -> None:
    with pytest.raises(TrainingFault, match=sentence) as raised:
        training_plans.plan("warp", preset, (setting,))
    assert str(raised.value).endswith(".")
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value), "it comes out of another process"


def test_plans_are_asked_of_another_process_that_may_die(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    try:
        other = training_plans._asked(os.getpid)
        assert other != os.getpid() and training_plans._asked(os.getpid) == other
        with pytest.raises(TrainingFault, match="ended twice"):
            training_plans._asked(os._exit, 3)
        assert training_plans._asked(os.getpid) != other
    finally:
        training_plans.free()


# What is checked before a start.


def test_a_drawn_set_can_be_trained_on_by_every_kind(opened: Workspace, dataset: Dataset) -> None:
    folder = save_tiny(checkpoints.home(opened))[1]
    (small,) = (one for one in trainings.usable_vaes(opened) if one.path == folder)
    for kind in trainings.KINDS:
        wish = Wish(kind, dataset, "tiny", vae=small if kind == "diffusion" else None)
        assert faults(opened, wish) == []
        found = training_plans.examples(kind, dataset.root)
        assert found.trained > found.left_out > 0 and found.drawn


def test_names_are_free_and_of_letters(opened: Workspace, dataset: Dataset) -> None:
    wish = Wish("warp", dataset, "tiny")
    assert trainings.folder_of(opened, wish) == opened.settings.runs_dir / "warp-tiny"
    assert trainings.folder_of(opened, replace(wish, name=" My 2nd try! ")).name == "my-2nd-try"
    (opened.settings.runs_dir / "warp-tiny").mkdir()
    (opened.settings.runs_dir / "warp-tiny" / "config.json").touch()
    assert trainings.folder_of(opened, wish).name == "warp-tiny-2"
    assert "already" in faults(opened, replace(wish, name="Warp tiny"))[0]
    assert "no letter" in faults(opened, replace(wish, name="???"))[0]


def test_a_device_that_is_not_here_is_told(opened: Workspace, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_plans, "devices", lambda: ("auto", "cpu"))
    set_so = replace(opened, settings=opened.settings.model_copy(update={"device": "cuda"}))
    (sentence,) = faults(set_so, Wish("warp", dataset, "tiny"))
    assert "cuda" in sentence and "VTON_STUDIO_DEVICE=auto or cpu" in sentence


def test_what_a_dataset_lacks_is_told(opened: Workspace, people: Path, tmp_path: Path) -> None:
    flat = add_dataset(opened, without(people, tmp_path / "flat", "flow"), "Flat")
    (sentence,) = faults(opened, Wish("warp", flat, "tiny"))
    assert "Flat has no true flow" in sentence and "flow=0" in sentence
    assert faults(opened, Wish("warp", flat, "tiny", settings=("flow=0",))) == [] == faults(opened, Wish("vae", flat, "tiny"))
    small = Checkpoint("small", save_tiny(checkpoints.home(opened))[1], 0, None)
    (sentence,) = faults(opened, Wish("diffusion", flat, "tiny", vae=small))
    assert "choose runs over its train split" in sentence

    holed = add_dataset(opened, without(people, tmp_path / "holed", "image-parse-v3/00002_00.png", "cloth-mask"), "Holed")
    parse, masks = faults(opened, Wish("warp", holed, "tiny"))
    assert "no parse of 00002_00;" in parse and "no garment mask of 6 people, 00000_00 first;" in masks

    shutil.rmtree(without(people, tmp_path / "bare") / "train")
    (tmp_path / "bare" / "test").mkdir(exist_ok=True)
    for kind in trainings.KINDS:
        found = faults(opened, Wish(kind, replace_root(flat, tmp_path / "bare"), "tiny", vae=small))
        assert found and all("\n" not in sentence and sentence.endswith(".") for sentence in found)


def replace_root(dataset: Dataset, root: Path) -> Dataset:
    return Dataset(id=dataset.id, name="Bare", root=str(root))


def test_a_starting_checkpoint_must_be_of_the_same_network(opened: Workspace, dataset: Dataset) -> None:
    mine = put_warp(opened)
    assert faults(opened, Wish("warp", dataset, "tiny", init=mine)) == []
    (sentence,) = faults(opened, Wish("warp", dataset, "demo", init=mine))
    assert "mine is another network than the preset demo: height is 64 in it, not 256" in sentence
    (sentence,) = faults(opened, Wish("warp", dataset, "tiny", init=mine, settings=("blocks=2",)))
    assert "blocks is 1 in it, not 2" in sentence
    (sentence,) = faults(opened, Wish("vae", dataset, "tiny", init=mine))
    assert "mine is a warp, and a vae is to be trained" in sentence


def test_a_diffusion_needs_the_vae_that_its_beginning_knows(opened: Workspace, dataset: Dataset) -> None:
    (sentence,) = faults(opened, Wish("diffusion", dataset, "tiny"))
    assert "choose one, or train one first" in sentence
    save_tiny(checkpoints.home(opened))
    other = save_tiny(checkpoints.home(opened), "other", seed=1)[1]
    begin = next(one for one in trainings.starting_points(opened, "diffusion") if one.name == "small")
    vaes = {one.path: one for one in trainings.usable_vaes(opened)}
    found = faults(opened, Wish("diffusion", dataset, "tiny", init=begin, vae=vaes[other]))
    assert any("small was trained with another VAE than other-vae; choose its own (small-vae)" in one for one in found)
    found = faults(opened, Wish("diffusion", dataset, "tiny", init=begin, vae=vaes[begin.vae or Path()]))
    assert not any("VAE" in one for one in found)


def test_runs_must_hold_warps_of_today(opened: Workspace, dataset: Dataset, tmp_path: Path) -> None:
    folder = save_tiny(checkpoints.home(opened))[1]
    (small,) = (one for one in trainings.usable_vaes(opened) if one.path == folder)
    out = opened.settings.runs_dir / "warped"
    assert generate(GenerateConfig(Path(dataset.root), "train", warp="geometric", diffusion="none"), out) == []
    wish = Wish("diffusion", dataset, "tiny", vae=small, warps=(import_run(opened, out, "Warped"),))
    assert faults(opened, wish) == []
    config = read_json(out / "config.json")
    write_json(out / "config.json", config | {"composite": config["composite"] - 1})
    assert faults(opened, wish) == [f"{out} was made by another version, which filled composites otherwise; make it anew."]
    shutil.rmtree(out / "intermediates")
    (sentence,) = faults(opened, wish)
    assert "holds no composite" in sentence


def test_a_training_with_a_fault_does_not_start(opened: Workspace, dataset: Dataset) -> None:
    with pytest.raises(JobError, match="sets nothing"):
        trainings.start(opened, Wish("warp", dataset, "tiny", settings=("stps=3",)))
    assert list_trainings(opened) == [] and list(opened.settings.runs_dir.iterdir()) == []


@pytest.mark.parametrize("kind", trainings.KINDS)
def test_the_command_that_is_started_is_one_of_ours(kind: str, opened: Workspace, dataset: Dataset) -> None:
    init, small = Checkpoint("a", Path("/sets/a"), 0, None), Checkpoint("b", Path("/sets/b"), 0, None)
    wish = Wish(kind, dataset, "tiny", init=init, vae=small if kind == "diffusion" else None, settings=("steps=9", "rate=0.1"))
    command = trainings.command_of(opened, wish, Path("/runs/x"))
    assert command[:3] == [sys.executable, "-m", f"vton.train.{kind}"]
    asked = importlib.import_module(f"vton.train.{kind}").parser().parse_args(command[3:])
    assert (str(asked.data), asked.preset, asked.out, asked.resume) == (dataset.root, "tiny", Path("/runs/x"), True)
    assert asked.init == init.path and asked.set == ["steps=9", "rate=0.1"] and asked.device == opened.settings.device
    assert kind != "diffusion" or asked.vae == small.path


# Trainings as they are.


def test_one_that_a_command_line_made_is_listed_and_its_checkpoint_offered(
    opened: Workspace, dataset: Dataset, tmp_path: Path
) -> None:
    out = opened.settings.runs_dir / "by-hand"
    fast = ("steps=4", "validate_every=4", "save_every=4", "log_every=1", "perceptual=0")
    assert vae.main(["--data", dataset.root, "--preset", "tiny", "--out", str(out), "--device", "cpu", "--set", *fast]) == 0
    (found,) = list_trainings(opened)
    assert (found.name, found.kind, found.root, found.state, found.step, found.steps) == (
        "by-hand",
        "vae",
        dataset.root,
        "done",
        4,
        4,
    )
    assert found.loss == [entry.values["loss"] for entry in found.log if entry.kind == "train"][-1]
    assert found.validation and found.checkpoint == out / "checkpoint" and not found.going_on and found.seconds_left is None
    assert "by-hand" in [one.name for one in trainings.usable_vaes(opened)]
    assert "by-hand" in [one.name for one in trainings.starting_points(opened, "vae")]
    with pytest.raises(JobError, match="by a command line"):
        trainings.resume(opened, found)
    guess = trainings.estimate([found], Wish("vae", dataset, "tiny", settings=("steps=100",)))
    assert guess is not None and guess[0] == pytest.approx(100 * 2 / (speed(found.log) or 0)) and guess[1] == "by-hand"
    assert trainings.estimate([found], Wish("vae", dataset, "demo")) is None, "another network has another speed"

    config = json.loads((out / "config.json").read_text())
    config["loop"]["steps"] = 40
    (out / "config.json").write_text(json.dumps(config))
    os.utime(out / "config.json", (1, 1))
    (found,) = list_trainings(opened)
    assert (found.state, found.going_on) == ("elsewhere", True)


def test_other_folders_are_no_trainings(opened: Workspace) -> None:
    run = opened.settings.runs_dir / "a-run"
    run.mkdir()
    (run / "config.json").write_text('{"format": 1, "dataset": {"root": "/sets/x", "split": "test"}}')
    assert list_trainings(opened) == [] and find_training(opened, "a-run") is None
    assert find_training(opened, "..") is None and find_training(opened, "gone") is None


def test_a_training_is_cancelled_whole_resumed_there_and_ended_at_once(opened: Workspace, dataset: Dataset) -> None:
    mine = put_warp(opened)
    every = ("steps=100000", "log_every=1", "validate_every=100000", "save_every=100000")
    job = trainings.start(opened, Wish("warp", dataset, "tiny", "Fine tuning", init=mine, settings=every))
    going = wait_for(opened, "fine-tuning", lambda one: one.step > 2)
    assert (going.state, going.kind, going.preset, going.steps) == ("running", "warp", "tiny", 100_000)
    assert going.loss is not None and (going.seconds_left or 0) > 0 and going.checkpoint is None
    with pytest.raises(JobError, match="going on already"):
        trainings.resume(opened, going)

    jobs.cancel(opened, job.id)
    asked = find_training(opened, "fine-tuning")
    assert asked is not None and asked.state == "stopping" and asked.active
    ended = wait_for(opened, "fine-tuning", lambda one: not one.active)
    assert ended.state == "cancelled" and ended.checkpoint is not None, told(opened, ended)
    stopped = next(one for one in list_checkpoints(opened) if one.name == "fine-tuning")
    assert stopped.info is not None and stopped.info.step == ended.step
    assert load_warp(stopped.path).config == WARP["tiny"].network
    assert "fine-tuning" in [one.name for one in trainings.starting_points(opened, "warp")]
    wait_until_gone(job)

    again = trainings.resume(opened, ended)
    assert again.id != job.id and again.command == job.command
    later = wait_for(opened, "fine-tuning", lambda one: one.step > ended.step)
    seen = series(later.log, "train")["loss"].steps
    assert seen == sorted(set(seen)) and seen[: ended.step] == list(range(1, ended.step + 1)), "one curve, nothing done twice"
    jobs.cancel(opened, again.id)
    jobs.cancel(opened, again.id)
    ended = wait_for(opened, "fine-tuning", lambda one: not one.active)
    assert ended.state == "cancelled"
    wait_until_gone(again)
