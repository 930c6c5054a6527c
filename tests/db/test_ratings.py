"""Ratings: stored once, superseded, undone; who has still what to rate."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db import ratings, runs
from db.engine import Database
from db.models import Rater, Rating, Result, Run

SHOWN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def rate(session: Session, rater: Rater, result: Result, axis: str, score: int, uid: str | None = None) -> Rating:
    return ratings.rate(
        session,
        uid=uid or str(uuid4()),
        rater_id=rater.id,
        result_id=result.id,
        result_sha256=result.sha256,
        axis=axis,
        score=score,
        shown_at=SHOWN,
        client="test",
    )


def rate_all(session: Session, rater: Rater, result: Result, score: int = 4) -> None:
    for axis in ratings.AXES:
        rate(session, rater, result, axis, score)


def test_sending_twice_stores_once(database: Database, results: list[Result], rater: Rater) -> None:
    for _ in range(2):
        with database.write() as session:
            first = rate(session, rater, results[0], "fit", 3, uid="u1")
    with database.read() as session:
        assert list(session.scalars(select(Rating.id))) == [first.id]
        assert first.shown_at == SHOWN
    with database.write() as session, pytest.raises(ValueError, match="other contents"):
        rate(session, rater, results[0], "fit", 5, uid="u1")


def test_a_new_score_supersedes_the_old_one(database: Database, results: list[Result], rater: Rater) -> None:
    with database.write() as session:
        old = rate(session, rater, results[0], "fit", 3)
        new = rate(session, rater, results[0], "fit", 5)
    assert new.supersedes == old.id
    with database.read() as session:
        assert ratings.live_for(session, rater.id, results[0].id) == {"fit": 5}
        assert [row["score"] for row in ratings.export_rows(session)] == [5]
        assert len(list(session.scalars(select(Rating)))) == 2, "nothing is overwritten"


def test_undo_takes_back_the_result_scored_last_and_keeps_the_history(
    database: Database, results: list[Result], rater: Rater
) -> None:
    with database.write() as session:
        rate_all(session, rater, results[0])
        rate_all(session, rater, results[1], 2)
        undone = ratings.undo_last(session, rater.id)
    assert {row.result_id for row in undone} == {results[1].id} and len(undone) == 4
    with database.write() as session:
        assert ratings.live_for(session, rater.id, results[1].id) == {}
        assert len(ratings.live_for(session, rater.id, results[0].id)) == 4
        assert {row.result_id for row in ratings.undo_last(session, rater.id)} == {results[0].id}
        assert ratings.undo_last(session, rater.id) == []
        history = list(session.scalars(select(Rating)))
        assert len(history) == 16 and sum(row.score is None for row in history) == 8


def take_back(session: Session, rater: Rater, result: Result, axis: str, uid: str) -> Rating:
    about = {"rater_id": rater.id, "result_id": result.id, "result_sha256": result.sha256, "client": "test"}
    return ratings.take_back(session, uid=uid, axis=axis, shown_at=SHOWN, **about)


def test_one_axis_is_taken_back_once_and_kept_as_history(database: Database, results: list[Result], rater: Rater) -> None:
    with database.write() as session:
        rate_all(session, rater, results[0])
        score = rate(session, rater, results[0], "fit", 2)
    for _ in range(2):
        with database.write() as session:
            undone = take_back(session, rater, results[0], "fit", "back-1")
    assert (undone.score, undone.live, undone.supersedes) == (None, False, score.id)
    with database.write() as session:
        assert set(ratings.live_for(session, rater.id, results[0].id)) == {*ratings.AXES} - {"fit"}
        assert len(list(session.scalars(select(Rating)))) == 6, "nothing is overwritten, and one uid is one row"
        assert take_back(session, rater, results[1], "fit", "back-2").supersedes is None, "there was nothing to take back"


def test_what_cannot_be_taken_back_is_refused(database: Database, results: list[Result], rater: Rater) -> None:
    with database.write() as session:
        rate(session, rater, results[0], "fit", 3, uid="u1")
    with database.write() as session, pytest.raises(ValueError, match="other contents"):
        take_back(session, rater, results[0], "fit", "u1")
    with database.write() as session, pytest.raises(ValueError, match="no axis"):
        take_back(session, rater, results[0], "beauty", "back-1")
    with database.read() as session:
        assert ratings.live_for(session, rater.id, results[0].id) == {"fit": 3}


def test_constraints_hold_against_any_writer(database: Database, results: list[Result], rater: Rater) -> None:
    with database.write() as session:
        kept = rate(session, rater, results[0], "fit", 3)
    values = dict(result_id=results[0].id, result_sha256="x", rater_id=rater.id, shown_at=SHOWN, client="t")
    for wrong in (
        dict(uid="a", axis="fit", score=4, live=True),  # a second live one
        dict(uid=kept.uid, axis="realism", score=4, live=True),
        dict(uid="b", axis="realism", score=6, live=True),
        dict(uid="c", axis="realism", score=None, live=True),
    ):
        with pytest.raises(IntegrityError), database.write() as session:
            session.add(Rating(**values, **wrong))


@pytest.mark.parametrize(("axis", "score"), [("beauty", 3), ("fit", 0), ("fit", 6)])
def test_what_is_no_rating_is_refused(database: Database, results: list[Result], rater: Rater, axis: str, score: int) -> None:
    with database.write() as session, pytest.raises(ValueError, match="expected 1 to 5"):
        rate(session, rater, results[0], axis, score)


def test_next_unrated_walks_the_run_and_comes_back(database: Database, run: Run, results: list[Result], rater: Rater) -> None:
    first, second, third = results
    with database.write() as session:
        assert ratings.next_unrated(session, run.id, rater.id).id == first.id  # type: ignore[union-attr]
        rate(session, rater, first, "fit", 3)
        assert ratings.progress(session, run.id, rater.id) == (0, 3), "one axis is not the whole"
        rate_all(session, rater, second)
        assert ratings.progress(session, run.id, rater.id) == (1, 3)
        assert ratings.next_unrated(session, run.id, rater.id, after=first.id).id == third.id  # type: ignore[union-attr]
        assert ratings.next_unrated(session, run.id, rater.id, after=third.id).id == first.id  # type: ignore[union-attr]
        rate_all(session, rater, first)
        rate_all(session, rater, third)
        assert ratings.next_unrated(session, run.id, rater.id) is None
        assert ratings.progress(session, run.id, rater.id) == (3, 3)


def test_a_changed_picture_is_to_be_rated_again(database: Database, run: Run, results: list[Result], rater: Rater) -> None:
    with database.write() as session:
        rate_all(session, rater, results[0])
        session.execute(update(Result).where(Result.id == results[0].id).values(sha256="another"))
    with database.read() as session:
        assert ratings.progress(session, run.id, rater.id) == (0, 3)
        assert ratings.live_for(session, rater.id, results[0].id) == {}
        assert all(row["picture_changed"] for row in ratings.export_rows(session, run.id))


def test_a_rated_result_does_not_vanish_by_an_import(database: Database, run: Run, results: list[Result], rater: Rater) -> None:
    with database.write() as session:
        rate(session, rater, results[0], "fit", 3)
    with database.write() as session, pytest.raises(ValueError, match="was rated and is missing"):
        runs.put_results(session, run.id, [])
