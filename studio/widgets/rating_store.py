"""What the rating component sends, stored once; what it shows next, looked up."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import ratings, runs
from db.models import Rating, Result
from db.ratings import AXES
from studio.widgets.outbox import read_entries, read_moment

AHEAD = 6  # results that the browser holds beyond the one shown
CLIENT = "studio rate page"
LARGEST = 2**63 - 1  # of the whole numbers that a database holds


@dataclass(frozen=True)
class Judgement:
    """One entry of the browser's outbox; no score takes the rater's score on that axis back."""

    uid: str
    result_id: int
    sha256: str
    axis: str
    score: int | None
    shown_at: datetime
    answered_at: datetime


def read_outbox(sent: Any) -> list[Judgement]:
    """The entries of an outbox as sent by a browser; what is malformed is left out, it could never be stored."""
    return read_entries(sent, _read_entry)


def _read_entry(entry: dict[str, Any]) -> Judgement | None:
    sha256, axis = entry.get("sha256"), entry.get("axis")
    result_id, score = read_whole(entry.get("result_id")), read_whole(entry.get("score"))
    if not isinstance(sha256, str) or result_id is None:
        return None
    unscored = score is None and entry.get("score") is not None
    if axis not in AXES or unscored or not (score is None or 1 <= score <= 5):
        return None
    shown_at = read_moment(entry.get("shown_at"))
    answered_at = max(shown_at, read_moment(entry.get("answered_at")))
    return Judgement(entry["uid"], result_id, sha256, axis, score, shown_at, answered_at)


def read_whole(number: Any) -> int | None:
    """A whole number as JSON may send it, 3 or 3.0; None for what is none, or too large for a database."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= LARGEST:
        return None
    return int(number) if number == int(number) else None


def read_id(text: str) -> int | None:
    """The id that a link names, None where that cannot be one."""
    return read_whole(int(text)) if text.isdecimal() and len(text) <= len(str(LARGEST)) else None


def store(session: Session, rater_id: int, judgements: Iterable[Judgement]) -> None:
    """Store each judgement once, in the order given; what can never be stored is left out.

    That is a judgement of a result that is gone, or one whose uid stands for another judgement.
    """
    for one in judgements:
        if runs.result(session, one.result_id) is None:
            continue
        about: dict[str, Any] = {
            "uid": one.uid,
            "rater_id": rater_id,
            "result_id": one.result_id,
            "result_sha256": one.sha256,
            "axis": one.axis,
            "shown_at": one.shown_at,
            "rated_at": one.answered_at,
            "client": CLIENT,
        }
        with suppress(ValueError):
            if one.score is None:
                ratings.take_back(session, **about)
            else:
                ratings.rate(session, score=one.score, **about)


def queue(session: Session, run_id: int, rater_id: int, wanted: int | None, skipped: list[int]) -> list[Result]:
    """The next results to rate: the one `wanted` first, those skipped last."""
    fresh: list[Result] = []
    later: list[Result] = []
    seen: set[int] = set()
    after: int | None = None
    while len(fresh) < AHEAD:
        found = ratings.next_unrated(session, run_id, rater_id, after)
        if found is None or found.id in seen:  # none left, or once around
            break
        seen.add(found.id)
        after = found.id
        (later if found.id in skipped else fresh).append(found)
    later.sort(key=lambda row: skipped.index(row.id))
    ahead = fresh + later[:AHEAD]
    first = runs.result(session, wanted) if wanted is not None else None
    if first is None or first.run_id != run_id:
        return ahead
    return [first, *(row for row in ahead if row.id != first.id)]


def history(session: Session, run_id: int, rater_id: int, limit: int) -> list[Rating]:
    """The rater's newest live scores in a run, oldest first: what undo takes back after a reload."""
    chosen = (
        select(Rating)
        .join(Result, Result.id == Rating.result_id)
        .where(Result.run_id == run_id, Rating.rater_id == rater_id, Rating.live, Rating.result_sha256 == Result.sha256)
        .order_by(Rating.id.desc())
        .limit(limit)
    )
    return list(session.scalars(chosen))[::-1]
