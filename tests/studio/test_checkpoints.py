"""The studio's checkpoints: where they are looked for, their names, a diffusion's VAE, and what is said of the others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from studio import checkpoints
from studio.checkpoints import GEOMETRIC, default_of, home, list_checkpoints, list_diffusions
from studio.settings import ROOT
from studio.workspace import Workspace
from tests.tiny_diffusion import OWN, save_tiny
from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.presets import WARP

DRAWN = {"step": 500, "data": {"root": "/sets/drawn-train", "pairs": 2879}, "losses": {"flow": 1.0}}
PHOTOS = {"step": 7, "data": {"root": "/sets/viton-hd", "pairs": 11647}, "losses": {"flow": 0.0}}


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the shipped warp would lie: nowhere at first, as the diffusion and the VAE beside it."""
    for name, place in (("SHIPPED", "shipped"), ("SHIPPED_DIFFUSION", "small"), ("SHIPPED_VAE", "small-vae")):
        monkeypatch.setattr(checkpoints, name, tmp_path / place)
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


def test_diffusions_are_listed_with_the_vae_that_they_were_trained_with(opened: Workspace) -> None:
    save_tiny(home(opened), "mine")
    save_tiny(home(opened), "none", drawn=False, seed=1)
    for name, folder in (("run", "mine"), ("vae-run", "mine-vae")):
        (opened.settings.runs_dir / name).mkdir(parents=True)
        (home(opened) / folder).rename(opened.settings.runs_dir / name / "checkpoint")
    put(home(opened) / "warp", PHOTOS)
    found = {one.name: one for one in list_diffusions(opened)}
    assert list(found) == ["none (2)", "run"] and [one.name for one in list_checkpoints(opened)] == ["warp"]
    assert found["run"].vae == opened.settings.runs_dir / "vae-run" / "checkpoint" and not found["run"].fault
    assert found["none (2)"].vae == home(opened) / "none-vae"
    assert found["run"].info and found["run"].info.sampling == OWN and found["run"].info.drawn
    assert found["none (2)"].info and not found["none (2)"].info.drawn


def test_a_diffusion_whose_vae_is_not_here_says_so(opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path / "weights"))
    _, vae = save_tiny(home(opened), "mine")
    away = vae.rename(tmp_path / "away")
    save_tiny(home(opened), "other", seed=1)
    (lost,) = [one for one in list_diffusions(opened) if one.fault]
    assert lost.name == "mine" and lost.vae is None and lost.info and lost.info.vae[:12] in lost.fault
    published = tmp_path / "weights" / "sd-vae-ft-mse"
    published.mkdir(parents=True)
    (away / "model.safetensors").rename(published / "diffusion_pytorch_model.safetensors")
    assert [one.fault for one in list_diffusions(opened)] == ["", ""]
    config = home(opened) / "mine" / "config.json"
    told = json.loads(config.read_text())
    config.write_text(json.dumps(told | {"trained": told["trained"] | {"sampling": {"steps": 0}}}))
    assert "does not say what sampling" in next(one.fault for one in list_diffusions(opened) if one.name == "mine")


def test_the_shipped_one_is_the_default_of_drawn_sets(opened: Workspace, tmp_path: Path) -> None:
    save_tiny(home(opened), "mine")
    assert default_of(list_diffusions(opened), drawn=True) is None
    _, vae = save_tiny(tmp_path, "small", seed=1)
    known = list_diffusions(opened)
    assert [one.name for one in known] == ["demo", "mine"]
    assert default_of(known, drawn=True) == known[0] and default_of(known, drawn=False) is None
    vae.rename(tmp_path / "away")
    assert default_of(list_diffusions(opened), drawn=True) is None, "without its VAE it cannot be used"


def test_listing_loads_no_model() -> None:
    code = "import sys, studio.how, studio.warp_looks, studio.widgets.diffusion_choice; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.strip() == "False"
