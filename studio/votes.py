"""Pairwise votes as arrays, and as the sums that a fit and its bootstrap need."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np

OUTCOMES = ("left", "right", "both good", "both bad")  # an outcome is its place here; to a fit the last two are ties
LEFT, RIGHT, BOTH_GOOD, BOTH_BAD = range(len(OUTCOMES))
RESULTS = 3  # left, right, tie


@dataclass(frozen=True)
class Votes:
    """Comparisons that people answered, one entry each: arrays (n,) of whole numbers, skips left out.

    ValueError for lengths that differ, an outcome outside 0..3, a run against itself, or a weight that is not above 0.
    """

    left: np.ndarray  # run id
    right: np.ndarray  # run id
    outcome: np.ndarray  # place in OUTCOMES
    pair: np.ndarray  # id of (person, cloth)
    rater: np.ndarray  # id
    weight: np.ndarray | None = None  # 1 / probability with which the comparison was selected; None: all alike

    def __post_init__(self) -> None:
        for field in fields(self):
            given = getattr(self, field.name)
            if given is not None:
                object.__setattr__(self, field.name, np.asarray(given, float if field.name == "weight" else np.int64))
        lengths = {len(getattr(self, field.name)) for field in fields(self) if getattr(self, field.name) is not None}
        if len(lengths) != 1:
            raise ValueError(f"arrays of votes have {sorted(lengths)} entries; expected one length")
        if len(self) and not 0 <= self.outcome.min() <= self.outcome.max() < len(OUTCOMES):
            raise ValueError(f"outcomes from {self.outcome.min()} to {self.outcome.max()}; expected 0 to {len(OUTCOMES) - 1}")
        if (self.left == self.right).any():
            raise ValueError(f"run {self.left[self.left == self.right][0]} is compared with itself; expected two runs")
        if self.weight is not None and not (np.isfinite(self.weight) & (self.weight > 0)).all():
            raise ValueError("a weight is not above 0; expected 1 / selection probability")

    def __len__(self) -> int:
        return len(self.left)

    def only(self, chosen: np.ndarray) -> "Votes":
        """The votes where `chosen`, bool (n,) or places, says so: an axis, a stratum, all but some raters."""
        weight = None if self.weight is None else self.weight[chosen]
        left, right, outcome = self.left[chosen], self.right[chosen], self.outcome[chosen]
        return Votes(left, right, outcome, self.pair[chosen], self.rater[chosen], weight)


@dataclass(frozen=True)
class Counts:
    """Votes summed over what is alike, arrays (m,); runs, pairs and raters are numbered from 0."""

    runs: int
    kind: np.ndarray  # (left * runs + right) * 3 + result
    pair: np.ndarray
    rater: np.ndarray
    weight: np.ndarray  # sums of weights, which are 1 on average over the votes

    @property
    def pairs(self) -> int:
        return int(self.pair.max(initial=-1)) + 1

    @property
    def raters(self) -> int:
        return int(self.rater.max(initial=-1)) + 1

    @property
    def kinds(self) -> int:
        return self.runs * self.runs * RESULTS

    def table(self) -> np.ndarray:
        """(runs, runs, 3): weight of the votes for left, right and neither, by the run at the left and at the right."""
        return np.bincount(self.kind, self.weight, self.kinds).reshape(self.runs, self.runs, RESULTS)


def among(votes: Votes, runs: Collection[int]) -> Votes:
    """The votes between two of the runs."""
    ids = np.array(sorted(runs), np.int64)
    inside = np.isin(votes.left, ids) & np.isin(votes.right, ids)
    return votes if inside.all() else votes.only(inside)


def places(ids: np.ndarray, runs: Sequence[int]) -> np.ndarray:
    """Where each id stands in `runs`; every one does."""
    order = np.argsort(runs)
    return order[np.searchsorted(np.asarray(runs)[order], ids)]


def kinds(votes: Votes, runs: Sequence[int]) -> np.ndarray:
    """(n,) what a fit tells apart: the run at the left, the one at the right, and left, right or tie."""
    result = np.minimum(votes.outcome, BOTH_GOOD)
    return (places(votes.left, runs) * len(runs) + places(votes.right, runs)) * RESULTS + result


def even_weights(votes: Votes) -> np.ndarray:
    """(n,) weights that are 1 on average."""
    if votes.weight is None or not len(votes):
        return np.ones(len(votes))
    return votes.weight / votes.weight.mean()


def count(votes: Votes, runs: Sequence[int]) -> Counts:
    """The sums of votes that are all between two of the runs."""
    pairs, pair = np.unique(votes.pair, return_inverse=True)
    raters, rater = np.unique(votes.rater, return_inverse=True)
    kind = kinds(votes, runs)
    alike, where = np.unique((kind * len(pairs) + pair) * len(raters) + rater, return_inverse=True)
    weight = np.bincount(where, even_weights(votes), len(alike))
    rest, rater = np.divmod(alike, max(len(raters), 1))
    kind, pair = np.divmod(rest, max(len(pairs), 1))
    return Counts(len(runs), kind, pair, rater, weight)


def connected(met: np.ndarray, both_ways: bool = False) -> np.ndarray:
    """(runs,) the number of each run's group where met (runs, runs) is above 0: linked at all, or reached there and back."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(met.reshape(len(met), len(met)) > 0, directed=both_ways, connection="strong")[1]


def largest_group(votes: Votes, runs: Collection[int]) -> tuple[list[int], np.ndarray]:
    """The most of the runs that votes connect, and the places of the votes between them."""
    ids = sorted(runs)
    inside = np.flatnonzero(np.isin(votes.left, ids) & np.isin(votes.right, ids))
    if len(inside) == 0:
        return [], inside
    met = np.zeros((len(ids), len(ids)))
    met[places(votes.left[inside], ids), places(votes.right[inside], ids)] = 1
    groups = connected(met)
    group = [ids[place] for place in np.flatnonzero(groups == np.bincount(groups).argmax())]
    return group, inside[np.isin(votes.left[inside], group)]
