"""The warping network of the seed, the implementation that this project carries on, so that its published weights can be asked.

`WarpingProcess` of github.com/DanMenCas/DCI-VITON, written anew with its parameters' names and shapes: after HR-VITON's
condition generator (arXiv 2206.14180), with instance normalisation and without a segmentation. It counts flows in pixels of
their level and places from corner to corner; what leaves this module is a flow as `vton.flow` has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vton.conditions import Conditions
from vton.errors import DataError
from vton.flow import identity_grid, warp

CLOTH_CHANNELS, BODY_CHANNELS = 3 + 1, 3 + 3
IDS = 15  # times the ids of a parse as grey levels: how the seed brings them to about 0..1
UNUSED = "convs_segment_after_concat.3."  # published, and in the seed's own code nothing takes what it gives


@dataclass(frozen=True)
class SeedConfig:
    """The size of the seed's network; the published one is the default."""

    height: int = 256  # pixels, a multiple of 32; photos of another shape are squeezed into it
    width: int = 256
    channels: int = 96

    def __post_init__(self) -> None:
        if self.height % 32 or self.width % 32 or min(self.height, self.width) < 32:
            raise ValueError(f"the size must be multiples of 32, not {self.height}x{self.width}")
        if self.channels < 1:
            raise ValueError(f"at least 1 channel is needed, not {self.channels}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


class SeedNetwork(nn.Module):
    """Cloth and body in, flows (N, 2, h, w) out, coarse to fine; the last at the full size."""

    def __init__(self, config: SeedConfig) -> None:
        super().__init__()
        self.config = config
        n = config.channels
        self.clothingencoder, self.posencoder = ClothEncoder(CLOTH_CHANNELS, n), BodyEncoder(BODY_CHANNELS, n)
        self.conv_after_concat_1 = nn.Conv2d(8 * n, 2, 3, padding=1)
        self.convs_clothing = nn.ModuleList(nn.Conv2d(k * n, 4 * n, 1) for k in (4, 4, 2, 1))
        self.convs_segment = nn.ModuleList(nn.Conv2d(4 * n, 4 * n, 3, padding=1) for _ in range(4))
        self.conv_after_concat_2 = nn.ModuleList(nn.Conv2d(8 * n, 2, 3, padding=1) for _ in range(4))
        self.convs_segment_after_concat = nn.ModuleList(Block(k * n, 4 * n, "up") for k in (12, 12, 10))

    def forward(self, cloth: Tensor, body: Tensor) -> tuple[Tensor, ...]:
        """`cloth` (N, 4, H, W): RGB and mask; `body` (N, 6, H, W): DensePose's colours and the parse thrice; all in 0..1."""
        cloths, bodies = self.clothingencoder(cloth), self.posencoder(body)
        moved = self.conv_after_concat_1(torch.cat([cloths[4], bodies[4]], 1))  # in pixels of its own level
        carried, state = cloths[4], bodies[6]
        flows = []
        for i in range(4):
            carried = self.convs_clothing[i](cloths[3 - i]) + _twice(carried)
            moved = _twice(moved)  # the seed doubles the grid, and not the number of pixels
            flows.append(_in_our_units(moved))
            fetched = warp(carried, flows[-1])
            moved = moved + self.conv_after_concat_2[i](torch.cat([self.convs_segment[i](state), fetched], 1))
            if i < 3:
                state = self.convs_segment_after_concat[i](torch.cat([state, fetched, bodies[3 - i]], 1))
        return *flows, _in_our_units(_twice(moved))


class Block(nn.Module):
    """A residual block; `scale` is its shortcut: "down" halves the size, "up" doubles it, "same" keeps it."""

    def __init__(self, channels_in: int, channels_out: int, direction: str = "down") -> None:
        super().__init__()
        if direction == "down":
            self.scale: nn.Module = nn.Conv2d(channels_in, channels_out, 3, 2, 1)
        elif direction == "up":
            upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            self.scale = nn.Sequential(upsample, nn.Conv2d(channels_in, channels_out, 3, padding=1))
        else:
            self.scale = nn.Conv2d(channels_in, channels_out, 1)
        self.conv_1 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.conv_2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.scale(x)
        inner = F.relu(F.instance_norm(self.conv_1(shortcut)))
        return F.relu(F.instance_norm(self.conv_2(inner)) + shortcut)


class ClothEncoder(nn.Module):
    """Features at 1/2, 1/4 ... 1/32 of the size."""

    def __init__(self, channels_in: int, n: int) -> None:
        super().__init__()
        widths = (channels_in, n, 2 * n, 4 * n, 4 * n, 4 * n)
        for i, (before, after) in enumerate(zip(widths, widths[1:], strict=False), 1):
            self.add_module(f"resnet{i}", Block(before, after))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for block in self.children():
            x = block(x)
            features.append(x)
        return features


class BodyEncoder(ClothEncoder):
    """As for the cloth, then once more at 1/32 and back at 1/16."""

    def __init__(self, channels_in: int, n: int) -> None:
        super().__init__(channels_in, n)
        self.resnet6 = Block(4 * n, 8 * n, "same")
        self.resnet7 = Block(8 * n, 4 * n, "up")


def published_weights(weights: Mapping[str, Tensor], config: SeedConfig) -> dict[str, Tensor]:
    """Of the seed's state dict what the network takes. ValueError names the first tensor that is missing, odd or too many."""
    with torch.device("meta"):
        taken, unused = SeedNetwork(config).state_dict(), Block(9 * config.channels, 4 * config.channels, "up").state_dict()
    expected = taken | {UNUSED + name: tensor for name, tensor in unused.items()}
    odd = sorted(name for name in expected.keys() | weights.keys() if _shape(expected, name) != _shape(weights, name))
    if odd:
        found, wanted = _shape(weights, odd[0]) or "missing", _shape(expected, odd[0]) or "none"
        raise ValueError(f"{len(odd)} of its {len(weights)} tensors differ, first {odd[0]}: {found}, expected {wanted}")
    return {name: weights[name] for name in taken}


def seed_inputs(conditions: Conditions, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """What the network sees of a pair, (N, 4, H, W) and (N, 6, H, W): all squeezed to `size` and ids mixed at their edges, as
    the seed does it. DataError where there is no densepose."""
    if conditions.densepose is None:
        raise DataError("This pair has no DensePose map, and the seed's warp sees it; `python -m vton.preprocess` makes it.")
    cloth = torch.cat([(conditions.cloth + 1) / 2, conditions.cloth_mask], 1)
    densepose = (conditions.densepose + 1) / 2
    densepose = densepose / densepose.amax((1, 2, 3), keepdim=True).clamp(min=1 / 255)
    parse = (conditions.parse_agnostic[:, None] * (IDS / 255)).to(cloth.dtype).expand(-1, 3, -1, -1)
    return _squeezed(cloth, size), _squeezed(torch.cat([densepose, parse], 1), size)


@torch.no_grad()
def seed_flows(network: SeedNetwork, conditions: Conditions) -> tuple[Tensor, ...]:
    """Every flow (N, 2, h, w) for the conditions, coarse to fine, between the whole photos squeezed to the network's shape: the
    numbers hold at the photo's own shape, `vton.flow.resize` brings them to its size."""
    return network(*seed_inputs(conditions, network.config.size))


def _squeezed(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(pictures, size=size, mode="bilinear", antialias=True, align_corners=False)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _in_our_units(moved: Tensor) -> Tensor:
    """Pixels (N, 2, h, w) from places that span -1..1 between the corner pixels' centres -> a flow."""
    height, width = moved.shape[-2:]
    y, x = (torch.linspace(-1, 1, n, device=moved.device) for n in (height, width))
    corners = torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]
    units = moved.new_tensor([2 / (width - 1), 2 / (height - 1)])[:, None, None]
    return corners - identity_grid((height, width), moved.device).permute(0, 3, 1, 2) + moved * units


def _shape(tensors: Mapping[str, Tensor], name: str) -> list[int] | None:
    return list(tensors[name].shape) if name in tensors else None
