"""Another method's results, a folder of pictures in its own way of naming, become a run folder of ours."""

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from db import datasets
from db.models import Dataset, Run
from studio.importer import FORMAT, ImportFault, import_run
from studio.workspace import Workspace
from vton.pairs import RESULTS

Names = tuple[str, str]  # person, cloth
NAMED = "<person>__<cloth>, <person>_<cloth>, or <person> alone where the pair list has one garment for it"


def import_pictures(
    workspace: Workspace,
    folder: Path,
    dataset: Dataset,
    split: str,
    name: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Run, list[str]]:
    """Copy the pictures that are named for a pair of the split into a run of the workspace; the run, and the names left out.

    A name is of a pair as <person>__<cloth> or <person>_<cloth>, listed or not, or by its person alone where the split's list
    gives that person one garment. ImportFault in a sentence where there is no such picture, or two of one pair; then nothing
    is left behind.
    """
    if not folder.is_dir():
        raise ImportFault(f"There is no folder at {folder}.")
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in RESULTS and file.is_file())
    except OSError as error:
        raise ImportFault(f"{folder} cannot be read ({error.strerror}).") from error
    if not files:
        raise ImportFault(f"{folder} holds no picture ({', '.join(RESULTS)}).")
    with workspace.database.read() as session:
        known = datasets.stems(session, dataset.id, split)
        listed = datasets.page_pairs(session, dataset.id, split, paired=False, limit=None)
    named, left = _by_pair(files, known, listed)
    if not named:
        words = f"{folder} has no picture of a pair of {dataset.name}, {split}: {files[0].name} is not named {NAMED}."
        raise ImportFault(words)
    wanted = " ".join((name or folder.name).split()) or folder.name
    home = workspace.settings.runs_dir
    place = _free(home / "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in wanted))
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        (unfinished / "results").mkdir(parents=True)
        for number, ((person, cloth), file) in enumerate(named.items()):
            shutil.copy(file, unfinished / "results" / f"{person}__{cloth}{file.suffix.lower()}")
            progress(number + 1, len(named))
        told = {"format": FORMAT, "dataset": {"root": dataset.root, "split": split}, "source": str(folder)}
        (unfinished / "config.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
        unfinished.rename(place)
    except OSError as error:
        raise ImportFault(f"{folder} cannot be copied to {place} ({error.strerror}).") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        return import_run(workspace, place, wanted), left
    except ImportFault:
        shutil.rmtree(place)
        raise


def _by_pair(files: Iterable[Path], known: set[str], listed: Iterable[Names]) -> tuple[dict[Names, Path], list[str]]:
    """The files by the pair that they are named for, and the names of those that are named for none."""
    garments = defaultdict(set)
    for person, cloth in listed:
        garments[person].add(cloth)
    named: dict[Names, Path] = {}
    left = []
    for file in files:
        pair = _pair(file.stem, known, garments)
        if pair is None:
            left.append(file.name)
        elif pair in named:
            raise ImportFault(f"{named[pair].name} and {file.name} in {file.parent} are both of the pair {'__'.join(pair)}.")
        else:
            named[pair] = file
    return named, left


def _pair(stem: str, known: set[str], garments: dict[str, set[str]]) -> Names | None:
    """The pair that a picture is named for."""
    cuts = [place for place, letter in enumerate(stem) if letter == "_"]
    for cut in cuts:
        person, cloth = stem[:cut], stem[cut + 1 :].removeprefix("_")
        if person in known and cloth in known:
            return person, cloth
    return (stem, next(iter(garments[stem]))) if len(garments.get(stem, ())) == 1 else None


def _free(place: Path) -> Path:
    """The folder itself, or with a number behind it where there is one already."""
    found, number = place, 1
    while found.exists():
        number += 1
        found = place.with_name(f"{place.name}-{number}")
    return found
