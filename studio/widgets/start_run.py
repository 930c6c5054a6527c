"""The form that starts a run over many pairs."""

from dataclasses import dataclass

import streamlit as st

from db import datasets
from db.models import Dataset
from studio import jobs
from studio.jobs import JobError
from studio.widgets.diffusion_choice import caution, choose_diffusion, choose_warp, chosen_how, offer_for, settle
from studio.widgets.frame import Frame
from studio.widgets.words import count
from studio.workspace import Workspace
from vton.pairs import PICTURES

ALL, FIRST, PASTED = "All", "First", "Pasted"
PASTED_LIMIT = 20_000
FIRST_PAIRS = 12
PREFIX = "run"  # of the choice by what it is made, in the session
EXAMPLE = "00891_00.jpg 01430_00.jpg\n03615_00.jpg 09933_00.jpg"


@dataclass(frozen=True)
class Wanted:
    """What the form asks for: the pairs (None for all), how many that are, and why it cannot be started."""

    pairs: list[tuple[str, str]] | None
    n: int
    fault: str = ""


def start_run_button(chosen: Frame) -> None:
    """A button that opens the form: a name, which pairs, by what, and the start."""
    dataset, split = chosen.dataset, chosen.split
    if dataset is None or split is None:
        return
    with st.popover("Start a run", icon=":material/play_arrow:", type="primary", key="start_run", on_change="rerun"):
        st.caption(f"{dataset.name}, {split}")
        st.text_input("Name", key="run_name", placeholder="A name to find it by (optional)")
        paired = st.toggle("Everyone in their own garment (paired)", key="run_paired")
        with chosen.workspace.database.read() as session:
            total = datasets.count_pairs(session, dataset.id, split, paired)
        which = st.segmented_control("Pairs", [ALL, FIRST, PASTED], default=FIRST, required=True, key="run_which")
        if which == PASTED:
            st.text_area("One pair a line", key="run_lines", height=140, placeholder=EXAMPLE)
        elif which == FIRST and total:
            st.number_input("How many", 1, total, min(FIRST_PAIRS, total), key="run_first")
        offer = offer_for(chosen.workspace, dataset, split)
        settle(PREFIX, offer)
        choose_warp(PREFIX, offer)
        if offer.diffusions:
            choose_diffusion(PREFIX, offer, folded=True)
        how, wanted = chosen_how(PREFIX, offer), read_form(chosen.workspace, dataset, split)
        for told in filter(None, (caution(how, offer.drawn), wanted.fault)):
            st.caption(told)
        st.button(
            f"Start with {count(wanted.n, 'pair')}",
            type="primary",
            key="run_start",
            disabled=bool(wanted.fault or how.fault),
            on_click=_start,
            args=(chosen.workspace, dataset, split),
        )
        failed = st.session_state.pop("run_fault", None)
        if failed:
            st.error(failed, icon=":material/error:")


def read_form(workspace: Workspace, dataset: Dataset, split: str) -> Wanted:
    """The form as it is filled in now; a click reads it again, since it may come with the last change of a field."""
    state = st.session_state
    paired = bool(state.get("run_paired"))
    if state.get("run_which") == PASTED:
        return _pasted(workspace, dataset, split, state.get("run_lines") or "")
    with workspace.database.read() as session:
        total = datasets.count_pairs(session, dataset.id, split, paired)
        if total == 0:
            return Wanted(None, 0, f"{split} has no {'paired' if paired else 'listed'} pair.")
        if state.get("run_which") == ALL:
            return Wanted(None, total)
        number = min(int(state.get("run_first") or FIRST_PAIRS), total)
        return Wanted(datasets.page_pairs(session, dataset.id, split, paired, limit=number), number)


def _pasted(workspace: Workspace, dataset: Dataset, split: str, text: str) -> Wanted:
    pairs, fault = read_lines(text)
    if fault or not pairs:
        return Wanted([], 0, fault or "Paste a person's and a garment's id a line.")
    with workspace.database.read() as session:
        found = datasets.items(session, dataset.id, split, {stem for pair in pairs for stem in pair})
    for person, cloth in pairs:
        if person not in found or not found[person].has_person:
            return Wanted([], 0, f"{split} has no person {person}.")
        if cloth not in found or not found[cloth].has_cloth:
            return Wanted([], 0, f"{split} has no garment {cloth}.")
    return Wanted(pairs, len(pairs))


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


def _start(workspace: Workspace, dataset: Dataset, split: str) -> None:
    state = st.session_state
    wanted = read_form(workspace, dataset, split)
    if wanted.fault:
        state["run_fault"] = wanted.fault
        return
    paired, name = bool(state.get("run_paired")), state.get("run_name") or ""
    how = chosen_how(PREFIX, offer_for(workspace, dataset, split))
    try:
        job = jobs.start_generate(workspace, dataset, split, wanted.pairs, paired=paired, name=name, how=how)
    except JobError as error:
        state["run_fault"] = str(error)
        return
    state["start_run"] = False  # close the form
    st.toast(f"{job.title} has started.", icon=":material/play_arrow:")
