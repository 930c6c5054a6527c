"""What the networks are built of: residual blocks, attention between two pictures' tokens, and convex upsampling of flows."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vton.flow import identity_grid

OCTAVES = 4  # frequencies by which a token's place is told
WINDOW = 3  # a fine pixel of a flow is a mean of WINDOW x WINDOW coarse ones


def norm(channels: int) -> nn.GroupNorm:
    """Normalisation in groups: the same for a batch of any size, and without running statistics."""
    return nn.GroupNorm(math.gcd(8, channels), channels)


class ResBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; `stride` 2 halves the size. (N, in, H, W) -> (N, out, H / stride, W / stride)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride, 1)
        self.second = nn.Conv2d(channels_out, channels_out, 3, 1, 1)
        self.norm_first, self.norm_second = norm(channels_out), norm(channels_out)
        same = channels_in == channels_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, stride, stride)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.silu(self.norm_first(self.first(x)))
        return F.silu(self.shortcut(x) + self.norm_second(self.second(inner)))


class Encoder(nn.Module):
    """A pyramid of features, fine to coarse: level i is (N, widths[i], H / 2**(i+1), W / 2**(i+1))."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, widths[0], 3, 2, 1)
        self.levels = nn.ModuleList(ResBlock(a, b, stride=2) for a, b in zip(widths, widths[1:], strict=False))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [F.silu(self.stem(x))]
        for level in self.levels:
            features.append(level(features[-1]))
        return features


class Attention(nn.Module):
    """Multi-head attention of tokens (N, n, C) to others (N, m, C), after normalisation, added to the tokens."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_others = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.query, self.out = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)

    def forward(self, tokens: Tensor, others: Tensor) -> Tensor:
        query = self._split(self.query(self.norm(tokens))) / math.sqrt(tokens.shape[-1] / self.heads)
        key, value = (self._split(x) for x in self.key_value(self.norm_others(others)).chunk(2, -1))
        # Written out: for a few hundred tokens the fused kernel's backward pass is the slowest part of a step on a CPU.
        found = (query @ key.transpose(-1, -2)).softmax(-1) @ value
        return tokens + self.out(found.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def mixer(channels: int) -> nn.Sequential:
    """What a token makes of itself after attention, to be added to it."""
    return nn.Sequential(
        nn.LayerNorm(channels), nn.Linear(channels, 2 * channels), nn.SiLU(), nn.Linear(2 * channels, channels)
    )


class MatchBlock(nn.Module):
    """The cloth's tokens look at each other; the body's at each other, then at the cloth's."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.body, self.cloth, self.across = (Attention(channels, heads) for _ in range(3))
        self.mix = mixer(channels)

    def forward(self, body: Tensor, cloth: Tensor) -> tuple[Tensor, Tensor]:
        cloth = self.cloth(cloth, cloth)
        body = self.across(self.body(body, body), cloth)
        return body + self.mix(body), cloth


class Overview(nn.Module):
    """What each place of the body learns from the whole body and the whole cloth: features (N, C, h, w) of both, and of the
    body's again. What is looked at is made `coarser` times as coarse before (as in PVT, arXiv 2102.12122). At first it adds
    nothing."""

    def __init__(self, channels: int, heads: int, coarser: int) -> None:
        super().__init__()
        self.place = nn.Linear(4 * OCTAVES, channels)
        self.shrink_body, self.shrink_cloth = (nn.Conv2d(channels, channels, coarser, coarser) for _ in range(2))
        self.body, self.cloth = (Attention(channels, heads) for _ in range(2))
        self.mix = mixer(channels)
        self.out = nn.Linear(channels, channels)
        for weights in self.out.parameters():
            nn.init.zeros_(weights)

    def forward(self, body: Tensor, cloth: Tensor) -> Tensor:
        tokens = self._placed(body)
        tokens = self.body(tokens, self._placed(self.shrink_body(body)))
        tokens = self.cloth(tokens, self._placed(self.shrink_cloth(cloth)))
        seen = self.out(tokens + self.mix(tokens))
        return body + seen.transpose(1, 2).unflatten(-1, body.shape[-2:])

    def _placed(self, features: Tensor) -> Tensor:
        """As tokens (N, h * w, C) that know where they are."""
        grid = identity_grid((features.shape[-2], features.shape[-1]), features.device).flatten(1, 2)
        return features.flatten(2).transpose(1, 2) + self.place(waves(grid))


class GlobalMatch(nn.Module):
    """Where in the cloth each place of the body finds its match, over the whole picture: a first flow.

    Body and cloth features (N, C, h, w) become tokens that attend to each other; the flow (N, 2, h, w) is the mean place of the
    cloth tokens under the softmax of their likeness (as in GMFlow, arXiv 2111.13680), less the place itself. The tokens of the
    body come back as features.
    """

    def __init__(self, channels: int, blocks: int, heads: int) -> None:
        super().__init__()
        self.place = nn.Linear(4 * OCTAVES, channels)
        self.blocks = nn.ModuleList(MatchBlock(channels, heads) for _ in range(blocks))
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(channels, channels)

    def forward(self, body: Tensor, cloth: Tensor) -> tuple[Tensor, Tensor]:
        height, width = body.shape[-2:]
        grid = identity_grid((height, width), body.device).flatten(1, 2)  # (1, h * w, 2)
        place = self.place(waves(grid))
        tokens, others = (x.flatten(2).transpose(1, 2) + place for x in (body, cloth))
        for block in self.blocks:
            tokens, others = block(tokens, others)
        likeness = self.query(tokens) @ self.key(others).transpose(1, 2) / math.sqrt(tokens.shape[-1])
        fetched = (likeness.float().softmax(-1)[..., None] * grid[:, None]).sum(2)  # (N, h * w, 2), exact in mixed precision
        flow = (fetched - grid).transpose(1, 2).unflatten(-1, (height, width))
        return flow, tokens.transpose(1, 2).unflatten(-1, (height, width))


def waves(grid: Tensor) -> Tensor:
    """Places (..., 2) as sines and cosines, (..., 4 * OCTAVES)."""
    angles = grid[..., None] * (math.pi / 2 * 2.0 ** torch.arange(OCTAVES, device=grid.device))
    return torch.cat([angles.sin(), angles.cos()], -1).flatten(-2)


class ConvexUpsample(nn.Module):
    """A flow at `factor` times the size: each fine pixel is a learnt mean of the 3x3 coarse ones about it (RAFT, arXiv
    2003.12039), so that a flow can break at the edge of a sleeve. (N, 2, h, w) -> (N, 2, h * factor, w * factor)."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.weigh = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 3, 1, 1), nn.SiLU(), nn.Conv2d(2 * channels, WINDOW**2 * factor**2, 1)
        )

    def forward(self, flow: Tensor, features: Tensor) -> Tensor:
        batch, _, height, width = flow.shape
        weights = self.weigh(features).float().view(batch, 1, WINDOW**2, self.factor**2, height, width).softmax(2)
        around = F.unfold(F.pad(flow, (1, 1, 1, 1), mode="replicate"), WINDOW)
        around = around.view(batch, 2, WINDOW**2, 1, height, width)
        return F.pixel_shuffle((weights * around).sum(2).flatten(1, 2), self.factor)
