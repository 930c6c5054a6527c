"""Fakes of the detectors that see only pixels: a pixel classifier and a ridge regression, taught on a few drawn people.

    preprocess(config, out, detectors(lesson()))       # the lesson takes some seconds on one core, once a process

They are no truth in disguise: of photos that they were not taught on, their parse is wrong in about one pixel of ten.
"""

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from vton.conditions import read_keypoints
from vton.errors import PreprocessError
from vton.images import read_image, read_labels, resize_image, resize_labels
from vton.labels import ARMS, HEAD, LOWER_BODY, Keypoint, ParseClass
from vton.pairs import Split, open_dataset
from vton.preprocess.detectors import Detectors
from vton.synthetic import SyntheticConfig, draw_dataset

WORK = (192, 144)  # pixels: all photos are looked at in this size, whatever their own
STEPS, SAMPLES, HIDDEN = 350, 3000, 96
LABELS = 20
P, K = ParseClass, Keypoint
NOBODY = "No person was found in the photo."


@dataclass(frozen=True)
class Taught:
    """What was learnt, as plain arrays, so that another process can read it."""

    layers: tuple[np.ndarray, ...]  # weight, bias, weight, bias ... of the pixel classifier
    joints: np.ndarray  # (features + 1, 50): from the parse's measures to BODY_25's x, y
    known: np.ndarray  # (25,), which joints the drawn people have

    def save(self, file: Path) -> None:
        numbered = {f"layer{number}": layer for number, layer in enumerate(self.layers)}
        np.savez(file, joints=self.joints, known=self.known, **numbered)

    @staticmethod
    def load(file: Path) -> "Taught":
        stored = np.load(file)
        layers = tuple(stored[f"layer{number}"] for number in range(len(stored.files) - 2))
        return Taught(layers, stored["joints"], stored["known"])


@functools.cache
def lesson(people: int = 24, seed: int = 11) -> Taught:
    """What is learnt of so many small drawn people, whom no other seed draws."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "set"
        draw_dataset(SyntheticConfig(train=0, test=people, seed=seed, height=128, width=96), root, processes=1)
        return teach(open_dataset(root).splits["test"])


def teach(split: Split) -> Taught:
    """Learn from the photos, parses and joints of a drawn split."""
    torch.manual_seed(0)
    photos = [read_image(split.need("image", stem)) for stem in split.persons]
    parses = [read_labels(split.need("parse", stem)) for stem in split.persons]
    joints = [read_keypoints(split.need("keypoints", stem)) for stem in split.persons]
    layers = _teach_pixels(photos, parses)
    small = [resize_labels(parse, WORK) for parse in parses]
    scaled = [joint[:, :2] / (parse.shape[1], parse.shape[0]) for joint, parse in zip(joints, parses, strict=True)]
    known = np.mean([joint[:, 2] > 0 for joint in joints], 0) > 0.5
    return Taught(layers, _teach_joints(small, scaled), known)


def _teach_pixels(photos: Sequence[np.ndarray], parses: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    looks = [features(photo).reshape(-1, FEATURES) for photo in photos]
    ids = [resize_labels(parse, WORK).ravel() for parse in parses]
    everything = torch.from_numpy(np.concatenate(looks))
    answers = torch.from_numpy(np.concatenate(ids).astype(np.int64))
    network = nn.Sequential(
        nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, LABELS)
    )
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(answers), (SAMPLES,))
        loss = nn.functional.cross_entropy(network(everything[chosen]), answers[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return tuple(value.detach().numpy() for value in network.parameters())


FEATURES, UNLIKE = 25, 10  # how many, and which one says how unlike the background a pixel is


def features(photo: np.ndarray) -> np.ndarray:
    """(h, w, FEATURES) float32 at WORK: colour, its surroundings, place, and how like background, face and hair it looks."""
    small = resize_image(photo, WORK).astype(np.float32) / 255
    height, width = WORK
    rim = np.concatenate(
        [small[:4].reshape(-1, 3), small[: height // 2, :4].reshape(-1, 3), small[: height // 2, -4:].reshape(-1, 3)]
    )
    background = np.median(rim, 0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    unlike = np.abs(small - background).max(2)
    body = unlike > 0.1
    columns = np.flatnonzero(body[: height // 3].any(0))
    middle = float(columns.mean()) if columns.size else width / 2
    rows = np.flatnonzero(body.any(1))
    top = float(rows[0]) if rows.size else 0.0
    face = _patch(small, top + 0.13 * height, middle, 0.03)
    hair = _patch(small, top + 0.02 * height, middle, 0.012)
    chest = _patch(small, top + 0.36 * height, middle, 0.035)
    lower = _patch(small, height - 8, middle, 0.03)
    near = cv2.GaussianBlur(small, (0, 0), 2.5)
    broad = cv2.GaussianBlur(small, (0, 0), 6)
    wide = cv2.GaussianBlur(unlike, (0, 0), 5)
    parts = [
        small,
        near,
        ((x - middle) / width)[..., None],
        ((y - top) / height)[..., None],
        (np.abs(x - middle) / width)[..., None],
        (y / height)[..., None],
        unlike[..., None],
        wide[..., None],
        cv2.GaussianBlur(unlike, (0, 0), 1.5)[..., None],
        np.linalg.norm(small - face, axis=2)[..., None],
        np.linalg.norm(near - face, axis=2)[..., None],
        np.linalg.norm(small - hair, axis=2)[..., None],
        np.linalg.norm(near - hair, axis=2)[..., None],
        np.linalg.norm(small - chest, axis=2)[..., None],
        np.linalg.norm(near - chest, axis=2)[..., None],
        np.linalg.norm(broad - chest, axis=2)[..., None],
        np.linalg.norm(small - lower, axis=2)[..., None],
        np.linalg.norm(near - lower, axis=2)[..., None],
        np.linalg.norm(broad - face, axis=2)[..., None],
        _hue_distance(small, face)[..., None],
        _hue_distance(near, face)[..., None],
    ]
    return np.concatenate(parts, 2).astype(np.float32)


def _patch(small: np.ndarray, y: float, x: float, half: float) -> np.ndarray:
    """The median colour around a place."""
    reach = max(1, round(half * WORK[0]))
    rows = slice(max(0, int(y) - reach), max(0, int(y) - reach) + 2 * reach + 1)
    columns = slice(max(0, int(x) - reach), max(0, int(x) - reach) + 2 * reach + 1)
    patch = small[rows, columns].reshape(-1, 3)
    return np.median(patch, 0) if len(patch) else small.reshape(-1, 3).mean(0)


def _hue_distance(small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """How far in chroma, brightness aside."""
    chroma = small / (small.sum(2, keepdims=True) + 0.1)
    return np.linalg.norm(chroma - colour / (colour.sum() + 0.1), axis=2) * 5


def _teach_joints(parses: Sequence[np.ndarray], joints: Sequence[np.ndarray]) -> np.ndarray:
    """Ridge regression from the measures of a parse to joints in shares of width and height."""
    inputs = np.stack([np.append(measures(parse), 1.0) for parse in parses])
    outputs = np.stack([joint.ravel() for joint in joints])
    penalty = 0.02 * np.eye(inputs.shape[1])
    penalty[-1, -1] = 1e-6
    return np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ outputs)


GROUPS = ((P.FACE,), (P.HAIR,), (P.NECK,), (P.UPPER, P.DRESS, P.COAT), (P.LEFT_ARM,), (P.RIGHT_ARM,), LOWER_BODY)


def measures(parse: np.ndarray) -> np.ndarray:
    """Middle, reach and size of each group of classes, and the outline's left and right ends on a few heights."""
    height, width = parse.shape
    found = []
    for group in GROUPS:
        ys, xs = np.nonzero(np.isin(parse, group))
        if len(ys) < 8:
            found += [0.0] * 7
            continue
        low, high = np.percentile(ys, (2, 98)) / height
        left, right = np.percentile(xs, (2, 98)) / width
        found += [ys.mean() / height, xs.mean() / width, low, high, left, right, len(ys) / parse.size]
    for share in np.linspace(0.2, 0.75, 8):
        columns = np.flatnonzero(parse[int(share * height)])
        found += [columns[0] / width, columns[-1] / width] if columns.size else [0.5, 0.5]
    return np.array(found)


class FakeParse:
    """A ParseDetector."""

    def __init__(self, taught: Taught) -> None:
        self.taught = taught

    def parse(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return [self._one(photo) for photo in photos]

    def _one(self, photo: np.ndarray) -> np.ndarray | PreprocessError:
        ids = classify(self.taught, photo)
        if (ids == P.FACE).mean() < 0.003 or (ids > 0).mean() < 0.05:
            return PreprocessError(NOBODY)
        return resize_labels(ids, (photo.shape[0], photo.shape[1]))


def classify(taught: Taught, photo: np.ndarray) -> np.ndarray:
    """Class ids uint8 at WORK, single pixels smoothed away."""
    hidden = features(photo).reshape(-1, FEATURES)
    if (hidden[:, UNLIKE] > 0.1).mean() < 0.05:
        return np.zeros(WORK, np.uint8)  # nothing but background
    for number in range(0, len(taught.layers), 2):
        hidden = hidden @ taught.layers[number].T + taught.layers[number + 1]
        if number + 2 < len(taught.layers):
            hidden = np.maximum(hidden, 0)
    votes = np.exp(hidden - hidden.max(1, keepdims=True))
    votes = (votes / votes.sum(1, keepdims=True)).reshape(*WORK, LABELS)
    votes = np.dstack([cv2.GaussianBlur(votes[..., label], (0, 0), 1.0) for label in range(LABELS)])
    return votes.argmax(2).astype(np.uint8)


class FakeKeypoints:
    """A KeypointDetector: its joints come from its own parse of the photo."""

    def __init__(self, taught: Taught) -> None:
        self.taught = taught

    def keypoints(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return [self._one(photo) for photo in photos]

    def _one(self, photo: np.ndarray) -> np.ndarray | PreprocessError:
        ids = classify(self.taught, photo)
        if (ids == P.FACE).mean() < 0.003:
            return PreprocessError(NOBODY)
        places = (np.append(measures(ids), 1.0) @ self.taught.joints).reshape(25, 2)
        inside = self.taught.known & ((places > 0) & (places < 1)).all(1)
        joints = np.column_stack([places * (photo.shape[1], photo.shape[0]), np.full(25, 0.9)])
        return np.where(inside[:, None], joints, 0).astype(np.float32)


class FakeDensePose:
    """A DensePoseDetector: parts from its own parse, arms and legs by their side of the body."""

    def __init__(self, taught: Taught) -> None:
        self.taught = taught

    def densepose(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return [self._one(photo) for photo in photos]

    def _one(self, photo: np.ndarray) -> np.ndarray | PreprocessError:
        ids = classify(self.taught, photo)
        face = np.nonzero(ids == P.FACE)
        if len(face[0]) < 0.003 * ids.size:
            return PreprocessError(NOBODY)
        right = np.arange(WORK[1])[None] < face[1].mean()  # the person's right is the picture's left
        parts = np.zeros(WORK, np.uint8)
        parts[np.isin(ids, (P.UPPER, P.DRESS, P.COAT, P.NECK))] = 2
        for group, on_right, on_left in ((HEAD, 23, 24), (LOWER_BODY, 9, 10)):
            parts = np.where(np.isin(ids, group), np.where(right, on_right, on_left), parts).astype(np.uint8)
        for label, part in zip(ARMS, (21, 22), strict=True):
            parts[ids == label] = part
        return resize_labels(parts, (photo.shape[0], photo.shape[1]))


class FakeClothMask:
    """A ClothMaskDetector: what is not white."""

    def cloth_mask(self, photos: Sequence[np.ndarray]) -> list[np.ndarray | PreprocessError]:
        return [self._one(photo) for photo in photos]

    def _one(self, photo: np.ndarray) -> np.ndarray | PreprocessError:
        marked = (photo.min(2) < 238).astype(np.uint8)
        marked = cv2.morphologyEx(marked, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        marked = cv2.morphologyEx(marked, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return marked > 0 if marked.mean() > 0.01 else PreprocessError("No garment was found in the photo.")


def detectors(taught: Taught) -> Detectors:
    """All four."""
    return Detectors(FakeKeypoints(taught), FakeDensePose(taught), FakeParse(taught), FakeClothMask())
