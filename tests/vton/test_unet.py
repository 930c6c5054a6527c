"""The U-Net: shapes, what reaches its output, and where its weights lie."""

import pytest
import torch
from torch import Tensor

from vton.networks.unet import GarmentEncoder, Unet, UnetConfig, shrink_mask, sines
from vton.presets import DIFFUSION

SIZES = DIFFUSION["tiny"].network


@pytest.fixture
def network() -> Unet:
    """A U-Net whose layers that begin at 0 are no longer 0."""
    torch.manual_seed(2)
    made = Unet(SIZES)
    for weights in made.parameters():
        if not weights.any():
            torch.nn.init.normal_(weights, std=0.1)
    return made.eval()


def inputs(count: int = 2) -> dict[str, Tensor]:
    lot = torch.Generator().manual_seed(3)
    height, width = SIZES.latent_size
    return {
        "noisy": torch.randn(count, 4, height, width, generator=lot),
        "t": torch.randint(1000, (count,), generator=lot),
        "composite": torch.randn(count, 4, height, width, generator=lot),
        "mask": torch.rand(count, 1, height, width, generator=lot),
        "garment": torch.rand(count, 3, *SIZES.size, generator=lot) * 2 - 1,
    }


def test_a_prediction_has_the_latents_shape_and_begins_at_nothing(network: Unet) -> None:
    assert network(**inputs()).shape == (2, 4, 8, 16)
    assert not Unet(SIZES)(**inputs()).any()


@pytest.mark.parametrize("changed", ["noisy", "t", "composite", "mask", "garment"])
def test_everything_given_reaches_the_prediction_of_its_own_example(network: Unet, changed: str) -> None:
    given = inputs()
    before = network(**given)
    other = given[changed].clone()
    other[1] = other[1].flip(-1) if other[1].dim() else 1000 - other[1]
    after = network(**given | {changed: other})
    assert torch.allclose(after[0], before[0], atol=1e-5) and not torch.allclose(after[1], before[1], atol=1e-3)


def test_tokens_made_before_are_as_good_as_the_photo(network: Unet) -> None:
    given = inputs()
    assert network.garment is not None
    tokens = network.garment(given["garment"])
    assert tokens.shape == (2, 8 * 16, SIZES.garment[-1])
    assert torch.equal(network(**given | {"garment": tokens}), network(**given))


def test_a_garment_that_is_not_kept_is_none(network: Unet) -> None:
    given = inputs()
    without = network(**given | {"garment": None})
    mixed = network(**given, keep=torch.tensor([True, False]))
    assert torch.allclose(mixed[1], without[1], atol=1e-5)
    assert torch.allclose(mixed[0], network(**given)[0], atol=1e-5) and not torch.allclose(mixed[0], without[0], atol=1e-3)


def test_tokens_know_their_place() -> None:
    torch.manual_seed(0)
    encoder = GarmentEncoder((8, 16))
    plain = encoder(torch.ones(1, 3, 32, 64))[0].unflatten(0, (8, 16))[2:-2, 2:-2].flatten(0, 1)
    apart = torch.cdist(plain, plain) + torch.eye(len(plain))
    assert apart.min() > 1e-3


def test_every_weight_is_learnt_with_and_without_a_garment() -> None:
    torch.manual_seed(0)
    network, optimised = Unet(SIZES), inputs()
    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    for _ in range(3):  # layers that begin at 0 keep the gradient from those before them
        optimizer.zero_grad()
        (network(**optimised, keep=torch.tensor([True, False])) - 1).square().mean().backward()
        optimizer.step()
    still = [name for name, weights in network.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert not still


def test_a_network_without_attention_has_no_garment() -> None:
    sizes = UnetConfig(64, 128, (8, 16), blocks=(1, 2), attention=(), garment=())
    network = Unet(sizes)
    assert network.garment is None and network(**inputs(), keep=torch.tensor([True, False])).shape == (2, 4, 8, 16)


def level_sizes(sizes: UnetConfig) -> list[int]:
    """Parameters by level, fine to coarse."""
    with torch.device("meta"):
        network = Unet(sizes)
    return [
        sum(p.numel() for part in (network.down[i], network.up[i]) for p in part.parameters()) for i in range(len(sizes.widths))
    ]


@pytest.mark.parametrize("name", ["demo", "base", "hd"])
def test_most_weights_lie_where_the_detail_is(name: str) -> None:
    levels = level_sizes(DIFFUSION[name].network)
    assert levels[0] + levels[1] > sum(levels) / 2 and levels[-1] < max(levels)


def test_the_seeds_weights_lie_where_no_detail_is() -> None:
    levels = level_sizes(DIFFUSION["seed"].network)
    assert sum(levels[4:]) > 0.88 * sum(levels)


@pytest.mark.parametrize(("name", "low", "high"), [("demo", 12, 17), ("base", 60, 150), ("hd", 60, 150)])
def test_presets_have_the_size_that_they_are_meant_to_have(name: str, low: int, high: int) -> None:
    with torch.device("meta"):
        count = sum(weights.numel() for weights in Unet(DIFFUSION[name].network).parameters())
    assert low * 1e6 < count < high * 1e6


def test_timesteps_are_told_apart() -> None:
    apart = torch.cdist(sines(torch.arange(1000)), sines(torch.arange(1000))) + torch.eye(1000)
    assert apart.min() > 0.1


def test_a_mask_shrinks_to_shares() -> None:
    mask = torch.zeros(1, 1, 16, 32)
    mask[..., :4, :8] = 1
    assert shrink_mask(mask).tolist() == [[[[0.5, 0, 0, 0], [0, 0, 0, 0]]]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"height": 96}, "multiples of 64"),
        ({"widths": (8,) * 5, "blocks": (1,) * 5}, "5 levels need a size"),
        ({"blocks": (1,)}, "needs a number of blocks"),
        ({"attention": (2,)}, "levels from 0 to 1"),
        ({"heads": 5}, "multiples of the 5 heads"),
        ({"garment": ()}, "both or none"),
    ],
)
def test_sizes_that_cannot_be_are_refused(wrong: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        UnetConfig(**{**vars(SIZES), **wrong})
