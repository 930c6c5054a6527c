"""The Compare page in pieces: which runs and pairs, in what order, and what is measured of each."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

import streamlit as st

from db import preferences, runs
from db.models import Result, Run
from studio import compare, foreign
from studio.compare import DISAGREE, GAP, LISTED, LOOKS, MOST, Names, Order
from studio.how import made_by
from studio.importer import ImportFault, import_run
from studio.widgets.browse_view import keep
from studio.widgets.compare_view import Shown
from studio.widgets.frame import Frame
from studio.widgets.pair_view import PairFiles
from studio.widgets.warp_choices import Turn
from studio.widgets.words import count, metric_label
from studio.workspace import Workspace
from vton.pairs import MAPS, Pair

USUAL = 2  # runs that are compared where the address names none
PEOPLE = "People, 1 to 5"
PREFERRED = "Preferred by people"
PEOPLE_SECONDS = 60  # after which an order by what people say is worked out anew


@dataclass(frozen=True)
class Comparison:
    """The runs that are compared, with their results by pair, and the pairs in their order."""

    found: list[Run]
    tables: list[dict[Names, Result]]
    pairs: list[Names]
    total: int  # pairs that all of the runs have

    def place(self, pair: Pair) -> int:
        """Which of them a pair is; 1 is the first."""
        return self.pairs.index((pair.person, pair.cloth)) + 1


def offered_runs(chosen: Frame) -> dict[str, Run]:
    """The runs with results that can be of the frame's split, by name, the newest first; those from elsewhere too."""
    assert chosen.dataset is not None
    with chosen.workspace.database.read() as session:
        fitting = [
            run
            for run in runs.list_all(session)
            if run.dataset_id in (None, chosen.dataset.id) and run.split in (None, chosen.split)
        ]
        return {run.name: run for run in fitting if runs.count_results(session, run.id)}


def choose_runs(offered: Mapping[str, Run]) -> list[Run]:
    """The runs that are compared, as the reader chooses; the two newest where the address names none."""
    asked = st.query_params.get("runs", "")
    named = names_in(asked, offered)
    if asked and not named:
        st.toast(f"No run called {asked} is here any more; these are the newest.", icon=":material/error:")
    keep("compare_runs", (named or list(offered)[:USUAL])[:MOST])
    st.multiselect(
        "Runs",
        list(offered),
        key="compare_runs",
        max_selections=MOST,
        placeholder="Choose two to four",
        on_change=_choose_runs,
        width="stretch",
    )
    return [offered[name] for name in st.session_state["compare_runs"]]


def names_in(text: str, known: Collection[str]) -> list[str]:
    """The known names among those that commas part; a name may have commas of its own."""
    parts, found = text.split(","), list[str]()
    while parts:
        lengths = (length for length in range(len(parts), 0, -1) if ",".join(parts[:length]) in known)
        length = next(lengths, 0)
        found += [",".join(parts[:length])] if length else []
        parts = parts[max(length, 1) :]
    return found


def _choose_runs() -> None:
    st.query_params["runs"] = ",".join(st.session_state["compare_runs"])


def comparison(workspace: Workspace, found: Sequence[Run]) -> Comparison:
    """The pairs of the runs, in the order that the reader chooses."""
    versions = tuple((run.id, run.imported_at) for run in found)
    tables, pairs, metrics = _facts(workspace, str(workspace.database.url), versions)
    with workspace.database.read() as session:
        judged = compare.is_judged(session, [run.id for run in found])
    order = compare.read_order(st.query_params.get("order", ""), metrics, judged)
    orders = [Order(), Order(LOOKS), *(Order(GAP, name) for name in metrics)]
    orders += [Order(DISAGREE, name) for name in metrics if judged]
    keep("compare_order", order)
    st.selectbox("Order", orders, key="compare_order", format_func=_words, on_change=_choose_order, width=300)
    ordered = pairs if order.by == LISTED else _ordered(workspace, found, tables, pairs, order)
    return Comparison(list(found), tables, ordered, len(pairs))


@st.cache_resource(max_entries=16, show_spinner=False)
def _facts(
    _workspace: Workspace, url: str, versions: tuple[tuple[int, datetime], ...]
) -> tuple[list[dict[Names, Result]], list[Names], list[str]]:
    ids = [run_id for run_id, _ in versions]
    with _workspace.database.read() as session:
        tables = compare.results_of(session, ids)
        return tables, compare.shared_pairs(tables), compare.shared_metrics(session, ids)


@st.cache_data(max_entries=16, ttl=PEOPLE_SECONDS, show_spinner="Counting what people said")
def _leads(_workspace: Workspace, url: str, ids: tuple[int, ...]) -> list[compare.Lead]:
    with _workspace.database.read() as session:
        return compare.leads(session, ids)


def _words(order: Order) -> str:
    told = metric_label(order.metric)
    return {
        LISTED: "As listed",
        LOOKS: "Where they look most different",
        GAP: f"Where {told} differs most",
        DISAGREE: f"Where {told} and people disagree",
    }[order.by]


def _choose_order() -> None:
    """Another order begins at its first pair."""
    st.query_params["order"] = str(st.session_state["compare_order"])
    for name in ("person", "cloth"):
        st.query_params.pop(name, None)


def _ordered(
    workspace: Workspace,
    found: Sequence[Run],
    tables: Sequence[Mapping[Names, Result]],
    pairs: Sequence[Names],
    order: Order,
) -> list[Names]:
    if order.by == LOOKS:
        return _by_looks(workspace, found, tables, pairs)
    with workspace.database.read() as session:
        values = compare.measured(session, [run.id for run in found], order.metric)
        better = {one.name: one.higher_is_better for run in found for one in runs.metrics(session, run.id)}
    if order.by == GAP:
        return compare.by_gap(pairs, values)
    people = _leads(workspace, str(workspace.database.url), tuple(sorted(run.id for run in found)))
    return compare.by_disagreement(pairs, values, people, better.get(order.metric) is not False)


def _by_looks(
    workspace: Workspace, found: Sequence[Run], tables: Sequence[Mapping[Names, Result]], pairs: Sequence[Names]
) -> list[Names]:
    name = hashlib.sha256("|".join(sorted(run.folder for run in found)).encode()).hexdigest()[:32]
    looks = compare.Looks(workspace.settings.cache_dir / "differences" / f"{name}.json")
    line = st.empty()
    values: dict[Names, float] = {}
    for values in looks.work_out(found, tables, pairs):
        line.progress(len(values) / max(1, len(pairs)), text=f"Looking at {len(values):,} of {count(len(pairs), 'pair')}")
    line.empty()
    return sorted(values, key=lambda pair: -values[pair])


def current(pairs: Sequence[Names]) -> Pair | None:
    """The pair of the address; the first where it names none, or one that the runs do not share."""
    asked = (st.query_params.get("person", "").strip(), st.query_params.get("cloth", "").strip())
    here = asked if asked in pairs else pairs[0] if pairs else None
    return Pair(*here) if here else None


def turn_of(pairs: Sequence[Names], pair: Pair) -> Turn:
    """The neighbours of a pair."""
    place = pairs.index((pair.person, pair.cloth))
    before = pairs[place - 1] if place else None
    after = pairs[place + 1] if place + 1 < len(pairs) else None
    return Turn(Pair(*before) if before else None, Pair(*after) if after else None)


def shown_of(workspace: Workspace, compared: Comparison, pair: Pair) -> list[Shown]:
    """Each run's result of a pair, with all numbers that are known of it; the best of each is marked."""
    here = (pair.person, pair.cloth)
    rows = [table[here] for table in compared.tables]
    with workspace.database.read() as session:
        values = [runs.metrics_of_result(session, row.id) for row in rows]
        better = {one.name: one.higher_is_better for run in compared.found for one in runs.metrics(session, run.id)}
        people = compare.judged(session, [run.id for run in compared.found])
        voted = preferences.verdicts(session, [run.id for run in compared.found], here)
    for run, known in zip(compared.found, values, strict=True):
        if here in people[run.id]:
            known[PEOPLE] = people[run.id][here]
    better[PEOPLE] = True
    numbers = _numbers(values, better)
    for told, votes in zip(numbers, _votes(compared.found, voted, here), strict=True):
        told += votes
    sizes = {(row.width, row.height) for row in rows}
    return [
        Shown(
            run=run.name,
            folder=Path(run.folder),
            result=Path(run.folder) / row.path,
            note=", ".join(filter(None, [made_by(run.config), f"{row.width} × {row.height}" if len(sizes) > 1 else ""])),
            numbers=told,
        )
        for run, row, told in zip(compared.found, rows, numbers, strict=True)
    ]


def _numbers(values: Sequence[Mapping[str, float]], better: Mapping[str, bool | None]) -> list[list[tuple[str, str, bool]]]:
    """For each run (label, text, whether it is the best of those that have it); none is where all are equal."""
    best: dict[str, float] = {}
    for name in {name for known in values for name in known}:
        having = [known[name] for known in values if name in known]
        if better.get(name) is not None and len(set(having)) > 1:
            best[name] = max(having) if better[name] else min(having)
    return [
        [
            (metric_label(name), f"{value:.4g}" if isfinite(value) else "∞", best.get(name) == value)
            for name, value in sorted(known.items())
        ]
        for known in values
    ]


def _votes(
    found: Sequence[Run], voted: Mapping[tuple[int, int], Mapping[Names, Mapping[str, int]]], here: Names
) -> list[list[tuple[str, str, bool]]]:
    """For each run how many of its votes against the others prefer it, as `_numbers`; nothing where there is none."""
    won, given = dict.fromkeys((run.id for run in found), 0), dict.fromkeys((run.id for run in found), 0)
    for both, by_pair in voted.items():
        for run, verdict in zip(both, ("first", "second"), strict=True):
            won[run] += by_pair[here].get(verdict, 0)
            given[run] += sum(by_pair[here].values())
    shares = {run: won[run] / given[run] for run in won if given[run]}
    best = max(shares.values()) if len(set(shares.values())) > 1 else None
    return [
        [(PREFERRED, f"{won[run.id]} of {count(given[run.id], 'vote')}", shares[run.id] == best)] if given[run.id] else []
        for run in found
    ]


def pictures_of(chosen: Frame, files: PairFiles) -> dict[str, Path | None]:
    """Person, garment, and the true photo where the dataset has it: a drawn one, or a pair that wears its own garment."""
    assert chosen.dataset is not None and chosen.split is not None
    drawn = Path(chosen.dataset.root) / chosen.split / MAPS["truth"][0] / f"{files.pair.name}.png"
    own = files.person["image"] if files.pair.person == files.pair.cloth else None
    return {"person": files.person["image"], "cloth": files.cloth["cloth"], "truth": drawn if drawn.is_file() else own}


def pictures_ahead(compared: Comparison, after: Pair | None) -> list[Path]:
    """The results of the next pair."""
    if after is None:
        return []
    names = (after.person, after.cloth)
    return [Path(run.folder) / table[names].path for run, table in zip(compared.found, compared.tables, strict=True)]


def take_in(chosen: Frame) -> None:
    """A run folder, or a folder of another method's pictures, becomes a run."""
    with st.popover("Add results", icon=":material/folder_open:"):
        st.markdown(f"A run folder, or a folder of pictures, each named {foreign.NAMED}.".replace("<", "\\<"))
        folder = st.text_input("Folder", key="compare_folder", placeholder="/results/of/another/method")
        name = st.text_input("Name", key="compare_name", placeholder="the folder's own")
        if not st.button("Add", type="primary", key="compare_add"):
            return
        try:
            run, left = _take_in(chosen, folder, name or None)
        except ImportFault as error:
            st.error(str(error), icon=":material/error:")
            return
        without = f" {count(len(left), 'picture')} left out, named for no pair: {left[0]}" if left else ""
        st.session_state["compare_said"] = f"{run.name} can be compared.{without}"
        st.query_params.pop("runs", None)
        st.rerun()


def _take_in(chosen: Frame, folder: str, name: str | None) -> tuple[Run, list[str]]:
    assert chosen.dataset is not None and chosen.split is not None
    place = Path(folder.strip()).expanduser()
    if not folder.strip() or not place.is_dir() or (place / "config.json").exists():
        return import_run(chosen.workspace, folder, name), []
    line = st.progress(0.0)

    def progress(done: int, total: int) -> None:
        line.progress(done / total, text=f"Copying {done:,} of {count(total, 'picture')}")

    return foreign.import_pictures(chosen.workspace, place.absolute(), chosen.dataset, chosen.split, name, progress)


def said() -> None:
    """What became of the results that were added."""
    words = st.session_state.pop("compare_said", None)
    if words:
        st.toast(words, icon=":material/check:")
