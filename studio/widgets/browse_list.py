"""The pairs of a view in their order, worked out once for as long as nothing that they come from changes."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from db import datasets
from db.datasets import Measure
from db.models import Dataset
from studio import findings, traits
from studio.traits import Traits
from studio.widgets.browse_view import WITH_FAULTS, View
from studio.widgets.frame import Frame
from studio.workspace import Workspace

Names = tuple[str, str]  # person, cloth
Told = tuple[str, int, int]  # traits.version


@dataclass(frozen=True)
class Listing:
    """The pairs of a view, all of them."""

    pairs: list[Names]
    places: dict[Names, int]
    values: dict[Names, float]  # of the metric that they are ordered by
    measure: Measure | None


def listing(chosen: Frame, view: View) -> Listing:
    """The pairs of the frame's split that a view shows."""
    workspace, dataset, split = _which(chosen)
    with workspace.database.read() as session:
        versions = datasets.run_versions(session, dataset.id) if view.metric else []
    examined = findings.version(workspace, dataset.id) if view.findings else 0
    told = traits.version(Path(dataset.root), split) if view.traits else ("", 0, 0)
    place = (str(workspace.database.url), dataset.id, dataset.fingerprint, split)
    return _listing(workspace, *place, view, told, examined, _version_of(versions, view.run))


def _version_of(versions: list[tuple[int, str, datetime]], run_id: int) -> datetime | None:
    return next((at for known, _, at in versions if known == run_id), None)


@st.cache_resource(max_entries=24, show_spinner=False)
def _listing(
    _workspace: Workspace,
    url: str,
    dataset_id: int,
    fingerprint: str,
    split: str,
    view: View,
    told: Told,
    examined: int,
    run_at: datetime | None,
) -> Listing:
    with _workspace.database.read() as session:
        pairs = datasets.page_pairs(session, dataset_id, split, view.paired, view.search, limit=None)
        wanted = (one for one in datasets.measures(session, dataset_id, split) if run_at and view.metric)
        measure = next((one for one in wanted if (one.run_id, one.metric) == (view.run, view.metric)), None)
        values = datasets.measured(session, view.run, view.metric) if measure else {}
    pairs = _with_traits(pairs, view, traits.read(told))
    if view.findings:
        pairs = _with_findings(pairs, split, view, findings.examination(_workspace, dataset_id))
    if measure:
        pairs = _ordered(pairs, values, measure.higher_is_better is not False, view.best_first)
    return Listing(pairs, {pair: place for place, pair in enumerate(pairs)}, values, measure)


def _with_traits(pairs: list[Names], view: View, known: Traits) -> list[Names]:
    for key in dict(view.traits):
        having = known.having(key, {value for other, value in view.traits if other == key})
        side = 0 if traits.is_of_person(key) else 1
        pairs = [pair for pair in pairs if pair[side] in having]
    return pairs


def _with_findings(pairs: list[Names], split: str, view: View, examined: findings.Examination | None) -> list[Names]:
    if examined is None:
        return []
    found = ((pair, examined.of_pair(split, *pair)) for pair in pairs)
    if view.findings == WITH_FAULTS:
        return [pair for pair, told in found if findings.has_fault(told)]
    return [pair for pair, told in found if told]


def _ordered(pairs: list[Names], values: dict[Names, float], higher_is_better: bool, best_first: bool) -> list[Names]:
    """By value; pairs without one come last, in the list's order."""
    known = sorted((pair for pair in pairs if pair in values), key=values.__getitem__, reverse=higher_is_better == best_first)
    return known + [pair for pair in pairs if pair not in values]


def measures(chosen: Frame) -> list[Measure]:
    """What the pairs of the frame's split can be ordered by."""
    workspace, dataset, split = _which(chosen)
    with workspace.database.read() as session:
        versions = datasets.run_versions(session, dataset.id)
    return _measures(workspace, str(workspace.database.url), dataset.id, split, versions) if versions else []


@st.cache_resource(max_entries=24, show_spinner=False)
def _measures(
    _workspace: Workspace, url: str, dataset_id: int, split: str, versions: list[tuple[int, str, datetime]]
) -> list[Measure]:
    with _workspace.database.read() as session:
        return datasets.measures(session, dataset_id, split)


def trait_counts(chosen: Frame) -> tuple[dict[str, dict[str, int]], str]:
    """{key: {value: how many of the split's people or garments}}, and why there is none where a file is damaged."""
    workspace, dataset, split = _which(chosen)
    told = traits.version(Path(dataset.root), split)
    if not told[0]:
        return {}, ""
    counts = _trait_counts(workspace, str(workspace.database.url), dataset.id, dataset.fingerprint, split, told)
    return counts, traits.read(told).fault


@st.cache_resource(max_entries=24, show_spinner=False)
def _trait_counts(
    _workspace: Workspace, url: str, dataset_id: int, fingerprint: str, split: str, told: Told
) -> dict[str, dict[str, int]]:
    with _workspace.database.read() as session:
        here = datasets.stems(session, dataset_id, split)
    counted = {
        key: {value: n for value, stems in values.items() if (n := len(stems & here))}
        for key, values in traits.read(told).stems.items()
    }
    return {key: values for key, values in counted.items() if values}


def _which(chosen: Frame) -> tuple[Workspace, Dataset, str]:
    assert chosen.dataset is not None and chosen.split is not None
    return chosen.workspace, chosen.dataset, chosen.split
