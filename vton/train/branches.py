"""What a diffusion is trained on, after DCI-VTON (arXiv 2308.06101): two branches at the same timestep.

The first denoises the photo's latent. The second denoises the composite's, as a try-on does, and what comes out is compared
with the photo as a picture: the gradient goes back through the VAE's decoder.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from vton.diffusion import Schedule
from vton.latents import LatentCache
from vton.networks.unet import shrink_mask
from vton.networks.vae import Posterior, Vae
from vton.train.losses import Features, masked_mean, perceptual
from vton.train.wearing import Wearing


@dataclass(frozen=True)
class BranchWeights:
    """How much each term counts, and what the second branch sees; 0 leaves a term out, and the second branch without any."""

    denoising: float = 1.0  # squared error of the prediction for the photo's latent, Min-SNR weighted
    latent: float = 0.0  # squared error of the second branch's clean latent: cheap, nothing is decoded
    pixels: float = 0.5  # L1 of the second branch's picture inside the mask
    perceptual: float = 0.1  # features of the second branch's picture, pasted into the photo
    gamma: float = 5.0  # Min-SNR's
    below: int = 700  # timesteps at which there is a second branch; above, a clean latent is only guessed
    share: float = 0.5  # of the batch that the second branch takes at most

    def __post_init__(self) -> None:
        if min(asdict(self).values()) < 0 or not self.denoising or not 0 < self.share <= 1 or not self.gamma:
            raise ValueError(f"weights must be 0 or more, denoising and gamma above 0, share above 0 to 1, not {self}")

    @property
    def second(self) -> bool:
        """Whether there is a second branch."""
        return bool(self.latent or self.pixels or self.perceptual)


def branch_losses(
    model: nn.Module,
    batch: Wearing,
    vae: Vae,
    schedule: Schedule,
    weights: BranchWeights,
    features: Features | None = None,
    cache: LatentCache | None = None,
) -> dict[str, Tensor]:
    """Every term with a weight, weighted; the loss is their sum. ValueError where `perceptual` has a weight and no features."""
    if weights.perceptual and features is None:
        raise ValueError("the perceptual loss needs a feature network; give its weights, or set perceptual=0")
    mask = shrink_mask(batch.mask)
    on_photo, on_composite, *own = batch.noises.unbind(1)
    clean, begin = (said.sample(noise) for said, noise in zip(posteriors(batch, vae, cache), own, strict=True))
    refined = chosen(batch.t, weights)
    t = torch.cat([batch.t, batch.t[refined]])
    start, noise = torch.cat([clean, begin[refined]]), torch.cat([on_photo, on_composite[refined]])
    noisy = schedule.add_noise(start, noise, t)
    seen = [torch.cat([x, x[refined]]) for x in (begin, mask, batch.cloth, batch.keep)]
    said = model(noisy, t, *seen).float() + schedule.expected(noisy, seen[0], t)

    first = len(batch)
    error = (said[:first] - schedule.target(clean, on_photo, batch.t)).square().mean((1, 2, 3))
    terms = {"denoising": (schedule.weights(batch.t, weights.gamma) * error).mean()}
    if weights.second:
        found = schedule.to_clean(said[first:], noisy[first:], t[first:])
        terms |= refinement(found, clean[refined], batch.photo[refined], batch.mask[refined], vae, weights, features)
    return {name: getattr(weights, name) * term for name, term in terms.items()}


@torch.no_grad()
def posteriors(batch: Wearing, vae: Vae, cache: LatentCache | None) -> tuple[Posterior, Posterior]:
    """What the latents of the photos and of the composites may be: as the batch knows it, else worked out, and kept in the
    cache where there is one."""
    if cache is None:
        return vae.encode(batch.photo), vae.encode(batch.composite)
    known = batch.latents.clone()
    for i in (~batch.known).nonzero()[:, 0].tolist():
        for j, pictures in enumerate((batch.photo, batch.composite)):
            found = cache.encode(vae, pictures[i, None])
            known[i, j] = torch.cat([found.mean, found.logvar])
    photo, composite = known.unbind(1)
    return Posterior(*photo.unbind(1)), Posterior(*composite.unbind(1))


def refinement(
    found: Tensor,
    clean: Tensor,
    photo: Tensor,
    mask: Tensor,
    vae: Vae,
    weights: BranchWeights,
    features: Features | None,
) -> dict[str, Tensor]:
    """The second branch's terms for the clean latents that it `found`; zeros where it has no example."""
    nothing = found.sum() * 0
    terms = {"latent": (found - clean).square().mean() if len(found) else nothing} if weights.latent else {}
    if not weights.pixels and not weights.perceptual:
        return terms
    shown = vae.decode(found) if len(found) else photo
    pasted = photo + (shown - photo) * mask  # outside the mask a try-on shows the photo's own pixels
    if weights.pixels:
        terms["pixels"] = masked_mean((pasted - photo).abs().mean(1, keepdim=True), mask) + nothing
    if weights.perceptual and features is not None:
        terms["perceptual"] = perceptual(pasted, photo, features) if len(found) else nothing
    return terms


def chosen(t: Tensor, weights: BranchWeights) -> Tensor:
    """Which examples of a batch the second branch takes: at most its share, the first ones whose timestep is low enough."""
    most = max(1, round(weights.share * len(t))) if weights.second else 0
    return (t < weights.below).nonzero()[:most, 0]
