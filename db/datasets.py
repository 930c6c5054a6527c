"""Datasets, their items and their pair lists."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.models import Dataset, Item, ListedPair, Metric, Result, Run

PairList = Sequence[tuple[str, str]]  # (person, cloth), in the order of the list


class NewItem(NamedTuple):
    """What a scan found of one stem."""

    split: str
    stem: str
    has_person: bool
    has_cloth: bool
    maps: dict[str, str]  # kind -> path relative to the dataset's root


class SplitCounts(NamedTuple):
    """How much a split holds."""

    persons: int
    cloths: int
    both: int  # stems with a person and a cloth: the paired list
    listed: int  # lines of the pair list


class Measure(NamedTuple):
    """A metric that a run has for single pairs."""

    run_id: int
    run: str
    metric: str
    higher_is_better: bool | None


def add(
    session: Session,
    name: str,
    root: str,
    fingerprint: str,
    items: Iterable[NewItem],
    pairs: Mapping[str, PairList],
) -> Dataset:
    """A new dataset with its contents."""
    dataset = Dataset(name=name, root=root, fingerprint=fingerprint)
    session.add(dataset)
    session.flush()
    replace_contents(session, dataset.id, fingerprint, items, pairs)
    return dataset


def replace_contents(
    session: Session, dataset_id: int, fingerprint: str, items: Iterable[NewItem], pairs: Mapping[str, PairList]
) -> None:
    """Take over what a new scan found; a stem that is still there keeps its id."""
    known = {
        (split, stem): item_id
        for item_id, split, stem in session.execute(select(Item.id, Item.split, Item.stem).where(Item.dataset_id == dataset_id))
    }
    found = {(item.split, item.stem): item._asdict() for item in items}
    added = [{**values, "dataset_id": dataset_id} for key, values in found.items() if key not in known]
    kept = [{**values, "id": known[key]} for key, values in found.items() if key in known]
    gone = [item_id for key, item_id in known.items() if key not in found]
    if added:
        session.execute(insert(Item), added)
    if kept:
        session.execute(update(Item), kept)
    for start in range(0, len(gone), 500):
        session.execute(delete(Item).where(Item.id.in_(gone[start : start + 500])))
    _replace_pairs(session, dataset_id, pairs)
    session.execute(update(Dataset).where(Dataset.id == dataset_id).values(fingerprint=fingerprint))


def _replace_pairs(session: Session, dataset_id: int, pairs: Mapping[str, PairList]) -> None:
    session.execute(delete(ListedPair).where(ListedPair.dataset_id == dataset_id))
    rows = [
        {"dataset_id": dataset_id, "split": split, "position": position, "person": person, "cloth": cloth}
        for split, listed in pairs.items()
        for position, (person, cloth) in enumerate(listed)
    ]
    if rows:
        session.execute(insert(ListedPair), rows)


def list_all(session: Session) -> list[Dataset]:
    """Every dataset, by name."""
    return list(session.scalars(select(Dataset).order_by(Dataset.name)))


def get(session: Session, dataset_id: int) -> Dataset | None:
    """The dataset with this id."""
    return session.get(Dataset, dataset_id)


def by_name(session: Session, name: str) -> Dataset | None:
    """The dataset of this name."""
    return session.scalar(select(Dataset).where(Dataset.name == name))


def by_root(session: Session, root: str) -> Dataset | None:
    """The dataset in this folder."""
    return session.scalar(select(Dataset).where(Dataset.root == root))


def rename(session: Session, dataset_id: int, name: str) -> Dataset:
    """Give a dataset another name; ValueError when it is taken or empty, or there is no such dataset."""
    dataset = session.get(Dataset, dataset_id)
    other = by_name(session, name)
    if dataset is None or not name.strip() or (other is not None and other.id != dataset_id):
        raise ValueError(f"dataset {dataset_id} cannot be called {name!r}: expected a known dataset and a free name")
    dataset.name = name
    session.flush()
    return dataset


def remove(session: Session, dataset_id: int) -> None:
    """Forget a dataset; its folder is not touched, its runs stay."""
    session.execute(delete(Dataset).where(Dataset.id == dataset_id))


def item(session: Session, dataset_id: int, split: str, stem: str) -> Item | None:
    """One stem of a split."""
    return session.scalar(select(Item).where(Item.dataset_id == dataset_id, Item.split == split, Item.stem == stem))


def items(session: Session, dataset_id: int, split: str, stems: Iterable[str]) -> dict[str, Item]:
    """Several stems of a split at once, those that exist, by stem."""
    wanted = select(Item).where(Item.dataset_id == dataset_id, Item.split == split, Item.stem.in_(list(stems)))
    return {row.stem: row for row in session.scalars(wanted)}


def maps_of(session: Session, dataset_id: int, split: str) -> dict[str, dict[str, str]]:
    """{stem: {kind: path relative to the root}} of every item of a split, by stem."""
    wanted = select(Item.stem, Item.maps).where(Item.dataset_id == dataset_id, Item.split == split).order_by(Item.stem)
    return {stem: maps for stem, maps in session.execute(wanted)}


def splits(session: Session, dataset_id: int) -> dict[str, SplitCounts]:
    """Every split with what it holds, by name."""
    counts = (
        select(
            Item.split,
            func.count().filter(Item.has_person),
            func.count().filter(Item.has_cloth),
            func.count().filter(Item.has_person, Item.has_cloth),
        )
        .where(Item.dataset_id == dataset_id)
        .group_by(Item.split)
    )
    listed = select(ListedPair.split, func.count()).where(ListedPair.dataset_id == dataset_id)
    lines = {split: n for split, n in session.execute(listed.group_by(ListedPair.split))}
    found = {
        split: SplitCounts(persons, cloths, both, lines.get(split, 0))
        for split, persons, cloths, both in session.execute(counts)
    }
    return dict(sorted(found.items()))


def count_pairs(session: Session, dataset_id: int, split: str, paired: bool, search: str = "") -> int:
    """How many pairs `page_pairs` has in all."""
    chosen = _pairs(dataset_id, split, paired, search).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(chosen)) or 0


def page_pairs(
    session: Session, dataset_id: int, split: str, paired: bool, search: str = "", offset: int = 0, limit: int | None = 48
) -> list[tuple[str, str]]:
    """A page of (person, cloth), all where `limit` is None: the stems that have both, by stem, or the lines of the list.

    `search` is found anywhere in either id, in upper or lower case.
    """
    chosen = _pairs(dataset_id, split, paired, search).offset(offset).limit(limit)
    return [(person, cloth) for person, cloth in session.execute(chosen)]


def _pairs(dataset_id: int, split: str, paired: bool, search: str) -> Select[str, str]:
    if paired:
        stem = Item.stem
        chosen = select(stem.label("person"), stem.label("cloth")).where(
            Item.dataset_id == dataset_id, Item.split == split, Item.has_person, Item.has_cloth
        )
        return (chosen.where(stem.icontains(search, autoescape=True)) if search else chosen).order_by(stem)
    chosen = select(ListedPair.person, ListedPair.cloth).where(ListedPair.dataset_id == dataset_id, ListedPair.split == split)
    if search:
        chosen = chosen.where(
            or_(
                ListedPair.person.icontains(search, autoescape=True),
                ListedPair.cloth.icontains(search, autoescape=True),
            )
        )
    return chosen.order_by(ListedPair.position)


def pairs_with(session: Session, dataset_id: int, split: str, stems: Iterable[str]) -> list[tuple[str, str]]:
    """The listed pairs (person, cloth) that have one of the stems as either, in the order of the list."""
    wanted = list(stems)
    chosen = select(ListedPair.person, ListedPair.cloth).where(ListedPair.dataset_id == dataset_id, ListedPair.split == split)
    chosen = chosen.where(or_(ListedPair.person.in_(wanted), ListedPair.cloth.in_(wanted))).order_by(ListedPair.position)
    return [(person, cloth) for person, cloth in session.execute(chosen)]


def stems(session: Session, dataset_id: int, split: str) -> set[str]:
    """Every stem of a split."""
    return set(session.scalars(select(Item.stem).where(Item.dataset_id == dataset_id, Item.split == split)))


def run_versions(session: Session, dataset_id: int) -> list[tuple[int, str, datetime]]:
    """(id, name, when it was taken in last) of the dataset's runs, the newest first: another list when numbers may differ."""
    chosen = select(Run.id, Run.name, Run.imported_at).where(Run.dataset_id == dataset_id)
    return [(run_id, name, at) for run_id, name, at in session.execute(chosen.order_by(Run.created_at.desc(), Run.id.desc()))]


def measures(session: Session, dataset_id: int, split: str) -> list[Measure]:
    """What the runs on a split have measured of single pairs, the newest run first."""
    better = {
        (run_id, name): higher
        for run_id, name, higher in session.execute(
            select(Metric.run_id, Metric.name, Metric.higher_is_better).where(Metric.result_id.is_(None))
        )
    }
    runs = select(Run.id, Run.name).where(Run.dataset_id == dataset_id, or_(Run.split == split, Run.split.is_(None)))
    found = []
    for run_id, run in session.execute(runs.order_by(Run.created_at.desc(), Run.id.desc())):
        names = select(Metric.name).where(Metric.run_id == run_id, Metric.result_id.is_not(None)).distinct()
        found += [Measure(run_id, run, name, better.get((run_id, name))) for name in sorted(session.scalars(names))]
    return found


def measured(session: Session, run_id: int, metric: str) -> dict[tuple[str, str], float]:
    """{(person, cloth): value} of one metric of a run."""
    chosen = select(Result.person, Result.cloth, Metric.value).join(Metric, Metric.result_id == Result.id)
    rows = session.execute(chosen.where(Metric.run_id == run_id, Metric.name == metric))
    return {(person, cloth): value for person, cloth, value in rows}
