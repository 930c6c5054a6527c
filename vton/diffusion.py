"""Schedule, prediction and sampling of the diffusion in one place, over diffusers' schedulers.

clean is x0, noisy is xt = sqrt(kept) * clean + sqrt(1 - kept) * noise, where `kept` (alpha bar) falls with t. What a network
predicts is turned into `clean` here and nowhere else, in training as in sampling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from vton.sampling import Sampling

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    Sampler = DDIMScheduler | DPMSolverMultistepScheduler | UniPCMultistepScheduler

PREDICTIONS, SPACINGS = ("v", "eps"), ("trailing", "leading")
LEAST_RATIO = 0.05  # of signal to noise, in a loss's weights: else the last timesteps, where zero_snr begins, are never learnt
LEAST_KEPT = 2.0**-24  # in place of 0, of which no logarithm can be taken; the same number as diffusers takes

Predict = Callable[[Tensor, Tensor], Tensor]  # noisy (N, C, h, w) and t (N,) -> the prediction (N, C, h, w)
Preview = Callable[[int, int, Tensor], None]  # step, of how many, and the clean latent as it looks by now


@dataclass(frozen=True)
class DiffusionConfig:
    """What a network was trained to predict, of what; part of its checkpoint."""

    schedule: str = "squaredcos_cap_v2"  # diffusers' name for it
    timesteps: int = 1000
    prediction: str = "v"  # velocity (arXiv 2202.00512, appendix D), or the noise: eps
    zero_snr: bool = True  # the last timestep keeps nothing (arXiv 2305.08891)
    spacing: str = "trailing"  # of the timesteps sampled at: from the last, or (leading) the first, so that few steps begin low
    apart: float = 0.0  # how far clean latents are thought to lie from the composite's (deviation); 0: nothing is thought

    def __post_init__(self) -> None:
        if self.prediction not in PREDICTIONS or self.spacing not in SPACINGS or self.timesteps < 1:
            raise ValueError(f"prediction is one of {PREDICTIONS}, spacing of {SPACINGS}, timesteps 1 or more, not {self}")
        if self.apart < 0:
            raise ValueError(f"apart must be 0 or more, not {self.apart}")
        if self.zero_snr and (self.prediction, self.spacing) != ("v", "trailing"):
            raise ValueError("zero_snr needs prediction=v and spacing=trailing: pure noise tells nothing of the noise in it")


class Schedule:
    """A config at work. Tensors (N, C, h, w) of any float type, t (N,) int64."""

    def __init__(self, config: DiffusionConfig) -> None:
        from diffusers.schedulers.scheduling_ddim import DDIMScheduler  # loads for seconds: only once it is needed

        self.config = config
        theirs = DDIMScheduler(config.timesteps, beta_schedule=config.schedule, rescale_betas_zero_snr=config.zero_snr)
        self.kept = torch.cumprod(1 - theirs.betas.double(), 0)  # (timesteps,), float64

    def add_noise(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """The noisy latent."""
        signal, sigma = self._shares(t, clean)
        return signal * clean + sigma * noise

    def target(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What is to be predicted."""
        signal, sigma = self._shares(t, clean)
        return noise if self.config.prediction == "eps" else signal * noise - sigma * clean

    def expected(self, noisy: Tensor, composite: Tensor, t: Tensor) -> Tensor | float:
        """What would be predicted by one who knows only that clean latents are normally distributed about the composite's with
        the deviation `apart`; 0 without one. The network's own prediction is added, so that it need not learn to copy: the
        preconditioning of arXiv 2206.00364, section 5, about the composite in place of 0."""
        if not self.config.apart:
            return 0.0
        (signal, sigma), variance = self._shares(t, noisy), self.config.apart**2
        among = sigma / (sigma**2 + variance * signal**2)
        if self.config.prediction == "eps":
            return among * (noisy - signal * composite)
        return among * (signal * (1 - variance) * noisy - composite)

    def to_clean(self, said: Tensor, noisy: Tensor, t: Tensor) -> Tensor:
        """The clean latent that a prediction stands for."""
        signal, sigma = self._shares(t, noisy)
        return (noisy - sigma * said) / signal if self.config.prediction == "eps" else signal * noisy - sigma * said

    def weights(self, t: Tensor, gamma: float) -> Tensor:
        """Min-SNR weights (N,) of the squared error of a prediction (arXiv 2303.09556): as if it were the error of the clean
        latent, weighted by the signal-to-noise ratio but by no more than `gamma`, and for velocities no less than LEAST_RATIO.
        """
        ratio = self.kept / (1 - self.kept)
        if self.config.prediction == "eps":
            return (ratio.clamp(max=gamma) / ratio).float().to(t.device)[t]
        return (ratio.clamp(LEAST_RATIO, gamma) / (ratio + 1)).float().to(t.device)[t]

    def timesteps(self, sampling: Sampling) -> list[int]:
        """The falling timesteps that a sampling calls the network at; fewer than its steps where there are not so many."""
        start = max(1, round(sampling.strength * self.config.timesteps))
        count = min(sampling.steps, start)
        if self.config.spacing == "leading":
            return [i * (start // count) for i in reversed(range(count))]
        return [round(start * (i + 1) / count) - 1 for i in reversed(range(count))]

    def _shares(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """How much of signal and of noise there is at t, (N, 1, 1, 1) each."""
        both = torch.stack([self.kept.sqrt(), (1 - self.kept).sqrt()]).to(like.dtype)  # here: not every device has float64
        signal, sigma = both.to(t.device)[:, t, None, None, None]
        return signal, sigma


def denoise(
    predict: Predict,
    schedule: Schedule,
    sampling: Sampling,
    begin: Tensor,
    lots: Sequence[Generator],
    preview: Preview | None = None,
) -> Tensor:
    """Clean latents (N, C, h, w), sampled from `begin` (N, C, h, w), clean as well, with the strength's noise laid on.

    `lots` are the generators, on the CPU, of each latent's noise: what comes out does not depend on what else is in the batch.
    """
    steps = schedule.timesteps(sampling)
    sampler = open_sampler(sampling.sampler, schedule, steps)
    noisy = schedule.add_noise(begin, _noise(begin, lots), torch.full((len(begin),), steps[0], device=begin.device))
    clean = begin
    for done, (step, t) in enumerate(zip(sampler.timesteps, steps, strict=True), 1):
        at = torch.full((len(noisy),), t, device=noisy.device)
        clean = schedule.to_clean(predict(noisy, at), noisy, at)
        more: dict[str, Any] = {"eta": sampling.eta, "variance_noise": _noise(begin, lots)} if sampling.eta else {}
        noisy = sampler.step(clean, step, noisy, return_dict=False, **more)[0]
        if preview:
            preview(done, len(steps), clean)
    return noisy


def open_sampler(name: str, schedule: Schedule, steps: Sequence[int]) -> "Sampler":
    """diffusers' sampler of that name for exactly these falling timesteps; it is given clean latents.

    Its own schedule has only these timesteps (as in arXiv 2102.09672, section 4), so that each step goes from one to the next
    whatever their number: by itself DDIM takes the next to be 1000 // steps away, which it is only for divisors of 1000.
    """
    kept = schedule.kept[list(reversed(steps))].clamp(min=LEAST_KEPT)
    betas = 1 - kept / torch.cat([kept.new_ones(1), kept[:-1]])
    how = {
        "num_train_timesteps": len(steps), "trained_betas": betas.tolist(), "prediction_type": "sample",
        "timestep_spacing": "trailing",
    }  # fmt: skip
    sampler = _make(name, how)
    sampler.set_timesteps(len(steps))
    return sampler


def _make(name: str, how: dict[str, Any]) -> "Sampler":
    if name == "ddim":
        from diffusers.schedulers.scheduling_ddim import DDIMScheduler

        return DDIMScheduler(**how, clip_sample=False)
    if name == "dpm++":
        from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

        return DPMSolverMultistepScheduler(**how, algorithm_type="dpmsolver++")
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    return UniPCMultistepScheduler(**how)


def _noise(like: Tensor, lots: Sequence[Generator]) -> Tensor:
    """Noise of the shape of `like`, each latent's of its own generator."""
    drawn = [torch.randn(like.shape[1:], generator=lot, dtype=like.dtype) for lot in lots]
    return torch.stack(drawn).to(like.device)
