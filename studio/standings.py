"""What a leaderboard says, as plain numbers; and in sentences, what keeps it from saying more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FEW_RATERS = 5


@dataclass(frozen=True)
class Standing:
    """A run's place. Strengths are log-odds against the mean of its group, the runs that votes connect it with.

    None where votes tell nothing: without any, with ties only, or towards the end that a run has that never lost (won) against
    the others.
    """

    run: int
    group: int
    strength: float | None
    low: float | None
    high: float | None
    share: float | None  # chance to be preferred to an average run of its group, ties left out
    share_low: float | None
    share_high: float | None
    rank: int | None  # within the group
    rank_low: int | None  # the best that it can be
    rank_high: int | None
    votes: int
    wins: int
    losses: int
    both_good: int
    both_bad: int


@dataclass(frozen=True)
class Neighbours:
    """Two runs that follow each other: how far apart in log-odds, and what it would take to tell them apart.

    The votes it would take are between these two, for a power of 0.8 if they are as far apart as it seems; None: no number of
    votes that anybody would collect.
    """

    better: int
    worse: int
    difference: float
    low: float
    high: float
    separated: bool
    more_votes: int | None


@dataclass(frozen=True)
class Side:
    """How often the picture at the left is chosen of two that are equally good, ties left out."""

    share: float
    low: float
    high: float

    @property
    def biased(self) -> bool:
        """Whether the interval leaves one half out."""
        return not self.low <= 0.5 <= self.high


@dataclass(frozen=True)
class Matrix:
    """Votes by two runs, in the order of `runs`; [i][j] is about run i against run j."""

    runs: tuple[int, ...]
    wins: tuple[tuple[int, ...], ...]  # of i
    both_good: tuple[tuple[int, ...], ...]
    both_bad: tuple[tuple[int, ...], ...]
    votes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Board:
    """The leaderboard: runs group by group, the largest group and the best run first."""

    standings: tuple[Standing, ...]
    neighbours: tuple[Neighbours, ...]
    side: Side | None
    ties: float | None  # share of the votes, weighted
    matrix: Matrix
    notes: tuple[str, ...]
    votes: int
    pairs: int
    raters: int


def notes(
    runs: Mapping[int, str], standings: Sequence[Standing], ties: float | None, side_known: bool, pairs: int, raters: int
) -> list[str]:
    """What keeps the board from saying more, one sentence each."""
    if ties is None:
        return ["There are no votes between these runs yet."]
    named = {row.run: runs[row.run] for row in standings}
    found = []
    if without := [named[row.run] for row in standings if not row.votes]:
        found.append(f"Nobody has compared {_listed(without)} yet.")
    groups: dict[int, list[str]] = {}
    for row in standings:
        if row.votes:
            groups.setdefault(row.group, []).append(named[row.run])
    if len(groups) > 1:
        apart = "; ".join(_listed(group) for group in groups.values())
        found.append(f"No votes connect these groups, so ranks hold only within each: {apart}.")
    if ties == 1:
        found.append("Every vote is a tie, so nothing tells the runs apart.")
    elif not side_known:
        found.append("Runs never changed sides, so a liking for one side cannot be told from a better run.")
    for end, words in (
        ("high", "never lost or tied against the others: how far ahead they are"),
        ("low", "never won or tied against the others: how far behind they are"),
    ):
        if open_ended := [named[row.run] for row in standings if row.strength is not None and getattr(row, end) is None]:
            found.append(f"{_listed(open_ended)} {words} cannot be told yet.")
    if raters == 1:
        found.append("All votes are by one rater: the intervals say nothing of what others would prefer.")
    elif raters < FEW_RATERS:
        found.append(f"Only {raters} raters voted: how far people differ is known roughly.")
    if pairs == 1:
        found.append("All votes are on one pair: the intervals say nothing of other pairs.")
    return found


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
