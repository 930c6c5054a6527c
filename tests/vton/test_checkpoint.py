"""Checkpoints: what is loaded is what was saved, and what does not fit is refused with its reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.tiny_diffusion import OWN, save_tiny
from vton.checkpoint import CONFIG, WEIGHTS, export, load_unet, load_warp, read_config, save_warp
from vton.checkpoint_command import main
from vton.errors import CheckpointError
from vton.networks.warp import WarpConfig, WarpNetwork

SIZES = WarpConfig(128, 64, (8, 8, 16), blocks=1, heads=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(4)
    save_warp(tmp_path / "warp", WarpNetwork(SIZES), {"steps": 3})
    return tmp_path / "warp"


def test_a_network_comes_back_as_it_was(folder: Path) -> None:
    torch.manual_seed(4)
    made, loaded = WarpNetwork(SIZES), load_warp(folder)
    assert loaded.config == SIZES and not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in made.state_dict().items())
    assert read_config(folder)["trained"] == {"steps": 3}


def test_half_precision_halves_the_file_and_costs_no_more_than_its_rounding(folder: Path, tmp_path: Path) -> None:
    whole = load_warp(folder)
    save_warp(tmp_path / "half", whole, {}, half=True)
    sizes = [(place / WEIGHTS).stat().st_size for place in (folder, tmp_path / "half")]
    assert sizes[1] < 0.6 * sizes[0]
    for name, value in load_warp(tmp_path / "half").state_dict().items():
        assert value.dtype == torch.float32 and torch.allclose(value, whole.state_dict()[name], rtol=1e-3, atol=1e-6)


def test_what_is_given_to_others_names_no_folder_of_this_machine(folder: Path, tmp_path: Path) -> None:
    began = "/home/me/runs/first/checkpoint"
    change(folder, trained={"step": 3, "data": {"root": "/home/me/drawn", "pairs": 4}, "init": began})
    export(folder, tmp_path / "given")
    assert "/home/me" not in (tmp_path / "given" / CONFIG).read_text()
    told = {"step": 3, "data": {"root": "drawn", "pairs": 4}, "init": "first"}
    assert read_config(tmp_path / "given")["trained"] == told
    whole, given = (load_warp(place).state_dict() for place in (folder, tmp_path / "given"))
    assert all(torch.allclose(value, given[name], rtol=1e-3, atol=1e-6) for name, value in whole.items())
    assert (tmp_path / "given" / WEIGHTS).stat().st_size < 0.6 * (folder / WEIGHTS).stat().st_size


def test_a_trainings_run_folder_is_exported_by_its_checkpoint_and_never_over_another(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, given = tmp_path / "run", tmp_path / "given"
    run.mkdir()
    folder.rename(run / "checkpoint")
    (run / CONFIG).write_text(json.dumps({"format": 1, "kind": "warp training", "network": {}}))
    assert main(["export", str(run), "--out", str(given)]) == 0
    assert "in half precision" in capsys.readouterr().out and load_warp(given).config == SIZES
    before = (given / WEIGHTS).read_bytes()
    for source, out, fault in ((run, given, "exists already"), (tmp_path, tmp_path / "more", "is no checkpoint")):
        assert main(["export", str(source), "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert said.startswith("checkpoint: ") and fault in said and said.count("\n") == 1
    assert (given / WEIGHTS).read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == ["given", "run"]


def change(folder: Path, **values: object) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | values))


def test_what_is_no_checkpoint_of_a_warp_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_warp(tmp_path)
    change(folder, kind="vae")
    with pytest.raises(CheckpointError, match="holds a vae, and a checkpoint of the kind .warp. is needed"):
        load_warp(folder)
    change(folder, kind="warp", format=2)
    with pytest.raises(CheckpointError, match="format 1"):
        load_warp(folder)


def test_weights_of_another_network_are_refused_by_name(folder: Path) -> None:
    sizes = json.loads((folder / CONFIG).read_text())["network"]
    change(folder, network=sizes | {"widths": [8, 8, 24]})
    with pytest.raises(CheckpointError, match="tensors differ, first"):
        load_warp(folder)
    change(folder, network=sizes | {"depth": 3})
    with pytest.raises(CheckpointError, match="no network that this version knows"):
        load_warp(folder)


def test_damaged_weights_are_refused(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_warp(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_warp(folder)


def test_how_a_diffusion_is_sampled_by_default_can_be_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = save_tiny(tmp_path)
    before, weights = read_config(folder), (folder / WEIGHTS).read_bytes()
    assert main(["sampling", str(folder), "--steps", "8", "--eta", "0.5", "--mirror"]) == 0
    assert load_unet(folder).sampling == replace(OWN, steps=8, eta=0.5, mirror=True)
    assert main(["sampling", str(folder), "--sampler", "unipc", "--no-mirror"]) == 0
    assert load_unet(folder).sampling == replace(OWN, steps=8, sampler="unipc")
    assert "sampler unipc, steps 8" in capsys.readouterr().out
    after = read_config(folder)
    assert after["trained"].pop("sampling") != before["trained"].pop("sampling")
    assert after == before and (folder / WEIGHTS).read_bytes() == weights


@pytest.mark.parametrize(
    ("asked", "said"), [(["--steps", "0"], "steps 1 or more"), (["--strength", "2"], "cannot be sampled so")]
)
def test_a_sampling_that_cannot_be_is_refused(
    tmp_path: Path, asked: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, vae = save_tiny(tmp_path)
    before = (folder / CONFIG).read_text()
    assert main(["sampling", str(folder), *asked]) == 1
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1 and (folder / CONFIG).read_text() == before
    assert main(["sampling", str(vae), "--steps", "8"]) == 1
    assert "the kind 'diffusion' is needed" in capsys.readouterr().err
