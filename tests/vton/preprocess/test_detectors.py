"""The detectors of transformers and rembg, run with small random weights in those libraries' own formats."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.tiny_weights import SEGFORMER_LABELS, save_all, save_rt_detr, save_segformer
from vton.errors import CheckpointError, PreprocessError
from vton.images import read_image
from vton.labels import Keypoint, ParseClass
from vton.preprocess.batches import in_batches
from vton.preprocess.detectors import Detectors, open_detectors
from vton.preprocess.keypoints import body_25
from vton.preprocess.people import choose, remark
from vton.preprocess.rembg_mask import Rembg
from vton.preprocess.segformer import SegFormer, most_likely
from vton.preprocess.vitpose import VitPose

SIZES = [(97, 65), (64, 64), (131, 333), (256, 192), (97, 65)]
FIELDS = {"keypoints": (25, 3), "parse": None, "cloth_mask": None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("weights")
    save_all(made)
    return made


@pytest.fixture(scope="module")
def opened(folder: Path) -> Detectors:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTON_WEIGHTS", str(folder))
        patch.setattr(socket.socket, "connect", _no_network)
        return open_detectors(FIELDS, "cpu", batch=2)


def _no_network(*_: Any) -> None:
    raise AssertionError("a detector went to the network")


def photo(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """A dark shape on a noisy white ground."""
    noise = np.random.default_rng(seed).integers(200, 256, (*size, 3), dtype=np.uint8)
    noise[size[0] // 4 : -size[0] // 4, size[1] // 4 : -size[1] // 4] //= 5
    return noise


def ask(opened: Detectors, field: str, photos: list[np.ndarray]) -> list[Any]:
    return getattr(getattr(opened, field), field)(photos)


@pytest.mark.parametrize("field", FIELDS)
def test_every_size_is_answered_at_its_own_size(opened: Detectors, field: str) -> None:
    photos = [photo(size, seed) for seed, size in enumerate(SIZES)]
    for one, answer in zip(photos, ask(opened, field, photos), strict=True):
        assert answer.shape == (FIELDS[field] or one.shape[:2])
        assert answer.dtype == {"keypoints": np.float32, "parse": np.uint8, "cloth_mask": bool}[field]


@pytest.mark.parametrize("field", FIELDS)
def test_a_batch_answers_what_each_photo_alone_is_answered(opened: Detectors, field: str) -> None:
    photos = [photo(size, seed) for seed, size in enumerate(SIZES)]
    for one, together in zip(photos, ask(opened, field, photos), strict=True):
        (alone,) = ask(opened, field, [one])
        assert np.isclose(alone.astype(float), together.astype(float), atol=1e-2).mean() > 0.999


@pytest.mark.parametrize("field", FIELDS)
def test_what_no_network_can_take_is_refused_and_the_batch_goes_on(opened: Detectors, field: str) -> None:
    thin, tiny, good = photo((40, 900)), photo((20, 30)), photo((80, 64))
    answers = ask(opened, field, [thin, good, tiny])
    assert [isinstance(answer, PreprocessError) for answer in answers] == [True, False, True]
    assert "900x40" in str(answers[0]) and "30x20" in str(answers[2])


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", ["turned", "transparent", "16-bit"])
def test_pictures_of_every_kind_come_through_the_door(opened: Detectors, field: str, kind: str, tmp_path: Path) -> None:
    picture = Image.fromarray(photo((96, 64)))
    path = tmp_path / "photo.png"
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6  # a quarter turn
        picture.save(path, exif=exif)
    elif kind == "transparent":
        picture.putalpha(Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (96, 1))))
        picture.save(path)
    else:
        Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(path)
    array = read_image(path)
    (answer,) = ask(opened, field, [array])
    assert array.shape == ((64, 96, 3) if kind == "turned" else (96, 64, 3))
    assert answer.shape == (FIELDS[field] or array.shape[:2])


def test_batches_hold_one_size_each_and_keep_the_order() -> None:
    photos = [np.full((64 + 32 * (index % 3), 64, 3), index, np.uint8) for index in range(11)]
    seen = []

    def answer(indices: list[int]) -> list[Any]:
        seen.append(indices)
        return [photos[index] for index in indices]

    answers = in_batches(photos, 2, answer)
    assert all(given is photo for given, photo in zip(answers, photos, strict=True))
    assert all(len(indices) <= 2 and len({photos[index].shape for index in indices}) == 1 for indices in seen)


@pytest.mark.parametrize(
    "odd", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 3), np.float32)]
)
def test_an_array_that_is_no_photo_is_a_mistake_of_the_caller(opened: Detectors, odd: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        ask(opened, "parse", [odd])


def test_the_largest_and_most_central_person_is_meant() -> None:
    size = (400, 300)
    aside, middle, far = [0, 100, 100, 400], [100, 50, 200, 350], [140, 10, 160, 40]
    assert choose(np.array([aside, middle, far], float), size) == 1
    assert choose(np.array([far, [0, 0, 160, 400]], float), size) == 1  # a little off the middle, but much larger
    assert "2 people" in remark(np.array([aside, middle, far], float), 1)
    assert remark(np.array([middle, far], float), 0) == ""


def test_cocos_joints_become_body_25s() -> None:
    coco = np.stack([np.arange(17.0) * 10, np.arange(17.0) * 5, np.full(17, 0.9)], 1)
    joints = body_25(coco, (200, 300), 0.3)
    assert joints[Keypoint.RIGHT_WRIST].tolist() == pytest.approx([100, 50, 0.9])
    assert joints[Keypoint.LEFT_ANKLE].tolist() == pytest.approx([150, 75, 0.9])
    assert joints[Keypoint.NECK].tolist() == pytest.approx([55, 27.5, 0.9])
    assert joints[Keypoint.MID_HIP].tolist() == pytest.approx([115, 57.5, 0.9])
    assert not joints[Keypoint.LEFT_BIG_TOE :].any()


@pytest.mark.parametrize("change", [(0, -1.0), (0, 301.0), (1, 200.5), (2, 0.29)])
def test_a_joint_outside_or_unsure_is_missing_and_so_is_what_lies_between(change: tuple[int, float]) -> None:
    coco = np.stack([np.arange(17.0) * 10, np.arange(17.0) * 5, np.full(17, 0.9)], 1)
    coco[6, change[0]] = change[1]  # the right shoulder
    joints = body_25(coco, (200, 300), 0.3)
    assert not joints[Keypoint.RIGHT_SHOULDER].any() and not joints[Keypoint.NECK].any()
    assert (joints[Keypoint.LEFT_SHOULDER, 2], joints[Keypoint.MID_HIP, 2]) == pytest.approx((0.9, 0.9))


def test_scores_are_kept() -> None:
    coco = np.full((17, 3), 10.0)
    coco[:, 2] = np.linspace(0.3, 1.2, 17)
    joints = body_25(coco, (20, 20), 0.3)
    assert joints[Keypoint.NOSE, 2] == pytest.approx(0.3) and joints[Keypoint.RIGHT_ANKLE, 2] == 1
    assert joints[Keypoint.NECK, 2] == pytest.approx(joints[Keypoint.LEFT_SHOULDER, 2])  # the lower of the two


def test_joints_are_pixels_of_the_photo(opened: Detectors) -> None:
    small = photo((96, 72))
    large = small.repeat(3, 0).repeat(3, 1)
    once, thrice = ask(opened, "keypoints", [small, large])
    both = (once[:, 2] > 0) & (thrice[:, 2] > 0)
    assert both.sum() >= 3
    assert np.median(np.abs(thrice[both, :2] - 3 * once[both, :2])) < 9


def test_nobody_in_the_photo(folder: Path, tmp_path: Path) -> None:
    save_rt_detr(tmp_path, score=0.2)
    detector = VitPose(folder / "vitpose-base-simple", tmp_path, "cpu", 2)
    answers = detector.keypoints([photo((96, 64)), photo((64, 96))])
    assert all(isinstance(answer, PreprocessError) and "Nobody" in str(answer) for answer in answers)


def test_several_people_are_reported(folder: Path, tmp_path: Path) -> None:
    save_rt_detr(tmp_path, people=3)
    detector = VitPose(folder / "vitpose-base-simple", tmp_path, "cpu", 2)
    detector.keypoints([photo((96, 64)), photo((10, 10)), photo((96, 64), 1)])
    assert "3 people" in detector.remarks[0] and not detector.remarks[1] and "3 people" in detector.remarks[2]


def test_classes_go_by_their_names_not_their_numbers(tmp_path: Path) -> None:
    names = {
        "left_sleeve_for_upper": ParseClass.UPPER,
        "right_patns": ParseClass.PANTS,
        "skin_around_neck_region": ParseClass.NECK,
    }
    for name, wanted in names.items():
        for labels in (list(SEGFORMER_LABELS), list(reversed(SEGFORMER_LABELS))):
            save_segformer(tmp_path, labels, only=name)
            (parse,) = SegFormer(tmp_path, "cpu", 1).parse([photo((70, 50))])
            assert (parse == wanted).all()


def test_a_model_with_other_labels_is_refused(tmp_path: Path) -> None:
    save_segformer(tmp_path, [*SEGFORMER_LABELS[:-1], "umbrella"])
    with pytest.raises(CheckpointError, match="umbrella"):
        SegFormer(tmp_path, "cpu", 1)


def test_a_parse_of_nothing_but_background_is_an_error(tmp_path: Path) -> None:
    save_segformer(tmp_path, only="bag")
    (answer,) = SegFormer(tmp_path, "cpu", 1).parse([photo((70, 50))])
    assert isinstance(answer, PreprocessError)


def test_logits_are_interpolated_and_ids_are_not() -> None:
    logits = torch.randn(24, 9, 7, generator=torch.Generator().manual_seed(5))
    all_at_once = F.interpolate(logits[None], size=(101, 77), mode="bilinear", align_corners=False)[0].argmax(0).numpy()
    assert (most_likely(logits, (101, 77)) == all_at_once).all()
    step = torch.tensor([[[9.0, -9.0]], [[-1.0, -1.0]], [[-9.0, 9.0]]])
    assert set(np.unique(most_likely(step, (1, 99)))) == {0, 2}  # ids have no means


def test_the_mask_is_where_the_garment_is(opened: Detectors) -> None:
    (mask,) = ask(opened, "cloth_mask", [photo((200, 160))])
    wanted = np.zeros((200, 160), bool)
    wanted[50:150, 40:120] = True
    assert (mask & wanted).sum() / (mask | wanted).sum() > 0.97


def test_a_photo_of_one_colour_has_no_garment(opened: Detectors) -> None:
    (answer,) = ask(opened, "cloth_mask", [np.full((80, 60, 3), 250, np.uint8)])
    assert isinstance(answer, PreprocessError)


@pytest.mark.parametrize("session", ["withoutbg", "atlascloud", "bria-rmbg", "u2net_custom"])
def test_sessions_that_are_not_on_the_list_are_refused(folder: Path, session: str) -> None:
    with pytest.raises(ValueError, match=session):
        Rembg(folder / "u2net.onnx", "cpu", session)


def test_a_damaged_model_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "u2net.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match="u2net"):
        Rembg(tmp_path / "u2net.onnx", "cpu")


def test_nothing_here_says_what_to_type_and_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", _no_network)
    opened = open_detectors(["keypoints", "parse", "cloth_mask"], "cpu")
    assert (opened.keypoints, opened.parse, opened.cloth_mask, opened.densepose) == (None, None, None, None)
    assert "--fetch vitpose rt-detr" in opened.reasons["keypoints"]
    assert "--fetch segformer" in opened.reasons["parse"] and "--fetch u2net" in opened.reasons["cloth_mask"]


def _empty(path: Path) -> None:
    from safetensors.torch import save_file

    save_file({}, path)


def _foreign(path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(3)}, path)


def _other_shapes(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({name: torch.zeros(1, *value.shape) for name, value in load_file(path).items()}, path)


@pytest.mark.parametrize("damage", [_empty, _foreign, _other_shapes, lambda path: path.write_bytes(path.read_bytes()[:5000])])
@pytest.mark.parametrize("place", ["segformer-b2-human-parse-24", "vitpose-base-simple", "rtdetr_r50vd_coco_o365"])
def test_foreign_weights_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], place: str
) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path))
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    damage(tmp_path / place / "model.safetensors")
    field = "parse" if place.startswith("segformer") else "keypoints"
    opened = open_detectors([field], "cpu")
    assert getattr(opened, field) is None and place in opened.reasons[field]
