"""Which raters' answers no honest rater gives: tests that leave honest ones room, corrected for how many raters are tested."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from studio.votes import BOTH_BAD, BOTH_GOOD, LEFT, OUTCOMES, RIGHT

LEAST_KNOWN = 5  # known items or repeats of a rater that count towards what is usual
LEAST_SHARED = 5  # items that others answered too, below which agreement with them says nothing
SUREST = 0.95  # that anybody is expected to be
TINIEST = 1e-12  # chance told apart from none


@dataclass(frozen=True)
class FlagRules:
    """How much room each test gives an honest rater before it asks whether chance explains the rest."""

    false_alarms: float = 0.05  # at most this chance that any honest rater of a study is flagged (Holm's correction)
    known: float = 0.85  # on known items and repeats: of the median rater's share
    agreement: float = 0.5  # with the others: of the median rater's
    one_side: float = 0.15  # share of left: away from the median rater's
    one_answer: float = 0.3  # share of both good, of both bad: above the median rater's
    hasty_seconds: float = 0.6  # two pictures cannot be compared in less
    hasty: float = 0.1  # share of answers as quick as that, by mistaken keys
    even_pace: float = 0.2  # standard deviation of log seconds; people's are 0.4 to 0.8


@dataclass(frozen=True)
class Flag:
    """Something in a rater's answers that chance does not explain."""

    kind: str  # chance, side, one answer, haste, pace
    sentence: str


@dataclass(frozen=True)
class Tally:
    """One rater's sums."""

    rater: int
    outcomes: np.ndarray  # (4,) how often each was given
    seconds: np.ndarray  # of every answer whose time is known
    gold: tuple[int, int]  # right, of known items
    repeats: tuple[int, int]  # alike, of repeats
    agreement: float  # mean of preference (1, 0, -1) times the others' mean one on the same item; 0 by clicking at random
    agreement_error: float
    shared: int  # items that others answered too


@dataclass(frozen=True)
class _Usual:
    """The median rater."""

    gold: float
    repeats: float
    agreement: float
    left: float
    outcomes: np.ndarray


def flags(tallies: Sequence[Tally], rules: FlagRules) -> list[tuple[Flag, ...]]:
    """Each rater's flags."""
    if not tallies:
        return []
    usual = _usual(tallies)
    tested = [(chance, place, flag) for place, tally in enumerate(tallies) for chance, flag in _tests(tally, usual, rules)]
    tested.sort(key=lambda test: test[0])
    found: list[list[Flag]] = [[] for _ in tallies]
    for passed, (chance, place, flag) in enumerate(tested):
        if chance > rules.false_alarms / (len(tested) - passed):
            break
        found[place].append(flag)
    return [tuple(kept) for kept in found]


def _usual(tallies: Sequence[Tally]) -> _Usual:
    outcomes = np.array([tally.outcomes / tally.outcomes.sum() for tally in tallies])
    decided = [t.outcomes[LEFT] / t.outcomes[[LEFT, RIGHT]].sum() for t in tallies if t.outcomes[[LEFT, RIGHT]].any()]
    return _Usual(
        _median([hits / n for hits, n in (tally.gold for tally in tallies) if n >= LEAST_KNOWN]),
        _median([hits / n for hits, n in (tally.repeats for tally in tallies) if n >= LEAST_KNOWN]),
        _median([tally.agreement for tally in tallies if tally.shared]),
        _median(decided),
        np.median(outcomes, axis=0),
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _tests(tally: Tally, usual: _Usual, rules: FlagRules) -> Iterator[tuple[float, Flag]]:
    """(chance that an honest rater's answers look like this, what to say then)."""
    votes = int(tally.outcomes.sum())
    left, decided = int(tally.outcomes[LEFT]), int(tally.outcomes[[LEFT, RIGHT]].sum())
    yield _as_by_chance(tally, usual, rules)
    if decided:
        near, far = max(usual.left - rules.one_side, 1 - SUREST), min(usual.left + rules.one_side, SUREST)
        chance = min(1.0, 2 * min(_at_most(left, decided, near), _at_least(left, decided, far)))
        said = f"Chose the left picture in {left / decided:.0%} of {decided} decisions; the median rater in {usual.left:.0%}."
        yield chance, Flag("side", said)
    for outcome in (BOTH_GOOD, BOTH_BAD):
        given, share = int(tally.outcomes[outcome]), float(usual.outcomes[outcome])
        said = f"Answered {OUTCOMES[outcome]} in {given / votes:.0%} of {votes} comparisons; the median rater in {share:.0%}."
        yield _at_least(given, votes, min(share + rules.one_answer, SUREST)), Flag("one answer", said)
    if len(tally.seconds):
        yield _too_quick(tally.seconds, rules)
        yield _too_even(tally.seconds, rules)


def _as_by_chance(tally: Tally, usual: _Usual, rules: FlagRules) -> tuple[float, Flag]:
    """Known items, repeats and agreement together, each weighted by how well it tells the bound from chance (Liptak 1958)."""
    from scipy.special import ndtr

    tied = 1 - tally.outcomes[[LEFT, RIGHT]].sum() / tally.outcomes.sum()
    parts: list[tuple[float, float]] = []  # (how far below the bound in standard errors, weight)
    said = []
    for (hits, n), share, by_chance, words in (
        (tally.gold, usual.gold, (1 - tied) / 2, "known items right"),
        (tally.repeats, usual.repeats, (1 - tied) ** 2 / 2 + tied**2, "repeats answered alike"),
    ):
        bound = min(rules.known * share, SUREST)
        if n and bound > by_chance:
            parts.append((_below(hits, n, bound), (bound - by_chance) * sqrt(n / (bound * (1 - bound)))))
            said.append(f"{hits} of {n} {words} (median rater {share:.0%})")
    if tally.shared >= LEAST_SHARED and usual.agreement > 0:
        bound, error = rules.agreement * usual.agreement, max(tally.agreement_error, TINIEST)
        parts.append(((bound - tally.agreement) / error, bound / error))
        words = f"agreement with others {tally.agreement:z.2f} on {tally.shared} items"
        said.append(f"{words} (median rater {usual.agreement:.2f}, by chance 0)")
    if not parts:
        return 1.0, Flag("chance", "")
    below, weight = np.array(parts).T
    chance = float(ndtr(-(weight @ below) / np.sqrt(weight @ weight)))
    return chance, Flag("chance", f"Answers as if by chance: {'; '.join(said)}.")


def _below(hits: int, n: int, share: float) -> float:
    """By how many standard errors so few hits are below what is expected, from half the chance of these and all of fewer."""
    from scipy.special import bdtr, ndtri

    chance = (bdtr(hits, n, share) + (bdtr(hits - 1, n, share) if hits else 0)) / 2
    return -float(ndtri(min(max(chance, TINIEST), 1 - TINIEST)))


def _too_quick(seconds: np.ndarray, rules: FlagRules) -> tuple[float, Flag]:
    hasty, n = int((seconds < rules.hasty_seconds).sum()), len(seconds)
    said = f"{hasty / n:.0%} of {n} answers came within {rules.hasty_seconds:g} s, too soon to compare two pictures."
    return _at_least(hasty, n, rules.hasty), Flag("haste", said)


def _too_even(seconds: np.ndarray, rules: FlagRules) -> tuple[float, Flag]:
    """Answers at a steadier pace than people keep; the most hesitant tenth of the answers is left out, pauses with it."""
    from scipy.special import chdtr

    times = np.sort(np.log(np.maximum(seconds, TINIEST)))[: max(2, int(0.9 * len(seconds)))]
    if len(times) < 2:
        return 1.0, Flag("pace", "")
    varies = float(times.std(ddof=1))
    chance = float(chdtr(len(times) - 1, (len(times) - 1) * (varies / rules.even_pace) ** 2))
    said = f"The pace of {len(seconds)} answers is even as no person's is: most times differ by a factor of {exp(varies):.2f}."
    return chance, Flag("pace", said)


def _at_most(hits: int, n: int, share: float) -> float:
    from scipy.special import bdtr

    return float(bdtr(hits, n, share))


def _at_least(hits: int, n: int, share: float) -> float:
    from scipy.special import bdtrc

    return float(bdtrc(hits - 1, n, share)) if hits else 1.0
