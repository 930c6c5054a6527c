"""A study row by row for exports: everything as records that name each other by natural keys, and its votes as flat rows."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Executable, and_, select
from sqlalchemy.orm import Session, aliased

from db.models import Dataset, Rater, Result, Run
from db.study_models import (
    Adjudication,
    Assignment,
    Comparison,
    Matchup,
    Message,
    Study,
    StudyPair,
    StudyRater,
    StudyRun,
)

BATCH = 2000  # rows that are fetched at a time
IMPORTED = "imported"  # in Study.chosen: what an imported study said of its dataset
Record = dict[str, Any]


class Vote(NamedTuple):
    """A live comparison with the names of all that it is about."""

    uid: str
    matchup_id: int
    kind: str
    person: str
    cloth: str
    stratum: str
    left_run: str | None  # None: the known-bad picture
    right_run: str | None
    left_result_id: int | None
    right_result_id: int | None
    left_sha256: str
    right_sha256: str
    axis: str
    outcome: str
    reason: str
    tags: list[str]
    flagged: bool
    zoom: float
    rater: str
    rater_state: str
    swapped: bool
    probability: float | None
    among: int | None
    weight: float
    shown_at: datetime
    answered_at: datetime
    client: str


def dataset_name(session: Session, study: Study) -> str | None:
    """The name of a study's dataset; of an imported study also of one that is not here."""
    dataset = session.get(Dataset, study.dataset_id) if study.dataset_id is not None else None
    told = study.chosen.get(IMPORTED)
    return dataset.name if dataset else told.get("dataset") if isinstance(told, dict) else None


def votes(
    session: Session, study: Study, axis: str = "", stratum: str = "", excluded_too: bool = False, most: int | None = None
) -> Iterator[Vote]:
    """The live answers of a study, skips, known items and repeats too, as they were given: all, or the first `most`."""
    first, second = aliased(Run), aliased(Run)
    chosen = (
        select(Comparison, Assignment, Matchup, StudyPair, first.name, second.name, Rater.name, StudyRater.state)
        .join(Assignment, Assignment.id == Comparison.assignment_id)
        .join(Matchup, Matchup.id == Comparison.matchup_id)
        .join(StudyPair, StudyPair.id == Comparison.study_pair_id)
        .join(first, first.id == Matchup.first_run_id)
        .outerjoin(second, second.id == Matchup.second_run_id)
        .join(Rater, Rater.id == Comparison.rater_id)
        .outerjoin(StudyRater, and_(StudyRater.study_id == Comparison.study_id, StudyRater.rater_id == Comparison.rater_id))
        .where(Comparison.study_id == study.id, Comparison.live)
        .order_by(Comparison.id)
    )
    if axis:
        chosen = chosen.where(Comparison.axis == axis)
    if stratum:
        chosen = chosen.where(StudyPair.stratum == stratum)
    if not excluded_too:
        chosen = chosen.where(StudyRater.state.is_distinct_from("excluded"))
    found = session.execute(chosen.limit(most), execution_options={"yield_per": min(BATCH, most or BATCH)})
    for row, given, matchup, pair, one, other, rater, state in found:
        pictures = [
            (one, matchup.first_result_id, matchup.first_sha256),
            (other, matchup.second_result_id, matchup.second_sha256),
        ]
        left, right = pictures[::-1] if given.swapped else pictures
        yield Vote(
            uid=row.uid,
            matchup_id=matchup.id,
            kind=row.kind,
            person=pair.person,
            cloth=pair.cloth,
            stratum=pair.stratum,
            left_run=left[0],
            right_run=right[0],
            left_result_id=left[1],
            right_result_id=right[1],
            left_sha256=left[2],
            right_sha256=right[2],
            axis=row.axis,
            outcome=str(row.outcome),
            reason=row.reason,
            tags=row.tags,
            flagged=row.flagged,
            zoom=row.zoom,
            rater=rater,
            rater_state=state or "active",
            swapped=given.swapped,
            probability=given.probability,
            among=given.among,
            weight=row.weight,
            shown_at=row.shown_at,
            answered_at=row.answered_at,
            client=row.client,
        )


def files_of(session: Session, study_id: int) -> dict[int, tuple[str, str]]:
    """{result id: (the run's folder, the file in it)} of every result that a study shows."""
    chosen = select(Result.id, Run.folder, Result.path).join(Run, Run.id == Result.run_id)
    chosen = chosen.join(StudyRun, StudyRun.run_id == Run.id).where(StudyRun.study_id == study_id)
    return {result: (folder, path) for result, folder, path in session.execute(chosen)}


def records(session: Session, study: Study) -> Iterator[Record]:
    """The whole study, a record a row, each after those that it names; times are aware, and no id of the database is in it."""
    raters = {rater.id: rater.name for rater in session.scalars(select(Rater))}
    yield {
        "row": "study",
        "format": 1,
        "name": study.name,
        "question": study.question,
        "axes": study.axes,
        "raters_least": study.raters_least,
        "raters_most": study.raters_most,
        "gold_share": study.gold_share,
        "repeat_share": study.repeat_share,
        "uniform_share": study.uniform_share,
        "seed": study.seed,
        "chosen": {key: value for key, value in study.chosen.items() if key != IMPORTED},
        "dataset": dataset_name(session, study),
        "split": study.split,
        "state": study.state,
        "made_by": raters.get(study.made_by or 0),
        "created_at": study.created_at,
    }
    yield from _definition(session, study.id)
    yield from _raters(session, study.id)
    keys = _matchup_keys(session, study.id)
    yield from _assignments(session, study.id, raters, keys)
    yield from _comparisons(session, study.id, raters, keys)
    yield from _adjudications(session, study.id, raters, keys)
    for message in session.scalars(select(Message).where(Message.study_id == study.id).order_by(Message.id)):
        yield {
            "row": "message",
            "rater": raters[message.rater_id],
            "from": raters.get(message.from_id or 0),
            "text": message.text,
            "sent_at": message.sent_at,
            "read_at": message.read_at,
        }


def _definition(session: Session, study_id: int) -> Iterator[Record]:
    """Runs, the results that are judged, pairs and matchups."""
    of_runs = select(Run).join(StudyRun, StudyRun.run_id == Run.id).where(StudyRun.study_id == study_id).order_by(StudyRun.id)
    known = list(session.scalars(of_runs))
    for run in known:
        told = {"config": run.config, "config_hash": run.config_hash, "split": run.split, "created_at": run.created_at}
        yield {"row": "run", "name": run.name, **told}
    shown = select(Matchup.first_result_id).where(Matchup.study_id == study_id)
    rivals = select(Matchup.second_result_id).where(Matchup.study_id == study_id, Matchup.second_result_id.is_not(None))
    for run in known:
        of_run = select(Result).where(Result.run_id == run.id, Result.id.in_(shown.union(rivals)))
        for result in session.scalars(of_run.order_by(Result.person, Result.cloth)):
            yield {
                "row": "result",
                "run": run.name,
                "person": result.person,
                "cloth": result.cloth,
                "path": result.path,
                "sha256": result.sha256,
                "width": result.width,
                "height": result.height,
                "file_size": result.file_size,
            }
    for pair in session.scalars(select(StudyPair).where(StudyPair.study_id == study_id).order_by(StudyPair.id)):
        yield {"row": "pair", "person": pair.person, "cloth": pair.cloth, "stratum": pair.stratum}
    names = {run.id: run.name for run in known}
    chosen = select(Matchup, StudyPair).join(StudyPair, StudyPair.id == Matchup.study_pair_id)
    for matchup, pair in session.execute(chosen.where(Matchup.study_id == study_id).order_by(Matchup.id)):
        yield {
            "row": "matchup",
            "person": pair.person,
            "cloth": pair.cloth,
            "first": names[matchup.first_run_id],
            "second": names.get(matchup.second_run_id or 0),
            "first_sha256": matchup.first_sha256,
            "second_sha256": matchup.second_sha256,
            "bad_file": matchup.bad_file,
            "defect": matchup.defect,
            "needed": matchup.needed,
        }


def _raters(session: Session, study_id: int) -> Iterator[Record]:
    chosen = select(Rater.name, StudyRater.state, StudyRater.reason).join(StudyRater, StudyRater.rater_id == Rater.id)
    for name, state, reason in session.execute(chosen.where(StudyRater.study_id == study_id).order_by(Rater.name)):
        yield {"row": "rater", "name": name, "state": state, "reason": reason}


def _matchup_keys(session: Session, study_id: int) -> dict[int, Record]:
    """{matchup id: what names it}: the pair and two runs, or the run and the known-bad picture's hash."""
    first, second = aliased(Run), aliased(Run)
    columns = (StudyPair.person, StudyPair.cloth, first.name, second.name)
    chosen = (
        select(Matchup.id, *columns, Matchup.bad_file, Matchup.second_sha256)
        .join(StudyPair, StudyPair.id == Matchup.study_pair_id)
        .join(first, first.id == Matchup.first_run_id)
        .outerjoin(second, second.id == Matchup.second_run_id)
        .where(Matchup.study_id == study_id)
    )
    return {
        matchup: {"person": person, "cloth": cloth, "first": one, "second": other, "bad": sha256 if bad is not None else None}
        for matchup, person, cloth, one, other, bad, sha256 in session.execute(chosen)
    }


def _streamed(session: Session, chosen: Executable) -> Iterator[Any]:
    """Rows a batch at a time."""
    yield from session.execute(chosen.execution_options(yield_per=BATCH))


def _assignments(session: Session, study_id: int, raters: dict[int, str], keys: dict[int, Record]) -> Iterator[Record]:
    chosen = select(Assignment).where(Assignment.study_id == study_id).order_by(Assignment.id)
    for (row,) in _streamed(session, chosen):
        yield {
            "row": "assignment",
            "rater": raters[row.rater_id],
            **keys[row.matchup_id],
            "kind": row.kind,
            "swapped": row.swapped,
            "probability": row.probability,
            "among": row.among,
            "state": row.state,
            "leased_at": row.leased_at,
            "expires_at": row.expires_at,
        }


def _comparisons(session: Session, study_id: int, raters: dict[int, str], keys: dict[int, Record]) -> Iterator[Record]:
    before = aliased(Comparison)
    chosen = select(Comparison, before.uid).outerjoin(before, before.id == Comparison.supersedes)
    for row, superseded in _streamed(session, chosen.where(Comparison.study_id == study_id).order_by(Comparison.id)):
        yield {
            "row": "comparison",
            "uid": row.uid,
            "rater": raters[row.rater_id],
            **keys[row.matchup_id],
            "kind": row.kind,
            "axis": row.axis,
            "outcome": row.outcome,
            "reason": row.reason,
            "tags": row.tags,
            "flagged": row.flagged,
            "zoom": row.zoom,
            "weight": row.weight,
            "shown_at": row.shown_at,
            "answered_at": row.answered_at,
            "stored_at": row.stored_at,
            "client": row.client,
            "live": row.live,
            "supersedes": superseded,
        }


def _adjudications(session: Session, study_id: int, raters: dict[int, str], keys: dict[int, Record]) -> Iterator[Record]:
    before = aliased(Adjudication)
    chosen = (
        select(Adjudication, before.uid)
        .join(Matchup, Matchup.id == Adjudication.matchup_id)
        .outerjoin(before, before.id == Adjudication.supersedes)
    )
    for row, superseded in _streamed(session, chosen.where(Matchup.study_id == study_id).order_by(Adjudication.id)):
        yield {
            "row": "adjudication",
            "uid": row.uid,
            "rater": raters[row.rater_id],
            **keys[row.matchup_id],
            "axis": row.axis,
            "ruling": row.ruling,
            "note": row.note,
            "shown_at": row.shown_at,
            "judged_at": row.judged_at,
            "client": row.client,
            "live": row.live,
            "supersedes": superseded,
        }
