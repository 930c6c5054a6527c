"""The chain: a folder of photos becomes a dataset with every condition, one detector after the other, safe against any kill.

Each stage goes over all photos, in batches, with its model loaded once and given back afterwards. A file takes its place only
when it is whole, and then a line of the record (`vton.preprocess.record`) says from what it was made: so a second call makes
what is missing, and what was made of a photo that has changed since.
"""

import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vton.devices import pick
from vton.errors import DataError, PreprocessError, VtonError
from vton.images import read_image, replacing, write_json
from vton.pairs import SPLITS, Split, absolute, open_split
from vton.preprocess import detectors as real
from vton.preprocess.checks import check_split, report, stems_of
from vton.preprocess.detectors import Detectors
from vton.preprocess.layout import (
    KINDS,
    NAMES,
    WRITERS,
    derive_agnostic,
    has,
    left_out,
    list_pairs,
    open_source,
    owner,
    place,
    take,
)
from vton.preprocess.photos import LONGEST, QUALITY, keep_photo
from vton.preprocess.record import Record, changed_file, claimed, digest, remove, write_lines
from vton.preprocess.stages import CHECKS, LOST, PHOTOS, TITLES, Stage
from vton.preprocess.white import WhiteBackground
from vton.progress import Progress

STAGES, FAILURES, REMARKS = "stages.json", "failures.jsonl", "remarks.jsonl"  # in the folder that is written
CHECKED = "checks.json"  # likewise
FALLBACK = WhiteBackground.__name__


@dataclass(frozen=True)
class PreprocessConfig:
    """Which photos, and what to make of them."""

    root: Path  # a dataset, or a folder that holds image/ and cloth/
    split: str = "test"
    only: tuple[str, ...] | None = None  # of NAMES; None: all. What is left out is taken from `root`
    device: str = "auto"  # of DEVICES
    batch: int = 4  # photos

    def __post_init__(self) -> None:
        unknown = sorted(set(self.only or ()) - set(NAMES))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is nothing that can be made; choose from {', '.join(NAMES)}.")
        if self.split not in SPLITS:
            raise ValueError(f"A split is {' or '.join(SPLITS)}, not {self.split!r}.")
        if self.batch < 1:
            raise ValueError(f"A batch has 1 photo or more, not {self.batch}.")
        pick(self.device)

    def makes(self, name: str) -> bool:
        """Whether maps of that name are to be made."""
        return self.only is None or name in self.only

    def settings(self, source: Split) -> dict[str, Any]:
        """What must stay the same for a folder that is written in several calls."""
        only = [name for name in NAMES if self.makes(name)]
        return {"root": str(source.root), "split": self.split, "only": only, "longest": LONGEST, "quality": QUALITY}


@dataclass
class Chain:
    """One run of the chain over one split."""

    config: PreprocessConfig
    source: Split
    out: Path
    record: Record
    detectors: Detectors | None  # None: the real ones, each opened for its stage
    stages: dict[str, Stage] = field(default_factory=lambda: {name: Stage(name, title) for name, title in TITLES.items()})
    failures: list[dict[str, str]] = field(default_factory=list)
    remarks: list[dict[str, str]] = field(default_factory=list)  # what people should know of photos that did not fail

    def run(self) -> list[str]:
        """Every stage; the names of the photos that failed somewhere."""
        self._keep_photos()
        for name in NAMES:
            if self.config.makes(name):
                self._derive() if name == "agnostic" else self._detect(name)
            elif has(self.source, name):
                self._take(name)
            else:
                self._end(self.stages[name], "off")
        self._write_list()
        self._check()
        return sorted({failure["photo"] for failure in self.failures})

    def _keep_photos(self) -> None:
        todo = [(kind, stem) for kind in ("image", "cloth") for stem in sorted(self.source.maps[kind])]
        stage = self._begin(PHOTOS, len(todo))
        progress = Progress(len(todo), stage.title)
        start = time.perf_counter()
        for photo, why in left_out(self.source):
            self._fail(stage, photo, why)
        for kind, stem in todo:
            with self._failing(stage, kind, stem):
                stage.made += self._keep_photo(kind, stem)
            progress.advance(note=stem)
        stage.seconds = time.perf_counter() - start
        self._end(stage)

    def _keep_photo(self, kind: str, stem: str) -> bool:
        """Whether the photo had to be written; all that was made of another photo by that name goes first."""
        file, target = self.source.need(kind, stem), place(self.out, self.source.name, kind, stem)
        try:
            key = changed_file(file)
            if self.record.get(kind, stem) == key and target.exists():
                return False
            self._forget_photo(kind, stem)
            keep_photo(file, target)
        except VtonError:
            self._forget_photo(kind, stem)
            raise
        self.record.put(kind, stem, key)
        return True

    def _forget_photo(self, kind: str, stem: str) -> None:
        for name in NAMES:
            if owner(name) == kind:
                self._forget(name, stem)
        self.record.drop(kind, stem)
        remove(place(self.out, self.source.name, kind, stem))

    def _forget(self, name: str, stem: str) -> None:
        self.record.drop(name, stem)
        remove(*(place(self.out, self.source.name, kind, stem) for kind in KINDS[name]))

    def _stems(self, name: str) -> list[str]:
        """The photos, as kept, that maps of that name are about."""
        kind = owner(name)
        return [stem for stem in sorted(self.source.maps[kind]) if self.record.get(kind, stem)]

    def _photo_key(self, name: str, stem: str) -> str:
        return self.record.get(owner(name), stem) or ""

    def _lacking(self, name: str, keys: dict[str, str], kinds: Sequence[str] = ()) -> list[str]:
        """The stems whose files of a map (`kinds`, or all) are not there, or were made from something else than `keys` say."""

        def whole(stem: str) -> bool:
            files = (place(self.out, self.source.name, kind, stem) for kind in kinds or KINDS[name])
            return self.record.get(name, stem) == keys[stem] and all(file.exists() for file in files)

        return [stem for stem in keys if not whole(stem)]

    def _detect(self, name: str) -> None:
        stems = self._stems(name)
        stage = self._begin(name, len(stems))
        stage.by = self.record.settings["detectors"].get(name, "")
        if stage.by in ("", FALLBACK) or self._lacking(name, self._made_keys(stage, stems)):
            start = time.perf_counter()
            detector = self._open(stage)
            stage.load_seconds = time.perf_counter() - start
            if detector is None:
                self._end(stage, "missing")
                return
            self._ask(stage, detector, self._lacking(name, self._made_keys(stage, stems)))
        self._end(stage)

    def _made_keys(self, stage: Stage, stems: Sequence[str]) -> dict[str, str]:
        """From what each map is made; a parse also from what tells the person who is meant from the others."""
        told_by = ("keypoints", "densepose") if stage.name == "parse" else ()
        return {
            stem: " of ".join(
                (stage.by, self._photo_key(stage.name, stem), *(self.record.get(name, stem) or "nothing" for name in told_by))
            )
            for stem in stems
        }

    def _open(self, stage: Stage) -> Any:
        """The stage's detector; None, with the reason noted, where there is none."""
        opened = self.detectors or real.open_detectors([stage.field], pick(self.config.device), self.config.batch)
        detector = getattr(opened, stage.field)
        if detector is None:
            reason = opened.reasons.get(stage.field, "There is no detector for it.")
            stage.note = f"{reason} {LOST[stage.name]}"
            print(f"{stage.title}: {stage.note}", file=sys.stderr)
            if stage.name == "cloth-mask":
                detector = WhiteBackground()
            elif stage.name != "densepose":
                self._fail(stage, "", reason)
        if detector is None:
            return None
        stage.by = type(detector).__name__
        self.record.set_detector(stage.name, stage.by, replaces=FALLBACK)
        return detector

    def _ask(self, stage: Stage, detector: Any, todo: list[str]) -> None:
        progress = Progress(len(todo), stage.title)
        start = time.perf_counter()
        keys = self._made_keys(stage, todo)
        for first in range(0, len(todo), self.config.batch):
            batch = todo[first : first + self.config.batch]
            photos = [read_image(place(self.out, self.source.name, owner(stage.name), stem)) for stem in batch]
            answers = getattr(detector, stage.field)(photos)
            self._remark(stage, batch, getattr(detector, "remarks", ()))
            for stem, photo, answer in zip(batch, photos, answers, strict=True):
                self._forget(stage.name, stem)
                with self._failing(stage, owner(stage.name), stem):
                    self._write(stage, stem, photo, answer)
                    self.record.put(stage.name, stem, keys[stem])
                    stage.made += 1
            progress.advance(len(batch), note=batch[-1])
        stage.seconds = time.perf_counter() - start

    def _remark(self, stage: Stage, stems: Sequence[str], remarks: Sequence[str]) -> None:
        for stem, remark in zip(stems, remarks, strict=False):
            if remark:
                self.remarks.append({"photo": f"{owner(stage.name)}/{stem}", "stage": stage.name, "remark": remark})
                print(f"{stem}: {remark}", file=sys.stderr)

    def _write(self, stage: Stage, stem: str, photo: np.ndarray, answer: np.ndarray | PreprocessError) -> None:
        if isinstance(answer, PreprocessError):
            raise answer
        assert stage.name == "keypoints" or answer.shape == photo.shape[:2], (stage.by, answer.shape, photo.shape)
        WRITERS[stage.name](self.out, self.source.name, stem, answer, photo.shape)

    def _take(self, name: str) -> None:
        """Maps of the source, where it has them."""
        files = {stem: {kind: self.source.path(kind, stem) for kind in KINDS[name]} for stem in self._stems(name)}
        found = {stem: {kind: file for kind, file in kinds.items() if file} for stem, kinds in files.items()}
        there = {stem: kinds for stem, kinds in found.items() if KINDS[name][0] in kinds}
        stage = self._begin(name, len(there))
        stage.by = "taken from the source"
        progress = Progress(len(there), stage.title)
        start = time.perf_counter()
        for stem, kinds in there.items():
            with self._failing(stage, owner(name), stem):
                key = digest(self._photo_key(name, stem), *map(changed_file, kinds.values()))
                if self._lacking(name, {stem: key}, list(kinds)):
                    self._forget(name, stem)
                    take(self.source, name, stem, self.out)
                    self.record.put(name, stem, key)
                    stage.made += 1
            progress.advance(note=stem)
        stage.seconds = time.perf_counter() - start
        self._end(stage)

    def _derive(self) -> None:
        """Agnostic image, mask and parse of everyone who has a parse and keypoints by now."""
        stems = [
            stem for stem in self._stems("agnostic") if self.record.get("parse", stem) and self.record.get("keypoints", stem)
        ]
        stage = self._begin("agnostic", len(stems))
        if not stems and self._stems("agnostic"):
            stage.note = "It is drawn from parse and keypoints, and there are none."
            self._fail(stage, "", stage.note)
            self._end(stage, "missing")
            return
        made_of = ("image", "parse", "keypoints")
        keys = {stem: digest(*(self.record.get(name, stem) or "" for name in made_of)) for stem in stems}
        todo = self._lacking("agnostic", keys)
        progress = Progress(len(todo), stage.title)
        start = time.perf_counter()
        for stem in todo:
            with self._failing(stage, "image", stem):
                self._forget("agnostic", stem)
                derive_agnostic(self.out, self.source.name, stem)
                self.record.put("agnostic", stem, keys[stem])
                stage.made += 1
            progress.advance(note=stem)
        stage.seconds = time.perf_counter() - start
        self._end(stage)

    def _write_list(self) -> None:
        """The pairs whose two photos are there and failed nowhere."""
        failed = {failure["photo"] for failure in self.failures}
        persons, cloths = (
            [stem for stem in sorted(self.source.maps[kind]) if self.record.get(kind, stem) and f"{kind}/{stem}" not in failed]
            for kind in ("image", "cloth")
        )
        lines = [f"{pair.person}.jpg {pair.cloth}.jpg\n" for pair in list_pairs(self.source, persons, cloths)]
        file, text = self.out / f"{self.source.name}_pairs.txt", "".join(lines).encode()
        if not file.exists() or file.read_bytes() != text:
            with replacing(file) as written:
                written.write(text)

    def _check(self) -> None:
        """What the automatic checks say of everything that was made; looked at again only where something else was made."""
        split = open_split(self.out, self.source.name)
        key = digest(*(f"{name} {stem} {made}" for (name, stem), made in sorted(self.record.made.items()) if name != CHECKS))
        stems = stems_of(split)
        stage = self._begin(CHECKS, len(stems))
        if self.record.get(CHECKS, "") != key or not (self.out / CHECKED).exists():
            start = time.perf_counter()
            items = check_split(split)
            write_json(self.out / CHECKED, report(split, items))
            self.record.put(CHECKS, "", key)
            stage.made, stage.seconds = len(stems), time.perf_counter() - start
            doubtful = sum(any(not outcome.ok for outcome in found) for found in items.values())
            print(f"{doubtful} of {len(stems)} people and garments want looking at; {CHECKED} says why.", file=sys.stderr)
        self._end(stage)

    @contextmanager
    def _failing(self, stage: Stage, kind: str, stem: str) -> Iterator[None]:
        """What a person can do something about is noted, and the others go on."""
        try:
            yield
        except VtonError as error:
            self._fail(stage, f"{kind}/{stem}", str(error))

    def _fail(self, stage: Stage, photo: str, error: str) -> None:
        """`photo` is empty where the whole stage failed."""
        stage.failed += 1
        self.failures.append({"photo": photo, "stage": stage.name, "error": error})

    def _begin(self, name: str, total: int) -> Stage:
        stage = self.stages[name]
        stage.state, stage.total = "running", total
        self._tell()
        return stage

    def _end(self, stage: Stage, state: str = "done") -> None:
        stage.state = state
        if stage.load_seconds:
            gc.collect()  # the stage's model goes before the next one comes
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        write_lines(self.out / FAILURES, self.failures)
        write_lines(self.out / REMARKS, self.remarks)
        self._tell()
        if stage.made:
            print(stage.summary, file=sys.stderr)

    def _tell(self) -> None:
        write_json(self.out / STAGES, {"format": 1, "stages": [asdict(stage) for stage in self.stages.values()]})


def preprocess(config: PreprocessConfig, out: Path, detectors: Detectors | None = None) -> list[str]:
    """Make the dataset `out` of the photos of `config.root`; a second call with the same config makes what is missing.

    Returns the photos that failed, as "image/00001_00" or "cloth/00001_00", and "" where a whole stage could not be made; the
    reasons are in failures.jsonl. Raises DataError where there are no photos, or `out` is something else's.
    """
    source, out = open_source(config.root, config.split), absolute(out)
    if out == source.root or source.root in out.parents:
        raise DataError(f"{out} lies inside {source.root}, which is read and never written to; choose another folder.")
    with claimed(out, config.settings(source)) as record:
        return Chain(config, source, out, record, detectors).run()
