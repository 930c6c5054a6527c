"""A person of boxes who stands, as parse and joints."""

import numpy as np

from vton.labels import Keypoint, ParseClass


def person(height: int = 256, width: int = 192) -> tuple[np.ndarray, np.ndarray]:
    """A parse of boxes and its joints: head, garment, bare arms that hang, trousers."""
    h, w = height / 256, width / 192
    parse = np.zeros((height, width), np.uint8)

    def box(top: float, bottom: float, left: float, right: float, label: ParseClass) -> None:
        parse[round(top * h) : round(bottom * h), round(left * w) : round(right * w)] = label

    box(170, 256, 66, 126, ParseClass.PANTS)
    box(60, 175, 64, 128, ParseClass.UPPER)
    box(66, 190, 44, 62, ParseClass.RIGHT_ARM)
    box(66, 190, 130, 148, ParseClass.LEFT_ARM)
    box(48, 62, 86, 106, ParseClass.NECK)
    box(16, 50, 80, 112, ParseClass.FACE)
    joints = np.zeros((25, 3))
    for joint, x, y in (
        (Keypoint.NECK, 96, 66), (Keypoint.RIGHT_SHOULDER, 64, 68), (Keypoint.LEFT_SHOULDER, 128, 68),
        (Keypoint.RIGHT_ELBOW, 54, 118), (Keypoint.RIGHT_WRIST, 52, 164), (Keypoint.LEFT_ELBOW, 138, 118),
        (Keypoint.LEFT_WRIST, 140, 164), (Keypoint.RIGHT_HIP, 80, 170), (Keypoint.LEFT_HIP, 112, 170),
    ):  # fmt: skip
        joints[joint] = x * w, y * h, 1
    return parse, joints
