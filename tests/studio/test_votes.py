"""Votes as arrays and their sums: nothing is lost, nothing impossible gets in."""

import numpy as np
import pytest

from studio.votes import Votes, among, connected, count, largest_group, places

RUNS = (30, 7, 12)


def some_votes(n: int = 400, weighted: bool = False, seed: int = 0) -> Votes:
    rng = np.random.default_rng(seed)
    runs = np.array([rng.permutation(RUNS)[:2] for _ in range(n)])
    weight = rng.uniform(0.5, 3, n) if weighted else None
    return Votes(runs[:, 0], runs[:, 1], rng.integers(0, 4, n), rng.integers(100, 109, n), rng.choice([3, 50, 4], n), weight)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"right": [1]}, "one length"),
        ({"outcome": [0, 4]}, "expected 0 to 3"),
        ({"outcome": [-1, 0]}, "expected 0 to 3"),
        ({"right": [1, 3]}, "run 1 is compared with itself"),
        ({"weight": [1.0, 0.0]}, "not above 0"),
        ({"weight": [1.0, float("nan")]}, "not above 0"),
        ({"weight": [1.0, float("inf")]}, "not above 0"),
    ],
)
def test_impossible_votes_are_refused_with_a_sentence(change: dict, words: str) -> None:
    fine = {"left": [1, 2], "right": [2, 3], "outcome": [0, 3], "pair": [1, 1], "rater": [1, 1]}
    assert len(Votes(**fine)) == 2
    with pytest.raises(ValueError, match=words):
        Votes(**(fine | change))


def test_a_part_keeps_what_belongs_together() -> None:
    votes = some_votes(weighted=True)
    chosen = votes.pair > 104
    part = votes.only(chosen)
    assert len(part) == chosen.sum()
    for name in ("left", "right", "outcome", "pair", "rater", "weight"):
        assert np.array_equal(getattr(part, name), getattr(votes, name)[chosen])
    assert votes.only(np.array([5, 2])).pair.tolist() == votes.pair[[5, 2]].tolist()
    assert some_votes().only(chosen).weight is None


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_equal_those_taken_one_by_one(weighted: bool) -> None:
    votes = some_votes(weighted=weighted)
    runs = sorted(RUNS)
    table = np.zeros((3, 3, 3))
    weight = np.ones(len(votes)) if votes.weight is None else votes.weight / votes.weight.mean()
    for left, right, outcome, one in zip(votes.left, votes.right, votes.outcome, weight, strict=True):
        table[runs.index(left), runs.index(right), min(outcome, 2)] += one
    counts = count(votes, runs)
    assert counts.table() == pytest.approx(table)
    assert counts.table().sum() == pytest.approx(len(votes))
    assert (counts.pairs, counts.raters) == (9, 3)
    entries = set(zip(counts.kind.tolist(), counts.pair.tolist(), counts.rater.tolist(), strict=True))
    assert len(entries) == len(counts.kind) < len(votes)


def test_no_votes_have_empty_sums() -> None:
    counts = count(some_votes().only(np.zeros(0, int)), sorted(RUNS))
    assert counts.pairs == counts.raters == 0 and not counts.table().any()


def test_runs_are_found_by_id_in_any_order() -> None:
    assert places(np.array([12, 30, 7, 7]), RUNS).tolist() == [2, 0, 1, 1]
    votes = some_votes()
    assert among(votes, RUNS) is votes
    assert set(among(votes, {7, 30}).left) | set(among(votes, {7, 30}).right) == {7, 30}
    assert len(among(votes, ())) == len(among(votes, (7,))) == 0


def test_groups_are_runs_linked_through_others() -> None:
    met = np.zeros((5, 5))
    met[0, 3] = met[3, 1] = 1
    groups = connected(met)
    assert groups[0] == groups[1] == groups[3] and len({groups[0], groups[2], groups[4]}) == 3
    assert len(set(connected(met, both_ways=True))) == 5
    met[1, 0] = 1
    assert len(set(connected(met, both_ways=True))) == 3


def test_the_largest_group_comes_with_the_votes_inside_it() -> None:
    votes = Votes([1, 8, 2, 9, 9], [2, 9, 3, 8, 50], [0] * 5, range(5), [1] * 5)
    group, inside = largest_group(votes, [1, 2, 3, 8, 9, 77])
    assert group == [1, 2, 3] and inside.tolist() == [0, 2]
    assert largest_group(votes, [1, 3])[0] == []
