"""The form that starts a run over many pairs."""

import streamlit as st

from db import datasets
from db.models import Dataset
from studio import jobs
from studio.jobs import JobError
from studio.widgets.frame import Frame
from studio.widgets.words import count
from studio.workspace import Workspace
from vton.pairs import PICTURES

ALL, FIRST, PASTED = "All", "First", "Pasted"
PASTED_LIMIT = 20_000


def start_run_button(chosen: Frame) -> None:
    """A button that opens the form: a name, which pairs, and the start."""
    dataset, split = chosen.dataset, chosen.split
    if dataset is None or split is None:
        return
    with st.popover("Start a run", icon=":material/play_arrow:", type="primary"):
        st.caption(f"Geometric try-on of {dataset.name}, {split}")
        name = st.text_input("Name", key="run_name", placeholder="A name to find it by (optional)")
        paired = st.toggle("Everyone in their own garment (paired)", key="run_paired")
        with chosen.workspace.database.read() as session:
            total = datasets.count_pairs(session, dataset.id, split, paired)
        which = st.segmented_control("Pairs", [ALL, FIRST, PASTED], default=FIRST, required=True, key="run_which")
        pairs: list[tuple[str, str]] | None = None
        fault: str | None = None
        if which == PASTED:
            pairs, fault = _pasted(chosen.workspace, dataset, split)
        elif total == 0:
            fault = f"{split} has no {'paired' if paired else 'listed'} pair."
        elif which == FIRST:
            pairs = _first(chosen.workspace, dataset, split, paired, total)
        n = total if pairs is None else len(pairs)
        if fault:
            st.caption(fault)
        st.button(
            f"Start with {count(n, 'pair')}",
            type="primary",
            key="run_start",
            disabled=bool(fault) or n == 0,
            on_click=_start,
            args=(chosen.workspace, dataset, split, pairs, paired, name or ""),
        )
        failed = st.session_state.pop("run_fault", None)
        if failed:
            st.error(failed, icon=":material/error:")


def _first(workspace: Workspace, dataset: Dataset, split: str, paired: bool, total: int) -> list[tuple[str, str]]:
    number = int(st.number_input("How many", 1, total, min(12, total), key="run_first"))
    with workspace.database.read() as session:
        return datasets.page_pairs(session, dataset.id, split, paired, limit=number)


def _pasted(workspace: Workspace, dataset: Dataset, split: str) -> tuple[list[tuple[str, str]], str | None]:
    """The pairs pasted, and what is wrong with them in one sentence."""
    text = st.text_area(
        "One pair a line",
        key="run_lines",
        height=140,
        placeholder="00891_00.jpg 01430_00.jpg\n03615_00.jpg 09933_00.jpg",
    )
    pairs, fault = read_lines(text or "")
    if fault or not pairs:
        return [], fault or "Paste a person's and a garment's id a line."
    with workspace.database.read() as session:
        found = datasets.items(session, dataset.id, split, {stem for pair in pairs for stem in pair})
    for person, cloth in pairs:
        if person not in found or not found[person].has_person:
            return [], f"{split} has no person {person}."
        if cloth not in found or not found[cloth].has_cloth:
            return [], f"{split} has no garment {cloth}."
    return pairs, None


def read_lines(text: str) -> tuple[list[tuple[str, str]], str | None]:
    """The pairs of lines "person cloth" with or without endings, each once; or the line that is none, in a sentence."""
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        words = [_stem(word) for word in line.replace(",", " ").split()]
        if len(words) == 1 and "__" in words[0]:
            words = words[0].split("__", 1)
        if not words:
            continue
        if len(words) != 2:
            return [], f"Line {number} is no pair: expected a person's and a garment's id, found “{line.strip()[:60]}”."
        pairs.append((words[0], words[1]))
    if len(pairs) > PASTED_LIMIT:
        return [], f"{len(pairs):,} lines are too many to paste; {PASTED_LIMIT:,} are the most."
    return list(dict.fromkeys(pairs)), None


def _stem(word: str) -> str:
    stem, dot, ending = word.rpartition(".")
    return stem if dot and f".{ending.lower()}" in PICTURES else word


def _start(
    workspace: Workspace, dataset: Dataset, split: str, pairs: list[tuple[str, str]] | None, paired: bool, name: str
) -> None:
    try:
        job = jobs.start_generate(workspace, dataset, split, pairs, paired=paired, name=name)
    except JobError as error:
        st.session_state["run_fault"] = str(error)
        return
    st.toast(f"{job.title} has started.", icon=":material/play_arrow:")
