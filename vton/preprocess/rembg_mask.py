"""The garment mask by rembg, with those of its models that run on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vton.errors import CheckpointError, PreprocessError
from vton.preprocess.batches import Answer, in_batches

# Best known first. Others of rembg send the picture to a web service, or cut people out: never take a name from elsewhere.
SESSIONS = ("u2net", "isnet-general-use", "birefnet-general", "birefnet-general-lite", "u2netp")
FLAT = 8  # of 255: a photo that varies less shows nothing; the models stretch their answer and would see a garment in it
LEAST, MOST = 0.002, 0.98  # of the photo: what covers less or more is no garment on a background


class Rembg:
    """A ClothMaskDetector by the model `session`, whose .onnx is at `path`; one photo at a time, as rembg does."""

    def __init__(self, path: Path, device: str, session: str = SESSIONS[0]) -> None:
        if session not in SESSIONS:
            raise ValueError(f"{session} is none of {', '.join(SESSIONS)}")
        self.rembg = _rembg()
        self.session = _session(session, path, device)

    def cloth_mask(self, photos: Sequence[np.ndarray]) -> list[Answer]:
        """As in the protocol."""
        return in_batches(photos, 1, lambda indices: [self._ask(photos[i]) for i in indices])

    def _ask(self, photo: np.ndarray) -> Answer:
        if np.ptp(photo, axis=(0, 1)).max() < FLAT:
            return PreprocessError("No garment was found in the photo: it is of one colour.")
        with np.errstate(invalid="ignore"):
            soft = self.rembg.remove(Image.fromarray(photo), session=self.session, only_mask=True)
        mask: np.ndarray = np.asarray(soft) >= 128
        if not LEAST <= mask.mean() <= MOST:
            return PreprocessError(f"No garment was found in the photo: the mask covers {mask.mean():.1%} of it.")
        return mask


def _rembg() -> Any:
    os.environ.setdefault(
        "NUMBA_DISABLE_JIT", "1"
    )  # else its first import compiles for a minute what a plain mask does not use
    try:
        import rembg
    except (ImportError, SystemExit) as error:  # it exits where onnxruntime is missing
        raise ImportError(f"rembg cannot be imported ({error}): type `python -m pip install -r requirements.txt`.") from error
    return rembg


def _session(name: str, path: Path, device: str) -> Any:
    """rembg's session on the file at `path`; its own search for the file, and its download, are left out."""
    import onnxruntime
    from rembg.sessions import sessions_class

    kind = next(kind for kind in sessions_class if kind.name() == name)
    local = type(kind.__name__, (kind,), {"download_models": classmethod(lambda cls, *_, **__: str(path))})
    providers = ["CPUExecutionProvider"]
    if device.startswith("cuda") and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return local(name, onnxruntime.SessionOptions(), providers=providers)
    except Exception as error:  # onnxruntime's errors share no base
        raise CheckpointError(
            f"{path} is not a model that onnxruntime can read ({str(error).splitlines()[0]}); fetch it again."
        ) from error
