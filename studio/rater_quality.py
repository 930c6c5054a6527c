"""What each rater's answers say about the rater: pace, known items, repeats, sides, agreement with the others, and flags."""

from dataclasses import dataclass

import numpy as np

from studio.agreement import Items, first_answers, items
from studio.intervals import independent
from studio.intervals import wilson as interval
from studio.rater_flags import Flag, FlagRules, Tally, flags
from studio.votes import LEFT, OUTCOMES, RIGHT, Votes

IDLE_SECONDS, IDLE_TIMES = 60.0, 5.0  # an answer that took longer than both, the latter times the rater's median, was a pause

Mean = tuple[float, float, int]  # with its standard error, and of how many


@dataclass(frozen=True)
class Answers:
    """Votes on one axis with how they were given; arrays (n,) in their order."""

    votes: Votes
    seconds: np.ndarray  # from shown to answered; nan where nobody knows
    expected: np.ndarray  # on known items the outcome that is right (LEFT or RIGHT), -1 on all others
    repeat: np.ndarray  # the same number for both answers of a rater to a repeated comparison, -1 elsewhere


@dataclass(frozen=True)
class Share:
    """How often something held of n times, with its 95% interval; None of none."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class RaterReport:
    """One rater's answers."""

    rater: int
    votes: int
    median_seconds: float | None  # pauses cut
    per_hour: float | None  # answers, pauses cut
    gold: Share  # known items answered right
    consistency: Share  # repeats answered alike
    left: Share  # left chosen, ties left out
    agreement: Share  # of the others' answers to the same items, those that are the same; n counts the items
    flags: tuple[Flag, ...]


def rater_reports(answers: Answers, rules: FlagRules | None = None) -> list[RaterReport]:
    """Every rater's report, in the order of the ids."""
    tallies, same = _tallies(answers)
    flagged = flags(tallies, rules or FlagRules())
    rows = []
    for tally, (share, error, n), found in zip(tallies, same, flagged, strict=True):
        kept = _without_pauses(tally.seconds)
        left, right = tally.outcomes[[LEFT, RIGHT]].tolist()
        rows.append(
            RaterReport(
                tally.rater,
                int(tally.outcomes.sum()),
                float(np.median(kept)) if len(kept) else None,
                float(3600 * len(kept) / kept.sum()) if kept.sum() > 0 else None,
                wilson(*tally.gold),
                wilson(*tally.repeats),
                wilson(left, left + right),
                Share(share, *interval(share, independent(share, n, error**2)), n) if n else wilson(0, 0),
                found,
            )
        )
    return rows


def wilson(hits: int, n: int) -> Share:
    """How often something held of n times, with Wilson's interval."""
    if not n:
        return Share(None, None, None, 0)
    return Share(hits / n, *interval(hits / n, n), n)


def _without_pauses(seconds: np.ndarray) -> np.ndarray:
    return seconds[seconds <= max(IDLE_SECONDS, IDLE_TIMES * float(np.median(seconds)))] if len(seconds) else seconds


def _tallies(answers: Answers) -> tuple[list[Tally], list[Mean]]:
    """Every rater's sums, and (mean, standard error, items) of the share of others who answered the same."""
    votes, judged = answers.votes, items(answers.votes)
    raters, rater = np.unique(votes.rater, return_inverse=True)
    same, lean = _with_others(judged, rater, answers.expected < 0, len(raters))
    repeats = _repeats(answers, judged.value)
    right, known = votes.outcome == answers.expected, answers.expected >= 0
    tallies = []
    by_rater = np.split(np.argsort(rater, kind="stable"), np.cumsum(np.bincount(rater))[:-1])
    for name, mine, (agreement, error, shared) in zip(raters.tolist(), by_rater, lean, strict=False):
        seconds = answers.seconds[mine]
        tallies.append(
            Tally(
                rater=name,
                outcomes=np.bincount(votes.outcome[mine], minlength=len(OUTCOMES)),
                seconds=seconds[np.isfinite(seconds)],
                gold=(int((right & known)[mine].sum()), int(known[mine].sum())),
                repeats=repeats.get(name, (0, 0)),
                agreement=agreement,
                agreement_error=error,
                shared=shared,
            )
        )
    return tallies, same


def _with_others(judged: Items, rater: np.ndarray, counted: np.ndarray, raters: int) -> tuple[list[Mean], list[Mean]]:
    """Per rater (mean, standard error, items): of the others' answers those that are the same; preference times theirs.

    Of the votes `counted`, bool (n,), a rater's first one on each item.
    """
    chosen = np.flatnonzero(counted)
    chosen = chosen[first_answers(judged.item[chosen], rater[chosen])]
    given = np.bincount(judged.item[chosen] * 3 + judged.value[chosen], minlength=len(judged.pair) * 3).reshape(-1, 3)
    chosen = chosen[given[judged.item[chosen]].sum(1) > 1]
    item, value, who = judged.item[chosen], judged.value[chosen], rater[chosen]
    others = given[item].sum(1) - 1
    preferred = np.array([1, 0, -1])[value]  # the first run, neither, the second
    theirs = (given[item] @ [1, 0, -1] - preferred) / others
    same = _means(who, judged.pair[item], (given[item, value] - 1) / others, raters)
    lean = _means(who, judged.pair[item], preferred * theirs, raters)
    at_random = np.sqrt(np.bincount(who, theirs**2, raters)) / np.maximum(np.bincount(who, minlength=raters), 1)
    return same, [(mean, max(error, least), n) for (mean, error, n), least in zip(lean, at_random / 2, strict=True)]


def _means(who: np.ndarray, pair: np.ndarray, value: np.ndarray, raters: int) -> list[Mean]:
    """Per rater: mean, its standard error with the values on one pair taken as one, and how many values."""
    number = np.bincount(who, minlength=raters)
    mean = np.bincount(who, value, raters) / np.maximum(number, 1)
    pairs = int(pair.max(initial=0)) + 1
    cluster, where = np.unique(who * pairs + pair, return_inverse=True)
    deviation = np.bincount(where, value - mean[who], len(cluster))
    square = np.bincount(cluster // pairs, deviation**2, raters)
    return list(zip(mean.tolist(), (np.sqrt(square) / np.maximum(number, 1)).tolist(), number.tolist(), strict=True))


def _repeats(answers: Answers, value: np.ndarray) -> dict[int, tuple[int, int]]:
    """Per rater: how many repeated comparisons were answered alike, of how many answered twice."""
    asked = np.flatnonzero(answers.repeat >= 0)
    order = asked[np.lexsort((answers.repeat[asked], answers.votes.rater[asked]))]
    rater, number = answers.votes.rater[order], answers.repeat[order]
    twice = np.flatnonzero((rater[1:] == rater[:-1]) & (number[1:] == number[:-1]))
    alike = value[order[twice]] == value[order[twice + 1]]
    who = rater[twice]
    return {int(one): (int(alike[who == one].sum()), int((who == one).sum())) for one in np.unique(who)}
