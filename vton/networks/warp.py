"""The warping network: the flow that carries a garment to the body, coarse to fine, and where garment and body parts will lie.

After HR-VITON's condition generator (arXiv 2206.14180): a cloth and a body pyramid, a flow that is refined at every level with
the features that it warped, and a segmentation that tells what lies before the garment. The first flow is a match over the
whole picture in place of a convolution, and flows are in one unit (`vton.flow`) at every level.
"""

from dataclasses import dataclass
from enum import IntEnum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vton.flow import resize, warp
from vton.labels import ParseClass as P
from vton.networks.layers import ConvexUpsample, Encoder, GlobalMatch, Overview, ResBlock


class Region(IntEnum):
    """HR-VITON's 13 classes: those of a parse, joined where a try-on need not tell them apart."""

    BACKGROUND = 0
    HAIR = 1
    FACE = 2
    UPPER = 3
    BOTTOM = 4
    LEFT_ARM = 5
    RIGHT_ARM = 6
    LEFT_LEG = 7
    RIGHT_LEG = 8
    LEFT_SHOE = 9
    RIGHT_SHOE = 10
    SOCKS = 11
    NOISE = 12


MERGED: dict[Region, tuple[P, ...]] = {
    Region.BACKGROUND: (P.BACKGROUND, P.NECK),
    Region.HAIR: (P.HAT, P.HAIR),
    Region.FACE: (P.SUNGLASSES, P.FACE),
    Region.UPPER: (P.UPPER, P.DRESS, P.COAT),
    Region.BOTTOM: (P.PANTS, P.SKIRT),
    Region.LEFT_ARM: (P.LEFT_ARM,),
    Region.RIGHT_ARM: (P.RIGHT_ARM,),
    Region.LEFT_LEG: (P.LEFT_LEG,),
    Region.RIGHT_LEG: (P.RIGHT_LEG,),
    Region.LEFT_SHOE: (P.LEFT_SHOE,),
    Region.RIGHT_SHOE: (P.RIGHT_SHOE,),
    Region.SOCKS: (P.SOCKS,),
    Region.NOISE: (P.GLOVE, P.SCARF),
}
_REGION_OF = torch.tensor([next(region for region, classes in MERGED.items() if c in classes) for c in P])
CLOTH_CHANNELS, BODY_CHANNELS = 3 + 1, len(Region) + 3


def merge(parse: Tensor) -> Tensor:
    """Ids of `ParseClass` (N, H, W) -> ids of `Region`."""
    return _REGION_OF.to(parse.device)[parse]


@dataclass(frozen=True)
class WarpConfig:
    """The size of a warping network; complete ones are in `vton.presets`."""

    height: int  # pixels that it sees, a multiple of 64
    width: int
    widths: tuple[int, ...]  # channels at 1/2, 1/4 ... of the size; the last level is where matching begins
    finest: int = 1  # the level of `widths` at which the flow is refined last; it is upsampled from there
    blocks: int = 2  # of attention, at the coarsest level
    heads: int = 4  # of attention
    overview: tuple[int, ...] = ()  # the levels of `widths` whose refinement sees the whole of body and cloth as well

    def __post_init__(self) -> None:
        if self.height % 64 or self.width % 64 or min(self.height, self.width) < 64:
            raise ValueError(f"the size must be multiples of 64, not {self.height}x{self.width}")
        if not 2 <= len(self.widths) <= 6 or not 0 <= self.finest < len(self.widths) - 1:
            raise ValueError(f"2 to 6 widths and a finest level before the last are needed, not {self.widths}, {self.finest}")
        last = len(self.widths) - 1
        if not set(self.overview) <= set(range(self.finest, last + 1)):
            raise ValueError(f"overview takes levels that are refined, {self.finest} to {last}, not {self.overview}")
        if any(self.widths[level] % self.heads for level in (*self.overview, -1)):
            raise ValueError(f"widths of levels with attention must be multiples of the {self.heads} heads, not {self.widths}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


@dataclass(frozen=True)
class Prediction:
    """What the network says about a batch."""

    flows: tuple[Tensor, ...]  # (N, 2, h, w) each, coarse to fine; the last at the full size
    parse: Tensor  # (N, 13, H, W), logits of `Region` for the person in the new garment

    @property
    def flow(self) -> Tensor:
        """(N, 2, H, W)."""
        return self.flows[-1]


class WarpNetwork(nn.Module):
    """Cloth and body in, a `Prediction` out."""

    def __init__(self, config: WarpConfig) -> None:
        super().__init__()
        self.config = config
        widths, finest = config.widths, config.finest
        self.cloth, self.body = Encoder(CLOTH_CHANNELS, widths), Encoder(BODY_CHANNELS, widths)
        self.match = GlobalMatch(widths[-1], config.blocks, config.heads)
        last = len(widths) - 1
        self.refinements = nn.ModuleList(
            Refinement(
                widths[level],
                widths[min(level + 1, last)],
                Overview(widths[level], config.heads, 2 ** (last - level)) if level in config.overview else None,
            )
            for level in range(last, finest - 1, -1)
        )
        self.upsample = ConvexUpsample(widths[finest], 2 ** (finest + 1))
        self.parse = ParseHead(widths[finest], 2 ** (finest + 1))

    def forward(self, cloth: Tensor, cloth_mask: Tensor, parse_agnostic: Tensor, densepose: Tensor) -> Prediction:
        """`cloth` (N, 3, H, W) and `densepose` in [-1, 1], `cloth_mask` (N, 1, H, W), `parse_agnostic` (N, H, W) ids of
        `ParseClass`; all of the config's size."""
        regions = F.one_hot(merge(parse_agnostic), len(Region)).permute(0, 3, 1, 2).to(cloth.dtype)
        body = torch.cat([regions, densepose], 1)
        cloths = self.cloth(torch.cat([cloth, cloth_mask * 2 - 1], 1))
        bodies = self.body(body)
        flow, state = self.match(bodies[-1], cloths[-1])
        flows = [flow]
        for refinement, cloth_level, body_level in zip(self.refinements, cloths[::-1], bodies[::-1], strict=False):
            flow, state = refinement(flow, state, cloth_level, body_level)
            flows.append(flow)
        fetched = warp(cloths[self.config.finest].float(), flow)
        flows.append(self.upsample(flow, state))
        seen = torch.cat([body, warp(cloth_mask, flows[-1])], 1)
        return Prediction(tuple(flows), self.parse(torch.cat([state, fetched.to(state.dtype)], 1), seen).float())


class ParseHead(nn.Module):
    """Where the garment and each part of the body will be seen: of features at a level's size, and of the body and the warped
    mask at the full size, so that outlines are as sharp as theirs."""

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        self.fold, unfold = nn.PixelUnshuffle(scale), nn.PixelShuffle(scale)
        own, classes = (BODY_CHANNELS + 1) * scale**2, len(Region) * scale**2
        self.say = nn.Sequential(ResBlock(2 * channels + own, 2 * channels), nn.Conv2d(2 * channels, classes, 1), unfold)

    def forward(self, features: Tensor, seen: Tensor) -> Tensor:
        """`features` (N, 2 * channels, H / scale, W / scale), `seen` (N, BODY_CHANNELS + 1, H, W) -> logits (N, 13, H, W)."""
        return self.say(torch.cat([features, self.fold(seen).to(features.dtype)], 1))


class Refinement(nn.Module):
    """One level: the flow and state from above, brought to this level's size, and corrected with the cloth features that the
    flow has warped, and with an `overview` of body and cloth."""

    def __init__(self, channels: int, channels_above: int, overview: Overview | None = None) -> None:
        super().__init__()
        self.join = nn.Conv2d(2 * channels + channels_above + 2, channels, 1)
        self.think = nn.Sequential(ResBlock(channels, channels), ResBlock(channels, channels))
        self.overview = overview
        self.correct = nn.Conv2d(channels, 2, 3, 1, 1)
        for weights in self.correct.parameters():
            nn.init.zeros_(weights)  # at first nothing is corrected

    def forward(self, flow: Tensor, state: Tensor, cloth: Tensor, body: Tensor) -> tuple[Tensor, Tensor]:
        size = (body.shape[-2], body.shape[-1])
        flow = resize(flow, size)
        above = F.interpolate(state, size=size, mode="bilinear", align_corners=False)
        fetched = warp(cloth.float(), flow).to(body.dtype)
        state = self.think(self.join(torch.cat([body, fetched, above, flow.to(body.dtype)], 1)))
        if self.overview:
            state = self.overview(state, cloth)
        return flow + self.correct(state).float(), state


def visible_mask(warped_mask: Tensor, parse: Tensor) -> Tensor:
    """Where the garment will be seen, (N, 1, H, W) in 0..1: where the flow brings it and the `parse` (N, 13, H, W, logits) says
    that it lies before hair, arms and the clothes below. What only one of the two says is their misalignment, and goes."""
    return warped_mask * parse.softmax(1)[:, Region.UPPER, None]
