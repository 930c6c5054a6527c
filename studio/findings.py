"""What the dataset doctor found, kept in the workspace: read by dataset, and looked up by person, garment and pair."""

import json
import os
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.workspace import Workspace
from vton.doctor.listing import CLOTH_KINDS, PAIR_KINDS
from vton.doctor.report import FAULT, Finding, Report
from vton.pairs import MAPS, dataset_fingerprint

FORMAT = 1
CLOTH_FOLDERS = frozenset(folder for kind in CLOTH_KINDS for folder in MAPS[kind])
PAIR_FOLDERS = frozenset(folder for kind in PAIR_KINDS for folder in MAPS[kind])
PERSON, CLOTH, PAIR = "person", "cloth", "pair"
Place = tuple[str, str, str]  # (split, PERSON, CLOTH or PAIR, stem)


class ReportFault(Exception):
    """A report that cannot be kept; str() is one sentence."""


@dataclass(frozen=True)
class Examination:
    """The doctor's report of a dataset, when it was made and what the folder was like then."""

    report: Report
    fingerprint: str
    at: datetime
    places: dict[Place, tuple[Finding, ...]]  # only findings with a stem

    def of_pair(self, split: str, person: str, cloth: str) -> list[Finding]:
        """What concerns a pair: its person's files, its garment's, and the maps of the pair itself."""
        wanted = ((PERSON, person), (CLOTH, cloth), (PAIR, f"{person}__{cloth}"))
        return [one for what, stem in wanted for one in self.places.get((split, what, stem), ())]


def subject(finding: Finding) -> str:
    """Whom a finding with a stem is about: PERSON, CLOTH or PAIR."""
    folder = finding.file.split("/")[1] if finding.file.count("/") else ""
    if folder in CLOTH_FOLDERS:
        return CLOTH
    return PAIR if folder in PAIR_FOLDERS else PERSON


def has_fault(found: list[Finding]) -> bool:
    """Whether one of the findings is a fault, not only a warning."""
    return any(one.severity == FAULT for one in found)


def printed_file(folder: Path | str) -> Path:
    """Where a job in `folder` leaves what the doctor printed."""
    return Path(folder) / "report.json"


def kept_file(workspace: Workspace, dataset_id: int) -> Path:
    """Where a dataset's newest report is kept."""
    return workspace.settings.workspace / "doctor" / f"{dataset_id}.json"


def keep(workspace: Workspace, dataset_id: int, fingerprint: str, printed: Path) -> None:
    """Take over what `python -m vton.pairs ROOT --json` printed; ReportFault when that is no report."""
    try:
        report = json.loads(printed.read_bytes())
        _report(report)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportFault("The doctor ended without a report.") from error
    kept = {"format": FORMAT, "fingerprint": fingerprint, "at": datetime.now(UTC).isoformat(), "report": report}
    file = kept_file(workspace, dataset_id)
    file.parent.mkdir(exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(kept), encoding="utf-8")
    os.replace(unfinished, file)


def examination(workspace: Workspace, dataset_id: int) -> Examination | None:
    """The newest examination of a dataset; None where there is none, or none that can be read."""
    file = kept_file(workspace, dataset_id)
    try:
        return _read(file, file.stat().st_mtime_ns)
    except OSError:
        return None


def version(workspace: Workspace, dataset_id: int) -> int:
    """Another number when a dataset was examined again; 0 before the first time."""
    try:
        return kept_file(workspace, dataset_id).stat().st_mtime_ns
    except OSError:
        return 0


def is_outdated(examined: Examination) -> bool:
    """Whether files have come or gone since."""
    return dataset_fingerprint(Path(examined.report.root)) != examined.fingerprint


@lru_cache(maxsize=8)
def _read(file: Path, _changed_ns: int) -> Examination | None:
    try:
        kept = json.loads(file.read_bytes())
        report = _report(kept["report"])
        at = datetime.fromisoformat(kept["at"])
        fingerprint = str(kept["fingerprint"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    places: dict[Place, list[Finding]] = {}
    for one in report.findings:
        if one.stem:
            places.setdefault((one.split, subject(one), one.stem), []).append(one)
    return Examination(report, fingerprint, at, {place: tuple(found) for place, found in places.items()})


def _report(value: dict[str, Any]) -> Report:
    if value["format"] != FORMAT:
        raise ValueError(f'"format": {value["format"]}; this release reads {FORMAT}')
    names = [one.name for one in fields(Finding)]
    found = tuple(Finding(**{name: str(one[name]) for name in names}) for one in value["findings"])
    return Report(value["root"], value["layout"], tuple(value["notes"]), value["counts"], found)
