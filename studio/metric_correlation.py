"""How well a metric agrees with people: on the single picture, and in the order of the runs."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from studio.davidson import fit
from studio.intervals import NORMAL, clustered, drawn_weights, half_width, independent, resampled, wilson
from studio.votes import BOTH_GOOD, LEFT, Counts, Votes, among, count, even_weights, largest_group, places

BOOTSTRAPS = 1000
LEAST_RUNS = 3  # that an order says something about
LEAST_STRENGTH, LEAST_VALUE = 1e-6, 1e-9  # differences that count: of log-odds, of a share of the largest value


@dataclass(frozen=True)
class MetricValues:
    """A metric's values, arrays (m,) with one entry for each result that has one."""

    run: np.ndarray  # id
    pair: np.ndarray  # id
    value: np.ndarray  # nan and endless ones count as none


@dataclass(frozen=True)
class Measured:
    """A figure with its 95% interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None


NOTHING = Measured(None, None, None)


@dataclass(frozen=True)
class Correlation:
    """A metric against people's votes. The note says why something is None."""

    agrees: Measured  # share of decided votes whose winner the metric prefers, half a vote where it sees no difference
    spearman: Measured  # of the runs' mean values and strengths, -1 to 1: 1 where the metric ranks runs as people do
    kendall: Measured  # tau-b of the same
    votes: int  # decided ones on results with values
    pairs: int  # of these votes
    runs: int  # in the order that spearman and kendall are about
    note: str = ""


def correlate(
    votes: Votes,
    runs: Collection[int],
    metric: MetricValues,
    higher_is_better: bool,
    bootstraps: int = BOOTSTRAPS,
    seed: int = 0,
) -> Correlation:
    """Compare a metric with the votes between the runs on results that have values.

    The orders are of the largest group of runs that these votes connect; a run's value is the mean over the pairs voted on that
    have one for each of these runs. The intervals of the orders draw pairs, of votes and values together, and raters with
    replacement, which errs on the safe side (`studio.intervals`); that of the share is Wilson's with as many votes as its
    variance by pair and rater allows.
    """
    ids = sorted(runs)
    votes = among(votes, ids)
    pairs, pair = np.unique(votes.pair, return_inverse=True)
    grid = _grid(metric, ids, pairs) * (1 if higher_is_better else -1)
    ahead = grid[pair, places(votes.left, ids)] - grid[pair, places(votes.right, ids)]
    votes, ahead = votes.only(np.isfinite(ahead)), ahead[np.isfinite(ahead)]
    decided = votes.outcome < BOTH_GOOD
    size = int(decided.sum()), len(np.unique(votes.pair[decided]))
    if not size[0]:
        note = "Nobody has decided between two results that both have a value."
        return Correlation(NOTHING, NOTHING, NOTHING, *size, 0, note)
    agrees = _agreement(votes.only(decided), ahead[decided])
    group, inside = largest_group(votes, ids)
    votes = votes.only(inside)
    rows = grid[np.isin(pairs, votes.pair)][:, np.isin(ids, group)]
    if len(group) < LEAST_RUNS:
        note = f"Votes on measured results connect {len(group)} runs; an order says something from {LEAST_RUNS} on."
        return Correlation(agrees, NOTHING, NOTHING, *size, len(group), note)
    if not np.isfinite(rows).all(1).any():
        note = "No pair that was voted on has a value for every run."
        return Correlation(agrees, NOTHING, NOTHING, *size, len(group), note)
    spearman, kendall = _orders(count(votes, group), rows, bootstraps, seed)
    note = "" if spearman.value is not None else "The metric or the votes see no difference between the runs."
    return Correlation(agrees, spearman, kendall, *size, len(group), note)


def _grid(metric: MetricValues, ids: list[int], pairs: np.ndarray) -> np.ndarray:
    """(pairs, runs) the metric's values, nan where there is none."""
    grid = np.full((len(pairs), len(ids)), np.nan)
    known = np.isin(metric.run, ids) & np.isin(metric.pair, pairs) & np.isfinite(metric.value)
    grid[np.searchsorted(pairs, metric.pair[known]), np.searchsorted(ids, metric.run[known])] = metric.value[known]
    return grid


def _agreement(votes: Votes, ahead: np.ndarray) -> Measured:
    """In how many of the decided votes the result that is ahead (n,), by the metric, of the other one won."""
    won = np.where(votes.outcome == LEFT, 1, -1)
    value, weight = (1 + won * np.sign(ahead)) / 2, even_weights(votes)
    share = float((weight * value).mean())
    influence = (weight * (value - share) / len(votes))[:, None]
    pairs, raters = (np.unique(part, return_inverse=True)[1] for part in (votes.pair, votes.rater))
    lone, by_pair, by_rater = (clustered(influence, part)[0] for part in (pairs * (raters.max() + 1) + raters, pairs, raters))
    added = np.maximum(by_pair - lone, 0), np.maximum(by_rater - lone, 0)
    half = half_width(lone, *added, int(pairs.max()) + 1, int(raters.max()) + 1).item()
    return Measured(share, *wilson(share, independent(share, len(votes), (half / NORMAL) ** 2)))


def _orders(counts: Counts, rows: np.ndarray, bootstraps: int, seed: int) -> tuple[Measured, Measured]:
    """Spearman's rho and Kendall's tau-b of strengths and of mean values over the rows (pairs, runs) without nan."""
    generator = np.random.default_rng(seed)
    of_pairs, of_raters = (drawn_weights(size, bootstraps, generator) for size in (counts.pairs, counts.raters))
    whole = fit(counts.table())
    strengths = np.vstack([whole, fit(resampled(counts, of_pairs, of_raters), whole, 1e-5)])[:, : counts.runs]
    measured = np.isfinite(rows).all(1)
    weight = np.vstack([np.ones(counts.pairs), of_pairs])[:, measured]
    drawn = weight.any(1)
    means = weight[drawn] @ rows[measured] / weight[drawn].sum(1, keepdims=True)
    first = _signs(strengths[drawn], LEAST_STRENGTH)
    second = _signs(means, LEAST_VALUE * float(np.abs(rows[measured]).max()))
    return _figure(_cosine(first.sum(2), second.sum(2))), _figure(_cosine(first, second))


def _signs(values: np.ndarray, least: float) -> np.ndarray:
    """(draws, runs, runs): 1 where the first run's value is higher, -1 lower, 0 by less than `least`; its sums are ranks."""
    difference = values[:, :, None] - values[:, None, :]
    return np.sign(difference) * (np.abs(difference) > least)


def _cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(draws,) of two arrays (draws, ...); nan where one is all 0."""
    first, second = first.reshape(len(first), -1), second.reshape(len(second), -1)
    size = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    return np.divide((first * second).sum(1), size, out=np.full(len(size), np.nan), where=size > 0)


def _figure(draws: np.ndarray) -> Measured:
    """The first one, with the interval that the others give."""
    if np.isnan(draws[0]) or np.isnan(draws[1:]).all():
        return NOTHING
    low, high = np.nanquantile(draws[1:], [0.025, 0.975])
    return Measured(float(draws[0]), float(low), float(high))
