"""The 25 joints: the picture that OpenPose draws of them, and the size of the person that they tell."""

import cv2
import numpy as np

from vton.labels import Keypoint

K = Keypoint
# Each bone and its colour, RGB, round the wheel from the right arm to the head.
BONES: tuple[tuple[Keypoint, Keypoint, tuple[int, int, int]], ...] = (
    (K.NECK, K.MID_HIP, (255, 0, 0)),
    (K.NECK, K.RIGHT_SHOULDER, (255, 85, 0)),
    (K.RIGHT_SHOULDER, K.RIGHT_ELBOW, (255, 170, 0)),
    (K.RIGHT_ELBOW, K.RIGHT_WRIST, (255, 255, 0)),
    (K.NECK, K.LEFT_SHOULDER, (170, 255, 0)),
    (K.LEFT_SHOULDER, K.LEFT_ELBOW, (85, 255, 0)),
    (K.LEFT_ELBOW, K.LEFT_WRIST, (0, 255, 0)),
    (K.MID_HIP, K.RIGHT_HIP, (0, 255, 85)),
    (K.RIGHT_HIP, K.RIGHT_KNEE, (0, 255, 170)),
    (K.MID_HIP, K.LEFT_HIP, (0, 170, 255)),
    (K.LEFT_HIP, K.LEFT_KNEE, (0, 85, 255)),
    (K.NECK, K.NOSE, (255, 0, 85)),
    (K.NOSE, K.RIGHT_EYE, (255, 0, 170)),
    (K.RIGHT_EYE, K.RIGHT_EAR, (255, 0, 255)),
    (K.NOSE, K.LEFT_EYE, (170, 0, 255)),
    (K.LEFT_EYE, K.LEFT_EAR, (85, 0, 255)),
)


def draw_skeleton(keypoints: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Joints (25, 3) in pixels as coloured bones on black, uint8 (H, W, 3); missing ones are left out."""
    picture = np.zeros((*size[:2], 3), np.uint8)
    thick = max(1.0, size[0] / 256)
    for start, end, colour in BONES:
        if keypoints[start, 2] and keypoints[end, 2]:
            a, b = keypoints[start, :2], keypoints[end, :2]
            middle = (a + b) / 2
            angle = float(np.degrees(np.arctan2(*(b - a)[::-1])))
            axes = max(1, round(float(np.hypot(*(b - a))) / 2)), max(1, round(thick))
            at = (round(float(middle[0])), round(float(middle[1])))
            cv2.ellipse(picture, at, axes, angle, 0, 360, [c * 0.6 for c in colour], -1, cv2.LINE_AA)
    for _, joint, colour in BONES:
        if keypoints[joint, 2]:
            at = (round(float(keypoints[joint, 0])), round(float(keypoints[joint, 1])))
            cv2.circle(picture, at, max(1, round(thick * 1.2)), colour, -1, cv2.LINE_AA)
    return picture


def body_scale(joints: np.ndarray) -> float | None:
    """Shoulder width or 0.6 torso lengths, whichever is more; None where neither can be measured."""
    seen = joints[:, 2] > 0
    across = float(np.hypot(*(joints[5] - joints[2])[:2])) if seen[2] and seen[5] else 0.0
    hips = [joints[i, :2] for i in (9, 12) if seen[i]]
    shoulders = [joints[i, :2] for i in (2, 5) if seen[i]]
    torso = float(np.hypot(*(np.mean(hips, 0) - np.mean(shoulders, 0)))) if hips and shoulders else 0.0
    return max(across, 0.6 * torso) or None
