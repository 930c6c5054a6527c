"""What kind of garment a picture shows: a small network whose features compare garments in the perceptual loss."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vton.networks.layers import Encoder


@dataclass(frozen=True)
class GarmentConfig:
    """The size of the network, and the words that it chooses from."""

    height: int  # pixels that it is trained at; its features can be asked of any size
    width: int
    widths: tuple[int, ...]  # channels at 1/2, 1/4 ... of the size; each is a depth of features
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)  # attribute -> its words, as the dataset has them

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.height, self.width) < 2 ** len(self.widths):
            raise ValueError(
                f"2 widths or more are needed that fit into the size, not {self.widths} in {self.height}x{self.width}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


class GarmentNetwork(nn.Module):
    """Pictures (N, 3, H, W) of garments in [-1, 1], grey (0) around them -> logits (N, words) by attribute."""

    def __init__(self, config: GarmentConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(3, config.widths)
        self.tell = nn.Linear(2 * sum(config.widths), sum(len(words) for words in config.words.values()))

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        levels = self.features(picture)
        pooled = torch.cat([x for level in levels for x in (level.mean((2, 3)), level.amax((2, 3)))], 1)
        parts = self.tell(pooled).split([len(words) for words in self.config.words.values()], 1)
        return dict(zip(self.config.words, parts, strict=True))

    def features(self, picture: Tensor) -> list[Tensor]:
        """Features of every depth, fine to coarse: level i is (N, widths[i], H / 2**(i+1), W / 2**(i+1))."""
        return self.encoder(picture)
