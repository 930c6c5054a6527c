"""Records of an exported study become rows again, in the order given; what is derived from them is counted anew."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db import datasets, raters, runs, studies, study_counts
from db.models import Base, Result, Run
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
from db.study_records import IMPORTED, Record

BATCH = 500  # rows that are stored at a time
Line = tuple[int, Record]  # its number in the file, from 1
Key = tuple[Any, ...]


class LineFault(ValueError):
    """A record that cannot be stored; str() says why, `line` which."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def store(
    session: Session, lines: Iterable[Line], name: str, folder_of: Callable[[Record], Path]
) -> tuple[Study, dict[str, str]]:
    """Make the study called `name` of the records, and the runs that are not here, in the folder that `folder_of` a run names.

    Gives the study, and {name: folder} of the runs without pictures. LineFault for a record that contradicts what is here or
    names what did not come before it; the transaction is then of no use.
    """
    writer = _Writer(session, name, folder_of)
    for line, record in lines:
        writer.take(line, record)
    study = writer.finish()
    study_counts.recount(session, study.id)
    session.refresh(study)
    return study, writer.absent


class _Writer:
    """Stores records a batch of one kind at a time, and remembers the ids of what later ones name."""

    def __init__(self, session: Session, name: str, folder_of: Callable[[Record], Path]) -> None:
        self.session, self.name, self.folder_of = session, name, folder_of
        self.study: Study | None = None
        self.absent: dict[str, str] = {}
        self.waiting: list[Line] = []
        self.kind = ""
        self.runs: dict[str, Run] = {}
        self.results: dict[Key, int] = {}
        self.pairs: dict[Key, int] = {}
        self.matchups: dict[Key, tuple[int, int, int | None, int]] = {}  # its id, its runs' and its pair's
        self.raters: dict[str, int] = {}
        self.assignments: dict[Key, tuple[int, bool]] = {}  # its id, and whether sides are swapped
        self.uids: dict[tuple[type[Base], str], int] = {}
        self.superseded: dict[type[Base], list[dict[str, int]]] = {Comparison: [], Adjudication: []}

    def take(self, line: int, record: Record) -> None:
        """Store a record with its likes, or on its own where it is the study."""
        if record["row"] != self.kind or len(self.waiting) == BATCH:
            self._flush()
            self.kind = record["row"]
        self.waiting.append((line, record))

    def finish(self) -> Study:
        """Store what waits, and say of the answers which took the place of which."""
        self._flush()
        for model, rows in self.superseded.items():
            if rows:
                self.session.execute(update(model), rows)
        assert self.study is not None
        return self.study

    def _flush(self) -> None:
        lines, self.waiting = self.waiting, []
        if not lines:
            return
        if (self.kind == "study") != (self.study is None):
            raise LineFault(lines[0][0], "a file holds one study, and that stands first")
        try:
            getattr(self, f"_{self.kind}")(lines)
            self.session.flush()
        except IntegrityError as error:
            why = f"the database refuses it, or one of the {len(lines)} lines from it on ({error.orig})"
            raise LineFault(lines[0][0], why) from error

    def _insert(self, model: type[Base], rows: list[dict[str, Any]]) -> list[int]:
        """The ids of new rows, in their order."""
        return list(self.session.scalars(insert(model).returning(model.id, sort_by_parameter_order=True), rows))

    @property
    def _id(self) -> int:
        assert self.study is not None
        return self.study.id

    @property
    def _axes(self) -> list[str]:
        assert self.study is not None
        return self.study.axes

    def _rater_id(self, name: str) -> int:
        if name not in self.raters:
            self.raters[name] = raters.get_or_add(self.session, name).id
        return self.raters[name]

    def _study(self, lines: list[Line]) -> None:
        if len(lines) > 1:
            raise LineFault(lines[1][0], "a file holds one study, and that stands first")
        line, record = lines[0]
        if studies.by_name(self.session, self.name) is not None:
            raise LineFault(line, f"a study called {self.name!r} is here already")
        values = {key: value for key, value in record.items() if key not in ("row", "format", "dataset", "made_by")}
        dataset = datasets.by_name(self.session, record["dataset"]) if record["dataset"] else None
        told = {} if dataset or not record["dataset"] else {IMPORTED: {"dataset": record["dataset"]}}
        values |= {"name": self.name, "chosen": record["chosen"] | told, "dataset_id": dataset.id if dataset else None}
        self.study = Study(**values, made_by=self._rater_id(record["made_by"]) if record["made_by"] else None)
        self.session.add(self.study)

    def _run(self, lines: list[Line]) -> None:
        for line, record in lines:
            run = runs.by_name(self.session, record["name"])
            if run is not None and run.config_hash != record["config_hash"]:
                raise LineFault(line, f"the run {run.name!r} that is here was made with another config; rename it")
            if run is None:
                folder = str(self.folder_of(record))
                if runs.by_folder(self.session, folder) is not None:
                    raise LineFault(line, f"the run {record['name']!r} is here under another name; give it that name again")
                values = {key: record[key] for key in ("name", "config", "config_hash", "split", "created_at")}
                run = Run(**values, folder=folder)
                self.session.add(run)
                self.absent[run.name] = folder
                self.session.flush()
            self.runs[run.name] = run
            self.session.add(StudyRun(study_id=self._id, run_id=run.id))

    def _result(self, lines: list[Line]) -> None:
        for line, record in lines:
            run = self._named_run(line, record["run"])
            pair = (record["person"], record["cloth"])
            result = runs.result_of_pair(self.session, run.id, *pair)
            if result is not None and result.sha256 != record["sha256"]:
                raise LineFault(line, f"the picture of {' in '.join(pair)} in {run.name!r} is not the one that was judged")
            if result is None:
                values = {key: value for key, value in record.items() if key not in ("row", "run")}
                result = Result(**values, run_id=run.id, file_mtime_ns=0)
                self.session.add(result)
                self.session.flush()
            self.results[run.name, *pair] = result.id

    def _named_run(self, line: int, name: str) -> Run:
        if name not in self.runs:
            raise LineFault(line, f"it names the run {name!r}, which no line before it does")
        return self.runs[name]

    def _pair(self, lines: list[Line]) -> None:
        rows = [{key: record[key] for key in ("person", "cloth", "stratum")} | {"study_id": self._id} for _, record in lines]
        keys = [(row["person"], row["cloth"]) for row in rows]
        self.pairs.update(zip(keys, self._insert(StudyPair, rows), strict=True))

    def _matchup(self, lines: list[Line]) -> None:
        rows, keys = [], []
        for line, record in lines:
            pair = (record["person"], record["cloth"])
            names = [record["first"]] + ([record["second"]] if record["second"] is not None else [])
            both = [self._named_run(line, name) for name in names]
            shown = [self.results.get((name, *pair)) for name in names]
            if pair not in self.pairs or None in shown:
                raise LineFault(line, f"it names {' in '.join(pair)}, of which no line before it tells pair and results")
            about: dict[str, Any] = {"study_id": self._id, "study_pair_id": self.pairs[pair]}
            about |= {"first_run_id": both[0].id, "first_result_id": shown[0]}
            rival = len(both) == 2
            about |= {"second_run_id": both[1].id if rival else None, "second_result_id": shown[1] if rival else None}
            told = ("first_sha256", "second_sha256", "bad_file", "defect", "needed")
            rows.append(about | {key: record[key] for key in told})
            bad = record["second_sha256"] if record["bad_file"] is not None else None
            keys.append((*pair, record["first"], record["second"], bad))
        for key, row, made in zip(keys, rows, self._insert(Matchup, rows), strict=True):
            self.matchups[key] = (made, row["first_run_id"], row["second_run_id"], row["study_pair_id"])

    def _rater(self, lines: list[Line]) -> None:
        rows = [
            {"rater_id": self._rater_id(record["name"]), "state": record["state"], "reason": record["reason"]}
            for _, record in lines
        ]
        self._insert(StudyRater, [{**row, "study_id": self._id} for row in rows])

    def _named_matchup(self, line: int, record: Record) -> tuple[Key, tuple[int, int, int | None, int]]:
        key = tuple(record[part] for part in ("person", "cloth", "first", "second", "bad"))
        if key not in self.matchups:
            raise LineFault(
                line, f"it names a comparison of {record['person']} in {record['cloth']} that no line before it does"
            )
        if record.get("kind", "gold" if key[-1] else "plain") not in (("gold",) if key[-1] else ("plain", "repeat")):
            raise LineFault(line, f"{record['kind']!r} is not the kind of an assignment of that comparison")
        return key, self.matchups[key]

    def _assignment(self, lines: list[Line]) -> None:
        told = ("kind", "swapped", "probability", "among", "state", "leased_at", "expires_at")
        rows: list[dict[str, Any]] = []
        keys: list[Key] = []
        for line, record in lines:
            key, matchup = self._named_matchup(line, record)
            repeats = record["kind"] == "repeat"
            if repeats and (record["rater"], *key, False) in keys:  # of the same batch: its id is needed
                self._assign(rows, keys)
                rows, keys = [], []
            before = self.assignments.get((record["rater"], *key, False))
            if repeats and before is None:
                raise LineFault(line, "it repeats an assignment that no line before it tells")
            about = {"study_id": self._id, "matchup_id": matchup[0], "rater_id": self._rater_id(record["rater"])}
            rows.append(
                about | {"repeat_of": before[0] if repeats and before else None} | {name: record[name] for name in told}
            )
            keys.append((record["rater"], *key, repeats))
        self._assign(rows, keys)

    def _assign(self, rows: list[dict[str, Any]], keys: list[Key]) -> None:
        for key, row, made in zip(keys, rows, self._insert(Assignment, rows), strict=True):
            self.assignments[key] = (made, row["swapped"])

    def _comparison(self, lines: list[Line]) -> None:
        self._unknown(Comparison, lines)
        told = ("uid", "kind", "axis", "outcome", "reason", "tags", "flagged", "zoom", "weight", "shown_at", "answered_at")
        rows = []
        for line, record in lines:
            key, (matchup, first, second, pair) = self._named_matchup(line, record)
            given = self.assignments.get((record["rater"], *key, record["kind"] == "repeat"))
            if record["axis"] not in self._axes:
                raise LineFault(line, f"{record['axis']!r} is no axis of the study")
            if given is None:
                raise LineFault(
                    line, f"{record['rater']} was not asked what it answers: no line before it tells the assignment"
                )
            left, right = (second, first) if given[1] else (first, second)
            about: dict[str, Any] = {
                "study_id": self._id,
                "assignment_id": given[0],
                "matchup_id": matchup,
                "study_pair_id": pair,
            }
            about |= {"rater_id": self._rater_id(record["rater"]), "left_run_id": left, "right_run_id": right}
            rows.append(about | {name: record[name] for name in (*told, "stored_at", "client", "live")})
        self._judged(Comparison, lines, rows)

    def _adjudication(self, lines: list[Line]) -> None:
        self._unknown(Adjudication, lines)
        rows = []
        for line, record in lines:
            about = {"matchup_id": self._named_matchup(line, record)[1][0], "rater_id": self._rater_id(record["rater"])}
            told = ("uid", "axis", "ruling", "note", "shown_at", "judged_at", "client", "live")
            rows.append(about | {name: record[name] for name in told})
        self._judged(Adjudication, lines, rows)

    def _unknown(self, model: type[Comparison] | type[Adjudication], lines: list[Line]) -> None:
        """LineFault where an answer of the same uid is stored already."""
        given = {record["uid"]: line for line, record in lines}
        for uid, matchup in self.session.execute(select(model.uid, model.matchup_id).where(model.uid.in_(list(given)))):
            study = self.session.scalar(select(Study.name).join(Matchup).where(Matchup.id == matchup))
            raise LineFault(given[uid], f"its answer is here already, in the study {study!r}; one answer is stored once")

    def _judged(self, model: type[Base], lines: list[Line], rows: list[dict[str, Any]]) -> None:
        for (line, record), made in zip(lines, self._insert(model, rows), strict=True):
            self.uids[model, record["uid"]] = made
            if record["supersedes"] is not None:
                if (model, record["supersedes"]) not in self.uids:
                    raise LineFault(line, f"it supersedes {record['supersedes']}, which no line before it tells")
                self.superseded[model].append({"id": made, "supersedes": self.uids[model, record["supersedes"]]})

    def _message(self, lines: list[Line]) -> None:
        rows = [
            {
                "rater_id": self._rater_id(record["rater"]),
                "from_id": self._rater_id(record["from"]) if record["from"] is not None else None,
                "study_id": self._id,
                **{name: record[name] for name in ("text", "sent_at", "read_at")},
            }
            for _, record in lines
        ]
        self._insert(Message, rows)
