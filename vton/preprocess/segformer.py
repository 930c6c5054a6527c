"""The parse by SegFormer, fine-tuned on 24 classes (yolo12138/segformer-b2-human-parse-24)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vton.errors import CheckpointError, PreprocessError
from vton.labels import ParseClass as P
from vton.preprocess.batches import Answer, in_batches
from vton.preprocess.huggingface import load
from vton.preprocess.people import NOBODY

# Its labels, spelled as published -> VITON-HD's. A bag is not worn: VITON-HD's parse has no class for it.
CLASSES = {
    "background": P.BACKGROUND,
    "hat": P.HAT,
    "hair": P.HAIR,
    "glove": P.GLOVE,
    "glasses": P.SUNGLASSES,
    "upper_only_torso_region": P.UPPER,
    "dresses_only_torso_region": P.DRESS,
    "coat_only_torso_region": P.COAT,
    "socks": P.SOCKS,
    "left_pants": P.PANTS,
    "right_patns": P.PANTS,
    "skin_around_neck_region": P.NECK,
    "scarf": P.SCARF,
    "skirts": P.SKIRT,
    "face": P.FACE,
    "left_arm": P.LEFT_ARM,
    "right_arm": P.RIGHT_ARM,
    "left_leg": P.LEFT_LEG,
    "right_leg": P.RIGHT_LEG,
    "left_shoe": P.LEFT_SHOE,
    "right_shoe": P.RIGHT_SHOE,
    "left_sleeve_for_upper": P.UPPER,
    "right_sleeve_for_upper": P.UPPER,
    "bag": P.BACKGROUND,
}


class SegFormer:
    """A ParseDetector; `folder` holds the model as transformers saves it."""

    def __init__(self, folder: Path, device: str, batch: int) -> None:
        self.batch = batch
        self.network, self.processor = load("SegformerForSemanticSegmentation", "SegformerImageProcessor", folder, device)
        self.classes = _classes(self.network.config.id2label, folder)

    def parse(self, photos: Sequence[np.ndarray]) -> list[Answer]:
        """As in the protocol, but of everybody in the photo; `person.only_person` takes the one who is meant."""
        return in_batches(photos, self.batch, lambda indices: self._ask([photos[i] for i in indices]))

    @torch.inference_mode()
    def _ask(self, photos: list[np.ndarray]) -> list[Answer]:
        pixels = self.processor(images=photos, return_tensors="pt").pixel_values.to(self.network.device)
        logits = self.network(pixels).logits  # (N, 24, h, w)
        return [
            _person_or_error(self.classes[most_likely(one, photo.shape[:2])]) for one, photo in zip(logits, photos, strict=True)
        ]


def _classes(labels: dict[int, str], folder: Path) -> np.ndarray:
    """(24,) uint8: the ParseClass of each of the model's ids, by the names of its labels."""
    if sorted(labels.values()) != sorted(CLASSES):
        odd = sorted(set(labels.values()) ^ set(CLASSES))
        raise CheckpointError(
            f"The labels of the model in {folder} are not those of segformer-b2-human-parse-24 ({', '.join(odd[:3])} differ); "
            "fetch that one."
        )
    return np.array([CLASSES[labels[index]] for index in range(len(labels))], np.uint8)


def most_likely(logits: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """(C, h, w) -> (height, width): the class with the highest logit, these interpolated; ids are not.

    One class after the other, since all at once would take 100 bytes for each of a photo's pixels.
    """
    best = torch.full(size, -torch.inf, device=logits.device)
    ids = torch.zeros(size, dtype=torch.uint8, device=logits.device)
    for index, plane in enumerate(logits):
        fine = F.interpolate(plane[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
        higher = fine > best
        best[higher], ids[higher] = fine[higher], index
    return ids.cpu().numpy()


def _person_or_error(parse: np.ndarray) -> Answer:
    if not parse.any():
        return PreprocessError(NOBODY)
    return parse
