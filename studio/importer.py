"""Folders become rows: a run folder, a dataset; twice without doubles, and of a damaged one nothing is stored."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from sqlalchemy.orm import Session

from db import datasets, runs, studies, study_counts
from db.models import Dataset, Result, Run
from studio.failures_file import read_failures
from studio.metrics_file import read_metrics
from studio.removal import take_up_repairs
from studio.workspace import Workspace
from vton.errors import DataError
from vton.pairs import MAPS, RESULTS, absolute, open_dataset
from vton.pairs import Dataset as Scan

FORMAT = 1
PAIR_KINDS = ("flow", "truth")  # maps named by a pair, not by a stem
WANTED_RUN = "Give the run folder, the one that holds config.json and results/."
WANTED_DATASET = "Give the folder that holds train/ or test/."


class ImportFault(Exception):
    """A folder that can't be taken in; str() is one sentence."""


def import_run(workspace: Workspace, run_dir: Path | str, name: str | None = None) -> Run:
    """The run of a run folder, with its results and metrics; what is known already is brought up to date.

    `name` is the name of a run that is new; without it the folder's own. A run of which every pair failed has no result.
    ImportFault leaves everything as it was.
    """
    name = _given_name(name)
    folder = _given_folder(run_dir, WANTED_RUN)
    if not folder.is_dir():
        raise ImportFault(f"There is no run folder at {folder}.")
    config = read_config(folder / "config.json")
    canonical = json.dumps(config, sort_keys=True, separators=(",", ":"))
    with workspace.database.read() as session:
        known = runs.by_folder(session, str(folder))
        stored = {} if known is None else {row.path: row for row in runs.results(session, known.id)}
    found = find_results(folder, stored)
    metrics = read_metrics(folder / "metrics.json", ImportFault)
    with workspace.database.write() as session:
        try:
            run = runs.put(
                session,
                name=_free_name(partial(runs.by_name, session), name or folder.name),
                folder=str(folder),
                config=config,
                config_hash=hashlib.sha256(canonical.encode()).hexdigest(),
                dataset_id=_dataset_of(session, config),
                split=_named(config, "split"),
                created_at=datetime.fromtimestamp((folder / "config.json").stat().st_mtime, UTC),
            )
            runs.put_results(session, run.id, found)
            runs.put_metrics(session, run.id, metrics)
        except ValueError as error:
            raise ImportFault(f"{folder}: {error}.") from error
    return run


def known_run(workspace: Workspace, run_dir: Path | str) -> Run | None:
    """The run of this folder, if it was taken in before."""
    folder = _given_folder(run_dir, WANTED_RUN)
    with workspace.database.read() as session:
        return runs.by_folder(session, str(folder))


def already_known(folder: str, name: str) -> str:
    """What to say when a folder was taken in before: a name given now does not replace its own."""
    return f"{folder} is already known as {name!r}; what it holds is up to date now."


def _given_name(name: str | None) -> str | None:
    """A name without the space around it; ImportFault for one of nothing but space."""
    plain = None if name is None else " ".join(name.split())
    if plain == "":
        raise ImportFault("The name is blank; give one, or leave it out to use the folder's own.")
    return plain


def _given_folder(folder: Path | str, wanted: str) -> Path:
    """A folder as a person gave it, absolute; ImportFault with what is `wanted` for a blank one."""
    if not str(folder).strip():
        raise ImportFault(wanted)
    try:
        return absolute(folder)
    except DataError as error:
        raise ImportFault(str(error)) from error


def read_config(file: Path) -> dict[str, Any]:
    """The config of a run folder, checked as far as the studio relies on it."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ImportFault(f"{file.parent} is no run folder: it has no config.json.") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ImportFault(f"{file} cannot be read as JSON ({error}).") from error
    if not isinstance(config, dict):
        raise ImportFault(f"{file} is not the config of a run: it holds no object.")
    if config.get("format") != FORMAT:
        raise ImportFault(f'{file} has "format": {json.dumps(config.get("format"))}; this release reads {FORMAT}.')
    return config


def find_results(folder: Path, stored: Mapping[str, Result]) -> list[runs.NewResult]:
    """Every picture in results/, opened and checked; one that is stored and unchanged on disk is not read again.

    None at all only where the run says which pairs failed.
    """
    place = folder / "results"
    failed = bool(read_failures(folder))
    if failed and not os.path.lexists(place):
        return []
    if not place.is_dir() or place.resolve() != place:
        raise ImportFault(f"{folder} is no run folder: it has no folder results/ of its own.")
    found: dict[tuple[str, str], runs.NewResult] = {}
    for file in sorted(place.iterdir()):
        if file.suffix.lower() not in RESULTS or file.name.startswith("."):
            continue
        result = _find_result(folder, file, stored.get(f"results/{file.name}"))
        if (result.person, result.cloth) in found:
            raise ImportFault(f"{place} holds two pictures of {file.stem}.")
        found[result.person, result.cloth] = result
    if not found and not failed:
        raise ImportFault(f"{place} holds no result yet; pictures are named <person>__<cloth>.png.")
    return list(found.values())


def _find_result(folder: Path, file: Path, stored: Result | None) -> runs.NewResult:
    person, separator, cloth = file.stem.partition("__")
    if not (person and separator and cloth):
        raise ImportFault(f"{file} is not named <person>__<cloth>{file.suffix}.")
    seen = file.lstat()
    if not stat.S_ISREG(seen.st_mode):
        raise ImportFault(f"{file} is a link or no file; a run folder holds its own pictures.")
    path = f"results/{file.name}"
    if stored and (stored.file_size, stored.file_mtime_ns) == (seen.st_size, seen.st_mtime_ns):
        sha256, width, height = stored.sha256, stored.width, stored.height
    else:
        sha256, width, height = _read_picture(file)
    return runs.NewResult(person, cloth, path, sha256, width, height, seen.st_size, seen.st_mtime_ns)


def _read_picture(file: Path) -> tuple[str, int, int]:
    """(sha256, width, height) of a picture that is whole."""
    try:
        data = file.read_bytes()
        with Image.open(BytesIO(data)) as picture:
            picture.load()
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ImportFault(f"{file} is damaged ({reason}); delete it and make it again.") from error
    return hashlib.sha256(data).hexdigest(), width, height


def _free_name(taken: Callable[[str], object | None], wanted: str) -> str:
    """`wanted`, with a number behind it where something is `taken` by that name."""
    name, number = wanted, 1
    while taken(name) is not None:
        number += 1
        name = f"{wanted} {number}"
    return name


def _named(config: Mapping[str, Any], word: str) -> str | None:
    """What a config says of its dataset; a run from elsewhere may say nothing."""
    dataset = config.get("dataset")
    value = dataset.get(word) if isinstance(dataset, dict) else None
    return value if isinstance(value, str) and value else None


def _dataset_of(session: Session, config: Mapping[str, Any]) -> int | None:
    """The dataset that a run was made on, when it is one of ours."""
    root = _named(config, "root")
    if root is None:
        return None
    try:
        dataset = datasets.by_root(session, str(absolute(root)))
    except DataError:
        return None
    return dataset.id if dataset else None


def add_dataset(workspace: Workspace, root: Path | str, name: str | None = None) -> Dataset:
    """The dataset in a folder; one that is known is brought up to date and keeps its name. ImportFault in a sentence."""
    name = _given_name(name)
    folder = _given_folder(root, WANTED_DATASET)
    try:
        scan = open_dataset(folder)
    except (DataError, OSError) as error:
        raise ImportFault(str(error)) from error
    pairs = {split.name: [(pair.person, pair.cloth) for pair in split.pairs] for split in scan.splits.values()}
    with workspace.database.write() as session:
        dataset = datasets.by_root(session, str(scan.root))
        if dataset is None:
            free = _free_name(partial(datasets.by_name, session), name or scan.root.name)
            dataset = datasets.add(session, free, str(scan.root), scan.fingerprint, _items(scan), pairs)
            _take_up_runs(session, dataset)
        elif dataset.fingerprint != scan.fingerprint:
            datasets.replace_contents(session, dataset.id, scan.fingerprint, _items(scan), pairs)
    take_up_repairs(workspace, dataset)
    return dataset


def _take_up_runs(session: Session, dataset: Dataset) -> None:
    """Give a dataset the runs that were made on its folder, and the studies of them, that have none since it was removed."""
    for run in runs.list_all(session):
        if run.dataset_id is None and _dataset_of(session, run.config) == dataset.id:
            run.dataset_id = dataset.id
    session.flush()
    for study in studies.list_all(session):
        of_runs = {session.get_one(Run, one).dataset_id for one in studies.runs_of(session, study.id)}
        if study.dataset_id is None and of_runs == {dataset.id}:
            study.dataset_id = dataset.id
    session.flush()


def known_dataset(workspace: Workspace, root: Path | str) -> Dataset | None:
    """The dataset of this folder, if it was added before."""
    folder = _given_folder(root, WANTED_DATASET)
    with workspace.database.read() as session:
        return datasets.by_root(session, str(folder))


def _items(scan: Scan) -> list[datasets.NewItem]:
    """Every stem of a scan with the maps that lie on disk for it."""
    found = []
    for split in scan.splits.values():
        by_stem: dict[str, dict[str, str]] = {}
        for kind in MAPS:
            if kind not in PAIR_KINDS:
                for stem, path in split.maps[kind].items():
                    by_stem.setdefault(stem, {})[kind] = path
        found += [
            datasets.NewItem(split.name, stem, "image" in maps, "cloth" in maps, maps)
            for stem, maps in sorted(by_stem.items())
            if "image" in maps or "cloth" in maps
        ]
    return found


def remove_run(workspace: Workspace, run_id: int) -> None:
    """Forget a run with all that people said of it, and delete its folder when it is one of the workspace's own."""
    with workspace.database.write() as session:
        run = runs.get(session, run_id)
        if run is None:
            return
        played, _ = studies.of_run(session, run_id)
        runs.remove(session, run_id)
        for study in played:
            study_counts.recount(session, study.id)
    folder, home = Path(run.folder), workspace.settings.runs_dir.resolve()
    if folder != home and folder.is_relative_to(home) and folder.is_dir():
        leaving = folder.with_name(f".removed-{run_id}-{os.getpid()}")
        folder.rename(leaving)
        shutil.rmtree(leaving)
