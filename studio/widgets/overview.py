"""Home's pieces: what is here, and what to do next."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from db import datasets, ratings, runs
from db.models import Dataset, Result, Run
from studio.widgets.frame import Frame
from studio.widgets.gallery import Picture, Tile, gallery
from studio.widgets.page import go, page_path
from studio.widgets.pictures import image_url
from studio.widgets.remove_dataset import remove_button
from studio.widgets.words import ago, count
from studio.workspace import Workspace
from vton.pairs import Pair

NEWEST = 12


@dataclass(frozen=True)
class Step:
    """One thing to do next, and the page that does it."""

    page: str
    label: str
    why: str
    icon: str


def next_steps(chosen: Frame, found: list[Run]) -> list[Step]:
    """What makes sense next, the most useful first."""
    if chosen.dataset is None:
        return []
    steps = [Step("browse", "Browse the pairs", "Every person and garment, with every map", ":material/grid_view:")]
    steps.append(Step("lab", "Try a garment on", "One pair, every stage shown", ":material/science:"))
    if found:
        steps.append(Step("rate", "Rate results", _rating_state(chosen, found[0]), ":material/star_rate:"))
    steps.append(Step("runs", "Runs", "Try on many pairs at once, and measure them", ":material/play_circle:"))
    return steps


def _rating_state(chosen: Frame, run: Run) -> str:
    if chosen.rater is None:
        return "Say who rates in the sidebar, then score by keys"
    with chosen.workspace.database.read() as session:
        done, total = ratings.progress(session, run.id, chosen.rater.id)
    return f"{done} of {total} rated by you in {run.name}"


def draw_steps(steps: list[Step]) -> None:
    """The steps beside each other."""
    if not steps:
        return
    for column, step in zip(st.columns(len(steps), border=True), steps, strict=True):
        with column:
            st.page_link(page_path(step.page), label=step.label, icon=step.icon)
            st.caption(step.why)


def draw_datasets(workspace: Workspace, known: list[Dataset]) -> None:
    """Every dataset with what it holds."""
    st.subheader("Datasets", anchor=False)
    for dataset in known:
        with workspace.database.read() as session:
            holds = datasets.splits(session, dataset.id)
        amounts = "; ".join(
            f"{name}: {count(split.persons, 'person', 'people')}, {count(split.cloths, 'garment')}, "
            f"{split.listed:,} listed pairs"
            for name, split in holds.items()
        )
        line = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        line.button(
            dataset.name,
            key=f"open_{dataset.id}",
            icon=":material/folder_open:",
            type="tertiary",
            on_click=go,
            args=("browse", {"dataset": dataset.name}),
        )
        with line.container(horizontal=True, width="content", vertical_alignment="center"):
            st.caption(amounts, width="content")
            remove_button(workspace, dataset)
        if not Path(dataset.root).is_dir():
            st.error(f"{dataset.root} is not there any more; bring the folder back.", icon=":material/error:")


def draw_newest(workspace: Workspace, found: list[Run], known: list[Dataset]) -> None:
    """The newest run's first results."""
    names = {dataset.id: dataset.name for dataset in known}
    run = found[0]
    with workspace.database.read() as session:
        results: list[Result] = runs.results(session, run.id, limit=NEWEST)
    line = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    line.subheader(run.name, anchor=False, width="content")
    with line.container(horizontal=True, width="content", vertical_alignment="center"):
        st.caption(f"made {ago(run.created_at)}", width="content")
        st.button(
            "Open the run",
            icon=":material/arrow_forward:",
            type="tertiary",
            on_click=go,
            args=("runs", {"open": run.name}),
        )

    def open_in_lab(name: str) -> None:
        go("lab", {"dataset": names.get(run.dataset_id or 0), "split": run.split}, pair=name)

    address = {"dataset": names.get(run.dataset_id or 0, ""), "split": run.split or ""}
    tiles = [
        Tile(
            id=Pair(result.person, result.cloth).name,
            caption=f"{result.person} · {result.cloth}",
            href="lab?" + urlencode({**address, "pair": Pair(result.person, result.cloth).name}),
            pictures=[Picture(image_url(Path(run.folder) / result.path, 256), "result")],
        )
        for result in results
    ]
    gallery(tiles, key="newest", on_open=open_in_lab, width=140)
