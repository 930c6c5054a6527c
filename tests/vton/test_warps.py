"""Warps by name: a checkpoint is asked at its own size and applied at the photo's; runs name it by its weights' hash."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vton import conditions as condition_files
from vton import warps
from vton.body import find_body, sleeve_ends
from vton.checkpoint import save_warp
from vton.checkpoint_info import CONFIG, SHIPPED, WEIGHTS
from vton.conditions import Conditions
from vton.dataset import fit, read
from vton.errors import CheckpointError, DataError
from vton.flow import resize, warp
from vton.generate import GenerateConfig, generate, main
from vton.geometric import geometric_warp
from vton.images import read_json, write_json
from vton.labels import DENSEPOSE_PALETTE
from vton.mirror import mirror, mirror_flow, mirror_regions
from vton.networks.warp import Prediction, Region, WarpConfig, WarpNetwork
from vton.pairs import Pair, Split, open_dataset
from vton.presets import WARP
from vton.warping import flow_out
from vton.warps import LearnedWarp, NetworkWarp, close_holes, close_slits, default_warp, describe_warp, moved, open_warp

SIZE = (256, 192)
HALF = 4  # pixels: half of a cell of the preset tiny's coarsest level


@pytest.fixture(scope="module")
def split(drawn: Path) -> Split:
    return open_dataset(drawn).splits["test"]


@pytest.fixture(scope="module")
def seen(split: Split) -> Conditions:
    return condition_files.read(split, split.pairs[0])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training's run folder with an untrained network of 64x64."""
    torch.manual_seed(0)
    run = tmp_path_factory.mktemp("trained") / "small"
    save_warp(run / "checkpoint", WarpNetwork(WARP["tiny"].network), {"step": 0})
    return run


class Oracle(WarpNetwork):
    """Says what it was told of a pair, and the same of its mirror image, whose person is HALF a cell further up and left."""

    def __init__(self, flow: Tensor, region: Region) -> None:
        super().__init__(replace(WARP["tiny"].network, height=SIZE[0], width=SIZE[1]))
        self.answer, self.region = flow, region

    def forward(self, cloth: Tensor, cloth_mask: Tensor, parse_agnostic: Tensor, densepose: Tensor) -> Prediction:
        assert cloth.shape[-2:] == SIZE and parse_agnostic.shape[-2:] == SIZE
        for bare in (parse_agnostic == 0, (densepose == -1).all(1)):  # the background of both maps
            assert bare[0].any() and torch.equal(bare[1, :-HALF, :-HALF], bare[0].flip(-1)[HALF:, HALF:])
        regions = torch.full((1, *SIZE), int(self.region))
        both = torch.cat([regions, mirror_regions(regions)])
        parse = torch.nn.functional.one_hot(both, len(Region)).permute(0, 3, 1, 2) * 40.0 - 20
        turned = mirror_flow(self.answer)
        pulled = torch.tensor([2 * HALF / SIZE[1], 2 * HALF / SIZE[0]])[:, None, None]  # farther to the same garment
        other = torch.full_like(turned, 9.0)
        other[..., :-HALF, :-HALF] = turned[..., HALF:, HALF:] + pulled
        return Prediction((self.answer[..., ::8, ::8].repeat(2, 1, 1, 1), torch.cat([self.answer, other])), parse)


def enlarged(seen: Conditions, size: tuple[int, int]) -> Conditions:
    """The same pair, its photos of another size."""

    def resized(tensor: Tensor) -> Tensor:
        return torch.nn.functional.interpolate(tensor.float(), size=size, mode="nearest")

    factor = torch.tensor([size[1] / SIZE[1], size[0] / SIZE[0], 1.0])
    masks = {name: resized(getattr(seen, name)) for name in ("image", "agnostic", "agnostic_mask", "cloth", "cloth_mask")}
    labels = {name: resized(getattr(seen, name)[:, None])[:, 0].long() for name in ("parse", "parse_agnostic")}
    assert seen.densepose is not None
    return Conditions(**masks, **labels, keypoints=seen.keypoints * factor, densepose=resized(seen.densepose))


@pytest.mark.parametrize("size", [SIZE, (512, 384), (300, 400)])
def test_a_flow_of_the_network_is_applied_at_the_photos_size(split: Split, seen: Conditions, size: tuple[int, int]) -> None:
    """The true flow, told at 256x192, brings the garment to where it is in truth, whatever the size and shape of the photo."""
    photo = enlarged(seen, size)
    example = read(split, split.pairs[0], SIZE)
    squeezed = size[0] / size[1] != SIZE[0] / SIZE[1]
    warped = LearnedWarp(Oracle(example.flow, Region.UPPER))(photo)
    assert warped.flow.shape == (1, 2, *size) and warped.cloth.shape == (1, 3, *size)
    assert torch.allclose(warped.cloth, warp(photo.cloth, warped.flow))
    if not squeezed:
        visible = torch.nn.functional.interpolate(example.visible, size=size, mode="nearest")
        truth = torch.nn.functional.interpolate(example.flow, size=size, mode="bilinear", align_corners=False)
        off = (warped.flow - truth).abs()[(visible > 0).expand(-1, 2, -1, -1)]
        assert off.median() < 1e-3


def test_a_warp_is_the_mean_of_two_looks(seen: Conditions) -> None:
    """An untrained network says something else of the mirror image, and something else again where the person is moved."""
    torch.manual_seed(0)
    network = WarpNetwork(replace(WARP["tiny"].network, height=SIZE[0], width=SIZE[1])).eval()
    learned = LearnedWarp(network)

    def told(pair: Conditions) -> Tensor:
        return network(pair.cloth, pair.cloth_mask, pair.parse_agnostic, pair.densepose).flow.detach()

    alone, mirrored = told(fit(seen, SIZE)), mirror(fit(seen, SIZE))
    other = mirror_flow(told(moved(mirrored, HALF)))[..., :-HALF, HALF:] - torch.tensor([-1 / 24, 1 / 32])[:, None, None]
    _, whole = learned.scales(seen)[-1]
    inner = (..., slice(HALF, None), slice(None, -HALF))
    assert torch.allclose(whole[inner], (alone[inner] + other) / 2, atol=1e-4)
    assert not torch.allclose(whole[inner], (alone + mirror_flow(told(mirrored)))[inner] / 2, atol=1e-3)
    assert not torch.allclose(whole, alone, atol=1e-2)


@pytest.mark.parametrize(
    ("trained", "is_asked_twice"), [({"augment": {"flip": 0.0}}, False), ({"augment": {"flip": 0.5}}, True)]
)
def test_mirror_images_are_asked_about_where_they_were_trained_on(
    trained: dict[str, Any], is_asked_twice: bool, seen: Conditions, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = WarpNetwork(WARP["tiny"].network).eval()
    save_warp(tmp_path, network, {"step": 0, **trained})
    asked = fit(seen, network.config.size)
    alone = network(asked.cloth, asked.cloth_mask, asked.parse_agnostic, asked.densepose).flows[0]
    _, coarsest = open_warp(str(tmp_path), "cpu").scales(seen)[0]
    once = flow_out(resize(alone, network.config.size), SIZE, SIZE)
    assert torch.allclose(coarsest, once, atol=1e-3) != is_asked_twice


def test_what_lies_before_the_garment_is_cut_out(split: Split, seen: Conditions) -> None:
    flow = read(split, split.pairs[0], SIZE).flow
    assert LearnedWarp(Oracle(flow, Region.UPPER))(seen).mask.sum() > 1000
    assert LearnedWarp(Oracle(flow, Region.LEFT_ARM))(seen).mask.sum() == 0


def test_a_slit_between_torso_and_sleeve_is_closed_and_open_air_is_not() -> None:
    cloth_mask = torch.zeros(1, 1, 60, 40)
    cloth_mask[..., 5:55, 2:10] = cloth_mask[..., 5:55, 30:38] = 1  # two pieces apart in the garment photo
    flow = torch.zeros(1, 2, 240, 40)  # which lie side by side on the body, but for a column at which the flow is between both
    flow[:, 0, :, 10] = 2 * 10 / 40
    flow[:, 0, :, 11:19] = 2 * 19 / 40
    seen = torch.zeros(1, 1, 240, 40)
    seen[..., 20:220, 2:19] = 1
    mended = close_slits(flow, cloth_mask, seen)
    worn = warp(cloth_mask, mended, padding_mode="zeros") > 0.5
    assert worn[..., 20:220, 2:19].all() and not (warp(cloth_mask, flow) > 0.5)[..., 20:220, 10].any()
    kept = torch.ones(40, dtype=torch.bool)
    kept[10] = False
    assert torch.allclose(mended[..., kept], flow[..., kept], atol=1e-6)
    seen[..., 20:220, 19:] = 1  # nothing is near enough to be fetched there
    assert not (warp(cloth_mask, close_slits(flow, cloth_mask, seen), padding_mode="zeros") > 0.5)[..., 22:27].any()


def test_a_hole_amid_the_torso_is_closed_and_an_arm_before_it_or_an_opening_is_not(seen: Conditions) -> None:
    parts = torch.full((1, 40, 30), 2)
    parts[:, 25:30] = 15  # an arm
    densepose = torch.from_numpy(DENSEPOSE_PALETTE[parts[0].numpy()]).permute(2, 0, 1)[None] / 127.5 - 1
    erased = torch.ones(1, 1, 40, 30)
    erased[..., :5, :] = erased[..., 32:34, 20:23] = 0  # face and hand stay
    person = replace(seen, densepose=densepose, agnostic_mask=erased)
    said = torch.full((1, 1, 40, 30), 0.9)
    said[..., :12, 10:20] = 0.1  # a neckline
    said[..., 26:29, 5:25] = said[..., 32:34, 20:23] = 0.1  # the arm and the hand
    wanted = said.clone()
    said[..., 15:19, 12:16] = 0.2
    wanted[..., 15:19, 12:16] = 1
    assert torch.equal(close_holes(said, person), wanted)
    assert torch.equal(close_holes(torch.zeros_like(said), person), torch.zeros_like(said)), "no garment, no hole in it"


def test_scales_are_told_coarse_to_fine_at_the_photos_size(checkpoint: Path, seen: Conditions) -> None:
    learned = open_warp(str(checkpoint))
    assert isinstance(learned, NetworkWarp)
    scales = learned.scales(seen)
    heights = [cells[0] for cells, _ in scales]
    assert heights == sorted(heights) and heights[-1] == 64
    assert all(flow.shape == (1, 2, *seen.size) for _, flow in scales)
    assert ((scales[-1][1] - learned(seen).flow).abs() > 1e-5).float().mean() < 0.05, "only slits are closed"


def test_names(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_warp("geometric") is geometric_warp and describe_warp("geometric") == {"name": "geometric"}
    described = describe_warp(str(checkpoint))
    assert described == describe_warp(str(checkpoint / "checkpoint"))
    assert described["name"] == "small" and described["kind"] == "warp" and len(described["sha256"]) == 64
    assert describe_warp(str(SHIPPED))["name"] == "demo", "as the studio calls what is shipped, and not as its folder"
    with pytest.raises(CheckpointError, match="is no warp: give geometric"):
        open_warp(str(tmp_path / "nowhere"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CheckpointError, match="there is no device .cuda. here"):
        open_warp(str(checkpoint), "cuda")
    write_json(tmp_path / "unet" / CONFIG, {"format": 1, "kind": "unet", "network": {}})
    with pytest.raises(CheckpointError, match="holds a unet, and a warp is needed"):
        open_warp(str(tmp_path / "unet"))


def test_a_drawn_set_gets_the_shipped_warp_where_it_is_here(
    split: Split, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warps, "SHIPPED", tmp_path / "nowhere")
    assert default_warp(split) == "geometric"
    monkeypatch.setattr(warps, "SHIPPED", checkpoint / "checkpoint")
    assert default_warp(split) == str(checkpoint / "checkpoint")
    assert default_warp(replace(split, maps=split.maps | {"flow": {}})) == "geometric"


def test_a_run_that_names_no_warp_says_which_one_it_was_made_with(
    drawn: Path, split: Split, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = GenerateConfig(drawn, pairs=split.pairs[:1], diffusion="none")
    for shipped, name in ((tmp_path / "nowhere", "geometric"), (checkpoint / "checkpoint", str(checkpoint))):
        monkeypatch.setattr(warps, "SHIPPED", shipped)
        assert generate(config, tmp_path / Path(name).name) == []
        assert read_json(tmp_path / Path(name).name / "config.json")["warp"] == describe_warp(name)


def test_a_pair_without_densepose_is_told(checkpoint: Path, seen: Conditions) -> None:
    with pytest.raises(DataError, match="no DensePose map"):
        open_warp(str(checkpoint))(replace(seen, densepose=None))


def test_sleeves_end_where_the_garment_leaves_the_arm(seen: Conditions) -> None:
    body = find_body(seen.parse[0].numpy(), seen.keypoints[0].numpy())
    everything = np.ones(seen.size, bool)
    assert sleeve_ends(body, everything) == (2.0, 2.0) and sleeve_ends(body, ~everything) == (0.0, 0.0)
    elbow = body.arms[0][1]
    above = everything & (
        np.hypot(*(np.indices(seen.size)[::-1] - body.arms[0][0][:, None, None])) < np.hypot(*(elbow - body.arms[0][0]))
    )
    assert sleeve_ends(body, above)[0] == pytest.approx(1.0, abs=0.15)


def test_a_run_by_a_checkpoint_names_its_weights_and_goes_on_with_them_alone(
    drawn: Path, split: Split, checkpoint: Path, tmp_path: Path
) -> None:
    config = GenerateConfig(drawn, pairs=split.pairs[:1], warp=str(checkpoint))
    assert generate(config, tmp_path / "run") == []
    assert read_json(tmp_path / "run" / "config.json")["warp"] == describe_warp(str(checkpoint))
    assert (tmp_path / "run" / "results" / f"{split.pairs[0].name}.png").is_file()
    assert generate(config, tmp_path / "run") == []
    shutil.copytree(checkpoint / "checkpoint", tmp_path / "renamed")
    assert generate(replace(config, warp=str(tmp_path / "renamed")), tmp_path / "run") == [], "the weights are the same"
    save_warp(tmp_path / "other", WarpNetwork(WarpConfig(64, 64, (8, 8), finest=0, blocks=1)), {"step": 0})
    with pytest.raises(DataError, match="another config .it differs in warp"):
        generate(replace(config, warp=str(tmp_path / "other")), tmp_path / "run")


@pytest.mark.parametrize("damage", ["missing", "cut short", "of another shape"])
def test_a_damaged_checkpoint_is_one_sentence(
    drawn: Path, checkpoint: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / CONFIG).write_bytes((checkpoint / "checkpoint" / CONFIG).read_bytes())
    whole = (checkpoint / "checkpoint" / WEIGHTS).read_bytes()
    if damage == "cut short":
        (copy / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    if damage == "of another shape":
        (copy / WEIGHTS).write_bytes(whole)
        told = json.loads((copy / CONFIG).read_text())
        told["network"]["widths"] = [8, 8, 8]
        (copy / CONFIG).write_text(json.dumps(told))
    assert main(["--data", str(drawn), "--warp", str(copy), "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("generate: ") and said.count("\n") == 1 and "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_pairs_left_out_of_a_training_can_be_warped_by_it(tmp_path: Path) -> None:
    from vton.synthetic import SyntheticConfig, draw_dataset
    from vton.train.warp import main as train

    people, run = tmp_path / "people", tmp_path / "trained"
    draw_dataset(SyntheticConfig(train=4, test=0, seed=3, height=128, width=96), people, processes=1)
    steps = ["steps=1", "validate_every=1", "save_every=1", "log_every=1"]
    asked = ["--data", str(people), "--preset", "tiny", "--out", str(run), "--fold", "0/2", "--device", "cpu", "--set", *steps]
    assert train(asked) == 0
    pairs = run / "fold_pairs.txt"
    out = tmp_path / "warps"
    listed = ["--split", "train", "--pairs", str(pairs), "--warp", str(run), "--out", str(out)]
    assert main(["--data", str(people), *listed]) == 0
    names = {Pair(*(word.removesuffix(".jpg") for word in line.split())).name for line in pairs.read_text().splitlines()}
    assert {path.stem for path in (out / "results").iterdir()} == names
