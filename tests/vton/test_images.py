"""Pictures: what is read safely, what is refused with a sentence, and sizes that come back."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vton import images
from vton.errors import DataError

PICTURE = np.random.default_rng(0).integers(0, 256, (20, 14, 3), np.uint8)


def test_png_comes_back_to_the_bit_and_tensors_too(tmp_path: Path) -> None:
    images.write_image(tmp_path / "a.png", PICTURE)
    assert (images.read_image(tmp_path / "a.png") == PICTURE).all()
    tensor = images.to_tensor(PICTURE)
    assert tensor.shape == (1, 3, 20, 14) and tensor.min() >= -1 and tensor.max() <= 1
    assert (images.to_image(tensor) == PICTURE).all()


def test_a_rotated_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PICTURE).save(tmp_path / "turned.png", exif=exif)
    assert (images.read_image(tmp_path / "turned.png") == np.rot90(PICTURE, -1)).all()


def test_transparency_lies_on_white_and_sixteen_bits_keep_their_greys(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 6, 4), np.uint8)).save(tmp_path / "clear.png")
    assert (images.read_image(tmp_path / "clear.png") == 255).all()
    Image.fromarray(np.full((8, 6), 257 * 100, np.uint16)).save(tmp_path / "deep.png")
    assert (images.read_image(tmp_path / "deep.png") == 100).all()


def test_a_wrong_ending_does_no_harm(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "really-png.jpg", "PNG")
    assert (images.read_image(tmp_path / "really-png.jpg") == PICTURE).all()


@pytest.mark.parametrize("content", [b"", b"no picture", b"cut"])
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    if content == b"cut":
        whole = io.BytesIO()
        Image.fromarray(np.tile(PICTURE, (20, 20, 1))).save(whole, "JPEG")
        content = whole.getvalue()[: len(whole.getvalue()) // 2]
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.jpg") as refused:
        images.read_image(tmp_path / "bad.jpg")
    assert str(refused.value).count("bad.jpg") == 1


def test_a_missing_file_and_a_decompression_bomb_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        images.read_image(tmp_path / "none.png")
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(DataError, match="9000x9000"):
        images.read_image(tmp_path / "bomb.png")


def test_labels_keep_their_ids_and_colours_are_no_labels(tmp_path: Path) -> None:
    ids = np.arange(20, dtype=np.uint8).reshape(4, 5)
    images.write_labels(tmp_path / "parse.png", ids)
    assert Image.open(tmp_path / "parse.png").mode == "P"
    assert (images.read_labels(tmp_path / "parse.png") == ids).all()
    images.write_image(tmp_path / "colours.png", PICTURE)
    with pytest.raises(DataError, match="not class ids"):
        images.read_labels(tmp_path / "colours.png")


def test_a_failed_write_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    place = tmp_path / "value.json"
    images.write_json(place, {"kept": True})
    with pytest.raises(TypeError):
        images.write_json(place, {"bad": object()})
    assert images.read_json(place) == {"kept": True}
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("size", [(20, 14), (64, 32), (31, 90)])
def test_letterboxing_comes_back_at_the_photos_size(size: tuple[int, int]) -> None:
    smooth = torch.linspace(-1, 1, 20 * 14).reshape(1, 1, 20, 14).expand(1, 3, 20, 14)
    boxed = images.letterbox(smooth, size, value=-1)
    assert boxed.shape[-2:] == size
    back = images.unletterbox(boxed, (20, 14))
    assert back.shape == smooth.shape and (back - smooth).abs().mean() < 0.05
