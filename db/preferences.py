"""What people prefer of two runs, pair by pair, over all studies: for pages that look at results, not at a study."""

from collections.abc import Sequence

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from db.models import Result
from db.study_counts import chosen_picture
from db.study_models import SKIP, Comparison, Matchup, Study, StudyPair, StudyRater, StudyRun, Tally

Names = tuple[str, str]  # person, cloth
Verdicts = dict[str, int]  # first, second (of two runs by their ids), both good, both bad -> votes


def are_there(session: Session, run_ids: Sequence[int]) -> bool:
    """Whether a counted vote compares two of the runs; from the tallies, at once."""
    between = Tally.left_run_id.in_(run_ids), Tally.right_run_id.in_(run_ids), Tally.votes > 0
    return session.scalar(select(Tally.id).where(*between).limit(1)) is not None


def verdicts(
    session: Session, run_ids: Sequence[int], pair: Names | None = None
) -> dict[tuple[int, int], dict[Names, Verdicts]]:
    """{two runs: {pair: what raters that count say of their pictures as they are now, on each study's first axis}}.

    All pairs of runs with hundreds of thousands of votes take seconds, one `pair` milliseconds.
    """
    first, second = aliased(Result), aliased(Result)
    in_it = select(StudyRun.study_id).where(StudyRun.run_id.in_(run_ids)).group_by(StudyRun.study_id).having(func.count() > 1)
    columns = (Matchup.first_run_id, Matchup.second_run_id, StudyPair.person, StudyPair.cloth)
    by_side = (Comparison.outcome, Comparison.left_run_id != Matchup.first_run_id)
    chosen = (
        select(*columns, *by_side, func.count())
        .join(StudyPair, StudyPair.id == Matchup.study_pair_id)
        .join(first, and_(first.id == Matchup.first_result_id, first.sha256 == Matchup.first_sha256))
        .join(second, and_(second.id == Matchup.second_result_id, second.sha256 == Matchup.second_sha256))
        .join(Comparison, Comparison.matchup_id == Matchup.id)
        .join(StudyRater, and_(StudyRater.study_id == Comparison.study_id, StudyRater.rater_id == Comparison.rater_id))
        .where(Matchup.first_run_id.in_(run_ids), Matchup.second_run_id.in_(run_ids))
        .where(Comparison.live, Comparison.kind == "plain", Comparison.outcome != SKIP, StudyRater.state != "excluded")
        .group_by(*columns, *by_side)
    )
    if pair is not None:
        chosen = chosen.where(StudyPair.person == pair[0], StudyPair.cloth == pair[1])
    found: dict[tuple[int, int], dict[Names, Verdicts]] = {}
    for study in session.scalars(select(Study).where(Study.id.in_(in_it))):
        of_study = chosen.where(StudyPair.study_id == study.id, Comparison.axis == study.axes[0])
        for one, other, person, cloth, outcome, is_swapped, votes in session.execute(of_study):
            told = found.setdefault((one, other or 0), {}).setdefault((person, cloth), {})
            verdict = chosen_picture(str(outcome), is_swapped)
            told[verdict] = told.get(verdict, 0) + votes
    return found
