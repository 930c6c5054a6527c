"""A cache of pictures' latents: what the autoencoder says of a picture is worked out once, and a latent drawn anew each time.

A file a picture, named by the sha256 of its content, in a folder named by the sha256 of the autoencoder: so neither another
picture nor another autoencoder ever finds it. Each is written whole or not at all, also by several processes at once, and what
is deleted is worked out again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from vton.checkpoint_info import CONFIG, hash_weights, vae_weights
from vton.images import replacing
from vton.networks.vae import FACTOR, LATENT_CHANNELS, Posterior, Vae

BLOCK, HEADER = 4096, 200  # bytes: what a disk gives out at once, and what a file holds beside its numbers


@dataclass(frozen=True)
class LatentCache:
    """The posteriors of pictures by one autoencoder, in half precision."""

    folder: Path
    vae: str  # the sha256 of the autoencoder, and of the precision that it computes in

    def read(self, picture: Tensor) -> Posterior | None:
        """The posterior of a picture (1, 3, H, W), float32; None where it is not here, or its file is damaged."""
        place = self._place(picture)
        try:
            stored = load_file(place)
            return Posterior(stored["mean"].float(), stored["logvar"].float())
        except (OSError, SafetensorError, KeyError):
            return None

    @torch.no_grad()
    def encode(self, vae: Vae, picture: Tensor) -> Posterior:
        """The posterior of a picture (1, 3, H, W) on its device: worked out and kept where it is not here. It is the same
        either way, whatever else is encoded with it."""
        found = self.read(picture)
        if found is None:
            said = vae.encode(picture)
            stored = {"mean": said.mean.to("cpu", torch.float16), "logvar": said.logvar.to("cpu", torch.float16)}
            with replacing(self._place(picture)) as file:
                file.write(save({name: tensor.contiguous() for name, tensor in stored.items()}))
            found = Posterior(stored["mean"].float(), stored["logvar"].float())
        return found.to(picture.device)

    def _place(self, picture: Tensor) -> Path:
        content = hashlib.sha256(repr(tuple(picture.shape)).encode())
        content.update(picture.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        name = content.hexdigest()
        return self.folder / self.vae / name[:2] / f"{name}.safetensors"


def open_latents(folder: Path, vae: Path, precision: str = "no") -> LatentCache:
    """The cache in `folder` for the autoencoder in the checkpoint `vae` that computes in a `precision` of the training loop's:
    for its weights, and its config, in which a published one has the scale of its latents. CheckpointError where it has no
    weights."""
    config = hash_weights(vae / CONFIG) if (vae / CONFIG).is_file() else ""
    parts = f"{hash_weights(vae_weights(vae))} {config} {precision}"
    return LatentCache(folder, hashlib.sha256(parts.encode()).hexdigest())


def disk_bytes(pictures: int, size: tuple[int, int]) -> int:
    """What so many pictures of `size` (height, width) take on a disk: mean and log-variance, two bytes a number."""
    content = HEADER + 2 * 2 * LATENT_CHANNELS * (size[0] // FACTOR) * (size[1] // FACTOR)
    return pictures * -(-content // BLOCK) * BLOCK
