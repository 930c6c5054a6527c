"""The parse of one person out of a parse of everybody in the photo."""

import cv2
import numpy as np

from vton.labels import Keypoint, ParseClass
from vton.skeleton import BONES, body_scale

REACH, LOOSE_REACH = 0.35, 0.9  # shoulder widths beyond the body: how far a garment goes, and hair, skirts and coats
OTHER_HEAD = 0.1  # of all that is parsed as a face: from there on it is another person's and no speck
LIMB, HEAD, THIGH = 0.45, 0.4, 1.2  # shoulder widths: a limb's thickness, a head's radius and a thigh's length, where drawn
K, P = Keypoint, ParseClass
THIGHS = ((K.RIGHT_HIP, K.RIGHT_KNEE), (K.LEFT_HIP, K.LEFT_KNEE))
LOOSE = (P.HAIR, P.HAT, P.SCARF, P.SKIRT, P.DRESS, P.COAT)
TORSO = (K.RIGHT_SHOULDER, K.LEFT_SHOULDER, K.LEFT_HIP, K.RIGHT_HIP)


def only_person(parse: np.ndarray, body: np.ndarray) -> np.ndarray:
    """`parse` ids (H, W) of the person whose `body` is bool (H, W), background elsewhere.

    What is not joined to the body goes. Where a face lies elsewhere, so does what is farther from the body than clothes are:
    people who touch each other are one piece. A parse that does not meet the body at all stays as it is.
    """
    width = np.sqrt(np.count_nonzero(body)) / 2  # in shoulders: a body's area is about four of their squares
    far = cv2.distanceTransform((~body).astype(np.uint8), cv2.DIST_L2, 5)
    own = _joined(parse > 0, far <= REACH * width)
    face = parse == P.FACE
    if np.count_nonzero(face & own & (far > REACH * width)) > OTHER_HEAD * np.count_nonzero(face):
        near = far <= np.where(np.isin(parse, LOOSE), LOOSE_REACH, REACH) * width
        own = _joined(own & near, body)
    return np.where(own, parse, parse.dtype.type(0)) if own.any() else parse


def drawn_body(joints: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """About where the body of `joints` (25, 3) is, bool (H, W): its torso, limbs as thick lines, and the head."""
    canvas = np.zeros(size[:2], np.uint8)
    width = body_scale(joints)
    if width is None:
        return canvas > 0
    places = np.clip(np.rint(joints[:, :2]), -4 * max(size), 4 * max(size)).astype(int).tolist()
    for start, end, _ in BONES:
        if joints[start, 2] and joints[end, 2]:
            cv2.line(canvas, places[start], places[end], 1, max(1, round(LIMB * width)))
    if all(joints[joint, 2] for joint in TORSO):
        cv2.fillPoly(canvas, [np.array([places[joint] for joint in TORSO])], 1)
    for hip, knee in THIGHS:
        if joints[hip, 2] and not joints[knee, 2]:  # beyond the photo, most likely
            x, y = places[hip]
            cv2.line(canvas, (x, y), (x, y + round(THIGH * width)), 1, max(1, round(LIMB * width)))
    if joints[K.NOSE, 2]:
        cv2.circle(canvas, places[K.NOSE], max(1, round(HEAD * width)), 1, -1)
    return canvas > 0


def _joined(area: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """The pieces of `area` that meet `seed`, both bool (H, W)."""
    _, pieces = cv2.connectedComponents(area.astype(np.uint8))
    return area & np.isin(pieces, np.unique(pieces[area & seed]))
