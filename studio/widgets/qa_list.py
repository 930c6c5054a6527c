"""Which items of a split to judge, the worst first, and what was said of each: kept up to date row by row."""

import hashlib
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from db import annotations, datasets
from db.annotations import JudgedFile, Said
from db.models import OUTPUTS, VERDICTS, Dataset
from studio import checks_file, repairs
from studio.checks_file import Checked
from studio.repairs import Item
from studio.workspace import Workspace

LEFT, ALL, CHANGED = "left", "all", "changed"
SHOWS = (LEFT, ALL, *VERDICTS[::-1], CHANGED)  # which items, by their verdicts
ANY_CHECK = "any"  # of the checks
BY_RULE = "by the rule"  # in the place of a file: an agnostic mask that is drawn from parse and keypoints


@dataclass(frozen=True)
class View:
    """Which items are gone through."""

    show: str = LEFT
    check: str = ""  # "output:check", ANY_CHECK, or all items


def judged_kind(item: Item, output: str) -> str:
    """The kind of file that stands for an output."""
    if output != "agnostic":
        return output
    return "agnostic_mask" if item.file("agnostic_mask") else "agnostic"


def outputs_of(item: Item) -> list[str]:
    """What there is to judge of an item; an agnostic mask also where only the rule draws it."""
    return [output for output in OUTPUTS if _files(item, output)[1]]


def _files(item: Item, output: str) -> tuple[str, list[str]]:
    """What stands for an output now: how a verdict names it, and the files; none where nothing does."""
    found = item.file(output) if output != "agnostic" else item.file("agnostic_mask") or item.file("agnostic")
    if found:
        return found[0], [found[1]]
    inputs = repairs.inputs_of_rule(item) if output == "agnostic" else None
    return (BY_RULE, [str(path) for path in inputs]) if inputs else ("", [])


def judged_file(item: Item, output: str) -> JudgedFile | None:
    """What stands for an output now; None where nothing does."""
    name, paths = _files(item, output)
    try:
        seen = [os.stat(path) for path in paths]
        hashes = [repairs.sha256_of(Path(path)) for path in paths]
    except OSError:
        return None
    if not paths:
        return None
    sha256 = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return JudgedFile(name, sha256, sum(one.st_size for one in seen), max(one.st_mtime_ns for one in seen))


def has_changed(item: Item, said: JudgedFile, output: str) -> bool:
    """Whether something else stands for an output than what was judged; it is read only where it may be."""
    name, paths = _files(item, output)
    try:
        seen = [os.stat(path) for path in paths]
    except OSError:
        return True
    if seen and (name, sum(one.st_size for one in seen), max(one.st_mtime_ns for one in seen)) == (
        said.file,
        said.size,
        said.mtime_ns,
    ):
        return False
    now = judged_file(item, output)
    return now is None or now.sha256 != said.sha256


@dataclass
class Board:
    """A split's items with what was said of them. One for all sessions: `update` takes in only what is new."""

    workspace: Workspace
    dataset: Dataset
    split: str
    maps: dict[str, dict[str, str]]
    checked: Checked | None
    order: list[str] = field(default_factory=list)  # the worst first, by stem where nothing was checked
    places: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)  # stem -> LEFT or the worst of its verdicts; "" with nothing to judge
    changed: set[str] = field(default_factory=set)  # stems with a verdict on what is another file now
    rows: dict[int, Said] = field(default_factory=dict)  # live ones
    live: dict[str, dict[str, list[int]]] = field(default_factory=dict)  # stem -> output -> ids, oldest first
    seen: int = 0
    repaired: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.overlay = repairs.current(self.workspace, self.dataset.id)
        ranked = [stem for stem in self.checked.order if stem in self.maps] if self.checked else []
        known = set(ranked)
        self.order = ranked + [stem for stem in self.maps if stem not in known]
        self.places = {stem: number for number, stem in enumerate(self.order)}
        for stem in self.order:
            self.states[stem] = self._state(stem)

    def item(self, stem: str) -> Item:
        """One of the items."""
        return Item(self.dataset, self.split, stem, self.maps[stem], self.overlay)

    def update(self) -> None:
        """Take in what was judged and repaired since."""
        with self.lock:
            with self.workspace.database.read() as session:
                new = annotations.said_since(session, self.dataset.id, self.split, self.seen)
            touched = {said.stem for said in new}
            for said in new:
                self._take(said)
            state = repairs.state_of(self.workspace, self.dataset)
            if state != self.repaired:
                self.repaired = state
                touched |= repairs.repaired_stems(self.workspace, self.dataset, self.split)
                touched |= {said.stem for said in self.rows.values() if said.judged.file.startswith(repairs.PREFIX)}
            for stem in touched & self.maps.keys():
                self._look(stem)

    def _take(self, said: Said) -> None:
        self.seen = said.id
        ids = self.live.setdefault(said.stem, {}).setdefault(said.output, [])
        if said.supersedes in ids:
            ids.remove(said.supersedes)
            self.rows.pop(said.supersedes, None)
        if said.verdict is not None:
            ids.append(said.id)
            self.rows[said.id] = said

    def _look(self, stem: str) -> None:
        """Work out an item's state and whether a judged file has changed."""
        given = sum(bool(ids) for ids in self.live.get(stem, {}).values())
        verdicts = self.verdicts(stem)
        (self.changed.add if len(verdicts) < given else self.changed.discard)(stem)
        self.states[stem] = self._state(stem, verdicts)

    def verdicts(self, stem: str) -> dict[str, str]:
        """{output: verdict} of an item: the newest of anyone, of files that are still what was judged."""
        item = self.item(stem)
        newest = {output: self.rows[ids[-1]] for output, ids in self.live.get(stem, {}).items() if ids}
        return {
            output: said.verdict
            for output, said in newest.items()
            if said.verdict and not has_changed(item, said.judged, output)
        }

    def _state(self, stem: str, verdicts: dict[str, str] | None = None) -> str:
        """LEFT as long as an output waits, else its worst verdict."""
        maps = self.maps[stem]
        masked = "agnostic_mask" in maps or {"image", "parse", "keypoints"} <= maps.keys()
        there = [output for output in OUTPUTS if output in maps or (output == "agnostic" and masked)]
        given = [(verdicts or {}).get(output, LEFT) for output in there]
        return next((state for state in (LEFT, *VERDICTS[::-1]) if state in given), "")

    def counts(self) -> Counter[str]:
        """How many items are in each state."""
        return Counter(self.states.values())

    def checks(self) -> Counter[str]:
        """How many items fail each check, as "output:check"."""
        failed = self.checked.failed if self.checked else {}
        return Counter(
            name
            for stem, found in failed.items()
            if stem in self.maps
            for name in {f"{one.output}:{one.check}" for one in found}
        )

    def fits(self, stem: str, view: View) -> bool:
        """Whether a view shows an item."""
        state = self.states[stem]
        if view.show == CHANGED:
            shown = stem in self.changed
        else:
            shown = bool(state) and view.show in (ALL, state)
        if not shown or not view.check:
            return shown
        found = self.checked.failed.get(stem, ()) if self.checked else ()
        return any(view.check in (ANY_CHECK, f"{one.output}:{one.check}") for one in found)

    def ahead(self, view: View, at: str | None, limit: int) -> list[str]:
        """The next items of a view behind `at`, from the start when the end is reached; from the start where `at` is None."""
        start = self.places.get(at, -1) + 1 if at is not None else 0
        found: list[str] = []
        for stem in (*self.order[start:], *self.order[:start]):
            if stem != at and self.fits(stem, view):
                found.append(stem)
                if len(found) == limit:
                    break
        return found

    def before(self, view: View, at: str) -> str | None:
        """The item of a view before `at`."""
        here = self.places.get(at, 0)
        return next((stem for stem in reversed(self.order[:here]) if self.fits(stem, view)), None)

    def number(self, view: View) -> int:
        """How many items a view shows."""
        return sum(self.fits(stem, view) for stem in self.order)


def board(workspace: Workspace, dataset: Dataset, split: str) -> Board:
    """The board of a split, up to date, one for all sessions."""
    place = (str(workspace.database.url), dataset, dataset.id, split, dataset.fingerprint)
    made = _board(workspace, *place, _version(workspace, dataset, split))
    made.update()
    return made


def _version(workspace: Workspace, dataset: Dataset, split: str) -> int:
    try:
        return checks_file.kept_file(workspace, dataset.id, split).stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=6, show_spinner="Reading the list of items")
def _board(
    _workspace: Workspace, url: str, _dataset: Dataset, dataset_id: int, split: str, fingerprint: str, checked: int
) -> Board:
    return read_board(_workspace, _dataset, split)


def read_board(workspace: Workspace, dataset: Dataset, split: str) -> Board:
    """A new board of a split, up to date."""
    with workspace.database.read() as session:
        maps = datasets.maps_of(session, dataset.id, split)
    made = Board(workspace, dataset, split, maps, checks_file.checked(workspace, dataset.id, split))
    made.update()
    return made
