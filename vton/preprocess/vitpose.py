"""Keypoints by ViTPose, on the people that RT-DETR finds; both of the transformers library."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from vton.errors import CheckpointError, PreprocessError
from vton.preprocess.batches import Answer, in_batches
from vton.preprocess.huggingface import load
from vton.preprocess.keypoints import joints_or_error
from vton.preprocess.people import NOBODY, PERSON_SCORE, choose, remark

JOINT_SCORE = 0.3  # a heat-map's height, 0..1; the library's own examples draw joints from there on


class VitPose:
    """A KeypointDetector; both folders as transformers saves them. `remarks` has a sentence where a photo shows several."""

    def __init__(self, pose: Path, people: Path, device: str, batch: int) -> None:
        self.device, self.batch = device, batch
        self.remarks: list[str] = []
        self.network, self.processor = load("VitPoseForPoseEstimation", "VitPoseImageProcessor", pose, device)
        self.finder, self.finder_processor = load("RTDetrForObjectDetection", "RTDetrImageProcessor", people, device)
        self.person = [index for index, label in self.finder.config.id2label.items() if label == "person"]
        if not self.person:
            raise CheckpointError(f"The model in {people} knows no label `person`; fetch rtdetr_r50vd_coco_o365.")

    def keypoints(self, photos: Sequence[np.ndarray]) -> list[Answer]:
        """As in the protocol."""
        self.remarks = [""] * len(photos)
        return in_batches(photos, self.batch, lambda indices: self._ask(photos, indices))

    @torch.inference_mode()
    def _ask(self, photos: Sequence[np.ndarray], indices: list[int]) -> list[Answer]:
        answers: dict[int, Answer] = dict.fromkeys(indices, PreprocessError(NOBODY))
        boxes = {}
        for index, found in zip(indices, self._people([photos[i] for i in indices]), strict=True):
            if len(found):
                chosen = choose(found, photos[index].shape[:2])
                self.remarks[index] = remark(found, chosen)
                boxes[index] = found[chosen]
        if boxes:
            joints = self._joints([photos[i] for i in boxes], list(boxes.values()))
            for index, coco in zip(boxes, joints, strict=True):
                answers[index] = joints_or_error(coco, photos[index].shape[:2], JOINT_SCORE)
        return [answers[index] for index in indices]

    def _people(self, photos: list[np.ndarray]) -> list[np.ndarray]:
        """Of each photo the boxes (N, 4), x0 y0 x1 y1 in its pixels."""
        inputs = self.finder_processor(images=photos, return_tensors="pt").to(self.device)
        sizes = [photo.shape[:2] for photo in photos]
        found = self.finder_processor.post_process_object_detection(self.finder(**inputs), PERSON_SCORE, target_sizes=sizes)
        wanted = torch.tensor(self.person, device=self.device)
        return [one["boxes"][torch.isin(one["labels"], wanted)].float().cpu().numpy() for one in found]

    def _joints(self, photos: list[np.ndarray], boxes: list[np.ndarray]) -> list[np.ndarray]:
        """Of each photo (17, 3) x, y, score of the one person in its box."""
        corners = [np.array([[x0, y0, x1 - x0, y1 - y0]]) for x0, y0, x1, y1 in boxes]
        inputs = self.processor(images=photos, boxes=corners, return_tensors="pt").to(self.device)
        found = self.processor.post_process_pose_estimation(self.network(**inputs), boxes=corners)
        return [torch.cat([one["keypoints"], one["scores"][:, None]], 1).float().cpu().numpy() for (one,) in found]
