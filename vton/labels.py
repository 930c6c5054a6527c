"""Names instead of numbers: parse classes (CIHP ids as in VITON-HD), BODY_25 joints, and the colours both are drawn in."""

from enum import IntEnum

import numpy as np


class ParseClass(IntEnum):
    """Ids of VITON-HD's `image-parse-v3` (CIHP_PGN; LIP's differ only at 10)."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    GLOVE = 3
    SUNGLASSES = 4
    UPPER = 5
    DRESS = 6
    COAT = 7
    SOCKS = 8
    PANTS = 9
    NECK = 10
    SCARF = 11
    SKIRT = 12
    FACE = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    LEFT_LEG = 16
    RIGHT_LEG = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19


P = ParseClass
GARMENT = (P.UPPER, P.DRESS, P.COAT)
ARMS = (P.LEFT_ARM, P.RIGHT_ARM)
SKIN = (P.NECK, *ARMS)
HEAD = (P.HAT, P.HAIR, P.SUNGLASSES, P.FACE)
LOWER_BODY = (P.PANTS, P.SKIRT, P.LEFT_LEG, P.RIGHT_LEG, P.LEFT_SHOE, P.RIGHT_SHOE)
LOWER_CLOTHES = (P.PANTS, P.SKIRT)


class Keypoint(IntEnum):
    """OpenPose BODY_25; left and right are the person's own."""

    NOSE = 0
    NECK = 1
    RIGHT_SHOULDER = 2
    RIGHT_ELBOW = 3
    RIGHT_WRIST = 4
    LEFT_SHOULDER = 5
    LEFT_ELBOW = 6
    LEFT_WRIST = 7
    MID_HIP = 8
    RIGHT_HIP = 9
    RIGHT_KNEE = 10
    RIGHT_ANKLE = 11
    LEFT_HIP = 12
    LEFT_KNEE = 13
    LEFT_ANKLE = 14
    RIGHT_EYE = 15
    LEFT_EYE = 16
    RIGHT_EAR = 17
    LEFT_EAR = 18
    LEFT_BIG_TOE = 19
    LEFT_SMALL_TOE = 20
    LEFT_HEEL = 21
    RIGHT_BIG_TOE = 22
    RIGHT_SMALL_TOE = 23
    RIGHT_HEEL = 24


# COCO-18 joint i is BODY_25 joint COCO_18[i]: the orders agree up to 7, then the hips move by one.
COCO_18 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)

ARM_CHAINS = {
    ParseClass.LEFT_ARM: (Keypoint.LEFT_SHOULDER, Keypoint.LEFT_ELBOW, Keypoint.LEFT_WRIST),
    ParseClass.RIGHT_ARM: (Keypoint.RIGHT_SHOULDER, Keypoint.RIGHT_ELBOW, Keypoint.RIGHT_WRIST),
}


def _hex(colours: str) -> np.ndarray:
    return np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in colours.split()], np.uint8)


# (20, 3) RGB, for looks only: distinct hues for neighbours on the body.
PARSE_PALETTE = _hex(
    "000000 7a3b00 c0392b 6c5b7b 34495e e67e22 d35400 b9770e 95a5a6 1f7a8c "
    "a9746e 8e44ad 27ae60 3b6fd4 48c9e5 2e9fd0 b5e655 5fdba7 f4d03f f7dc6f"
)

# (25, 3) RGB: OpenCV's PARULA at part/24, background black, as in VITON-HD's `image-densepose`.
DENSEPOSE_PALETTE = np.array(
    [
        (0, 0, 0), (37, 60, 163), (20, 80, 194), (4, 97, 223), (8, 110, 221), (14, 122, 216), (20, 132, 212),
        (15, 144, 208), (11, 156, 203), (6, 166, 198), (22, 173, 185), (38, 179, 172), (55, 185, 159), (86, 187, 144),
        (114, 189, 130), (145, 191, 116), (170, 189, 105), (192, 188, 96), (216, 186, 86), (228, 192, 74),
        (240, 199, 60), (252, 206, 46), (251, 220, 36), (250, 235, 25), (249, 251, 14),
    ],
    np.uint8,
)  # fmt: skip
