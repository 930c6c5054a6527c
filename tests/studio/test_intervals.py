"""Intervals: as wide as independent votes ask for, wider where votes are alike, and equal to closed forms where there are."""

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.simulated_raters import MISSPECIFIED, MODEL, World, draw
from studio.davidson import chances, fit, information
from studio.intervals import (
    NORMAL,
    clustered,
    drawn_weights,
    estimate,
    half_width,
    independent,
    moves,
    resampled,
    wilson,
)
from studio.leaderboard import leaderboard
from studio.votes import Votes, count

PLANTED = np.array([0.5, 0.0, -0.5, 0.2, -0.5])
FIRST_AGAINST_LAST = np.array([[1.0, 0, -1, 0, 0]])


def drawn(n: int, pairs: int, raters: int, seed: int = 0) -> Votes:
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 3, n)
    right = (left + rng.integers(1, 3, n)) % 3
    outcome = (rng.random((n, 1)) > chances(PLANTED)[left, right].cumsum(1)[:, :2]).sum(1)
    return Votes(left, right, outcome, rng.integers(0, pairs, n), rng.integers(0, raters, n))


def repeated(votes: Votes, times: int) -> Votes:
    return votes.only(np.repeat(np.arange(len(votes)), times))


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 10), (50, 100), (1, 1), (997, 1000)])
def test_wilsons_interval_equals_scipys(hits: int, n: int) -> None:
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_votes_that_are_all_independent_have_the_models_width() -> None:
    counts = count(drawn(6000, pairs=3000, raters=300), range(3))
    found = estimate(counts, 300, 0)
    variance = FIRST_AGAINST_LAST @ np.linalg.inv(information(counts.table().sum(-1), found.parameters)) @ FIRST_AGAINST_LAST.T
    assert found.half_width(FIRST_AGAINST_LAST)[0] == pytest.approx(NORMAL * np.sqrt(variance.item()), rel=0.2)


@pytest.mark.parametrize("alike", ["pair", "rater"])
def test_votes_that_say_the_same_by_pair_or_by_rater_do_not_narrow_an_interval(alike: str) -> None:
    """What one pair, or one rater, says again and again is one piece of evidence."""
    votes = drawn(300, pairs=10, raters=10)
    one_each = Votes(votes.left, votes.right, votes.outcome, np.arange(300), np.arange(300))
    often = repeated(one_each, 20)
    other = np.arange(len(often))
    often = Votes(
        often.left,
        often.right,
        often.outcome,
        often.pair if alike == "pair" else other,
        often.rater if alike == "rater" else other,
    )
    single, many = (estimate(count(some, range(3)), 200, 0).half_width(FIRST_AGAINST_LAST)[0] for some in (one_each, often))
    lone = estimate(count(Votes(often.left, often.right, often.outcome, other, other), range(3)), 200, 0)
    assert many == pytest.approx(single, rel=0.2)
    assert lone.half_width(FIRST_AGAINST_LAST)[0] < 0.3 * many


def test_the_same_answer_many_times_over_is_one_answer() -> None:
    votes = drawn(400, pairs=80, raters=12)
    once, often = (estimate(count(some, range(3)), 200, 0) for some in (votes, repeated(votes, 30)))
    assert often.half_width(FIRST_AGAINST_LAST)[0] > 0.8 * once.half_width(FIRST_AGAINST_LAST)[0]


def test_four_times_the_votes_halve_the_interval() -> None:
    few, many = (estimate(count(drawn(n, n, n), range(3)), 200, 0) for n in (2000, 8000))
    ratio = few.half_width(FIRST_AGAINST_LAST)[0] / many.half_width(FIRST_AGAINST_LAST)[0]
    assert ratio == pytest.approx(2, rel=0.1)


def test_an_interval_holds_its_value_and_is_as_wide_as_said() -> None:
    found = estimate(count(drawn(500, 60, 12), range(3)), 500, 0)
    contrasts = np.eye(3, 5) - np.array([1, 1, 1, 0, 0]) / 3
    value, low, high = found.interval(contrasts)
    assert (low < value).all() and (value < high).all()
    assert (high - low) / 2 == pytest.approx(found.half_width(contrasts), rel=0.1)


def test_few_clusters_are_answered_by_students_t() -> None:
    base, added = np.array([1.0]), np.array([3.0])
    nothing = np.zeros(1)
    assert half_width(base, nothing, nothing, 2, 2)[0] == pytest.approx(NORMAL, rel=1e-5)
    few, many = (half_width(base, nothing, added, 1000, raters)[0] for raters in (4, 10_000))
    assert many == pytest.approx(2 * NORMAL, rel=1e-3) and few > 1.2 * many


def test_one_cluster_tells_no_variance() -> None:
    influence = np.random.default_rng(0).normal(size=(50, 3))
    assert not clustered(influence, np.zeros(50)).any()
    each = clustered(influence, np.arange(50))
    assert each == pytest.approx(influence.T @ influence * 50 / 49)


def test_draws_are_as_many_as_there_are_and_sums_follow_them() -> None:
    votes = drawn(300, 20, 7)
    votes = Votes(votes.left, votes.right, votes.outcome, votes.pair, votes.rater, np.linspace(0.5, 1.5, 300))
    counts = count(votes, range(3))
    generator = np.random.default_rng(1)
    of_pairs, of_raters = drawn_weights(counts.pairs, 4, generator), drawn_weights(counts.raters, 4, generator)
    assert (of_pairs.sum(1) == counts.pairs).all() and (of_raters.sum(1) == counts.raters).all() and of_pairs.std() > 0
    assert resampled(counts, np.ones((1, counts.pairs)), np.ones((1, counts.raters)))[0] == pytest.approx(counts.table())
    for pairs, raters, table in zip(of_pairs, of_raters, resampled(counts, of_pairs, of_raters), strict=True):
        weight = counts.weight * pairs[counts.pair] * raters[counts.rater]
        assert table.ravel() == pytest.approx(np.bincount(counts.kind, weight, counts.kinds))


def test_many_draws_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count(drawn(300, 20, 7), range(3))
    whole = estimate(counts, 50, 3).draws
    monkeypatch.setattr("studio.intervals.MOST_NUMBERS", 500)
    assert estimate(counts, 50, 3).draws == pytest.approx(whole)


def test_a_votes_influence_is_what_adding_a_little_of_it_does() -> None:
    table = count(drawn(400, 20, 7), range(3)).table()
    at = fit(table, tolerance=1e-12)
    covariance = np.linalg.inv(information(table.sum(-1), at))
    kinds = np.array([kind for kind in range(27) if kind // 3 not in (0, 4, 8)])
    for kind, move in zip(kinds, moves(kinds, at, covariance), strict=True):
        more = table.copy()
        more.ravel()[kind] += 1e-3
        assert (fit(more, tolerance=1e-12) - at) / 1e-3 == pytest.approx(move, abs=1e-4)


def test_clusters_are_worth_fewer_independent_ones() -> None:
    assert independent(0.5, 100, 0.25 / 40) == pytest.approx(40)
    assert independent(0.5, 100, 0.25 / 400) == 100 == independent(1.0, 100, 0.0)


@pytest.mark.parametrize(("world", "least"), [(MODEL, 0.88), (MISSPECIFIED, 0.85)])
def test_intervals_hold_planted_strengths_about_as_often_as_they_say(world: World, least: float) -> None:
    """A rough check: `python -m benchmarks.judging` measures it."""
    held = []
    for number in range(15):
        study = draw(world, (99, number))
        board = leaderboard(study.answers.votes, {run: str(run) for run in range(world.runs)}, 100)
        held += [row.low <= study.strengths[row.run] <= row.high for row in board.standings]  # type: ignore[operator]
    assert np.mean(held) > least
