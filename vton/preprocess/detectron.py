"""Keypoints and DensePose by detectron2's R-CNNs, which want BGR and are told their settings here."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vton.errors import CheckpointError, PreprocessError
from vton.images import resize_image, resize_labels
from vton.preprocess.batches import Answer, in_batches
from vton.preprocess.keypoints import joints_or_error
from vton.preprocess.people import NOBODY, PERSON_SCORE, choose, remark

MOST_PEOPLE = 10  # that are looked at; each costs as much as the rest of the photo
JOINT_SCORE = 0.05  # detectron2's own threshold for drawing a joint
WORKING_SIDE = 2048  # pixels; DensePose interpolates 27 maps to the person's size, 5 GB in a photo of 50 megapixels


def keypoint_config() -> Any:
    """keypoint_rcnn_R_50_FPN_3x, without what matters in training only."""
    config = _fpn_config()
    config.MODEL.KEYPOINT_ON = True
    config.MODEL.ROI_HEADS.NAME = "StandardROIHeads"
    return config


def densepose_config() -> Any:
    """densepose_rcnn_R_50_FPN_s1x, likewise."""
    from densepose import add_densepose_config

    config = _fpn_config(add_densepose_config)
    config.MODEL.DENSEPOSE_ON = True
    config.MODEL.ROI_HEADS.NAME = "DensePoseROIHeads"
    config.MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO = 2
    config.MODEL.ROI_BOX_HEAD.POOLER_TYPE = "ROIAlign"
    config.MODEL.ROI_DENSEPOSE_HEAD.NAME = "DensePoseV1ConvXHead"
    config.MODEL.ROI_DENSEPOSE_HEAD.POOLER_TYPE = "ROIAlign"
    config.MODEL.ROI_DENSEPOSE_HEAD.NUM_COARSE_SEGM_CHANNELS = 2
    return config


def _fpn_config(*more: Any) -> Any:
    """Base-RCNN-FPN with a ResNet-50, one class and our thresholds."""
    from detectron2.config import get_cfg

    config = get_cfg()
    for add in more:
        add(config)
    model = config.MODEL
    model.META_ARCHITECTURE = "GeneralizedRCNN"
    model.BACKBONE.NAME = "build_resnet_fpn_backbone"
    model.RESNETS.DEPTH = 50
    model.RESNETS.OUT_FEATURES = model.FPN.IN_FEATURES = ["res2", "res3", "res4", "res5"]
    model.ANCHOR_GENERATOR.SIZES = [[32], [64], [128], [256], [512]]
    model.ANCHOR_GENERATOR.ASPECT_RATIOS = [[0.5, 1.0, 2.0]]
    model.RPN.IN_FEATURES = ["p2", "p3", "p4", "p5", "p6"]
    model.RPN.PRE_NMS_TOPK_TEST = model.RPN.POST_NMS_TOPK_TEST = 1000
    model.ROI_HEADS.IN_FEATURES = ["p2", "p3", "p4", "p5"]
    model.ROI_HEADS.NUM_CLASSES = 1
    model.ROI_HEADS.SCORE_THRESH_TEST = PERSON_SCORE
    model.ROI_BOX_HEAD.NAME = "FastRCNNConvFCHead"
    model.ROI_BOX_HEAD.NUM_FC = 2
    model.ROI_BOX_HEAD.POOLER_RESOLUTION = 7
    config.TEST.DETECTIONS_PER_IMAGE = MOST_PEOPLE
    return config


class RCNN(ABC):
    """A network of detectron2 and the one person of each photo; `remarks` has a sentence where a photo shows several."""

    def __init__(self, config: Any, weights: Path, device: str, batch: int) -> None:
        from detectron2.data.transforms import ResizeShortestEdge
        from detectron2.modeling import build_model

        config.MODEL.DEVICE = device
        self.batch = batch
        self.remarks: list[str] = []
        self.network = build_model(config).eval()
        _load(self.network, weights)
        self.network.to(memory_format=torch.channels_last)  # DensePose's head takes half the time so, on a CPU
        self.resize = ResizeShortestEdge([config.INPUT.MIN_SIZE_TEST] * 2, config.INPUT.MAX_SIZE_TEST)

    def answers(self, photos: Sequence[np.ndarray]) -> list[Answer]:
        """What `read` makes of each photo's person."""
        self.remarks = [""] * len(photos)
        return in_batches(photos, self.batch, lambda indices: self._ask(photos, indices))

    @abstractmethod
    def read(self, person: Any, size: tuple[int, int]) -> Answer:
        """The answer for a photo of `size`, of detectron2's Instances of one person in the coordinates of its `image_size`."""

    @torch.inference_mode()
    def _ask(self, photos: Sequence[np.ndarray], indices: list[int]) -> list[Answer]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.meshgrid", UserWarning)
            found = self.network([self._input(photos[index]) for index in indices])
        return [
            self._one(result["instances"].to("cpu"), photos[index], index) for index, result in zip(indices, found, strict=True)
        ]

    def _input(self, photo: np.ndarray) -> dict[str, Any]:
        height, width = _working_size(photo.shape[:2])
        small = resize_image(photo, (height, width))
        fitted = self.resize.get_transform(small).apply_image(small)
        bgr = np.ascontiguousarray(fitted[..., ::-1].transpose(2, 0, 1))
        return {"image": torch.from_numpy(bgr).float(), "height": height, "width": width}

    def _one(self, people: Any, photo: np.ndarray, index: int) -> Answer:
        if not len(people):
            return PreprocessError(NOBODY)
        boxes = people.pred_boxes.tensor.numpy()
        chosen = choose(boxes, people.image_size)
        self.remarks[index] = remark(boxes, chosen)
        return self.read(people[chosen], photo.shape[:2])


class KeypointRCNN(RCNN):
    """A KeypointDetector."""

    def __init__(self, weights: Path, device: str, batch: int, config: Any = None) -> None:
        super().__init__(config or keypoint_config(), weights, device, batch)

    def keypoints(self, photos: Sequence[np.ndarray]) -> list[Answer]:
        """As in the protocol; a score is the share of its heat-map that a joint's peak holds."""
        return self.answers(photos)

    def read(self, person: Any, size: tuple[int, int]) -> Answer:
        coco = person.pred_keypoints[0].numpy()
        coco[:, 0] *= size[1] / person.image_size[1]
        coco[:, 1] *= size[0] / person.image_size[0]
        return joints_or_error(coco, size, JOINT_SCORE)


class DensePoseRCNN(RCNN):
    """A DensePoseDetector."""

    def __init__(self, weights: Path, device: str, batch: int, config: Any = None) -> None:
        super().__init__(config or densepose_config(), weights, device, batch)

    def densepose(self, photos: Sequence[np.ndarray]) -> list[Answer]:
        """As in the protocol."""
        return self.answers(photos)

    def read(self, person: Any, size: tuple[int, int]) -> Answer:
        from densepose.converters.segm_to_mask import resample_fine_and_coarse_segm_to_bbox

        left, top, right, bottom = person.pred_boxes.tensor[0].tolist()
        box = int(left), int(top), int(right - left), int(bottom - top)  # as detectron2 cuts them off
        (labels,) = resample_fine_and_coarse_segm_to_bbox(
            person.pred_densepose, box
        )  # not the coordinates on each part's surface
        parts = np.zeros(person.image_size, np.uint8)
        inside = parts[box[1] :, box[0] :][: labels.shape[0], : labels.shape[1]]
        inside[:] = labels.numpy()[: inside.shape[0], : inside.shape[1]]
        return resize_labels(parts, size) if parts.any() else PreprocessError(NOBODY)


def _working_size(size: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, WORKING_SIDE / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def _load(network: torch.nn.Module, weights: Path) -> None:
    """Fill `network`; CheckpointError where the file lacks one of its weights: detectron2 would go on with random ones."""
    try:
        state: dict[str, Tensor] = load_file(weights)
        lacking = network.load_state_dict(state, strict=False).missing_keys
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{weights} cannot be read ({error}); remove it and fetch it again.") from error
    except RuntimeError as error:
        raise CheckpointError(f"{weights} holds weights of another shape than its network needs; fetch it again.") from error
    if lacking:
        raise CheckpointError(f"{weights} lacks {len(lacking)} weights of its network, {lacking[0]} for one; fetch it again.")
