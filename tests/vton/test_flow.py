"""Flow: one convention, whatever the resolution."""

import numpy as np
import torch

from vton.flow import (
    colour_wheel,
    compose,
    draw_grid,
    folds,
    identity_grid,
    jacobian,
    outside,
    resize,
    to_colour,
    to_pixels,
    total_variation,
    unevenness,
    warp,
)


def noise(height: int = 24, width: int = 18) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def shift(dx: float, dy: float, height: int = 24, width: int = 18) -> torch.Tensor:
    """A flow that fetches from (dx, dy) pixels further on."""
    return torch.tensor([dx * 2 / width, dy * 2 / height]).reshape(1, 2, 1, 1).expand(1, 2, height, width).clone()


def test_zero_flow_changes_nothing() -> None:
    image = noise()
    assert torch.allclose(warp(image, torch.zeros(1, 2, 24, 18)), image, atol=1e-5)


def test_a_known_offset_moves_by_known_pixels() -> None:
    image = noise()
    moved = warp(image, shift(3, 5))
    assert torch.allclose(moved[..., :-5, :-3], image[..., 5:, 3:], atol=1e-5)


def test_the_same_flow_means_the_same_motion_at_twice_the_size() -> None:
    flow = shift(3, 5)
    assert torch.allclose(to_pixels(resize(flow, (48, 36))), 2 * to_pixels(flow)[..., :1, :1].expand(1, 2, 48, 36), atol=1e-4)


def test_composition_equals_warping_twice() -> None:
    image = noise()
    first, second = shift(2, 1), shift(1, 3)
    inside = (..., slice(0, -5), slice(0, -4))
    assert torch.allclose(warp(warp(image, first), second)[inside], warp(image, compose(first, second))[inside], atol=1e-4)


def test_the_identity_grid_spans_minus_one_to_one_between_the_outer_edges() -> None:
    grid = identity_grid((4, 2))
    assert torch.allclose(grid[0, :, 0, 1], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    assert torch.allclose(grid[0, 0, :, 0], torch.tensor([-0.5, 0.5]))


def test_total_variation_is_zero_for_a_shift_and_positive_for_a_fold() -> None:
    assert total_variation(shift(2, 2)) == 0
    assert total_variation(torch.randn(1, 2, 8, 6)) > 0


def test_no_motion_is_white_and_opposite_motions_have_opposite_hues() -> None:
    assert (to_colour(np.zeros((2, 4, 3), np.float32)) == 255).all()
    right, left = (to_colour(np.full((2, 4, 3), 0) + np.array([x, 0])[:, None, None]) for x in (0.5, -0.5))
    assert np.abs(right.astype(int) - left.astype(int)).max() > 150
    assert colour_wheel(31)[15, 15].min() > 240


def test_an_unmoved_grid_has_straight_lines() -> None:
    picture = draw_grid(np.zeros((2, 96, 72), np.float32), lines=6)
    assert (picture[:, :, 0] == picture[:, :, 1]).all()
    columns = picture[:, :, 0].max(0) < 200
    assert 4 <= np.diff(columns.astype(int)).clip(0).sum() <= 8


def stretched(x: float, y: float, height: int = 24, width: int = 18) -> torch.Tensor:
    """A flow that fetches from a garment photo so many times as far from the middle; a negative factor mirrors it."""
    grid = identity_grid((height, width)).permute(0, 3, 1, 2)
    return grid * torch.tensor([x, y])[:, None, None] - grid


def test_the_jacobian_is_the_area_that_a_pixel_fetches() -> None:
    assert torch.allclose(jacobian(shift(3, 5)), torch.ones(1, 1, 24, 18), atol=1e-5)
    assert torch.allclose(jacobian(stretched(0.5, 3)), torch.full((1, 1, 24, 18), 1.5), atol=1e-4)
    assert torch.allclose(jacobian(stretched(-1, 1)), -torch.ones(1, 1, 24, 18), atol=1e-4)


def test_folds_are_counted_inside_the_mask_alone() -> None:
    mask = torch.zeros(1, 1, 24, 18)
    mask[..., 4:10, 5:12] = 1
    assert not folds(stretched(1, 1), mask).any() and not folds(stretched(-1, 1), torch.zeros_like(mask)).any()
    folded = folds(stretched(-1, 1), mask)
    assert folded.sum() == 5 * 6 and bool((mask[folded] > 0).all())
    crease = shift(0, 0)
    crease[..., 9:] -= 4 * 2 / 18  # what lies right of column 9 is fetched from four pixels further left: a strip comes twice
    whole = folds(crease, torch.ones_like(mask))
    assert whole[..., :-1, 8].all() and whole.sum() == 23  # the last row has none below it


def test_outside_is_what_the_garment_photo_does_not_have() -> None:
    assert not outside(torch.zeros(1, 2, 24, 18)).any()
    beyond = outside(shift(3, 0))
    assert beyond[..., -3:].all() and not beyond[..., :-3].any()


def test_unevenness_is_zero_for_straight_lines_and_grows_with_waves() -> None:
    whole = torch.ones(1, 1, 24, 18)
    for straight in (shift(3, 5), stretched(0.5, 2), stretched(-1, 1)):
        assert unevenness(straight, whole) < 1e-4
    wave = torch.zeros(1, 2, 24, 18)
    wave[:, 0] = torch.sin(torch.arange(24.0))[:, None] * 0.1
    assert 0.05 < unevenness(wave, whole) < unevenness(2 * wave, whole)
    assert unevenness(wave, torch.zeros_like(whole)) == 0
