"""A study written out and taken in again: the same bytes, one transaction, one sentence."""

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from db import studies, study_counts, study_records
from db.models import Rater, Run
from db.study_models import Comparison, Matchup, Study, StudyRater, Tally
from db.study_records import Vote, records, votes
from studio.preference_file import PreferenceFault, lines
from studio.preference_imports import import_preferences
from studio.settings import Settings
from studio.workspace import Workspace, open_workspace
from tests.tiny_preferences import AXES, NAMES, RATERS, judged_study


def written(workspace: Workspace, name: str = "Été 1") -> bytes:
    with workspace.database.read() as session:
        study = studies.by_name(session, name)
        assert study is not None
        return b"".join(lines(records(session, study)))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An empty workspace in which nothing is ever stored."""
    return empty(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The lines of a study."""
    place = tmp_path_factory.mktemp("written")
    made = empty(place)
    judged_study(made, place, rounds=3)
    return written(made).splitlines(keepends=True)


def empty(place: Path) -> Workspace:
    return open_workspace(Settings(workspace=place / "other", database_url=None))


def counts(workspace: Workspace) -> list[object]:
    """Everything that is derived, by names."""
    with workspace.database.read() as session:
        study = session.scalars(select(Study)).one()
        names = studies.runs_of(session, study.id)
        tallies = sorted(
            (row.axis, names[row.left_run_id], names[row.right_run_id], row.outcome, row.votes)
            for row in session.scalars(select(Tally).where(Tally.votes > 0))
        )
        matchups = [(row.done, row.leased, row.needed) for row in session.scalars(select(Matchup).order_by(Matchup.id))]
        people = sorted(
            (name, row.state, row.done, row.skipped, row.gold_seen, row.gold_right)
            for row, name in session.execute(select(StudyRater, Rater.name).join(Rater, Rater.id == StudyRater.rater_id))
        )
        return [study.wanted, study.done, tallies, matchups, people]


@pytest.mark.parametrize("seed", range(3))
def test_export_import_export_gives_the_same_bytes_and_counts(opened: Workspace, tmp_path: Path, seed: int) -> None:
    study = judged_study(opened, tmp_path, seed)
    text = written(opened)
    rows = [json.loads(line) for line in text.decode().split("\n")[:-1]]
    kinds = {row["row"] for row in rows}
    assert kinds == {
        "study",
        "run",
        "result",
        "pair",
        "matchup",
        "rater",
        "assignment",
        "comparison",
        "adjudication",
        "message",
        "end",
    }
    answers = [row for row in rows if row["row"] == "comparison"]
    assert any(row["outcome"] is None for row in answers) and any(not row["live"] for row in answers)
    assert {"gold", "repeat", "plain"} >= {row["kind"] for row in answers} and any(row["supersedes"] for row in answers)
    (tmp_path / "study.jsonl").write_bytes(text)
    other = empty(tmp_path)
    imported = import_preferences(other, tmp_path / "study.jsonl")
    assert not imported.known and set(imported.absent) == set(NAMES)
    assert all(not Path(folder).exists() for folder in imported.absent.values())
    assert written(other) == text
    with opened.database.write() as session:
        study_counts.recount(session, study.id)
    assert counts(other) == counts(opened)


def test_a_study_of_more_rows_than_are_fetched_at_a_time_is_exported_whole(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = judged_study(opened, tmp_path)

    def found() -> tuple[bytes, list[Vote]]:
        with opened.database.read() as session:
            return written(opened), list(votes(session, study))

    at_once = found()
    monkeypatch.setattr(study_records, "BATCH", 5)
    assert found() == at_once and len(at_once[1]) > 15


def test_ids_of_the_database_are_not_in_the_file(opened: Workspace, tmp_path: Path) -> None:
    judged_study(opened, tmp_path)
    for line in written(opened).decode().split("\n")[:-1]:
        assert not [key for key in json.loads(line) if key == "id" or key.endswith("_id")]


def test_twice_stores_once_and_a_changed_study_wants_another_name(opened: Workspace, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    file = tmp_path / "study.jsonl"
    file.write_bytes(written(opened))
    assert import_preferences(opened, file).known
    other = empty(tmp_path)
    import_preferences(other, file)
    assert import_preferences(other, file).known
    with other.database.write() as session:
        other_study = studies.by_name(session, study.name)
        assert other_study is not None
        other_study.question = "Another one?"
    with pytest.raises(
        PreferenceFault, match="^study.jsonl, line 1: .*other contents is here; import this one under another name"
    ):
        import_preferences(other, file)
    with pytest.raises(PreferenceFault, match=f"line .*: its answer is here already, in the study {study.name!r}"):
        import_preferences(other, file, "Second")
    with other.database.read() as session:
        assert [one.name for one in studies.list_all(session)] == [study.name]


def test_a_study_comes_under_another_name_with_the_runs_that_are_here(opened: Workspace, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    file = tmp_path / "study.jsonl"
    file.write_bytes(written(opened))
    with opened.database.write() as session:
        studies.remove(session, study.id)
        before = session.scalar(select(func.count()).select_from(Run))
    imported = import_preferences(opened, file, "Second")
    assert imported.study.name == "Second" and not imported.absent and imported.study.dataset_id is not None
    with opened.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == before
    assert import_preferences(opened, file, "Second").known
    assert (
        written(opened, "Second").replace(b'"name":"Second"', '"name":"Été 1"'.encode()).split(b"\n")[:-2]
        == (file.read_bytes().split(b"\n")[:-2])
    )


def test_a_run_of_the_same_name_made_otherwise_is_refused(opened: Workspace, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    file = tmp_path / "study.jsonl"
    file.write_bytes(written(opened))
    with opened.database.write() as session:
        studies.remove(session, study.id)
        run = session.scalars(select(Run).where(Run.name == NAMES[1])).one()
        run.config_hash = "0" * 64
    with pytest.raises(PreferenceFault, match="line 3: .*another config"):
        import_preferences(opened, file)
    with opened.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Study)) == 0


def _end(rows: list[bytes]) -> list[bytes]:
    """The lines with a last one that is right."""
    told = {"row": "end", "rows": len(rows) - 1, "sha256": hashlib.sha256(b"".join(rows[:-1])).hexdigest()}
    return [*rows[:-1], json.dumps(told).encode() + b"\n"]


def _with(rows: list[bytes], kind: str, changed: dict[str, object]) -> tuple[list[bytes], int]:
    """The lines with a field of the first row of a kind changed (None of "gone": removed), and that line's number."""
    place = next(place for place, row in enumerate(rows) if json.loads(row)["row"] == kind)
    record = {**json.loads(rows[place]), **changed}
    record = {key: value for key, value in record.items() if value != "gone"}
    return _end([*rows[:place], json.dumps(record).encode() + b"\n", *rows[place + 1 :]]), place + 1


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("study", {"format": 2}, "this release reads 1"),
        ("study", {"axes": ["beauty"]}, "'axes'"),
        ("run", {"config": 3}, "'config'"),
        ("result", {"path": "../../etc/passwd"}, "'path'"),
        ("matchup", {"first": "Nobody's"}, "Nobody's"),
        ("rater", {"state": "gone"}, "'state' of a rater is missing"),
        ("rater", {"name": " Ada "}, "'name'"),
        ("assignment", {"rater": "A new one", "kind": "repeat"}, "repeats"),
        ("assignment", {"kind": "gold"}, "kind"),
        ("comparison", {"axis": "realism"}, "no axis"),
        ("comparison", {"outcome": "up"}, "'outcome'"),
        ("comparison", {"rater": "Nobody"}, "Nobody was not asked"),
        ("comparison", {"shown_at": "2026-11-01T08:30:00"}, "'shown_at'"),
        ("comparison", {"supersedes": "nothing"}, "supersedes"),
        ("comparison", {"zoom": float("nan")}, "'zoom'"),
        ("comparison", {"surprise": 1}, "'surprise'"),
        ("adjudication", {"ruling": None, "live": True}, "an undo cannot be live"),
        ("message", {"text": "\ud800"}, "'text'"),
    ],
)
def test_a_malformed_file_is_refused_whole_by_its_line(
    elsewhere: Workspace, rows: list[bytes], tmp_path: Path, kind: str, changed: dict[str, object], said: str
) -> None:
    bad, number = _with(rows, kind, changed)
    (tmp_path / "bad.jsonl").write_bytes(b"".join(bad))
    with pytest.raises(PreferenceFault, match=f"bad.jsonl, line {number}: ") as caught:
        import_preferences(elsewhere, tmp_path / "bad.jsonl")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    with elsewhere.database.read() as session:
        for table in (Study, Run, Rater, Comparison):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_cut_changed_doubled_and_foreign_files_are_refused(elsewhere: Workspace, rows: list[bytes], tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    answer = next(place for place, row in enumerate(rows) if json.loads(row)["row"] == "comparison")
    twice = [*rows[: answer + 1], *rows[answer:]]
    flipped = [*rows[:answer], rows[answer].replace(b'"zoom":', b'"zoom":1'), *rows[answer + 1 :]]
    for bad, said in (
        (rows[:-1], f"line {len(rows)}: the last line is missing"),
        ([], "line 1: the last line is missing"),
        ([*rows[:-2], rows[-1]], "line .*not whole"),
        (flipped, f"line {len(rows)}: the hash is not that"),
        ([*rows, rows[3]], f"line {len(rows) + 1}: there is more"),
        (_end(twice), "line .*the database refuses"),
        ([rows[1], rows[0], *rows[2:]], "line 1: a run does not stand here"),
        ([b"person,cloth\n"], "line 1: this is no JSON"),
        ([b"\xff\xfe\n"], "line 1: this is no JSON"),
        ([b"[1]\n"], "line 1: expected an object"),
    ):
        file.write_bytes(b"".join(bad))
        with pytest.raises(PreferenceFault, match=said):
            import_preferences(elsewhere, file)
    with pytest.raises(PreferenceFault, match="cannot be read"):
        import_preferences(elsewhere, tmp_path / "nowhere.jsonl")
    with elsewhere.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Study)) == 0


def test_names_of_every_script_are_in_the_file(rows: list[bytes]) -> None:
    text = b"".join(rows).decode()
    assert all(json.dumps(name, ensure_ascii=False) in text for name in (*RATERS, *AXES, *NAMES))
