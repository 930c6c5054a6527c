"""python -m vton.train.diffusion: both branches teach the network, a run folder from a drawn set, and refusals in sentences."""

import dataclasses
import json
import os
import shutil
import signal
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.fakes.vae import FakeVae, load_fake_vae
from vton import conditions as condition_files
from vton.checkpoint import keep_sampling, load_unet, save_warp
from vton.dataset import Examples, trainable_pairs
from vton.diffusion import DiffusionConfig, Schedule
from vton.generate import GenerateConfig, generate
from vton.images import read_image, read_json, to_image, write_image, write_json
from vton.latents import LatentCache
from vton.networks.unet import Unet
from vton.networks.warp import WarpNetwork
from vton.pairs import open_dataset, read_pairs
from vton.presets import DIFFUSION, WARP, DiffusionPreset
from vton.sampling import Sampling
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train import diffusion as training
from vton.train.branches import BranchWeights, branch_losses, chosen, posteriors
from vton.train.diffusion import IN_SAMPLE, main
from vton.train.loop import Draw
from vton.train.losses import Features
from vton.train.wearing import NOISES, Vary, Warps, Wearing, Wearings, in_sample, open_warps, stack
from vton.truth import read_truth
from vton.tryon import COMPOSITE, compose

FAST = ("steps=4", "validate_every=2", "save_every=2", "log_every=1")
SIZES = DIFFUSION["tiny"].network


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set of six people to train on."""
    root = tmp_path_factory.mktemp("people") / "set"
    draw_dataset(SyntheticConfig(train=6, test=0, seed=3, height=128, width=96), root, processes=1)
    return root


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for a VAE's."""
    folder = tmp_path_factory.mktemp("vae")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "load_vae", load_fake_vae)
    monkeypatch.setattr(training, "LOOKED_AT", Sampling(steps=2))


def train(people: Path, vae: Path, out: Path, *more: str) -> int:
    return main(["--data", str(people), "--preset", "tiny", "--vae", str(vae), "--out", str(out), "--device", "cpu", *more])


def log(out: Path) -> list[dict]:
    return [line for line in map(json.loads, (out / "log.jsonl").read_text().splitlines()) if line["kind"] != "speed"]


def batch(t: tuple[int, ...] = (100, 900)) -> Wearing:
    """Two examples with these timesteps."""
    lot = torch.Generator().manual_seed(1)
    count, (height, width) = len(t), SIZES.size
    photo, composite, cloth = (torch.rand(count, 3, height, width, generator=lot) * 2 - 1 for _ in range(3))
    mask = torch.zeros(count, 1, height, width)
    mask[..., 8:40, 16:96] = 1
    noises = torch.randn(count, NOISES, 4, *SIZES.latent_size, generator=lot)
    latents, known = torch.zeros(count, 2, 2, 4, *SIZES.latent_size), torch.zeros(count, dtype=torch.bool)
    return Wearing(photo, composite, mask, cloth, torch.tensor(t), ~known, noises, latents, known)


def pyramid(picture: Tensor) -> list[Tensor]:
    """Features that are the picture itself, large and small."""
    return [picture, torch.nn.functional.avg_pool2d(picture, 4)]


def terms_of(network: Unet, seen: Wearing, features: Features | None = pyramid, **weights: float) -> dict[str, Tensor]:
    asked = {"pixels": 0.0, "perceptual": 0.0} | weights
    return branch_losses(network, seen, FakeVae(), Schedule(DiffusionConfig()), BranchWeights(**asked), features)  # type: ignore[arg-type]


def taught() -> Unet:
    """A network whose layers that begin at 0 are no longer 0."""
    torch.manual_seed(0)
    network = Unet(SIZES)
    for weights in network.parameters():
        if not weights.any():
            torch.nn.init.normal_(weights, std=0.1)
    return network


@pytest.mark.parametrize("term", ["denoising", "latent", "pixels", "perceptual"])
def test_the_gradient_of_every_term_reaches_the_network(term: str) -> None:
    network = taught()
    terms_of(network, batch(), **{term: 1.0})[term].backward()
    untouched = {name for name, weights in network.named_parameters() if not weights.grad.any()}  # type: ignore[union-attr]
    assert untouched <= {"garment.nothing"}, "all that the prediction depends on; here the garment is told of"


@pytest.mark.parametrize("term", ["denoising", "perceptual"])
def test_a_step_against_the_gradient_lowers_the_term(term: str) -> None:
    network, seen = taught(), batch((100, 300))
    optimizer = torch.optim.SGD(network.parameters(), 1e-4)
    before = terms_of(network, seen, **{term: 1.0})[term]
    before.backward()
    optimizer.step()
    assert terms_of(network, seen, **{term: 1.0})[term] < before


def test_a_network_that_is_right_has_no_loss() -> None:
    """Both latents are what it is told, so the right answers are known."""
    schedule, seen = Schedule(DiffusionConfig()), batch((100, 300))
    seen = dataclasses.replace(seen, photo=FakeVae().decode(FakeVae().encode(seen.photo).mean))
    clean = FakeVae().encode(seen.photo).mean
    own = seen.noises.clone()
    own[:, 2:] = 0
    seen = dataclasses.replace(seen, noises=own)

    def right(noisy: Tensor, t: Tensor, *_: Tensor) -> Tensor:
        kept, wanted = schedule.kept[t].float()[:, None, None, None], torch.cat([clean, clean])[: len(noisy)]
        noise = (noisy - kept.sqrt() * wanted) / (1 - kept).sqrt()
        return kept.sqrt() * noise - (1 - kept).sqrt() * wanted

    found = terms_of(right, seen, latent=1.0, pixels=1.0, perceptual=1.0, share=1.0)  # type: ignore[arg-type]
    assert set(found) == {"denoising", "latent", "pixels", "perceptual"}
    assert all(float(term) < 1e-4 for term in found.values()), found
    wrong = dataclasses.replace(seen, photo=-seen.photo)
    assert all(float(term) > 1e-2 for term in terms_of(right, wrong, latent=1.0, pixels=1.0, perceptual=1.0).values())  # type: ignore[arg-type]


def test_the_second_branch_takes_few_and_only_low_timesteps() -> None:
    t = torch.tensor([900, 10, 699, 700, 20, 30])
    assert chosen(t, BranchWeights(below=700, share=0.5)).tolist() == [1, 2, 4]
    assert chosen(t, BranchWeights(below=1000, share=1.0)).tolist() == list(range(6))
    assert not len(chosen(t, BranchWeights(pixels=0, perceptual=0)))
    high = terms_of(Unet(SIZES), batch((900, 950)), latent=1.0, pixels=1.0, perceptual=1.0)
    assert high["denoising"] > 0 and not any(high[name] for name in ("latent", "pixels", "perceptual"))


def test_what_lies_outside_the_mask_is_not_compared_as_a_picture() -> None:
    network, seen = Unet(SIZES), batch((100, 200))
    outside = dataclasses.replace(seen, photo=torch.where(seen.mask > 0, seen.photo, -seen.photo))
    for term in ("pixels", "perceptual"):
        one, other = (terms_of(network, x, **{term: 1.0})[term] for x in (seen, outside))
        assert torch.allclose(one, other) and one > 0


def test_a_perceptual_loss_needs_features() -> None:
    with pytest.raises(ValueError, match="needs a feature network"):
        terms_of(Unet(SIZES), batch(), features=None, perceptual=1.0)


@pytest.mark.parametrize("wrong", [{"denoising": 0.0}, {"pixels": -1.0}, {"share": 0.0}, {"gamma": 0.0}])
def test_weights_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        BranchWeights(**wrong)


def examples(people: Path, pairs: int = 3) -> Examples:
    split = open_dataset(people).splits["train"]
    return Examples(split, trainable_pairs(split)[-pairs:], SIZES.size)


def test_an_example_is_drawn_by_its_number_alone(people: Path) -> None:
    data = Wearings(examples(people), Warps({}), Vary(), 1000, seed=0)
    one, same, other = (data[Draw(0, number)] for number in (5, 5, 6))
    assert all(torch.equal(getattr(one, field.name), getattr(same, field.name)) for field in dataclasses.fields(Wearing))
    assert not torch.equal(one.noises, other.noises) and not torch.equal(one.photo, other.photo)
    noises = one.noises[0].flatten(1)
    assert torch.corrcoef(noises).fill_diagonal_(0).abs().max() < 0.4, "the branches' noises are independent"


def test_the_garment_is_dropped_as_often_as_asked(people: Path) -> None:
    data = Wearings(examples(people, 1), Warps({}), Vary(drop=0.3), 1000, seed=0)
    kept = [bool(data[Draw(0, number)].keep) for number in range(100)]
    assert 15 < kept.count(False) < 45


def test_a_composite_is_the_photo_where_nothing_is_erased_and_near_it_where_the_cloth_is_seen(people: Path) -> None:
    plain = Vary(flip=0, colour=0)
    own = examples(people)
    for i in range(3):
        seen, example = Wearings(own, Warps({}), plain, 1000, 0)[Draw(i, 0)], own[i]
        outside = (seen.mask == 0).expand_as(seen.photo)
        assert (seen.composite - seen.photo)[outside].abs().mean() < 0.03, "JPEG and PNG of the same person"
        worn = (example.visible * seen.mask > 0).expand_as(seen.photo)
        assert (seen.composite - seen.photo)[worn].abs().mean() < 0.15
        bare = (seen.mask * (1 - example.visible) > 0).expand_as(seen.photo)
        assert (seen.composite - seen.photo)[bare].abs().mean() < 0.5 * (0 - seen.photo)[bare].abs().mean(), "filled, not grey"


def test_pictures_of_an_example_are_varied_alike(people: Path) -> None:
    own = examples(people, 1)
    plain, flipped = (Wearings(own, Warps({}), Vary(flip=flip, colour=0), 1000, 0)[Draw(0, 0)] for flip in (0, 1))
    for name in ("photo", "composite", "mask", "cloth"):
        assert torch.equal(getattr(flipped, name), getattr(plain, name).flip(-1))
    coloured = Wearings(own, Warps({}), Vary(flip=0, colour=0.5), 1000, 0)[Draw(0, 0)]
    assert torch.equal(coloured.mask, plain.mask)
    assert all(not torch.equal(getattr(coloured, name), getattr(plain, name)) for name in ("photo", "composite", "cloth"))


def test_a_training_writes_a_run(people: Path, vae: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train(people, vae, out, "--fold", "1/3", "--set", *FAST, "below=1000") == 0
    trained = load_unet(out / "checkpoint")
    assert trained.network.config == SIZES and trained.diffusion == DIFFUSION["tiny"].diffusion
    assert trained.sampling == Sampling() and len(trained.vae) == 64
    measured = [line for line in log(out) if line["kind"] == "validation"]
    assert [line["step"] for line in measured] == [2, 4]
    assert all(
        {"psnr_inside", "ssim_inside", "composite_psnr_inside", "composite_ssim_inside"} <= line.keys() for line in measured
    )
    first = next(line for line in log(out) if line["kind"] == "train")
    assert {"denoising", "pixels", "perceptual"} <= first.keys() and first["perceptual"] > 0
    assert read_image(out / "pictures" / "0000004.png").shape == (3 * 64, 5 * 128, 3)
    assert len(read_pairs(out / "fold_pairs.txt")) == 3
    assert "true flow" in read_json(out / "config.json")["warps"]


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the next training be asked to stop at that step, counted from its own start; at 0 never."""
    steps = count(1)

    def losses(*given: object) -> dict[str, Tensor]:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGINT)
        return branch_losses(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "branch_losses", losses)


@pytest.mark.parametrize("looks", [0, 2])
def test_a_training_that_a_signal_stops_goes_on_exactly(
    looks: int, people: Path, vae: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = ("steps=4", "validate_every=4", "save_every=9", "log_every=1", f"looks={looks}")

    def run(out: Path, *more: str, kill_at: int = 0) -> int:
        stop_at(monkeypatch, kill_at)
        return train(people, vae, out, *more, "--set", *steps)

    assert run(tmp_path / "whole") == 0
    assert run(tmp_path / "parts", kill_at=2) == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert run(tmp_path / "parts", "--resume") == 0
    assert log(tmp_path / "parts") == log(tmp_path / "whole")
    states = [load_unet(tmp_path / name / "checkpoint").network.state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_a_sampling_that_was_chosen_outlives_the_next_checkpoint(
    people: Path, vae: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = ("steps=3", "validate_every=3", "save_every=1", "log_every=1")
    stop_at(monkeypatch, 2)
    assert train(people, vae, tmp_path / "run", "--set", *steps) == 130
    keep_sampling(tmp_path / "run" / "checkpoint", {"steps": 2, "strength": 0.5})
    assert train(people, vae, tmp_path / "run", "--resume", "--set", *steps) == 0
    assert load_unet(tmp_path / "run" / "checkpoint").sampling == Sampling(steps=2, strength=0.5)


def test_a_training_goes_on_without_what_it_began_with(people: Path, vae: Path, tmp_path: Path) -> None:
    assert train(people, vae, tmp_path / "first", "--set", *FAST) == 0
    begun = ("--init", str(tmp_path / "first"), "--set", *FAST, "save_every=1")
    assert train(people, vae, tmp_path / "next", *begun) == 0
    keep_sampling(tmp_path / "first" / "checkpoint", {"steps": 3})
    assert train(people, vae, tmp_path / "next", "--resume", *begun) == 0
    shutil.rmtree(tmp_path / "first")
    assert train(people, vae, tmp_path / "next", "--resume", *begun) == 0


def test_a_look_is_one_of_few_and_half_of_them_are_mirrored(people: Path) -> None:
    own = examples(people, 2)
    data = Wearings(own, Warps({}), Vary(colour=0.2, looks=4), 1000, seed=0)
    for index in range(2):
        photos = [data[Draw(index, number)].photo for number in range(24)]
        looks = [photo for i, photo in enumerate(photos) if not any(torch.equal(photo, before) for before in photos[:i])]
        assert len(looks) == 4
        upright = [
            float((look - own[index].photo).abs().mean() < (look.flip(-1) - own[index].photo).abs().mean()) for look in looks
        ]
        assert sum(upright) == 2


def test_latents_are_the_same_from_a_cold_a_warm_and_no_cache(people: Path, tmp_path: Path) -> None:
    cache, vae = LatentCache(tmp_path / "latents", "a" * 64), FakeVae()
    data = Wearings(examples(people), Warps({}), Vary(looks=2), 1000, 0, cache)
    draws = [Draw(index, number) for number in (3, 9) for index in range(3)]
    cold = stack([data[draw] for draw in draws])
    assert not cold.known.any() and not cold.latents.any()
    made = posteriors(cold, vae, cache)  # type: ignore[arg-type]
    warm = stack([data[draw] for draw in draws])
    assert warm.known.all()
    mixed = dataclasses.replace(warm, known=torch.arange(len(warm)) % 2 == 0)
    for batch_of, known in ((warm, None), (mixed, cache)):
        found = posteriors(batch_of, vae if known else None, cache)  # type: ignore[arg-type]
        for one, other in zip(made, found, strict=True):
            assert torch.equal(one.mean, other.mean) and torch.equal(one.logvar, other.logvar)
    for one, other in zip(made, posteriors(cold, vae, None), strict=True):  # type: ignore[arg-type]
        assert torch.allclose(one.mean, other.mean, rtol=1e-3, atol=1e-4)
    weights = BranchWeights(perceptual=0.0, share=1.0)
    network, schedule = taught(), Schedule(DiffusionConfig())
    losses = [
        branch_losses(network, x, vae, schedule, weights, None, c) for x, c in ((cold, cache), (warm, cache), (cold, None))
    ]  # type: ignore[arg-type]
    assert losses[0] == losses[1]
    assert all(torch.allclose(losses[2][name], term, rtol=1e-2) for name, term in losses[0].items())


def test_the_latents_of_two_epochs_are_drawn_anew(people: Path, tmp_path: Path) -> None:
    cache, vae = LatentCache(tmp_path / "latents", "a" * 64), FakeVae()
    data = Wearings(examples(people, 1), Warps({}), Vary(looks=1), 1000, 0, cache)
    seen = [data[Draw(0, number)] for number in (0, 1, 0)]
    said = [posteriors(x, vae, cache)[0] for x in seen]  # type: ignore[arg-type]
    drawn = [posterior.sample(x.noises[:, 2]) for posterior, x in zip(said, seen, strict=True)]
    assert torch.equal(said[0].mean, said[1].mean)
    assert torch.equal(drawn[0], drawn[2]) and not torch.equal(drawn[0], drawn[1])


def test_trainings_share_latents_and_another_vae_reads_none_of_them(
    people: Path, vae: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared, settings = tmp_path / "latents", ("--set", *FAST, "looks=1", "workers=1")
    other = tmp_path / "other-vae"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"other weights")
    counts = []
    for name, place in (("cold", vae), ("warm", vae), ("other", other)):
        assert train(people, place, tmp_path / name, "--latents", str(shared), *settings) == 0
        counts.append(len(list(shared.rglob("*.safetensors"))))
    assert counts == [counts[0], counts[0], 2 * counts[0]] and len(list(shared.iterdir())) == 2
    assert log(tmp_path / "cold") == log(tmp_path / "warm")
    assert f"Latents are kept in {shared}:" in capsys.readouterr().err
    assert train(people, vae, tmp_path / "own", "--set", *FAST, "looks=1") == 0
    assert len(list((tmp_path / "own" / "latents").rglob("*.safetensors"))) == counts[0]


@pytest.fixture(scope="module")
def warped(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over the train split."""
    out = tmp_path_factory.mktemp("warped") / "run"
    assert generate(GenerateConfig(people, "train", warp="geometric"), out) == []
    return out


def test_warps_of_a_run_are_worn_in_the_composite(people: Path, warped: Path) -> None:
    warps, own = open_warps([warped], "train"), examples(people)
    pairs = [pair for pair in own.pairs if warps.has(pair)]
    assert pairs and len(warps.folders) == len(open_dataset(people).splits["train"].pairs)
    seen = Wearings(Examples(own.split, pairs, (128, 128)), warps, Vary(flip=0, colour=0), 1000, 0)[Draw(0, 0)]
    made = read_image(warped / "intermediates" / pairs[0].name / "composite.png").astype(float)
    assert np.abs((seen.composite[0, :, :, 16:112].permute(1, 2, 0).numpy() + 1) * 127.5 - made).mean() < 1.0


def test_composites_of_a_run_and_of_the_true_flow_are_made_alike(people: Path, tmp_path: Path) -> None:
    """At the photo's size, then letterboxed: no grey of the bars is carried into what is erased."""
    split = open_dataset(people).splits["train"]
    pair, truth = split.pairs[0], read_truth(split, split.pairs[0])
    assert truth is not None
    seen = condition_files.read(split, pair)
    place = tmp_path / pair.name / "composite.png"
    write_image(place, to_image(compose(seen, truth.warp(seen))))
    square = (128, 128)
    of_run, of_flow = (Warps(folders).composite(split, pair, square) for folders in ({pair.name: place.parent}, {}))
    assert of_flow.shape == (1, 3, *square) and (of_run - of_flow).abs().max() < 0.02


def test_a_network_is_compiled_where_asked(people: Path, vae: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr(Unet, "compile", lambda network: compiled.append(network))
    assert train(people, vae, tmp_path / "plain", "--set", *FAST) == 0 and not compiled
    assert train(people, vae, tmp_path / "fast", "--compile", "--set", *FAST) == 0 and len(compiled) == 1
    assert log(tmp_path / "fast") == log(tmp_path / "plain")


def test_only_pairs_with_a_warp_are_trained_on(people: Path, vae: Path, warped: Path, tmp_path: Path) -> None:
    assert train(people, vae, tmp_path / "run", "--warps", str(warped), "--fold", "0/3", "--set", *FAST) == 0
    told = read_json(tmp_path / "run" / "config.json")
    assert told["warps"] == [{"run": "run", "split": "train", "warp": {"name": "geometric"}, "composite": COMPOSITE}]
    listed = open_dataset(people).splits["train"].pairs
    left_out = {"00000_00", "00001_00"}
    assert told["data"]["pairs"] == sum(not {pair.person, pair.cloth} & left_out for pair in listed)


def test_it_is_told_where_the_warp_was_trained_on_the_same_people(
    people: Path, vae: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Person or garment of every pair is known to a warp of all folds, and none within a fold that is left out; unless the warp
    began with one that knew them. Of a checkpoint that was given away the folder's name tells."""
    network = WarpNetwork(dataclasses.replace(WARP["tiny"].network, height=128, width=128))
    split = open_dataset(people).splits["train"]
    left_out, root = {"00000_00", "00001_00"}, str(people)
    inside, everyone = {"root": root, "fold": [0, 3]}, {"root": root, "fold": None}
    own = tuple(p for p in split.pairs if {p.person, p.cloth} <= left_out)
    cases = {
        "all": ({"data": everyone}, tuple(split.pairs), len(split.pairs)),
        "fold": ({"data": inside}, own, 0),
        "begun": ({"data": inside, "before": [everyone]}, own, len(own)),
        "given away": ({"data": everyone | {"root": people.name}}, own, len(own)),
        "another's": ({"data": everyone | {"root": "elsewhere"}}, own, 0),
    }
    for name, (trained, pairs, known) in cases.items():
        save_warp(tmp_path / name / "warp", network, {"step": 1, **trained})
        made = GenerateConfig(people, "train", pairs=pairs, warp=str(tmp_path / name / "warp"), diffusion="none")
        assert generate(made, tmp_path / name / "run") == []
        runs = [tmp_path / name / "run"] * 2
        assert len(in_sample(runs, split, split.pairs)) == known, "of several runs a pair counts once"
    config = read_json(tmp_path / "all" / "run" / "config.json")
    (alone,) = config["warp"]["trained_on"]
    write_json(tmp_path / "all" / "run" / "config.json", config | {"warp": config["warp"] | {"trained_on": alone}})
    assert len(in_sample([tmp_path / "all" / "run"], split, split.pairs)) == len(split.pairs), "as 0.3.1 wrote it"
    assert own and train(people, vae, tmp_path / "out", "--warps", str(tmp_path / "all" / "run"), "--set", *FAST) == 0
    told, data = capsys.readouterr().err, read_json(tmp_path / "out" / "config.json")["data"]
    assert f"{data['in_sample']} of {data['pairs']} {IN_SAMPLE}" in told and data["in_sample"] > 0


def test_runs_without_warps_are_refused(
    people: Path, vae: Path, warped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    write_json(tmp_path / "empty" / "config.json", read_json(warped / "config.json"))
    (tmp_path / "other").mkdir()
    write_json(tmp_path / "other" / "config.json", {"format": 1})
    for run, said in (("empty", "holds no composite"), ("other", "names no dataset"), ("none", "is missing")):
        assert train(people, vae, tmp_path / "out", "--warps", str(tmp_path / run)) == 1
        told = capsys.readouterr().err
        assert said in told and told.count("\n") == 1
    (tmp_path / "old").mkdir()
    write_json(tmp_path / "old" / "config.json", read_json(warped / "config.json") | {"composite": COMPOSITE - 1})
    shutil.copytree(warped / "intermediates", tmp_path / "old" / "intermediates")
    assert train(people, vae, tmp_path / "out", "--warps", str(tmp_path / "old")) == 1
    assert "made by another version" in capsys.readouterr().err
    write_json(tmp_path / "empty" / "config.json", {"dataset": {"split": "test"}, "warp": {}})
    assert train(people, vae, tmp_path / "out", "--warps", str(tmp_path / "empty")) == 1
    assert "a run of the split test" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_training_begins_with_another_only_where_it_fits(
    people: Path, vae: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "first"
    assert train(people, vae, first, "--set", *FAST) == 0
    assert train(people, vae, tmp_path / "next", "--init", str(first), "--set", *FAST, "rate=1e-9", "ema=0.0") == 0
    states = [load_unet(run / "checkpoint").network.state_dict() for run in (first, tmp_path / "next")]
    assert all(torch.allclose(value, states[1][name], atol=1e-6) for name, value in states[0].items())
    keep_sampling(first / "checkpoint", {"sampler": "unipc", "steps": 3})
    assert train(people, vae, tmp_path / "like it", "--init", str(first), "--set", *FAST) == 0
    assert load_unet(tmp_path / "like it" / "checkpoint").sampling == Sampling("unipc", steps=3), "it goes on with the network"
    other = tmp_path / "other-vae"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"other weights")
    capsys.readouterr()
    assert train(people, other, tmp_path / "a", "--init", str(first), "--set", *FAST) == 1
    assert "was trained with vae" in capsys.readouterr().err
    assert train(people, vae, tmp_path / "b", "--init", str(first), "--set", *FAST, "zero_snr=False") == 1
    assert "was trained with diffusion" in capsys.readouterr().err
    assert train(people, vae, tmp_path / "c", "--init", str(first), "--set", *FAST, "widths=(16,32)") == 1
    assert "was trained with network" in capsys.readouterr().err
    assert not any((tmp_path / name).exists() for name in "abc"), "the folder is free for another try"


def test_what_cannot_be_trained_on_gets_a_sentence(
    people: Path, vae: Path, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(drawn, vae, tmp_path / "a") == 1
    assert "has no train split" in capsys.readouterr().err
    assert train(people, tmp_path / "nothing", tmp_path / "b") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert train(people, vae, tmp_path / "c", "--set", "spacing=leading") == 1
    assert "zero_snr needs" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_no_two_parts_of_a_preset_have_a_field_of_the_same_name() -> None:
    parts = [getattr(DIFFUSION["demo"], part.name) for part in dataclasses.fields(DiffusionPreset)]
    names = [field.name for part in parts for field in dataclasses.fields(part)]
    assert len(names) == len(set(names))


def test_the_stack_of_examples_is_a_batch() -> None:
    joined = stack([batch(), batch((1, 2, 3))])
    assert len(joined) == 5 and joined.t.tolist() == [100, 900, 1, 2, 3]
