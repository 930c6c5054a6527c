"""How far raters agree: Krippendorff's alpha, and the items on which they agree least."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from studio.votes import BOTH_GOOD, LEFT, Votes

Level = Literal["nominal", "ordinal"]
FIRST_BETTER, TIE, SECOND_BETTER = range(3)
BOOTSTRAPS = 1000
USUAL_COUPLES = 3  # of answers, added to each item's when items are put in order


@dataclass(frozen=True)
class Items:
    """What votes are about, whichever side each run was shown at: a pair and two runs, the one of the lower id first."""

    item: np.ndarray  # (n,) the place of each vote's item in the arrays (items,) below
    value: np.ndarray  # (n,) FIRST_BETTER, TIE or SECOND_BETTER
    pair: np.ndarray
    first: np.ndarray
    second: np.ndarray


@dataclass(frozen=True)
class Alpha:
    """1: all agree; 0: as by chance; below: they contradict each other. None where it cannot be told, and why in `note`."""

    value: float | None
    low: float | None
    high: float | None
    items: int  # with answers of two raters or more
    raters: int  # who gave these
    votes: int  # on these
    note: str = ""


@dataclass(frozen=True)
class Disagreement:
    """An item's votes, and the chance that two of them differ."""

    item: int
    votes: int
    disagreement: float
    counts: tuple[int, ...]  # how often each value was given, in the order of the values


def items(votes: Votes) -> Items:
    """The items of votes on one axis."""
    first, second = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    runs, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    pairs, pair = np.unique(votes.pair, return_inverse=True)
    keys = (pair * len(runs) + place[: len(votes)]) * len(runs) + place[len(votes) :]
    found, item = np.unique(keys, return_inverse=True)
    rest, second_place = np.divmod(found, max(len(runs), 1))
    pair_place, first_place = np.divmod(rest, max(len(runs), 1))
    won_by_first = (votes.outcome == LEFT) == (votes.left == first)
    value = np.where(votes.outcome >= BOTH_GOOD, TIE, np.where(won_by_first, FIRST_BETTER, SECOND_BETTER))
    return Items(item, value, pairs[pair_place], runs[first_place], runs[second_place])


def alpha(
    item: np.ndarray,
    rater: np.ndarray,
    value: np.ndarray,
    level: Level = "nominal",
    bootstraps: int = BOOTSTRAPS,
    seed: int = 0,
) -> Alpha:
    """Krippendorff's alpha of the values (n,) that raters (n,) gave to items (n,), of each to each the first one.

    Krippendorff 2011, "Computing Krippendorff's alpha-reliability". Its interval is a bootstrap over items: of other items, by
    the same raters.
    """
    once = first_answers(item, rater)
    item, rater = item[once], rater[once]
    _, given, kind = _answers(item, value[once])
    _, first, number = np.unique(kind, return_index=True, return_counts=True)
    several = given[first].sum(1) > 1
    answers, number = given[first][several], number[several]
    _, place, met = np.unique(item, return_inverse=True, return_counts=True)
    size = int(number.sum()), len(np.unique(rater[met[place] > 1])), int((number[:, None] * answers).sum())
    if not len(number):
        return Alpha(None, None, None, *size, "No item has answers of two raters yet.")
    observed = float(_alphas(answers, number[None].astype(float), level)[0])
    if np.isnan(observed):
        return Alpha(None, None, None, *size, "Every answer is the same, so agreement cannot be told from chance.")
    if observed == 1:
        return Alpha(1.0, None, 1.0, *size, "No two answers differ yet, so how far raters may differ cannot be told.")
    drawn = np.random.default_rng(seed).multinomial(size[0], number / size[0], bootstraps).astype(float)
    draws = _alphas(answers, drawn, level)
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Alpha(observed, float(low), float(high), *size)


def first_answers(item: np.ndarray, rater: np.ndarray) -> np.ndarray:
    """The places of each rater's first answer to each item, in their order."""
    numbers = np.unique(rater, return_inverse=True)[1]
    keys = np.unique(item, return_inverse=True)[1] * (numbers.max(initial=0) + 1) + numbers
    return np.sort(np.unique(keys, return_index=True)[1])


def disagreements(item: np.ndarray, value: np.ndarray, most: int = 200) -> list[Disagreement]:
    """The items with answers that differ, the least agreed on first.

    The order takes the shares towards the mean, by as much as the answers of three raters would: two answers that differ say
    less than seven that are split.
    """
    ids, given, _ = _answers(item, value)
    total = given.sum(1)
    couples = total * (total - 1) / 2
    differing = couples - (given * (given - 1) / 2).sum(1)
    if not couples.sum():
        return []
    usual = differing.sum() / couples.sum()
    order = np.argsort(-(differing + USUAL_COUPLES * usual) / (couples + USUAL_COUPLES), kind="stable")
    chosen = order[differing[order] > 0][:most]
    return [
        Disagreement(int(ids[i]), int(total[i]), float(differing[i] / couples[i]), tuple(given[i].tolist())) for i in chosen
    ]


def _answers(item: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ids, answers (items, values), kind (items,)): how often each value was given; the kind is equal where these are."""
    ids, place = np.unique(item, return_inverse=True)
    values, which = np.unique(value, return_inverse=True)
    given = np.bincount(place * len(values) + which, minlength=len(ids) * len(values)).reshape(len(ids), len(values))
    kind = np.zeros(len(ids), np.int64)
    for column in given.T:
        kind = np.unique(kind * (column.max() + 1) + column, return_inverse=True)[1]
    return ids, given, kind


def _alphas(answers: np.ndarray, number: np.ndarray, level: Level) -> np.ndarray:
    """(draws,) alpha where kind of item k, with answers (k, values), comes number (draws, k) times; nan without variation."""
    size = answers.sum(1)
    totals = number @ answers  # (draws, values)
    together = answers[:, :, None] * answers[:, None, :] / (size - 1)[:, None, None]
    coincidences = np.einsum("dk,kab->dab", number, together)  # off the diagonal, where all that differs stands
    distance = _distances(totals, level)
    everything = totals.sum(1)
    observed = (coincidences * distance).sum((1, 2)) / everything
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum((1, 2)) / (everything * (everything - 1))
    found = np.full(len(number), np.nan)
    np.divide(observed, expected, out=found, where=expected > 0)
    return 1 - found


def _distances(totals: np.ndarray, level: Level) -> np.ndarray:
    """(draws, values, values): squared distance of two values; ordinal by how many answers lie between them."""
    values = totals.shape[1]
    if level == "nominal":
        return np.broadcast_to(1.0 - np.eye(values), (len(totals), values, values))
    middle = np.cumsum(totals, 1) - totals / 2
    return (middle[:, :, None] - middle[:, None, :]) ** 2
