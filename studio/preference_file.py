"""The JSONL that holds a whole study: its lines written, and read with every field checked."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.studies import AXES
from db.study_models import ASSIGNMENT_STATES, KINDS, OUTCOMES, RATER_STATES, RULINGS, STUDY_STATES
from db.study_records import Record
from vton.errors import VtonError

FORMAT = 1
END = "end"

# what a field holds: a word (? where it may be null), or the words that it may hold
_PAIR = {"person": "name", "cloth": "name"}
_MATCHUP = _PAIR | {"first": "name", "second": "name?", "bad": "text?"}
_ANSWER = {"shown_at": "time", "client": "text", "live": "bool", "supersedes": "text?"}
FIELDS: dict[str, dict[str, Any]] = {
    "study": {
        "format": "count",
        "name": "words",
        "question": "text",
        "axes": "axes",
        "raters_least": "count",
        "raters_most": "count",
        "gold_share": "share",
        "repeat_share": "share",
        "uniform_share": "share",
        "seed": "whole",
        "chosen": "object",
        "dataset": "text?",
        "split": "text?",
        "state": STUDY_STATES,
        "made_by": "words?",
        "created_at": "time",
    },
    "run": {"name": "name", "config": "object", "config_hash": "text", "split": "text?", "created_at": "time"},
    "result": {
        "run": "name",
        **_PAIR,
        "path": "path",
        "sha256": "text",
        "width": "count",
        "height": "count",
        "file_size": "count",
    },
    "pair": _PAIR | {"stratum": "text"},
    "matchup": {
        **_PAIR,
        "first": "name",
        "second": "name?",
        "first_sha256": "text",
        "second_sha256": "text",
        "bad_file": "path?",
        "defect": "text?",
        "needed": "count",
    },
    "rater": {"name": "words", "state": RATER_STATES, "reason": "text"},
    "assignment": {
        "rater": "words",
        **_MATCHUP,
        "kind": KINDS,
        "swapped": "bool",
        "probability": "share?",
        "among": "count?",
        "state": ASSIGNMENT_STATES,
        "leased_at": "time",
        "expires_at": "time",
    },
    "comparison": {
        "uid": "name",
        "rater": "words",
        **_MATCHUP,
        "kind": KINDS,
        "axis": AXES,
        "outcome": (*OUTCOMES, None),
        "reason": "text",
        "tags": "texts",
        "flagged": "bool",
        "zoom": "number",
        "weight": "number",
        "answered_at": "time",
        "stored_at": "time",
        **_ANSWER,
    },
    "adjudication": {
        "uid": "name",
        "rater": "words",
        **_MATCHUP,
        "axis": AXES,
        "ruling": (*RULINGS, None),
        "note": "text",
        "judged_at": "time",
        **_ANSWER,
    },
    "message": {"rater": "words", "from": "words?", "text": "text", "sent_at": "time", "read_at": "time?"},
    END: {"rows": "count", "sha256": "text"},
}
ORDER = list(FIELDS)


class PreferenceFault(VtonError):
    """An export or an import that cannot be done; str() is one sentence."""


def lines(records: Iterable[Record]) -> Iterator[bytes]:
    """A study's records as lines, and a last one with their number and their hash."""
    digest, number = hashlib.sha256(), 0
    for record in records:
        line = _line({key: value.isoformat() if isinstance(value, datetime) else value for key, value in record.items()})
        digest.update(line)
        number += 1
        yield line
    yield _line({"row": END, "rows": number, "sha256": digest.hexdigest()})


def _line(record: Record) -> bytes:
    return (json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def count_lines(file: Path) -> int:
    """How many records a study's JSONL has; the last line is none. PreferenceFault where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return max(sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b"")) - 1, 0)
    except OSError as error:
        raise PreferenceFault(f"{file} cannot be read ({error.strerror}).") from error


def read_records(file: Path) -> Iterator[tuple[int, Record]]:
    """(number of the line, record) of a study's JSONL, times as times, without the last line, which is checked.

    PreferenceFault names the line that is wrong.
    """
    digest, number, last, ended = hashlib.sha256(), 0, 0, False
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if ended:
                    raise PreferenceFault(f"{file.name}, line {number}: there is more behind the last line.")
                record = _read(file, number, line)
                if ORDER.index(record["row"]) < last or (number == 1) != (record["row"] == "study"):
                    raise PreferenceFault(
                        f"{file.name}, line {number}: a {record['row']} does not stand here; the study comes first."
                    )
                last = ORDER.index(record["row"])
                if record["row"] == END:
                    ended = True
                    if (record["rows"], record["sha256"]) != (number - 1, digest.hexdigest()):
                        words = "the hash is not that of the lines before it: the file was changed or is not whole"
                        raise PreferenceFault(f"{file.name}, line {number}: {words}.")
                else:
                    digest.update(line)
                    yield number, record
    except OSError as error:
        raise PreferenceFault(f"{file} cannot be read ({error.strerror}).") from error
    if not ended:
        raise PreferenceFault(f"{file.name}, line {number + 1}: the last line is missing, the file is not whole.")


def _read(file: Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PreferenceFault(f"{file.name}, line {number}: this is no JSON ({error}).") from error
    kind = record.get("row") if isinstance(record, dict) else None
    if kind not in FIELDS:
        raise PreferenceFault(f'{file.name}, line {number}: expected an object with "row", one of {", ".join(FIELDS)}.')
    if kind == "study" and record.get("format") != FORMAT:
        told = json.dumps(record.get("format"))
        raise PreferenceFault(f'{file.name}, line {number}: it has "format": {told}; this release reads {FORMAT}.')
    expected = FIELDS[kind]
    if record.keys() - {"row"} != expected.keys():
        odd = sorted((record.keys() - {"row"}) ^ expected.keys())
        state = "is missing" if odd[0] in expected else "is unknown"
        raise PreferenceFault(f"{file.name}, line {number}: {odd[0]!r} of a {kind} {state}.")
    for name, word in expected.items():
        try:
            record[name] = _value(record[name], word)
        except (TypeError, ValueError):
            told = f"one of {', '.join(map(str, word))}" if isinstance(word, tuple) else f"a {word}"
            raise PreferenceFault(
                f"{file.name}, line {number}: {name!r} of a {kind} is {record[name]!r}; expected {told}."
            ) from None
    if record.get("live") and record.get("outcome", record.get("ruling")) is None:
        raise PreferenceFault(f"{file.name}, line {number}: an undo cannot be live.")
    return record


def _value(value: Any, word: str | tuple[Any, ...]) -> Any:
    """The value that a field may hold; ValueError or TypeError for another one."""
    if isinstance(word, tuple):
        ok = value in word and not isinstance(value, bool)
    elif word.endswith("?"):
        return None if value is None else _value(value, word[:-1])
    elif word == "time":
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment.astimezone(UTC)
    elif word in ("texts", "axes"):
        ok = isinstance(value, list) and all(_is_text(one) for one in value)
        ok = ok and (word == "texts" or (0 < len(value) == len(set(value)) and set(value) <= set(AXES)))
    elif word == "path":
        ok = _is_text(value) and bool(value) and not Path(value).is_absolute() and ".." not in Path(value).parts
    elif word in ("text", "name", "words"):
        ok = _is_text(value) and (word == "text" or value != "") and (word != "words" or value == " ".join(value.split()))
    elif word in ("whole", "count"):
        ok = type(value) is int and abs(value) < 2**63 and (word == "whole" or value >= 0)
    elif word in ("number", "share"):
        ok = type(value) in (int, float) and math.isfinite(value) and (word == "number" or 0 <= value <= 1)
    else:
        ok = type(value) is {"bool": bool, "object": dict}[word]
    if not ok:
        raise ValueError(value)
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value and value.encode("utf-8", "replace").decode() == value
