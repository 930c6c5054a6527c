"""The agnostic area: what of a photo is erased so that neither the worn garment nor its outline stays visible.

The drawn shape is VITON-HD's own rule (datasets.py, `get_img_agnostic`, with the radius of HR-VITON's thread #45), guarded:
missing and impossible hips are rebuilt, missing and impossible arm joints skipped, the person's parsed garment and neck are
always covered, other people's left alone.
"""

import cv2
import numpy as np

from vton.errors import PreprocessError
from vton.labels import ARM_CHAINS, ARMS, GARMENT, HEAD, LOWER_BODY, Keypoint, ParseClass

GREY = 128
BORDER = 0.005  # of the height: how far a parse may be off where garment and lower body meet
HAND_START = 0.12  # of the forearm's length beyond the wrist joint: up to there cuffs reach
FARTHEST_HIP, LONGEST_ARM = 4.0, 3.0  # shoulder widths from the shoulders' middle, and from joint to joint: beyond is no body
OWN = 0.5  # shoulder widths: how far from the drawn shape a piece of garment may lie and still be this person's
K = Keypoint


def agnostic_mask(parse: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """The area to erase, bool (H, W), from `parse` ids (H, W) and `keypoints` (25, 3) in pixels.

    The rule's shape, united with the parsed garment and neck, dilated, its outline smoothed, minus face, hair, lower body
    and hands. PreprocessError where a shoulder is missing.
    """
    joints, width = _joints(parse, keypoints)
    radius = width / 16 + 1
    drawn = _torso(joints, radius, parse.shape) | _arms(joints, width, radius, parse.shape)
    worn = _near(np.isin(parse, (*GARMENT, ParseClass.NECK)), drawn, OWN * width)
    area = drawn | worn
    grow = max(1, round(radius / 3))
    area = cv2.dilate(area.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1,) * 2))
    area = cv2.GaussianBlur(area.astype(np.float32), (0, 0), max(radius / 2, 0.5)) > 0.4
    garment = np.isin(parse, GARMENT) & worn
    seam = max(1, round(BORDER * parse.shape[0]))
    beside = cv2.dilate(garment.astype(np.uint8), np.ones((2 * seam + 1,) * 2, np.uint8)) > 0
    lower = np.isin(parse, LOWER_BODY) & ~beside
    area |= worn | (beside & np.isin(parse, LOWER_BODY))
    return area & ~np.isin(parse, HEAD) & ~lower & ~hands(parse, joints)


def erase(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`image` uint8 (H, W, 3) with the masked area grey: the agnostic always agrees with its mask.

    PreprocessError where the two differ in size.
    """
    if image.shape[:2] != mask.shape:
        wrong = f"The agnostic mask is {mask.shape[1]}x{mask.shape[0]}, the photo {image.shape[1]}x{image.shape[0]}"
        raise PreprocessError(f"{wrong}; make the mask from this photo.")
    return np.where(mask[..., None], np.uint8(GREY), image)


def erase_parse(parse: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`parse` without the garment and the neck, and without the arms where they are masked."""
    gone = np.isin(parse, (*GARMENT, ParseClass.NECK)) | (mask & np.isin(parse, ARMS))
    return np.where(gone, parse.dtype.type(0), parse)


def hands(parse: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """Where the arms' skin reaches beyond the wrists, bool (H, W)."""
    return hand(parse, keypoints, ParseClass.LEFT_ARM) | hand(parse, keypoints, ParseClass.RIGHT_ARM)


def hand(parse: np.ndarray, keypoints: np.ndarray, label: ParseClass) -> np.ndarray:
    """The hand of one arm, bool (H, W); nothing where its elbow or wrist is missing."""
    _, elbow, wrist = (keypoints[joint] for joint in ARM_CHAINS[label])
    if not (elbow[2] > 0 and wrist[2] > 0):
        return np.zeros(parse.shape, bool)
    rows, columns = np.mgrid[: parse.shape[0], : parse.shape[1]]
    forearm = wrist[:2] - elbow[:2]
    length = max(float(np.hypot(*forearm)), 1.0)
    beyond = ((columns - wrist[0]) * forearm[0] + (rows - wrist[1]) * forearm[1]) / length
    near = np.hypot(columns - wrist[0], rows - wrist[1]) < 1.2 * length
    return (parse == label) & (beyond > HAND_START * length) & near


def _joints(parse: np.ndarray, keypoints: np.ndarray) -> tuple[np.ndarray, float]:
    """Joints (25, 3) with the hips rebuilt and the hip line as wide as the shoulders, and that width in pixels."""
    known = np.isfinite(keypoints).all(1) & (keypoints[:, 2] > 0)
    joints = np.where(known[:, None], keypoints, 0).astype(np.float64)
    if not (joints[K.RIGHT_SHOULDER, 2] and joints[K.LEFT_SHOULDER, 2]):
        raise PreprocessError("No two shoulders were found in the photo; the person must face the camera.")
    columns = np.flatnonzero(np.isin(parse, GARMENT).any(0))
    garment = float(np.ptp(columns)) if columns.size else 0.0
    measured = float(np.hypot(*(joints[K.LEFT_SHOULDER, :2] - joints[K.RIGHT_SHOULDER, :2])))
    width = max(measured, 0.4 * garment, 0.05 * parse.shape[1])
    right, left = joints[K.RIGHT_HIP], joints[K.LEFT_HIP]
    shoulders = (joints[K.LEFT_SHOULDER, :2] + joints[K.RIGHT_SHOULDER, :2]) / 2
    hips = [hip[:2] for hip in (right, left) if hip[2] and np.hypot(*(hip[:2] - shoulders)) < FARTHEST_HIP * width]
    middle = np.mean(hips, 0) if len(hips) == 2 else np.array([shoulders[0], shoulders[1] + 1.5 * width])
    if len(hips) == 1:
        middle = np.array([(hips[0][0] + shoulders[0]) / 2, hips[0][1]])
    side = np.array([width / 2, 0.0])
    joints[K.RIGHT_HIP, :2], joints[K.LEFT_HIP, :2] = middle - side, middle + side
    if not joints[K.NECK, 2]:
        joints[K.NECK, :2] = shoulders
    return joints, width


def _near(area: np.ndarray, drawn: np.ndarray, reach: float) -> np.ndarray:
    """The pieces of `area` within `reach` pixels of the drawn shape: what another person in the photo wears is farther off."""
    _, labels = cv2.connectedComponents(area.astype(np.uint8))
    close = cv2.distanceTransform((~drawn).astype(np.uint8), cv2.DIST_L2, 3) <= reach
    return area & np.isin(labels, np.unique(labels[area & close]))


def _torso(joints: np.ndarray, r: float, size: tuple[int, ...]) -> np.ndarray:
    """Hips, sides, hip line, the polygon between shoulders and hips, and the neck rectangle."""
    canvas = np.zeros(size, np.uint8)
    for hip in (K.RIGHT_HIP, K.LEFT_HIP):
        cv2.ellipse(canvas, _at(joints[hip], size), (_px(3 * r), _px(6 * r)), 0, 0, 360, 1, -1)
    for start, end, width in (
        (K.RIGHT_SHOULDER, K.RIGHT_HIP, 6),
        (K.LEFT_SHOULDER, K.LEFT_HIP, 6),
        (K.RIGHT_HIP, K.LEFT_HIP, 12),
        (K.RIGHT_SHOULDER, K.LEFT_SHOULDER, 12),
    ):
        cv2.line(canvas, _at(joints[start], size), _at(joints[end], size), 1, _px(width * r))
    corners = [_at(joints[j], size) for j in (K.RIGHT_SHOULDER, K.LEFT_SHOULDER, K.LEFT_HIP, K.RIGHT_HIP)]
    cv2.fillPoly(canvas, [np.array(corners)], 1)
    x, y = _at(joints[K.NECK], size)
    cv2.rectangle(canvas, (x - _px(5 * r), y - _px(9 * r)), (x + _px(5 * r), y), 1, -1)
    return canvas > 0


def _arms(joints: np.ndarray, shoulders: float, r: float, size: tuple[int, ...]) -> np.ndarray:
    """A thick line along each arm as far as its joints are known, ending at the wrist."""
    canvas = np.zeros(size, np.uint8)
    for chain in ARM_CHAINS.values():
        shoulder = _at(joints[chain[0]], size)
        cv2.ellipse(canvas, shoulder, (_px(5 * r), _px(6 * r)), 0, 0, 360, 1, -1)
        reached = shoulder
        for joint in chain[1:]:
            here = _at(joints[joint], size)
            if not joints[joint, 2] or np.hypot(here[0] - reached[0], here[1] - reached[1]) > LONGEST_ARM * shoulders:
                break
            cv2.line(canvas, reached, here, 1, _px(10 * r))
            cv2.circle(canvas, here, _px(5 * r), 1, -1)
            reached = here
    return canvas > 0


def _at(joint: np.ndarray, size: tuple[int, ...]) -> tuple[int, int]:
    """The joint's pixel, kept within one picture's width of the picture."""
    height, width = size
    return int(np.clip(joint[0], -width, 2 * width)), int(np.clip(joint[1], -height, 2 * height))


def _px(length: float) -> int:
    return max(1, round(length))
