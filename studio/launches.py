"""Which command line a job runs: a try-on of many pairs, their measurement, the drawing of the demo set."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from db import datasets
from db.models import Dataset, Job, Run
from studio import jobs
from studio.workspace import Workspace

DEMO_NAME = "Drawn demo set"
FIRST_RUN = "Geometric, first try-ons"
FIRST_PAIRS = 12
DEMO_PAIRS = 24
DEMO_SIZE = (512, 384)


def start_generate(
    workspace: Workspace,
    dataset: Dataset,
    split: str,
    pairs: Sequence[tuple[str, str]] | None = None,
    paired: bool = False,
    name: str = "",
    warp: str = "geometric",
    diffusion: str = "none",
    seed: int = 0,
) -> Job:
    """A run over pairs of a split: those given, else the split's list, else (paired) every person in their own garment.

    A run whose name was used before gets a folder of its own; a broken-off one is taken up by starting it in its folder
    again, see `resume_generate`.
    """
    title = name.strip() or f"{dataset.name}, {split}, {'paired' if paired else 'unpaired'}"
    folder = free_folder(workspace.settings.runs_dir, title)
    command = [sys.executable, "-m", "vton.generate", "--data", dataset.root, "--split", split]
    command += ["--warp", warp, "--diffusion", diffusion, "--seed", str(seed)]
    command += ["--device", workspace.settings.device] if workspace.settings.device != "auto" else []
    if pairs is not None:
        command += ["--pairs", str(write_pairs(workspace, pairs))]
    elif paired:
        command += ["--paired"]
    command += ["--out", str(folder)]
    return jobs.start(workspace, "generate", title, command, {"import_run": str(folder), "name": title})


def resume(workspace: Workspace, job: Job) -> Job:
    """Start the same command again after it failed, was cancelled or lost; it does only what is missing."""
    return jobs.start(workspace, job.kind, job.title, job.command, job.after)


def start_evaluate(workspace: Workspace, run: Run, data: str | None = None) -> Job:
    """Measure a run; its metrics.json is taken in at the end."""
    command = [sys.executable, "-m", "vton.evaluate", run.folder, *(["--data", data] if data else [])]
    return jobs.start(workspace, "evaluate", f"Measure {run.name}", command, {"import_run": run.folder})


def start_drawing(
    workspace: Workspace,
    out: Path,
    n_test: int = DEMO_PAIRS,
    size: tuple[int, int] = DEMO_SIZE,
    seed: int = 0,
    name: str = DEMO_NAME,
    first_pairs: int = FIRST_PAIRS,
) -> Job:
    """Draw a small dataset, add it, and then make the first try-ons on it (none when `first_pairs` is 0)."""
    height, width = size
    command = [sys.executable, "-m", "vton.synthetic", "--out", str(out), "--train", "0", "--test", str(n_test)]
    command += ["--seed", str(seed), "--size", f"{height}x{width}"]
    after: dict[str, object] = {"add_dataset": str(out), "name": name}
    if first_pairs:
        after["generate"] = {"split": "test", "pairs": first_pairs, "name": FIRST_RUN}
    return jobs.start(workspace, "draw", "Draw the demo set", command, after)


def start_first(workspace: Workspace, dataset: Dataset, split: str, pairs: int, name: str) -> Job:
    """The first run on a dataset: the first few lines of a split's pair list."""
    with workspace.database.read() as session:
        chosen = datasets.page_pairs(session, dataset.id, split, paired=False, limit=pairs)
    return start_generate(workspace, dataset, split, chosen, name=name)


def free_folder(home: Path, title: str) -> Path:
    """A folder below `home` that does not exist yet, called after `title`."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "run"
    folder, number = home / slug, 1
    while folder.exists():
        number += 1
        folder = home / f"{slug}-{number}"
    return folder


def write_pairs(workspace: Workspace, pairs: Sequence[tuple[str, str]]) -> Path:
    """A pair list in the workspace, named by its contents: the same pairs are the same file."""
    import hashlib

    text = "".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in pairs)
    file = workspace.settings.jobs_dir / f"pairs-{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    if not file.exists():
        unfinished = file.with_suffix(".tmp")
        unfinished.write_text(text)
        unfinished.replace(file)
    return file
