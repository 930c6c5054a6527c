"""Named, complete configs, and how single fields of them are set by a command line."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from vton.diffusion import DiffusionConfig
from vton.networks.garment import GarmentConfig
from vton.networks.unet import UnetConfig
from vton.networks.vae import VaeConfig
from vton.networks.warp import WarpConfig
from vton.train.augment import Augment
from vton.train.branches import BranchWeights
from vton.train.loop import LoopConfig
from vton.train.losses import WarpWeights
from vton.train.reconstruction import PictureVary, VaeWeights
from vton.train.wearing import Vary


@dataclass(frozen=True)
class WarpPreset:
    """All that a training of a warp is made of; no two parts have a field of the same name."""

    network: WarpConfig
    loop: LoopConfig
    losses: WarpWeights
    augment: Augment


@dataclass(frozen=True)
class GarmentPreset:
    """All that a training of garment features is made of; no two parts have a field of the same name."""

    network: GarmentConfig
    loop: LoopConfig
    augment: Augment  # its noise is that of maps, of which there are none here


@dataclass(frozen=True)
class DiffusionPreset:
    """All that a training of a diffusion is made of; no two parts have a field of the same name."""

    network: UnetConfig
    loop: LoopConfig
    diffusion: DiffusionConfig
    losses: BranchWeights
    vary: Vary


@dataclass(frozen=True)
class VaePreset:
    """All that a training of an autoencoder is made of; no two parts have a field of the same name."""

    network: VaeConfig
    loop: LoopConfig
    losses: VaeWeights
    vary: PictureVary


Preset = TypeVar("Preset", WarpPreset, GarmentPreset, DiffusionPreset, VaePreset)

VAE = {
    # for tests
    "tiny": VaePreset(
        VaeConfig(64, 48, (8, 8, 16), patch=2),
        LoopConfig(steps=20, batch=2, rate=2e-3, warmup=2, validate_every=10, save_every=10, log_every=5, workers=0),
        VaeWeights(),
        PictureVary(),
    ),
    # shipped, for the drawn set; 3.9 million parameters
    "demo": VaePreset(
        VaeConfig(256, 192, (64, 96, 144), patch=2),
        LoopConfig(steps=10_000, batch=8, rate=1e-3, warmup=100, precision="bf16"),
        VaeWeights(),
        PictureVary(),
    ),
    # Stable Diffusion's sizes, for its published weights; 84 million
    "sd": VaePreset(
        VaeConfig(512, 384, (128, 256, 512, 512), blocks=2, groups=32, attention=True),
        LoopConfig(steps=50_000, batch=8, rate=2e-5, warmup=1_000, ema=0.9999, precision="bf16", workers=8),
        VaeWeights(edges=0.0),
        PictureVary(crop=1.0),
    ),
}

GARMENT = {
    # for tests
    "tiny": GarmentPreset(
        GarmentConfig(64, 48, (8, 8)),
        LoopConfig(steps=20, batch=4, rate=1e-2, warmup=2, validate_every=20, save_every=20, log_every=5, workers=0),
        Augment(noise=0),
    ),
    # shipped; a quarter of a million parameters
    "demo": GarmentPreset(
        GarmentConfig(256, 192, (16, 32, 64, 96)),
        LoopConfig(steps=1500, batch=16, rate=2e-3, warmup=50, ema=0.99, validate_every=250, save_every=250),
        Augment(scale=0.1, shift=0.05, noise=0),
    ),
}

WARP = {
    # for tests: trains a step in a fraction of a second
    "tiny": WarpPreset(
        WarpConfig(64, 64, (8, 8, 16), blocks=1, heads=2, overview=(1,)),
        LoopConfig(steps=20, batch=2, rate=1e-3, warmup=2, validate_every=10, save_every=10, log_every=5, workers=0),
        WarpWeights(flow=1.0),
        Augment(),
    ),
    # shipped, for the drawn set: its true flow is what it learns from; 3.8 million parameters
    "demo": WarpPreset(
        WarpConfig(256, 192, (16, 32, 80, 160), finest=0, overview=(2, 3)),
        LoopConfig(steps=8_000, batch=10, rate=6e-4),
        WarpWeights(flow=1.0, smoothness=0.02, parse=2.0),
        Augment(),
    ),
    # for VITON-HD, which has no true flow
    "base": WarpPreset(
        WarpConfig(256, 192, (64, 96, 192, 256, 256), finest=0, overview=(2, 3)),
        LoopConfig(steps=100_000, batch=16, rate=2e-4, precision="bf16", workers=8),
        WarpWeights(cloth=1.0, mask=10.0, perceptual=1.0, variation=0.1, smoothness=0.5, parse=10.0),
        Augment(),
    ),
    # the widths of HR-VITON and of the implementation that this project carries on
    "seed": WarpPreset(
        WarpConfig(256, 192, (96, 192, 384, 384, 384), finest=0),
        LoopConfig(steps=100_000, batch=10, rate=2e-4, precision="bf16", workers=8),
        WarpWeights(cloth=1.0, mask=10.0, perceptual=1.0, variation=0.1, smoothness=0.5, parse=10.0),
        Augment(),
    ),
}

DIFFUSION = {
    # for tests
    "tiny": DiffusionPreset(
        UnetConfig(64, 128, (16, 24), blocks=(1, 1), attention=(1,), garment=(8, 8, 16), heads=2, time=32),
        LoopConfig(steps=20, batch=2, rate=1e-3, warmup=2, validate_every=10, save_every=10, log_every=5, workers=0),
        DiffusionConfig(),
        BranchWeights(),
        Vary(),
    ),
    # shipped, for the drawn set; 12.5 million parameters
    "demo": DiffusionPreset(
        UnetConfig(256, 192, (72, 256, 288), blocks=(2, 2, 1), attention=(0, 1), garment=(16, 32, 64, 128), heads=2),
        LoopConfig(steps=14_000, batch=8, rate=4e-4, precision="bf16"),
        DiffusionConfig(apart=0.3),  # measured on 24 drawn pairs: 0.31 inside the mask, 0.23 over all
        BranchWeights(share=0.25),
        Vary(colour=0.0, looks=2),
    ),
    # for VITON-HD; 79 million
    "base": DiffusionPreset(
        UnetConfig(512, 384, (256, 512, 512), blocks=(2, 3, 2), attention=(1, 2), garment=(48, 96, 192, 320), heads=8),
        LoopConfig(steps=200_000, batch=16, rate=1e-4, warmup=3_000, ema=0.9999, precision="bf16", workers=8),
        DiffusionConfig(),
        BranchWeights(),
        Vary(looks=4),
    ),
    "hd": DiffusionPreset(
        UnetConfig(
            1024, 768, (192, 448, 448, 384), blocks=(2, 4, 1, 1), attention=(2, 3), garment=(32, 64, 128, 256, 384), heads=8
        ),
        LoopConfig(steps=300_000, batch=8, rate=5e-5, warmup=3_000, ema=0.9999, precision="bf16", workers=8),
        DiffusionConfig(),
        BranchWeights(),
        Vary(looks=4),
    ),
    # the widths of the implementation that this project carries on: no attention, most weights where there are 1 to 16 places
    "seed": DiffusionPreset(
        UnetConfig(512, 512, (64, 128, 256, 512, 1024, 2048, 4096), blocks=(1,) * 7, attention=(), garment=()),
        LoopConfig(steps=200_000, batch=16, rate=1e-4, warmup=3_000, ema=0.9999, precision="bf16", workers=8),
        DiffusionConfig(prediction="eps", zero_snr=False),
        BranchWeights(),
        Vary(),
    ),
}  # fmt: skip


def with_settings(preset: Preset, settings: Sequence[str]) -> Preset:
    """The preset with fields set by "name=value" each. ValueError names a field that is not known, or a value that is none."""
    parts = {part.name: getattr(preset, part.name) for part in fields(preset)}
    changes: dict[str, dict[str, Any]] = {name: {} for name in parts}
    for setting in settings:
        name, equals, text = setting.partition("=")
        owner = next((part for part, config in parts.items() if name in _names(config)), None)
        if not equals or owner is None:
            known = ", ".join(sorted(name for config in parts.values() for name in _names(config)))
            raise ValueError(f"{setting!r} sets nothing; write field=value, where the field is one of {known}")
        changes[owner][name] = _value(name, text, getattr(parts[owner], name))
    return replace(preset, **{part: replace(config, **changes[part]) for part, config in parts.items()})


def _names(config: Any) -> set[str]:
    return {field.name for field in fields(config)}


def _value(name: str, text: str, before: Any) -> Any:
    """`text` as a value of the kind that the field has."""
    if isinstance(before, str):
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if isinstance(before, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(before):
        raise ValueError(f"{name} is {before!r}, and {text!r} is no value of that kind")
    return value
