"""Try-on: conditions to warped cloth to latent to image; the whole route on one screen."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from vton.areas import hang
from vton.body import find_body
from vton.conditions import Conditions
from vton.detail import DETAIL, carry_detail
from vton.devices import likes_bf16
from vton.diffusion import Predict, Preview, Schedule, denoise
from vton.fill import ERASED, fill_bare
from vton.geometric import Warped, geometric_warp
from vton.images import letterbox, to_image, to_tensor, unletterbox
from vton.networks.unet import Unet, shrink_mask
from vton.networks.vae import Vae
from vton.paste import paste_back
from vton.sampling import Sampling

COMPOSITE = 3  # counted up whenever `compose` fills in another way, so that no training mixes two


@dataclass(frozen=True)
class Result:
    """All stages of one try-on, at the photo's size."""

    warped: Warped
    composite: Tensor  # (1, 3, H, W): what a diffusion model starts from, see `compose`
    image: Tensor  # (1, 3, H, W): equal to the photo wherever the agnostic mask is 0
    seconds: dict[str, float]  # by stage


def try_on(conditions: Conditions, warp: Callable[[Conditions], Warped] = geometric_warp, refined: bool = False) -> Result:
    """Put the cloth of one pair (N = 1) on, moved by `warp`, bare regions filled in. Where a diffusion is to make it `refined`,
    the image is no more than the composite."""
    start = time.perf_counter()
    warped = warp(conditions)
    moved = time.perf_counter()
    composite = compose(conditions, warped)
    shown = composite if refined else _lay_on(conditions, warped, conditions.parse[0].numpy())
    filled = time.perf_counter()
    image = paste_back(shown, conditions)
    seconds = {"warp": moved - start, "fill": filled - moved, "paste": time.perf_counter() - filled}
    return Result(warped, composite, image, seconds)


def compose(conditions: Conditions, warped: Warped) -> Tensor:
    """The composite (1, 3, H, W) of one pair: the agnostic with the warped cloth laid in, and what that leaves bare filled by
    what is seen outside of the agnostic mask. Beside what the warp itself knows of it (the geometric one reads the arms and the
    silhouette off the photo, a learned one does not) it shows nothing of what is erased."""
    erased = conditions.agnostic_mask[0, 0].numpy() > 0
    return _lay_on(conditions, warped, np.where(erased, ERASED, conditions.parse[0].numpy()))


def _lay_on(conditions: Conditions, warped: Warped, parse: np.ndarray) -> Tensor:
    """The warped cloth of one pair over the photo, bare regions filled by what `parse` (H, W) tells of it."""
    body, mask = find_body(parse, conditions.keypoints[0].numpy()), conditions.agnostic_mask[0, 0].numpy() > 0
    laid = hang(warped.mask[0, 0].numpy() > 0, mask, parse, body, warped.sleeve_ends)
    worn = warped.mask * torch.from_numpy(laid)
    bare = fill_bare(to_image(conditions.image), parse, body, mask, laid, warped.sleeve_ends)
    soft = _soften(worn, conditions.size)
    return to_tensor(bare) * (1 - soft) + warped.cloth * soft


@dataclass(frozen=True)
class Diffusion:
    """A U-Net and its VAE, ready to make composites into pictures."""

    network: Unet
    vae: Vae
    schedule: Schedule
    sampling: Sampling
    paste: str = "feathered"  # of PASTES
    detail: float = DETAIL  # of the detail that the VAE loses of the composite: how much is laid back

    @property
    def device(self) -> torch.device:
        """Where both compute."""
        return next(self.network.parameters()).device

    def refine(
        self,
        begun: Sequence[Result],
        conditions: Sequence[Conditions],
        names: Sequence[str],
        seed: int = 0,
        preview: Preview | None = None,
    ) -> list[Result]:
        """The try-ons (N = 1 each, photos of any size) with images that are sampled from their composites and pasted back. The
        noise is of the seed and the pair's name, so a picture does not depend on what else is made with it.

        `preview` is given the step, the number of steps and the clean latents of those that are under way.
        """
        # On a CPU a batch gains nothing, and what a sum comes to depends on how it is cut.
        size = 1 if self.device.type == "cpu" else max(1, len(begun))
        made: list[Result] = []
        for first in range(0, len(begun), size):
            start, part = time.perf_counter(), slice(first, first + size)
            fitted = [fit_composite(a, b, self.network.config.size) for a, b in zip(begun[part], conditions[part], strict=True)]
            composite, mask, cloth = (torch.cat(tensors) for tensors in zip(*fitted, strict=True))
            lots = [lot_of(seed, name) for name in names[part]]
            sampled = (x.cpu().split(1) for x in self.sample(composite, mask, cloth, lots, preview))
            seconds = (time.perf_counter() - start) / len(fitted)
            for result, seen, *both in zip(begun[part], conditions[part], *sampled, strict=True):
                picture, rebuilt = (unletterbox(x, seen.size) for x in both)
                picture = carry_detail(picture, rebuilt, result.composite, self.detail).clamp(-1, 1)
                image = paste_back(picture, seen, self.paste)
                made.append(replace(result, image=image, seconds=result.seconds | {"diffusion": seconds}))
        return made

    @torch.no_grad()
    def sample(
        self,
        composite: Tensor,
        mask: Tensor,
        cloth: Tensor,
        lots: Sequence[torch.Generator],
        preview: Preview | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, H, W) from composites (N, 3, H, W), what is to be made of them (N, 1, H, W) and garment photos
        (N, 3, H, W), all of the network's size; and what the VAE alone makes of the composites. With `Sampling.mirror` both are
        means with those of the mirror image, whose steps are counted on."""
        seen = [x.to(self.device) for x in (composite, mask, cloth)]
        if not self.sampling.mirror:
            return self._sample(seen, lots, preview)
        first, second = _halves(preview) if preview else (None, None)
        one, other = self._sample(seen, lots, first), self._sample([x.flip(-1) for x in seen], lots, second)
        picture, rebuilt = ((a + b.flip(-1)) / 2 for a, b in zip(one, other, strict=True))
        return picture, rebuilt

    def _sample(
        self, seen: Sequence[Tensor], lots: Sequence[torch.Generator], preview: Preview | None
    ) -> tuple[Tensor, Tensor]:
        composite, mask, cloth = seen
        kind = self.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=likes_bf16(kind)):
            latent = self.vae.encode(composite).mean.float()
            predict = self._predict(latent, shrink_mask(mask), cloth)
            clean = denoise(predict, self.schedule, self.sampling, latent, lots, preview)
            return self.vae.decode(clean).float(), self.vae.decode(latent).float()

    def _predict(self, composite: Tensor, mask: Tensor, cloth: Tensor) -> Predict:
        """The network's prediction, towards the garment by the guidance."""
        network, schedule, guidance = self.network, self.schedule, self.sampling.guidance
        tokens = network.garment(cloth) if network.garment else None

        def predict(noisy: Tensor, t: Tensor) -> Tensor:
            said = network(noisy, t, composite, mask, tokens).float() + schedule.expected(noisy, composite, t)
            if guidance == 1 or tokens is None:
                return said
            free = network(noisy, t, composite, mask).float() + schedule.expected(noisy, composite, t)
            return free + guidance * (said - free)

        return predict


def fit_composite(begun: Result, conditions: Conditions, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Composite, agnostic mask and garment photo at a network's `size`, as it saw them in its training."""
    mask = letterbox(conditions.agnostic_mask, size, mode="nearest")
    return letterbox(begun.composite, size), mask, letterbox(conditions.cloth, size, value=1.0)


def _halves(preview: Preview) -> tuple[Preview, Preview]:
    """The preview for a picture, and that for its mirror image afterwards: together one count of steps."""

    def first(step: int, steps: int, clean: Tensor) -> None:
        preview(step, 2 * steps, clean)

    def second(step: int, steps: int, clean: Tensor) -> None:
        preview(steps + step, 2 * steps, clean.flip(-1))

    return first, second


def lot_of(seed: int, name: str) -> torch.Generator:
    """The generator of the noise of a pair, under a seed."""
    drawn = hashlib.sha256(f"{seed} {name}".encode()).digest()[:8]
    return torch.Generator().manual_seed(int.from_bytes(drawn, "little") >> 1)


def _soften(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask with an edge as soft as a lens makes it, never outside of it."""
    sigma = max(0.6, 0.0012 * size[0])
    blurred = cv2.GaussianBlur(mask[0, 0].numpy(), (0, 0), sigma)
    return torch.from_numpy(np.clip(2 * blurred - 1, 0, 1))[None, None] * mask
