"""How few votes carry the first place: the handful that would flip the top if they were gone."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from studio.davidson import fit, information
from studio.intervals import moves
from studio.votes import RESULTS, Votes, even_weights, kinds, largest_group

ROUNDS = 2  # of asking which votes carry it: with all votes, and with those gone that were found first
BEHIND = 1e-6  # log-odds: what counts as overtaken


@dataclass(frozen=True)
class Flip:
    """Without the votes at `rows` of what was asked about, `contender` ranks above `top`."""

    top: int
    contender: int
    rows: tuple[int, ...]
    share: float  # of the votes between the runs that are connected with these two

    @property
    def count(self) -> int:
        """How many votes it takes."""
        return len(self.rows)


def flip_the_top(votes: Votes, runs: Collection[int]) -> Flip | None:
    """The fewest votes found whose removal puts another run ahead of the first of the largest group; None where none would.

    Votes go by their influence on the lead, the largest first (Broderick, Giordano and Meager 2020), and the shortest such list
    is taken after which a fit of the votes left really ranks the contender higher: exact in the check, greedy in the search,
    so another choice may need still fewer.
    """
    ids, inside = largest_group(votes, runs)
    if len(inside) == 0:
        return None
    asked = votes.only(inside)
    kind, weight = kinds(asked, ids), even_weights(asked)
    whole = _table(kind, weight, len(ids))
    top = int(fit(whole)[:-2].argmax())
    best: tuple[int, np.ndarray] | None = None
    for contender in (place for place in range(len(ids)) if place != top):
        gone = np.zeros(0, np.int64)
        for _ in range(ROUNDS):
            order = _by_influence(kind, weight, gone, len(ids), top, contender)
            found = _shortest(kind, weight, order, whole, top, contender, len(order) if best is None else len(best[1]))
            if found is None:
                break
            gone = found
            if best is None or len(gone) < len(best[1]):
                best = contender, gone
    if best is None:
        return None
    rows = tuple(sorted(inside[best[1]].tolist()))
    return Flip(ids[top], ids[best[0]], rows, len(rows) / len(asked))


def _table(kind: np.ndarray, weight: np.ndarray, runs: int) -> np.ndarray:
    return np.bincount(kind, weight, runs * runs * RESULTS).reshape(runs, runs, RESULTS)


def _by_influence(kind: np.ndarray, weight: np.ndarray, gone: np.ndarray, runs: int, top: int, contender: int) -> np.ndarray:
    """The votes that hold `top` above `contender`, the most telling first, as seen from a fit without those `gone`."""
    left = _table(kind, weight, runs) - _table(kind[gone], weight[gone], runs)
    parameters = fit(left)
    covariance = np.linalg.inv(information(left.sum(-1), parameters))
    by_kind = moves(np.arange(runs * runs * RESULTS), parameters, covariance)
    influence = weight * (by_kind[:, top] - by_kind[:, contender])[kind]
    holding = np.flatnonzero(influence > 0)
    return holding[np.argsort(-influence[holding], kind="stable")]


def _shortest(
    kind: np.ndarray, weight: np.ndarray, order: np.ndarray, whole: np.ndarray, top: int, contender: int, most: int
) -> np.ndarray | None:
    """The shortest beginning of `order`, of at most `most` votes, without which the contender is ahead."""

    def lead(length: int) -> float:
        gone = order[:length]
        found = fit(whole - _table(kind[gone], weight[gone], len(whole)))
        return float(found[top] - found[contender])

    low, high = 0, min(most, len(order))
    if not high or lead(high) > -BEHIND:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if lead(middle) < -BEHIND else (middle, high)
    return order[:high]
