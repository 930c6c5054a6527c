"""The autoencoder: its latents, its checkpoints, and what diffusers saved."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vton.checkpoint import export, load_vae, save_vae
from vton.checkpoint_info import CONFIG, PUBLISHED_WEIGHTS, WEIGHTS, read_info, vae_weights
from vton.errors import CheckpointError
from vton.networks.vae import FACTOR, LATENT_CHANNELS, Posterior, Vae, VaeConfig
from vton.presets import VAE

SIZES = VaeConfig(64, 48, (8, 16, 16), patch=2)


def made(config: VaeConfig = SIZES, seed: int = 1) -> Vae:
    torch.manual_seed(seed)
    return Vae(config).eval()


def pictures(n: int = 2, height: int = 64, width: int = 48) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.mark.parametrize("config", [SIZES, VaeConfig(32, 64, (8, 8, 8, 16), blocks=2, attention=True)])
def test_latents_are_an_eighth_of_the_picture_and_pictures_come_back_at_their_size(config: VaeConfig) -> None:
    network = made(config)
    for height, width in (config.size, (24, 40)):
        posterior = network.encode(pictures(2, height, width))
        wanted = (2, LATENT_CHANNELS, height // FACTOR, width // FACTOR)
        assert posterior.mean.shape == posterior.logvar.shape == wanted
        assert network.decode(posterior.mean).shape == (2, 3, height, width)
    with pytest.raises(ValueError, match="multiples of 8, not 60x48"):
        network.encode(pictures(1, 60, 48))


def test_a_latent_is_drawn_of_noise_or_of_a_generator() -> None:
    mean, logvar = torch.full((1, 4, 40, 30), 3.0), torch.full((1, 4, 40, 30), 2.0).log() * 2
    posterior = Posterior(mean, logvar)
    assert torch.equal(posterior.sample(torch.zeros_like(mean)), mean)
    first, again, other = (posterior.sample(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert abs(float(first.mean()) - 3) < 0.1 and abs(float(first.std()) - 2) < 0.1


def test_measured_latents_have_unit_variance_and_mean_the_same_pictures() -> None:
    network, seen = made(), pictures(6)
    before = network.decode(network.encode(seen).mean)
    network.measure([seen[:4], seen[4:]])
    scale = network.scale.clone()
    latents = torch.cat([network.encode(seen).sample(torch.Generator().manual_seed(i)) for i in range(20)])
    assert torch.allclose(latents.mean((0, 2, 3)), torch.zeros(4), atol=0.05)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=0.05)
    assert torch.allclose(network.decode(network.encode(seen).mean), before, atol=1e-4)
    network.measure([seen])
    assert torch.allclose(network.scale, scale), "measured anew, not on top of what was measured before"


def test_the_gradient_goes_back_through_the_decoder() -> None:
    network = made().requires_grad_(False)
    latent = torch.randn(1, 4, 8, 6, requires_grad=True)
    network.decode(latent)[..., :32, :].sum().backward()
    assert latent.grad is not None and latent.grad.abs().amax((1, 3)).min() > 0


@pytest.mark.parametrize(
    "wrong", [{"widths": (8, 16)}, {"widths": (8, 12, 16)}, {"height": 60}, {"blocks": 0}, {"patch": 1}, {"groups": 0}]
)
def test_sizes_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    sizes = {"height": 64, "width": 48, "widths": (8, 16, 16), "patch": 2}
    with pytest.raises(ValueError, match="not "):
        VaeConfig(**(sizes | wrong))


def test_the_presets_have_the_sizes_that_are_told() -> None:
    assert sum(value.numel() for value in Vae(VAE["demo"].network).parameters()) < 4.1e6
    with torch.device("meta"):
        published = Vae(VAE["sd"].network)
    assert sum(value.numel() for value in published.parameters()) == 83_653_863


def test_a_checkpoint_brings_back_weights_and_scale(tmp_path: Path) -> None:
    network, seen = made(), pictures()
    network.measure([seen])
    save_vae(tmp_path / "vae", network, {"step": 3, "data": "pictures"})
    loaded = load_vae(tmp_path / "vae")
    assert loaded.config == SIZES and not loaded.training
    assert torch.equal(loaded.encode(seen).mean, network.encode(seen).mean) and not torch.equal(loaded.scale, torch.ones(4))
    assert vae_weights(tmp_path / "vae") == tmp_path / "vae" / WEIGHTS
    info = read_info(tmp_path / "vae")
    assert (info.kind, info.size, info.step) == ("vae", (64, 48), 3)
    export(tmp_path / "vae", tmp_path / "given")
    assert torch.allclose(load_vae(tmp_path / "given").encode(seen).mean, network.encode(seen).mean, atol=0.02)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        load_vae(tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small AutoencoderKL as diffusers saves it."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    torch.manual_seed(5)
    folder = tmp_path_factory.mktemp("diffusers") / "sd-vae"
    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=2,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.18215,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_what_diffusers_saved_gives_its_latents_scaled(saved: Path) -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    theirs, ours, seen = AutoencoderKL.from_pretrained(saved).eval(), load_vae(saved), pictures()
    said: Any = theirs.encode(seen)
    posterior = ours.encode(seen)
    assert torch.allclose(posterior.mean, said.latent_dist.mean * 0.18215, atol=1e-6)
    assert torch.allclose((posterior.logvar / 2).exp(), said.latent_dist.std * 0.18215, atol=1e-6)
    back: Any = theirs.decode(said.latent_dist.mean)
    assert torch.allclose(ours.decode(posterior.mean), back.sample, atol=1e-4)
    assert ours.config == VaeConfig(64, 64, (8, 8, 16, 16), blocks=2, groups=4, attention=True)
    assert vae_weights(saved) == saved / PUBLISHED_WEIGHTS


def test_the_older_names_of_its_attention_are_known(saved: Path, copy: Path) -> None:
    older = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = load_file(copy / PUBLISHED_WEIGHTS)
    renamed = {next((n.replace(new, old) for new, old in older.items() if f".{new}." in n), n): x for n, x in weights.items()}
    assert renamed.keys() != weights.keys()
    save_file(renamed, copy / PUBLISHED_WEIGHTS)
    assert torch.equal(load_vae(copy).encode(pictures()).mean, load_vae(saved).encode(pictures()).mean)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"_class_name": "AutoencoderTiny"}, "holds a AutoencoderTiny of diffusers, and an AutoencoderKL is needed"),
        ({"latent_channels": 16}, "its latent_channels is 16, and 4 is needed"),
        ({"block_out_channels": [8, 8, 16]}, "its latents are 4 times smaller than pictures, and 8 times is needed"),
        ({"block_out_channels": None}, "its block_out_channels are None"),
        ({"scaling_factor": None}, "its scaling_factor is None, and a number above 0 is needed"),
        ({"scaling_factor": 0}, "its scaling_factor is 0"),
        ({"down_block_types": ["AttnDownEncoderBlock2D"] * 4}, "DownEncoderBlock2D alone is known"),
        ({"norm_num_groups": 3}, "every width must be a multiple of the 3 groups"),
        ({"layers_per_block": "2"}, "is no autoencoder that can be used here"),
        ({"layers_per_block": 1}, "tensors differ, first"),
    ],
)
def test_another_autoencoder_is_refused_in_a_sentence(copy: Path, change: dict[str, Any], said: str) -> None:
    config = json.loads((copy / CONFIG).read_text())
    (copy / CONFIG).write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=said):
        load_vae(copy)


def only_a_pickle(folder: Path) -> None:
    (folder / PUBLISHED_WEIGHTS).rename(folder / "diffusion_pytorch_model.bin")


def cut_off(folder: Path) -> None:
    whole = (folder / PUBLISHED_WEIGHTS).read_bytes()
    (folder / PUBLISHED_WEIGHTS).write_bytes(whole[: len(whole) // 2])


def one_missing(folder: Path) -> None:
    weights = load_file(folder / PUBLISHED_WEIGHTS)
    weights.pop("decoder.conv_out.bias")
    save_file(weights, folder / PUBLISHED_WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (only_a_pickle, "other files, which may run code, are not opened"),
        (cut_off, "cannot be read as safetensors"),
        (one_missing, "1 tensors differ, first network.decoder.conv_out.bias, missing in the file"),
    ],
)
def test_pickles_and_damaged_weights_are_not_opened(copy: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(copy)
    with pytest.raises(CheckpointError, match=said):
        load_vae(copy)
