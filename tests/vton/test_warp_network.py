"""The warping network: shapes at every level, one unit of flow, and which of its parts see what."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from vton.flow import identity_grid
from vton.labels import ParseClass
from vton.networks.layers import ConvexUpsample, GlobalMatch, Overview
from vton.networks.warp import MERGED, Region, WarpConfig, WarpNetwork, merge, visible_mask
from vton.presets import WARP


def inputs(config: WarpConfig, n: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    lot = torch.Generator().manual_seed(1)
    size = config.size
    cloth, densepose = (torch.rand(n, 3, *size, generator=lot) * 2 - 1 for _ in range(2))
    return (
        cloth,
        torch.rand(n, 1, *size, generator=lot).round(),
        torch.randint(0, 20, (n, *size), generator=lot),
        densepose,
    )


SMALL = WarpConfig(128, 64, (8, 8, 16), blocks=1, heads=2, overview=(1, 2))


@pytest.mark.parametrize("finest", [0, 1])
def test_flows_double_from_level_to_level_and_end_at_the_full_size(finest: int) -> None:
    config = WarpConfig(128, 64, (8, 8, 16), finest=finest, blocks=1, heads=2)
    said = WarpNetwork(config)(*inputs(config))
    sizes = [tuple(flow.shape[-2:]) for flow in said.flows]
    levels = [(16, 8), (16, 8), (32, 16), (64, 32)][: 4 - finest]
    assert sizes == [*levels, (128, 64)]
    assert said.parse.shape == (2, 13, 128, 64) and said.flow is said.flows[-1]


def test_every_parameter_takes_part() -> None:
    network = WarpNetwork(SMALL)
    for refinement in network.refinements:  # these begin at zero, which would hide what lies behind them
        torch.nn.init.normal_(refinement.correct.weight)  # type: ignore[union-attr, arg-type]
        torch.nn.init.normal_(refinement.overview.out.weight)  # type: ignore[union-attr, arg-type]
    said = network(*inputs(SMALL))
    (sum(flow.square().sum() for flow in said.flows) + said.parse.square().sum()).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A key's bias adds the same to all of a softmax's arguments, so it cannot matter.
    assert [name for name in dead if name != "match.key.bias"] == []


def test_an_example_does_not_depend_on_its_batch() -> None:
    network = WarpNetwork(SMALL).eval()
    given = inputs(SMALL, 3)
    whole, alone = network(*given), network(*(x[1:2] for x in given))
    assert torch.allclose(whole.flow[1:2], alone.flow, atol=1e-5) and torch.allclose(whole.parse[1:2], alone.parse, atol=1e-4)


def test_the_first_flow_stays_within_the_garment_photo() -> None:
    match = GlobalMatch(16, blocks=1, heads=2)
    flow, _ = match(torch.randn(2, 16, 6, 4), 30 * torch.randn(2, 16, 6, 4))
    places = identity_grid((6, 4)) + flow.permute(0, 2, 3, 1)
    assert places.abs().max() < 1


def test_an_overview_adds_nothing_at_first() -> None:
    plain = WarpNetwork(replace(SMALL, overview=()))
    network = WarpNetwork(SMALL)
    assert not network.load_state_dict(plain.state_dict(), strict=False).unexpected_keys
    given = inputs(SMALL)
    assert torch.equal(network(*given).flow, plain(*given).flow)


@pytest.mark.parametrize("changed", ["body", "cloth"])
def test_an_overview_tells_every_place_of_all_others(changed: str) -> None:
    overview = Overview(16, heads=2, coarser=4)
    torch.nn.init.normal_(overview.out.weight)
    seen = {"body": torch.randn(1, 16, 16, 12), "cloth": torch.randn(1, 16, 16, 12)}
    before = overview(**seen)
    seen[changed][..., 0, 0] += 5
    after = overview(**seen)
    assert before.shape == (1, 16, 16, 12)
    assert ((after - before).abs().sum(1) > 1e-6).float().mean() > 0.9


def test_upsampling_keeps_a_constant_flow_and_never_leaves_the_range_of_its_neighbours() -> None:
    upsample = ConvexUpsample(8, 4)
    features = torch.randn(1, 8, 6, 5)
    constant = torch.tensor([0.25, -0.5])[None, :, None, None].expand(1, 2, 6, 5)
    assert torch.allclose(upsample(constant, features), constant[..., :1, :1].expand(1, 2, 24, 20), atol=1e-6)
    step = torch.zeros(1, 2, 6, 5)
    step[..., 3:] = 1
    raised = upsample(step, features)
    assert raised.shape == (1, 2, 24, 20) and raised.min() >= 0 and raised.max() <= 1 + 1e-6
    assert (raised[..., :8] == 0).all() and torch.allclose(raised[..., 16:], torch.ones(()))


def test_every_class_of_a_parse_has_one_region() -> None:
    assert sorted(c for classes in MERGED.values() for c in classes) == sorted(ParseClass)
    ids = torch.tensor([[[ParseClass.NECK, ParseClass.DRESS, ParseClass.RIGHT_SHOE, ParseClass.SCARF]]])
    assert merge(ids).flatten().tolist() == [Region.BACKGROUND, Region.UPPER, Region.RIGHT_SHOE, Region.NOISE]


def test_an_arm_before_the_garment_hides_it() -> None:
    parse = torch.full((1, 13, 1, 3), -20.0)
    parse[0, Region.UPPER, 0, 0] = parse[0, Region.LEFT_ARM, 0, 1] = parse[0, Region.UPPER, 0, 2] = 20
    warped = torch.tensor([1.0, 1.0, 0.0]).view(1, 1, 1, 3)
    assert torch.allclose(visible_mask(warped, parse).flatten(), torch.tensor([1.0, 0.0, 0.0]), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"height": 100}, "multiples of 64"),
        ({"widths": (8,)}, "2 to 6 widths"),
        ({"widths": (8, 9)}, "heads"),
        ({"finest": 2}, "finest"),
        ({"overview": (2,)}, "overview takes levels that are refined, 0 to 1"),
        ({"widths": (8, 8, 16), "finest": 1, "overview": (0,)}, "overview takes levels that are refined, 1 to 2"),
        ({"widths": (9, 8), "overview": (0,)}, "heads"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WarpConfig(**({"height": 64, "width": 64, "widths": (8, 8), "finest": 0} | change))


def test_the_demo_network_is_small_enough_for_two_cores() -> None:
    network = WarpNetwork(WARP["demo"].network)
    assert 2e6 < sum(p.numel() for p in network.parameters()) < 5e6
