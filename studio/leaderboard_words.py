"""What a leaderboard says, in sentences and cells: the same on the page and on the command line."""

import re
from math import exp

from studio.leaderboard_fits import Fit, Flipping
from studio.metric_correlation import Measured
from studio.standings import Board, Neighbours, Side, Standing

NONE = "–"


def percent(value: float | None, digits: int = 0) -> str:
    """A share as people read it; a dash where there is none."""
    return NONE if value is None else f"{100 * value:.{digits}f}%"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """A share with its 95% interval: "61% (58 to 64)"."""
    if value is None or low is None or high is None:
        return percent(value)
    digits = 1 if high - low < 0.1 else 0
    return f"{percent(value, digits)} ({100 * low:.{digits}f} to {100 * high:.{digits}f})"


def figure(measured: Measured) -> str:
    """A number from -1 to 1 with its interval."""
    if measured.value is None or measured.low is None or measured.high is None:
        return NONE
    return f"{measured.value:z.2f} ({measured.low:z.2f} to {measured.high:z.2f})"


def rank(row: Standing) -> str:
    """A rank, never without its interval."""
    return NONE if row.rank is None else f"{row.rank} ({row.rank_low} to {row.rank_high})"


def preferred(row: Standing) -> str:
    """How often a run is preferred to an average one of its group; where it has no end, from or up to where."""
    if row.share is None:
        return NONE
    if row.low is None or row.high is None:
        if row.low is None and row.high is None:
            return NONE
        return f"above {percent(row.share_low)}" if row.high is None else f"below {percent(row.share_high)}"
    return interval(row.share, row.share_low, row.share_high)


def heading(fit: Fit) -> str:
    """Which leaderboard it is, and of how much."""
    where = f"pairs of {fit.asked.stratum}" if fit.asked.stratum else "all pairs"
    board = fit.board
    return (
        f"{fit.study}, {fit.asked.axis}, {where}: {_count(board.votes, 'vote')} "
        f"by {_count(board.raters, 'rater')} on {_count(board.pairs, 'pair')}"
    )


def neighbours(one: Neighbours, runs: dict[int, str]) -> str:
    """Whether two runs that follow each other are told apart, and what it would take."""
    better, worse = runs[one.better], runs[one.worse]
    share = interval(*(1 / (1 + exp(-value)) for value in (one.difference, one.low, one.high)))
    said = f"{better} is preferred to {worse} in {share}"
    if one.separated:
        return f"{said}: they are told apart."
    if one.more_votes is None:
        return f"{said}: no number of votes that anybody would collect tells them apart."
    more = f"{_count(rounded(one.more_votes), 'more vote')} between these two"
    return f"{said}: not told apart yet; about {more} would, if they are as far apart as it seems."


def rounded(number: int) -> int:
    """To two digits: more would pretend to know."""
    return int(float(f"{number:.1e}"))


def flipping(flip: Flipping | None, runs: dict[int, str], board: Board) -> str:
    """How few votes carry the first place."""
    if not board.votes or all(row.rank is None for row in board.standings):
        return ""
    if flip is None:
        return "No votes were found whose removal would put another run first."
    share = "less than 0.1%" if flip.share < 0.001 else percent(flip.share, 1)
    return (
        f"Without {_count(flip.count, 'vote')} ({share} of all; by {_count(flip.raters, 'rater')}, "
        f"on {_count(flip.on_pairs, 'pair')}) {runs[flip.contender]} would rank above {runs[flip.top]}."
    )


def side(found: Side | None) -> str:
    """Whether raters like one side."""
    if found is None:
        return "Whether raters like one side cannot be told yet."
    said = f"Of two equal pictures the one at the left is chosen in {interval(found.share, found.low, found.high)}"
    if not found.biased:
        return f"{said}: no liking for a side is seen."
    return f"{said}: raters lean to the {'left' if found.share > 0.5 else 'right'}, which the ranks allow for."


def ties(board: Board) -> str:
    """How many votes prefer neither."""
    if board.ties is None:
        return ""
    good, bad = (sum(map(sum, table)) // 2 for table in (board.matrix.both_good, board.matrix.both_bad))
    if not good + bad:
        return "No vote is a tie."
    share = percent((good + bad) / board.votes, 1)
    return f"{share} of the votes prefer neither picture: {good:,} both good, {bad:,} both bad."


def decided(board: Board) -> list[int]:
    """Votes that prefer one of the two, for every two runs."""
    wins = board.matrix.wins
    return [wins[i][j] + wins[j][i] for i in range(len(wins)) for j in range(i)]


def plain(sentence: str) -> str:
    """A sentence with names in it, as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#~$|:])", r"\\\1", sentence)


def text(fit: Fit) -> str:
    """The leaderboard for a terminal."""
    runs, board = fit.runs, fit.board
    rows: list[tuple[str, ...]] = [("rank", "run", "preferred", "votes", "wins", "losses", "ties")]
    for row in board.standings:
        numbers = (f"{n:,}" for n in (row.votes, row.wins, row.losses, row.both_good + row.both_bad))
        rows.append((rank(row), runs[row.run], preferred(row), *numbers))
    lines = [heading(fit), "", *_table(rows), "", *board.notes]
    lines += [neighbours(one, runs) for one in board.neighbours]
    lines += filter(None, [flipping(fit.flip, runs, board), side(board.side) if board.votes else "", ties(board)])
    if fit.metrics:
        measured: list[tuple[str, ...]] = [("metric", "agrees with people", "Spearman", "Kendall", "votes")]
        for one in fit.metrics:
            told = one.correlation
            agrees = interval(told.agrees.value, told.agrees.low, told.agrees.high)
            measured.append((one.name, agrees, figure(told.spearman), figure(told.kendall), f"{told.votes:,}"))
        lines += ["", *_table(measured)]
    return "\n".join(lines) + "\n"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
