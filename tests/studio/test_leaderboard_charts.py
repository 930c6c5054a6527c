"""A leaderboard's pictures and sentences where votes do not tell everything."""

from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

from studio import leaderboard_words as words
from studio.leaderboard import leaderboard
from studio.leaderboard_fits import Asked, Fit
from studio.votes import BOTH_BAD, LEFT, RIGHT, Votes
from studio.widgets.leaderboard_charts import forest, win_matrix

RUNS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "never shown"}


def fit_of(rows: list[tuple[int, int, int]]) -> Fit:
    """The board of votes (left, right, outcome), each by four raters on three pairs."""
    every = [(*row, pair, rater) for row, pair, rater in product(rows, range(3), range(4))]
    board = leaderboard(Votes(*np.array(every).T), RUNS, bootstraps=100)
    return Fit(Asked(1, "overall"), "First", "1", board.votes, datetime.now(UTC), 0.1, RUNS, board, None, ())


@pytest.fixture
def apart() -> Fit:
    """One against two, both won; three against four, always won by three; and five."""
    rows = [(1, 2, LEFT), (1, 2, LEFT), (2, 1, LEFT), (1, 2, RIGHT), (2, 1, BOTH_BAD), (3, 4, LEFT), (4, 3, RIGHT)]
    return fit_of(rows)


def test_groups_are_told_apart_and_intervals_are_those_of_the_board(apart: Fit) -> None:
    figure = forest(apart)
    drawn = {}
    for trace in figure.data:
        for name, x, up, down in zip(trace.y, trace.x, trace.error_x.array, trace.error_x.arrayminus, strict=True):
            drawn[name] = (x - down, x, x + up)
    assert [set(trace.y) for trace in figure.data] == [{"one", "two"}, {"three", "four"}]
    assert len({trace.marker.color for trace in figure.data}) == len({trace.marker.symbol for trace in figure.data}) == 2
    assert figure.layout.showlegend
    for row in apart.board.standings:
        if row.share is None:
            assert RUNS[row.run] not in drawn
        else:
            assert drawn[RUNS[row.run]] == pytest.approx((row.share_low, row.share, row.share_high))
            assert (
                figure.layout.xaxis.range[0] < drawn[RUNS[row.run]][0]
                and drawn[RUNS[row.run]][2] < figure.layout.xaxis.range[1]
            )


def test_a_cell_says_how_often_the_row_wins_and_of_how_many(apart: Fit) -> None:
    (heat,) = win_matrix(apart).data
    row, column = list(heat.y).index("one"), list(heat.x).index("two")
    assert heat.z[row][column] == pytest.approx(0.5) and heat.text[row][column] == "50%<br>60"
    assert heat.customdata[row][column] == "24 wins, 24 losses, 0 both good, 12 both bad"
    assert heat.z[column][row] == pytest.approx(1 - heat.z[row][column])
    assert heat.z[row][list(heat.x).index("three")] is None


def luminance(colour: str) -> float:
    """Of "#rrggbb", as WCAG 2 has it."""
    parts = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def test_the_words_in_every_cell_can_be_read(apart: Fit) -> None:
    (heat,) = win_matrix(apart).data
    ink = luminance(heat.textfont.color)
    for _, colour in heat.colorscale:
        light, dark = sorted((luminance(colour), ink), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_has_no_end_is_said_as_such(apart: Fit) -> None:
    said = {RUNS[row.run]: words.preferred(row) for row in apart.board.standings}
    assert said["three"].startswith("above ") and said["four"].startswith("below ") and said["never shown"] == words.NONE
    ranks = {RUNS[row.run]: words.rank(row) for row in apart.board.standings}
    assert all(" to " in rank for name, rank in ranks.items() if name != "never shown") and ranks["never shown"] == words.NONE


def test_ties_alone_rank_nobody() -> None:
    fit = fit_of([(1, 2, BOTH_BAD), (2, 1, BOTH_BAD)])
    assert words.flipping(None, RUNS, fit.board) == "" and "100.0% of the votes" in words.ties(fit.board)
    assert "Every vote is a tie" in words.text(fit) and not forest(fit).data


def test_names_stay_names_in_markdown() -> None:
    assert words.plain("a_b *c* $d$") == r"a\_b \*c\* \$d\$"
