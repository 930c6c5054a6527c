"""Garment features: trained on what a drawn set tells of its garments, and what the perceptual loss makes of them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vton.checkpoint import load_garment, save_garment, save_warp
from vton.checkpoint_info import WEIGHTS, read_info
from vton.dataset import read, stack
from vton.errors import CheckpointError, WeightsMissing
from vton.flow import warp
from vton.networks.garment import GarmentConfig, GarmentNetwork
from vton.networks.warp import WarpConfig, WarpNetwork
from vton.pairs import open_dataset
from vton.presets import GARMENT, WARP
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train import features
from vton.train import garment_features as garments
from vton.train.features import SHIPPED, describe_features, open_features
from vton.train.losses import WarpWeights, perceptual, warp_losses
from vton.train.warp import main as train_warp
from vton.train.warp import predict

WORDS = {"sleeves": ("long", "short"), "weave": ("dots", "plain", "stripes")}
FAST = ("steps=2", "validate_every=2", "save_every=2", "log_every=1")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("garments") / "set"
    draw_dataset(SyntheticConfig(train=4, test=2, seed=3, height=128, width=96), root, processes=1)
    return root


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("features") / "mine"
    save_garment(folder, GarmentNetwork(GarmentConfig(64, 48, (8, 16, 16), WORDS)), {})
    return folder


def train(people: Path, out: Path, *more: str) -> int:
    return garments.main(["--data", str(people), "--preset", "tiny", "--out", str(out), "--device", "cpu", *more])


def test_a_training_writes_a_network_that_says_how_often_it_is_right(people: Path, tmp_path: Path) -> None:
    assert train(people, tmp_path / "run", "--set", *FAST) == 0
    network = load_garment(tmp_path / "run" / "checkpoint")
    traits = json.loads((people / "train" / "traits.json").read_text()).values()
    assert network.config.words["weave"] == tuple(sorted({one["weave"] for one in traits}))
    told = json.loads((tmp_path / "run" / "checkpoint" / "config.json").read_text())
    assert told["kind"] == "garment features" and told["trained"]["data"]["held_out"] == 4
    assert read_info(tmp_path / "run" / "checkpoint").drawn and read_info(SHIPPED).drawn
    assert set(told["trained"]["accuracy"]) == set(garments.ATTRIBUTES) == set(told["trained"]["data"]["chance"])
    assert all(0 <= share <= 1 for share in told["trained"]["accuracy"].values())
    assert train(people, tmp_path / "run", "--set", *FAST) == 1, "a second start"


def test_it_learns_to_tell_what_it_sees(people: Path) -> None:
    shown = garments.pictures_of(open_dataset(people).splits["train"])
    config = GarmentConfig(64, 48, (8, 8), garments.words_of(shown))
    torch.manual_seed(0)
    network = GarmentNetwork(config)
    preset = replace(GARMENT["tiny"], network=config)
    batch = garments.stack([garments.read(one, preset) for one in shown])
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(40):
        optimizer.zero_grad()
        torch.stack(list(garments.losses(network, batch).values())).sum().backward()
        optimizer.step()
    assert min(garments.validate(network, shown, preset, torch.device("cpu")).values()) > 0.85


def test_a_picture_is_grey_around_its_garment_and_varies_with_its_lot(people: Path) -> None:
    shown = garments.pictures_of(open_dataset(people).splits["train"])
    preset = replace(GARMENT["tiny"], network=GarmentConfig(128, 96, (8, 8), garments.words_of(shown)))
    for one in shown[:2]:
        item = garments.read(one, preset)
        corner = item.picture[..., :6, :6]
        assert (corner == 0).all() and item.picture.abs().max() > 0.05 and (item.words >= 0).all()
        lots = [torch.Generator().manual_seed(seed) for seed in (1, 1, 2)]
        first, again, other = (garments.read(one, preset, lot).picture for lot in lots)
        assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_set_that_does_not_tell_its_garments_is_refused(
    people: Path, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(drawn, tmp_path / "a") == 1
    assert "has no train split" in capsys.readouterr().err
    shutil.copytree(people, tmp_path / "set")
    (tmp_path / "set" / "train" / "traits.json").unlink()
    assert train(tmp_path / "set", tmp_path / "b") == 1
    assert "traits.json is missing" in capsys.readouterr().err
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def test_the_same_picture_costs_nothing_and_another_pattern_more_than_a_shade(people: Path, checkpoint: Path) -> None:
    found = open_features(checkpoint, "cpu")
    picture = torch.rand(1, 3, 64, 48) - 0.5
    assert [tuple(x.shape[1:]) for x in found(picture)] == [(8, 32, 24), (16, 16, 12), (16, 8, 6)]
    assert perceptual(picture, picture, found) == 0
    assert perceptual(picture.flip(-1), picture, found) > perceptual(picture + 0.01, picture, found) > 0


def test_the_perceptual_term_reaches_the_flow_and_leaves_the_features_alone(people: Path, checkpoint: Path) -> None:
    split = open_dataset(people).splits["train"]
    example = stack([read(split, pair, (128, 64)) for pair in split.paired()[:1]])
    found = open_features(checkpoint, "cpu")
    flow = example.flow.clone().requires_grad_()
    perceptual(warp(example.conditions.cloth, flow) * example.visible, example.photo * example.visible, found).backward()
    assert flow.grad is not None
    inside = (example.visible > 0).expand_as(flow)
    assert flow.grad[inside].abs().sum() > 0 and flow.grad[~inside].abs().sum() == 0
    assert not any(p.requires_grad for p in found.__self__.parameters())  # type: ignore[attr-defined]

    torch.manual_seed(2)
    network = WarpNetwork(WarpConfig(128, 64, (8, 8, 16), blocks=1, heads=2))
    only = WarpWeights(cloth=0, mask=0, smoothness=0, parse=0, perceptual=1)
    warp_losses(predict(network, example), example, only, found)["perceptual"].backward()
    assert network.upsample.weigh[2].weight.grad.abs().sum() > 0  # type: ignore[union-attr, index]


def test_given_features_come_first_then_published_ones_then_the_shipped(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(features, "SHIPPED", tmp_path / "nowhere")
    with pytest.raises(WeightsMissing, match="vgg19"):
        open_features(None, "cpu")
    monkeypatch.setattr(features, "SHIPPED", checkpoint)
    assert describe_features(None) == describe_features(checkpoint) and describe_features(None)["name"] == "mine"
    assert len(open_features(None, "cpu")(torch.zeros(1, 3, 64, 48))) == 3
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"")
    assert describe_features(None) == {"name": "vgg19"}
    assert describe_features(checkpoint)["name"] == "mine"
    save_warp(tmp_path / "warp", WarpNetwork(WARP["tiny"].network), {})
    with pytest.raises(CheckpointError, match="holds a warp, and a checkpoint of the kind .garment features. is needed"):
        open_features(tmp_path / "warp", "cpu")
    with pytest.raises(CheckpointError, match=f"holds no {WEIGHTS}"):
        describe_features(tmp_path / "nowhere")


def test_a_warp_trained_with_them_names_them(people: Path, checkpoint: Path, tmp_path: Path) -> None:
    asked = ["--data", str(people), "--preset", "tiny", "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert train_warp([*asked, "--features", str(checkpoint), "--set", *FAST, "perceptual=1"]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["features"] == describe_features(checkpoint)
    first = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0])
    assert first["perceptual"] > 0
