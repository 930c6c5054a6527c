"""Examples to train on: the truth stays true at other sizes and however an example is varied."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vton import conditions as condition_files
from vton.dataset import IGNORED, UNCOVERED, Example, Examples, fit, parts_of, read, split_fold, stack, trainable_pairs, unseen
from vton.errors import DataError
from vton.flow import warp
from vton.labels import Keypoint, ParseClass
from vton.networks.warp import Region, merge
from vton.pairs import Pair, Split, open_dataset
from vton.train.augment import Augment, augment, flip, move
from vton.warping import flow_into, flow_out

SIZE = (256, 192)
OTHERS = Augment(flip=1, colour=0.3, scale=0.1, shift=0.05, noise=1)


@pytest.fixture(scope="module")
def split(drawn: Path) -> Split:
    return open_dataset(drawn).splits["test"]


def missed(example: Example) -> float:
    """Median difference of the garment as the flow brings it from the photo, where it is seen, 0 to 255; shading remains."""
    off = (warp(example.conditions.cloth, example.flow) - example.photo).abs().mean(1, keepdim=True) * 127.5
    return float(off[example.visible > 0].median())


@pytest.mark.parametrize("size", [SIZE, (320, 192), (256, 256), (192, 128)])
def test_the_true_flow_brings_the_garment_where_the_photo_shows_it_at_every_size(split: Split, size: tuple[int, int]) -> None:
    for pair in (split.pairs[0], Pair(split.pairs[1].person, split.pairs[1].person)):
        example = read(split, pair, size)
        assert example.photo.shape == (1, 3, *size) and example.flow.shape == (1, 2, *size)
        assert missed(example) < 14
        shifted = dataclasses.replace(example, flow=example.flow + 0.15)
        assert missed(shifted) > 1.5 * missed(example)


def test_a_flow_goes_into_a_letterbox_and_comes_out_again() -> None:
    flow = 0.2 * torch.sin(torch.linspace(0, 3, 64 * 40)).view(1, 1, 64, 40).expand(1, 2, 64, 40).contiguous()
    cloth_size = (50, 70)
    back = flow_out(flow_into(flow, cloth_size, (128, 128)), cloth_size, (64, 40))
    assert (back - flow)[..., 2:-2, 2:-2].abs().max() < 0.02


def test_a_known_shift_means_the_same_pixels_in_a_letterbox() -> None:
    flow = torch.zeros(1, 2, 64, 32)
    flow[:, 0] = 0.5  # a quarter of the width to the right: 8 pixels of 32, so 16 of 64 in the letterbox of twice the size
    inside = flow_into(flow, (64, 32), (128, 128))
    assert torch.allclose(inside[..., 40:90, 40:88][:, 0] * 64, torch.tensor(16.0), atol=1e-4)


def test_an_unpaired_example_knows_arms_hair_and_garment(split: Split) -> None:
    example = Examples(split, split.pairs, SIZE)[0]
    assert ((example.regions == Region.UPPER) == (example.visible[:, 0] > 0)).all()
    own = read(split, Pair(split.pairs[0].person, split.pairs[0].person), SIZE)
    for region in (Region.HAIR, Region.FACE, Region.BOTTOM):
        seen = merge(own.conditions.parse) == region
        untouched = seen & (example.conditions.agnostic_mask[:, 0] == 0) & (example.visible[:, 0] == 0)
        assert untouched.any() and (example.regions[untouched] == region).all()
    assert (example.photo != own.photo).any()


def test_a_drawn_set_does_not_teach_that_trousers_seen_now_stay_seen(split: Split) -> None:
    pair = Pair(split.pairs[0].person, split.pairs[0].person)
    own = read(split, pair, SIZE)
    trousers = merge(own.conditions.parse) == Region.BOTTOM
    assert trousers.any() and (own.regions[trousers & (own.visible[:, 0] == 0)] == IGNORED).all()
    real = dataclasses.replace(split, maps={**split.maps, "flow": {}, "truth": {}})
    assert (read(real, pair, SIZE).regions[trousers] == Region.BOTTOM).float().mean() > 0.9


def test_a_drawn_set_teaches_where_another_garment_ends(split: Split) -> None:
    below = torch.zeros(1, *SIZE, dtype=torch.bool)
    for pair in split.pairs:
        example = read(split, pair, SIZE)
        assert not (example.regions == IGNORED).any()
        uncovered = example.regions == UNCOVERED
        assert not (uncovered & (example.visible[:, 0] > 0)).any()
        below |= uncovered & torch.roll(example.visible[:, 0] > 0, 1, 1)
        assert torch.equal(flip(example).regions == UNCOVERED, uncovered.flip(-1))
    assert below.any(), "somewhere it begins where a hem ends"


def agree(one: Example, other: Example) -> bool:
    names = ("photo", "regions", "visible", "flow")
    same = all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)
    seen = dataclasses.asdict(one.conditions)
    return same and all(torch.allclose(value, getattr(other.conditions, name), atol=1e-4) for name, value in seen.items())


def test_flipped_twice_is_as_before_and_left_is_right_after_once(split: Split) -> None:
    example = read(split, split.pairs[0], SIZE)
    once = flip(example)
    assert agree(flip(once), example)
    arms = [(example.conditions.parse == arm).sum() for arm in (ParseClass.LEFT_ARM, ParseClass.RIGHT_ARM)]
    assert [(once.conditions.parse == arm).sum() for arm in (ParseClass.RIGHT_ARM, ParseClass.LEFT_ARM)] == arms
    mirrored, seen = once.conditions, example.conditions
    assert mirrored.densepose is not None and seen.densepose is not None
    parts = [parts_of(x.densepose) for x in (seen, mirrored)]
    assert torch.equal(parts[1] == 4, (parts[0] == 3).flip(-1)) and torch.equal(parts[1] == 2, (parts[0] == 2).flip(-1))
    assert torch.equal(once.regions == Region.LEFT_ARM, (example.regions == Region.RIGHT_ARM).flip(-1))
    wrist = [x.conditions.keypoints[0, k, 0] for x, k in ((example, Keypoint.LEFT_WRIST), (once, Keypoint.RIGHT_WRIST))]
    assert wrist[0] + wrist[1] == pytest.approx(SIZE[1], abs=1e-3)


def moved(example: Example) -> Example:
    return move(example, torch.tensor([[1.1, 1.1], [0.1, -0.05]]), torch.tensor([[0.9, 0.9], [-0.08, 0.1]]))


def varied(example: Example) -> Example:
    return augment(example, OTHERS, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("change", [flip, moved, varied])
def test_the_true_flow_follows_when_an_example_is_varied(split: Split, change: Callable[[Example], Example]) -> None:
    for pair in split.pairs[:2]:
        example = read(split, pair, SIZE)
        assert missed(change(example)) < 1.5 * missed(example) + 3
        assert missed(dataclasses.replace(change(example), flow=example.flow)) > 1.5 * missed(example)


def test_joints_move_with_the_photo(split: Split) -> None:
    example = read(split, split.pairs[0], SIZE)
    after = moved(example)
    for joint in (Keypoint.NECK, Keypoint.LEFT_SHOULDER):
        x, y = example.conditions.keypoints[0, joint, :2].round().long().tolist()
        column, row = after.conditions.keypoints[0, joint, :2].round().long().tolist()
        assert (after.photo[..., row, column] - example.photo[..., y, x]).abs().max() < 0.35


def test_the_same_lot_varies_the_same_and_noise_leaves_the_truth(split: Split) -> None:
    example = read(split, split.pairs[0], SIZE)
    assert agree(varied(example), varied(example))
    noisy = augment(example, Augment(flip=0, colour=0, scale=0, shift=0, noise=1), torch.Generator().manual_seed(5))
    assert torch.equal(noisy.regions, example.regions) and torch.allclose(noisy.flow, example.flow, atol=1e-5)
    changed = (noisy.conditions.parse_agnostic != example.conditions.parse_agnostic).float().mean()
    assert 0 < changed < 0.1


def test_a_fold_is_never_trained_on_and_the_folds_cover_everyone(split: Split) -> None:
    everyone = set()
    for fold in range(3):
        kept, left_out = split_fold(split, fold, 3)
        gone = {pair.person for pair in left_out}
        assert gone and not gone & {name for pair in kept for name in (pair.person, pair.cloth)}
        everyone |= gone
    assert everyone == set(split.persons)
    assert len(trainable_pairs(split)) == 2 * len(split.persons)


def test_a_garment_that_someone_else_trains_in_is_not_unseen() -> None:
    trained, left_out = [Pair("c", "c"), Pair("c", "d")], [Pair("a", "a"), Pair("a", "b"), Pair("b", "c")]
    assert unseen(trained, left_out) == [Pair("a", "a"), Pair("a", "b")]


@pytest.mark.parametrize("fold", range(3))
def test_neither_people_nor_garments_of_the_unseen_pairs_are_trained_on(split: Split, fold: int) -> None:
    kept, left_out = split_fold(split, fold, 3)
    trained = {name for pair in kept for name in (pair.person, pair.cloth)}
    chosen = unseen(kept, left_out)
    assert {pair.person for pair in chosen} == {pair.person for pair in left_out}
    assert not trained & {name for pair in chosen for name in (pair.person, pair.cloth)}


def test_a_batch_is_its_examples(split: Split) -> None:
    examples = [read(split, pair, SIZE) for pair in split.pairs[:2]]
    both = stack(examples)
    assert len(both) == 2 and torch.equal(both.flow[1:], examples[1].flow)
    assert torch.equal(both.conditions.cloth[:1], examples[0].conditions.cloth)


def test_what_cannot_be_trained_on_is_refused(split: Split) -> None:
    stranger = Pair(split.persons[0], split.persons[2])
    with pytest.raises(DataError, match="no photo of"):
        read(split, stranger, SIZE)
    seen = dataclasses.replace(condition_files.read(split, split.pairs[0]), densepose=None)
    with pytest.raises(DataError, match="DensePose"):
        fit(seen, SIZE)
