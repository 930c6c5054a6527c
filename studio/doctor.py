"""What is here, and what is wrong with it: for `python -m studio doctor`."""

import importlib.util
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from db import datasets, runs
from studio import jobs
from studio.widgets.words import count
from studio.workspace import Workspace

LITTLE_SPACE = 2 * 1024**3  # bytes
Finding = tuple[bool, str]  # (all is well, a sentence)


def examine(workspace: Workspace) -> int:
    """Print every finding; 1 when something is wrong."""
    findings = [*_machine(workspace), *_contents(workspace), *_jobs(workspace)]
    for well, sentence in findings:
        print(("ok     " if well else "wrong  ") + sentence)
    return 0 if all(well for well, _ in findings) else 1


def _machine(workspace: Workspace) -> Iterator[Finding]:
    settings = workspace.settings
    yield True, f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    free = shutil.disk_usage(settings.workspace).free
    yield free > LITTLE_SPACE, f"The workspace {settings.workspace} has {free / 1024**3:.1f} GiB left"
    yield True, f"The database {workspace.database.url.render_as_string(hide_password=True)} is up to date"
    if importlib.util.find_spec("torch") is None:
        yield False, "PyTorch is not installed; requirements.txt names it"
        return
    import torch

    from vton.devices import pick

    try:
        yield True, f"PyTorch {torch.__version__} computes on {pick(settings.device)}; asked for is {settings.device}"
    except ValueError as error:
        yield False, f"PyTorch {torch.__version__}: {error}; VTON_STUDIO_DEVICE says what is asked for"


def _contents(workspace: Workspace) -> Iterator[Finding]:
    with workspace.database.read() as session:
        known, made = datasets.list_all(session), runs.list_all(session)
        counts = {row.id: datasets.splits(session, row.id) for row in known}
        results = {run.id: runs.results(session, run.id) for run in made}
    for dataset in known:
        told = ", ".join(f"{split} {count(held.persons, 'person')}" for split, held in counts[dataset.id].items())
        here = Path(dataset.root).is_dir()
        yield here, f"Dataset {dataset.name!r}: {told}" + ("" if here else f"; its folder {dataset.root} is gone")
    for run in made:
        gone = sum(not (Path(run.folder) / result.path).is_file() for result in results[run.id])
        told = f"; {gone} of their pictures are gone from {run.folder}" if gone else ""
        yield not gone, f"Run {run.name!r}: {count(len(results[run.id]), 'result')}{told}"
    if not known:
        yield True, "No dataset is known yet; start the studio, or add one with add-dataset"


def _jobs(workspace: Workspace) -> Iterator[Finding]:
    recent = jobs.list_recent(workspace)
    going = sum(job.state in jobs.ACTIVE_STATES for job in recent)
    yield True, f"Jobs: {len(recent)} recent, {going} going on"
