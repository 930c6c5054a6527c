"""Pair lists, line by line: what is left out, what names no file, what is the wrong way round."""

from collections.abc import Iterator
from pathlib import Path

from vton.doctor.layout import extra_lists
from vton.doctor.report import FAULT, WARNING, Finding, Trouble, finding
from vton.errors import DataError
from vton.pairs import Line, Pair, Split, columns_swapped, read_lines

FORM = 'write "person.jpg cloth.jpg", two names of files of the split'


def check_lists(split: Split) -> Iterator[Finding]:
    """Findings of the split's own list and of those that other repositories keep beside it."""
    own = split.root / f"{split.name}_pairs.txt"
    others = extra_lists(split.root, split.name)
    if own.exists():
        yield from _check_list(split, own)
    elif split.maps["image"] and split.maps["cloth"]:
        todo = f"give {others[0].name} by --pairs, or copy it to this name" if others else "write one, or use --paired"
        yield finding(Trouble("pairs", WARNING, "there is no list, so there is no unpaired try-on", todo), own.name, split.name)
    for file in others:
        yield from _check_list(split, file)


def _check_list(split: Split, file: Path) -> Iterator[Finding]:
    try:
        lines = read_lines(file, split.maps)
    except DataError:
        trouble = Trouble("pairs", FAULT, "is no text in UTF-8, so none of its lines is read", FORM)
        yield finding(trouble, file.name, split.name)
        return
    swapped = columns_swapped(tuple(line.pair for line in lines if line.pair), split.maps)
    if swapped:
        trouble = Trouble("swapped", WARNING, 'has the columns "cloth person"; they are put right', f"swap them: {FORM}")
        yield finding(trouble, file.name, split.name)
    seen: dict[Pair, int] = {}
    for line in lines:
        pair = Pair(line.pair.cloth, line.pair.person) if line.pair and swapped else line.pair
        for trouble in _line_troubles(line, pair, split, seen):
            yield finding(trouble, f"{file.name}:{line.number}", split.name, pair.person if pair else "")
        if pair:
            seen.setdefault(pair, line.number)


def _line_troubles(line: Line, pair: Pair | None, split: Split, seen: dict[Pair, int]) -> Iterator[Trouble]:
    if pair is None:
        yield Trouble("pairs", FAULT, f"is left out: {line.problem.rstrip('.')}", FORM)
    elif pair in seen:
        yield Trouble("pairs", WARNING, f"is the same as line {seen[pair]}; it counts once", "remove it")
    elif pair.cloth in split.maps["image"] and pair.person in split.maps["cloth"] and not _there(pair, split):
        wrong = "has cloth and person the wrong way round, unlike the list's other lines"
        yield Trouble("swapped", FAULT, wrong, f"swap them: {FORM}")
    else:
        for kind, stem in (("image", pair.person), ("cloth", pair.cloth)):
            if stem not in split.maps[kind]:
                wrong = f"names {stem}, of which {split.name}/{kind} has no file"
                yield Trouble("pairs", FAULT, wrong, "add the file, or remove the line")


def _there(pair: Pair, split: Split) -> bool:
    return pair.person in split.maps["image"] and pair.cloth in split.maps["cloth"]
