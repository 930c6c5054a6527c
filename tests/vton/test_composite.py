"""The composite that a diffusion begins with: the photo outside of the mask, the garment, no trace of what is erased."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vton import conditions as condition_files
from vton import tryon
from vton.conditions import Conditions
from vton.geometric import geometric_warp
from vton.images import read_image, to_tensor
from vton.labels import ParseClass
from vton.networks.warp import WarpNetwork
from vton.pairs import open_dataset
from vton.paste import paste_back
from vton.presets import WARP
from vton.tryon import compose
from vton.warps import LearnedWarp


@pytest.fixture(params=[(256, 192), (320, 192)], ids=["4:3", "5:3"])
def seen(drawn: Path, request: pytest.FixtureRequest) -> Conditions:
    """The first drawn pair; also with a strip of its background above it."""
    split = open_dataset(drawn).splits["test"]
    found = condition_files.read(split, split.pairs[0])
    above = request.param[0] - found.size[0]

    def higher(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[..., :1, :].expand(*x.shape[:-2], above, x.shape[-1]), x], -2)

    maps = ("image", "agnostic", "agnostic_mask", "parse", "parse_agnostic", "densepose")
    joints = found.keypoints.clone()
    joints[..., 1] += above * (joints[..., 2] > 0)
    return replace(found, **{name: higher(getattr(found, name)) for name in maps}, keypoints=joints)


def test_a_composite_is_the_photo_outside_of_the_mask_and_the_cloth_where_it_is_worn(seen: Conditions) -> None:
    warped = geometric_warp(seen)
    composite = compose(seen, warped)
    outside = (seen.agnostic_mask == 0).expand_as(composite)
    assert composite.shape == seen.image.shape and torch.equal(composite[outside], seen.image[outside])
    worn = (warped.mask * seen.agnostic_mask)[0, 0].numpy().astype(np.uint8)
    inner = torch.from_numpy(cv2.erode(worn, np.ones((7, 7))) > 0).expand_as(composite)
    assert inner.any() and torch.allclose(composite[inner], warped.cloth[inner], atol=1 / 127)


def test_nothing_that_is_erased_reaches_the_composite(seen: Conditions) -> None:
    lot = torch.Generator().manual_seed(0)
    inside, warped = seen.agnostic_mask > 0, geometric_warp(seen)
    other = torch.where(inside, torch.rand(seen.image.shape, generator=lot) * 2 - 1, seen.image)
    relabelled = torch.where(inside[:, 0], int(ParseClass.LEFT_ARM), seen.parse)
    assert not torch.equal(other, seen.image) and not torch.equal(relabelled, seen.parse)
    assert torch.equal(compose(replace(seen, image=other, parse=relabelled), warped), compose(seen, warped))


def test_what_is_to_be_refined_is_filled_once(seen: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    fills: list[int] = []
    fill = tryon.fill_bare
    monkeypatch.setattr(tryon, "fill_bare", lambda *given: fills.append(1) or fill(*given))
    whole, begun = tryon.try_on(seen), tryon.try_on(seen, refined=True)
    assert len(fills) == 3 and torch.equal(begun.composite, whole.composite)
    assert torch.equal(begun.image, paste_back(begun.composite, seen)) and not torch.equal(begun.image, whole.image)


def test_a_learned_warps_composite_shows_nothing_that_is_erased(seen: Conditions) -> None:
    torch.manual_seed(0)
    learned = LearnedWarp(WarpNetwork(WARP["tiny"].network).eval())
    inside = seen.agnostic_mask > 0
    other = replace(
        seen,
        image=torch.where(inside, -seen.image, seen.image),
        parse=torch.where(inside[:, 0], int(ParseClass.RIGHT_ARM), seen.parse),
    )
    assert torch.equal(compose(other, learned(other)), compose(seen, learned(seen)))


def test_where_no_background_is_seen_the_rest_of_the_photo_fills(drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    seen = condition_files.read(split, split.pairs[0])
    bright, nowhere = replace(seen, image=seen.image.clamp_min(0.5)), torch.full_like(seen.parse, int(ParseClass.PANTS))
    composite = compose(replace(bright, parse=nowhere), geometric_warp(seen))
    bare = (seen.agnostic_mask * (1 - geometric_warp(seen).mask) > 0).expand_as(composite)
    assert composite[bare].min() > -0.5, "nothing black"


def test_what_the_cloth_leaves_bare_is_near_the_truth_and_not_grey(drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    filled, grey = [], []
    for pair in split.pairs:
        seen, photo = condition_files.read(split, pair), to_tensor(read_image(split.need("truth", pair.name)))
        warped = geometric_warp(seen)
        bare = (seen.agnostic_mask * (1 - warped.mask) > 0).expand_as(photo)
        filled.append(float((compose(seen, warped) - photo)[bare].abs().mean()))
        grey.append(float((seen.agnostic - photo)[bare].abs().mean()))
    assert np.mean(filled) < 0.4 * np.mean(grey)
