"""The warps and diffusions that are open: kept for the next try-on as long as their files stay the same."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vton.checkpoint_info import CONFIG, GEOMETRIC, checkpoint_in, vae_weights
from vton.diffusions import open_diffusion, sampled, vae_folder
from vton.tryon import Diffusion
from vton.warps import Warp, open_warp

KEPT = 2  # warps, and diffusions: the ones asked for last, so that two can be compared


class Opened:
    """Opens what is asked for once; what was written anew since is opened again."""

    def __init__(self) -> None:
        self._warp = lru_cache(KEPT)(_open_warp)
        self._diffusion = lru_cache(KEPT)(_open_diffusion)

    def warp(self, name: str, device: str) -> Warp:
        """As `open_warp`."""
        return self._warp(name, device, () if name == GEOMETRIC else _written(checkpoint_in(Path(name))))

    def diffusion(self, name: str, vae: Path | None, asked: Mapping[str, Any], device: str) -> Diffusion:
        """As `open_diffusion`, sampled as `asked`."""
        written = _written(checkpoint_in(Path(name))) + _written(vae_folder(vae))
        return sampled(self._diffusion(name, vae, device, written), name, asked)


def _open_warp(name: str, device: str, _written: tuple[int, ...]) -> Warp:
    return open_warp(name, device)


def _open_diffusion(name: str, vae: Path | None, device: str, _written: tuple[int, ...]) -> Diffusion:
    return open_diffusion(name, vae, device)


def _written(folder: Path) -> tuple[int, ...]:
    """When a checkpoint's files were written, in nanoseconds; of what is not there nothing, and opening it says so."""
    return tuple(file.stat().st_mtime_ns for file in (folder / CONFIG, vae_weights(folder)) if file.is_file())
