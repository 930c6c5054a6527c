"""Verdicts on what the preprocessing made of an item: given, undone, looked up and exported; rows are only added."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import judgements
from db.models import OUTPUTS, VERDICTS, Dataset, Rater, Verdict


class Subject(NamedTuple):
    """One output of one item."""

    dataset_id: int
    split: str
    stem: str
    output: str


class JudgedFile(NamedTuple):
    """The file that a rater looked at."""

    file: str  # relative to the dataset's root, or "repairs/..." for a repaired one
    sha256: str
    size: int  # bytes
    mtime_ns: int


class Said(NamedTuple):
    """A verdict as it was added, and the row that it ended, if any; no verdict is an undo."""

    id: int
    stem: str
    output: str
    verdict: str | None
    judged: JudgedFile
    rater_id: int
    supersedes: int | None


def judge(
    session: Session,
    *,
    uid: str,
    rater_id: int,
    subject: Subject,
    verdict: str | None,
    judged: JudgedFile,
    shown_at: datetime,
    client: str,
    tags: Sequence[str] = (),
    note: str = "",
) -> Verdict:
    """Store a verdict in place of the rater's live one, or (None) take that back; the same uid again gives back what it stored.

    ValueError for an unknown output or verdict, or a uid that already stands for another judgement.
    """
    if subject.output not in OUTPUTS or (verdict is not None and verdict not in VERDICTS):
        expected = f"one of {', '.join(VERDICTS)} on one of {', '.join(OUTPUTS)}"
        raise ValueError(f"{subject.output!r}: {verdict!r} is no verdict; expected {expected}")
    row = Verdict(
        uid=uid,
        rater_id=rater_id,
        **subject._asdict(),
        verdict=verdict,
        tags=list(tags),
        note=note,
        file=judged.file,
        sha256=judged.sha256,
        file_size=judged.size,
        file_mtime_ns=judged.mtime_ns,
        shown_at=shown_at,
        client=client,
    )
    return judgements.add(session, row, Subject._fields, "verdict")


def said_since(session: Session, dataset_id: int, split: str, after: int = 0) -> list[Said]:
    """Every row of a split that was added after the one with the id `after`, undos too, in the order given."""
    columns = (
        Verdict.id,
        Verdict.stem,
        Verdict.output,
        Verdict.verdict,
        Verdict.file,
        Verdict.sha256,
        Verdict.file_size,
        Verdict.file_mtime_ns,
        Verdict.rater_id,
        Verdict.supersedes,
    )
    chosen = select(*columns).where(Verdict.dataset_id == dataset_id, Verdict.split == split, Verdict.id > after)
    return [
        Said(row_id, stem, output, verdict, JudgedFile(file, sha256, size, mtime_ns), rater_id, supersedes)
        for row_id, stem, output, verdict, file, sha256, size, mtime_ns, rater_id, supersedes in session.execute(
            chosen.order_by(Verdict.id)
        )
    ]


def live_of(session: Session, dataset_id: int, split: str, stems: Iterable[str]) -> list[tuple[Verdict, str]]:
    """The live verdicts on some items, each with its rater's name, in the order given."""
    chosen = (
        select(Verdict, Rater.name)
        .join(Rater, Rater.id == Verdict.rater_id)
        .where(Verdict.dataset_id == dataset_id, Verdict.split == split, Verdict.stem.in_(list(stems)), Verdict.live)
        .order_by(Verdict.id)
    )
    return [(row, name) for row, name in session.execute(chosen)]


def last_of(session: Session, dataset_id: int, split: str, rater_id: int, limit: int) -> list[Verdict]:
    """The rater's last live verdicts on a split, oldest first."""
    chosen = select(Verdict).filter_by(dataset_id=dataset_id, split=split, rater_id=rater_id, live=True)
    return list(session.scalars(chosen.order_by(Verdict.id.desc()).limit(limit)))[::-1]


def count(session: Session, dataset_id: int | None = None) -> int:
    """How many live verdicts there are, on a dataset or in all."""
    chosen = select(func.count()).select_from(Verdict).where(Verdict.live)
    if dataset_id is not None:
        chosen = chosen.where(Verdict.dataset_id == dataset_id)
    return session.scalar(chosen) or 0


def export_rows(session: Session, dataset_id: int | None = None) -> list[dict[str, Any]]:
    """Every live verdict as a flat row, in the order given; times in ISO format, UTC."""
    chosen = (
        select(Verdict, Rater.name, Dataset.name)
        .join(Rater, Rater.id == Verdict.rater_id)
        .join(Dataset, Dataset.id == Verdict.dataset_id)
        .where(Verdict.live)
        .order_by(Verdict.id)
    )
    if dataset_id is not None:
        chosen = chosen.where(Verdict.dataset_id == dataset_id)
    return [
        {
            "verdict_id": row.id,
            "uid": row.uid,
            "rater": rater,
            "dataset": dataset,
            "split": row.split,
            "item": row.stem,
            "output": row.output,
            "verdict": row.verdict,
            "tags": list(row.tags),
            "note": row.note,
            "file": row.file,
            "sha256": row.sha256,
            "shown_at": row.shown_at.isoformat(),
            "judged_at": row.judged_at.isoformat(),
            "client": row.client,
        }
        for row, rater, dataset in session.execute(chosen)
    ]
