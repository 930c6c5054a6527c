"""Verdicts: added once, superseded, undone, read in order; and the schema lets nothing else in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from db import annotations, datasets, raters
from db.annotations import JudgedFile, Subject
from db.engine import Database
from db.models import Dataset, Rater, Verdict

SHOWN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
FILE = JudgedFile("test/image-parse-v3/00001_00.png", "a" * 64, 123, 456)


@pytest.fixture
def dataset(database: Database) -> Dataset:
    with database.write() as session:
        return datasets.add(session, "small", "/sets/small", "v1", [], {})


def judge(database: Database, dataset: Dataset, rater: Rater, uid: str, verdict: str | None, **other: Any) -> Verdict:
    subject = Subject(dataset.id, "test", other.pop("stem", "00001_00"), other.pop("output", "parse"))
    given = {"judged": FILE, "shown_at": SHOWN, "client": "test", **other}
    with database.write() as session:
        return annotations.judge(session, uid=uid, rater_id=rater.id, subject=subject, verdict=verdict, **given)


def rows(database: Database) -> list[tuple[str, str | None, bool, int | None]]:
    with database.read() as session:
        found = session.scalars(select(Verdict).order_by(Verdict.id))
        return [(row.uid, row.verdict, row.live, row.supersedes) for row in found]


def test_a_new_verdict_supersedes_and_the_old_row_stays(database: Database, dataset: Dataset, rater: Rater) -> None:
    first = judge(database, dataset, rater, "uid-0001", "good")
    second = judge(database, dataset, rater, "uid-0002", "defect", tags=["wrong class"], note="the left sleeve")
    assert rows(database) == [("uid-0001", "good", False, None), ("uid-0002", "defect", True, first.id)]
    with database.read() as session:
        ((live, name),) = annotations.live_of(session, dataset.id, "test", ["00001_00"])
    assert (live.id, live.tags, live.note, name) == (second.id, ["wrong class"], "the left sleeve", "Ada")
    assert (live.file, live.sha256, live.shown_at) == (FILE.file, FILE.sha256, SHOWN)


def test_the_same_uid_stores_once_and_never_two_things(database: Database, dataset: Dataset, rater: Rater) -> None:
    first = judge(database, dataset, rater, "uid-0001", "good")
    assert judge(database, dataset, rater, "uid-0001", "good").id == first.id
    with pytest.raises(ValueError, match="other contents"):
        judge(database, dataset, rater, "uid-0001", "defect")
    with pytest.raises(ValueError, match="other contents"):
        judge(database, dataset, rater, "uid-0001", "good", stem="00002_00")
    assert len(rows(database)) == 1


def test_undo_ends_the_verdict_and_is_a_row_too(database: Database, dataset: Dataset, rater: Rater) -> None:
    first = judge(database, dataset, rater, "uid-0001", "usable")
    judge(database, dataset, rater, "uid-0002", None)
    assert rows(database) == [("uid-0001", "usable", False, None), ("uid-0002", None, False, first.id)]
    with database.read() as session:
        assert annotations.count(session, dataset.id) == 0
        assert annotations.live_of(session, dataset.id, "test", ["00001_00"]) == []


def test_raters_and_outputs_do_not_supersede_each_other(database: Database, dataset: Dataset, rater: Rater) -> None:
    with database.write() as session:
        other = raters.get_or_add(session, "Bo")
    judge(database, dataset, rater, "uid-0001", "good")
    judge(database, dataset, other, "uid-0002", "defect")
    judge(database, dataset, rater, "uid-0003", "good", output="agnostic")
    assert [(live, before) for _, _, live, before in rows(database)] == [(True, None)] * 3
    with database.read() as session:
        assert [one.uid for one in annotations.last_of(session, dataset.id, "test", rater.id, 5)] == ["uid-0001", "uid-0003"]


def test_what_was_said_since_is_enough_to_follow(database: Database, dataset: Dataset, rater: Rater) -> None:
    first = judge(database, dataset, rater, "uid-0001", "good")
    judge(database, dataset, rater, "uid-0002", "defect")
    judge(database, dataset, rater, "uid-0003", None)
    with database.read() as session:
        said = annotations.said_since(session, dataset.id, "test", first.id)
        assert annotations.said_since(session, dataset.id, "train") == []
    assert [(one.verdict, one.supersedes) for one in said] == [("defect", first.id), (None, said[0].id)]
    assert said[0].judged == FILE


@pytest.mark.parametrize(("output", "verdict"), [("nonsense", "good"), ("parse", "fine")])
def test_unknown_words_are_refused(database: Database, dataset: Dataset, rater: Rater, output: str, verdict: str) -> None:
    with pytest.raises(ValueError, match="is no verdict"):
        judge(database, dataset, rater, "uid-0001", verdict, output=output)


@pytest.mark.parametrize("wrong", [{"verdict": "fine"}, {"output": "flow"}, {"verdict": None}, {"uid": "uid-0001"}])
def test_the_schema_keeps_the_rules_too(database: Database, dataset: Dataset, rater: Rater, wrong: dict[str, Any]) -> None:
    judge(database, dataset, rater, "uid-0001", "good")
    row: dict[str, Any] = {
        "uid": "uid-0009",
        "dataset_id": dataset.id,
        "split": "test",
        "stem": "x",
        "output": "parse",
        "verdict": "good",
        "tags": [],
        "note": "",
        "file": "f",
        "sha256": "s",
        "file_size": 1,
        "file_mtime_ns": 1,
        "rater_id": rater.id,
        "shown_at": SHOWN,
        "client": "test",
        "live": True,
    }
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Verdict(**row | wrong))
        session.flush()


def test_export_has_only_what_is_live(database: Database, dataset: Dataset, rater: Rater) -> None:
    judge(database, dataset, rater, "uid-0001", "good")
    judge(database, dataset, rater, "uid-0002", "defect", tags=["holes"])
    with database.read() as session:
        (row,) = annotations.export_rows(session, dataset.id)
        assert annotations.export_rows(session, dataset.id + 1) == []
    assert (row["uid"], row["rater"], row["dataset"], row["item"]) == ("uid-0002", "Ada", "small", "00001_00")
    assert (row["verdict"], row["tags"], row["shown_at"]) == ("defect", ["holes"], SHOWN.isoformat())
