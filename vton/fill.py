"""What shows where the new garment does not cover the erased area: the person's skin, the clothes below, the background.

No network: colours are carried in from what the photo shows of each of the three, skin is shaded as a limb is.
"""

import cv2
import numpy as np

from vton.areas import arm_area, covered_arms, drop_of, lower_clothes, torso_area, waistband
from vton.body import ARM, Body
from vton.labels import ARMS, GARMENT, LOWER_CLOTHES, SKIN, ParseClass

LIKE_SKIN = 16.0  # how far (CIELAB a, b) a labelled arm's colour may lie from the face's and still be skin
ERASED = -1  # in the place of a class: nothing is known of it
ARM_START = 0.35  # of the upper arm: above it the arm is under the garment's shoulder


def fill_bare(
    image: np.ndarray,
    parse: np.ndarray,
    body: Body,
    mask: np.ndarray,
    worn: np.ndarray,
    sleeve_ends: tuple[float, float],
) -> np.ndarray:
    """The photo without the worn garment: `image` (H, W, 3) with the erased `mask` (H, W) filled. The `body` is the parse's.

    What the photo shows inside the mask of the background and of skin (arms, neck) stays where `worn` does not cover it;
    an arm that was hidden is drawn from where the new sleeve ends (0 shoulder, 1 elbow, 2 wrist).
    Where `parse` is ERASED nothing is taken from the photo: neither colours nor what is worn, shown or behind there.
    """
    shown = shown_skin(image, parse)
    skin_seen = shown
    empty, shown = _trusted(parse, shown)
    starts = (max(0.0, sleeve_ends[0] - 0.15), max(0.0, sleeve_ends[1] - 0.15))
    under_sleeves = covered_arms(body, parse.shape, starts)
    limbs = arm_area(body, parse.shape, starts) | (skin_seen & ~under_sleeves)
    below = lower_clothes(body, parse)
    torso = torso_area(body, parse)
    if below.any():
        torso &= drop_of(body, parse.shape) < waistband(body)
    skin = (torso & ~below) | limbs
    open_mask = mask & ~empty & ~(shown & ~worn & ~under_sleeves)
    seen = parse == ParseClass.BACKGROUND
    background = spread(image, next((known for known in (empty, seen) if known.any()), ~mask))
    filled = np.where((parse == ERASED)[..., None], np.round(background).astype(np.uint8), image)
    clothes_seen = ~mask & np.isin(parse, LOWER_CLOTHES)
    lower = spread(image, clothes_seen) if clothes_seen.any() else background
    skin_colour = _paint_skin(image, parse, body, shown)
    for region, colour in ((~skin & ~below, background), (below & ~limbs, lower), (skin, skin_colour)):
        filled = _lay(filled, colour, region)
    return np.where(open_mask[..., None], filled, image)


def shown_skin(image: np.ndarray, parse: np.ndarray) -> np.ndarray:
    """Arms and neck that the photo really shows, bool (H, W): a sleeve labelled as an arm betrays itself by its colour."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    face = parse == ParseClass.FACE
    if face.sum() < 50:
        return np.isin(parse, SKIN)
    reference = np.median(lab[face], 0)
    away = np.hypot(lab[..., 1] - reference[1], lab[..., 2] - reference[2])
    skin = np.isin(parse, SKIN)
    alike = skin & (away < LIKE_SKIN) & (lab[..., 0] > 0.35 * reference[0])
    reach = max(5, round(0.02 * parse.shape[0])) | 1
    share = cv2.blur(alike.astype(np.float32), (reach, reach)) / np.maximum(
        cv2.blur(skin.astype(np.float32), (reach, reach)), 1e-3
    )
    return skin & (share > 0.7)


def _trusted(parse: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Background and skin that the photo really shows, bool (H, W) each: not beside what is erased, where a parse is some
    pixels off."""
    erased = np.isin(parse, (*GARMENT, ERASED)) | (np.isin(parse, SKIN) & ~shown)
    border = max(3, round(0.010 * parse.shape[0]))
    grown = cv2.dilate(erased.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * border + 1,) * 2))
    near = (cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 1.5 * border) > 0.5) | erased  # smooth, as a limb's edge is
    return (parse == ParseClass.BACKGROUND) & ~near, shown & ~near


def arms_before(body: Body, image: np.ndarray, parse: np.ndarray, sleeve_ends: tuple[float, float]) -> np.ndarray:
    """Arms beyond the new sleeves that hide the torso's garment, bool (H, W): those shown, and those in a worn sleeve."""
    starts = (max(ARM_START, sleeve_ends[0]), max(ARM_START, sleeve_ends[1]))
    strips = arm_area(body, parse.shape, starts) & np.isin(parse, (*GARMENT, *ARMS))
    shown = shown_skin(image, parse) & np.isin(parse, ARMS)
    return strips | (shown & ~covered_arms(body, parse.shape, starts))


def spread(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Carry the `known` pixels' colours into all others, smoothly: push-pull over a pyramid, (H, W, 3) float32.

    (Gortler et al., The Lumigraph, 1996, section 3.6.)
    """
    colours = [image.astype(np.float32) * known[..., None]]
    weights = [known.astype(np.float32)]
    while min(weights[-1].shape) > 1:
        height, width = weights[-1].shape
        half = ((width + 1) // 2, (height + 1) // 2)
        weight = cv2.resize(weights[-1], half, interpolation=cv2.INTER_AREA)
        colour = cv2.resize(colours[-1], half, interpolation=cv2.INTER_AREA)
        full = np.minimum(weight * 4, 1.0)
        colours.append(colour * (full / np.maximum(weight, 1e-6))[..., None])
        weights.append(full)
    result = colours[-1] / np.maximum(weights[-1], 1e-6)[..., None]
    for colour, weight in zip(colours[-2::-1], weights[-2::-1], strict=True):
        coarse = cv2.resize(result, (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)
        result = colour + coarse.reshape(colour.shape) * (1 - weight[..., None])
    return result


def _paint_skin(image: np.ndarray, parse: np.ndarray, body: Body, shown: np.ndarray) -> np.ndarray:
    """Skin for every pixel, float32 (H, W, 3): the person's own tone, darker towards a limb's edge and below the chin."""
    known = cv2.erode(shown.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if known.sum() < 0.001 * known.size:
        known = parse == ParseClass.FACE
    if not known.any():
        known = np.isin(parse, SKIN) | (parse == ParseClass.FACE)
    seen = known | (parse == ParseClass.FACE)
    pixels = image[seen] if seen.any() else np.array([[205, 170, 150]], np.uint8)
    light = pixels.astype(np.float32).mean(1)
    low, high = np.quantile(light, [0.45, 0.9])
    tone = pixels[(light >= low) & (light <= high)].astype(np.float32).mean(0)
    near = spread(image, known) if known.any() else np.broadcast_to(tone, image.shape).astype(np.float32)
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 3) / body.width
    share = np.exp(-7 * away)[..., None]
    colour = near * share + tone * (1 - share)
    limb = arm_area(body, parse.shape)
    depth = cv2.distanceTransform(limb.astype(np.uint8), cv2.DIST_L2, 3) / (ARM[1] * body.width)
    round_off = np.where(limb, 1 - 0.28 * (1 - np.clip(depth, 0, 1)) ** 2, 1.0)
    under_chin = 1 - 0.16 * np.exp(-(((drop_of(body, parse.shape) + 0.42 * body.width) / (0.14 * body.width)) ** 2))
    shade = cv2.GaussianBlur((round_off * under_chin).astype(np.float32), (0, 0), 0.01 * body.width + 0.5)
    return colour * np.where(limb, shade, under_chin)[..., None]


def _lay(base: np.ndarray, colour: np.ndarray, region: np.ndarray) -> np.ndarray:
    """`colour` in `region` over `base`, with an edge as soft as the photo's and grain like a camera's."""
    if not region.any():
        return base
    grain = np.random.default_rng(0).normal(0, 1.2, region.shape)[..., None]
    soft = cv2.GaussianBlur(region.astype(np.float32), (0, 0), max(0.6, 0.0012 * region.shape[0]))[..., None]
    laid = np.clip(colour + grain, 0, 255)
    return np.round(base * (1 - soft) + laid * soft).astype(np.uint8)
