"""What a warp is trained on: terms by name, each a mean over the batch, and how much each counts."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vton.dataset import IGNORED, UNCOVERED, Example
from vton.flow import jacobian, to_pixels, total_variation, warp, within
from vton.networks.warp import Prediction, Region

CHARBONNIER = 1e-3, 0.45  # eps and power of the smoothness term, as PF-AFN's (arXiv 2103.04559)
FADE = 0.5  # how much less each coarser scale counts
NARROWEST, BREAK = 0.1, -1.0  # of the flow's `jacobian`: all but folded; and no fold but a break, as beside a sleeve
BEFORE = tuple(region for region in Region if region not in (Region.BACKGROUND, Region.UPPER))  # what can hide a garment

Features = Callable[[Tensor], list[Tensor]]  # pictures (N, 3, H, W) in [-1, 1] -> features of several depths


@dataclass(frozen=True)
class WarpWeights:
    """How much each term counts; 0 leaves it out."""

    cloth: float = 1.0  # L1 of the warped cloth where it is seen, at every scale
    mask: float = 1.0  # L1 of the warped mask where nothing lies before the garment, at every scale
    perceptual: float = 0.0  # features of the warped cloth against the photo's, at the full size
    variation: float = 0.0  # total variation of the flow, pixels a pixel
    smoothness: float = 0.1  # second differences of the flow in pixels, at every scale
    folds: float = 0.0  # how far the garment is turned inside out where it is seen, and the true flow does not do so
    parse: float = 1.0  # cross-entropy of the regions
    flow: float = 0.0  # end-point error where the cloth is seen, pixels of the network's size; needs the true flow

    def __post_init__(self) -> None:
        if min(asdict(self).values()) < 0 or not any(asdict(self).values()):
            raise ValueError(f"the weights of the losses must be 0 or more, and one of them more, not {self}")


def warp_losses(
    prediction: Prediction, example: Example, weights: WarpWeights, features: Features | None = None
) -> dict[str, Tensor]:
    """Every term with a weight, weighted; the loss is their sum. ValueError where `perceptual` has a weight and no features."""
    if weights.perceptual and features is None:
        raise ValueError("the perceptual loss needs a feature network; give its weights, or set perceptual=0")
    seen, last = example.conditions, len(prediction.flows) - 1
    shares = [FADE ** (last - i) for i in range(last + 1)]
    terms: dict[str, list[Tensor]] = {name: [] for name, weight in asdict(weights).items() if weight}
    everywhere_free = _free(example.regions)
    for flow, share in zip(prediction.flows, shares, strict=True):
        size = (flow.shape[-2], flow.shape[-1])
        visible = _shrink(example.visible, size)
        if weights.cloth:
            fetched, photo = warp(_shrink(seen.cloth, size), flow), _inside(example.photo, example.visible, size)
            terms["cloth"].append(share * masked_mean((fetched - photo).abs().mean(1, keepdim=True), visible))
        if weights.mask:
            fetched, free = warp(_shrink(seen.cloth_mask, size), flow), _shrink(everywhere_free, size)
            terms["mask"].append(share * masked_mean((fetched - visible).abs(), free))
        if weights.smoothness:
            terms["smoothness"].append(share * second_order(flow))
        if weights.flow:
            truth = _inside(example.flow, example.visible, size)
            known = (visible > 0.5).float() * example.has_flow
            terms["flow"].append(share * masked_mean(distance(flow, truth, seen.size), known))
    if weights.variation:
        terms["variation"].append(total_variation(to_pixels(prediction.flow)))
    if weights.folds:
        terms["folds"].append(folding(prediction.flow, example))
    if weights.parse:
        terms["parse"].append(parse_loss(prediction.parse, example.regions))
    if weights.perceptual and features is not None:
        worn, photo = (x * example.visible for x in (warp(seen.cloth, prediction.flow), example.photo))
        terms["perceptual"].append(perceptual(worn, photo, features))
    return {name: getattr(weights, name) * torch.stack(found).sum() for name, found in terms.items()}


def parse_loss(said: Tensor, regions: Tensor) -> Tensor:
    """Cross-entropy of the logits (N, 13, H, W) with what is known of the regions (N, H, W), a mean over where something is:
    UNCOVERED counts by what is said for all regions but the garment together."""
    uncovered = regions == UNCOVERED
    named = F.cross_entropy(said, regions.masked_fill(uncovered, IGNORED), ignore_index=IGNORED, reduction="sum")
    there = said.movedim(1, -1)[uncovered].log_softmax(-1)  # few of all pixels
    others = there[:, [region for region in Region if region != Region.UPPER]].logsumexp(-1)
    return (named - others.sum()) / (regions != IGNORED).sum().clamp_min(1)


def distance(flow: Tensor, truth: Tensor, size: tuple[int, int]) -> Tensor:
    """How far each fetched place is off (N, 1, h, w), in pixels of a picture of `size`."""
    half = flow.new_tensor([size[1] / 2, size[0] / 2])[:, None, None]
    return (((flow - truth) * half).square().sum(1, keepdim=True) + 1e-6).sqrt()


def folding(flow: Tensor, example: Example) -> Tensor:
    """How far the `jacobian` of the flow (N, 2, H, W) is below NARROWEST, BREAK at the most, a mean over where the garment is
    seen. A place where the true flow is below it too does not count."""
    allowed = (jacobian(example.flow) < NARROWEST) & (example.has_flow > 0)
    counted = within(example.visible) & ~allowed
    return masked_mean(F.relu(NARROWEST - jacobian(flow).clamp_min(BREAK)), counted.float())


def second_order(flow: Tensor) -> Tensor:
    """Mean Charbonnier of the flow's second differences along rows and columns, in pixels of its own grid."""
    eps, power = CHARBONNIER
    pixels = to_pixels(flow)
    bends = (pixels.diff(n=2, dim=-1), pixels.diff(n=2, dim=-2))
    return torch.stack([(bend.square() + eps**2).pow(power).mean() for bend in bends]).sum()


def perceptual(picture: Tensor, truth: Tensor, features: Features) -> Tensor:
    """Mean L1 of features, the deepest counting 1 and each shallower one half of the next (pix2pixHD, arXiv 1711.11585)."""
    with torch.no_grad():
        wanted = features(truth)
    found = features(picture)
    shares = [FADE ** (len(found) - 1 - i) for i in range(len(found))]
    return torch.stack([s * F.l1_loss(a, b) for s, a, b in zip(shares, found, wanted, strict=True)]).sum()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` weighted by `mask`, over the batch; 0 where the mask is empty."""
    return (values * mask).sum() / mask.sum().clamp_min(1.0)


def _shrink(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """At a level's size, each pixel the mean of those that it covers."""
    return picture if picture.shape[-2:] == size else F.adaptive_avg_pool2d(picture, size)


def _inside(picture: Tensor, mask: Tensor, size: tuple[int, int]) -> Tensor:
    """At a level's size, each pixel the mean of those in the mask that it covers; 0 where there are none."""
    return _shrink(picture * mask, size) / _shrink(mask, size).clamp_min(1e-3)


def _free(regions: Tensor) -> Tensor:
    """1 where nothing lies before the garment, (N, 1, H, W)."""
    hidden = torch.isin(regions, torch.tensor((*BEFORE, IGNORED, UNCOVERED), device=regions.device))
    return (~hidden)[:, None].float()
