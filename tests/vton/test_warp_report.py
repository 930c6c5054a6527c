"""What is told of a warp: the truth is perfect, a known shift is off by known pixels, and every picture is there."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vton import conditions as condition_files
from vton.checkpoint import save_warp
from vton.conditions import Conditions
from vton.errors import CheckpointError, DataError
from vton.flow_pictures import FAINT, longest, pictures_of
from vton.geometric import Warped, geometric_warp
from vton.networks.warp import WarpNetwork
from vton.pairs import Pair, Split, open_dataset
from vton.presets import WARP
from vton.truth import Truth, errors, read_truth
from vton.warp_report import REPORT, TRUTH, error_curve, examine, measure, write_report

PICTURES = ("colour", "arrows", "grid", "magnitude")


@pytest.fixture(scope="module")
def split(drawn: Path) -> Split:
    return open_dataset(drawn).splits["test"]


@pytest.fixture(scope="module")
def pair(split: Split) -> Pair:
    return split.pairs[0]


@pytest.fixture(scope="module")
def seen(split: Split, pair: Pair) -> Conditions:
    return condition_files.read(split, pair)


@pytest.fixture(scope="module")
def truth(split: Split, pair: Pair) -> Truth:
    found = read_truth(split, pair)
    assert found is not None
    return found


def shifted(truth: Truth, x: float, y: float) -> Callable[[Conditions], Warped]:
    """The true warp, fetched from so many pixels further on."""
    height, width = truth.flow.shape[-2:]
    offset = torch.tensor([2 * x / width, 2 * y / height])[:, None, None]
    return replace(truth, flow=truth.flow + offset).warp


def test_the_truth_is_perfect(seen: Conditions, truth: Truth) -> None:
    told = measure(truth.warp(seen), seen, truth, paired=False)
    assert (told["epe"], told["epe_p90"], told["iou"], told["outside"]) == (0, 0, 1, 0)
    assert told["folds"] is not None and told["folds"] < 0.05


def test_a_shift_is_off_by_its_length(seen: Conditions, truth: Truth) -> None:
    flow = shifted(truth, 3, -4)(seen).flow
    assert torch.allclose(errors(flow, truth), torch.tensor(5.0), atol=1e-3)
    told = measure(shifted(truth, 3, -4)(seen), seen, truth, paired=False)
    assert told["epe"] == pytest.approx(5, abs=1e-3) and told["epe_p90"] == pytest.approx(5, abs=1e-3)
    curve = error_curve(flow, truth)
    assert curve["shares"] == sorted(curve["shares"])
    assert {share for most, share in zip(curve["pixels"], curve["shares"], strict=True) if most < 4.99} == {0}
    assert curve["shares"][-1] == 1


def test_what_comes_from_beyond_the_photo_is_told(seen: Conditions, truth: Truth) -> None:
    told = measure(shifted(truth, seen.size[1], 0)(seen), seen, truth, paired=False)
    assert told["outside"] == 1


def test_without_a_truth_only_a_paired_photo_says_where_the_garment_is(seen: Conditions) -> None:
    warped = geometric_warp(seen)
    assert measure(warped, seen, None, paired=False)["iou"] is None
    told = measure(warped, seen, None, paired=True)
    assert told["epe"] is None and told["iou"] is not None and 0 < told["iou"] <= 1


def test_every_picture_and_number_is_written(drawn: Path, split: Split, pair: Pair, truth: Truth, tmp_path: Path) -> None:
    write_report(split, pair, geometric_warp, None, tmp_path)
    report = json.loads((tmp_path / REPORT).read_text())
    height, width = truth.flow.shape[-2:]
    assert report["size"] == [height, width] and len(report["scales"]) == 1
    assert report["scales"][0]["epe"] == pytest.approx(report["numbers"]["epe"])
    assert report["numbers"]["seconds"] > 0
    for name in ("worn", "outline", "folds", "outside", "error"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.size == (width, height) and picture.mode == "RGBA"
    for name in (*(f"scale0_{one}" for one in PICTURES), "wheel", "lengths", "errors"):
        assert (tmp_path / f"{name}.png").is_file()
    with Image.open(tmp_path / "error.png") as picture:
        assert np.array_equal(np.array(picture)[..., 3] > 0, truth.visible[0, 0].numpy() > 0)


def test_a_learned_warp_shows_every_scale(drawn: Path, pair: Pair, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = WarpNetwork(WARP["tiny"].network)
    save_warp(tmp_path / "warp", network, {})
    examine(drawn, "test", pair, None, str(tmp_path / "warp"), tmp_path / "out")
    report = json.loads((tmp_path / "out" / REPORT).read_text())
    sizes = [tuple(scale["size"]) for scale in report["scales"]]
    assert sizes == [*sorted(sizes[:-1]), (256, 192)] and sizes[-2] == (64, 64) and len(sizes) == 4 + 1
    assert all(scale["epe"] > 0 for scale in report["scales"])
    assert report["scales"][-1]["epe"] == pytest.approx(report["scales"][-2]["epe"], rel=1e-3)
    for i in range(len(sizes)):
        assert all((tmp_path / "out" / f"scale{i}_{name}.png").is_file() for name in PICTURES)


def test_what_cannot_be_made_is_said(drawn: Path, pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no split"):
        examine(drawn, "train ", pair, None, "geometric", tmp_path / "out")
    with pytest.raises(DataError, match="no true flow"):
        examine(drawn, "test", Pair("nobody", pair.cloth), None, TRUTH, tmp_path / "out")
    with pytest.raises(CheckpointError):
        examine(drawn, "test", pair, None, str(tmp_path / "nowhere"), tmp_path / "out")
    assert not (tmp_path / "out" / REPORT).exists()


def test_pictures_are_faint_where_no_garment_lies_and_white_where_nothing_moves() -> None:
    mask = torch.zeros(1, 1, 96, 72)
    mask[..., 30:60, 20:50] = 1
    pictures = pictures_of(torch.zeros(1, 2, 96, 72), mask, (12, 9))
    assert list(pictures) == list(PICTURES)
    for picture in pictures.values():
        height, width = picture.shape[:2]
        assert abs(height / width - 96 / 72) < 0.02
        assert picture[height // 2, width // 2, 3] == 255 and picture[2, 2, 3] == FAINT
    assert (pictures["colour"][..., :3] == 255).all()
    assert len(np.unique(pictures["magnitude"][..., :3].reshape(-1, 3), axis=0)) == 1


def test_one_colour_means_one_length_at_every_scale_and_direction() -> None:
    mask = torch.ones(1, 1, 96, 48)
    length = longest(96) / 4
    ends = [torch.tensor([2 * length / 48, 0.0]), torch.tensor([0.0, 2 * length / 96])]
    flows = [end[None, :, None, None].expand(1, 2, 96, 48).contiguous() for end in ends]
    across, down = (pictures_of(flow, mask, (96, 48))["magnitude"][5, 5] for flow in flows)
    assert (across == down).all() and (across != pictures_of(2 * flows[0], mask, (8, 4))["magnitude"][5, 5]).any()
