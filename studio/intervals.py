"""Intervals of a fit to clustered votes: a bootstrap over pairs and raters, its width set by the two-way clustered variance.

Votes on one pair are alike, and so are votes of one rater. Drawing pairs and raters with replacement and multiplying their
weights (the pigeonhole bootstrap, Owen 2007) is honest about both, but it counts the noise of the single vote three times: on
votes without clusters its 95% intervals cover nearly always, so they ask for twice the votes needed. The draws therefore give
the shape of an interval, and its width comes from V(pair) + V(rater) - V(pair and rater) (Cameron, Gelbach and Miller 2011)
with Student's t for the few clusters of what they add (Satterthwaite). `python -m benchmarks.judging` measures the coverage.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from studio.davidson import fit, information, score
from studio.votes import RESULTS, Counts

NORMAL = 1.959964  # of a 95% interval
MOST_FREEDOM = 1e6  # of Student's t: normal from here on
MOST_NUMBERS = 20_000_000  # held at once while resampling
LEAST_SHAPE = 0.25  # of an interval's width: draws that vary less than this (no vote ever differed) tell no shape


@dataclass(frozen=True)
class Estimate:
    """A fit to votes with what its intervals need; arrays of parameters as in `studio.davidson`."""

    parameters: np.ndarray  # (q,)
    draws: np.ndarray  # (bootstraps, q)
    by_pair: np.ndarray  # (q, q) covariances: of independent pairs,
    by_rater: np.ndarray  # of independent raters,
    by_cell: np.ndarray  # of independent (pair, rater),
    by_model: np.ndarray  # and of independent votes that follow the model
    pairs: int
    raters: int

    def half_width(self, contrasts: np.ndarray) -> np.ndarray:
        """(m,) half the 95% interval of each contrast (m, q), if it were symmetric."""
        cell = _variance(self.by_cell, contrasts)
        base = np.maximum(cell, _variance(self.by_model, contrasts))
        from_pairs = np.maximum(_variance(self.by_pair, contrasts) - cell, 0)
        from_raters = np.maximum(_variance(self.by_rater, contrasts) - cell, 0)
        of_strengths = (contrasts[:, -2:] == 0).all(1)
        from_raters = np.where(of_strengths, (from_raters + self._mean_excess() * cell) / 2, from_raters)
        return half_width(base, from_pairs, from_raters, self.pairs, self.raters)

    def _mean_excess(self) -> float:
        """By how much raters raise the variance of strengths on average: steadier than a run's own where raters are few."""
        runs = len(self.parameters) - 2
        cell, rater = np.diagonal(self.by_cell)[:runs], np.diagonal(self.by_rater)[:runs]
        known = cell > 0
        return max(float((rater[known] / cell[known]).mean()) - 1, 0.0) if known.any() else 0.0

    def interval(self, contrasts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(value, low, high), each (m,), of the contrasts (m, q) at 95%."""
        value, half = contrasts @ self.parameters, self.half_width(contrasts)
        drawn = self.draws @ contrasts.T
        below, above = np.quantile(drawn - drawn.mean(0), [0.025, 0.975], axis=0) / NORMAL
        spread = drawn.std(0)
        shaped = spread * NORMAL > LEAST_SHAPE * half
        scale = half / np.where(shaped, spread, 1)
        return value, value + np.where(shaped, below * scale, -half), value + np.where(shaped, above * scale, half)


def half_width(base: np.ndarray, from_pairs: np.ndarray, from_raters: np.ndarray, pairs: int, raters: int) -> np.ndarray:
    """Half a 95% interval from the variance of lone votes and what so many pairs and raters add to it, by Student's t."""
    variance = base + from_pairs + from_raters
    noise = from_pairs**2 / max(pairs - 1, 1) + from_raters**2 / max(raters - 1, 1)
    freedom = np.full_like(variance, MOST_FREEDOM)
    np.divide(variance**2, noise, out=freedom, where=noise * MOST_FREEDOM > variance**2)
    return np.sqrt(variance) * _student(freedom)


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95% interval of a share of n > 0 independent ones, by Wilson (1927)."""
    square = NORMAL**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = NORMAL * sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def independent(share: float, n: int, variance: float) -> float:
    """How many independent ones would tell a share as well as n that are clustered do, at most n."""
    return min(n, share * (1 - share) / variance) if variance > 0 and 0 < share < 1 else n


def estimate(counts: Counts, bootstraps: int, seed: int) -> Estimate:
    """Fit the counts, resample them, and measure how they vary by cluster."""
    table = counts.table()
    parameters = fit(table)
    generator = np.random.default_rng(seed)
    of_pairs, of_raters = (drawn_weights(size, bootstraps, generator) for size in (counts.pairs, counts.raters))
    draws = fit(resampled(counts, of_pairs, of_raters), parameters, 1e-5)
    model = np.linalg.inv(information(table.sum(-1), parameters))
    influence = _influence(counts, parameters, model)
    clusters = (counts.pair, counts.rater, counts.pair * counts.raters + counts.rater)
    by_pair, by_rater, by_cell = (clustered(influence, cluster) for cluster in clusters)
    return Estimate(parameters, draws, by_pair, by_rater, by_cell, model, counts.pairs, counts.raters)


def drawn_weights(clusters: int, times: int, generator: np.random.Generator) -> np.ndarray:
    """(times, clusters): how often each is drawn when as many are drawn with replacement."""
    drawn = generator.integers(0, max(clusters, 1), (times, clusters)) + clusters * np.arange(times)[:, None]
    return np.bincount(drawn.ravel(), minlength=times * clusters).reshape(times, clusters).astype(float)


def resampled(counts: Counts, of_pairs: np.ndarray, of_raters: np.ndarray) -> np.ndarray:
    """(times, runs, runs, 3): tables of the votes, each weighted by its pair's (times, pairs) and rater's (times, raters)."""
    from scipy.sparse import csr_matrix

    times = len(of_pairs)
    rows, row = np.unique(counts.kind * counts.raters + counts.rater, return_inverse=True)
    kind, rater = np.divmod(rows, max(counts.raters, 1))
    by_pair = csr_matrix((counts.weight, (row, counts.pair)), shape=(len(rows), counts.pairs))
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    found = np.zeros((times, counts.kinds))
    at_once = max(1, MOST_NUMBERS // max(len(rows), 1))
    for start in range(0, times if len(rows) else 0, at_once):
        some = slice(start, start + at_once)
        weighted = (by_pair @ np.ascontiguousarray(of_pairs[some].T)) * of_raters[some].T[rater]
        found[some, kind[starts]] = np.add.reduceat(weighted, starts, axis=0).T
    return found.reshape(times, counts.runs, counts.runs, RESULTS)


def _influence(counts: Counts, parameters: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """(m, q): by how much each entry of the counts moves the parameters, to first order."""
    return counts.weight[:, None] * moves(counts.kind, parameters, covariance)


def moves(kind: np.ndarray, parameters: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """(k, q): by how much one vote of each kind moves the parameters, to first order."""
    runs = len(parameters) - 2
    left, right = np.divmod(kind // RESULTS, runs)
    preference, tie = score(kind, parameters)
    return preference[:, None] * (covariance[left] - covariance[right] + covariance[-2]) + tie[:, None] * covariance[-1]


def clustered(influence: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """(q, q): the covariance of the sum of influences (m, q) if clusters are independent; 0 for one, which tells nothing."""
    from scipy.sparse import csr_matrix

    ids, where = np.unique(cluster, return_inverse=True)
    sums = csr_matrix((np.ones(len(where)), (where, np.arange(len(where)))), shape=(len(ids), len(where))) @ influence
    return sums.T @ sums * (len(ids) / (len(ids) - 1) if len(ids) > 1 else 0)


def _variance(covariance: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    return np.einsum("mi,ij,mj->m", contrasts, covariance, contrasts)


def _student(freedom: np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    return stdtrit(freedom, 0.975)
