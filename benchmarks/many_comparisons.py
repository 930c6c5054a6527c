"""A database with a million comparisons: written straight into SQLite, in the shape that the studio gives it."""

import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from studio.settings import Settings
from studio.workspace import Workspace, open_workspace
from vton.synthetic import SyntheticConfig, draw_dataset

NAME = "a million"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
BATCH = 20_000


@dataclass(frozen=True)
class Crowd:
    """How much there is."""

    comparisons: int = 1_000_000
    runs: int = 8
    pairs: int = 2000
    raters: int = 24
    drawn: int = 24  # pairs whose pictures stand for all
    axes: tuple[str, ...] = ("overall", "garment fidelity", "fit")
    seed: int = 0


def build(folder: Path, crowd: Crowd) -> tuple[Workspace, int]:
    """A workspace in `folder` with one open study; and the study's id."""
    draw_dataset(SyntheticConfig(train=0, test=crowd.drawn, seed=crowd.seed), folder / "set")
    workspace = open_workspace(Settings(workspace=folder / "workspace"))
    connection = sqlite3.connect(folder / "workspace" / "studio.db", isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    rng = random.Random(crowd.seed)
    _put(
        connection, "dataset", [{"id": 1, "name": "set", "root": str(folder / "set"), "fingerprint": "v1", "added_at": _at(0)}]
    )
    pictures = sorted((folder / "set" / "test" / "image").iterdir())
    _put(connection, "item", _items(crowd, [picture.stem for picture in pictures]))
    _put(connection, "run", _runs(crowd, folder))
    _put(connection, "result", _results(crowd, pictures))
    _put(connection, "metric", _metrics(crowd, rng))
    _put(connection, "rater", [{"id": n, "name": f"rater {n:02}", "added_at": _at(0)} for n in range(1, crowd.raters + 1)])
    study = _study(connection, crowd, rng)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()
    for n in range(crowd.runs):
        (folder / f"run-{n}").symlink_to(folder / "set" / "test" / "image", target_is_directory=True)
    return workspace, study


def _at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


def _put(connection: sqlite3.Connection, table: str, rows: Any) -> None:
    found = iter(rows)
    while batch := list(islice(found, BATCH)):
        columns = list(batch[0])
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        connection.executemany(statement, [tuple(row.values()) for row in batch])


def _stem(pair: int) -> tuple[str, str]:
    return f"{pair:05}_00", f"{pair:05}_01"


def _items(crowd: Crowd, stems: list[str]) -> Iterator[dict[str, Any]]:
    for pair in range(crowd.pairs):
        file = stems[pair % len(stems)]
        for stem, kind, folder in zip(_stem(pair), ("image", "cloth"), ("image", "cloth"), strict=True):
            maps = f'{{"{kind}": "test/{folder}/{file}.jpg"}}'
            person = kind == "image"
            yield {"dataset_id": 1, "split": "test", "stem": stem, "has_person": person, "has_cloth": not person, "maps": maps}


def _runs(crowd: Crowd, folder: Path) -> Iterator[dict[str, Any]]:
    for n in range(crowd.runs):
        yield {
            "id": n + 1,
            "name": f"run {n}",
            "folder": str(folder / f"run-{n}"),
            "config": "{}",
            "config_hash": f"{n}",
            "dataset_id": 1,
            "split": "test",
            "created_at": _at(0),
            "imported_at": _at(0),
        }


def _results(crowd: Crowd, pictures: list[Path]) -> Iterator[dict[str, Any]]:
    hashes = [hashlib.sha256(picture.read_bytes()).hexdigest() for picture in pictures]
    for n in range(crowd.runs):
        for pair in range(crowd.pairs):
            person, cloth = _stem(pair)
            yield {
                "id": n * crowd.pairs + pair + 1,
                "run_id": n + 1,
                "person": person,
                "cloth": cloth,
                "path": pictures[(pair + n) % len(pictures)].name,
                "sha256": hashes[(pair + n) % len(hashes)],
                "width": 192,
                "height": 256,
                "file_size": 1,
                "file_mtime_ns": 1,
            }


def _metrics(crowd: Crowd, rng: random.Random) -> Iterator[dict[str, Any]]:
    for n in range(crowd.runs):
        for pair in range(crowd.pairs):
            value = 0.7 + 0.02 * n + rng.gauss(0, 0.05)
            result = n * crowd.pairs + pair + 1
            about = {"run_id": n + 1, "result_id": result, "name": "ssim", "value": value}
            yield about | {"higher_is_better": True, "card": "{}"}


def _study(connection: sqlite3.Connection, crowd: Crowd, rng: random.Random) -> int:
    """The study with its matchups, as many assignments as make the comparisons, and all counts."""
    about = {"id": 1, "name": NAME, "question": "Which is better?", "dataset_id": 1, "split": "test", "state": "open"}
    about |= {"axes": json.dumps(crowd.axes), "raters_least": 7, "raters_most": 7, "seed": 0, "chosen": "{}"}
    about |= {"gold_share": 0.06, "repeat_share": 0.05, "uniform_share": 0.5, "created_at": _at(0), "wanted": 0, "done": 0}
    _put(connection, "study", [about])
    _put(connection, "study_run", [{"study_id": 1, "run_id": n + 1} for n in range(crowd.runs)])
    pairs = [dict(zip(("person", "cloth"), _stem(pair), strict=True)) for pair in range(crowd.pairs)]
    strata = ("short sleeves", "long sleeves")
    _put(
        connection,
        "study_pair",
        [{"id": n + 1, "study_id": 1, **pair, "stratum": strata[n % 2]} for n, pair in enumerate(pairs)],
    )
    matchups = [
        (pair, first, second) for pair in range(crowd.pairs) for first, second in combinations(range(1, crowd.runs + 1), 2)
    ]
    answers = crowd.comparisons // len(crowd.axes)
    each, over = divmod(answers, len(matchups))
    done = [each + (n < over) for n in range(len(matchups))]
    hashes = dict(connection.execute("SELECT id, sha256 FROM result"))
    _put(connection, "matchup", _matchups(crowd, matchups, done, hashes))
    rng.shuffle(order := [n for n in range(len(matchups)) for _ in range(done[n])])
    _put(connection, "assignment", _assignments(crowd, order, rng))
    _put(connection, "comparison", _comparisons(connection, crowd, matchups, rng))
    _derive(connection)
    return 1


def _matchups(
    crowd: Crowd, matchups: list[tuple[int, int, int]], done: list[int], hashes: dict[int, str]
) -> Iterator[dict[str, Any]]:
    for n, (pair, first, second) in enumerate(matchups):
        yield {
            "id": n + 1,
            "study_id": 1,
            "study_pair_id": pair + 1,
            "first_run_id": first,
            "second_run_id": second,
            "first_result_id": (first - 1) * crowd.pairs + pair + 1,
            "second_result_id": (second - 1) * crowd.pairs + pair + 1,
            "first_sha256": hashes[(first - 1) * crowd.pairs + pair + 1],
            "second_sha256": hashes[(second - 1) * crowd.pairs + pair + 1],
            "needed": 7,
            "done": min(done[n], 7),
            "leased": 0,
        }


def _assignments(crowd: Crowd, order: list[int], rng: random.Random) -> Iterator[dict[str, Any]]:
    """Each matchup's answers by different raters, all over the time of the study."""
    given: dict[int, int] = {}
    for place, matchup in enumerate(order):
        turn = given[matchup] = given.get(matchup, rng.randrange(crowd.raters)) + 1
        yield {
            "id": place + 1,
            "study_id": 1,
            "matchup_id": matchup + 1,
            "rater_id": turn % crowd.raters + 1,
            "kind": "plain",
            "swapped": rng.random() < 0.5,
            "probability": 0.5,
            "among": 2,
            "state": "done",
            "leased_at": _at(place * 4.0),
            "expires_at": _at(place * 4.0 + 600),
        }


def _comparisons(
    connection: sqlite3.Connection, crowd: Crowd, matchups: list[tuple[int, int, int]], rng: random.Random
) -> Iterator[dict[str, Any]]:
    """An answer to every assignment on every axis; a later run is better, and every tenth answer is a tie."""
    number = 0
    found = connection.execute("SELECT id, matchup_id, rater_id, swapped FROM assignment ORDER BY id")
    for assignment, matchup, rater, swapped in found:
        pair, first, second = matchups[matchup - 1]
        left, right = (second, first) if swapped else (first, second)
        for axis in crowd.axes:
            number += 1
            better = rng.random() < 1 / (1 + 2.7 ** (0.25 * (right - left)))
            outcome = rng.choice(("both good", "both bad")) if rng.random() < 0.1 else "left" if better else "right"
            yield {
                "id": number,
                "uid": f"{number:032x}",
                "rater_id": rater,
                "shown_at": _at(assignment * 4.0),
                "client": "benchmark",
                "live": True,
                "supersedes": None,
                "study_id": 1,
                "assignment_id": assignment,
                "matchup_id": matchup,
                "study_pair_id": pair + 1,
                "kind": "plain",
                "left_run_id": left,
                "right_run_id": right,
                "weight": 1.0,
                "axis": axis,
                "outcome": outcome,
                "reason": "",
                "tags": "[]",
                "flagged": False,
                "zoom": 1.0,
                "answered_at": _at(assignment * 4.0 + 3),
                "stored_at": _at(assignment * 4.0 + 3),
            }


def _derive(connection: sqlite3.Connection) -> None:
    """The counts that the studio keeps with each answer."""
    connection.execute(
        "INSERT INTO tally (study_id, axis, left_run_id, right_run_id, outcome, votes) SELECT study_id, axis, left_run_id, "
        "right_run_id, outcome, count(*) FROM comparison GROUP BY study_id, axis, left_run_id, right_run_id, outcome"
    )
    connection.execute("UPDATE study SET (wanted, done) = (SELECT sum(needed), sum(done) FROM matchup)")
    connection.execute(
        "INSERT INTO study_rater (study_id, rater_id, state, reason, done, skipped, gold_seen, gold_right, first_at, last_at) "
        "SELECT study_id, rater_id, 'active', '', count(*), 0, 0, 0, min(leased_at), max(leased_at) FROM assignment "
        "GROUP BY study_id, rater_id"
    )
