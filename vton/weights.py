"""Published weights: one table of what can be used, where it comes from and where it lies. Nothing is fetched unasked."""

import argparse
import hashlib
import os
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from vton.errors import CheckpointError, DataError, VtonError, WeightsMissing
from vton.images import replacing
from vton.preprocess.zoo import convert
from vton.progress import Progress

FOLDER_VARIABLE = "VTON_WEIGHTS"
CHUNK = 8_000_000  # bytes between two progress lines
PATIENCE = 60  # seconds without a byte until a download is given up


@dataclass(frozen=True)
class File:
    """One file as published."""

    name: str
    url: str
    checksum: str = ""  # "sha256:..." or "md5:...", only its first digits where no more is published; "" where nothing is


@dataclass(frozen=True)
class Weight:
    """Weights under the name that `find` and `--fetch` know; `bytes` is about right, for the table and the progress."""

    name: str
    what: str
    licence: str
    bytes: int
    files: tuple[File, ...]
    place: str  # below weights_dir(): a file, or a folder where there are several

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where its files are when it is here."""
        place = weights_dir() / self.place
        return tuple(place / file.name for file in self.files) if len(self.files) > 1 else (place,)

    @property
    def here(self) -> bool:
        """Whether all its files are on this machine."""
        return all(path.is_file() for path in self.paths)


def _hugging_face(repository: str, *checksums: tuple[str, str]) -> tuple[File, ...]:
    return tuple(File(name, f"https://huggingface.co/{repository}/resolve/main/{name}", check) for name, check in checksums)


def _transformers(repository: str, checksum: str = "") -> tuple[File, ...]:
    return _hugging_face(repository, ("config.json", ""), ("preprocessor_config.json", ""), ("model.safetensors", checksum))


def _rembg(name: str, published: str, md5: str, size: int, licence: str) -> Weight:
    url = f"https://github.com/danielgatis/rembg/releases/download/v0.0.0/{published}"
    return Weight(name, "garment mask", licence, size, (File(published, url, f"md5:{md5}"),), f"{name}.onnx")


def _one(name: str, what: str, licence: str, size: int, url: str, checksum: str, place: str = "") -> Weight:
    published = url.rsplit("/", 1)[-1]
    return Weight(name, what, licence, size, (File(published, url, checksum),), place or published)


# The first digits of an md5 or sha256 are what detectron2 (MODEL_ZOO.md: "md5 prefix in its file name") and PyTorch publish.
TABLE: dict[str, Weight] = {
    weight.name: weight
    for weight in (
        _one(
            "keypoint-rcnn", "keypoints (detectron2)", "CC BY-SA 3.0", 237_000_000,
            "https://dl.fbaipublicfiles.com/detectron2/COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x/137849621/model_final_a6e10b.pkl",
            "md5:a6e10b", "keypoint_rcnn_R_50_FPN_3x.safetensors",
        ),
        _one(
            "densepose-rcnn", "DensePose (detectron2)", "CC BY-SA 3.0", 255_757_821,
            "https://dl.fbaipublicfiles.com/densepose/densepose_rcnn_R_50_FPN_s1x/165712039/model_final_162be9.pkl",
            "sha256:b8a7382001b16e453bad95ca9dbc68ae8f2b839b304cf90eaf5c27fbdb4dae91",
            "densepose_rcnn_R_50_FPN_s1x.safetensors",
        ),
        Weight(
            "vitpose", "keypoints (transformers)", "Apache-2.0", 344_000_000,
            _transformers(
                "usyd-community/vitpose-base-simple", "sha256:85375373893ddd3641f3912821073e53f5435f9e966e1dca59d004454bfe4fdf"
            ),
            "vitpose-base-simple",
        ),
        Weight(
            "rt-detr", "people, for vitpose", "Apache-2.0", 172_000_000,
            _transformers("PekingU/rtdetr_r50vd_coco_o365"), "rtdetr_r50vd_coco_o365",
        ),
        Weight(
            "segformer", "parse", "MIT", 110_000_000,
            _transformers("yolo12138/segformer-b2-human-parse-24"), "segformer-b2-human-parse-24",
        ),
        _rembg("u2net", "u2net.onnx", "60024c5c889badc19c04ad937298a77b", 176_000_000, "Apache-2.0"),
        _rembg("u2netp", "u2netp.onnx", "8e83ca70e441ab06c318d82300c84806", 5_000_000, "Apache-2.0"),
        _rembg("isnet-general-use", "isnet-general-use.onnx", "fc16ebd8b0c10d971d3513d564d01e29", 179_000_000, "Apache-2.0"),
        _rembg("birefnet-general", "BiRefNet-general-epoch_244.onnx", "7a35a0141cbbc80de11d9c9a28f52697", 973_000_000, "MIT"),
        _rembg(
            "birefnet-general-lite", "BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx", "4fab47adc4ff364be1713e97b7e66334",
            224_000_000, "MIT",
        ),
        Weight(
            "vae", "Stable Diffusion's autoencoder (kl-f8, MSE)", "MIT", 334_643_823,
            _hugging_face(
                "stabilityai/sd-vae-ft-mse",
                ("config.json", "sha256:92d3dfb746fca211a2c9e019e285f8597412211728dce3c5bcf4eda0f2d62e7e"),
                (
                    "diffusion_pytorch_model.safetensors",
                    "sha256:a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815",
                ),
            ),
            "sd-vae-ft-mse",
        ),
        _one(
            "vgg19", "perceptual loss", "BSD-3-Clause (torchvision)", 574_673_000,
            "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", "sha256:dcbb9e9d",
        ),
        _one(
            "alexnet", "LPIPS", "BSD-3-Clause (torchvision)", 244_409_000,
            "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", "sha256:7be5be79",
        ),
        _one(
            "inception", "FID and KID", "Apache-2.0 (torch-fidelity)", 96_000_000,
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
            "sha256:6726825d",
        ),
    )
}  # fmt: skip


def weights_dir() -> Path:
    """$VTON_WEIGHTS, else data/weights."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path(__file__).parents[1] / "data" / "weights").expanduser()


def find(name: str) -> Path:
    """The file or folder of the weights `name`; WeightsMissing says how to get them."""
    return find_all(name)[0]


def find_all(*names: str) -> list[Path]:
    """The same of several that are needed together."""
    missing = [TABLE[name] for name in names if not TABLE[name].here]
    if missing:
        which = " ".join(weight.name for weight in missing)
        sizes = ", ".join(f"{weight.place}, {_megabytes(weight)}, {weight.licence}" for weight in missing)
        raise WeightsMissing(
            f"The weights {which} are not in {weights_dir()}: `python -m vton.weights --fetch {which}` gets them ({sizes}), "
            "and with `--from DIR` takes them from a folder."
        )
    return [weights_dir() / TABLE[name].place for name in names]


def fetch(name: str) -> Path:
    """Get what is missing of the weights `name` from where they are published, checked; where they are then.

    WeightsMissing when there is no way to them, CheckpointError when what came is not what was published.
    """
    weight = TABLE[name]
    progress = Progress(max(1, weight.bytes // CHUNK), name)
    for file, path in zip(weight.files, weight.paths, strict=True):
        if not path.is_file():
            try:
                with urllib.request.urlopen(file.url, timeout=PATIENCE) as source:
                    _keep(file, source, path, progress, source.length)
            except (OSError, HTTPException) as error:
                raise WeightsMissing(
                    f"{file.url} cannot be fetched ({error}); get it by other means, and "
                    f"`python -m vton.weights --fetch {name} --from DIR` takes it from there."
                ) from error
    return find(name)


def take(folder: Path, names: Sequence[str] | None = None) -> list[str]:
    """Copy the weights `names` (None: all that are missing) from anywhere below `folder`, checked; which were found there.

    Files are known by their published names, those of several files by a folder named like their repository too.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder.")
    taken = []
    for name in TABLE if names is None else names:
        weight = TABLE[name]
        sources = [] if weight.here else _lying_below(folder, weight)
        for file, path, source in zip(weight.files if sources else (), weight.paths, sources, strict=False):
            with source.open("rb") as opened:
                _keep(file, opened, path, Progress(max(1, source.stat().st_size // CHUNK), f"{name}: {source.name}"))
        taken += [name] if sources else []
    return taken


def _lying_below(folder: Path, weight: Weight) -> list[Path]:
    for first in sorted(folder.rglob(weight.files[0].name)):
        paths = [first.with_name(file.name) for file in weight.files]
        named = len(paths) == 1 or weight.place in str(first.parent.resolve())
        if named and all(path.is_file() for path in paths):
            return paths
    return []


def _keep(file: File, source: BinaryIO, path: Path, progress: Progress, length: int | None = None) -> None:
    """Write the `length` bytes of `source` to `path` if they are what was published; a pickle is converted."""
    pickled = file.name.endswith(".pkl")
    raw = path.with_name(file.name) if pickled else path
    with replacing(raw) as target:
        _copy(file, source, target, progress, length)
    if pickled:
        try:
            convert(raw, path)
        finally:
            raw.unlink()


def _copy(file: File, source: BinaryIO, target: BinaryIO, progress: Progress, length: int | None) -> None:
    algorithm, _, published = file.checksum.partition(":")
    digest = hashlib.new(algorithm or "sha256")
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
        progress.advance()
    if length is not None and target.tell() != length:
        raise ConnectionError(f"it broke off after {target.tell()} of {length} bytes")
    if not target.tell():
        raise CheckpointError(f"{file.name} is empty; nothing was kept.")
    found = digest.hexdigest()[: len(published)]
    if found != published:
        raise CheckpointError(
            f"{file.name} is not the file that was published: its {algorithm} begins with {found[:12]}, not {published[:12]}; "
            "nothing was kept."
        )


def table() -> str:
    """Every weight: a line of what it is, one of where it comes from, one of where it goes and how it is checked."""
    lines = [f"{'name':<22} {'here':<5} {'size':>8}  {'licence':<28} for"]
    for weight in TABLE.values():
        here = "yes" if weight.here else "no"
        lines.append(f"{weight.name:<22} {here:<5} {_megabytes(weight):>8}  {weight.licence:<28} {weight.what}")
        url = weight.files[0].url
        lines.append(f"{'':<8}from  {url if len(weight.files) == 1 else url.rsplit('/', 1)[0]}")
        lines.append(f"{'':<8}to    {weights_dir() / weight.place}, {_checked_by(weight)}")
    return "\n".join([*lines, "", f"${FOLDER_VARIABLE} names another folder than {weights_dir()}."])


def _checked_by(weight: Weight) -> str:
    """What its publisher says of its largest file, the last one; of some only how their checksum begins."""
    algorithm, _, published = weight.files[-1].checksum.partition(":")
    if not published:
        return "no checksum known"
    return f"{algorithm} {published}{'...' if len(published) < 2 * hashlib.new(algorithm).digest_size else ''}"


def _megabytes(weight: Weight) -> str:
    return f"{weight.bytes / 1e6:,.0f} MB"


def main(argv: Sequence[str] | None = None) -> int:
    """0 when what was asked for is here, 1 when something could not be had."""
    parser = argparse.ArgumentParser(
        prog="python -m vton.weights",
        description="Show which published weights can be used, which are here and which are missing; fetch some, or take them "
        "from a folder of this machine. Each is checked against what its publisher says of it, where that is known. "
        "detectron2's .pkl are kept as safetensors.",
        epilog="example: python -m vton.weights --fetch segformer u2net vitpose rt-detr",
    )
    parser.add_argument("--fetch", nargs="+", choices=TABLE, metavar="NAME", help="get these from where they are published")
    parser.add_argument(
        "--from",
        type=Path,
        dest="folder",
        metavar="DIR",
        help="take what is missing, or only what --fetch names, from DIR instead",
    )
    asked = parser.parse_args(argv)
    try:
        if asked.folder is None:
            for name in asked.fetch or ():
                print(f"{name}: {fetch(name)}")
        else:
            taken = take(asked.folder, asked.fetch)
            print(f"Taken from {asked.folder}: {', '.join(taken) or 'nothing that is missing lies there'}.")
            for name in asked.fetch or ():
                find(name)
    except (VtonError, OSError) as error:
        print(f"weights: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("weights: stopped; nothing half-fetched is kept.", file=sys.stderr)
        return 130
    if not asked.fetch and asked.folder is None:
        print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
