"""The leaderboard: planted strengths come back, symmetries hold, and where votes tell nothing it says so."""

import json
from dataclasses import asdict
from math import log, log1p

import evalica
import numpy as np
import pytest

from studio.davidson import chances, fit, information, score
from studio.fragility import flip_the_top
from studio.leaderboard import decisive_votes, leaderboard
from studio.standings import Board
from studio.votes import BOTH_BAD, BOTH_GOOD, LEFT, RIGHT, Votes, count

PLANTED = np.array([0.7, 0.3, -0.2, -0.8, 0.4, -0.7])  # strengths that sum to 0, but for the last two: side, tie
NAMES = {run: f"run {run}" for run in (11, 5, 8, 2)}


def drawn(n: int, seed: int = 0, planted: np.ndarray = PLANTED, pairs: int = 100, raters: int = 20) -> Votes:
    """Votes that follow the model; runs are 0, 1, 2 ..."""
    rng = np.random.default_rng(seed)
    runs = len(planted) - 2
    left = rng.integers(0, runs, n)
    right = (left + rng.integers(1, runs, n)) % runs
    result = (rng.random((n, 1)) > chances(planted)[left, right].cumsum(1)[:, :2]).sum(1)
    outcome = np.where(result == BOTH_GOOD, rng.integers(BOTH_GOOD, BOTH_BAD + 1, n), result)
    return Votes(left, right, outcome, rng.integers(0, pairs, n), rng.integers(0, raters, n))


def board(votes: Votes, runs: int = 4, bootstraps: int = 200) -> Board:
    made = leaderboard(votes, {run: f"run {run}" for run in range(runs)}, bootstraps)
    json.dumps(asdict(made), allow_nan=False)  # plain numbers, never nan
    return made


def by_run(made: Board) -> np.ndarray:
    return np.array([row.strength for row in sorted(made.standings, key=lambda row: row.run)])


def rows(*given: tuple[int, int, int, int]) -> Votes:
    """Votes of (left, right, outcome, how many), each on a pair of its own, by three raters."""
    left, right, outcome = np.array([row[:3] for row in given for _ in range(row[3])]).reshape(-1, 3).T
    return Votes(left, right, outcome, np.arange(len(left)), np.arange(len(left)) % 3)


def test_expected_votes_give_back_what_was_planted() -> None:
    table = 1e6 * chances(PLANTED) * (1 - np.eye(4))[..., None]
    assert fit(table) == pytest.approx(PLANTED, abs=1e-4)
    assert fit(np.stack([table, table[::-1, ::-1]]))[1, :4] == pytest.approx(PLANTED[3::-1], abs=1e-4)


def test_drawn_votes_give_back_the_order_and_intervals_around_it() -> None:
    made = board(drawn(20_000))
    assert [row.run for row in made.standings] == [0, 1, 2, 3]
    assert by_run(made) == pytest.approx(PLANTED[:4], abs=0.08)
    assert made.side is not None and made.side.biased
    assert made.side.share == pytest.approx(1 / (1 + np.exp(-PLANTED[-2])), abs=0.02)
    assert all((row.rank_low, row.rank_high) == (row.rank, row.rank) for row in made.standings)
    assert all(two.separated and two.more_votes == 0 and two.low > 0 for two in made.neighbours)
    assert made.notes == () and (made.votes, made.pairs, made.raters) == (20_000, 100, 20)


def test_two_runs_have_davidsons_closed_form() -> None:
    wins, losses, ties = 60_000, 35_000, 20_000  # so many that the prior is nothing
    table = np.zeros((2, 2, 3))
    table[0, 1] = table[1, 0, [1, 0, 2]] = wins / 2, losses / 2, ties / 2
    first, second, side, tie = fit(table)
    assert first - second == pytest.approx(log(wins / losses), abs=1e-4)
    assert tie == pytest.approx(log(ties / np.sqrt(wins * losses)), abs=1e-4)
    assert side == pytest.approx(0, abs=1e-9)


def test_strengths_equal_evalicas() -> None:
    votes = drawn(60_000, planted=np.array([0.6, 0.1, -0.7, 0.0, -0.4]))
    table = count(votes, range(3)).table()
    even = table + table.transpose(1, 0, 2)[..., [1, 0, 2]]  # each vote from both sides: no side to fit
    decided = votes.only(votes.outcome < BOTH_GOOD)

    def asked(given: Votes) -> tuple[list, list, list]:
        words = [(evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw)[min(outcome, 2)] for outcome in given.outcome]
        return given.left.tolist(), given.right.tolist(), words

    tied = evalica.newman(*asked(votes), tolerance=1e-9, limit=10_000)
    theirs = np.log(tied.scores.sort_index().to_numpy())
    assert fit(even)[:3] == pytest.approx(theirs - theirs.mean(), abs=1e-3)
    plain = evalica.bradley_terry(*asked(decided), tolerance=1e-9, limit=10_000)
    theirs = np.log(plain.scores.sort_index().to_numpy())
    even[..., 2] = 0
    assert fit(even)[:3] == pytest.approx(theirs - theirs.mean(), abs=1e-3)


def test_at_the_fit_wins_and_half_ties_are_what_is_expected() -> None:
    table = count(drawn(3000, seed=3), range(4)).table()
    found = fit(table)
    expected = table.sum(-1, keepdims=True) * chances(found)

    def points(given: np.ndarray) -> np.ndarray:
        return (given[..., 0] + given[..., 2] / 2).sum(1) + (given[..., 1] + given[..., 2] / 2).sum(0)

    assert points(table) == pytest.approx(points(expected), abs=0.1)  # but for the prior's pull
    assert table.sum((0, 1)) == pytest.approx(expected.sum((0, 1)), abs=0.1)
    preference, tie = score(np.arange(48), found)
    assert (table.ravel() @ preference, table.ravel() @ tie) == pytest.approx(tuple(found[-2:] / 25), abs=1e-6)


def test_information_is_the_slope_of_the_gradient() -> None:
    table = count(drawn(500), range(4)).table()
    at = PLANTED * 0.8

    def gradient(parameters: np.ndarray) -> np.ndarray:
        off = table - table.sum(-1, keepdims=True) * chances(parameters)
        lean = (off[..., 0] - off[..., 1]) / 2
        return np.array([*(lean.sum(1) - lean.sum(0)), lean.sum(), off[..., 2].sum()]) - parameters / 25

    slopes = np.array([(gradient(at + step) - gradient(at - step)) / 2e-5 for step in 1e-5 * np.eye(6)])
    assert information(table.sum(-1), at) == pytest.approx(-slopes, abs=1e-4)


def test_swapping_sides_together_with_outcomes_changes_the_side_only() -> None:
    votes = drawn(2000)
    swapped = np.array([RIGHT, LEFT, BOTH_GOOD, BOTH_BAD])[votes.outcome]
    first = board(votes)
    second = board(Votes(votes.right, votes.left, swapped, votes.pair, votes.rater))
    assert by_run(second) == pytest.approx(by_run(first), abs=1e-6)
    assert first.matrix == second.matrix and first.ties == second.ties
    assert first.side is not None and second.side is not None and second.side.share == pytest.approx(1 - first.side.share)
    assert [row.low for row in second.standings] == pytest.approx([row.low for row in first.standings], abs=1e-6)


def test_neither_the_order_of_votes_nor_the_names_of_runs_pairs_and_raters_matter() -> None:
    votes = drawn(1500)
    order = np.random.default_rng(1).permutation(len(votes))
    again = board(votes.only(order))
    assert by_run(again) == pytest.approx(by_run(board(votes)), abs=1e-8)
    ids = np.array([40, 41, 42, 43])
    other = Votes(ids[votes.left], ids[votes.right], votes.outcome, votes.pair * 7 + 1, votes.rater * 1000)
    renamed = leaderboard(other, {int(run): "x" for run in ids}, 200)
    assert [(row.run - 40, row.strength, row.low) for row in renamed.standings] == [
        (row.run, row.strength, row.low) for row in board(votes).standings
    ]


def test_a_weight_is_as_good_as_repeating_the_row() -> None:
    votes = drawn(600)
    times = np.random.default_rng(2).integers(1, 4, len(votes))
    repeated = votes.only(np.repeat(np.arange(len(votes)), times))
    parts = votes.left, votes.right, votes.outcome, votes.pair, votes.rater
    weighted = fit(count(Votes(*parts, times), range(4)).table() * times.mean())
    assert weighted == pytest.approx(fit(count(repeated, range(4)).table()), abs=1e-9)
    assert by_run(board(Votes(*parts, np.full(len(votes), 7.0)))) == pytest.approx(by_run(board(votes)), abs=1e-9)


def test_weights_undo_a_choice_that_favours_some_comparisons() -> None:
    """Runs' strengths differ by pair; comparisons of the first two runs are picked by what they would say."""
    easy, hard = np.array([1.0, -1.0, 0.0, -0.5]), np.array([-0.4, 0.4, 0.0, -0.5])
    parts = [drawn(30_000, 1, easy, pairs=1), drawn(30_000, 2, hard, pairs=1)]
    both = Votes(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("left", "right", "outcome", "pair", "rater"))
    )
    everything = fit(count(both, range(2)).table())
    chance = np.repeat([0.1, 0.8], 30_000)
    picked = np.random.default_rng(3).random(len(both)) < chance
    some = both.only(picked)
    weighted = Votes(some.left, some.right, some.outcome, some.pair, some.rater, 1 / chance[picked])
    naive, fair = (fit(count(votes, range(2)).table())[0] for votes in (some, weighted))
    assert fair == pytest.approx(everything[0], abs=0.05) and abs(naive - everything[0]) > 0.2


def test_the_same_votes_and_seed_give_the_same_board() -> None:
    assert board(drawn(800)) == board(drawn(800))


def test_the_matrix_counts_every_vote_once() -> None:
    made = board(rows((0, 1, LEFT, 3), (1, 0, LEFT, 2), (0, 1, BOTH_GOOD, 4), (1, 0, BOTH_BAD, 5), (2, 1, RIGHT, 1)), 3)
    assert made.matrix.runs == (0, 1, 2)
    assert made.matrix.wins == ((0, 3, 0), (2, 0, 1), (0, 0, 0))
    assert made.matrix.both_good[0][1] == made.matrix.both_good[1][0] == 4 and made.matrix.both_bad[1][0] == 5
    assert made.matrix.votes == ((0, 14, 0), (14, 0, 1), (0, 1, 0))
    first = next(row for row in made.standings if row.run == 0)
    assert (first.votes, first.wins, first.losses, first.both_good, first.both_bad) == (14, 3, 2, 4, 5)
    assert made.ties == pytest.approx(9 / 15)


def test_a_filter_gives_the_board_of_a_stratum() -> None:
    reversed_there = drawn(3000, 5, np.array([-1.0, 0.0, 0.2, 0.8, 0, -1]))
    here = drawn(3000, 6)
    parts = [np.concatenate([getattr(v, name) for v in (here, reversed_there)]) for name in ("left", "right", "outcome")]
    votes = Votes(*parts, np.repeat([1, 2], 3000), np.tile(here.rater, 2))
    assert board(votes.only(votes.pair == 1)).standings[0].run == 0
    assert board(votes.only(votes.pair == 2)).standings[0].run == 3


def test_more_votes_separate_two_runs_as_promised() -> None:
    given = rows(*((left, 1 - left, outcome, times) for left in (0, 1) for outcome, times in ((left, 27), (1 - left, 23))))
    (two,) = board(given, 2, 1000).neighbours
    assert not two.separated and two.more_votes is not None
    times = 1 + two.more_votes / len(given)
    more = rows(*((a, 1 - a, outcome, round(n * times)) for a in (0, 1) for outcome, n in ((a, 27), (1 - a, 23))))
    (then,) = board(more, 2, 1000).neighbours
    assert then.separated
    half = (then.high - then.low) / 2
    assert then.difference / half * 1.96 == pytest.approx(1.96 + 0.8416, rel=0.1)  # what a power of 0.8 takes
    assert two.more_votes + len(given) == pytest.approx(decisive_votes(27 / 50) or 0, rel=0.1)


def test_votes_needed_to_tell_a_share_from_one_half() -> None:
    assert (decisive_votes(0.55), decisive_votes(0.6), decisive_votes(0.4)) == (783, 194, 194)
    assert decisive_votes(0.5) is None
    assert decisive_votes(1.0) == 4


def test_equal_runs_share_the_ranks() -> None:
    made = board(drawn(1500, planted=np.array([0.0, 0, 0, 0, 0, -1])))
    assert all(row.rank_low == 1 and row.rank_high == 4 for row in made.standings)
    assert all(not two.separated and two.low <= 0 for two in made.neighbours)
    assert made.side is not None and not made.side.biased


def test_a_rank_lies_within_its_interval_and_these_keep_the_order() -> None:
    made = board(drawn(300, seed=4))
    for row in made.standings:
        assert row.rank_low <= row.rank <= row.rank_high  # type: ignore[operator]
        assert row.share_low <= row.share <= row.share_high  # type: ignore[operator]
    assert [row.rank_low for row in made.standings] == sorted(row.rank_low or 0 for row in made.standings)


def test_without_votes_there_is_a_note_and_nothing_else() -> None:
    made = board(rows(), 3)
    assert made.notes == ("There are no votes between these runs yet.",)
    assert made.side is None and made.ties is None and made.neighbours == ()
    assert all(row.strength is row.share is row.rank is None and row.votes == 0 for row in made.standings)
    assert board(rows(), 0).standings == () and leaderboard(drawn(50), {99: "other"}).standings[0].votes == 0


def test_ties_alone_tell_nothing() -> None:
    made = board(rows((0, 1, BOTH_GOOD, 20), (2, 1, BOTH_BAD, 20)), 3)
    assert made.ties == 1 and made.side is None and made.neighbours == ()
    assert all(row.strength is row.low is row.share is row.rank is None and row.votes for row in made.standings)
    assert "Every vote is a tie, so nothing tells the runs apart." in made.notes


def test_groups_without_votes_between_them_are_ranked_apart() -> None:
    apart = rows(*((a, b, o, 9) for a, b in ((0, 1), (1, 0), (3, 4), (4, 3)) for o in (0, 1, 2)), (0, 1, 0, 5), (1, 2, 1, 3))
    made = board(apart, 6)
    assert [(row.group, row.run, row.rank) for row in made.standings][:2] == [(0, 0, 1), (0, 2, 2)] or made.standings[
        0
    ].group == 0
    assert {row.run: row.group for row in made.standings} == {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 2}
    assert sum(row.strength or 0 for row in made.standings if row.group == 0) == pytest.approx(0, abs=1e-6)
    assert {(two.better, two.worse) for two in made.neighbours}.isdisjoint({(1, 3), (1, 4), (2, 3), (2, 4)})
    assert any(note.startswith("No votes connect these groups") for note in made.notes)
    assert "Nobody has compared run 5 yet." in made.notes


def test_a_run_that_never_lost_has_no_upper_end() -> None:
    even = [(a, b, o, 10) for a, b in ((0, 1), (1, 0)) for o in (LEFT, RIGHT)]
    made = board(rows(*even, (2, 0, LEFT, 10), (0, 2, RIGHT, 10)), 3)
    best = made.standings[0]
    assert (best.run, best.rank, best.high, best.share_high) == (2, 1, None, 1.0) and best.low is not None
    assert any("run 2 never lost or tied against the others" in note for note in made.notes)
    assert any("run 1 and run 0 never won" in note or "run 0 and run 1 never won" in note for note in made.notes)
    one_loss = board(rows(*even, (2, 0, LEFT, 10), (0, 2, RIGHT, 9), (0, 2, LEFT, 1)), 3)
    assert one_loss.standings[0].high is not None and one_loss.standings[0].low is not None


def test_one_rater_and_one_pair_are_named() -> None:
    votes = drawn(200)
    alone = board(Votes(votes.left, votes.right, votes.outcome, np.zeros(200), np.zeros(200)))
    assert "All votes are by one rater: the intervals say nothing of what others would prefer." in alone.notes
    assert "All votes are on one pair: the intervals say nothing of other pairs." in alone.notes
    few = board(Votes(votes.left, votes.right, votes.outcome, votes.pair, votes.rater % 3))
    assert few.notes == ("Only 3 raters voted: how far people differ is known roughly.",)


def test_where_runs_never_change_sides_a_liking_for_one_is_not_told_from_them() -> None:
    made = board(rows((0, 1, LEFT, 400), (0, 1, RIGHT, 100)), 2)
    assert any(note.startswith("Runs never changed sides") for note in made.notes)
    assert not made.neighbours[0].separated  # it may all be the side
    changed = board(rows(*((a, 1 - a, a, 200) for a in (0, 1)), *((a, 1 - a, 1 - a, 50) for a in (0, 1))), 2)
    assert changed.neighbours[0].separated and not any("sides" in note for note in changed.notes)
    cycle = board(rows(*((a, b, o, 50) for a, b in ((0, 1), (1, 2), (2, 0)) for o in (LEFT, RIGHT))), 3)
    assert not any("sides" in note for note in cycle.notes)


def test_one_vote_is_enough_for_a_board() -> None:
    made = board(rows((0, 1, LEFT, 1)), 2)
    assert made.standings[0].run == 0 and made.standings[0].rank_high == 2
    assert not made.neighbours[0].separated and log1p(made.neighbours[0].more_votes or 0) > 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(60))
def test_a_handful_of_any_votes_makes_a_board_without_a_warning(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, runs = int(rng.integers(0, 10)), int(rng.integers(2, 6))
    left = rng.integers(0, runs, n)
    right = (left + rng.integers(1, runs, n)) % runs
    outcome = rng.choice(4, n, p=rng.dirichlet([0.3] * 4))
    weight = rng.uniform(0.01, 100, n) if seed % 3 == 0 else None
    votes = Votes(left, right, outcome, rng.integers(0, 3, n), rng.integers(0, 3, n), weight)
    made, flip = board(votes, runs, 30), flip_the_top(votes, range(runs))
    for row in made.standings:
        if row.strength is not None:
            assert (row.low is None or row.low <= row.strength) and (row.high is None or row.strength <= row.high)
            assert (row.rank_low or 0) <= (row.rank or 0) <= (row.rank_high or 0)
    assert flip is None or flip.top == made.standings[0].run


def test_names_are_read_in_the_notes() -> None:
    made = leaderboard(Votes([11] * 9 + [5], [5] * 9 + [11], [0] * 5 + [1] * 5, range(10), range(10)), NAMES, 50)
    assert "Nobody has compared run 2 and run 8 yet." in made.notes
