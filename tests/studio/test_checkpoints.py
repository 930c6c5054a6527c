"""The studio's list of warps: where they are looked for, their names, and what is said of those that cannot be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from studio import checkpoints
from studio.checkpoints import GEOMETRIC, home, list_checkpoints
from studio.settings import ROOT
from studio.workspace import Workspace
from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.presets import WARP

DRAWN = {"step": 500, "data": {"root": "/sets/drawn-train", "pairs": 2879}, "losses": {"flow": 1.0}}
PHOTOS = {"step": 7, "data": {"root": "/sets/viton-hd", "pairs": 11647}, "losses": {"flow": 0.0}}


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the shipped checkpoint would lie: nowhere at first."""
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


def put(folder: Path, trained: dict[str, object], half: bool = False) -> None:
    torch.manual_seed(0)
    save_warp(folder, WarpNetwork(WARP["tiny"].network), trained, half)


def test_warps_are_found_in_the_workspace_the_runs_and_beside_the_code(opened: Workspace, shipped: Path) -> None:
    assert list_checkpoints(opened) == []
    put(home(opened) / "mine, too", PHOTOS)
    put(opened.settings.runs_dir / "first" / "checkpoint", DRAWN)
    put(shipped, DRAWN, half=True)
    (opened.settings.runs_dir / "no-training").mkdir(parents=True)
    found = {one.name: one for one in list_checkpoints(opened)}
    assert list(found) == ["demo", "mine  too", "first"]
    assert found["demo"].info and found["demo"].info.half and found["demo"].info.drawn
    assert found["first"].path == opened.settings.runs_dir / "first" / "checkpoint"
    assert "2,879 pairs of drawn pictures (drawn-train) for 500 steps" in found["first"].trained_on
    assert "11,647 pairs of photos (viton-hd)" in found["mine  too"].trained_on
    size = sum(tensor.numel() for tensor in WarpNetwork(WARP["tiny"].network).state_dict().values())
    assert found["first"].info and found["first"].info.parameters == size and found["first"].info.size == (64, 64)


def test_no_two_have_one_name(opened: Workspace) -> None:
    put(home(opened) / "first", PHOTOS)
    put(home(opened) / GEOMETRIC, PHOTOS)
    put(opened.settings.runs_dir / "first" / "checkpoint", DRAWN)
    assert [one.name for one in list_checkpoints(opened)] == ["first", "geometric (2)", "first (2)"]


def test_one_that_was_trained_on_is_another(opened: Workspace) -> None:
    put(home(opened) / "mine", PHOTOS)
    (before,) = list_checkpoints(opened)
    put(home(opened) / "mine", PHOTOS | {"step": 8})
    (after,) = list_checkpoints(opened)
    assert before.changed_ns != after.changed_ns and after.info and after.info.step == 8


def test_damaged_ones_say_why_and_others_are_left_out(opened: Workspace) -> None:
    put(home(opened) / "cut", DRAWN)
    (home(opened) / "cut" / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    put(home(opened) / "old", DRAWN)
    (home(opened) / "old" / "config.json").write_text("{}")
    put(home(opened) / "vae", DRAWN)
    config = home(opened) / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"kind": "vae"}))
    found = {one.name: one for one in list_checkpoints(opened)}
    assert list(found) == ["cut", "old"]
    assert "cannot be read as safetensors" in found["cut"].trained_on and found["cut"].info is None
    assert "format 1" in found["old"].fault


def test_listing_loads_no_model() -> None:
    code = "import sys, studio.checkpoints, studio.warp_looks; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == "False"
