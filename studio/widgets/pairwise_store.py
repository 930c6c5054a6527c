"""What the rating component sends of a study, stored once; what it shows next, leased."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import assignments, comparisons, datasets, runs, studies
from db.models import Dataset, now
from db.studies import AXES
from db.study_models import OUTCOMES, SKIP, Assignment, Comparison, Study, StudyRater
from studio.leases import AHEAD, lease
from studio.widgets.outbox import read_entries, read_moment
from studio.widgets.rating_store import read_whole

CLIENT = "studio rate page"
FEWEST = 8  # pairs that a browser holds before it is given more: most answers then cost no draw
LAST_MINUTES = 4  # a lease that ends sooner is renewed
FARTHEST = 8.0  # times; the largest zoom
TAGS = ("garment differs", "bad fit", "person changed", "looks unreal")  # what is wrong with the loser
REASONS = ("a picture is broken", "not the same person or garment", "not fit to be shown", "cannot judge this")  # of a skip


@dataclass(frozen=True)
class Answer:
    """One entry of the browser's outbox; no outcome takes the rater's answer on that axis back."""

    uid: str
    assignment_id: int
    axis: str
    outcome: str | None
    reason: str
    tags: tuple[str, ...]
    flagged: bool
    zoom: float
    shown_at: datetime
    answered_at: datetime


def read_outbox(sent: Any) -> list[Answer]:
    """The entries of an outbox as sent by a browser; what is malformed is left out, it could never be stored."""
    return read_entries(sent, _read_entry)


def _read_entry(entry: dict[str, Any]) -> Answer | None:
    assignment_id, axis, outcome = read_whole(entry.get("assignment_id")), entry.get("axis"), entry.get("outcome")
    if assignment_id is None or axis not in AXES or not (outcome is None or outcome in OUTCOMES):
        return None
    tags, reason, zoom = entry.get("tags"), entry.get("reason"), entry.get("zoom")
    shown_at = read_moment(entry.get("shown_at"))
    return Answer(
        uid=entry["uid"],
        assignment_id=assignment_id,
        axis=axis,
        outcome=outcome,
        reason=reason if outcome == SKIP and reason in REASONS else "",
        tags=tuple(tag for tag in TAGS if tag in tags) if isinstance(tags, list) else (),
        flagged=entry.get("flagged") is True,
        zoom=_read_zoom(zoom),
        shown_at=shown_at,
        answered_at=max(shown_at, read_moment(entry.get("answered_at"))),
    )


def _read_zoom(zoom: Any) -> float:
    """Times, 1 to 8; 1 for what is none."""
    if isinstance(zoom, bool) or not isinstance(zoom, int | float) or not zoom >= 1:
        return 1.0
    return float(min(zoom, FARTHEST))


def store(session: Session, rater_id: int, answers: Iterable[Answer]) -> int:
    """Store each answer once, in the order given; how many were left out because they can never be stored.

    That is an answer to what is gone or was never this rater's, on an axis that is not asked, or whose uid stands for another.
    What was on its way when a study closed is stored: a rater without a connection may send it late.
    """
    refused = 0
    for one in answers:
        try:
            comparisons.give(
                session,
                uid=one.uid,
                rater_id=rater_id,
                assignment_id=one.assignment_id,
                axis=one.axis,
                outcome=one.outcome,
                shown_at=one.shown_at,
                answered_at=one.answered_at,
                client=CLIENT,
                reason=one.reason,
                tags=one.tags,
                flagged=one.flagged,
                zoom=one.zoom,
            )
        except ValueError:
            refused += 1
    return refused


def is_short(held: list[Assignment], moment: datetime) -> bool:
    """Whether a rater should be given more, or what is held runs out soon."""
    soon = moment + timedelta(minutes=LAST_MINUTES)
    return len(held) < FEWEST or any(one.expires_at < soon for one in held)


def queue(session: Session, study: Study, rater_id: int) -> list[Assignment]:
    """What the rater judges next, leased where it runs short; the session must be a writing one."""
    moment = now()
    held = assignments.held(session, study.id, rater_id)
    return lease(session, study, rater_id, moment, AHEAD) if is_short(held, moment) else held


def count_left(session: Session, study: Study, rater_id: int) -> int:
    """How many comparisons this rater could still be given now, those held among them."""
    return len(assignments.held(session, study.id, rater_id)) + assignments.count_open(session, study.id, rater_id)


def part_of(session: Session, study_id: int, rater_id: int) -> StudyRater | None:
    """The rater's part in a study; None before the first lease."""
    return session.scalar(select(StudyRater).where(StudyRater.study_id == study_id, StudyRater.rater_id == rater_id))


def may_go_on(session: Session, study: Study, rater_id: int) -> bool:
    """Whether the study is open, its photos are here, and the rater is not paused in it."""
    part = part_of(session, study.id, rater_id)
    return study.state == "open" and (part is None or part.state == "active") and dataset_of(session, study) is not None


def dataset_of(session: Session, study: Study) -> Dataset | None:
    """Where the study's photos lie: its own dataset, or that of its first run that has one."""
    if study.dataset_id is not None:
        return datasets.get(session, study.dataset_id)
    of_runs = [run.dataset_id for one in studies.runs_of(session, study.id) if (run := runs.get(session, one))]
    return next((datasets.get(session, one) for one in of_runs if one is not None), None)


def answers_of(session: Session, assignment_ids: list[int]) -> dict[int, dict[str, dict[str, Any]]]:
    """{assignment id: {axis: the live answer, as the component has it}}."""
    chosen = select(Comparison).where(Comparison.assignment_id.in_(assignment_ids), Comparison.live)
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for row in session.scalars(chosen):
        answer = {"value": row.outcome, "tags": row.tags, "flagged": row.flagged, "reason": row.reason}
        found.setdefault(row.assignment_id, {})[row.axis] = answer
    return found


def why_nothing(session: Session, study: Study, rater_id: int) -> str:
    """What to tell a rater who is given nothing: why, and what to do next."""
    part = part_of(session, study.id, rater_id)
    if study.state == "closed":
        return "This study is closed, and what you answered is stored. See all studies for one that is open."
    if study.state == "paused":
        return "This study is paused, and what you answered is stored. Come back later, or take another study."
    if dataset_of(session, study) is None:
        return (
            "The dataset of this study is not in the studio, so person and garment cannot be shown. "
            "Ask whoever runs the study to add its folder on Browse; what you answered is stored."
        )
    if part is not None and part.state != "active":
        return "You are paused in this study. Ask whoever runs it, or take another study."
    if assignments.count_open(session, study.id, rater_id, leased_too=True):
        return "The last pairs are with other raters just now. Look again in ten minutes, or take another study."
    return "Nothing is left here for you, thank you. Take another study, or press Z to change your last answer."
