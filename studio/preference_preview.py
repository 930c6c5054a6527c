"""What an export would hold, from counters and the first answers of a query: quick on a study of any size."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import comparisons, runs, studies
from db.study_models import SKIP, Comparison, StudyRater
from db.study_records import Vote, votes
from studio.preference_choice import Query, decide, find_study

LOOKED_AT = 300  # answers


@dataclass(frozen=True)
class Preview:
    """A look at an export that is not made yet; what is seen is of the query's axis, or of the study's first."""

    axis: str
    votes: int  # of the whole study on the axis: plain ones that count
    raters: int  # who answered and count
    outcomes: dict[str, int]  # of the first answers
    rows: list[dict[str, Any]]  # the first ones
    left: Path | None  # the pictures of the first plain answer
    right: Path | None
    sides: tuple[str, str]  # whose they are
    said: str  # what was answered there


def preview(session: Session, query: Query, shown: int = 5) -> Preview:
    """Counts, first rows and a picture pair; PreferenceFault for an unknown study, axis or stratum."""
    study = find_study(session, query)
    axis = query.axis or study.axes[0]
    first = list(votes(session, study, axis, query.stratum, query.with_excluded, LOOKED_AT))
    if query.only_agreed:
        agreed = {key for key, decision in decide(first, {}).items() if decision.agreed}
        first = [vote for vote in first if (vote.matchup_id, vote.axis) in agreed]
    plain = next((vote for vote in first if vote.kind == "plain" and vote.outcome != SKIP), None)
    return Preview(
        axis=axis,
        votes=sum(tally.votes for tally in comparisons.tallies(session, study.id, axis)),
        raters=sum(row.state != "excluded" for row, _ in studies.rater_rows(session, study.id) if _answered(session, row)),
        outcomes=dict(Counter(vote.outcome for vote in first).most_common()),
        rows=[_row(vote) for vote in first[:shown]],
        left=_file(session, plain.left_result_id) if plain else None,
        right=_file(session, plain.right_result_id) if plain else None,
        sides=(plain.left_run or "", plain.right_run or "") if plain else ("", ""),
        said=f"{plain.person} in {plain.cloth}: {plain.rater} chose {plain.outcome} on {plain.axis}" if plain else "",
    )


def _answered(session: Session, row: StudyRater) -> bool:
    """Whether a rater has said anything that stands, on any axis."""
    given = select(Comparison.id).where(
        Comparison.study_id == row.study_id, Comparison.rater_id == row.rater_id, Comparison.live, Comparison.outcome != SKIP
    )
    return session.scalar(given.limit(1)) is not None


def _row(vote: Vote) -> dict[str, Any]:
    names = ("person", "cloth", "left_run", "right_run", "axis", "outcome", "rater", "kind", "probability", "answered_at")
    return {name: getattr(vote, name) for name in names}


def _file(session: Session, result_id: int | None) -> Path | None:
    result = runs.result(session, result_id or 0)
    run = runs.get(session, result.run_id) if result else None
    path = Path(run.folder) / result.path if run and result else None
    return path if path and path.is_file() else None
