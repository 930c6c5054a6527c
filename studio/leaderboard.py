"""Who ranks where by people's votes, with the interval of everything that is said."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

from studio.davidson import chances
from studio.intervals import NORMAL, Estimate, estimate
from studio.standings import Board, Matrix, Neighbours, Side, Standing, notes
from studio.votes import BOTH_BAD, BOTH_GOOD, LEFT, RIGHT, Votes, among, connected, count, places

POWER = 0.8
BOOTSTRAPS = 1000
MOST_VOTES = 1_000_000  # that anybody would be told to collect

Ends = tuple[float | None, float | None, float | None]  # value, low, high
Ranks = tuple[int | None, int | None, int | None]  # rank, its best, its worst


def leaderboard(votes: Votes, runs: Mapping[int, str], bootstraps: int = BOOTSTRAPS, seed: int = 0) -> Board:
    """Rank the runs (id -> name) by the votes between them; the same votes and seed give the same board."""
    ids = sorted(runs)
    votes = among(votes, ids)
    counts = count(votes, ids)
    table = counts.table()
    matrix = _matrix(votes, ids)
    found = estimate(counts, bootstraps, seed)
    standings = _standings(found, matrix)
    ties = float(table[..., 2].sum() / table.sum()) if len(votes) else None
    return Board(
        standings,
        tuple(_neighbours(found, ids, standings)),
        _side(found) if any(map(any, matrix.wins)) else None,
        ties,
        matrix,
        tuple(notes(runs, standings, ties, _sides_changed(table.sum(-1)), counts.pairs, counts.raters)),
        len(votes),
        counts.pairs,
        counts.raters,
    )


def decisive_votes(share: float, power: float = POWER) -> int | None:
    """How many votes, ties left out, tell two runs apart of which one is preferred in `share` of them; None for one half.

    Two-sided at 5%, by the normal approximation.
    """
    if share == 0.5:
        return None
    sure = NORMAL * 0.5 + NormalDist().inv_cdf(power) * sqrt(share * (1 - share))
    return ceil((sure / (share - 0.5)) ** 2)


def _matrix(votes: Votes, ids: Sequence[int]) -> Matrix:
    runs = len(ids)
    left, right = places(votes.left, ids), places(votes.right, ids)

    def times(first: np.ndarray, second: np.ndarray, outcome: int) -> np.ndarray:
        chosen = votes.outcome == outcome
        return np.bincount(first[chosen] * runs + second[chosen], minlength=runs * runs).reshape(runs, runs)

    wins = times(left, right, LEFT) + times(right, left, RIGHT)
    good, bad = (times(left, right, outcome) + times(right, left, outcome) for outcome in (BOTH_GOOD, BOTH_BAD))
    return Matrix(tuple(ids), *(tuple(map(tuple, part.tolist())) for part in (wins, good, bad, wins + wins.T + good + bad)))


def _sides_changed(shown: np.ndarray) -> bool:
    """Whether the sides of shown (runs, runs) tell a liking for one side from the runs' strengths: not if these explain it."""
    left, right = np.nonzero(shown)
    differences = np.eye(len(shown))[left] - np.eye(len(shown))[right]
    side = np.ones(len(left))
    return not np.allclose(differences @ np.linalg.lstsq(differences, side)[0], side)


def _standings(found: Estimate, matrix: Matrix) -> tuple[Standing, ...]:
    """The groups by size, and within each the strongest first; runs without votes at the end."""
    strength, met = found.parameters[: len(matrix.runs)], np.array(matrix.votes)
    groups = connected(met)
    size = np.bincount(groups)[groups]
    order = sorted(range(len(matrix.runs)), key=lambda i: (size[i] == 1, -size[i], groups[i], -strength[i], matrix.runs[i]))
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups[i] for i in order))}
    low, high = _strength_intervals(found, groups)
    unbeaten, unwon = _open_ends(matrix, groups)
    decided = any(map(any, matrix.wins))
    rows = []
    for i in order:
        votes, wins = int(met[i].sum()), sum(matrix.wins[i])
        good, bad = sum(matrix.both_good[i]), sum(matrix.both_bad[i])
        ends: Ends = (None, None, None)
        shares: Ends = (None, None, None)
        ranks: Ranks = (None, None, None)
        if votes and decided:
            ends = float(strength[i]), None if unwon[i] else float(low[i]), None if unbeaten[i] else float(high[i])
            shares = _share(strength[i]), 0.0 if unwon[i] else _share(low[i]), 1.0 if unbeaten[i] else _share(high[i])
            ranks = _ranks(found, groups, i)
        losses = votes - wins - good - bad
        rows.append(Standing(matrix.runs[i], numbers[groups[i]], *ends, *shares, *ranks, votes, wins, losses, good, bad))
    return tuple(rows)


def _share(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _strength_intervals(found: Estimate, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of each run's strength against the mean of its group."""
    together = groups[:, None] == groups
    contrasts = np.eye(len(groups), len(found.parameters))
    contrasts[:, : len(groups)] -= together / together.sum(1, keepdims=True)
    return found.interval(contrasts)[1:]


def _open_ends(matrix: Matrix, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a run belongs to some that never lost or tied against the rest of their group; that never won or tied."""
    gave_way = np.array(matrix.wins).T + np.array(matrix.both_good) + np.array(matrix.both_bad)  # [i][j]: i lost to j, or tied
    level = connected(gave_way, both_ways=True)
    others = (groups[:, None] == groups) & (level[:, None] != level)
    lost, won = (gave_way * others).sum(1), (gave_way.T * others).sum(1)
    some = others.any(1)
    unbeaten = np.array([some[i] and not lost[level == level[i]].any() for i in range(len(groups))])
    unwon = np.array([some[i] and not won[level == level[i]].any() for i in range(len(groups))])
    return unbeaten, unwon


def _differences(found: Estimate, run: int, others: Sequence[int] | np.ndarray) -> np.ndarray:
    """(others, q): contrasts of each other run's strength with that of `run`."""
    contrasts = np.zeros((len(others), len(found.parameters)))
    contrasts[np.arange(len(others)), others] = 1
    contrasts[:, run] -= 1
    return contrasts


def _ranks(found: Estimate, groups: np.ndarray, run: int) -> Ranks:
    """(rank, its best, its worst): it comes after all that are surely better and before all that are surely worse.

    All differences from the run hold at once with 95%: their intervals are widened by the draws' largest deviation
    (Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for ranks").
    """
    others = np.flatnonzero((groups == groups[run]) & (np.arange(len(groups)) != run))
    contrasts = _differences(found, run, others)
    value, low, high = found.interval(contrasts)
    drawn = found.draws @ contrasts.T
    spread = drawn.std(0)
    deviation = np.abs(drawn - drawn.mean(0)) / np.where(spread > 0, spread, 1)
    wider = max(1.0, float(np.quantile(deviation.max(1), 0.95)) / NORMAL)
    better = value - (value - low) * wider > 0
    worse = value + (high - value) * wider < 0
    return 1 + int((value > 0).sum()), 1 + int(better.sum()), len(others) + 1 - int(worse.sum())


def _neighbours(found: Estimate, ids: Sequence[int], standings: Sequence[Standing]) -> list[Neighbours]:
    place = {run: i for i, run in enumerate(ids)}
    rows = []
    for better, worse in zip(standings, standings[1:], strict=False):
        if better.group == worse.group and better.strength is not None:
            first, second = place[better.run], place[worse.run]
            contrast = _differences(found, second, [first])
            (value,), (low,), (high,) = found.interval(contrast)
            more = 0 if low > 0 else _more_votes(found, first, second, float(value), float(found.half_width(contrast)[0]))
            rows.append(Neighbours(better.run, worse.run, float(value), float(low), float(high), bool(low > 0), more))
    return rows


def _more_votes(found: Estimate, first: int, second: int, difference: float, half: float) -> int | None:
    """How many votes between two runs separate them with a power of 0.8, each as telling as the ones given so far."""
    contrast = _differences(found, second, [first])
    expected = chances(found.parameters)[[first, second], [second, first]]
    told = ((expected[:, 0] + expected[:, 1]) / 4 - ((expected[:, 0] - expected[:, 1]) / 2) ** 2).mean()
    error = half / NORMAL
    alike = max(error**2 / (contrast @ found.by_model @ contrast.T).item(), 1)  # votes for one that is independent
    aim = abs(difference) / (NORMAL + NormalDist().inv_cdf(POWER))
    if aim == 0 or alike / told > MOST_VOTES * aim**2:
        return None
    return max(1, ceil((aim**-2 - error**-2) * alike / told))


def _side(found: Estimate) -> Side:
    contrast = np.zeros((1, len(found.parameters)))
    contrast[0, -2] = 1
    return Side(*(_share(end[0]) for end in found.interval(contrast)))
