"""The warp page in pieces: what is asked of the worker and waited for, and what is said beside the pictures."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from studio import checkpoints, warp_looks
from studio.checkpoints import GEOMETRIC, Checkpoint
from studio.warp_looks import TRUTH, Place
from studio.widgets.frame import Frame
from studio.widgets.page import go
from studio.widgets.pair_view import PairFiles, files_of
from studio.widgets.warp_choices import WORDS, Turn, turn_to
from studio.widgets.warp_numbers import error_charts, numbers_table
from studio.widgets.warp_view import Shown, warp_view
from vton.pairs import Pair

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

POLL_SECONDS = 0.2
SAID_AFTER = 1.0  # seconds; what takes longer says how long
DRAWN, PHOTOS = "drawn pictures", "photos"
NOTES = {GEOMETRIC: "measured, not learnt", TRUTH: "of the drawn set"}


def page_actions(pair: Pair, turn: Turn, action: "DeltaGenerator") -> None:
    """To the neighbours of the pair, and to its try-on."""
    for label, icon, near in (("Previous", "chevron_left", turn.before), ("Next", "chevron_right", turn.after)):
        action.button(label, icon=f":material/{icon}:", disabled=near is None, on_click=turn_to, args=(near,))
    action.button(
        "Try on in the lab", icon=":material/science:", type="primary", on_click=go, args=("lab",), kwargs={"pair": pair.name}
    )


@dataclass(frozen=True)
class Waiting:
    """The looks that a page has asked for, by the names of their warps, and the line that says how long it takes."""

    asked: dict[str, "Future[None]"]
    folders: dict[str, Path]
    line: "DeltaGenerator"


def compare(chosen: Frame, files: PairFiles, names: Sequence[str], known: Mapping[str, Checkpoint], turn: Turn) -> Waiting:
    """The pair under the warps: pictures, then numbers; what is not made yet is asked for."""
    assert chosen.dataset is not None and chosen.split is not None
    place = Place(chosen.workspace, chosen.dataset, chosen.split, files.pair)
    folders = {name: place.folder(known.get(name, name), _inputs(files)) for name in names}
    faults: dict[Path, str] = st.session_state.setdefault("warp_faults", {})
    looks = {name: look for name, folder in folders.items() if (look := warp_looks.read_look(folder))}
    left = [name for name in names if name not in looks and folders[name] not in faults]
    asked = {name: warp_looks.ask(place, known.get(name, name), folders[name]) for name in left}
    _leave_behind(asked)
    line = st.empty()
    warp_view(
        files,
        [Shown(name, _note(place, known.get(name), name), looks.get(name), faults.get(folders[name], "")) for name in names],
        turn,
    )
    _cautions(place, [known[name] for name in names if name in known])
    there = [(name, looks[name]) for name in names if name in looks]
    if there:
        numbers_table(there)
        error_charts(there)
    if any(folders[name] in faults for name in names):
        st.button("Try again", icon=":material/refresh:", on_click=faults.clear)
    if not asked:
        _make_ahead(chosen, names, known, turn.after)
    return Waiting(asked, folders, line)


def go_on(waiting: Waiting) -> None:
    """Show the next look when it is there; the last thing that a page does."""
    asked = waiting.asked
    if not asked:
        return
    began = time.monotonic()
    while not wait(asked.values(), POLL_SECONDS, FIRST_COMPLETED).done:
        passed = time.monotonic() - began
        if passed > SAID_AFTER:
            words = ", ".join(WORDS.get(name, name) for name in asked)
            done = len(waiting.folders) - len(asked)
            waiting.line.progress(done / len(waiting.folders), text=f"Warping: {words}, {passed:.0f} s")
    ended = {waiting.folders[name]: warp_looks.fault_of(one) for name, one in asked.items() if one.done()}
    st.session_state["warp_faults"].update({folder: fault for folder, fault in ended.items() if fault})
    st.rerun()


def _inputs(files: PairFiles) -> list[Path]:
    return [*files.person.values(), *files.cloth.values()]


def _leave_behind(asked: Mapping[str, "Future[None]"]) -> None:
    """What this reader asked for earlier and does not look at any more is not begun."""
    before: list[Future[None]] = st.session_state.get("warp_asked", [])
    warp_looks.call_off(one for one in before if one not in asked.values())
    st.session_state["warp_asked"] = list(asked.values())


def _make_ahead(chosen: Frame, names: Sequence[str], known: Mapping[str, Checkpoint], after: Pair | None) -> None:
    """Have the next pair's looks made while the reader looks at this one."""
    files = files_of(chosen, after) if after else None
    if files is None or chosen.dataset is None or chosen.split is None:
        return
    place = Place(chosen.workspace, chosen.dataset, chosen.split, files.pair)
    wanted = [name for name in names if name != TRUTH or place.has_truth]
    ahead = {name: place.folder(known.get(name, name), _inputs(files)) for name in wanted}
    st.session_state["warp_asked"] = [
        warp_looks.ask(place, known.get(name, name), folder)
        for name, folder in ahead.items()
        if not warp_looks.read_look(folder)
    ]


def _note(place: Place, checkpoint: Checkpoint | None, name: str) -> str:
    if checkpoint is None or checkpoint.info is None:
        return NOTES.get(name, "")
    info = checkpoint.info
    words = f"step {info.step:,}" if info.step is not None else info.kind
    return words if info.drawn == place.is_drawn else f"{words}, trained on {DRAWN if info.drawn else PHOTOS}"


def _cautions(place: Place, learned: Sequence[Checkpoint]) -> None:
    """What to expect of weights that meet pictures of another kind than they were trained on."""
    strange = [one.name for one in learned if one.info and one.info.drawn != place.is_drawn]
    if not strange:
        return
    who, was = ", ".join(strange), "was" if len(strange) == 1 else "were"
    if place.is_drawn:
        st.info(
            f"{who} {was} trained on photos: expect the garment in its place, and edges and sleeves less exact than on people.",
            icon=":material/info:",
        )
    else:
        st.info(
            f"{who} {was} trained on drawn pictures: expect the garment about in its place, but over the neck as "
            "far as its photo shows collar or hanger, ragged beside the arms, and with holes where a print has bare spots.",
            icon=":material/info:",
        )


def how_to_get_one(chosen: Frame, known: Mapping[str, Checkpoint]) -> None:
    """What the checkpoints are and where they come from; those that cannot be read say why."""
    for one in known.values():
        if one.fault:
            st.warning(one.fault, icon=":material/warning:")
    learned = [one for one in known.values() if one.info]
    home = checkpoints.home(chosen.workspace)
    words = "Checkpoints" if learned else "No learned warp yet: how to make a checkpoint"
    with st.expander(words, icon=":material/deployed_code:", expanded=False):
        for one in learned:
            st.markdown(f"**{one.name}** {one.trained_on}")
            st.caption(str(one.path))
        st.markdown("Train one; it is listed here from its first checkpoint on:")
        root = chosen.dataset.root if chosen.dataset else "ROOT"
        runs = chosen.workspace.settings.runs_dir
        st.code(f"python -m vton.train.warp --data {root} --preset demo --out {runs / 'warp'}", language="bash")
        st.markdown("Or take in the published warp of the implementation that this project carries on:")
        st.code(f"python -m vton.checkpoint import FILE.pth --out {home / 'seed'}", language="bash")
        st.caption(f"Any checkpoint's folder that lies in {home} is listed too.")
