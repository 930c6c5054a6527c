"""The device to compute on, by name."""

import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick(asked: str = "auto") -> str:
    """`asked`, or for "auto" the best that is here. ValueError where the asked one is not."""
    here = [name for name, found in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if found]
    here.append("cpu")
    if asked not in ("auto", *here):
        raise ValueError(f"there is no device {asked!r} here; {' or '.join(here)} can be used")
    return here[0] if asked == "auto" else asked


def likes_bf16(device: str) -> bool:
    """Whether the device computes in bfloat16 by itself, which is then faster than float32."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and torch.cpu._is_avx512_bf16_supported()


def likes_channels_last(device: str) -> bool:
    """Whether convolutions are faster there with a pixel's channels side by side in memory."""
    return device in ("cuda", "cpu")
