"""Paste-back: outside the mask the photo, inside the result, joined without a seam."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.tiny_diffusion import save_tiny
from vton import conditions as condition_files
from vton.conditions import Conditions
from vton.errors import DataError
from vton.generate import GenerateConfig, generate
from vton.images import read_image, read_json
from vton.labels import ParseClass
from vton.pairs import open_dataset
from vton.paste import PASTES, paste_back

SIZE = (48, 40)
HAND = (slice(20, 28), slice(6, 10))  # cut out of the mask, no background


@pytest.fixture
def seen(drawn: Path) -> Conditions:
    """A photo that changes smoothly, an erased rectangle before its background, and a hand in that."""
    split = open_dataset(drawn).splits["test"]
    rows, columns = torch.meshgrid(torch.linspace(-0.6, 0.6, SIZE[0]), torch.linspace(-0.5, 0.5, SIZE[1]), indexing="ij")
    photo = torch.stack([rows, columns, (rows + columns) / 2])[None]
    mask, parse = torch.zeros(1, 1, *SIZE), torch.zeros(1, *SIZE, dtype=torch.long)
    mask[..., 8:40, 6:32] = 1
    parse[..., 8:40, 6:32] = ParseClass.UPPER
    mask[..., HAND[0], HAND[1]] = 0
    parse[..., HAND[0], HAND[1]] = ParseClass.LEFT_ARM
    photo[..., HAND[0], HAND[1]] = 0.9
    whole = condition_files.read(split, split.pairs[0])
    return replace(whole, image=photo, agnostic=photo * (1 - mask), agnostic_mask=mask, parse=parse)


def texture(seen: Conditions) -> Tensor:
    return (torch.rand(seen.image.shape, generator=torch.Generator().manual_seed(1)) - 0.5) * 0.1


@pytest.mark.parametrize("how", PASTES)
def test_outside_the_mask_every_pixel_is_the_photos_own(seen: Conditions, how: str) -> None:
    made = paste_back(texture(seen), seen, how)
    outside = (seen.agnostic_mask == 0).expand_as(made)
    assert torch.equal(made[outside], seen.image[outside]) and not torch.equal(made, seen.image)


@pytest.mark.parametrize("how", PASTES)
def test_a_result_that_is_the_photo_stays_it(seen: Conditions, how: str) -> None:
    assert torch.allclose(paste_back(seen.image, seen, how), seen.image, atol=1e-6)


def test_poisson_takes_a_shift_of_all_colours_back(seen: Conditions) -> None:
    """The gradients are the photo's, so the photo is the answer; towards the hand, which is brighter, nothing flows."""
    shift = torch.tensor([0.3, -0.2, 0.1])[None, :, None, None]
    assert torch.allclose(paste_back(seen.image + shift, seen, "poisson"), seen.image, atol=1e-5)
    assert (paste_back(seen.image + shift, seen, "feathered") - seen.image).abs().max() > 0.25


def test_poisson_keeps_what_the_image_shows_and_meets_the_background(seen: Conditions) -> None:
    image = seen.image + texture(seen) + 0.4
    made = paste_back(image, seen, "poisson")
    for one, other in ((made[..., 9:39, 20], image[..., 9:39, 20]), (made[..., 12, 14:30], image[..., 12, 14:30])):
        assert (one.diff() - other.diff()).abs().max() < 0.1, "the texture is not smoothed"
    photo = seen.image
    step = (made[..., 8, 12:30] - photo[..., 7, 12:30] - (image[..., 8, 12:30] - image[..., 7, 12:30])).abs()
    assert step.max() < 0.1 and (image[..., 8, 12:30] - photo[..., 7, 12:30]).abs().min() > 0.3
    inner = (made - image)[..., 14:34, 14:28]
    second = inner.diff(n=2, dim=-1)[..., 1:-1, :] + inner.diff(n=2, dim=-2)[..., 1:-1]
    assert second.abs().max() < 1e-5, "what is added is harmonic"


def test_a_piece_that_meets_neither_background_nor_lower_clothes_is_left_as_it_is(seen: Conditions) -> None:
    image = seen.image + 0.2
    inside = (seen.agnostic_mask > 0).expand_as(image)
    for around, left in ((ParseClass.HAIR, True), (ParseClass.PANTS, False)):
        made = paste_back(image, replace(seen, parse=torch.full_like(seen.parse, int(around))), "poisson")
        assert torch.allclose(made[inside], (image if left else seen.image)[inside], atol=1e-5)


def test_a_mask_up_to_the_pictures_edge_is_pasted(seen: Conditions) -> None:
    mask = seen.agnostic_mask.clone()
    mask[..., 30:, :] = 1
    shifted = paste_back(seen.image + 0.2, replace(seen, agnostic_mask=mask), "poisson")
    assert torch.allclose(shifted, seen.image, atol=1e-5)


def test_a_run_says_how_it_was_pasted(drawn: Path, tmp_path: Path) -> None:
    diffusion, vae = save_tiny(tmp_path)
    pairs = open_dataset(drawn).splits["test"].pairs[:1]
    config = GenerateConfig(drawn, pairs=pairs, warp="geometric", diffusion=str(diffusion), vae=vae, device="cpu")
    for how in (None, *PASTES):
        assert generate(replace(config, paste=how), tmp_path / f"run-{how}") == []
    said = [read_json(tmp_path / f"run-{how}" / "config.json")["diffusion"].get("paste") for how in (None, *PASTES)]
    assert said == [None, None, "poisson"]
    soft, shifted = (read_image(tmp_path / f"run-{how}" / "results" / f"{pairs[0].name}.png") for how in PASTES)
    assert (soft != shifted).any()
    with pytest.raises(ValueError, match="paste must be one of feathered, poisson"):
        replace(config, paste="hard")
    with pytest.raises(ValueError, match="paste is for a diffusion"):
        GenerateConfig(drawn, diffusion="none", paste="poisson")
    with pytest.raises(DataError, match="differs in diffusion"):
        generate(replace(config, paste="poisson"), tmp_path / "run-None")
