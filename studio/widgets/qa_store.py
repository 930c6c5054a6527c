"""What the QA component sends, stored once."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import annotations
from db.annotations import JudgedFile, Subject
from db.models import OUTPUTS, VERDICTS
from studio.widgets.outbox import read_entries, read_moment
from studio.widgets.qa_list import Board, judged_file

CLIENT = "studio QA page"
TAGS, TAG_LENGTH, NOTE_LENGTH = 8, 40, 2000  # the most that is kept of each


@dataclass(frozen=True)
class Given:
    """One entry of the browser's outbox; no verdict takes the rater's verdict on that output back."""

    uid: str
    stem: str
    output: str
    sha256: str
    verdict: str | None
    tags: tuple[str, ...]
    note: str
    shown_at: datetime


def read_outbox(sent: Any) -> list[Given]:
    """The entries of an outbox as sent by a browser; what is malformed is left out, it could never be stored."""
    return read_entries(sent, _read_entry)


def _read_entry(entry: dict[str, Any]) -> Given | None:
    stem, sha256, note = (entry.get(name) for name in ("stem", "sha256", "note"))
    output, verdict, tags = entry.get("output"), entry.get("verdict"), entry.get("tags")
    if not all(isinstance(text, str) for text in (stem, sha256, note)):
        return None
    if output not in OUTPUTS or not (verdict is None or verdict in VERDICTS) or not isinstance(tags, list):
        return None
    kept = tuple(tag[:TAG_LENGTH] for tag in tags[:TAGS] if isinstance(tag, str))
    shown_at = read_moment(entry.get("shown_at"))
    return Given(entry["uid"], str(stem), output, str(sha256), verdict, kept, str(note)[:NOTE_LENGTH], shown_at)


def store(session: Session, board: Board, rater_id: int, given: Iterable[Given]) -> None:
    """Store each entry once, in the order given; one whose item is gone, or whose uid stands for another, is left out."""
    for one in given:
        if one.stem not in board.maps:
            continue
        with suppress(ValueError):
            annotations.judge(
                session,
                uid=one.uid,
                rater_id=rater_id,
                subject=Subject(board.dataset.id, board.split, one.stem, one.output),
                verdict=one.verdict,
                judged=_judged(board, one),
                shown_at=one.shown_at,
                client=CLIENT,
                tags=one.tags,
                note=one.note,
            )


def _judged(board: Board, one: Given) -> JudgedFile:
    """The file that was looked at; where another has taken its place since, all that is known of it is its hash."""
    now = judged_file(board.item(one.stem), one.output)
    return now if now and now.sha256 == one.sha256 else JudgedFile("", one.sha256, 0, 0)
