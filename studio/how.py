"""By what a try-on is made: the warp, the diffusion and its settings, for a command, for a run folder, and in words."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studio.checkpoints import GEOMETRIC, NONE, Checkpoint, default_of
from vton.sampling import Sampling

MOST_STEPS = 200
SAMPLER_WORDS = {"ddim": "DDIM", "dpm++": "DPM-Solver++", "unipc": "UniPC"}


@dataclass(frozen=True)
class How:
    """By what a try-on is made."""

    warp: Checkpoint | None = None  # None: the geometric one
    diffusion: Checkpoint | None = None  # None: the composite with its bare regions filled
    sampling: Sampling = Sampling()  # of the diffusion
    seed: int = 0  # of its noise

    @property
    def fault(self) -> str:
        """Why nothing can be made so, empty where it can."""
        return self.diffusion.fault if self.diffusion else ""

    @property
    def options(self) -> dict[str, str | int | float]:
        """As `vton.generate` has them, by name."""
        warp = {"warp": GEOMETRIC if self.warp is None else str(self.warp.path)}
        if self.diffusion is None:
            return {**warp, "diffusion": NONE}
        used = {"diffusion": str(self.diffusion.path), "vae": str(self.diffusion.vae)}
        return {**warp, **used, **asdict(self.sampling), "seed": self.seed}

    @property
    def key(self) -> str:
        """A short name that no other way of making has, also none by checkpoints that were trained on; "" for the plain one."""
        if self.diffusion is not None:
            told = json.dumps([self.options, self.diffusion.changed_ns, self.warp.changed_ns if self.warp else 0])
        elif self.warp is not None:
            told = f"{self.warp.path} {self.warp.changed_ns}"
        else:
            return ""
        return hashlib.sha256(told.encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        """What tells it from others, for the name of a run: "" for the plain one; of settings the steps, the seed, and what
        is not the checkpoint's own."""
        named = [self.warp.name] if self.warp else []
        if self.diffusion is not None:
            own = self.diffusion.info.sampling if self.diffusion.info else None
            before = asdict(own) if own else {}
            told = {
                name: value for name, value in asdict(self.sampling).items() if name == "steps" or before.get(name) != value
            }
            once = ["not mirrored"] if before.get("mirror") and not self.sampling.mirror else []
            named += [self.diffusion.name, sampling_words(told | {"seed": self.seed}), *once]
        return ", ".join(named)


def default_how(warps: Sequence[Checkpoint], diffusions: Sequence[Checkpoint], drawn: bool) -> How:
    """What is taken of these where nobody chose, for people that are `drawn` or not."""
    diffusion = default_of(diffusions, drawn)
    return How(default_of(warps, drawn), diffusion, own_sampling(diffusion))


def own_sampling(diffusion: Checkpoint | None) -> Sampling:
    """A checkpoint's own settings."""
    return diffusion.info.sampling if diffusion and diffusion.info and diffusion.info.sampling else Sampling()


def names_of(config: Mapping[str, Any]) -> tuple[str, str]:
    """What a run's config calls its warp and its diffusion; "" of what it does not tell."""
    return _name(config.get("warp")), _name(config.get("diffusion"))


def settings_of(config: Mapping[str, Any]) -> str:
    """The settings of a run's diffusion in words; "" where there is none."""
    settings = config.get("diffusion")
    return sampling_words(settings) if isinstance(settings, dict) else ""


def made_by(config: Mapping[str, Any]) -> str:
    """How a run was made, in words, as far as its config tells; "" where it tells nothing."""
    warp, diffusion = names_of(config)
    warp = "Geometric warp" if warp == GEOMETRIC else f"Warp {warp}" if warp else ""
    diffusion = "no diffusion" if diffusion == NONE else f"diffusion {diffusion}" if diffusion else ""
    return ", ".join(part for part in (warp, diffusion, settings_of(config)) if part)


def sampling_words(settings: Mapping[str, Any]) -> str:
    """The settings of a diffusion in words, those that are told."""
    words = []
    if "sampler" in settings:
        words.append(SAMPLER_WORDS.get(str(settings["sampler"]), str(settings["sampler"])))
    if "steps" in settings:
        words.append("1 step" if settings["steps"] == 1 else f"{settings['steps']} steps")
    for name in ("guidance", "strength", "eta", "seed"):
        if name in settings and not (name == "eta" and not settings[name]):
            value = settings[name]
            words.append(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}")
    if settings.get("mirror"):
        words.append("mirrored too")
    return ", ".join(words)


def _name(part: object) -> str:
    """What a config calls a part: its name, or the word itself; "" where it is neither."""
    name = part.get("name") if isinstance(part, dict) else part
    return name if isinstance(name, str) else ""
