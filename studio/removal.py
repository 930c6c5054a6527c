"""A dataset leaves the studio: its folder stays, and so do repairs made by hand, unless somebody wants them gone too."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from db import annotations, datasets
from db.models import Dataset, Run, SavedView
from studio import repairs
from studio.checks_file import kept_file
from studio.workspace import Workspace
from vton.pairs import SPLITS

FORMAT = 1
OWNER = "dataset.json"  # beside the repairs of a dataset that was removed: whose they are


@dataclass(frozen=True)
class Belongings:
    """What the workspace has of a dataset besides its list of files."""

    verdicts: int
    views: int
    runs: int
    repaired: int  # items with a map repaired by hand
    repairs: Path  # where those lie


def belongings(workspace: Workspace, dataset: Dataset) -> Belongings:
    """What a removal is about."""
    with workspace.database.read() as session:
        verdicts = annotations.count(session, dataset.id)
        views, runs = (
            session.scalar(select(func.count()).select_from(table).where(table.dataset_id == dataset.id)) or 0
            for table in (SavedView, Run)
        )
    repaired = sum(len(repairs.repaired_stems(workspace, dataset, split)) for split in SPLITS)
    return Belongings(verdicts, views, runs, repaired, repairs.home(workspace, dataset.id))


def remove_dataset(workspace: Workspace, dataset: Dataset, with_repairs: bool = False) -> None:
    """Forget a dataset with its verdicts, views and checks. Its folder and its runs stay.

    Its repairs stay where they are and serve again when the same folder is added again, unless they are to go too.
    """
    home = repairs.home(workspace, dataset.id)
    if home.is_dir():
        told = {"format": FORMAT, "root": dataset.root, "name": dataset.name}
        (home / OWNER).write_text(json.dumps(told), encoding="utf-8")
    with workspace.database.write() as session:
        datasets.remove(session, dataset.id)
    for split in SPLITS:
        kept = kept_file(workspace, dataset.id, split)
        kept.unlink(missing_ok=True)
        kept.with_suffix(".lock").unlink(missing_ok=True)
    if with_repairs and home.is_dir():
        leaving = home.with_name(f".removed-{home.name}")
        home.rename(leaving)
        shutil.rmtree(leaving)


def take_up_repairs(workspace: Workspace, dataset: Dataset) -> bool:
    """Give a dataset that was just added the repairs that were made while the studio knew its folder before, if there are."""
    folder = repairs.home(workspace, dataset.id)
    with workspace.database.read() as session:
        known = {str(row.id) for row in datasets.list_all(session)}
    for owner in sorted(folder.parent.glob(f"*/{OWNER}"), reverse=True):
        if owner.parent.name not in known and _root(owner) == dataset.root and not folder.exists():
            owner.parent.rename(folder)
            return True
    return False


def _root(owner: Path) -> str:
    try:
        return str(json.loads(owner.read_text(encoding="utf-8"))["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
