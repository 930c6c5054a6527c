"""A VAE without weights to learn: a latent is the mean colour and brightness of 8x8 pixels, and is decoded to squares."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vton.networks.vae import Posterior

SCALE = 2.0  # of the latents, to about unit variance


class FakeVae(nn.Module):
    """Answers to what the real VAE answers to."""

    def encode(self, images: Tensor) -> Posterior:
        small = F.avg_pool2d(images, 8)
        mean = SCALE * torch.cat([small, small.mean(1, keepdim=True)], 1)
        return Posterior(mean, torch.full_like(mean, -12.0))

    def decode(self, latent: Tensor) -> Tensor:
        return F.interpolate(latent[:, :3] / SCALE, scale_factor=8.0)


def load_fake_vae(folder: object, device: torch.device | str = "cpu") -> FakeVae:
    """In place of `load_vae`."""
    return FakeVae().to(device)
