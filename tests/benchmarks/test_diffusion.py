"""The benchmark of diffusions: its figures are what they are called, and a table that was stopped goes on."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import diffusion as benchmark
from benchmarks import try_ons
from benchmarks.kept import Kept
from benchmarks.likeness import feature_distances, feature_means, frechet, likeness
from tests.tiny_diffusion import save_tiny
from vton import conditions as condition_files
from vton.geometric import geometric_warp
from vton.images import to_tensor, write_json
from vton.pairs import open_dataset
from vton.train.features import SHIPPED, garment_features
from vton.train.losses import Features, perceptual

Run = Callable[..., dict]


@pytest.fixture(scope="module")
def features() -> Features:
    return garment_features(SHIPPED, "cpu")


def pictures(n: int, height: int = 96, width: int = 64) -> list[Tensor]:
    lot = np.random.default_rng(n)
    return [to_tensor(lot.integers(0, 256, (height, width, 3), dtype=np.uint8)) for _ in range(n)]


def test_a_picture_is_most_like_itself_and_changes_outside_the_mask_do_not_count_inside(features: Features) -> None:
    photo, other = pictures(2)
    mask = torch.zeros(1, 1, 96, 64)
    mask[..., :48, :] = 1
    same = likeness(photo, photo, mask, features)
    assert same["psnr"] == same["psnr_inside"] == 100 and same["features"] == same["features_inside"] == 0
    assert same["ssim"] == pytest.approx(1) and same["ssim_inside"] == pytest.approx(1)
    away = photo.clone()
    away[..., 90:, :] = other[..., 90:, :]
    changed = likeness(away, photo, mask, features)
    assert changed["psnr_inside"] == 100 and changed["psnr"] < 40
    assert changed["features_inside"] < 0.5 * changed["features"], "features see a little beyond the mask"


def test_the_distance_is_the_perceptual_loss_and_inside_of_all_it_is_the_whole(features: Features) -> None:
    photo, other = pictures(2)
    whole, inside = feature_distances(other, photo, torch.ones(1, 1, 96, 64), features)
    assert whole == pytest.approx(float(perceptual(other, photo, features)), rel=1e-4) == pytest.approx(inside, rel=1e-4)
    everywhere, within = feature_means(photo, torch.ones(1, 1, 96, 64), features)
    assert everywhere == pytest.approx(within, abs=1e-4) and len(within) == 96


def test_the_frechet_distance_of_normal_distributions_is_the_known_one() -> None:
    lot = np.random.default_rng(0)
    one = lot.normal(size=(400, 5))
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet(one, one + 2) == pytest.approx(20), "five means that are 2 away"
    spread = frechet(one, 3 * one)
    assert spread == pytest.approx(4 * np.trace(np.cov(one, rowvar=False)) + 4 * np.square(one.mean(0)).sum())
    assert np.isnan(frechet(one[:1], one))


def test_bare_regions_get_the_mean_colour_of_the_skin(drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    seen = condition_files.read(split, split.pairs[0])
    warped = geometric_warp(seen)
    filled = try_ons.skin_filled(seen, warped)
    bare = (seen.agnostic_mask * (1 - warped.mask))[0, 0] > 0
    colours = filled[0][:, bare]
    assert bare.any() and (colours == colours[:, :1]).all()
    red, green, blue = colours[:, 0].tolist()
    assert red > green > blue, "a skin's colour, not grey"
    kept = (seen.agnostic_mask == 0)[0, 0]
    assert torch.equal(filled[0][:, kept], seen.image[0][:, kept])


def test_the_fewest_steps_that_are_close_are_chosen_and_of_these_the_best() -> None:
    psnr = {"ddim 200": 30.0, "ddim 8": 29.8, "dpm++ 8": 29.9, "ddim 4": 29.0, "unipc 4": 29.69}
    assert benchmark.fewest_steps(psnr) == "dpm++ 8"
    assert benchmark.fewest_steps(psnr | {"unipc 4": 29.71}) == "unipc 4"
    assert benchmark.fewest_steps({"ddim 200": 30.0, "ddim 2": 10.0}) == "ddim 200"


def test_what_is_kept_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "a" / "lines.jsonl")
    kept.add({"pair": "one"})
    with kept.place.open("a") as file:
        file.write('{"pair": "tw')
    again = Kept(kept.place)
    assert again.lines == [{"pair": "one"}]
    again.add({"pair": "two"})
    assert Kept(kept.place).lines == [{"pair": "one"}, {"pair": "two"}]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on very few pairs and a tiny network; gives what it wrote."""
    diffusion, vae = save_tiny(tmp_path)
    counts = {"quality": 3, "ladder": 2, "settings": 1, "time": 2}
    changes = {"COUNTS": counts, "LADDER": (3, 2), "REFERENCE": "ddim 3", "STRENGTHS": (0.5,), "GUIDANCES": (2.0,)}
    for name, value in (changes | {"MOST_SECONDS": 1e9, "PRESET": "tiny", "STEPS": 2, "PEOPLE": 3}).items():
        monkeypatch.setattr(benchmark, name, value)

    def call(*more: str, keep: bool = True, ends: int | None = None) -> dict:
        place = tmp_path / "figures.json"
        told = ["--diffusion", str(diffusion), "--vae", str(vae), "--warp", "geometric", "--json", str(place)]
        monkeypatch.setattr(sys, "argv", ["diffusion", *told, *(["--keep", str(tmp_path / "keep")] if keep else []), *more])
        if ends is None:
            benchmark.main()
        else:
            with pytest.raises(SystemExit) as ended:
                benchmark.main()
            assert ended.value.code == ends
        return json.loads(place.read_text())

    return call


def test_more_than_the_composite_is_asked_and_no_more_than_the_vae_can() -> None:
    assert benchmark.aimed_at(20, 30) == 25
    assert benchmark.aimed_at(20, 24) == 22


def test_a_table_that_was_stopped_goes_on_and_a_missed_aim_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    whole = try_ons.Bench._ways

    def ways(self: try_ons.Bench, pair, *given):  # type: ignore[no-untyped-def]
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(pair.name)
        return whole(self, pair, *given)

    with monkeypatch.context() as patched:
        patched.setattr(try_ons.Bench, "_ways", ways)
        with pytest.raises(KeyboardInterrupt):
            run("--only", "quality")
    asked: list[str] = []
    monkeypatch.setattr(benchmark, "BELOW_VAE", -50.0)
    monkeypatch.setattr(try_ons.Bench, "_ways", lambda self, pair, *given: asked.append(pair.name) or whole(self, pair, *given))
    found = run("--only", "quality", ends=1)["quality"]
    assert len(asked) == 1 and asked[0] not in seen
    figures = found["figures"]
    assert not found["reached"] and figures["true flow's composite"]["ssim_inside"] > figures["diffusion"]["ssim_inside"]
    assert {"diffusion", "VAE's own", "geometric composite", "learned composite"} < figures.keys() and "photo" not in figures
    assert set(figures["diffusion"]) == set(benchmark.QUALITY)
    said = capsys.readouterr().out
    assert "missed" in said and "garment features inside" in said and "LPIPS" not in said
    assert len(list((tmp_path / "keep" / "pictures").glob("*.jpg"))) == 3
    monkeypatch.setattr(benchmark, "GAIN", -90.0)
    found = run("--only", "quality")["quality"]
    assert found["reached"] and found["aim"] == figures[try_ons.BEGUN]["psnr_inside"][0] - 90, "of what diffusion begins with"


def test_the_other_parts_are_added_to_what_was_found(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(run("--only", "ladder", "settings")["ladder"]["figures"]) == {
        f"{name} {steps}" for name in ("ddim", "dpm++", "unipc") for steps in (3, 2)
    }
    found = run("--only", "time", "training")
    assert {"ladder", "settings", "time", "training"} <= found.keys()
    assert set(found["time"]["seconds"]) >= {"warp", "diffusion", "all"} and len(found["training"]["examples_per_second"]) == 4
    assert "python -m vton.checkpoint sampling" in capsys.readouterr().out
    assert not list((tmp_path / "keep").glob("training*"))


def test_what_was_found_with_other_models_is_not_mixed(run: Run, tmp_path: Path) -> None:
    write_json(tmp_path / "keep" / "config.json", {"counts": {}})
    with pytest.raises(SystemExit, match="another config"):
        run("--only", "time")
