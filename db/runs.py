"""Runs, their results and their metrics."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.models import Metric, Rating, Result, Run, now


class NewResult(NamedTuple):
    """One image as it lies in a run folder."""

    person: str
    cloth: str
    path: str  # relative to the run's folder
    sha256: str
    width: int
    height: int
    file_size: int
    file_mtime_ns: int


class NewMetric(NamedTuple):
    """A number about the run, or about one pair of it."""

    pair: tuple[str, str] | None
    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    higher_is_better: bool | None = None
    card: dict[str, Any] | None = None


def put(
    session: Session,
    *,
    name: str,
    folder: str,
    config: Mapping[str, Any],
    config_hash: str,
    dataset_id: int | None,
    split: str | None,
    created_at: datetime,
) -> Run:
    """The run of this folder, made or brought up to date; `name` counts only for a new one."""
    run = by_folder(session, folder)
    if run is None:
        run = Run(name=name, folder=folder, created_at=created_at)
        session.add(run)
    run.config, run.config_hash = dict(config), config_hash
    run.dataset_id, run.split, run.imported_at = dataset_id, split, now()
    session.flush()
    return run


def put_results(session: Session, run_id: int, found: Iterable[NewResult]) -> None:
    """Make the run's results those found; a pair that is still there keeps its id.

    ValueError when a result that was rated is missing: a judgement is not thrown away by an import.
    """
    known = {(row.person, row.cloth): row for row in results(session, run_id)}
    given = {(row.person, row.cloth): row._asdict() for row in found}
    gone = [row.id for key, row in known.items() if key not in given]
    rated = [row for key, row in known.items() if key not in given and _has_ratings(session, row.id)]
    if rated:
        raise ValueError(f"the result {rated[0].path} was rated and is missing now")
    for start in range(0, len(gone), 500):
        session.execute(delete(Result).where(Result.id.in_(gone[start : start + 500])))
    added = [{**values, "run_id": run_id} for key, values in given.items() if key not in known]
    kept = [
        {**values, "id": known[key].id}
        for key, values in given.items()
        if key in known and any(getattr(known[key], field) != value for field, value in values.items())
    ]
    if added:
        session.execute(insert(Result), added)
    if kept:
        session.execute(update(Result), kept)


def _has_ratings(session: Session, result_id: int) -> bool:
    return session.scalar(select(Rating.id).where(Rating.result_id == result_id).limit(1)) is not None


def put_metrics(session: Session, run_id: int, found: Iterable[NewMetric]) -> None:
    """Make the run's metrics those found; every pair named must have a result."""
    session.execute(delete(Metric).where(Metric.run_id == run_id))
    ids = {
        (person, cloth): row_id
        for row_id, person, cloth in session.execute(
            select(Result.id, Result.person, Result.cloth).where(Result.run_id == run_id)
        )
    }
    rows = []
    for metric in found:
        if metric.pair is not None and metric.pair not in ids:
            raise ValueError(f"metrics name the pair {'__'.join(metric.pair)}, of which there is no result")
        values = metric._asdict()
        pair = values.pop("pair")
        values["card"] = values["card"] or {}
        rows.append({**values, "run_id": run_id, "result_id": None if pair is None else ids[pair]})
    if rows:
        session.execute(insert(Metric), rows)


def list_all(session: Session) -> list[Run]:
    """Every run, the newest first."""
    return list(session.scalars(select(Run).order_by(Run.created_at.desc(), Run.id.desc())))


def get(session: Session, run_id: int) -> Run | None:
    """The run with this id."""
    return session.get(Run, run_id)


def by_name(session: Session, name: str) -> Run | None:
    """The run of this name."""
    return session.scalar(select(Run).where(Run.name == name))


def by_folder(session: Session, folder: str) -> Run | None:
    """The run of this folder (absolute)."""
    return session.scalar(select(Run).where(Run.folder == folder))


def folders(session: Session) -> list[str]:
    """Where the runs lie."""
    return list(session.scalars(select(Run.folder)))


def rename(session: Session, run_id: int, name: str) -> Run:
    """Give a run another name; ValueError when it is taken or empty, or there is no such run."""
    run = session.get(Run, run_id)
    other = by_name(session, name)
    if run is None or not name.strip() or (other is not None and other.id != run_id):
        raise ValueError(f"run {run_id} cannot be called {name!r}: expected a known run and a free name")
    run.name = name
    session.flush()
    return run


def remove(session: Session, run_id: int) -> None:
    """Forget a run with its results, metrics and ratings; its folder is not touched."""
    session.execute(delete(Run).where(Run.id == run_id))


def count_results(session: Session, run_id: int, search: str = "") -> int:
    """How many results `results` has in all."""
    chosen = select(func.count()).select_from(Result).where(Result.run_id == run_id, *_matches(search))
    return session.scalar(chosen) or 0


def results(session: Session, run_id: int, search: str = "", offset: int = 0, limit: int | None = None) -> list[Result]:
    """The results of a run by person and cloth, all or a page of them."""
    chosen = select(Result).where(Result.run_id == run_id, *_matches(search))
    chosen = chosen.order_by(Result.person, Result.cloth).offset(offset)
    return list(session.scalars(chosen if limit is None else chosen.limit(limit)))


def _matches(search: str) -> list[Any]:
    if not search:
        return []
    return [or_(Result.person.icontains(search, autoescape=True), Result.cloth.icontains(search, autoescape=True))]


def result(session: Session, result_id: int) -> Result | None:
    """The result with this id."""
    return session.get(Result, result_id)


def result_of_pair(session: Session, run_id: int, person: str, cloth: str) -> Result | None:
    """The result of a pair in a run."""
    return session.scalar(select(Result).where(Result.run_id == run_id, Result.person == person, Result.cloth == cloth))


def metrics(session: Session, run_id: int) -> list[Metric]:
    """The numbers about the run as a whole, by name."""
    chosen = select(Metric).where(Metric.run_id == run_id, Metric.result_id.is_(None))
    return list(session.scalars(chosen.order_by(Metric.name)))


def metrics_of_result(session: Session, result_id: int) -> dict[str, float]:
    """{metric: value} of one result."""
    rows = session.execute(select(Metric.name, Metric.value).where(Metric.result_id == result_id))
    return {name: value for name, value in rows}


def result_metrics(session: Session, run_id: int) -> dict[int, dict[str, float]]:
    """{result id: {metric: value}} for the results of a run that have any."""
    chosen = select(Metric.result_id, Metric.name, Metric.value).where(Metric.run_id == run_id, Metric.result_id.is_not(None))
    table: dict[int, dict[str, float]] = {}
    for result_id, name, value in session.execute(chosen.order_by(Metric.name)):
        table.setdefault(int(result_id or 0), {})[name] = value
    return table


def for_pair(session: Session, person: str, cloth: str, dataset_id: int | None = None) -> list[tuple[Run, Result]]:
    """Every result of a pair with its run, the newest run first."""
    chosen = select(Run, Result).join(Result, Result.run_id == Run.id)
    chosen = chosen.where(Result.person == person, Result.cloth == cloth)
    if dataset_id is not None:
        chosen = chosen.where(Run.dataset_id == dataset_id)
    rows = session.execute(chosen.order_by(Run.created_at.desc(), Run.id.desc()))
    return [(run, found) for run, found in rows]
