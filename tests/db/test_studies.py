"""Studies, leases and comparisons: nothing is given twice, nothing is lost, and what is counted is what is there."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import assignments, comparisons, datasets, messages, preferences, raters, reviews, runs, studies, study_counts
from db.assignments import Candidates, Drawn
from db.engine import Database
from db.models import Result
from db.study_models import Assignment, Comparison, Matchup, Study, StudyRater, Tally

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
uids = count()


def first_ones(candidates: Candidates, wanted: int) -> list[Drawn]:
    """A draw that takes what stands first."""
    runs = [two for two, number in candidates.items() for _ in range(number)]
    return [Drawn(two, 0, 1 / (len(runs) - place), len(runs) - place) for place, two in enumerate(runs[:wanted])]


def make_runs(session: Session, names: str = "abc", pairs: int = 4) -> tuple[list[int], list[studies.NewPair]]:
    dataset = datasets.add(session, "set", "/set", "v1", [], {})
    stems = [(f"0000{n}_00", f"0001{n}_00") for n in range(pairs)]
    made = []
    for name in names:
        run = runs.put(
            session,
            name=f"run {name}",
            folder=f"/runs/{name}",
            config={},
            config_hash=name * 8,
            dataset_id=dataset.id,
            split="test",
            created_at=NOON,
        )
        found = [runs.NewResult(p, c, f"results/{p}__{c}.png", f"{name}-{p}", 48, 64, 99, 7) for p, c in stems]
        runs.put_results(session, run.id, found)
        made.append(run.id)
    return made, [studies.NewPair(p, c, "long" if n % 2 else "short") for n, (p, c) in enumerate(stems)]


@pytest.fixture
def make(database: Database) -> Callable[..., Study]:
    """Make a study of three runs on four pairs, without known items and repeats unless told."""

    def made(number: int = 4, **changes: object) -> Study:
        with database.write() as session:
            members, pairs = make_runs(session, pairs=number)
            told: dict[str, object] = {
                "name": "first",
                "question": "Which?",
                "axes": ["overall"],
                "runs": members,
                "pairs": pairs,
            }
            told |= {"gold_share": 0.0, "repeat_share": 0.0, "raters_least": 2, "raters_most": 4} | changes
            return studies.make(session, **told)  # type: ignore[arg-type]

    return made


def lease(
    database: Database, study: Study, rater: int, wanted: int = 12, now: datetime = NOON, seed: int = 0
) -> list[Assignment]:
    with database.write() as session:
        found = session.get_one(Study, study.id)
        return assignments.lease(session, found, rater, count=wanted, draw=first_ones, rng=random.Random(seed), now=now)


def give(database: Database, one: Assignment, outcome: str | None, axis: str = "overall", uid: str = "") -> Comparison:
    with database.write() as session:
        return comparisons.give(
            session,
            uid=uid or f"uid-{next(uids)}",
            rater_id=one.rater_id,
            assignment_id=one.id,
            axis=axis,
            outcome=outcome,
            shown_at=NOON,
            answered_at=NOON,
            client="test",
        )


def add_raters(database: Database, number: int) -> list[int]:
    with database.write() as session:
        return [raters.get_or_add(session, f"rater {n}").id for n in range(number)]


def counts(database: Database, study: Study) -> dict[str, object]:
    """Everything that is derived, to compare before and after a recount."""
    with database.read() as session:
        found = session.get_one(Study, study.id)
        matchups = session.execute(select(Matchup.id, Matchup.needed, Matchup.done, Matchup.leased).order_by(Matchup.id)).all()
        tallies = session.execute(
            select(Tally.axis, Tally.left_run_id, Tally.right_run_id, Tally.outcome, Tally.votes).where(Tally.votes > 0)
        )
        parts = session.execute(
            select(StudyRater.rater_id, StudyRater.done, StudyRater.skipped, StudyRater.gold_seen, StudyRater.gold_right)
        )
        return {
            "study": (found.wanted, found.done),
            "matchups": [tuple(row) for row in matchups],
            "tallies": sorted(tuple(row) for row in tallies),
            "raters": sorted(tuple(row) for row in parts),
        }


def assert_counts_hold(database: Database, study: Study) -> dict[str, object]:
    """What was kept step by step is what a recount of every row gives."""
    kept = counts(database, study)
    with database.write() as session:
        study_counts.recount(session, study.id)
    assert counts(database, study) == kept
    return kept


def test_a_study_has_a_matchup_for_every_two_results_of_a_pair(database: Database) -> None:
    with database.write() as session:
        members, pairs = make_runs(session, pairs=3)
        alone = studies.NewPair("nobody", "nothing")
        study = studies.make(session, name=" My  study ", question="Which?", axes=["fit"], runs=members, pairs=[*pairs, alone])
    with database.read() as session:
        found = session.scalars(select(Matchup)).all()
        assert len(found) == 3 * 3 and all(one.first_run_id < (one.second_run_id or 0) for one in found)
        assert {one.first_sha256[0] + (one.second_sha256[0]) for one in found} == {"ab", "ac", "bc"}
        assert (study.name, study.wanted, study.state) == ("My study", 9 * 3, "open")
        assert studies.strata(session, study.id) == ["long", "short"]
        assert list(studies.runs_of(session, study.id).values()) == ["run a", "run b", "run c"]
        assert alone not in [(row.person, row.cloth, row.stratum) for row in studies.pairs_of(session, study.id)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "free name"),
        ({"axes": []}, "axes"),
        ({"axes": ["beauty"]}, "axes"),
        ({"runs": [1, 1]}, "two or more"),
        ({"raters_least": 4, "raters_most": 3}, "raters"),
        ({"gold_share": 0.4, "repeat_share": 0.2}, "shares"),
        ({"pairs": [studies.NewPair("nobody", "nothing")]}, "none of the 1 pairs"),
    ],
)
def test_what_makes_no_study_is_refused(make: Callable[..., Study], changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make(**changes)


def test_leases_are_renewed_and_never_exceed_what_is_needed(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    one, two, three = add_raters(database, 3)
    held = lease(database, study, one, 5)
    again = lease(database, study, one, 5, NOON + timedelta(minutes=5))
    assert [row.id for row in again] == [row.id for row in held] and again[0].expires_at == NOON + timedelta(minutes=15)
    assert len(lease(database, study, two, 50)) == 12 == len(lease(database, study, one, 50))
    assert lease(database, study, three, 50) == [], "two raters hold all"
    with database.read() as session:
        assert session.scalar(select(func.max(Matchup.leased))) == 2
    late = NOON + timedelta(minutes=30)
    assert len(lease(database, study, three, 50, late)) == 12, "leases that ran out are free"
    mine = [row.matchup_id for row in lease(database, study, one, 50, late)]
    assert len(mine) == len(set(mine)) == 12, "the rater gets back what nobody took"
    with database.write() as session:
        assert assignments.give_back(session, study.id, three) == 12
    assert_counts_hold(database, study)


def test_each_rater_sees_a_matchup_once_and_probabilities_are_kept(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    (one,) = add_raters(database, 1)
    seen = []
    while found := lease(database, study, one, 3):
        seen += [row.matchup_id for row in found]
        for row in found:
            assert row.probability is not None and row.among is not None
            assert give(database, row, "left").weight == pytest.approx(1.0)
    assert len(seen) == len(set(seen)) == 12
    with database.read() as session:
        assert studies.progress(session, study.id, NOON).done == 12
    assert_counts_hold(database, study)


def test_an_answer_is_stored_once_and_undone_without_a_trace_in_the_counts(
    database: Database, make: Callable[..., Study]
) -> None:
    study = make()
    (one,) = add_raters(database, 1)
    before = counts(database, study)
    (row,) = lease(database, study, one, 1)
    leased = counts(database, study)
    given = give(database, row, "left", uid="uid-twice")
    assert give(database, row, "left", uid="uid-twice").id == given.id
    with pytest.raises(ValueError, match="other contents"):
        give(database, row, "right", uid="uid-twice")
    done = assert_counts_hold(database, study)
    assert done["study"] == (24, 1) and done["tallies"] == [("overall", given.left_run_id, given.right_run_id, "left", 1)]
    changed = give(database, row, "both bad")
    assert changed.supersedes == given.id
    assert assert_counts_hold(database, study)["tallies"] == [("overall", given.left_run_id, given.right_run_id, "both bad", 1)]
    give(database, row, None)
    assert assert_counts_hold(database, study)["matchups"] == leased["matchups"]
    with database.read() as session:
        assert [one.outcome for one in session.scalars(select(Comparison).order_by(Comparison.id))] == [
            "left",
            "both bad",
            None,
        ]
        assert comparisons.history(session, study.id, one, 10) == []
    with database.write() as session:
        assignments.give_back(session, study.id, one)
    assert counts(database, study)["matchups"] == before["matchups"]


def test_all_axes_end_an_assignment_and_a_skip_takes_them_back(database: Database, make: Callable[..., Study]) -> None:
    study = make(axes=["overall", "fit"])
    (one,) = add_raters(database, 1)
    (row,) = lease(database, study, one, 1)
    give(database, row, "left", "fit")
    with database.read() as session:
        assert session.get_one(Assignment, row.id).state == "leased"
    give(database, row, "right", "overall")
    with database.read() as session:
        assert session.get_one(Assignment, row.id).state == "done"
    give(database, row, "skip", "fit")
    with database.read() as session:
        live = comparisons.history(session, study.id, one, 10)
        assert [(found.axis, found.outcome) for found in live] == [("overall", "skip")]
        assert session.get_one(Assignment, row.id).state == "skipped"
    assert assert_counts_hold(database, study)["tallies"] == []
    give(database, row, "both good", "fit")
    with database.read() as session:
        assert [(found.axis, found.outcome) for found in comparisons.history(session, study.id, one, 10)] == [
            ("fit", "both good")
        ]
    assert_counts_hold(database, study)


def test_raters_who_disagree_call_more_up_to_the_most(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    people = add_raters(database, 6)
    needed = []
    for place, person in enumerate(people):
        found = lease(database, study, person, 1)
        if not found:
            break
        give(
            database, found[0], "left" if (place % 2 == 0) != found[0].swapped else "right"
        )  # the first, the second, the first ...
        with database.read() as session:
            needed.append(session.get_one(Matchup, found[0].matchup_id).needed)
    with database.read() as session:
        asked = Counter(session.scalars(select(Assignment.matchup_id)))
    first = min(asked)
    assert asked[first] == 4, "two and two of four, which is the most"
    assert needed[:4] == [2, 4, 4, 4]
    assert_counts_hold(database, study)


def test_agreement_calls_nobody(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    for person in add_raters(database, 2):
        for row in lease(database, study, person, 12):
            give(database, row, "right" if row.swapped else "left")
    assert assert_counts_hold(database, study)["study"] == (24, 24)
    with database.read() as session:
        matchups = list(session.scalars(select(Matchup.id)))
        assert all(found == {"first": 2} for found in study_counts.verdicts(session, matchups, "overall").values())


def test_known_items_and_repeats_are_mixed_in_and_told_apart(database: Database, make: Callable[..., Study]) -> None:
    study = make(8, gold_share=0.25, repeat_share=0.25)
    (one,) = add_raters(database, 1)
    with database.write() as session:
        found = list(session.scalars(select(Matchup)))[:2]
        pair = {row.id: row for row in studies.pairs_of(session, study.id)}
        golds = [
            studies.NewGold(
                pair[row.study_pair_id].person, pair[row.study_pair_id].cloth, row.first_result_id, "gold/1.png", "bad", "blur"
            )
            for row in found
        ]
        assert studies.add_gold(session, study.id, golds) == 2
        with pytest.raises(ValueError, match="not part"):
            studies.add_gold(session, study.id, [golds[0]._replace(person="nobody")])
    kinds: Counter[str] = Counter()
    for turn in range(40):
        for row in lease(database, study, one, 2, seed=turn):
            kinds[row.kind] += 1
            with database.read() as session:
                (shown,) = assignments.shown(session, [row.id])
                before = session.get(Assignment, row.repeat_of) if row.repeat_of else None
            assert {shown.left.run_id, shown.right.run_id} & {None} == ({None} if row.kind == "gold" else set())
            assert before is None or (before.swapped != row.swapped and before.matchup_id == row.matchup_id)
            right = "right" if row.swapped else "left"
            give(database, row, right if row.kind != "gold" or kinds["gold"] == 1 else "both good")
    assert kinds["gold"] == 2 and kinds["plain"] == 24 and kinds["repeat"] >= 1
    kept = assert_counts_hold(database, study)
    (part,) = kept["raters"]  # type: ignore[misc]
    assert part[3:] == (2, 1), "two known items seen, one of them right"
    assert sum(row[4] for row in kept["tallies"]) == 24, "neither known items nor repeats count"  # type: ignore[attr-defined]


def test_closed_studies_and_paused_raters_get_nothing_and_answers_still_arrive(
    database: Database, make: Callable[..., Study]
) -> None:
    study = make()
    one, two = add_raters(database, 2)
    held = lease(database, study, one, 2)
    with database.write() as session:
        studies.set_state(session, study.id, "paused")
    assert lease(database, study, two, 2) == []
    give(database, held[0], "left")
    with database.write() as session:
        studies.set_state(session, study.id, "open")
        studies.set_rater(session, study.id, two, "paused", "on leave")
    assert lease(database, study, two, 2) == []
    late = lease(database, study, one, 1, NOON + timedelta(hours=1))
    with database.write() as session:
        assignments.free_expired(session, NOON + timedelta(days=1))
    give(database, late[0], "right")
    kept = assert_counts_hold(database, study)
    assert kept["study"] == (24, 2), "an answer whose lease ran out counts too"


def test_an_excluded_rater_does_not_count_and_may_come_back(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    one, two = add_raters(database, 2)
    for person in (one, two):
        for row in lease(database, study, person, 12):
            give(database, row, "left")
    before = counts(database, study)
    with database.write() as session:
        studies.set_rater(session, study.id, one, "excluded", "guesses")
    without = assert_counts_hold(database, study)
    assert without["study"][1] == 12 and sum(row[4] for row in without["tallies"]) == 12  # type: ignore[index, attr-defined]
    (row,) = lease(database, study, two, 1) or [None]
    assert row is None, "who has judged all gets none of them again"
    with database.write() as session:
        studies.set_rater(session, study.id, one, "active")
    assert counts(database, study) == before


def test_what_people_prefer_of_a_pair_is_told_by_run_whichever_side_it_stood_on(
    database: Database, make: Callable[..., Study]
) -> None:
    study = make()
    one, two, three = add_raters(database, 3)
    for person, liked in ((one, "first"), (two, "second")):
        for row in lease(database, study, person, 12, seed=person):
            give(database, row, "left" if (liked == "first") != row.swapped else "right")
    give(database, lease(database, study, three, 1)[0], "skip")
    with database.read() as session:
        runs = list(studies.runs_of(session, study.id))
        (pair, *_) = [(row.person, row.cloth) for row in studies.pairs_of(session, study.id)]
        assert preferences.are_there(session, runs[:2]) and not preferences.are_there(session, runs[:1])
        told = preferences.verdicts(session, runs)
        assert len(told) == 3 and all(len(by_pair) == 4 for by_pair in told.values())
        assert all(found == {"first": 1, "second": 1} for by_pair in told.values() for found in by_pair.values())
        assert preferences.verdicts(session, runs[:2], pair) == {(runs[0], runs[1]): {pair: {"first": 1, "second": 1}}}
    with database.write() as session:
        studies.set_rater(session, study.id, two, "excluded", "guesses")
        result = session.scalars(select(Result).where(Result.run_id == runs[0], Result.person == pair[0])).one()
        result.sha256 = "made again"
    with database.read() as session:
        (by_pair,) = preferences.verdicts(session, runs[:2]).values()
    assert pair not in by_pair and all(found == {"first": 1} for found in by_pair.values()) and len(by_pair) == 3


def test_others_and_nonsense_are_refused(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    one, two = add_raters(database, 2)
    (row,) = lease(database, study, one, 1)
    with pytest.raises(ValueError, match="outcome"):
        give(database, row, "middle")
    with pytest.raises(ValueError, match="axis"):
        give(database, row, "left", "fit")
    row.rater_id = two
    with pytest.raises(ValueError, match="not the rater's"):
        give(database, row, "left")


def test_progress_pace_and_live_rows(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    (one,) = add_raters(database, 1)
    held = lease(database, study, one, 3)
    give(database, held[0], "left")
    give(database, held[1], "skip")
    with database.read() as session:
        told = studies.progress(session, study.id, NOON)
        rows = comparisons.rows(session, study.id)
        assert (told.wanted, told.done, told.leased, told.matchups, told.open_matchups, told.raters) == (24, 1, 1, 12, 12, 1)
        assert [row.outcome for row in rows] == ["left", "skip"] and rows[0].swapped == held[0].swapped
        assert comparisons.rows(session, study.id, after=rows[0].id) == rows[1:]
        assert comparisons.newest(session, study.id) == rows[-1].id


def test_removing_a_run_and_a_study_leaves_nothing_behind(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    (one,) = add_raters(database, 1)
    for row in lease(database, study, one, 12):
        give(database, row, "left")
    with database.write() as session:
        runs.remove(session, min(studies.runs_of(session, study.id)))
        study_counts.recount(session, study.id)
    assert assert_counts_hold(database, study)["study"] == (8, 4)
    with database.write() as session:
        studies.remove(session, study.id)
        for table in (Matchup, Assignment, Comparison, Tally, StudyRater):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_a_reviewer_rules_in_place_of_another_and_asks_more(database: Database, make: Callable[..., Study]) -> None:
    study = make()
    one, two = add_raters(database, 2)
    with database.write() as session:
        matchup = session.scalars(select(Matchup.id)).first() or 0
        told = {"matchup_id": matchup, "axis": "overall", "note": "", "shown_at": NOON, "client": "test"}
        reviews.rule(session, uid="uid-ruling-1", rater_id=one, ruling="first", **told)  # type: ignore[arg-type]
        second = reviews.rule(session, uid="uid-ruling-2", rater_id=two, ruling="both bad", **told)  # type: ignore[arg-type]
        assert [row.id for row in reviews.rulings(session, study.id)] == [second.id]
        with pytest.raises(ValueError, match="ruling"):
            reviews.rule(session, uid="uid-ruling-3", rater_id=two, ruling="left", **told)  # type: ignore[arg-type]
        reviews.rule(session, uid="uid-ruling-4", rater_id=two, ruling=None, **told)  # type: ignore[arg-type]
        assert reviews.rulings(session, study.id) == []
        assert reviews.requeue(session, matchup, more=3) == 3
    assert assert_counts_hold(database, study)["study"] == (25, 0)


def test_messages_wait_until_they_are_read(database: Database) -> None:
    one, two = add_raters(database, 2)
    with database.write() as session:
        message = messages.send(session, one, " Slower, please. ", from_id=two)
        with pytest.raises(ValueError, match="text"):
            messages.send(session, one, "  ")
        assert [row.text for row in messages.unread(session, one)] == ["Slower, please."]
        messages.mark_read(session, message.id)
        assert messages.unread(session, one) == [] and messages.unread(session, two) == []
