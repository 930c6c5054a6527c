"""The seed's warp: our module gives what the seed's own code gave, and its published file becomes a checkpoint.

data/seed_warp.npz holds what the seed's own `WarpingProcess(96)` gave for `rule` and `inputs`, at 256x256: its last warp of
cloth and mask at every fourth pixel, and its five flows, the finer ones at every second, fourth and eighth pixel.
"""

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vton import conditions as condition_files
from vton.checkpoint_command import main
from vton.checkpoint_info import read_info
from vton.errors import CheckpointError, DataError
from vton.flow import identity_grid, resize, warp
from vton.networks.seed import UNUSED, Block, SeedConfig, SeedNetwork, published_weights, seed_flows, seed_inputs
from vton.pairs import open_dataset
from vton.seed_file import import_seed, load_seed
from vton.warps import SeedWarp

KEPT = Path(__file__).parents[1] / "data" / "seed_warp.npz"
STEPS = (1, 1, 2, 4, 8)  # which pixels of each flow are kept
SMALL = SeedConfig(64, 64, 4)


def rule(name: str, shape: torch.Size) -> Tensor:
    """A parameter's values, of its name and shape alone: an integer hash of every place, even in +-sqrt(6 / fan in)."""
    place = np.arange(shape.numel(), dtype=np.uint32)
    mixed = place * np.uint32(2654435761) + np.uint32(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little"))
    for shift, factor in ((16, 2246822519), (13, 3266489917), (16, 1)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    even = torch.from_numpy((mixed / np.float64(2**31) - 1).astype(np.float32)).reshape(shape)
    return even * ((6 / shape[1:].numel()) ** 0.5 if len(shape) > 1 else 0.05)


def fill(network: nn.Module) -> None:
    """Give the network the weights of the rule."""
    network.load_state_dict({name: rule(name, tensor.shape) for name, tensor in network.state_dict().items()})


def inputs(height: int = 256, width: int = 256) -> tuple[Tensor, Tensor]:
    """Smooth pictures in 0..1 for cloth and body, (1, 4, H, W) and (1, 6, H, W); the mask is a soft disc."""
    y, x = (torch.arange(n, dtype=torch.float64) / n for n in (height, width))
    y, x = torch.meshgrid(y, x, indexing="ij")
    waves = [torch.sin(2 * torch.pi * ((i + 1) * x + (3 - i) * y) + i) / 2 + 0.5 for i in range(9)]
    disc = (20 * (0.1 - (x - 0.5) ** 2 - (y - 0.45) ** 2) + 0.5).clamp(0, 1)
    pictures = torch.stack([*waves[:3], disc, *waves[3:]])[None].float()
    return pictures[:, :4], pictures[:, 4:]


def published(config: SeedConfig) -> dict[str, Tensor]:
    """A state dict as the seed publishes it, made by the rule."""
    unused = Block(9 * config.channels, 4 * config.channels, "up").state_dict()
    names = SeedNetwork(config).state_dict() | {UNUSED + name: tensor for name, tensor in unused.items()}
    return {name: rule(name, tensor.shape) for name, tensor in names.items()}


def corners(flow: Tensor) -> Tensor:
    """A flow of ours as the seed counts it, (N, h, w, 2): from places that span -1..1 between the corner pixels' centres."""
    height, width = flow.shape[-2:]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return flow.permute(0, 2, 3, 1) + identity_grid((height, width)) - torch.stack([x, y], -1)


def test_outputs_are_those_of_the_seeds_own_code() -> None:
    network = SeedNetwork(SeedConfig()).eval()
    fill(network)
    cloth, body = inputs()
    with torch.no_grad():
        flows = network(cloth, body)
    with np.load(KEPT) as kept:
        stored = {name: torch.from_numpy(kept[name]) for name in kept.files}
    assert stored["flow_4"].std() > 0.01 and stored["warped"].std() > 0.1, "the weights say nothing"
    for i, (flow, step) in enumerate(zip(flows, STEPS, strict=True)):
        assert flow.shape[-1] == 16 * 2**i
        assert (corners(flow)[:, ::step, ::step] - stored[f"flow_{i}"]).abs().max() < 1e-4
    assert (warp(cloth, flows[-1])[..., ::4, ::4] - stored["warped"]).abs().max() < 1e-4


def test_a_flow_of_ours_fetches_the_same_places_at_every_scale() -> None:
    """Zero moves of the seed are no motion of the picture, up to its corner to corner grid: at most half a pixel."""
    network = SeedNetwork(SMALL)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        flows = network(*inputs(64, 64))
    assert [flow.shape[-1] for flow in flows] == [4, 8, 16, 32, 64]
    for flow in flows:
        assert flow.abs().max() * flow.shape[-1] / 2 <= 0.5
        assert corners(flow).abs().max() < 1e-6


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file as the seed publishes its own."""
    torch.save({"model_state_dict": published(SMALL), "optimizer_state_dict": {"state": {}}}, tmp_path / "seed.pth")
    return tmp_path / "seed.pth"


def test_the_published_file_becomes_a_checkpoint(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "seed"
    import_seed(file, out, SMALL)
    network = load_seed(out)
    assert network.config == SMALL and not network.training
    weights = published(SMALL)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in network.state_dict().items())
    info = read_info(out)
    assert (info.kind, info.size, info.drawn) == ("seed warp", (64, 64), False)
    assert info.parameters == sum(tensor.numel() for tensor in network.state_dict().values())
    assert "VITON-HD" in info.trained_on
    assert [path.name for path in out.parent.iterdir()] == ["seed"]


def test_the_imported_warp_goes_to_a_photo_of_any_shape(file: Path, tmp_path: Path, drawn: Path) -> None:
    import_seed(file, tmp_path / "seed", SMALL)
    network = load_seed(tmp_path / "seed")
    split = open_dataset(drawn).splits["test"]
    seen = condition_files.read(split, split.pairs[0])
    cloth, body = seed_inputs(seen, SMALL.size)
    assert cloth.shape == (1, 4, 64, 64) and body.shape == (1, 6, 64, 64)
    assert all(part.min() >= -1e-6 and part.max() < 1.2 for part in (cloth, body)) and body[:, :3].max() > 0.9
    assert torch.equal(body[:, 3], body[:, 5]) and body[:, 3].max() > 0.5
    warped = SeedWarp(network)(seen)
    flow, mask = warped.flow, warped.mask
    assert flow.shape == (1, 2, *seen.size) and flow.isfinite().all() and not flow.requires_grad
    assert mask.shape == (1, 1, *seen.size) and set(mask.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(resize(flow, SMALL.size), seed_flows(network, seen)[-1], atol=0.05)
    with pytest.raises(DataError, match="DensePose"):
        seed_inputs(replace(seen, densepose=None), SMALL.size)


class Harm:
    """Pickled, it would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1 / 0",)


def test_anything_else_is_refused_in_one_sentence(file: Path, tmp_path: Path) -> None:
    other = published(SMALL)
    other["convs_clothing.0.weight"] = torch.zeros(3)
    endless = published(SMALL) | {"conv_after_concat_1.bias": torch.tensor([0.0, float("nan")])}
    wrong = {
        "is a folder": tmp_path,
        "is missing": tmp_path / "nowhere.pth",
        "damaged or holds more than tensors": tmp_path / "code.pth",
        "damaged or holds": tmp_path / "cut.pth",
        "damaged or": tmp_path / "text.pth",
        "no state dict": tmp_path / "bare.pth",
        "first convs_clothing.0.weight": tmp_path / "other.pth",
        "tensors differ, first clothingencoder": tmp_path / "foreign.pth",
        "expected none": tmp_path / "more.pth",
        "not finite": tmp_path / "nan.pth",
    }
    (tmp_path / "code.pth").write_bytes(pickle.dumps({"model_state_dict": Harm()}, protocol=2))
    (tmp_path / "cut.pth").write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (tmp_path / "text.pth").write_text("no weights here")
    for name, value in (
        ("bare", published(SMALL)),
        ("other", {"model_state_dict": other}),
        ("foreign", {"model_state_dict": {"weight": torch.zeros(2)}}),
        ("more", {"model_state_dict": published(SMALL) | {"zebra": torch.zeros(1)}}),
        ("nan", {"model_state_dict": endless}),
    ):
        torch.save(value, tmp_path / f"{name}.pth")
    for words, place in wrong.items():
        with pytest.raises(CheckpointError, match=words) as told:
            import_seed(place, tmp_path / "out", SMALL)
        assert str(place) in str(told.value) and "\n" not in str(told.value)
        assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    with pytest.raises(CheckpointError, match="exists already"):
        import_seed(file, tmp_path / "out", SMALL)


def test_the_command_refuses_a_network_of_another_width_and_inspects(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(file), "--out", str(tmp_path / "out")]) == 1
    assert "no warp of the seed with 96 channels" in capsys.readouterr().err
    import_seed(file, tmp_path / "out", SMALL)
    assert main(["inspect", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "seed warp" in said and "64x64" in said and "VITON-HD" in said
    assert main(["inspect", str(tmp_path)]) == 1
    assert "is no checkpoint" in capsys.readouterr().err


def test_weights_lost_from_a_checkpoint_are_told(file: Path, tmp_path: Path) -> None:
    import_seed(file, tmp_path / "out", SMALL)
    (tmp_path / "out" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        read_info(tmp_path / "out")


def test_published_weights_leave_out_what_the_seed_does_not_use() -> None:
    taken = published_weights(published(SMALL), SMALL)
    assert not any(name.startswith(UNUSED) for name in taken)
    assert taken.keys() == SeedNetwork(SMALL).state_dict().keys()
