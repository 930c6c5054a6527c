"""The examination of a dataset: list it, look at every file, and gather what is wrong into a report."""

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vton.doctor import layout
from vton.doctor.listing import hollow_splits, missing_maps, orphans, strange_names, unread_files
from vton.doctor.lists import check_lists
from vton.doctor.look import PHOTOS, Look, look_at
from vton.doctor.report import FAULT, WARNING, Finding, Report, Trouble, finding
from vton.doctor.sizes import Looks, check_sizes
from vton.doctor.twins import find_repeats, find_twins
from vton.pairs import SPLITS, Dataset, Split, open_dataset
from vton.progress import Progress


def examine(root: Path, workers: int | None = None) -> Report:
    """Look at every file of the dataset in `root`, with as many threads as there are processors. Nothing is written.

    DataError where `root` is no dataset at all.
    """
    dataset = open_dataset(root)
    looks = _look_at_all(dataset, workers or os.cpu_count() or 1)
    found = list(hollow_splits(dataset.root, dataset.splits, SPLITS))
    for split in dataset.splits.values():
        seen = looks[split.name]
        for part in (missing_maps(split), orphans(split), strange_names(split), unread_files(split), check_lists(split)):
            found += part
        found += _of_files(split, seen)
        found += check_sizes(split, seen)
        found += _of_tags(split)
        found += _repeated(split, seen)
    found += _shared(dataset, looks)
    counts = {split.name: _counts(split) for split in dataset.splits.values()}
    return Report(str(dataset.root), layout.name_layout(dataset.root), layout.notes(dataset.root), counts, tuple(found))


def _look_at_all(dataset: Dataset, workers: int) -> dict[str, Looks]:
    """Decoding leaves Python's lock, so threads are enough."""
    tasks = [
        (split.name, kind, stem, dataset.root / file)
        for split in dataset.splits.values()
        for kind, files in split.maps.items()
        for stem, file in files.items()
    ]
    looks: dict[str, dict[tuple[str, str], Look]] = {name: {} for name in dataset.splits}
    progress = Progress(len(tasks), "doctor")
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as threads:
        warnings.simplefilter("ignore")  # Pillow's, of bombs that are refused by their size and of damaged EXIF
        for task, look in zip(tasks, threads.map(lambda task: look_at(task[3], task[1]), tasks), strict=True):
            looks[task[0]][task[1], task[2]] = look
            progress.advance()
    return dict(looks)


def _of_files(split: Split, looks: Looks) -> Iterator[Finding]:
    for (kind, stem), look in looks.items():
        for trouble in look.troubles:
            yield finding(trouble, split.maps[kind][stem], split.name, stem)


def _of_tags(split: Split) -> Iterator[Finding]:
    file = layout.tag_file(split.root, split.name)
    if file.is_file() and layout.count_tags(file) is None:
        trouble = Trouble("tags", WARNING, 'is no list of garment tags (JSON with "data")', "download it from IDM-VTON again")
        yield finding(trouble, str(file.relative_to(split.root)), split.name)


def _repeated(split: Split, looks: Looks) -> Iterator[Finding]:
    """Pictures that lie in a split twice: they are counted twice in every mean, and a fold may learn what another asks."""
    for kind in PHOTOS:
        thumbs = _thumbs(looks, kind)
        stems = list(thumbs)
        for one, other in find_repeats(_stacked(thumbs)):
            wrong = f"shows the same picture as {split.maps[kind][stems[other]]}"
            trouble = Trouble("twins", WARNING, wrong, "keep one of them, unless both are meant to count")
            yield finding(trouble, split.maps[kind][stems[one]], split.name, stems[one])


def _shared(dataset: Dataset, looks: dict[str, Looks]) -> Iterator[Finding]:
    """Pictures that lie in train and in test: what was learnt by heart is then counted as skill."""
    if not dataset.splits.keys() >= set(SPLITS):
        return
    train, test = (dataset.splits[name] for name in SPLITS)
    for kind in PHOTOS:
        learnt, asked = (_thumbs(looks[split.name], kind) for split in (train, test))
        for one, other in find_twins(_stacked(asked), _stacked(learnt)):
            stem, twin = list(asked)[one], list(learnt)[other]
            wrong = f"shows the same picture as {train.maps[kind][twin]}"
            trouble = Trouble("shared", FAULT, wrong, "take it out of one of the two, else the test measures memory")
            yield finding(trouble, test.maps[kind][stem], test.name, stem)


def _thumbs(looks: Looks, kind: str) -> dict[str, np.ndarray]:
    return {
        stem: look.thumb
        for (of, stem), look in sorted(looks.items(), key=lambda item: item[0])
        if of == kind and look.thumb is not None
    }


def _stacked(thumbs: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack(list(thumbs.values())) if thumbs else np.zeros((0, 16, 17, 3), np.uint8)


def _counts(split: Split) -> dict[str, int]:
    return {kind: len(files) for kind, files in split.maps.items()} | {"pairs": len(split.pairs), "skipped": len(split.skipped)}
