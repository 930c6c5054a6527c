"""What runs in the worker's process: models stay open from one try-on to the next, and every step says how far it is."""

import os
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.failures_file import read_failures
from vton.checkpoint_info import NONE
from vton.errors import VtonError
from vton.pairs import Pair, open_dataset

if TYPE_CHECKING:
    from torch import Tensor

    from vton.networks.vae import Vae
    from vton.opened import Opened
    from vton.tryon import Diffusion

CANCEL, PROGRESS, PREVIEW = "cancel", "progress.json", "preview.jpg"  # in the folder where a try-on is watched
CANCELLED = "The try-on was cancelled."
PREVIEW_SHARE = 0.15  # of the time: at most so much goes into previews
PREVIEW_GAP = 0.4  # seconds between two of them, at least


def make_try_on(
    root: str, split: str, person: str, cloth: str, out: str, overlay: str, how: dict[str, Any], device: str, watched: str
) -> str:
    """One pair into a run folder; why it failed, empty when it did not.

    `overlay` is the folder of repaired maps, empty where there is none; `how` are options of `How`; in the folder `watched` is
    said how far it is, and asked to stop.
    """
    from vton.generate import GenerateConfig, generate

    pairs, mended = (Pair(person, cloth),), Path(overlay) if overlay else None
    try:
        diffusion = open_diffusion(how, device)
        config = GenerateConfig(Path(root), split, pairs=pairs, open_list=True, repairs=mended, device=device, **_given(how))
        watch, known = None, open_dataset(Path(root)).splits.get(split)
        if diffusion and known:  # without the split `generate` says what there is
            watch = Watch(Path(watched), diffusion.vae, known.need("image", person))
        failed = generate(config, Path(out), opened(), watch)
    except Stopped:
        return CANCELLED
    except (VtonError, ValueError) as error:
        return str(error)
    if not failed:
        return ""
    told = read_failures(Path(out))
    return told[-1][1] if told else f"The try-on failed and {Path(out) / 'failures.jsonl'} does not say why."


def open_models(how: dict[str, Any], device: str) -> str:
    """Open what a try-on is made by; why it cannot be, empty when it is open."""
    try:
        opened().warp(how["warp"], device)
        open_diffusion(how, device)
    except VtonError as error:
        return str(error)
    return ""


def open_diffusion(how: dict[str, Any], device: str) -> "Diffusion | None":
    """The diffusion among options of `How`, where there is one."""
    return None if how["diffusion"] == NONE else opened().diffusion(how["diffusion"], Path(how["vae"]), {}, device)


def _given(how: dict[str, Any]) -> dict[str, Any]:
    """Options of `How` as a `GenerateConfig` has them."""
    return how | ({"vae": Path(how["vae"])} if "vae" in how else {})


@cache
def opened() -> "Opened":
    """The models of this process."""
    from vton.opened import Opened

    return Opened()


class Stopped(Exception):
    """Raised at a step of a diffusion that is to go no further."""


class Watch:
    """Called at every step of a diffusion: says how far it is, shows at times what it comes to, and stops it where asked."""

    def __init__(self, folder: Path, vae: "Vae", photo: Path) -> None:
        self.folder, self.vae, self.photo = folder, vae, photo
        self.began = time.monotonic()
        self.drawn, self.drawing = float("-inf"), 0.0  # when the last preview was made, and how long all of them took
        self._heed()

    def __call__(self, step: int, steps: int, clean: "Tensor") -> None:
        from vton.images import write_json

        self._heed()
        now = time.monotonic()
        if step == 1:
            self.began = now  # what comes before the steps does not tell how long they take
        passed = now - self.began
        left = passed / (step - 1) * (steps - step) if step > 1 else None  # seconds
        write_json(self.folder / PROGRESS, {"step": step, "steps": steps, "left": left})
        if step < steps and now - self.drawn >= PREVIEW_GAP and self.drawing <= PREVIEW_SHARE * passed:
            self._draw(clean)
            self.drawn = time.monotonic()
            self.drawing += self.drawn - now

    def _heed(self) -> None:
        if (self.folder / CANCEL).exists():
            raise Stopped

    def _draw(self, clean: "Tensor") -> None:
        from vton.images import to_image, unletterbox, write_image
        from vton.metrics.pictures import size_of

        picture = self.vae.decode(clean[:1].float()).clamp(-1, 1).cpu()
        height, width = size_of(self.photo)
        factor = min(picture.shape[-2] / height, picture.shape[-1] / width)
        picture = unletterbox(picture, (max(1, round(height * factor)), max(1, round(width * factor))))
        write_image(self.folder / PREVIEW, to_image(picture), quality=85)


def look_at_warp(
    root: str, split: str, person: str, cloth: str, warp: str, out: str, overlay: str, device: str = "auto"
) -> str:
    """The pictures and numbers of a pair under a warp; why there are none, empty when there are."""
    from vton.warp_report import examine

    try:
        examine(Path(root), split, Pair(person, cloth), Path(overlay) if overlay else None, warp, Path(out), device)
    except VtonError as error:
        return str(error)
    except OSError as error:
        return f"{out} cannot be written: {error.strerror or error}."
    return ""


def end_with(parent: int) -> None:
    """Runs first, before torch is loaded: end when the studio is gone, however it went; and let threads that wait sleep, else a
    look takes three times as long beside a training."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
