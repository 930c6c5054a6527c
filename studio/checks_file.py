"""What the automatic checks say of a split, kept in the workspace: which items want looking at first, and why."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.workspace import Workspace
from vton.pairs import dataset_fingerprint

FORMAT = 1
PHOTO = "photo"  # the output of checks that compare photos with another split's


class ChecksFault(Exception):
    """Outcomes that cannot be kept; str() is one sentence."""


@dataclass(frozen=True)
class Failed:
    """A check that an item did not pass."""

    check: str
    output: str  # what it judges: one of db.models.OUTPUTS, "flow" or PHOTO
    score: float
    threshold: float
    sentence: str


@dataclass(frozen=True)
class Checked:
    """The newest check of a split, when it was and what the folder was like then."""

    order: tuple[str, ...]  # every stem, the worst first
    failed: Mapping[str, tuple[Failed, ...]]  # only stems with some
    passed: Mapping[str, int]  # how many checks each stem passed
    fingerprint: str
    at: datetime


def printed_file(workspace: Workspace, dataset_id: int, split: str) -> Path:
    """Where the job leaves what it found, before that is kept."""
    return workspace.settings.jobs_dir / f"checks-{dataset_id}-{split}.json"


def kept_file(workspace: Workspace, dataset_id: int, split: str) -> Path:
    """Where a split's newest outcomes are kept."""
    return workspace.settings.workspace / "checks" / f"{dataset_id}-{split}.json"


def keep(workspace: Workspace, dataset_id: int, split: str, fingerprint: str) -> None:
    """Take over what `python -m vton.preprocess.checks ROOT --json` wrote: what failed, and how much passed.

    ChecksFault where that is missing or no such file.
    """
    printed = printed_file(workspace, dataset_id, split)
    try:
        report = json.loads(printed.read_bytes())
        if report["format"] != FORMAT or report["split"] != split:
            raise ValueError("another format, or another split")
        items = {stem: _condensed(outcomes) for stem, outcomes in report["items"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ChecksFault("The checks ended without their outcomes.") from error
    now = datetime.now(UTC).isoformat()
    with _alone(workspace, dataset_id, split) as file:
        _write(file, {"format": FORMAT, "fingerprint": fingerprint, "at": now, "items": items})
    printed.unlink(missing_ok=True)


def put_item(workspace: Workspace, dataset_id: int, split: str, stem: str, outcomes: Sequence[Mapping[str, Any]]) -> None:
    """Replace what is kept of one item's maps, in its place; nothing where the split was not checked yet."""
    if checked(workspace, dataset_id, split) is None:
        return
    with _alone(workspace, dataset_id, split) as file:
        kept = json.loads(file.read_bytes())
        if stem in kept["items"]:
            of_photos = [one for one in kept["items"][stem]["failed"] if one["output"] == PHOTO]
            kept["items"][stem] = _condensed(outcomes)
            kept["items"][stem]["failed"] += of_photos
            _write(file, kept)


def put_items(
    workspace: Workspace, dataset_id: int, split: str, items: Mapping[str, Sequence[Mapping[str, Any]]], fingerprint: str
) -> None:
    """Add the outcomes of new items to what is kept, or begin with them; `fingerprint` is the folder's with these items."""
    with _alone(workspace, dataset_id, split) as file:
        kept = json.loads(file.read_bytes()) if checked(workspace, dataset_id, split) else {"items": {}}
        found = {**kept["items"], **{stem: _condensed(outcomes) for stem, outcomes in items.items()}}
        found = dict(sorted(found.items(), key=lambda item: -sum(_excess(Failed(**one)) for one in item[1]["failed"])))
        _write(file, {"format": FORMAT, "fingerprint": fingerprint, "at": datetime.now(UTC).isoformat(), "items": found})


def _condensed(outcomes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = [one.name for one in fields(Failed)]
    failed = [{name: outcome[name] for name in names} for outcome in outcomes if not outcome["ok"]]
    return {"passed": len(outcomes) - len(failed), "failed": failed}


def checked(workspace: Workspace, dataset_id: int, split: str) -> Checked | None:
    """The newest check of a split; None where there is none, or none that can be read."""
    file = kept_file(workspace, dataset_id, split)
    try:
        return _read(file, file.stat().st_mtime_ns)
    except OSError:
        return None


def is_outdated(checked: Checked, root: Path) -> bool:
    """Whether files have come or gone in the dataset since."""
    return dataset_fingerprint(root) != checked.fingerprint


@lru_cache(maxsize=8)
def _read(file: Path, _changed_ns: int) -> Checked | None:
    try:
        kept = json.loads(file.read_bytes())
        if kept["format"] != FORMAT:
            return None
        items = kept["items"]
        failed = {
            stem: tuple(sorted((Failed(**one) for one in item["failed"]), key=_excess, reverse=True))
            for stem, item in items.items()
            if item["failed"]
        }
        passed = {stem: int(item["passed"]) for stem, item in items.items()}
        return Checked(tuple(items), failed, passed, str(kept["fingerprint"]), datetime.fromisoformat(kept["at"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _excess(failed: Failed) -> float:
    return failed.score / failed.threshold if failed.threshold else float("inf")


@contextmanager
def _alone(workspace: Workspace, dataset_id: int, split: str) -> Iterator[Path]:
    """The kept file, while nobody else changes it."""
    file = kept_file(workspace, dataset_id, split)
    file.parent.mkdir(exist_ok=True)
    with file.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield file


def _write(file: Path, kept: Mapping[str, Any]) -> None:
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(kept), encoding="utf-8")
    os.replace(unfinished, file)
