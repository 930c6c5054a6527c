"""detectron2's published `.pkl` checkpoints: read without running what is in them, kept as safetensors.

Refusing foreign names is not enough: with `numpy.ndarray` and `numpy.dtype` themselves a forged file could lay an array of
objects over bytes of its own. So what a pickle asks of NumPy is answered by the few lines below, which know numbers only.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from vton.errors import CheckpointError
from vton.images import replacing


class _Dtype:
    """Stands for `numpy.dtype`."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        self.dtype = np.dtype(code)
        if self.dtype.kind not in "fiub":
            raise pickle.UnpicklingError(f"it holds {self.dtype} instead of numbers")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands for `numpy.ndarray`; `array` is what it holds."""

    array: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        self.fill(content, dtype, shape, "F" if fortran else "C")

    def fill(self, content: bytes | bytearray | str, dtype: _Dtype, shape: tuple[int, ...], order: Any) -> "_Array":
        """Bytes that Python 2 wrote come as latin1 text."""
        plain = content.encode("latin1") if isinstance(content, str) else bytes(content)
        self.array = np.frombuffer(plain, dtype.dtype).reshape(shape, order=order)
        return self


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 writes bytes that Python 2 shall read; here without codecs that do more than that."""
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}
for core in ("core", "_core"):  # NumPy 1 and 2
    ALLOWED[f"numpy.{core}.multiarray", "_reconstruct"] = lambda kind, shape, code: _Array()
    ALLOWED[f"numpy.{core}.multiarray", "scalar"] = lambda dtype, content: _Array().fill(content, dtype, (), "C")
    ALLOWED[f"numpy.{core}.numeric", "_frombuffer"] = lambda content, *how: _Array().fill(content, *how)


class _Unpickler(pickle.Unpickler):
    """Knows arrays of numbers and dictionaries, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which weights do not need") from None


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Name -> array of the checkpoint at `path`; CheckpointError where it is damaged, empty, or holds anything else."""
    try:
        with path.open("rb") as file:
            content = _Unpickler(file, encoding="latin1").load()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
    except Exception as error:  # a forged pickle may raise anything
        raise CheckpointError(f"{path} is not a checkpoint of detectron2 ({error}); fetch it again.") from error
    stored = content.get("model") if isinstance(content, dict) else None
    if not isinstance(stored, dict) or not stored:
        raise CheckpointError(f"{path} holds no weights; fetch it again.")
    state = {}
    for name, value in stored.items():
        if not isinstance(name, str) or not isinstance(value, _Array) or value.array is None:
            raise CheckpointError(f"{path} holds something else than arrays of numbers ({name}); fetch it again.")
        state[name] = value.array
    return state


def convert(path: Path, place: Path) -> None:
    """Keep the checkpoint at `path` as safetensors at `place`."""
    state = {name: value.astype(value.dtype.newbyteorder("="), order="C") for name, value in read_state(path).items()}
    with replacing(place) as file:
        file.write(save(state, {"from": path.name}))
