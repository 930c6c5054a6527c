"""The handful that carries the first place: without it a fit really has another first, and no vote too many is named."""

from itertools import combinations

import numpy as np
import pytest

from studio.davidson import chances, fit
from studio.fragility import Flip, flip_the_top
from studio.votes import BOTH_GOOD, LEFT, RIGHT, Votes, count

PLANTED = np.array([0.4, 0.3, -0.2, -0.5, 0.2, -0.6])


def drawn(n: int, seed: int, planted: np.ndarray = PLANTED) -> Votes:
    rng = np.random.default_rng(seed)
    runs = len(planted) - 2
    left = rng.integers(0, runs, n)
    right = (left + rng.integers(1, runs, n)) % runs
    outcome = (rng.random((n, 1)) > chances(planted)[left, right].cumsum(1)[:, :2]).sum(1)
    return Votes(left, right, outcome, rng.integers(0, 9, n), rng.integers(0, 5, n))


def strengths(votes: Votes, without: tuple[int, ...] = (), runs: int = 4) -> np.ndarray:
    kept = votes.only(np.setdiff1d(np.arange(len(votes)), without))
    return fit(count(kept, range(runs)).table())[:runs]


@pytest.mark.parametrize("seed", range(6))
def test_without_the_votes_found_another_run_is_ahead(seed: int) -> None:
    votes = drawn(400, seed)
    flip = flip_the_top(votes, range(4))
    assert flip is not None and flip.count == len(set(flip.rows)) and flip.share == flip.count / 400
    before, after = strengths(votes), strengths(votes, flip.rows)
    assert before.argmax() == flip.top != flip.contender
    assert after[flip.contender] > after[flip.top]


def test_two_runs_flip_when_the_lead_is_gone() -> None:
    votes = Votes([1, 2] * 21, [2, 1] * 21, [LEFT, RIGHT] * 11 + [RIGHT, LEFT] * 10, range(42), range(42))
    flip = flip_the_top(votes, [1, 2])
    assert flip is not None and (flip.top, flip.contender) == (1, 2)
    assert flip.count == 2  # of 22 to 20: then they are even, but 1 won more often from the side that is liked
    assert set(flip.rows) <= set(range(22))


@pytest.mark.parametrize("seed", range(3))
def test_few_votes_are_nearly_as_few_as_any_choice_needs(seed: int) -> None:
    votes = drawn(14, seed, PLANTED[[0, 1, 2, 4, 5]])
    flip = flip_the_top(votes, range(3))
    top = strengths(votes, runs=3).argmax()
    sizes = (1, 2, 3)
    enough = [any(strengths(votes, gone, 3).argmax() != top for gone in combinations(range(14), size)) for size in sizes]
    assert flip is not None
    assert flip.count > 3 if not any(enough) else sizes[enough.index(True)] <= flip.count <= sizes[enough.index(True)] + 1


def test_one_heavy_vote_is_enough() -> None:
    votes = Votes([1, 2] * 10, [2, 1] * 10, [LEFT] * 20, range(20), range(20), [1.0] * 4 + [9.0] + [1.0] * 15)
    flip = flip_the_top(votes, [1, 2])
    assert flip is not None and flip.rows == (4,) and (flip.top, flip.contender) == (1, 2)


def test_rows_are_those_of_the_votes_asked_about() -> None:
    inner, other = drawn(200, 1), Votes([90, 91], [91, 90], [0, 1], [0, 0], [0, 0])
    parts = [
        np.concatenate([getattr(v, name) for v in (other, inner)]) for name in ("left", "right", "outcome", "pair", "rater")
    ]
    alone, among_others = flip_the_top(inner, range(4)), flip_the_top(Votes(*parts), range(4))
    assert isinstance(alone, Flip) and isinstance(among_others, Flip)
    assert among_others.rows == tuple(row + 2 for row in alone.rows) and among_others.share == alone.share


def test_only_runs_that_votes_connect_with_the_first_contend() -> None:
    votes = Votes([1, 2, 1, 2, 1, 8] + [8] * 3, [2, 1, 2, 1, 2, 9] + [9] * 3, [0, 0, 0, 1, 0, 0] + [0] * 3, range(9), range(9))
    flip = flip_the_top(votes, [1, 2, 8, 9])
    assert flip is not None and {flip.top, flip.contender} == {1, 2}


@pytest.mark.parametrize(
    ("votes", "runs"),
    [
        (Votes([], [], [], [], []), [1, 2]),
        (Votes([1], [2], [LEFT], [0], [0]), [1]),
        (Votes([1], [2], [LEFT], [0], [0]), []),
        (Votes([1, 2], [2, 1], [BOTH_GOOD, BOTH_GOOD], [0, 1], [0, 0]), [1, 2]),
        (Votes([1] * 5 + [2] * 5, [2] * 5 + [1] * 5, [LEFT] * 5 + [RIGHT] * 5, range(10), range(10)), [1, 2]),
    ],
    ids=["no votes", "one run", "no runs", "ties", "never lost"],
)
def test_where_nothing_can_flip_there_is_none(votes: Votes, runs: list[int]) -> None:
    assert flip_the_top(votes, runs) is None
