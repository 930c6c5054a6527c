"""What a folder of the chain says of itself: its settings, and of every map from what it was made; safe against any kill."""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vton.errors import DataError
from vton.images import read_json, replacing, write_json

FORMAT = 1
SETTINGS, MADE, LOCK = "preprocess.json", "preprocess.jsonl", ".preprocess.lock"


def digest(*parts: str | bytes) -> str:
    """A short name for the contents of all parts together."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()[:32]


class Record:
    """The record of one folder; every entry is a line of its own, written after the files that it speaks of.

    A line that a kill has cut off counts as not written.
    """

    def __init__(self, out: Path, settings: dict[str, Any]) -> None:
        self.out, self.settings = out, settings
        self.made = {where: key for where, key in dict(_read_lines(out / MADE)).items() if key}
        self._file = (out / MADE).open("ab")
        if self._file.tell():
            self._file.write(b"\n")  # ends a line that was cut off

    def get(self, name: str, stem: str) -> str | None:
        """From what the map was made, None where it was not."""
        return self.made.get((name, stem))

    def put(self, name: str, stem: str, key: str) -> None:
        """Say that the files of a map are whole."""
        self.made[name, stem] = key
        self._file.write((json.dumps([name, stem, key], ensure_ascii=False) + "\n").encode())
        self._file.flush()

    def drop(self, name: str, stem: str) -> None:
        """Say that a map is not there (any more)."""
        if (name, stem) in self.made:
            self.put(name, stem, "")
            del self.made[name, stem]

    def set_detector(self, name: str, detector: str, replaces: str = "") -> None:
        """Say which detector makes the maps of a name. DataError where another one made them, unless that is `replaces`."""
        before = self.settings["detectors"].get(name)
        if before not in (None, detector, replaces):
            raise DataError(
                f"{self.out} has {name} made by {before}, and now it would be {detector}; choose another folder, "
                "so that one dataset is made by one detector."
            )
        if before != detector:
            self.settings["detectors"][name] = detector
            write_json(self.out / SETTINGS, self.settings)

    def close(self, whole: bool) -> None:
        """End; a run that came to its end leaves the lines in order, each once."""
        self._file.close()
        if whole:
            lines = [json.dumps([*where, key], ensure_ascii=False) + "\n" for where, key in sorted(self.made.items())]
            with replacing(self.out / MADE) as file:
                file.write("".join(lines).encode())


def _read_lines(place: Path) -> Iterator[tuple[tuple[str, str], str]]:
    if not place.exists():
        return
    for line in place.read_bytes().splitlines():
        try:
            name, stem, key = json.loads(line)
        except ValueError:
            continue  # cut off by a kill
        yield (name, stem), key


@contextmanager
def claimed(out: Path, settings: dict[str, Any]) -> Iterator[Record]:
    """The record of `out`, locked for this process, without what killed runs left half-written.

    DataError where `out` holds something else, was made with other settings, or is being written to.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file; give a folder to write the dataset into.")
    if out.is_dir() and any(out.iterdir()) and not (out / SETTINGS).exists() and not (out / LOCK).exists():
        raise DataError(f"{out} is not empty and no result of vton.preprocess; choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"{out} is being written by another process; wait for it, or end it.") from None
        for unfinished in (*out.glob(".*.tmp"), *out.glob("*/*/.*.tmp")):
            unfinished.unlink()
        record = Record(out, _agree(out, settings))
        try:
            yield record
        except BaseException:
            record.close(whole=False)
            raise
        record.close(whole=True)


def _agree(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with the detectors that were used so far; DataError where the folder has other ones."""
    place, wanted = out / SETTINGS, {"format": FORMAT, **settings}
    if not place.exists():
        write_json(place, {**wanted, "detectors": {}})
    found = read_json(place)
    if not isinstance(found, dict) or not isinstance(found.get("detectors"), dict):
        raise DataError(f"{place} is no record of vton.preprocess; choose another folder.")
    differs = [key for key in wanted if found.get(key) != wanted[key]]
    if differs:
        raise DataError(f"{out} was made with other settings (another {', '.join(differs)}); choose another folder.")
    return found


def remove(*files: Path) -> None:
    """Take files away, those that are there."""
    for file in files:
        file.unlink(missing_ok=True)


def changed_file(file: Path) -> str:
    """The digest of a file's contents. DataError where it cannot be read."""
    try:
        return digest(file.read_bytes())
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}).") from error


def write_lines(place: Path, rows: list[dict[str, str]]) -> None:
    """JSON lines; no rows leave no file."""
    if not rows:
        place.unlink(missing_ok=True)
        return
    with replacing(place) as file:
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
