"""An export and an import as jobs of their own, and a frozen export as a file to download."""

import hashlib
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path
from typing import BinaryIO

from db.models import Job
from db.study_models import FrozenExport
from studio import jobs
from studio.preference_choice import Query
from studio.preference_file import PreferenceFault
from studio.workspace import Workspace

LEFT_DAYS = 2  # that an uploaded file waits for its import to be tried again


def start_export(workspace: Workspace, query: Query, made_by: int | None = None) -> Job:
    """Write what a query asks for in a process of its own, by the command that anyone can give."""
    command = [sys.executable, "-m", "studio", "export", f"--study={query.study}", "--format", query.format]
    command += [f"--axis={query.axis}"] if query.axis else []
    command += [f"--stratum={query.stratum}"] if query.stratum else []
    command += ["--only-agreed"] if query.only_agreed else []
    command += ["--with-excluded"] if query.with_excluded else []
    command += ["--test-share", str(query.test_share)] if query.test_share else []
    command += ["--by", str(made_by)] if made_by is not None else []
    return jobs.start(workspace, "export", f"Export {query.study} as {query.format}", command)


def start_import(workspace: Workspace, file: Path, name: str = "") -> Job:
    """Take in the study of a JSONL file, under another `name` if one is given, by the command that anyone can give."""
    command = [sys.executable, "-m", "studio", "import-preferences", str(file)]
    command += [f"--name={name.strip()}"] if name.strip() else []
    return jobs.start(workspace, "import", f"Import {file.name}", command)


def keep_upload(workspace: Workspace, stream: BinaryIO, name: str) -> Path:
    """What a browser sent as a file that a job can read, among what can be made again; PreferenceFault where that cannot be."""
    home = workspace.settings.cache_dir / "imports"
    unfinished = home / f".{os.getpid()}-{time.monotonic_ns()}"
    digest = hashlib.sha256()
    try:
        home.mkdir(parents=True, exist_ok=True)
        for left in home.iterdir():
            if time.time() - left.stat().st_mtime > LEFT_DAYS * 86_400:
                shutil.rmtree(left, ignore_errors=True)
        unfinished.mkdir()
        with (unfinished / Path(name).name).open("wb") as out:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
                out.write(chunk)
        kept = home / digest.hexdigest()[:32] / Path(name).name
        kept.parent.mkdir(exist_ok=True)
        return (unfinished / kept.name).replace(kept)  # the same may be there already, and be read just now
    except OSError as error:
        raise PreferenceFault(f"{name} cannot be kept in {home} ({error.strerror}).") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


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
