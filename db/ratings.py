"""Ratings: given, undone, counted and exported; rows are only added, a row that is superseded is no longer live."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from db import judgements
from db.models import Rater, Rating, Result, Run, now

AXES = ("garment fidelity", "fit", "person preservation", "realism")
SUBJECT_AND_SCORE = ("result_id", "axis"), "score"  # the columns


def rate(
    session: Session,
    *,
    uid: str,
    rater_id: int,
    result_id: int,
    result_sha256: str,
    axis: str,
    score: int,
    shown_at: datetime,
    client: str,
    rated_at: datetime | None = None,
) -> Rating:
    """Store a score, given at `rated_at` (now), in place of the rater's live one; a uid again gives back what it stored.

    ValueError for an unknown axis, a score outside 1..5, or a uid that already stands for another judgement.
    """
    if axis not in AXES or score not in range(1, 6):
        raise ValueError(f"{axis!r}: {score!r} is no rating; expected 1 to 5 on one of {', '.join(AXES)}")
    return _store(session, uid, rater_id, result_id, result_sha256, axis, score, shown_at, client, rated_at)


def take_back(
    session: Session,
    *,
    uid: str,
    rater_id: int,
    result_id: int,
    result_sha256: str,
    axis: str,
    shown_at: datetime,
    client: str,
    rated_at: datetime | None = None,
) -> Rating:
    """Undo the rater's live score of one result on one axis, if there is one; the same uid again changes nothing.

    ValueError for an unknown axis, or a uid that already stands for another judgement.
    """
    if axis not in AXES:
        raise ValueError(f"{axis!r} is no axis; expected one of {', '.join(AXES)}")
    return _store(session, uid, rater_id, result_id, result_sha256, axis, None, shown_at, client, rated_at)


def _store(
    session: Session,
    uid: str,
    rater_id: int,
    result_id: int,
    result_sha256: str,
    axis: str,
    score: int | None,
    shown_at: datetime,
    client: str,
    rated_at: datetime | None,
) -> Rating:
    """Put a score, or none, in place of the rater's live one of a result on an axis; as `judgements.add`."""
    judged = Rating(
        uid=uid,
        rater_id=rater_id,
        result_id=result_id,
        result_sha256=result_sha256,
        axis=axis,
        score=score,
        shown_at=shown_at,
        client=client,
        rated_at=rated_at or now(),
    )
    return judgements.add(session, judged, *SUBJECT_AND_SCORE)


def undo_last(session: Session, rater_id: int, client: str = "undo") -> list[Rating]:
    """Take back the rater's live scores of the result scored last; returns the rows taken back, if any."""
    mine = select(Rating).where(Rating.rater_id == rater_id, Rating.live)
    last = session.scalar(mine.order_by(Rating.id.desc()).limit(1))
    if last is None:
        return []
    undone = list(session.scalars(mine.where(Rating.result_id == last.result_id).order_by(Rating.id)))
    for row in undone:
        row.live = False
        session.add(
            Rating(
                uid=f"undo-{uuid4()}",
                rater_id=rater_id,
                result_id=row.result_id,
                result_sha256=row.result_sha256,
                axis=row.axis,
                score=None,
                shown_at=row.shown_at,
                client=client,
                supersedes=row.id,
                live=False,
            )
        )
    session.flush()
    return undone


def _rated_by(rater_id: int) -> ColumnElement[bool]:
    """Of a Result: the rater has a live score of this very picture on every axis."""
    scores = select(func.count()).where(
        Rating.result_id == Result.id,
        Rating.rater_id == rater_id,
        Rating.result_sha256 == Result.sha256,
        Rating.axis.in_(AXES),
        Rating.live,
    )
    return scores.correlate(Result).scalar_subquery() == len(AXES)


def next_unrated(session: Session, run_id: int, rater_id: int, after: int | None = None) -> Result | None:
    """The next result of a run that the rater has not rated on every axis: behind `after`, else from the start."""
    chosen = select(Result).where(Result.run_id == run_id, ~_rated_by(rater_id)).order_by(Result.person, Result.cloth)
    here = session.get(Result, after) if after is not None else None
    if here is not None:
        behind = or_(Result.person > here.person, and_(Result.person == here.person, Result.cloth > here.cloth))
        found = session.scalar(chosen.where(behind).limit(1))
        if found is not None:
            return found
    return session.scalar(chosen.limit(1))


def progress(session: Session, run_id: int, rater_id: int) -> tuple[int, int]:
    """(results rated on every axis, results) of a run for one rater."""
    of_run = select(func.count()).select_from(Result).where(Result.run_id == run_id)
    done = session.scalar(of_run.where(_rated_by(rater_id))) or 0
    return done, session.scalar(of_run) or 0


def live_for(session: Session, rater_id: int, result_id: int) -> dict[str, int]:
    """{axis: score} that the rater has given to a result as it looks now."""
    chosen = (
        select(Rating.axis, Rating.score)
        .join(Result, Result.id == Rating.result_id)
        .where(
            Rating.rater_id == rater_id,
            Rating.result_id == result_id,
            Rating.result_sha256 == Result.sha256,
            Rating.live,
        )
    )
    return {axis: score for axis, score in session.execute(chosen) if score is not None}


def means(session: Session, run_id: int) -> dict[tuple[str, str], float]:
    """{(person, cloth): mean of a run's live scores}, over axes and raters, of the pictures as they are now."""
    chosen = select(Result.person, Result.cloth, func.avg(Rating.score)).join(Rating, Rating.result_id == Result.id)
    chosen = chosen.where(Result.run_id == run_id, Rating.live, Rating.result_sha256 == Result.sha256)
    rows = session.execute(chosen.group_by(Result.person, Result.cloth))
    return {(person, cloth): float(mean) for person, cloth, mean in rows}


def count(session: Session, run_id: int | None = None) -> int:
    """How many live scores there are, of a run or in all."""
    chosen = select(func.count()).select_from(Rating).where(Rating.live)
    if run_id is not None:
        chosen = chosen.join(Result, Result.id == Rating.result_id).where(Result.run_id == run_id)
    return session.scalar(chosen) or 0


def export_rows(session: Session, run_id: int | None = None) -> list[dict[str, Any]]:
    """Every live score as a flat row, in the order given; times in ISO format, UTC."""
    chosen = (
        select(Rating, Rater.name, Run.name, Result.person, Result.cloth, Result.sha256)
        .join(Rater, Rater.id == Rating.rater_id)
        .join(Result, Result.id == Rating.result_id)
        .join(Run, Run.id == Result.run_id)
        .where(Rating.live)
        .order_by(Rating.id)
    )
    if run_id is not None:
        chosen = chosen.where(Run.id == run_id)
    return [
        {
            "rating_id": rating.id,
            "uid": rating.uid,
            "rater": rater,
            "run": run,
            "person": person,
            "cloth": cloth,
            "axis": rating.axis,
            "score": rating.score,
            "shown_at": rating.shown_at.isoformat(),
            "rated_at": rating.rated_at.isoformat(),
            "client": rating.client,
            "result_sha256": rating.result_sha256,
            "picture_changed": rating.result_sha256 != sha256,
        }
        for rating, rater, run, person, cloth, sha256 in session.execute(chosen)
    ]
