"""Opened models are kept while their files stay the same, for any sampling; a step can end a run; a drawn set's default."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.fakes.vae import load_fake_vae
from tests.tiny_diffusion import OWN, save_tiny
from vton import diffusions
from vton.diffusions import default_diffusion
from vton.errors import CheckpointError, DataError
from vton.generate import GenerateConfig, generate
from vton.images import read_image, read_json
from vton.opened import Opened
from vton.pairs import open_dataset
from vton.tryon import lot_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a diffusion `small` and its VAE."""
    monkeypatch.setattr(diffusions, "load_vae", load_fake_vae)
    save_tiny(tmp_path)
    return tmp_path


def test_a_diffusion_stays_open_for_any_sampling_until_its_files_change(home: Path) -> None:
    opened, name, vae = Opened(), str(home / "small"), home / "small-vae"
    plain = opened.diffusion(name, vae, {}, "cpu")
    other = opened.diffusion(name, vae, {"steps": 7, "sampler": "unipc"}, "cpu")
    assert plain.sampling == OWN and other.sampling == replace(OWN, steps=7, sampler="unipc")
    assert other.network is plain.network and other.vae is plain.vae
    save_tiny(home)
    assert opened.diffusion(name, vae, {}, "cpu").network is not plain.network


def test_a_warp_stays_open_and_what_is_no_checkpoint_is_told(home: Path) -> None:
    opened = Opened()
    assert opened.warp("geometric", "cpu") is opened.warp("geometric", "cpu")
    with pytest.raises(CheckpointError, match="is no warp"):
        opened.warp(str(home / "nothing"), "cpu")
    with pytest.raises(CheckpointError, match="is no diffusion"):
        opened.diffusion(str(home / "nothing"), home / "small-vae", {}, "cpu")
    save_tiny(home, "other", seed=1)
    with pytest.raises(CheckpointError, match="give its own by --vae"):
        opened.diffusion(str(home / "small"), home / "other-vae", {}, "cpu")


def test_a_mirrored_sampling_is_the_mean_with_that_of_the_mirror_image(home: Path) -> None:
    once = Opened().diffusion(str(home / "small"), home / "small-vae", {}, "cpu")
    both = replace(once, sampling=replace(OWN, mirror=True))
    torch.manual_seed(0)
    composite, cloth = torch.rand(2, 1, 3, 128, 64) * 2 - 1
    mask = torch.ones(1, 1, 128, 64)
    told: list[tuple[int, int]] = []
    found = both.sample(composite, mask, cloth, [lot_of(0, "a")], lambda step, steps, _: told.append((step, steps)))
    lots = [lot_of(0, "a")]
    alone = once.sample(composite, mask, cloth, lots)
    mirrored = once.sample(composite.flip(-1), mask, cloth.flip(-1), lots)
    for mean, one, other in zip(found, alone, mirrored, strict=True):
        assert torch.allclose(mean, (one + other.flip(-1)) / 2, atol=1e-6)
    assert not torch.allclose(found[0], alone[0], atol=1e-3)
    assert told == [(step, 2 * OWN.steps) for step in range(1, 2 * OWN.steps + 1)]


class Enough(Exception):
    """What a step raises to end a run."""


def test_every_step_is_told_and_may_end_the_run(home: Path, drawn: Path, tmp_path: Path) -> None:
    pair = open_dataset(drawn).splits["test"].pairs[0]
    config = GenerateConfig(
        drawn, pairs=(pair,), warp="geometric", diffusion=str(home / "small"), vae=home / "small-vae", steps=5, device="cpu"
    )
    seen: list[tuple[int, int]] = []

    def stop_at_two(step: int, steps: int, clean: Tensor) -> None:
        assert clean.shape == (1, 4, 16, 8)
        seen.append((step, steps))
        if step == 2:
            raise Enough

    opened, out = Opened(), tmp_path / "run"
    with pytest.raises(Enough):
        generate(config, out, opened, stop_at_two)
    assert seen == [(1, 5), (2, 5)] and not (out / "results").exists()
    assert generate(config, out, opened) == []
    assert read_image(out / "results" / f"{pair.name}.png").shape == (256, 192, 3)
    assert read_json(out / "config.json")["diffusion"]["steps"] == 5


def test_a_drawn_set_gets_the_shipped_diffusion_where_it_and_its_vae_are_here(
    home: Path, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = open_dataset(drawn).splits["test"]
    monkeypatch.setattr(diffusions, "SHIPPED_DIFFUSION", home / "small")
    monkeypatch.setattr(diffusions, "SHIPPED_VAE", home / "nowhere")
    assert default_diffusion(split) == "none"
    with pytest.raises(DataError, match="steps is for a diffusion"):
        generate(GenerateConfig(drawn, warp="geometric", steps=4), tmp_path / "none")
    monkeypatch.setattr(diffusions, "SHIPPED_VAE", home / "small-vae")
    assert default_diffusion(split) == str(home / "small")
    assert default_diffusion(replace(split, maps=split.maps | {"flow": {}})) == "none"
    config = GenerateConfig(drawn, pairs=split.pairs[:1], warp="geometric", device="cpu")
    assert generate(config, tmp_path / "run") == []
    used = read_json(tmp_path / "run" / "config.json")["diffusion"]
    assert (used["name"], used["vae"]["name"], used["steps"]) == ("small", "small-vae", OWN.steps)
