"""A tiny VAE and diffusion of random weights, saved as a training saves them; what they draw means nothing."""

from dataclasses import asdict
from pathlib import Path

import torch

from vton.checkpoint import save_unet, save_vae
from vton.checkpoint_info import WEIGHTS, hash_weights
from vton.diffusion import DiffusionConfig
from vton.networks.unet import Unet, UnetConfig
from vton.networks.vae import Vae
from vton.presets import VAE
from vton.sampling import Sampling

SIZES = UnetConfig(128, 64, (16, 24), blocks=(1, 1), attention=(1,), garment=(8, 8, 16), heads=2, time=32)
OWN = Sampling(steps=3, strength=0.8)  # by which it is sampled where nothing else is asked for


def save_tiny(
    home: Path, name: str = "small", drawn: bool = True, seed: int = 0, sizes: UnetConfig = SIZES
) -> tuple[Path, Path]:
    """The folders of a diffusion called `name` and of its VAE, in `home`."""
    torch.manual_seed(seed)
    diffusion, vae = home / name, home / f"{name}-vae"
    data = {"root": "/sets/some", "pairs": 9, "drawn": drawn}
    save_vae(vae, Vae(VAE["tiny"].network), {"step": 4, "data": data})
    used = {"vae": {"name": vae.name, "sha256": hash_weights(vae / WEIGHTS)}, "sampling": asdict(OWN)}
    save_unet(diffusion, Unet(sizes), {"step": 5, "data": data, "diffusion": asdict(DiffusionConfig()), **used})
    return diffusion, vae
