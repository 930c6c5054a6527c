"""From the 17 joints that COCO's networks find to BODY_25."""

import numpy as np

from vton.errors import PreprocessError
from vton.labels import Keypoint as K

COCO = (
    K.NOSE, K.LEFT_EYE, K.RIGHT_EYE, K.LEFT_EAR, K.RIGHT_EAR, K.LEFT_SHOULDER, K.RIGHT_SHOULDER, K.LEFT_ELBOW, K.RIGHT_ELBOW,
    K.LEFT_WRIST, K.RIGHT_WRIST, K.LEFT_HIP, K.RIGHT_HIP, K.LEFT_KNEE, K.RIGHT_KNEE, K.LEFT_ANKLE, K.RIGHT_ANKLE,
)  # fmt: skip
BETWEEN = {K.NECK: (K.LEFT_SHOULDER, K.RIGHT_SHOULDER), K.MID_HIP: (K.LEFT_HIP, K.RIGHT_HIP)}


def body_25(coco: np.ndarray, size: tuple[int, int], least_score: float) -> np.ndarray:
    """(17, 3) x, y, score in COCO's order -> (25, 3) float32 BODY_25 with scores clipped to 0..1.

    A joint that scores below `least_score` or lies outside the photo of `size` (height, width) is missing: all zeros. Neck and
    mid-hip lie between their pair and take its lower score; they are missing where one of it is. COCO has no feet.
    """
    height, width = size
    x, y, score = coco.T
    seen = (score >= least_score) & (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    joints = np.zeros((len(K), 3), np.float32)
    joints[list(COCO)] = np.where(seen[:, None], coco, 0)
    joints[:, 2] = joints[:, 2].clip(0, 1)
    for middle, pair in BETWEEN.items():
        left, right = joints[list(pair)]
        if left[2] > 0 and right[2] > 0:
            joints[middle] = *(left[:2] + right[:2]) / 2, min(left[2], right[2])
    return joints


def joints_or_error(coco: np.ndarray, size: tuple[int, int], least_score: float) -> np.ndarray | PreprocessError:
    """`body_25`, or the reason where not one joint is sure enough."""
    joints = body_25(coco, size, least_score)
    if not joints[:, 2].any():
        return PreprocessError("A person is in the photo, but none of the joints can be made out; take a clearer photo.")
    return joints
