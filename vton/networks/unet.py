"""The denoising U-Net: a noisy latent beside the composite's, told by the timestep and by the garment photo what to draw.

Input as DCI-VTON's (arXiv 2308.06101): noisy latent 4, composite latent 4, mask 1. Blocks with adaptive group norm after ADM
(arXiv 2105.05233), each with a squeeze-and-excitation gate (arXiv 1709.01507). The weights lie where the detail is, at the
finest levels, and garment details come by attention to the garment photo's own tokens.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vton.flow import identity_grid
from vton.networks.layers import OCTAVES, Attention, Encoder, norm, waves
from vton.networks.vae import FACTOR, LATENT_CHANNELS

INPUT_CHANNELS = LATENT_CHANNELS + LATENT_CHANNELS + 1  # noisy latent, composite latent, mask
FREQUENCIES = 64  # by which a timestep is told
SQUEEZE = 8  # how much narrower the gate is than what it gates


@dataclass(frozen=True)
class UnetConfig:
    """The size of a U-Net; complete ones are in `vton.presets`."""

    height: int  # pixels of the picture, a multiple of 64; the latent has an eighth
    width: int
    widths: tuple[int, ...]  # channels at the latent's size, at 1/2, 1/4 ... of it
    blocks: tuple[int, ...]  # at each level, on the way down and again on the way up
    attention: tuple[int, ...]  # the levels with attention; 0 is the latent's own size, where it is on the way up alone
    garment: tuple[int, ...]  # channels of the garment encoder at 1/2, 1/4 ... of the garment photo; the last are the tokens
    heads: int = 4  # of each attention
    time: int = 256  # numbers by which blocks are told the timestep

    def __post_init__(self) -> None:
        if self.height % 64 or self.width % 64 or min(self.height, self.width) < 64:
            raise ValueError(f"the size must be multiples of 64, not {self.height}x{self.width}")
        coarsest = FACTOR * 2 ** (len(self.widths) - 1)
        if not self.widths or self.height % coarsest or self.width % coarsest:
            raise ValueError(
                f"{len(self.widths)} levels need a size in multiples of {coarsest}, not {self.height}x{self.width}"
            )
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 1:
            raise ValueError(f"each of the {len(self.widths)} levels needs a number of blocks, 1 or more, not {self.blocks}")
        if not set(self.attention) <= set(range(len(self.widths))):
            raise ValueError(f"attention must be at levels from 0 to {len(self.widths) - 1}, not {self.attention}")
        if any(self.widths[level] % self.heads for level in self.attention):
            raise ValueError(f"widths with attention must be multiples of the {self.heads} heads, not {self.widths}")
        if bool(self.garment) != bool(self.attention):
            raise ValueError(f"garment tokens are for attention: give both or none, not {self.garment} and {self.attention}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return self.height, self.width

    @property
    def latent_size(self) -> tuple[int, int]:
        """(height, width) of the latent."""
        return self.height // FACTOR, self.width // FACTOR


class Unet(nn.Module):
    """What is predicted of a noisy latent at a timestep: velocity or noise, as the checkpoint's schedule says."""

    def __init__(self, config: UnetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.garment = GarmentEncoder(config.garment) if config.garment else None
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, config.time), nn.SiLU(), nn.Linear(config.time, config.time))
        self.begin = nn.Conv2d(INPUT_CHANNELS, widths[0], 3, 1, 1)
        before, above = (widths[0], *widths), (*widths[1:], 0)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            self.down.append(Level(before[level], level, config, attends=level > 0))
            self.up.append(Level(width + above[level], level, config))
        self.shrink = nn.ModuleList(nn.Conv2d(width, width, 3, 2, 1) for width in widths[:-1])
        self.end = nn.Sequential(norm(widths[0]), nn.SiLU(), zeroed(nn.Conv2d(widths[0], LATENT_CHANNELS, 3, 1, 1)))

    def forward(
        self,
        noisy: Tensor,
        t: Tensor,
        composite: Tensor,
        mask: Tensor,
        garment: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """The prediction (N, 4, h, w) for `noisy` (N, 4, h, w) at `t` (N,), int64, beside the `composite`'s latent
        (N, 4, h, w), where `mask` (N, 1, h, w), in 0..1, is the share of a place that is to be made.

        `garment` is the garment photo (N, 3, H, W) or the tokens (N, n, C) that `self.garment` made of it; None stands for no
        garment, and so it is where `keep` (N,) is false.
        """
        tokens = self._tokens(garment, keep, len(noisy))
        time = self.time(sines(t).to(noisy.dtype))
        x = self.begin(torch.cat([noisy, composite, mask], 1))
        passed = []
        for i, level in enumerate(self.down):
            x = level(x, time, tokens)
            passed.append(x)
            if i < len(self.shrink):
                x = self.shrink[i](x)
        for i, level in reversed(list(enumerate(self.up))):
            if i < len(self.shrink):
                x = torch.cat([F.interpolate(x, scale_factor=2.0), passed[i]], 1)
            x = level(x, time, tokens)
        return self.end(x)

    def _tokens(self, garment: Tensor | None, keep: Tensor | None, count: int) -> Tensor | None:
        if self.garment is None:
            return None
        if garment is None:
            return self.garment.nothing.expand(count, -1, -1)
        tokens = self.garment(garment) if garment.dim() == 4 else garment
        return tokens if keep is None else torch.where(keep[:, None, None], tokens, self.garment.nothing.to(tokens.dtype))


class GarmentEncoder(nn.Module):
    """Garment photos (N, 3, H, W) in [-1, 1] -> tokens (N, n, C), each with its place in the photo."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = Encoder(3, widths)
        self.place = nn.Linear(4 * OCTAVES, widths[-1])
        self.nothing = nn.Parameter(torch.zeros(1, 1, widths[-1]))  # the learnt token of no garment

    def forward(self, cloth: Tensor) -> Tensor:
        features = self.encoder(cloth)[-1]
        return features.flatten(2).transpose(1, 2) + places(self.place, features)


class Level(nn.Module):
    """The blocks of one size, and then attention where the config has it."""

    def __init__(self, channels_in: int, level: int, config: UnetConfig, attends: bool = True) -> None:
        super().__init__()
        width = config.widths[level]
        inputs = (channels_in, *[width] * (config.blocks[level] - 1))
        self.blocks = nn.ModuleList(TimedBlock(channels, width, config.time) for channels in inputs)
        looks = attends and level in config.attention
        self.look = Look(width, config.garment[-1], config.heads) if looks else None

    def forward(self, x: Tensor, time: Tensor, tokens: Tensor | None) -> Tensor:
        for block in self.blocks:
            x = block(x, time)
        return x if self.look is None else self.look(x, tokens)


class TimedBlock(nn.Module):
    """A residual block whose second normalisation is scaled and shifted by the timestep, gated by channel. At first it changes
    nothing but the width. (N, in, h, w) -> (N, out, h, w)."""

    def __init__(self, channels_in: int, channels_out: int, time: int) -> None:
        super().__init__()
        self.norm_first, self.norm_second = norm(channels_in), norm(channels_out)
        self.first = nn.Conv2d(channels_in, channels_out, 3, 1, 1)
        self.second = zeroed(nn.Conv2d(channels_out, channels_out, 3, 1, 1))
        self.modulate = nn.Linear(time, 2 * channels_out)
        narrow = max(4, channels_out // SQUEEZE)
        self.gate = nn.Sequential(nn.Linear(channels_out, narrow), nn.SiLU(), nn.Linear(narrow, channels_out))
        self.shortcut = nn.Identity() if channels_in == channels_out else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        inner = self.norm_second(self.first(F.silu(self.norm_first(x))))
        scale, shift = self.modulate(F.silu(time))[..., None, None].chunk(2, 1)
        inner = self.second(F.silu(inner * (1 + scale) + shift))
        gate = self.gate(inner.mean((2, 3))).sigmoid()[..., None, None]
        return self.shortcut(x) + inner * gate


class Look(nn.Module):
    """The places of a map look at each other, then at the garment's tokens (N, n, tokens). (N, C, h, w) -> the same."""

    def __init__(self, channels: int, tokens: int, heads: int) -> None:
        super().__init__()
        self.place = nn.Linear(4 * OCTAVES, channels)
        self.garment = nn.Linear(tokens, channels)
        self.within, self.across = Attention(channels, heads), Attention(channels, heads)
        self.mix = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, 2 * channels), nn.SiLU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Tensor, garment: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        placed = tokens + places(self.place, x)
        placed = self.across(self.within(placed, placed), self.garment(garment))
        found = placed + self.mix(placed)
        return found.transpose(1, 2).unflatten(-1, x.shape[-2:])


def places(embed: nn.Module, x: Tensor) -> Tensor:
    """The place of each pixel of `x` (N, C, h, w), embedded: (1, h * w, C)."""
    grid = identity_grid((x.shape[-2], x.shape[-1]), x.device).flatten(1, 2)
    found: Tensor = embed(waves(grid).to(x.dtype))
    return found


def shrink_mask(mask: Tensor) -> Tensor:
    """A picture's mask (N, 1, H, W) at the latent's size: the share of each place that it covers."""
    return F.avg_pool2d(mask, FACTOR)


def sines(t: Tensor) -> Tensor:
    """Timesteps (N,) as sines and cosines of falling frequency, (N, 2 * FREQUENCIES) (arXiv 1706.03762, section 3.5)."""
    falling = torch.exp(torch.arange(FREQUENCIES, device=t.device) * (-math.log(10_000) / FREQUENCIES))
    angles = t[:, None].float() * falling
    return torch.cat([angles.sin(), angles.cos()], 1)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with weights of 0, so that it gives nothing at first."""
    for weights in layer.parameters():
        nn.init.zeros_(weights)
    return layer
