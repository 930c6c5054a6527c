"""A cache of pictures' latents: what the autoencoder says of a picture is worked out once, and a latent drawn anew each time.

A file a picture, named by the sha256 of its content, in a folder named by the sha256 of the autoencoder's weights: so neither
another picture nor another autoencoder ever finds it. Each is written whole or not at all, also by several processes at once.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from vton.checkpoint import vae_weights
from vton.checkpoint_info import hash_weights
from vton.images import replacing
from vton.networks.vae import Posterior, Vae
from vton.progress import Progress
from vton.train.loop import lot


@dataclass(frozen=True)
class LatentCache:
    """The posteriors of pictures by one autoencoder, in half precision."""

    folder: Path
    vae: str  # the sha256 of the autoencoder's weights

    def read(self, picture: Tensor) -> Posterior | None:
        """The posterior of a picture (1, 3, H, W), float32; None where it is not here, or its file is damaged."""
        place = self._place(picture)
        try:
            stored = load_file(place)
            return Posterior(stored["mean"].float(), stored["logvar"].float())
        except (OSError, SafetensorError, KeyError):
            return None

    def keep(self, picture: Tensor, posterior: Posterior) -> None:
        """Write the posterior of a picture, both with N = 1."""
        tensors = {"mean": posterior.mean, "logvar": posterior.logvar}
        with replacing(self._place(picture)) as file:
            file.write(save({name: tensor.to("cpu", torch.float16).contiguous() for name, tensor in tensors.items()}))

    @torch.no_grad()
    def fill(self, vae: Vae, pictures: Iterable[Tensor], total: int, batch: int = 8) -> int:
        """Encode those of the `total` pictures, each (1, 3, H, W), that are not here; how many they were. What an interruption
        leaves is whole, and the next call goes on from it."""
        progress, missing, encoded = Progress(total, "Latents"), [], 0
        for picture in pictures:
            if self.read(picture) is not None:
                progress.advance()
                continue
            missing.append(picture)
            if len(missing) == batch:
                encoded += self._encode(vae, missing, progress)
                missing = []
        return encoded + self._encode(vae, missing, progress)

    def _encode(self, vae: Vae, pictures: list[Tensor], progress: Progress) -> int:
        if pictures:
            found = vae.encode(torch.cat(pictures).to(vae.scale.device))
            for i, picture in enumerate(pictures):
                self.keep(picture, Posterior(found.mean[i, None], found.logvar[i, None]))
            progress.advance(len(pictures))
        return len(pictures)

    def _place(self, picture: Tensor) -> Path:
        content = hashlib.sha256(repr(tuple(picture.shape)).encode())
        content.update(picture.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        name = content.hexdigest()
        return self.folder / self.vae / name[:2] / f"{name}.safetensors"


def open_latents(folder: Path, vae: Path) -> LatentCache:
    """The cache in `folder` for the autoencoder in the checkpoint `vae`. CheckpointError where that has no weights."""
    return LatentCache(folder, hash_weights(vae_weights(vae)))


def draw_latent(posterior: Posterior, seed: int, number: int) -> Tensor:
    """A latent of the posterior for the `number`th example of a training under `seed`: in each epoch another one."""
    return posterior.sample(lot(seed, number))
