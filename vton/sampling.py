"""How a latent is sampled: the settings alone, without what does it, so that a form can be drawn without loading a network."""

from dataclasses import dataclass

SAMPLERS = ("ddim", "dpm++", "unipc")


@dataclass(frozen=True)
class Sampling:
    """How a latent is sampled."""

    sampler: str = "ddim"  # of SAMPLERS
    steps: int = 20  # calls of the network
    guidance: float = 1.0  # how far towards the garment and away from no garment (arXiv 2207.12598); 1 is no guidance
    strength: float = 0.7  # of the noise on the composite: the share of the timesteps; up to here trainings refine composites
    mirror: bool = False  # the mirror image is sampled too, and the mean of both taken: nearer to the truth, in twice the time
    eta: float = 0.0  # noise that DDIM adds on the way: 0 none, 1 as much as DDPM (arXiv 2010.02502, equation 16)

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ValueError(f"the sampler {self.sampler!r} is not known; there are {', '.join(SAMPLERS)}")
        if self.steps < 1 or self.guidance < 0 or not 0 < self.strength <= 1 or not 0 <= self.eta <= 1:
            raise ValueError(
                f"steps 1 or more, guidance 0 or more, strength above 0 to 1 and eta 0 to 1 are needed, not {self}"
            )
        if self.eta and self.sampler != "ddim":
            raise ValueError(f"eta is ddim's; {self.sampler} takes none, so it must be 0, not {self.eta}")
