"""An export as a job of its own, and a frozen one as a file to download."""

import os
import sys
import time
import zipfile
from pathlib import Path

from db.models import Job
from db.study_models import FrozenExport
from studio import jobs
from studio.preference_choice import Query
from studio.preference_file import PreferenceFault
from studio.workspace import Workspace


def start_export(workspace: Workspace, query: Query, made_by: int | None = None) -> Job:
    """Write what a query asks for in a process of its own, by the command that anyone can give."""
    command = [sys.executable, "-m", "studio", "export", "--study", query.study, "--format", query.format]
    command += ["--axis", query.axis] if query.axis else []
    command += ["--stratum", query.stratum] if query.stratum else []
    command += ["--only-agreed"] if query.only_agreed else []
    command += ["--with-excluded"] if query.with_excluded else []
    command += ["--test-share", str(query.test_share)] if query.test_share else []
    command += ["--by", str(made_by)] if made_by is not None else []
    return jobs.start(workspace, "export", f"Export {query.study} as {query.format}", command)


def archive(workspace: Workspace, export: FrozenExport) -> Path:
    """A frozen export as one zip, kept among what can be made again; PreferenceFault where its folder is gone."""
    folder = workspace.settings.workspace / export.folder
    file = workspace.settings.cache_dir / "exports" / f"{folder.name}.zip"
    if file.exists():
        return file
    if not folder.is_dir():
        raise PreferenceFault(f"The folder {folder} of this export is gone.")
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.{time.monotonic_ns()}")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for one in sorted(folder.rglob("*")):
            if one.is_file():
                packed.write(one, Path(folder.name) / one.relative_to(folder))
    os.replace(unfinished, file)
    return file
