"""Krippendorff's alpha: the published example, evalica's figure, a plain count of couples; items whichever side was left."""

import evalica
import numpy as np
import pandas as pd
import pytest

from studio.agreement import FIRST_BETTER, SECOND_BETTER, TIE, Level, alpha, disagreements, items
from studio.votes import BOTH_BAD, BOTH_GOOD, LEFT, RIGHT, Votes

LEVELS: tuple[Level, ...] = ("nominal", "ordinal")
NONE = np.nan
EXAMPLE = np.array(  # Krippendorff 2011, C: four observers, twelve units, five values, missing data
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
)


def long(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(item, rater, value) of a table (raters, items) with nan where nobody answered."""
    rater, item = np.nonzero(~np.isnan(table))
    return item, rater, table[rater, item].astype(int)


def drawn(raters: int, count: int, reliability: float, seed: int = 0, values: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, values, count)
    table = np.where(rng.random((raters, count)) < reliability, truth, rng.integers(0, values, (raters, count))).astype(float)
    table[rng.random(table.shape) < 0.3] = np.nan
    return table


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_the_published_example(level: Level, published: float) -> None:
    found = alpha(*long(EXAMPLE), level)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert (found.items, found.raters, found.votes, found.note) == (11, 4, 40, "")
    assert found.low is not None and found.high is not None and found.low < published <= found.high


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("reliability", [0.0, 0.5, 0.9])
def test_alpha_equals_evalicas(level: Level, reliability: float) -> None:
    table = drawn(6, 200, reliability, values=4)
    assert alpha(*long(table), level).value == pytest.approx(evalica.alpha(pd.DataFrame(table), level).alpha, abs=1e-9)


def test_alpha_is_one_less_observed_over_expected_disagreement() -> None:
    table = drawn(4, 60, 0.6)
    units = [column[~np.isnan(column)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    every = np.concatenate(units)
    observed = sum((unit[:, None] != unit).sum() / (len(unit) - 1) for unit in units) / len(every)
    expected = (every[:, None] != every).sum() / (len(every) * (len(every) - 1))
    assert alpha(*long(table)).value == pytest.approx(1 - observed / expected)


def test_clicking_at_random_is_near_zero_and_contradiction_below() -> None:
    chance = alpha(*long(drawn(5, 2000, 0.0)))
    assert chance.low is not None and chance.high is not None and chance.low <= 0 <= chance.high < 0.05
    against = np.tile([[0.0, 2.0], [2.0, 0.0]], 30)
    assert (alpha(*long(against)).value or 0) < -0.4


def test_the_interval_narrows_with_the_items_and_holds_the_value() -> None:
    few, many = alpha(*long(drawn(4, 100, 0.6))), alpha(*long(drawn(4, 1600, 0.6)))
    for found in (few, many):
        assert found.low < found.value < found.high  # type: ignore[operator]
    assert few.high - few.low == pytest.approx(4 * (many.high - many.low), rel=0.3)  # type: ignore[operator]


def test_neighbouring_values_cost_less_where_they_have_an_order() -> None:
    near, far = np.array([[0.0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 1, 2]]), np.array([[0.0, 1, 2, 0, 1, 2], [0, 1, 2, 2, 1, 2]])
    assert alpha(*long(near), "ordinal").value > alpha(*long(far), "ordinal").value  # type: ignore[operator]


def test_order_and_ids_do_not_matter_and_a_second_answer_does_not_count() -> None:
    item, rater, value = long(drawn(5, 80, 0.6))
    shuffled = np.random.default_rng(1).permutation(len(item))
    plain = alpha(item, rater, value)
    assert alpha(item[shuffled] * 10 + 3, rater[shuffled] + 77, value[shuffled]) == plain
    again = np.append(np.arange(len(item)), np.arange(30))
    assert alpha(item[again], rater[again], np.append(value, (value[:30] + 1) % 3)) == plain


def test_where_alpha_cannot_be_told_a_note_says_why() -> None:
    nothing = np.zeros(0, int)
    for empty in (alpha(nothing, nothing, nothing), alpha(np.array([1, 2]), np.array([1, 1]), np.array([0, 1]))):
        assert empty.value is empty.low is empty.high is None and "two raters" in empty.note
    one_rater_twice = alpha(np.array([1, 1]), np.array([4, 4]), np.array([0, 1]))
    assert one_rater_twice.value is None and (one_rater_twice.items, one_rater_twice.raters) == (0, 0)
    same = alpha(np.array([1, 1, 2, 2]), np.array([4, 5, 4, 5]), np.array([1, 1, 1, 1]))
    assert same.value is None and "Every answer is the same" in same.note and same.items == 2
    perfect = alpha(np.array([1, 1, 2, 2]), np.array([4, 5, 4, 5]), np.array([0, 0, 1, 1]))
    assert (perfect.value, perfect.low, perfect.high) == (1.0, None, 1.0) and perfect.note


def test_an_item_is_the_same_whichever_run_was_at_the_left() -> None:
    votes = Votes([3, 9, 9, 3, 3], [9, 3, 3, 9, 9], [LEFT, RIGHT, LEFT, BOTH_GOOD, BOTH_BAD], [7, 7, 7, 7, 8], range(5))
    found = items(votes)
    assert found.value.tolist() == [FIRST_BETTER, FIRST_BETTER, SECOND_BETTER, TIE, TIE]
    assert len(set(found.item[:4])) == 1 and found.item[4] != found.item[0]
    for vote, item in enumerate(found.item):
        assert (found.pair[item], found.first[item], found.second[item]) == (votes.pair[vote], 3, 9)


def test_the_items_agreed_on_least_come_first() -> None:
    given = {1: [0] * 6, 2: [0, 2, 0, 2, 0, 2], 3: [0, 2], 4: [0, 0, 0, 0, 0, 1], 5: [2]}
    item, value = np.array([(item, value) for item, values in given.items() for value in values]).T
    found = disagreements(item, value)
    assert [row.item for row in found] == [2, 3, 4]  # six answers split evenly say more than two
    assert (found[0].votes, found[0].counts, found[0].disagreement) == (6, (3, 0, 3), pytest.approx(9 / 15))
    assert found[1].disagreement == 1 and found[2].disagreement == pytest.approx(5 / 15)
    assert [row.item for row in disagreements(item, value, most=1)] == [2]
    assert disagreements(item[:3], value[:3]) == disagreements(item[:0], value[:0]) == []
