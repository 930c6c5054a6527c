"""The four detectors behind small protocols, and the one place where real ones are opened."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from vton.errors import PreprocessError, VtonError
from vton.weights import TABLE, find, find_all

INSTALL_DETECTRON2 = "python -m pip install --no-build-isolation --no-deps -r requirements-detectron2.txt"


class KeypointDetector(Protocol):
    """Finds the joints of the one person who is meant."""

    def keypoints(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        """Of each photo (25, 3) float32 BODY_25: x, y in pixels, score 0..1; a missing joint is all zeros."""
        ...


class DensePoseDetector(Protocol):
    """Finds the body parts of the one person who is meant."""

    def densepose(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        """Of each photo (H, W) uint8: DensePose part ids 0..24, 0 is background."""
        ...


class ParseDetector(Protocol):
    """Says of each pixel which garment or body part it shows."""

    def parse(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        """Of each photo (H, W) uint8: ids of `ParseClass`, 0..19."""
        ...


class ClothMaskDetector(Protocol):
    """Cuts a garment out of its photo."""

    def cloth_mask(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        """Of each garment photo (H, W) bool: True on the garment."""
        ...


@dataclass(frozen=True)
class Detectors:
    """What is at hand: a detector, or None and in `reasons` the sentence that says why."""

    keypoints: KeypointDetector | None = None
    densepose: DensePoseDetector | None = None
    parse: ParseDetector | None = None
    cloth_mask: ClothMaskDetector | None = None
    reasons: dict[str, str] = field(default_factory=dict)  # name of the detector -> why it is not to be had


def open_detectors(names: Iterable[str], device: str, batch: int = 4) -> Detectors:
    """Load each detector of `names` (fields of `Detectors`) once, onto `device`; `batch` photos go through a network at a time.

    Where there are several for one task, the first that can be had. Nothing is fetched: what is missing is None, with a reason.
    """
    opened: dict[str, Any] = {}
    reasons = {}
    for name in names:
        found = []
        for opener in OPENERS[name]:
            try:
                opened[name] = opener(device, batch)
                break
            except (VtonError, ImportError) as error:
                found.append(str(error))
        else:
            reasons[name] = " Or: ".join(found)
    return Detectors(**opened, reasons=reasons)


def _keypoint_rcnn(device: str, batch: int) -> KeypointDetector:
    _need_detectron2()
    from vton.preprocess.detectron import KeypointRCNN

    return KeypointRCNN(find("keypoint-rcnn"), device, batch)


def _densepose_rcnn(device: str, batch: int) -> DensePoseDetector:
    _need_detectron2()
    from vton.preprocess.detectron import DensePoseRCNN

    return DensePoseRCNN(find("densepose-rcnn"), device, batch)


def _need_detectron2() -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import densepose  # noqa: F401
    except ImportError as error:
        raise ImportError(f"detectron2 cannot be imported ({error}): type `{INSTALL_DETECTRON2}`.") from error


def _vitpose(device: str, batch: int) -> KeypointDetector:
    from vton.preprocess.vitpose import VitPose

    pose, people = find_all("vitpose", "rt-detr")
    return VitPose(pose, people, device, batch)


def _segformer(device: str, batch: int) -> ParseDetector:
    from vton.preprocess.segformer import SegFormer

    return SegFormer(find("segformer"), device, batch)


def _rembg(device: str, batch: int) -> ClothMaskDetector:
    from vton.preprocess.rembg_mask import SESSIONS, Rembg

    session = next((name for name in SESSIONS if TABLE[name].here), SESSIONS[0])
    return Rembg(find(session), device, session)


OPENERS: dict[str, tuple[Callable[[str, int], Any], ...]] = {
    "keypoints": (_keypoint_rcnn, _vitpose),
    "densepose": (_densepose_rcnn,),
    "parse": (_segformer,),
    "cloth_mask": (_rembg,),
}
