"""A study comes back from its JSONL: whole or not at all, and once, however often it is asked for."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from db import studies
from db.study_imports import Line, LineFault, store
from db.study_models import Study
from db.study_records import Record, records
from studio.preference_file import PreferenceFault, count_lines, lines, read_records
from studio.workspace import Workspace
from vton.progress import track

HOME = "imported-runs"  # in the workspace: where the pictures of imported runs would lie


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    study: Study
    known: bool  # it was here already, with the same contents
    absent: dict[str, str]  # {run: folder} of the runs whose pictures are not here

    @property
    def sentence(self) -> str:
        """What to tell the person who asked."""
        if self.known:
            return f"The study {self.study.name!r} is here already, with the same contents."
        said = f"Took in the study {self.study.name!r}."
        if self.absent:
            name, folder = next(iter(self.absent.items()))
            said += (
                f" The pictures of {', '.join(self.absent)} are not here: its votes are; to see pictures, copy the"
                f" run folder of {name} to {folder} and take that in with import-run."
            )
        return said


def import_preferences(workspace: Workspace, file: Path, name: str | None = None) -> Imported:
    """Store the study of a JSONL file, under another `name` if one is given; PreferenceFault leaves everything as it was.

    A run of the same name and config that is here is taken for the file's; others become rows without pictures.
    """
    number = count_lines(file)
    header = _check(track(read_records(file), number, "Reading"))
    wanted = " ".join((name or header["name"]).split()) or header["name"]
    if _is_here(workspace, file, wanted):
        with workspace.database.read() as session:
            study = studies.by_name(session, wanted)
        assert study is not None
        return Imported(study, True, {})

    def folder_of(run: Record) -> Path:
        told = hashlib.sha256(f"{run['name']}\n{run['config_hash']}".encode()).hexdigest()[:12]
        slug = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in run["name"])
        return (workspace.settings.workspace / HOME / f"{slug[:60]}-{told}").absolute()

    try:
        with workspace.database.write() as session:
            study, absent = store(session, track(read_records(file), number, "Storing"), wanted, folder_of)
    except LineFault as error:
        raise PreferenceFault(f"{file.name}, line {error.line}: {error}.") from error
    return Imported(study, False, absent)


def _check(found: Iterator[Line]) -> Record:
    """The header of a file of which every line can be read."""
    header: Record = {}
    for number, record in found:
        header = record if number == 1 else header
    return header


def _is_here(workspace: Workspace, file: Path, name: str) -> bool:
    """Whether a study of this name and these contents is here; PreferenceFault where its contents are others."""
    with workspace.database.read() as session:
        study = studies.by_name(session, name)
        if study is None:
            return False
        if _digest(lines(records(session, study))) == _digest(lines(record for _, record in _named(file, name))):
            return True
    raise PreferenceFault(
        f"{file.name}, line 1: a study called {name!r} with other contents is here; import this one under another name."
    )


def _named(file: Path, name: str) -> Iterator[Line]:
    """The file's records, the study by another name."""
    for number, record in read_records(file):
        yield number, {**record, "name": name} if number == 1 else record


def _digest(text: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for line in text:
        digest.update(line)
    return digest.hexdigest()
