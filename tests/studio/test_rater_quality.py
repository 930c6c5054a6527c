"""Raters: what is counted is right, planted cheaters are flagged by what they did, and honest raters are not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.simulated_raters import CHEATS, MISSPECIFIED, MODEL, Study, World, draw
from studio.rater_quality import Answers, RaterReport, Share, rater_reports, wilson
from studio.votes import BOTH_BAD, BOTH_GOOD, LEFT, RIGHT, Votes

NOTHING = Share(None, None, None, 0)
ONE_CHEATER = replace(MISSPECIFIED, cheaters=1)
KIND = {"any": "chance", "left": "side", "both good": "one answer", "hasty": "haste", "machine": "pace"}


def answers(votes: Votes, **given: np.ndarray) -> Answers:
    """Answers of 4 s each, without known items and repeats where these are not given."""
    n = len(votes)
    parts = {"seconds": np.full(n, 4.0), "expected": np.full(n, -1), "repeat": np.full(n, -1)} | given
    return Answers(votes, **parts)


def by_rater(study: Study) -> dict[int, RaterReport]:
    return {row.rater: row for row in rater_reports(study.answers)}


@pytest.mark.parametrize(("hits", "n"), [(0, 4), (4, 4), (7, 31)])
def test_shares_have_wilsons_interval(hits: int, n: int) -> None:
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson(hits, n)
    assert (found.value, found.n) == (hits / n, n)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
    assert wilson(0, 0) == NOTHING


def test_pace_leaves_pauses_out() -> None:
    votes = Votes([1] * 6, [2] * 6, [0] * 6, range(6), [5] * 6)
    (row,) = rater_reports(answers(votes, seconds=np.array([2.0, 3, 4, 5, 6, 4000])))
    assert row.median_seconds == 4 and row.per_hour == pytest.approx(3600 / 4)
    (slow,) = rater_reports(answers(votes, seconds=np.full(6, 300.0)))  # at 5 minutes each, none of these is a pause
    assert slow.median_seconds == 300 and slow.per_hour == pytest.approx(12)


def test_known_items_and_sides_are_counted() -> None:
    outcome = [LEFT, RIGHT, LEFT, BOTH_GOOD, LEFT, RIGHT, BOTH_BAD]
    votes = Votes([1] * 7, [2] * 7, outcome, range(7), [5, 5, 5, 5, 9, 9, 9])
    five, nine = rater_reports(answers(votes, expected=np.array([LEFT, RIGHT, RIGHT, LEFT, -1, RIGHT, -1])))
    assert (five.rater, five.votes, five.gold) == (5, 4, wilson(2, 4))
    assert (nine.rater, nine.votes, nine.gold) == (9, 3, wilson(1, 1))
    assert five.left == wilson(2, 3) and nine.left == wilson(1, 2)


def test_a_repeat_is_answered_alike_when_the_same_run_wins_from_the_other_side() -> None:
    votes = Votes(
        [1, 2, 1, 2, 1, 2, 1, 2, 1],
        [2, 1, 2, 1, 2, 1, 2, 1, 2],
        [0, 1, 0, 0, 2, 3, 2, 0, 0],
        [0, 0, 1, 1, 2, 2, 3, 3, 4],
        [5] * 9,
    )
    (row,) = rater_reports(answers(votes, repeat=np.array([0, 0, 1, 1, 2, 2, 3, 3, 4])))
    assert row.consistency == wilson(2, 4)  # the same run, and a tie both times; the last one was asked once


def test_agreement_is_the_share_of_the_others_answers_that_are_the_same() -> None:
    votes = Votes([1, 2, 1, 1, 1, 1], [2, 1, 2, 2, 2, 2], [0, 1, 1, 0, 0, 1], [0, 0, 0, 1, 2, 2], [5, 6, 7, 5, 5, 5])
    five, six, seven = rater_reports(answers(votes))
    assert (five.agreement.value, five.agreement.n) == (0.5, 1)  # one of two others; on the other pairs there is nobody
    assert six.agreement.value == 0.5 and seven.agreement.value == 0
    first_only = answers(votes, expected=np.array([-1, -1, LEFT, -1, -1, -1]))
    assert [row.agreement.value for row in rater_reports(first_only)] == [1, 1, None]  # known items are left out


def test_agreement_on_few_items_is_not_sure() -> None:
    votes = Votes([1] * 6, [2] * 6, [0] * 6, [0, 0, 1, 1, 2, 2], [5, 6] * 3)
    for row in rater_reports(answers(votes)):
        assert row.agreement.value == 1 and row.agreement.low is not None and row.agreement.low < 0.6


def test_one_vote_against_others_is_no_sign_of_chance() -> None:
    pairs = [0, 0, 0, *(pair for pair in range(1, 9) for _ in range(2))]
    people = [5, 6, 7, *([5, 6] * 8)]
    votes = Votes([1] * 19, [2] * 19, [RIGHT if who == 7 else LEFT for who in people], pairs, people)
    (seven,) = [row for row in rater_reports(answers(votes)) if row.rater == 7]
    assert seven.agreement.value == 0 and seven.flags == ()


def test_no_answers_and_one_answer_are_no_trouble() -> None:
    assert rater_reports(answers(Votes([], [], [], [], []))) == []
    one = Votes([1], [2], [BOTH_GOOD], [0], [5])
    (row,) = rater_reports(answers(one, seconds=np.array([np.nan])))
    assert row.median_seconds is row.per_hour is None and row.flags == ()
    assert row.gold == row.consistency == row.left == row.agreement == NOTHING
    (row,) = rater_reports(answers(one, seconds=np.array([0.0])))
    assert row.per_hour is None and row.flags == ()


def test_unknown_times_are_left_out() -> None:
    votes = Votes([1] * 4, [2] * 4, [0] * 4, range(4), [5] * 4)
    (row,) = rater_reports(answers(votes, seconds=np.array([2.0, np.nan, 4.0, np.nan])))
    assert row.median_seconds == 3 and row.per_hour == pytest.approx(1200) and row.votes == 4


@pytest.fixture(scope="module")
def caught() -> list[tuple[str, dict[str, str]]]:
    """Of drawn studies with a cheater: what this one does, and the flags raised, kind and sentence."""
    found = []
    for number in range(40):
        study = draw(ONE_CHEATER, (123, number))
        ((who, cheat),) = study.cheaters.items()
        found.append((cheat, {flag.kind: flag.sentence for flag in by_rater(study)[who].flags}))
    return found


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_planted_cheater_is_flagged_for_what_was_done(cheat: str, caught: list[tuple[str, dict[str, str]]]) -> None:
    flagged = [KIND[cheat] in kinds for done, kinds in caught if done == cheat]
    assert len(flagged) >= 3 and np.mean(flagged) >= 0.8


@pytest.mark.parametrize("world", [MODEL, replace(MISSPECIFIED, cheaters=0), replace(MISSPECIFIED, cheaters=3)])
def test_honest_raters_are_not_flagged(world: World) -> None:
    honest = []
    for number in range(12):
        study = draw(world, (321, number))
        honest += [bool(row.flags) for who, row in by_rater(study).items() if who not in study.cheaters]
    assert np.mean(honest) <= 0.02


def test_a_flag_says_what_was_seen_beside_what_is_usual(caught: list[tuple[str, dict[str, str]]]) -> None:
    sentences = {kind: said for _, flags in caught for kind, said in flags.items()}
    assert set(sentences) == set(KIND.values())
    assert all(said.endswith(".") and any(sign.isdigit() for sign in said) and "nan" not in said for said in sentences.values())
    assert "median rater" in sentences["side"] and "known items right" in sentences["chance"]


def test_the_more_raters_are_tested_the_more_it_takes() -> None:
    """One of 30 decisions more for the left than is usual is nothing; nor is the oddest of many honest raters."""
    rng = np.random.default_rng(0)
    n = 60 * 200
    votes = Votes(np.ones(n), np.full(n, 2), rng.integers(0, 2, n), np.arange(n), np.repeat(np.arange(200), 60))
    seconds = rng.lognormal(1.2, 0.5, n) + 0.7
    rows = rater_reports(answers(votes, seconds=seconds))
    assert not any(row.flags for row in rows)
    shares = [row.left.value for row in rows]
    assert max(shares) > 0.62 and min(shares) < 0.38  # type: ignore[type-var]


def test_a_minority_with_a_taste_of_its_own_that_knows_what_is_bad_is_not_flagged() -> None:
    rng = np.random.default_rng(1)
    items, raters = 120, 8
    item = np.tile(np.arange(items), raters)
    rater = np.repeat(np.arange(raters), items)
    taste = np.where(rater < 2, -1, 1) * np.tile(rng.normal(0, 1.0, items), raters)
    known = item < 20
    outcome = np.where(rng.random(len(item)) < np.where(known, 0.97, 1 / (1 + np.exp(-taste))), LEFT, RIGHT)
    votes = Votes(np.ones(len(item)), np.full(len(item), 2), outcome, item, rater)
    seconds = rng.lognormal(1.2, 0.5, len(item)) + 0.7
    rows = rater_reports(answers(votes, seconds=seconds, expected=np.where(known, LEFT, -1)))
    kinds = [{flag.kind for flag in row.flags} for row in rows]
    assert all("chance" not in found for found in kinds)
