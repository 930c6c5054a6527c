"""Runs beside each other: which pairs they share, and in what order these are looked at."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from pathlib import Path
from statistics import pstdev

import numpy as np
from PIL import Image, UnidentifiedImageError
from sqlalchemy.orm import Session

from db import datasets, preferences, ratings, runs
from db.models import Result, Run
from vton.errors import DataError

MOST = 4  # runs beside each other
LISTED, LOOKS, GAP, DISAGREE = "listed", "looks", "gap", "disagree"  # the orders; the last two are of a metric
REDUCED = 96  # pixels of the longer side at which pictures are compared for the order
SAVED_EVERY = 100  # pairs

Names = tuple[str, str]  # person, cloth
Table = Mapping[int, Mapping[Names, float]]  # run -> pair -> a number
Lead = Mapping[tuple[int, int], Mapping[Names, float]]  # two runs, by id -> pair -> how far the first is ahead


@dataclass(frozen=True)
class Order:
    """How the pairs of a comparison are ordered."""

    by: str = LISTED
    metric: str = ""

    def __str__(self) -> str:
        """As the address has it: `listed`, `gap:ssim`."""
        return f"{self.by}:{self.metric}" if self.metric else self.by


def read_order(text: str, metrics: Sequence[str], judged: bool) -> Order:
    """The order that an address names; as listed where there is no such one."""
    by, _, metric = text.partition(":")
    known = metric in metrics if by in (GAP, DISAGREE) else not metric and by in (LISTED, LOOKS)
    return Order(by, metric) if known and (by != DISAGREE or judged) else Order()


def results_of(session: Session, run_ids: Sequence[int]) -> list[dict[Names, Result]]:
    """Each run's results by pair."""
    return [{(row.person, row.cloth): row for row in runs.results(session, run_id)} for run_id in run_ids]


def shared_pairs(tables: Sequence[Mapping[Names, Result]]) -> list[Names]:
    """The pairs of which every run has a result, by person and cloth."""
    return sorted(set.intersection(*map(set, tables))) if tables else []


def shared_metrics(session: Session, run_ids: Sequence[int]) -> list[str]:
    """The metrics that every run has for single pairs."""
    found = [{name for values in runs.result_metrics(session, run_id).values() for name in values} for run_id in run_ids]
    return sorted(set.intersection(*found)) if found else []


def measured(session: Session, run_ids: Sequence[int], metric: str) -> Table:
    """What a metric says of each pair of each run."""
    return {run_id: datasets.measured(session, run_id, metric) for run_id in run_ids}


def judged(session: Session, run_ids: Sequence[int]) -> Table:
    """What people say of each pair of each run: the mean of the live scores, 1 to 5, over axes and raters."""
    return {run_id: ratings.means(session, run_id) for run_id in run_ids}


def is_judged(session: Session, run_ids: Sequence[int]) -> bool:
    """Whether people said anything of the runs: votes between two of them, or scores."""
    return preferences.are_there(session, run_ids) or any(ratings.count(session, run_id) for run_id in run_ids)


def leads(session: Session, run_ids: Sequence[int]) -> list[Lead]:
    """How far people put one run ahead of another, pair by pair: by their votes (-1 to 1), and by their scores (-4 to 4)."""
    votes = {
        both: {pair: (told.get("first", 0) - told.get("second", 0)) / sum(told.values()) for pair, told in by_pair.items()}
        for both, by_pair in preferences.verdicts(session, run_ids).items()
    }
    return [votes, _difference(judged(session, run_ids))]


def _difference(values: Table) -> Lead:
    """How much larger a number is in the first of two runs, for the pairs that have it in both."""
    return {
        (a, b): {pair: values[a][pair] - values[b][pair] for pair in values[a] if pair in values[b]}
        for a, b in combinations(sorted(values), 2)
    }


def by_gap(pairs: Sequence[Names], values: Table) -> list[Names]:
    """The pairs that have a value in two runs or more, the largest difference first."""

    def gap(pair: Names) -> float:
        known = _known(values, pair)
        return max(known) - min(known) if len(known) > 1 else -1.0

    found = {pair: gap(pair) for pair in pairs}
    return sorted((pair for pair in pairs if found[pair] >= 0), key=lambda pair: -found[pair])


def by_disagreement(pairs: Sequence[Names], metric: Table, people: Sequence[Lead], higher_is_better: bool) -> list[Names]:
    """The pairs at which the metric prefers one run and people another, first those at which both are surest.

    Surest is by the product of both differences, each in standard deviations of its differences over all pairs.
    """
    sign = 1 if higher_is_better else -1
    ahead = _difference(metric)
    against: dict[Names, float] = {}
    for lead in people:
        found = [
            (pair, sign * ahead[both][pair], by_pair[pair])
            for both, by_pair in lead.items()
            for pair in pairs
            if pair in by_pair and pair in ahead[both] and isfinite(ahead[both][pair])
        ]
        if not found:
            continue
        by_metric, by_people = (pstdev(values) or 1.0 for values in ([one[1] for one in found], [one[2] for one in found]))
        for pair, measured_lead, judged_lead in found:
            product = measured_lead / by_metric * judged_lead / by_people
            if product < 0:
                against[pair] = min(product, against.get(pair, 0.0))
    return sorted(against, key=lambda pair: against[pair])


def _known(values: Table, pair: Names) -> list[float]:
    return [one[pair] for one in values.values() if pair in one and isfinite(one[pair])]


def difference(first: Path, second: Path) -> float:
    """The mean colour difference (CIE 1976) of two pictures reduced to 96 pixels. DataError where one cannot be read."""
    import cv2  # takes a while to load: only where it is asked for

    one = _reduced(first)
    other = _reduced(second).resize(one.size, Image.Resampling.BOX)
    lab = [cv2.cvtColor(np.asarray(picture, np.float32) / 255, cv2.COLOR_RGB2LAB) for picture in (one, other)]
    return float(np.linalg.norm(lab[0] - lab[1], axis=2).mean())


def _reduced(file: Path) -> Image.Image:
    try:
        with Image.open(file) as picture:
            picture.draft("RGB", (2 * REDUCED, 2 * REDUCED))  # a JPEG is read at a part of its size
            whole = picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read ({error}); make the result again.") from error
    scale = REDUCED / max(whole.size)
    wide, high = (max(1, round(side * scale)) for side in whole.size)
    return whole.resize((wide, high), Image.Resampling.BOX)


class Looks:
    """How different pairs look in two or more runs, kept in a file by the hashes of the pictures."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self.known: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.known = {}

    def work_out(
        self, found: Sequence[Run], tables: Sequence[Mapping[Names, Result]], pairs: Sequence[Names]
    ) -> Iterator[dict[Names, float]]:
        """How different the pairs look, so far, again and again until all is known; what is known is not read again.

        A pair of which a picture is missing or damaged is left out. `tables` are the results of the runs found, by pair.
        """
        values: dict[Names, float] = {}
        for number, pair in enumerate(pairs):
            if number % SAVED_EVERY == 0 and number:
                self._save()
                yield values
            shown = [
                (Path(run.folder) / table[pair].path, table[pair].sha256) for run, table in zip(found, tables, strict=True)
            ]
            try:
                values[pair] = max(self._between(one, other) for one, other in combinations(shown, 2))
            except DataError:
                continue
        self._save()
        yield values

    def _between(self, one: tuple[Path, str], other: tuple[Path, str]) -> float:
        key = "|".join(sorted((one[1], other[1])))
        if key not in self.known:
            self.known[key] = difference(one[0], other[0])
        return self.known[key]

    def _save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(self.known), encoding="utf-8")
        os.replace(unfinished, self.file)
