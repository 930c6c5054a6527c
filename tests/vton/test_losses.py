"""The losses of the warp: each reaches the network, and each is least where it should be."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vton.dataset import IGNORED, UNCOVERED, Example, read, stack
from vton.flow import resize
from vton.networks.warp import Prediction, Region, WarpConfig, WarpNetwork
from vton.pairs import Pair, open_dataset
from vton.train.losses import WarpWeights, folding, masked_mean, parse_loss, second_order, warp_losses
from vton.train.warp import predict

CONFIG = WarpConfig(128, 64, (8, 8, 16), blocks=1, heads=2)
NAMES = tuple(field.name for field in dataclasses.fields(WarpWeights))
NONE = dict.fromkeys(NAMES, 0.0)


@pytest.fixture(scope="module")
def example(drawn: Path) -> Example:
    split = open_dataset(drawn).splits["test"]
    return stack([read(split, pair, CONFIG.size) for pair in (split.pairs[0], Pair(split.persons[1], split.persons[1]))])


@pytest.fixture(scope="module")
def network() -> WarpNetwork:
    torch.manual_seed(2)
    made = WarpNetwork(CONFIG)
    # As after the first steps: at first nothing is corrected, and everything is fetched from the middle of the garment photo.
    for refinement in made.refinements:
        nn.init.normal_(refinement.correct.weight, std=0.01)  # type: ignore[union-attr, arg-type]
    for layer in (made.match.query, made.match.key):
        nn.init.normal_(layer.weight)
    return made


class Pooled:
    """Features of two depths without weights."""

    def __call__(self, picture: Tensor) -> list[Tensor]:
        return [picture.diff(dim=-1), nn.functional.avg_pool2d(picture, 4)]


def only(**weights: float) -> WarpWeights:
    return WarpWeights(**(NONE | weights))


@pytest.mark.parametrize("name", NAMES)
def test_every_term_reaches_the_network(name: str, network: WarpNetwork, example: Example) -> None:
    network.zero_grad()
    terms = warp_losses(predict(network, example), example, only(**{name: 1.0}), Pooled())
    assert list(terms) == [name] and terms[name] > 0
    terms[name].backward()
    reached = {part for part, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    for branch in ("cloth.stem", "body.stem", "match.place"):
        assert f"{branch}.weight" in reached
    head = "parse.say.1.weight" if name == "parse" else "upsample.weigh.2.weight"
    assert head in reached


def true_prediction(example: Example) -> Prediction:
    sizes = ((16, 8), (32, 16))
    parse = torch.nn.functional.one_hot(example.regions.clamp_min(0), len(Region)).permute(0, 3, 1, 2) * 50.0
    return Prediction((*(resize(example.flow, size) for size in sizes), example.flow), parse)


def test_the_truth_costs_least(example: Example) -> None:
    weights = only(cloth=1, mask=1, parse=1, flow=1, perceptual=1)
    truth = true_prediction(example)
    astray = dataclasses.replace(truth, flows=tuple(flow + 0.1 for flow in truth.flows), parse=-truth.parse)
    best, worse = (warp_losses(x, example, weights, Pooled()) for x in (truth, astray))
    for name in best:
        assert best[name] < 0.7 * worse[name], name


def test_the_flow_term_counts_pixels_of_the_network_s_size(example: Example) -> None:
    pixel = torch.tensor([2 / 64, 0.0])[:, None, None]
    truth = Prediction((example.flow,), true_prediction(example).parse)
    off = Prediction((example.flow + 3 * pixel,), truth.parse)
    weights = only(flow=1)
    assert warp_losses(truth, example, weights)["flow"] < 0.01
    assert float(warp_losses(off, example, weights)["flow"]) == pytest.approx(3, abs=0.01)


def test_what_lies_before_the_garment_does_not_count_in_the_mask(example: Example) -> None:
    truth = true_prediction(example)
    hidden = dataclasses.replace(example, regions=torch.full_like(example.regions, Region.LEFT_ARM))
    assert warp_losses(truth, hidden, only(mask=1))["mask"] == 0


def test_what_is_not_the_garment_costs_what_is_said_for_it() -> None:
    torch.manual_seed(0)
    said = torch.randn(2, len(Region), 4, 3, requires_grad=True)
    known = torch.randint(len(Region), (2, 4, 3))
    assert torch.allclose(parse_loss(said, known), nn.functional.cross_entropy(said, known))
    half = known.clone()
    half[:, 2:] = IGNORED
    assert torch.allclose(parse_loss(said, half), nn.functional.cross_entropy(said[:, :, :2], known[:, :2]))
    half[:, 2:] = UNCOVERED
    garment = said.softmax(1)[:, Region.UPPER, 2:]
    wanted = (nn.functional.cross_entropy(said[:, :, :2], known[:, :2]) - (1 - garment).log().mean()) / 2
    assert torch.allclose(parse_loss(said, half), wanted, atol=1e-6)
    parse_loss(said, torch.full_like(known, UNCOVERED)).backward()
    assert said.grad is not None and (said.grad[:, Region.UPPER] > 0).all(), "the garment is said less there"
    assert parse_loss(said, torch.full_like(known, IGNORED)) == 0


def test_an_affine_flow_does_not_bend() -> None:
    ramp = torch.linspace(-1, 1, 24)
    affine = torch.stack([ramp.expand(16, 24) * 0.3, ramp[:16, None].expand(16, 24) - 0.2])[None]
    assert second_order(affine) < 1.1 * second_order(torch.zeros(1, 2, 16, 24))
    bent = affine + 0.1 * torch.sin(8 * ramp)
    assert second_order(bent) > 10 * second_order(affine)


def test_a_fold_costs_as_far_as_it_goes_unless_the_true_flow_folds_there(example: Example) -> None:
    across = torch.linspace(-1, 1, 64)

    def fetched_by(speed: float) -> Tensor:
        """A flow that walks through the garment photo `speed` times as fast as through the photo."""
        flow = torch.zeros_like(example.flow)
        flow[:, 0] = (speed - 1) * across
        return flow

    straight = dataclasses.replace(example, flow=fetched_by(1))
    still, back, break_off = (folding(fetched_by(speed), straight) for speed in (0, -0.5, -5))
    assert folding(straight.flow, straight) == 0
    assert still == pytest.approx(0.1, abs=0.03) and back == pytest.approx(0.6, abs=0.03)
    assert break_off == pytest.approx(1.1, abs=0.03)
    folded = dataclasses.replace(example, flow=fetched_by(-0.5))
    assert folding(folded.flow, folded) == 0
    unknown = dataclasses.replace(folded, has_flow=torch.zeros_like(example.has_flow))
    assert folding(folded.flow, unknown) == back


def test_an_empty_mask_costs_nothing() -> None:
    assert masked_mean(torch.ones(1, 1, 4, 6), torch.zeros(1, 1, 4, 6)) == 0


def test_weights_that_make_no_loss_are_refused(network: WarpNetwork, example: Example) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        only()
    with pytest.raises(ValueError, match="feature network"):
        warp_losses(predict(network, example), example, only(perceptual=1))
