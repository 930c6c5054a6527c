"""detectron2's two networks, run with small random weights kept as the published ones are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.tiny_weights import rcnn_state, tiny_rcnn
from vton.errors import CheckpointError, PreprocessError
from vton.images import resize_labels
from vton.labels import DENSEPOSE_PALETTE, Keypoint
from vton.preprocess.detectors import open_detectors

pytest.importorskip("densepose", reason="detectron2 and DensePose are not installed (requirements-detectron2.txt)")
from vton.preprocess.detectron import DensePoseRCNN, KeypointRCNN, densepose_config, keypoint_config

SIZES = [(97, 65), (64, 64), (131, 333), (256, 192), (97, 65)]
KINDS = [(KeypointRCNN, keypoint_config), (DensePoseRCNN, densepose_config)]
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints named after their detectors."""
    made = tmp_path_factory.mktemp("weights")
    for detector, config in KINDS:
        save_file(rcnn_state(tiny_rcnn(config())), made / f"{detector.__name__}.safetensors")
    return made


def make(kind: int, weights: Path, batch: int = 2) -> Any:
    detector, config = KINDS[kind]
    return detector(weights, "cpu", batch, tiny_rcnn(config()))


@pytest.fixture(params=[0, 1], ids=["keypoints", "densepose"], scope="module")
def kind(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="module")
def detector(folder: Path, kind: int) -> Any:
    return make(kind, folder / f"{KINDS[kind][0].__name__}.safetensors")


def photo(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_every_size_is_answered_at_its_own_size(detector: Any, kind: int) -> None:
    photos = [photo(size, seed) for seed, size in enumerate(SIZES)]
    for one, answer in zip(photos, detector.answers(photos), strict=True):
        if kind == 0:
            assert answer.shape == (25, 3) and answer.dtype == np.float32
            seen = answer[answer[:, 2] > 0]
            assert (
                len(seen) and (seen[:, :2] >= 0).all() and (seen[:, :2] <= one.shape[1::-1]).all() and (seen[:, 2] <= 1).all()
            )
        else:
            assert answer.shape == one.shape[:2] and answer.dtype == np.uint8
            assert answer.max() <= 24 and len(np.unique(answer)) > 2


def test_a_batch_answers_what_each_photo_alone_is_answered(detector: Any) -> None:
    photos = [photo(size, seed) for seed, size in enumerate(SIZES)]
    for one, together in zip(photos, detector.answers(photos), strict=True):
        (alone,) = detector.answers([one])
        assert np.isclose(alone.astype(float), together.astype(float), atol=1e-2).mean() > 0.99


def test_a_strip_is_refused_and_the_batch_goes_on(detector: Any) -> None:
    answers = detector.answers([photo((40, 5000)), photo((80, 64)), photo((1, 5000))])
    assert [isinstance(answer, PreprocessError) for answer in answers] == [True, False, True]


def smooth(size: tuple[int, int]) -> np.ndarray:
    """The same soft clouds at every size."""
    clouds = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    return np.array(Image.fromarray(clouds).resize(size[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize("factor", [3, 9])
def test_answers_are_in_the_photo_s_own_pixels(detector: Any, kind: int, factor: int) -> None:
    """The factor 9 makes a photo beyond the working size."""
    once, larger = detector.answers([smooth((300, 200)), smooth((300 * factor, 200 * factor))])
    if kind == 0:
        both = (once[:, 2] > 0) & (larger[:, 2] > 0)
        assert both.sum() >= 3 and np.median(np.abs(larger[both, :2] / factor - once[both, :2])) < 3
    else:
        assert larger.shape == (300 * factor, 200 * factor)
        assert (resize_labels(larger, once.shape) == once).mean() > 0.9


def test_the_network_is_given_bgr(detector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    forward = detector.network.forward
    monkeypatch.setattr(detector.network, "forward", lambda inputs: seen.extend(inputs) or forward(inputs))
    detector.answers([np.full((64, 64, 3), (10, 120, 250), np.uint8)])
    assert [channel.unique().tolist() for channel in seen[0]["image"]] == [[250], [120], [10]]


def test_nobody_in_the_photo(kind: int, tmp_path: Path) -> None:
    save_file(rcnn_state(tiny_rcnn(KINDS[kind][1]()), people=False), tmp_path / "weights.safetensors")
    answers = make(kind, tmp_path / "weights.safetensors").answers([photo((96, 64)), photo((64, 96))])
    assert all(isinstance(answer, PreprocessError) and "Nobody" in str(answer) for answer in answers)


def test_parts_lie_where_the_person_is(folder: Path, tmp_path: Path) -> None:
    """The same weights, but the box is the upper left part: nothing of it may leave that part."""
    save_file(rcnn_state(tiny_rcnn(densepose_config()), corner=True), tmp_path / "weights.safetensors")
    (whole,) = make(1, folder / "DensePoseRCNN.safetensors").densepose([photo((200, 150))])
    (part,) = make(1, tmp_path / "weights.safetensors").densepose([photo((200, 150))])
    rows, columns = np.nonzero(part)
    assert np.nonzero(whole)[0].max() > 190 and rows.max() < 190 and columns.max() < 140


class Several(torch.nn.Module):
    """Finds three people in every photo: one aside, one in the middle, one far away."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from detectron2.structures import Boxes

        found = self.network(inputs)
        people = []
        for one, result in zip(inputs, found, strict=True):
            h, w = one["height"], one["width"]
            boxes = [[0, 0, 0.2 * w, h], [0.3 * w, 0.1 * h, 0.8 * w, h], [0.45 * w, 0, 0.5 * w, 0.1 * h]]
            three = result["instances"][torch.tensor([0, 0, 0])]
            three.pred_boxes = Boxes(torch.tensor(boxes))
            people.append({"instances": three})
        return people


def test_of_several_people_the_large_central_one_is_taken_and_the_others_reported(folder: Path) -> None:
    detector = make(1, folder / "DensePoseRCNN.safetensors")
    detector.network = Several(detector.network)
    (parts,) = detector.densepose([photo((200, 100))])
    assert not parts[:, :29].any() and not parts[:19].any() and parts[25:, 35:75].any()
    assert "2 people" in detector.remarks[0]


def test_part_ids_are_those_of_densepose_s_own_picture(folder: Path) -> None:
    """Our ids in our colours are what its visualiser draws on black with alpha 1."""
    from densepose.vis.densepose_results import DensePoseResultsFineSegmentationVisualizer
    from densepose.vis.extractor import DensePoseResultExtractor

    detector = make(1, folder / "DensePoseRCNN.safetensors")
    one = photo((200, 150))
    (parts,) = detector.densepose([one])
    with torch.no_grad():
        instances = detector.network([detector._input(one)])[0]["instances"]
    drawn = DensePoseResultsFineSegmentationVisualizer(alpha=1.0).visualize(
        np.zeros_like(one), DensePoseResultExtractor()(instances)
    )
    assert (DENSEPOSE_PALETTE[parts] == drawn[..., ::-1]).all() and len(np.unique(parts)) > 2


@pytest.mark.parametrize("damage", ["empty", "foreign", "shapes", "cut"])
def test_foreign_weights_are_refused(folder: Path, kind: int, tmp_path: Path, damage: str) -> None:
    """detectron2's own loader would take each of them, and go on with random weights."""
    source, path = folder / f"{KINDS[kind][0].__name__}.safetensors", tmp_path / "weights.safetensors"
    state = load_file(source)
    if damage == "cut":
        path.write_bytes(source.read_bytes()[:9000])
    else:
        other = {"empty": {}, "foreign": load_file(folder / f"{KINDS[1 - kind][0].__name__}.safetensors")}
        save_file(other.get(damage, {name: torch.zeros(1, *value.shape) for name, value in state.items()}), path)
    with pytest.raises(CheckpointError):
        make(kind, path)


def test_loading_changes_every_weight_to_the_file_s(folder: Path, kind: int) -> None:
    path = folder / f"{KINDS[kind][0].__name__}.safetensors"
    state = load_file(path)
    for name, value in make(kind, path).network.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_settings_are_those_of_the_published_configuration() -> None:
    """Against the YAML that detectron2 ships, in all that matters when a photo is looked at."""
    import detectron2
    from detectron2.config import get_cfg

    theirs = get_cfg()
    theirs.merge_from_file(
        str(Path(detectron2.__file__).parent / "model_zoo/configs/COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml")
    )
    ours = keypoint_config()
    training = {"WEIGHTS", "SCORE_THRESH_TEST", "SMOOTH_L1_BETA", "NUM_CONV", "PRE_NMS_TOPK_TRAIN", "POST_NMS_TOPK_TRAIN"}

    def differences(mine: Any, its: Any) -> list[str]:
        differing = []
        for key, value in its.items():
            if hasattr(value, "items"):
                differing += differences(mine[key], value)
            elif mine[key] != value and key not in training:
                differing.append(key)
        return differing

    assert differences(ours.MODEL, theirs.MODEL) == []
    assert (ours.INPUT.FORMAT, ours.INPUT.MIN_SIZE_TEST, ours.INPUT.MAX_SIZE_TEST) == ("BGR", 800, 1333)


def test_opened_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path))
    opened = open_detectors(["keypoints", "densepose"], "cpu")
    assert opened.keypoints is None and opened.densepose is None
    assert "--fetch keypoint-rcnn" in opened.reasons["keypoints"] and "--fetch densepose-rcnn" in opened.reasons["densepose"]


def test_shoulders_and_hips_are_the_right_ones() -> None:
    """COCO's fifth joint is the left shoulder; the network's joints come through in that order."""

    class Person:
        image_size = (100, 50)
        pred_keypoints = torch.stack([torch.arange(17.0), torch.arange(17.0) * 2, torch.full((17,), 0.5)], 1)[None]

    joints = KeypointRCNN.read(KeypointRCNN.__new__(KeypointRCNN), Person(), (200, 100))
    assert joints[Keypoint.LEFT_SHOULDER].tolist() == [10, 20, 0.5] and joints[Keypoint.RIGHT_HIP].tolist() == [24, 48, 0.5]
