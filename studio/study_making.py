"""A study is planned, checked and made: its pairs chosen, its known-bad pictures drawn, all stored at once or not at all."""

import hashlib
import io
import os
import random
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import func, select

from db import datasets, runs, studies, views
from db.models import Dataset, Item, Result, Run
from db.studies import NewGold, NewPair
from db.study_models import Study
from studio import gold, traits
from studio.workspace import Workspace
from vton.errors import DataError, VtonError
from vton.labels import GARMENT

ALL, RANDOM, VIEW, STRATA = "all", "random", "view", "strata"
QUESTION = "Which picture shows this person in this garment better?"
MOST_RUNS = 8
MOST_MATCHUPS = 500_000
SECONDS = 4  # that a trained rater takes for an answer
LEAST_GOLD, MOST_GOLD = 6, 40  # known-bad pictures of a study, where it has any
CLOTHS = 4  # other garments whose colour a wrong one may have
GOLD_FOLDER = "gold"
UNFINISHED = ".making-"  # a folder's name in it begins so while its study is made
DAY = 86_400  # seconds
FITS_FOLDER = "leaderboards"  # in the cache

Names = tuple[str, str]  # person, cloth
Tell = Callable[[int, int], None]  # done, of how many


class StudyFault(VtonError):
    """A study that cannot be made; str() is one sentence."""


@dataclass(frozen=True)
class Choice:
    """Which of the pairs that the runs share are judged."""

    how: str = ALL
    number: int = 0  # RANDOM: of all; STRATA: of each
    view: str = ""  # VIEW: Browse's saved one
    trait: str = ""  # STRATA: the garments' trait


@dataclass(frozen=True)
class Plan:
    """A study that somebody asks for."""

    name: str
    dataset_id: int
    split: str
    runs: tuple[int, ...]
    pairs: Choice = Choice()
    question: str = QUESTION
    axes: tuple[str, ...] = (studies.AXES[0],)
    raters_least: int = 3
    raters_most: int = 7
    gold_share: float = 0.06
    repeat_share: float = 0.05
    uniform_share: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class Chosen:
    """The pairs of a plan, and which strata are too small to take part."""

    pairs: tuple[NewPair, ...]
    left_out: Mapping[str, int]  # stratum -> its pairs


@dataclass(frozen=True)
class Estimate:
    """How much work a study is."""

    pairs: int
    matchups: int  # pairs times pairs of runs
    least: int  # comparisons, where raters agree everywhere
    most: int
    hours: float  # for the least, known items and repeats included


def shared_pairs(workspace: Workspace, run_ids: Sequence[int]) -> list[Names]:
    """The pairs of which every run has a result, by person and cloth."""
    names = (Result.person, Result.cloth)
    chosen = select(*names).where(Result.run_id.in_(set(run_ids))).group_by(*names).having(func.count() == len(set(run_ids)))
    with workspace.database.read() as session:
        return [(person, cloth) for person, cloth in session.execute(chosen.order_by(*names))]


def offered_runs(workspace: Workspace, dataset_id: int, split: str) -> dict[int, Run]:
    """The runs with results that can be of a split, by id, the newest first; those from elsewhere too."""
    with workspace.database.read() as session:
        fitting = [
            run
            for run in runs.list_all(session)
            if run.dataset_id in (None, dataset_id) and run.split in (None, split) and runs.count_results(session, run.id)
        ]
    return {run.id: run for run in fitting}


def garment_strata(dataset: Dataset, split: str, shared: Sequence[Names]) -> dict[str, dict[str, list[Names]]]:
    """{trait: {value: pairs}} of the garments' traits; a garment of several values stands for the rarest of them."""
    found: dict[str, dict[str, list[Names]]] = {}
    for key, values in traits.read(traits.version(Path(dataset.root), split)).stems.items():
        if traits.is_of_person(key):
            continue
        counts = {value: sum(cloth in stems for _, cloth in shared) for value, stems in values.items()}
        rarest_first = sorted((value for value in values if counts[value]), key=lambda value: (counts[value], value))
        of_value: dict[str, list[Names]] = {}
        for pair in shared:
            mine = next((value for value in rarest_first if pair[1] in values[value]), None)
            if mine is not None:
                of_value.setdefault(mine, []).append(pair)
        if len(of_value) > 1:
            found[key] = dict(sorted(of_value.items()))
    return found


def choose(workspace: Workspace, plan: Plan, shared: Sequence[Names]) -> Chosen:
    """The pairs that a plan means, of those that its runs share. StudyFault for a view that is gone."""
    choice, chance = plan.pairs, random.Random(plan.seed)
    dataset = _dataset(workspace, plan)
    if choice.how == STRATA:
        strata = garment_strata(dataset, plan.split, shared).get(choice.trait, {})
        small = {value: len(pairs) for value, pairs in strata.items() if len(pairs) < choice.number}
        taken = {value: chance.sample(pairs, choice.number) for value, pairs in strata.items() if value not in small}
        return Chosen(tuple(NewPair(*pair, value) for value, pairs in taken.items() for pair in sorted(pairs)), small)
    if choice.how == RANDOM:
        shared = sorted(chance.sample(list(shared), min(choice.number, len(shared))))
    if choice.how == VIEW:
        seen = _pairs_of_view(workspace, dataset, plan)
        shared = [pair for pair in shared if pair in seen]
    return Chosen(tuple(NewPair(*pair) for pair in shared), {})


def _dataset(workspace: Workspace, plan: Plan) -> Dataset:
    with workspace.database.read() as session:
        dataset = datasets.get(session, plan.dataset_id)
    if dataset is None:
        raise StudyFault("The study's dataset is not known any more; choose another.")
    return dataset


def _pairs_of_view(workspace: Workspace, dataset: Dataset, plan: Plan) -> set[Names]:
    from studio.widgets.browse_list import listing
    from studio.widgets.browse_view import read_query
    from studio.widgets.frame import Frame

    with workspace.database.read() as session:
        view = views.by_name(session, dataset.id, plan.pairs.view)
    if view is None:
        raise StudyFault(f"{dataset.name} has no saved view called {plan.pairs.view}; Browse saves them.")
    wanted, split = read_query(view.query)
    return set(listing(Frame(workspace, None, dataset, split or plan.split), wanted).pairs)


def estimate(plan: Plan, pairs: int) -> Estimate:
    """How much work a plan with so many pairs is."""
    matchups = pairs * len(list(combinations(plan.runs, 2)))
    least = matchups * plan.raters_least
    answers = len(plan.axes) * least / max(1 - plan.gold_share - plan.repeat_share, 0.5)
    return Estimate(pairs, matchups, least, matchups * plan.raters_most, answers * SECONDS / 3600)


def fault_of(workspace: Workspace, plan: Plan, shared: int, pairs: int) -> str:
    """Why a plan cannot be made, in one sentence; empty where it can."""
    name = " ".join(plan.name.split())
    offered = offered_runs(workspace, plan.dataset_id, plan.split)
    unknown = [run for run in plan.runs if run not in offered]
    gone = next((offered[run] for run in plan.runs if run in offered and not Path(offered[run].folder).is_dir()), None)
    with workspace.database.read() as session:
        taken = bool(name) and studies.by_name(session, name) is not None
    named = [
        (not name, "A study needs a name."),
        (taken, f"Another study is called {name}; choose a name that is free."),
        (not plan.question.strip(), "A study needs a question for its raters."),
        (not 2 <= len(set(plan.runs)) <= MOST_RUNS, f"Choose 2 to {MOST_RUNS} runs."),
        (unknown, "A run that was chosen has no result of this split any more; choose others."),
        (gone is not None, f"The folder of {gone.name} is gone: bring {gone.folder} back." if gone else ""),
        (not shared, "These runs share no pair; choose runs over the same pairs."),
        (not pairs and plan.pairs.how == STRATA, "No kind of garment has so many pairs; ask for fewer of each."),
        (not pairs, "The saved view has none of the pairs that the runs share; choose another."),
        (not plan.axes, "Choose at least one axis."),
        (not 1 <= plan.raters_least <= plan.raters_most, "Raters at least must be 1 or more, and no more than at most."),
        (plan.gold_share + plan.repeat_share > 0.5, "Known items and repeats together are more than half; take fewer."),
        (
            estimate(plan, pairs).matchups > MOST_MATCHUPS,
            f"{estimate(plan, pairs).matchups:,} comparisons are too many; {MOST_MATCHUPS:,} are the most.",
        ),
    ]
    return next((sentence for wrong, sentence in named if wrong), "")


def make_study(workspace: Workspace, plan: Plan, made_by: int | None = None, tell: Tell = lambda done, of: None) -> Study:
    """Make the study, open to raters; StudyFault in one sentence, and then nothing is left of it."""
    shared = shared_pairs(workspace, plan.runs) if plan.runs else []
    chosen = choose(workspace, plan, shared)
    fault = fault_of(workspace, plan, len(shared), len(chosen.pairs))
    if fault:
        raise StudyFault(fault)
    home = workspace.settings.workspace / GOLD_FOLDER
    _sweep(home)
    unfinished = home / f"{UNFINISHED}{secrets.token_hex(8)}"
    place: Path | None = None
    try:
        drawn = _draw_gold(workspace, plan, chosen.pairs, unfinished, tell)
        with workspace.database.write() as session:
            study = studies.make(
                session,
                pairs=chosen.pairs,
                chosen={**asdict(plan.pairs), "shared": len(shared)},
                made_by=made_by,
                **_values(plan),
            )
            if drawn:
                place = home / str(study.id)
                place.mkdir(parents=True, exist_ok=True)
                for file in unfinished.iterdir():
                    os.replace(file, place / file.name)
            studies.add_gold(session, study.id, [_placed(one, study.id) for one in drawn])
    except ValueError as error:
        _clear(place)
        raise StudyFault(f"The study cannot be made: {error}.") from error
    except BaseException:
        _clear(place)
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return study


def _values(plan: Plan) -> dict[str, Any]:
    return {name: value for name, value in vars(plan).items() if name != "pairs"}


def _placed(one: NewGold, study_id: int) -> NewGold:
    return one._replace(bad_file=f"{GOLD_FOLDER}/{study_id}/{one.bad_file}")


def _sweep(home: Path) -> None:
    """Remove what makings left that were killed a day ago or more."""
    for left in home.glob(f"{UNFINISHED}*"):
        if time.time() - left.stat().st_mtime > DAY:
            _clear(left)


def _clear(place: Path | None) -> None:
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)


def remove_study(workspace: Workspace, study_id: int) -> None:
    """Remove a study with all that was answered in it, and its known-bad pictures."""
    with workspace.database.write() as session:
        studies.remove(session, study_id)
    _clear(workspace.settings.workspace / GOLD_FOLDER / str(study_id))
    _clear(workspace.settings.cache_dir / FITS_FOLDER / str(study_id))


def gold_wanted(plan: Plan, matchups: int) -> int:
    """How many known-bad pictures a study has: enough that nobody who sees all of it runs out, within reason."""
    if not plan.gold_share:
        return 0
    each = matchups * plan.gold_share / (1 - plan.gold_share - plan.repeat_share)
    return min(max(ceil(each), LEAST_GOLD), MOST_GOLD)


def _draw_gold(workspace: Workspace, plan: Plan, pairs: Sequence[NewPair], folder: Path, tell: Tell) -> list[NewGold]:
    """Known-bad pictures of some of the results, written into `folder`; `bad_file` is the file's name alone.

    A result that cannot be read, or of which nothing plainly worse can be made, is passed over.
    """
    chance = random.Random(plan.seed)
    wanted = gold_wanted(plan, estimate(plan, len(pairs)).matchups)
    if not wanted:
        return []
    source = _Source(workspace, plan, pairs)
    candidates = [(run, (pair.person, pair.cloth)) for pair in pairs for run in plan.runs]
    chance.shuffle(candidates)
    drawn: list[NewGold] = []
    for run, pair in candidates:
        if len(drawn) == wanted:
            break
        first = len(drawn) % len(gold.DEFECTS)
        made = source.spoilt(run, pair, gold.DEFECTS[first:] + gold.DEFECTS[:first], chance)
        if made is not None:
            drawn.append(_write(*made, pair, folder))
        tell(len(drawn), wanted)
    if not drawn:
        raise StudyFault("No known item could be made: no result of these runs can be read; make the results again.")
    return drawn


def _write(result_id: int, encoded: bytes, defect: str, pair: Names, folder: Path) -> NewGold:
    from vton.images import replacing  # loads torch

    sha256 = hashlib.sha256(encoded).hexdigest()
    with replacing(folder / f"{sha256}.png") as stream:
        stream.write(encoded)
    return NewGold(*pair, result_id, f"{sha256}.png", sha256, defect)


class _Source:
    """The pictures of the runs and the dataset that known-bad ones are made of."""

    def __init__(self, workspace: Workspace, plan: Plan, pairs: Sequence[NewPair]) -> None:
        cloths = {pair.cloth for pair in pairs}
        with workspace.database.read() as session:
            found = {run: runs.get(session, run) for run in plan.runs}
            self.folders = {run: Path(row.folder) for run, row in found.items() if row is not None}
            self.results = {run: {(row.person, row.cloth): row for row in runs.results(session, run)} for run in self.folders}
            self.root = Path(_dataset(workspace, plan).root)
            stems = {pair.person for pair in pairs} | cloths
            self.items: dict[str, Item] = datasets.items(session, plan.dataset_id, plan.split, stems)
        self.cloths = sorted(cloths)
        self.by_person: dict[tuple[int, str], list[Names]] = {}
        for run, rows in self.results.items():
            for names in rows:
                self.by_person.setdefault((run, names[0]), []).append(names)

    def spoilt(self, run: int, pair: Names, defects: Sequence[str], chance: random.Random) -> tuple[int, bytes, str] | None:
        """(result id, PNG, defect) by the first of the defects that shows; None where none does."""
        from vton.images import read_image

        row = self.results[run][pair]
        try:
            result = read_image(self.folders[run] / row.path)
        except DataError:
            return None
        area = gold.garment_area(self._mask(run, pair), result.shape[:2])
        for defect in defects:
            wrong = defect == gold.WRONG_GARMENT
            other = self._other(run, pair, chance) if wrong else None
            bad = gold.spoil(result, area, defect, chance, other, self._other_cloths(pair, chance) if wrong else ())
            if bad is not None:
                encoded = io.BytesIO()
                Image.fromarray(bad).save(encoded, "PNG", compress_level=3)
                return row.id, encoded.getvalue(), defect
        return None

    def _mask(self, run: int, pair: Names) -> np.ndarray | None:
        """Where the garment is: as the run says, or near enough the dataset's parse or mask; None where none of them does."""
        from vton.images import read_labels, read_mask

        with suppress(DataError):
            return read_mask(self.folders[run] / "intermediates" / "__".join(pair) / "warped_cloth_mask.png")
        maps = self.items[pair[0]].maps if pair[0] in self.items else {}
        with suppress(DataError, KeyError):
            return np.isin(read_labels(self.root / maps["parse"]), GARMENT)
        with suppress(DataError, KeyError):
            return read_mask(self.root / maps["agnostic_mask"])
        return None

    def _other(self, run: int, pair: Names, chance: random.Random) -> np.ndarray | None:
        """The same person's result in another garment."""
        from vton.images import read_image

        others = [names for names in self.by_person.get((run, pair[0]), []) if names != pair]
        with suppress(DataError):
            return read_image(self.folders[run] / self.results[run][chance.choice(others)].path) if others else None
        return None

    def _other_cloths(self, pair: Names, chance: random.Random) -> tuple[np.ndarray, ...]:
        from vton.images import read_image

        others = [cloth for cloth in self.cloths if cloth != pair[1] and cloth in self.items]
        found = []
        for cloth in chance.sample(others, min(CLOTHS, len(others))):
            with suppress(DataError, KeyError):
                found.append(read_image(self.root / self.items[cloth].maps["cloth"]))
        return tuple(found)
