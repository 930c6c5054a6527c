"""The only place where range, size or orientation of pictures change: read, write, tensors, letterbox."""

import contextlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from vton.errors import DataError
from vton.labels import DENSEPOSE_PALETTE, PARSE_PALETTE
from vton.pairs import FORMATS, MAX_BYTES, MAX_PIXELS


def _open(path: Path) -> Image.Image:
    """A fully decoded picture, as stored; DataError says what is wrong with it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB; save it smaller.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise DataError(f"{path} has {picture.width}x{picture.height} pixels; {MAX_PIXELS:,} are the most.")
        picture.load()
    except FileNotFoundError:
        raise DataError(f"{path} is missing.") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} cannot be read as a JPEG, PNG or WebP picture; replace it.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a JPEG, PNG or WebP picture ({error}); replace it.") from error
    return picture


def read_image(path: Path) -> np.ndarray:
    """The picture at `path` as uint8 (H, W, 3) RGB: turned as its EXIF says, transparency laid on white."""
    picture = ImageOps.exif_transpose(_open(path))
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = Image.fromarray((np.asarray(picture) / 257).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.array(picture.convert("RGB"))


def read_mask(path: Path) -> np.ndarray:
    """The mask at `path` as bool (H, W): one channel, at least 128 of 255 (JPEG masks ring)."""
    return np.array(_open(path).convert("L")) >= 128


def read_labels(path: Path) -> np.ndarray:
    """Class ids at `path`, uint8 (H, W); DataError where the file holds colours instead of ids 0-19."""
    return _read_ids(path, "class id", "VITON-HD's parse", len(PARSE_PALETTE) - 1)


def read_parts(path: Path) -> np.ndarray:
    """DensePose's part ids at `path`, uint8 (H, W); DataError where the file holds colours instead of ids 0-24."""
    return _read_ids(path, "part id", "a map of DensePose's parts", len(DENSEPOSE_PALETTE) - 1)


def _read_ids(path: Path, what: str, whose: str, highest: int) -> np.ndarray:
    picture = _open(path)
    if picture.mode not in ("P", "L"):
        raise DataError(f"{path} holds colours ({picture.mode}), not {what}s; {whose} is a PNG of mode P or L.")
    ids = np.array(picture)
    if ids.max() > highest:
        raise DataError(f"{path} holds the {what} {ids.max()}; {whose} has ids 0-{highest}.")
    return ids


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_image(path: Path, array: np.ndarray, quality: int = 95) -> None:
    """Write uint8 (H, W, 3) or (H, W), or a bool mask as 0 and 255; the suffix chooses PNG or JPEG."""
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    _save(path, Image.fromarray(array), quality)


def write_labels(path: Path, ids: np.ndarray) -> None:
    """Write class ids (H, W) as a PNG of mode P; the palette is for looks."""
    picture = Image.fromarray(ids.astype(np.uint8)).convert("L")
    picture.putpalette(PARSE_PALETTE.tobytes())
    _save(path, picture, 95)


def _save(path: Path, picture: Image.Image, quality: int) -> None:
    encoded = io.BytesIO()
    if path.suffix == ".png":
        picture.save(encoded, "PNG", compress_level=3)
    else:
        picture.save(encoded, "JPEG", quality=quality, subsampling=0)
    with replacing(path) as file:
        file.write(encoded.getbuffer())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    with replacing(path) as file:
        file.write((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """What is in the JSON file; DataError where it is missing or damaged."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} is missing.") from None
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is not readable JSON ({error}).") from error


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays compressed, one key each."""
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def to_tensor(image: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) in 0..255 -> (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float().div_(127.5).sub_(1)


def to_image(tensor: Tensor) -> np.ndarray:
    """(1, 3, H, W) or (3, H, W) in [-1, 1] -> uint8 (H, W, 3)."""
    chw = tensor.detach().reshape(3, *tensor.shape[-2:]).cpu()
    return ((chw.permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


def mask_to_tensor(mask: np.ndarray) -> Tensor:
    """bool (H, W) -> (1, 1, H, W), 0 or 1."""
    return torch.from_numpy(np.ascontiguousarray(mask))[None, None].float()


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) at another (height, width), antialiased."""
    if image.shape[:2] == size:
        return image
    return np.array(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.LANCZOS))


def resize_labels(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Ids or a bool mask at another (height, width): nearest, since ids have no means."""
    if labels.shape == size:
        return labels
    picture = Image.fromarray(labels.astype(np.uint8)).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.array(picture).astype(labels.dtype)


def letterbox(tensor: Tensor, size: tuple[int, int], value: float = 0.0, mode: str = "bilinear") -> Tensor:
    """Fit (N, C, H, W) into `size` without changing its shape; what is left over is `value`, evenly at both sides."""
    if tensor.shape[-2:] == size:
        return tensor
    box = _box(tensor.shape[-2:], size)
    antialias = mode == "bilinear"
    align = False if antialias else None
    fitted = F.interpolate(tensor, size=box, mode=mode, antialias=antialias, align_corners=align)
    top, left = (size[0] - box[0]) // 2, (size[1] - box[1]) // 2
    return F.pad(fitted, (left, size[1] - box[1] - left, top, size[0] - box[0] - top), value=value)


def unletterbox(tensor: Tensor, size: tuple[int, int], mode: str = "bilinear") -> Tensor:
    """Undo `letterbox`: cut its bars off and bring (N, C, h, w) back to the photo's `size`."""
    box = _box(size, tensor.shape[-2:])
    top, left = (tensor.shape[-2] - box[0]) // 2, (tensor.shape[-1] - box[1]) // 2
    inner = tensor[..., top : top + box[0], left : left + box[1]]
    antialias = mode == "bilinear"
    return F.interpolate(inner, size=size, mode=mode, antialias=antialias, align_corners=False if antialias else None)


def _box(size: tuple[int, ...], into: tuple[int, ...]) -> tuple[int, int]:
    scale = min(into[0] / size[0], into[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
