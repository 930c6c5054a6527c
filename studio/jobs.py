"""Jobs, as the pages use them: what can be started (try-ons, measurement, doctor, checks, a drawing), watched and ended."""

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from db.models import ACTIVE_STATES, Dataset, Job, Run
from studio import checks_file, repairs
from studio.how import How
from studio.jobcontrol import JobError, JobStatus, cancel, list_recent, reconcile, start, status
from studio.uploads import Upload
from studio.workspace import Workspace
from vton.pairs import dataset_fingerprint

__all__ = [
    "ACTIVE_STATES",
    "JobError",
    "JobStatus",
    "again",
    "cancel",
    "list_recent",
    "reconcile",
    "start",
    "start_checks",
    "start_doctor",
    "start_drawing",
    "start_evaluate",
    "start_generate",
    "start_preprocess",
    "status",
]

DEMO_NAME = "Drawn demo set"
FIRST_RUN = "First try-ons"


def again(workspace: Workspace, job: Job) -> Job:
    """Start a job's command once more after it failed, was cancelled or lost; it does only what is missing."""
    return start(workspace, job.kind, job.title, job.command, job.after)


def start_generate(
    workspace: Workspace,
    dataset: Dataset,
    split: str,
    pairs: Sequence[tuple[str, str]] | None = None,
    paired: bool = False,
    name: str = "",
    how: How | None = None,
) -> Job:
    """A run over pairs of a split: those given, else the split's list, else (paired) everyone in their own garment; by the
    geometric warp alone where nothing else is named."""
    title = name.strip() or f"{dataset.name}, {split}, {'paired' if paired else 'unpaired'}"
    command = [sys.executable, "-m", "vton.generate", "--data", dataset.root, "--split", split]
    for option, value in (how or How()).options.items():
        command += [f"--{'' if value else 'no-'}{option}"] if isinstance(value, bool) else [f"--{option}", str(value)]
    command += ["--device", workspace.settings.device]
    if pairs is not None:
        command += ["--pairs", str(_write_pairs(workspace, pairs))]
    command += ["--paired"] if paired and pairs is None else []
    overlay = repairs.overlay_of(workspace, dataset)
    command += ["--repairs", str(overlay)] if overlay else []
    folder = _reserve_folder(workspace.settings.runs_dir, title)
    command += ["--out", str(folder)]
    job = start(workspace, "generate", title, command, {"import_run": str(folder), "name": title})
    if job.command != command:  # the same work is going on already, in its own folder
        folder.rmdir()
    return job


def start_evaluate(workspace: Workspace, run: Run, data: str | None = None) -> Job:
    """Measure a run; its metrics.json is taken in at the end."""
    command = [sys.executable, "-m", "vton.evaluate", run.folder, *(["--data", data] if data else [])]
    return start(workspace, "evaluate", f"Measure {run.name}", command, {"import_run": run.folder})


def start_preprocess(workspace: Workspace, upload: Upload) -> Job:
    """Make the conditions of uploaded photos; then they belong to "My photos"."""
    command = [sys.executable, "-m", "vton.preprocess", str(upload.source), "--split", "test", "--out", str(upload.out)]
    command += ["--only", *upload.only, "--device", workspace.settings.device]
    return start(workspace, "preprocess", f"Prepare {upload.pair.name}", command, {"take_upload": upload.id})


def start_doctor(workspace: Workspace, dataset: Dataset) -> Job:
    """Let the doctor look at every file of a dataset; what it finds is kept in the workspace."""
    command = [sys.executable, "-m", "vton.pairs", dataset.root, "--json"]
    after = {"doctor": dataset.id, "fingerprint": dataset_fingerprint(Path(dataset.root))}
    return start(workspace, "doctor", f"Examine {dataset.name}", command, after)


def start_checks(workspace: Workspace, dataset: Dataset, split: str) -> Job:
    """Let the automatic checks look at every item of a split, repaired maps in their place; the outcomes are kept."""
    overlay = repairs.overlay_of(workspace, dataset)
    command = [sys.executable, "-m", "vton.preprocess.checks", dataset.root, "--split", split]
    command += ["--repairs", str(overlay)] if overlay else []
    command += ["--json", str(checks_file.printed_file(workspace, dataset.id, split))]
    after = {"checks": dataset.id, "split": split, "fingerprint": dataset_fingerprint(Path(dataset.root))}
    return start(workspace, "checks", f"Check {dataset.name}, {split}", command, after)


def start_drawing(
    workspace: Workspace,
    out: Path | None = None,
    n_test: int = 24,
    size: tuple[int, int] = (512, 384),
    seed: int = 0,
    name: str = DEMO_NAME,
    first_pairs: int = 12,
) -> Job:
    """Draw a small dataset of (height, width), add it, then make the first try-ons on it (none where 0)."""
    out = out or workspace.settings.demo_set
    command = [sys.executable, "-m", "vton.synthetic", "--out", str(out), "--train", "0", "--test", str(n_test)]
    command += ["--seed", str(seed), "--size", f"{size[0]}x{size[1]}"]
    after: dict[str, Any] = {"add_dataset": str(out), "name": name}
    if first_pairs:
        after["generate"] = {"split": "test", "pairs": first_pairs, "name": FIRST_RUN}
    return start(workspace, "draw", "Draw the demo set", command, after)


def _reserve_folder(home: Path, title: str) -> Path:
    """An empty folder below `home` that was not there before, called after `title`."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "run"
    folder, number = home / slug, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
            folder = home / f"{slug}-{number}"


def _write_pairs(workspace: Workspace, pairs: Sequence[tuple[str, str]]) -> Path:
    """A pair list in the workspace, named by its contents: the same pairs are the same file."""
    text = "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in pairs)
    file = workspace.settings.jobs_dir / f"pairs-{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    if not file.exists():
        unfinished = file.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_text(text)
        unfinished.replace(file)
    return file
