"""Many raters lease and answer at once: nothing is lost, nothing is leased beyond what is needed."""

from pathlib import Path

from sqlalchemy import func, select

from benchmarks.many_comparisons import Crowd, build
from benchmarks.raters_at_work import all_at_once
from db import study_counts
from db.study_models import Assignment, Comparison, Matchup, Study

RATERS, TURNS, EACH = 6, 4, 5


def test_many_raters_at_once_lose_nothing_and_share_the_leases(tmp_path: Path) -> None:
    workspace, study_id = build(tmp_path, Crowd(comparisons=0, runs=3, pairs=20, raters=1, drawn=2, axes=("overall",)))
    seconds, faults = all_at_once(workspace, study_id, RATERS, TURNS, EACH)
    assert faults == []
    assert len(seconds) == RATERS * TURNS * EACH
    with workspace.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Comparison)) == RATERS * TURNS * EACH
        of_both = select(func.count()).select_from(Assignment).group_by(Assignment.rater_id, Assignment.matchup_id)
        plain = of_both.where(Assignment.kind == "plain")
        assert set(session.scalars(plain)) == {1}
        assert session.scalar(select(func.count()).where(Matchup.done + Matchup.leased > Matchup.needed)) == 0
        kept = session.get_one(Study, study_id)
        counted = (kept.wanted, kept.done)
    with workspace.database.write() as session:
        study_counts.recount(session, study_id)
        found = session.get_one(Study, study_id)
        assert (found.wanted, found.done) == counted
    workspace.database.close()
