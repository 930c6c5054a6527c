"""A metric against people: the truth agrees fully, its opposite not at all, and what has no value does not count."""

from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from studio.davidson import chances, fit
from studio.metric_correlation import NOTHING, Correlation, MetricValues, correlate
from studio.votes import BOTH_GOOD, LEFT, RIGHT, Votes, count

PLANTED = np.array([0.9, 0.4, 0.1, -0.5, -0.9, 0.0, -0.6])
RUNS, PAIRS = range(5), 40


def drawn(n: int = 3000, seed: int = 0) -> Votes:
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 5, n)
    right = (left + rng.integers(1, 5, n)) % 5
    outcome = (rng.random((n, 1)) > chances(PLANTED)[left, right].cumsum(1)[:, :2]).sum(1)
    return Votes(left, right, outcome, rng.integers(0, PAIRS, n), rng.integers(0, 10, n))


def values(grid: np.ndarray) -> MetricValues:
    """Of a table (runs, pairs)."""
    run, pair = np.indices(grid.shape)
    return MetricValues(run.ravel(), pair.ravel(), grid.ravel())


def noisy(noise: float, seed: int = 0) -> np.ndarray:
    return PLANTED[:5, None] + np.random.default_rng(seed).normal(0, noise, (5, PAIRS))


def run(votes: Votes, metric: MetricValues, higher: bool = True) -> Correlation:
    return correlate(votes, RUNS, metric, higher, 200)


def test_the_truth_ranks_runs_as_people_do() -> None:
    found = run(drawn(), values(noisy(0.0)))
    assert found.spearman.value == found.kendall.value == 1
    assert found.agrees.low is not None and found.agrees.low > 0.6
    assert (found.pairs, found.runs, found.note) == (PAIRS, 5, "")
    decided = drawn().outcome < BOTH_GOOD
    assert found.votes == decided.sum()


def test_its_opposite_does_so_upside_down_and_which_way_is_better_is_asked_for() -> None:
    grid = noisy(0.5)
    found, opposite = run(drawn(), values(grid)), run(drawn(), values(-grid))
    assert found == run(drawn(), values(-grid), higher=False)
    assert opposite.agrees.value == pytest.approx(1 - found.agrees.value)  # type: ignore[operator]
    assert opposite.spearman.value == pytest.approx(-found.spearman.value)  # type: ignore[operator]
    assert opposite.kendall.low == pytest.approx(-found.kendall.high)  # type: ignore[operator]


def test_the_share_is_counted_and_no_difference_is_half_a_vote() -> None:
    grid = np.array([[1.0, 1, 5], [2, 1, 4]])
    votes = Votes([0, 0, 1, 0, 0], [1, 1, 0, 1, 1], [RIGHT, LEFT, LEFT, LEFT, BOTH_GOOD], [0, 1, 2, 2, 0], [1, 2, 1, 2, 3])
    found = correlate(votes, [0, 1], values(grid), True)
    assert found.agrees.value == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert (found.votes, found.pairs) == (4, 3)


def test_orders_equal_scipys_on_means_and_strengths() -> None:
    votes, grid = drawn(600, 3), noisy(3.0, 4)
    strengths, means = fit(count(votes, RUNS).table())[:5], grid.mean(1)
    means[0] = means[2]
    grid[0] += means[2] - grid[0].mean()
    found = run(votes, values(grid))
    assert found.spearman.value == pytest.approx(spearmanr(strengths, means).statistic)
    assert found.kendall.value == pytest.approx(kendalltau(strengths, means).statistic)
    assert found.spearman.low <= found.spearman.value <= found.spearman.high  # type: ignore[operator]


def test_a_metric_of_nothing_but_noise_is_not_told_from_none() -> None:
    found = [run(drawn(2000, seed), values(np.random.default_rng(seed).normal(size=(5, PAIRS)))) for seed in range(12)]
    inside = [one.agrees.low <= 0.5 <= one.agrees.high for one in found]  # type: ignore[operator]
    assert np.mean(inside) >= 10 / 12
    assert all(one.spearman.low < 0.95 for one in found)  # type: ignore[operator]


def test_votes_and_pairs_without_values_are_left_out() -> None:
    votes, grid = drawn(), noisy(0.5)
    holes = grid.copy()
    holes[2, :10] = np.nan
    found = run(votes, values(holes))
    known = ~((votes.pair < 10) & ((votes.left == 2) | (votes.right == 2)))
    assert found.votes == (known & (votes.outcome < BOTH_GOOD)).sum()
    kept = np.isfinite(holes.ravel())
    whole = values(holes)
    assert found == run(votes, MetricValues(whole.run[kept], whole.pair[kept], whole.value[kept]))
    strengths = fit(count(votes.only(known), RUNS).table())[:5]
    assert found.spearman.value == pytest.approx(spearmanr(strengths, grid[:, 10:].mean(1)).statistic)
    extra = MetricValues(np.append(whole.run, 77), np.append(whole.pair, 3), np.append(whole.value, 1e9))
    assert run(votes, extra) == found


def test_sides_with_outcomes_and_weights_alike_change_nothing() -> None:
    votes, metric = drawn(1000), values(noisy(1.0))
    swapped = Votes(votes.right, votes.left, np.array([RIGHT, LEFT, 2, 3])[votes.outcome], votes.pair, votes.rater)
    weighted = Votes(votes.left, votes.right, votes.outcome, votes.pair, votes.rater, np.full(1000, 3.0))
    plain = run(votes, metric)
    for other in (run(swapped, metric), run(weighted, metric)):
        assert np.ravel([astuple(other.agrees), astuple(other.spearman), astuple(other.kendall)]) == pytest.approx(
            np.ravel([astuple(plain.agrees), astuple(plain.spearman), astuple(plain.kendall)]), abs=1e-6
        )


def test_weights_are_as_good_as_repeating_rows() -> None:
    votes, metric = drawn(500), values(noisy(1.0))
    times = np.random.default_rng(1).integers(1, 4, 500)
    weighted = Votes(votes.left, votes.right, votes.outcome, votes.pair, votes.rater, times)
    repeated = run(votes.only(np.repeat(np.arange(500), times)), metric)
    assert run(weighted, metric).agrees.value == pytest.approx(repeated.agrees.value)


def test_votes_that_repeat_each_other_do_not_narrow_the_interval() -> None:
    votes, metric = drawn(300), values(noisy(0.5))
    once, often = run(votes, metric).agrees, run(votes.only(np.repeat(np.arange(300), 20)), metric).agrees
    assert often.high - often.low > 0.8 * (once.high - once.low)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("votes", "grid", "words"),
    [
        (Votes([], [], [], [], []), noisy(0), "Nobody has decided"),
        (drawn(50).only(drawn(50).outcome >= BOTH_GOOD), noisy(0), "Nobody has decided"),
        (drawn(50), np.full((5, PAIRS), np.nan), "Nobody has decided"),
        (drawn(50), np.full((5, PAIRS), np.inf), "Nobody has decided"),
        (Votes([0, 1], [1, 0], [LEFT, LEFT], [0, 1], [0, 0]), noisy(0), "connect 2 runs"),
        (drawn(), np.where(np.arange(PAIRS) % 5 == np.arange(5)[:, None], np.nan, noisy(0)), "No pair"),
        (drawn(), np.full((5, PAIRS), 0.1), "see no difference"),
    ],
    ids=["no votes", "ties", "no values", "endless values", "two runs", "no shared pair", "equal values"],
)
def test_what_cannot_be_told_is_none_with_a_sentence(votes: Votes, grid: np.ndarray, words: str) -> None:
    found = run(votes, values(grid))
    assert words in found.note and found.spearman == found.kendall == NOTHING
    assert (found.agrees == NOTHING) == (words == "Nobody has decided")


def test_one_vote_says_little() -> None:
    found = correlate(Votes([0], [1], [LEFT], [0], [0]), [0, 1], values(noisy(0.0)), True)
    assert found.agrees.value == 1 and found.agrees.low is not None and found.agrees.low < 0.3
    assert correlate(Votes([0], [1], [LEFT], [0], [0]), [], values(noisy(0.0)), True).votes == 0
