"""python -m vton.train.vae: a run folder from a drawn set, gone on with exactly, and refusals in sentences."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from vton.checkpoint import load_vae, save_garment
from vton.errors import CheckpointError
from vton.images import read_image, write_image
from vton.networks.garment import GarmentConfig, GarmentNetwork
from vton.networks.vae import Vae
from vton.pairs import open_dataset
from vton.presets import VAE
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train import vae as training
from vton.train.features import open_features
from vton.train.loop import Draw
from vton.train.losses import Features
from vton.train.reconstruction import (
    Pictures,
    PictureVary,
    Shown,
    VaeWeights,
    Varied,
    cut,
    read,
    reconstruction_losses,
)
from vton.train.vae import batches, main, pictures_of, start_from, validate

FAST = ("steps=4", "validate_every=2", "save_every=2", "log_every=1")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set of four people to train on."""
    root = tmp_path_factory.mktemp("people") / "set"
    draw_dataset(SyntheticConfig(train=4, test=0, seed=3, height=128, width=96), root, processes=1)
    return root


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("features") / "mine"
    save_garment(folder, GarmentNetwork(GarmentConfig(64, 48, (8, 16), {"weave": ("dots", "plain")})), {})
    return folder


def train(people: Path, features: Path, out: Path, *more: str) -> int:
    asked = ["--data", str(people), "--preset", "tiny", "--out", str(out), "--device", "cpu", "--features", str(features)]
    return main([*asked, *more])


def log(out: Path, kind: str) -> list[dict]:
    return [line for line in map(json.loads, (out / "log.jsonl").read_text().splitlines()) if line["kind"] == kind]


def test_a_training_writes_a_run_whose_latents_have_unit_variance(people: Path, features: Path, tmp_path: Path) -> None:
    assert train(people, features, tmp_path / "run", "--set", *FAST) == 0
    network = load_vae(tmp_path / "run" / "checkpoint")
    assert network.config == VAE["tiny"].network
    shown, left_out = pictures_of(open_dataset(people).splits["train"])
    seen = torch.cat(batches(shown, network.config.size, 2, torch.device("cpu")))
    drawn = torch.cat([network.encode(seen).sample(Generator().manual_seed(i)) for i in range(10)])
    assert torch.allclose(drawn.std((0, 2, 3)), torch.ones(4), atol=0.05)
    assert torch.allclose(drawn.mean((0, 2, 3)), torch.zeros(4), atol=0.05)
    measured = log(tmp_path / "run", "validation")
    assert [line["step"] for line in measured] == [2, 4]
    assert all(line["psnr"] > 0 and -1 <= line["ssim"] <= 1 and 0 < line["l1"] < 2 and line["std_3"] > 0 for line in measured)
    assert set(log(tmp_path / "run", "train")[0]) >= {"l1", "chroma", "edges", "perceptual", "kl", "rate"}
    assert read_image(tmp_path / "run" / "pictures" / "0000004.png").shape == (len(left_out) * 64, 3 * 48, 3)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"] == {"root": str(people), "pictures": 6, "left_out": 2, "drawn": True}
    assert config["features"]["name"] == "mine"


def test_a_training_that_a_signal_stops_goes_on_exactly(
    people: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = ("steps=5", "validate_every=5", "save_every=9", "log_every=1")
    calls: list[int] = []

    def stopping(*given: object) -> dict[str, Tensor]:
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return reconstruction_losses(*given)  # type: ignore[arg-type]

    assert train(people, features, tmp_path / "whole", "--set", *steps) == 0
    with monkeypatch.context() as patched:
        patched.setattr(training, "reconstruction_losses", stopping)
        assert train(people, features, tmp_path / "parts", "--set", *steps) == 130
    load_vae(tmp_path / "parts" / "checkpoint")
    assert train(people, features, tmp_path / "parts", "--resume", "--set", *steps) == 0
    for kind in ("train", "validation"):
        assert log(tmp_path / "parts", kind) == log(tmp_path / "whole", kind)
    one, other = (load_vae(tmp_path / name / "checkpoint").state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_it_learns_to_give_a_picture_back(people: Path) -> None:
    shown, _ = pictures_of(open_dataset(people).splits["train"])
    seen = batches(shown, (64, 48), 8, torch.device("cpu"))
    torch.manual_seed(0)
    network = Vae(VAE["tiny"].network)
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    before, _ = validate(network, seen)
    for _ in range(60):
        optimizer.zero_grad()
        found, posterior = network(seen[0], torch.zeros(len(seen[0]), 4, 8, 6))
        terms = reconstruction_losses(found, seen[0], posterior, VaeWeights(perceptual=0))
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
    after, sheet = validate(network, seen)
    assert after["psnr"] > before["psnr"] + 4 and after["l1"] < 0.6 * before["l1"] and after["ssim"] > before["ssim"]
    assert sheet.shape == (6 * 64, 3 * 48, 3)


def batch() -> Pictures:
    chosen = Generator().manual_seed(4)
    return Pictures(torch.rand(2, 3, 64, 48, generator=chosen) * 2 - 1, torch.randn(2, 4, 8, 6, generator=chosen))


@pytest.fixture
def seeing(features: Path) -> Features:
    return open_features(features, "cpu")


@pytest.mark.parametrize("term", ["l1", "chroma", "edges", "perceptual", "kl"])
def test_the_gradient_of_every_term_reaches_what_it_judges(seeing: Features, term: str) -> None:
    torch.manual_seed(6)
    network, seen = Vae(VAE["tiny"].network), batch()
    found, posterior = network(seen.images, seen.noise)
    terms = reconstruction_losses(found, seen.images, posterior, VaeWeights(kl=1e-3), seeing)
    assert set(terms) == {"l1", "chroma", "edges", "perceptual", "kl"}
    terms[term].backward()

    def reached(part: torch.nn.Module) -> bool:
        return all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in part.parameters())

    assert reached(network.network.encoder) and reached(network.network.quant_conv)
    assert reached(network.network.decoder) == (term != "kl"), "the divergence is of the encoder's posterior alone"


def test_a_network_that_begins_sees_colours_as_before_it_saw_only_light() -> None:
    torch.manual_seed(4)
    network, seen = Vae(VAE["tiny"].network), batch().images
    grey = seen.mean(1, keepdim=True).expand_as(seen).contiguous()
    first = network.network.encoder.conv_in

    def apart() -> tuple[float, float]:
        with torch.no_grad():
            light, colour = (first(torch.nn.functional.pixel_unshuffle(x, 2)).std() for x in (grey, seen - grey))
        return float(light), float(colour)

    light, colour = apart()
    network.begin()
    assert apart() == (pytest.approx(light, rel=1e-3), pytest.approx(5 * colour, rel=0.02))
    assert float(network.encode(seen).logvar.mean().detach()) == pytest.approx(-8, abs=0.5)


def test_terms_are_weighted_left_out_and_zero_for_the_same_picture(seeing: Features) -> None:
    seen, network = batch(), Vae(VAE["tiny"].network)
    posterior = network.encode(seen.images)
    only = VaeWeights(l1=2, chroma=0, edges=0, perceptual=0, kl=0)
    assert {name: float(x) for name, x in reconstruction_losses(seen.images + 0.1, seen.images, posterior, only).items()} == {
        "l1": pytest.approx(0.2, abs=1e-5)
    }
    same = reconstruction_losses(seen.images, seen.images, posterior, VaeWeights(), seeing)
    assert same["l1"] == same["chroma"] == same["edges"] == same["perceptual"] == 0 and same["kl"] > 0
    shifted = reconstruction_losses(seen.images + 0.1, seen.images, posterior, VaeWeights(), seeing)
    assert shifted["edges"] < 1e-5, "another shade has the same edges"
    assert shifted["chroma"] < 1e-5, "another shade has the same colour"
    tinted = seen.images + torch.tensor([0.2, -0.1, -0.1])[:, None, None]
    assert reconstruction_losses(tinted, seen.images, posterior, VaeWeights(), seeing)["chroma"] == pytest.approx(
        2 * 0.4 / 3, abs=1e-4
    )
    with pytest.raises(ValueError, match="needs a feature network"):
        reconstruction_losses(seen.images, seen.images, posterior, VaeWeights())
    with pytest.raises(ValueError, match="one of l1, chroma, edges and perceptual more"):
        VaeWeights(l1=0, chroma=0, edges=0, perceptual=0)


def test_nothing_of_those_left_out_is_trained_on(people: Path) -> None:
    shown, left_out = pictures_of(open_dataset(people).splits["train"])
    assert {one.place.stem for one in left_out} == {"00000_00"} and len(left_out) == 2
    assert {one.place.stem for one in shown} == {f"0000{i}_00" for i in (1, 2, 3)} and len(shown) == 6
    assert {one.place.parent.name for one in shown} == {"image", "cloth"}


def test_photos_of_another_shape_get_bars_of_their_kind(tmp_path: Path) -> None:
    write_image(tmp_path / "wide.png", np.full((30, 60, 3), 255, np.uint8))
    for bars in (0.0, 1.0):
        picture = read(Shown(tmp_path / "wide.png", bars), (64, 48))
        assert picture.shape == (1, 3, 64, 48)
        assert (picture[..., :8, :] == bars).all() and torch.allclose(picture[..., 24:40, :], torch.ones(1))


def test_a_picture_varies_with_its_number_and_parts_of_it_are_exact(people: Path) -> None:
    shown, _ = pictures_of(open_dataset(people).splits["train"])
    varied = Varied(shown, (64, 48), PictureVary(crop=0.5), seed=2)
    first, again, later = (varied[Draw(1, number)] for number in (7, 7, 17))
    assert torch.equal(first.images, again.images) and torch.equal(first.noise, again.noise)
    assert not torch.equal(first.images, later.images) and not torch.equal(first.noise, later.noise)
    assert first.images.shape == (1, 3, 32, 24) and first.noise.shape == (1, 4, 4, 3)

    numbered = torch.arange(64 * 48.0).view(1, 1, 64, 48)
    chosen, corners = Generator().manual_seed(1), set()
    for _ in range(200):
        part = cut(numbered, 0.8, chosen)
        assert part.shape == (1, 1, 48, 40)
        top, left = divmod(int(part[0, 0, 0, 0]), 48)
        assert torch.equal(part, numbered[..., top : top + 48, left : left + 40])
        corners.add((top, left))
    assert {top for top, _ in corners} == set(range(17)) and {left for _, left in corners} == set(range(9))
    assert torch.equal(cut(numbered, 1.0, chosen), numbered)


def test_another_training_starts_from_a_checkpoint_of_the_same_size(
    people: Path, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(people, features, tmp_path / "run", "--set", *FAST) == 0
    begin = tmp_path / "run" / "checkpoint"
    for folder in (begin, tmp_path / "run"):
        network = Vae(VAE["tiny"].network)
        start_from(network, folder)
        assert torch.equal(network.network.quant_conv.weight, load_vae(begin).network.quant_conv.weight)
    assert torch.equal(network.scale, torch.ones(4)), "the scale is measured anew"
    larger = replace(VAE["tiny"].network, height=128, width=128)
    start_from(Vae(larger), begin)  # it takes pictures of any size
    assert train(people, features, tmp_path / "next", "--init", str(begin), "--set", *FAST, "widths=(8,16,16)") == 1
    assert "the preset asks for" in capsys.readouterr().err and not (tmp_path / "next").exists()
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        start_from(network, tmp_path)


def test_what_cannot_be_trained_on_gets_a_sentence(
    people: Path, features: Path, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(drawn, features, tmp_path / "a") == 1
    assert "has no train split" in capsys.readouterr().err
    shutil.copytree(people, tmp_path / "set")
    for place in (tmp_path / "set" / "train" / "cloth").iterdir():
        place.write_bytes(b"no picture")
    assert train(tmp_path / "set", features, tmp_path / "b", "--set", *FAST) == 1
    assert ".jpg cannot be read" in capsys.readouterr().err.splitlines()[-1]
    assert train(people, features, tmp_path / "c", "--set", "patch=3") == 1
    assert "widths that halve" in capsys.readouterr().err and not (tmp_path / "c").exists()
