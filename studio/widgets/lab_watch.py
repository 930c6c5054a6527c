"""A try-on under way, before the reader's eyes: how far it is, what it comes to, and the button that ends it."""

import base64
import time
from pathlib import Path

import streamlit as st

from studio.how import How
from studio.inference import TryOn, TryOnCancelled, lab_run_dir
from studio.widgets.frame import Frame
from studio.widgets.lab import ask_for, worker_of
from studio.widgets.pair_view import PairFiles
from studio.widgets.pictures import Figure, figure_of, large_row, shape_of
from studio.widgets.words import count, duration
from vton.pairs import Pair

POLL_SECONDS = 0.4
ASKED = "lab_try_on"  # this reader's, in the session


def get_ready(chosen: Frame, how: How) -> None:
    """Have the models of a diffusion opened while the reader looks at the pair."""
    if how.diffusion and not how.fault:
        worker_of(chosen, how).get_ready(how)


def begin(chosen: Frame, pair: Pair, how: How) -> None:
    """Have a try-on made, and watch it."""
    st.session_state[ASKED] = ask_for(chosen, pair, how)


def take_ended(pair: Pair) -> None:
    """What became of the try-on that this reader asked for, once it has ended: its result is shown where its pair is looked at.
    TryOnError says why there is none."""
    asked: TryOn | None = st.session_state.get(ASKED)
    if asked is None or not asked.future.done():
        return
    del st.session_state[ASKED]
    try:
        result = asked.result()
    except TryOnCancelled:
        st.toast("The try-on was cancelled.", icon=":material/close:")
        return
    if asked.pair == pair:
        st.query_params["result"] = str(result.id)


def under_way(chosen: Frame, pair: Pair, how: How) -> TryOn | None:
    """The try-on to watch: the one that this reader asked for, else the one that is chosen, where somebody asked for it."""
    assert chosen.dataset is not None and chosen.split is not None
    asked: TryOn | None = st.session_state.get(ASKED)
    if asked is None:
        folder = lab_run_dir(chosen.workspace, chosen.dataset, chosen.split, how)
        asked = worker_of(chosen, how).find(folder, pair)
        if asked is not None:
            st.session_state[ASKED] = asked
    return asked


def watch(chosen: Frame, files: PairFiles, asked: TryOn) -> None:
    """Draw it again and again until it has ended; the pictures only of the pair that is looked at."""
    st.fragment(_watch, run_every=POLL_SECONDS)(chosen, files, asked)


def _watch(chosen: Frame, files: PairFiles, asked: TryOn) -> None:
    if asked.future.done():
        st.rerun()
    line = st.container(horizontal=True, vertical_alignment="center", key="lab_watch")
    share, words = _how_far(chosen, asked)
    line.progress(share, text=words)
    line.button("Cancel", key="lab_cancel", icon=":material/close:", on_click=asked.cancel)
    if asked.pair == files.pair:
        preview = _inline(asked.preview)
        result = Figure(preview, "Result", "as it looks by now" if preview else "not made yet")
        person = figure_of(files.person["image"], "Person", 768, files.pair.person)
        garment = figure_of(files.cloth["cloth"], "Garment", 768, files.pair.cloth)
        large_row([person, garment, result], shape_of(files.person["image"]))


def _how_far(chosen: Frame, asked: TryOn) -> tuple[float, str]:
    """The share that is done, and in words."""
    what = f"Trying {asked.pair.cloth} on {asked.pair.person}"
    queue = worker_of(chosen, asked.how).under_way()
    before = queue.index(asked) if asked in queue else 0
    if before:
        return 0.0, f"{what}: after {count(before, 'other try-on')}"
    steps = asked.steps()
    if steps is None:
        return 0.0, f"{what}: getting ready, {time.monotonic() - asked.asked_at:.0f} s"
    left = "" if steps.left is None else f", about {duration(steps.left)} left"
    return steps.done / steps.total, f"{what}: step {steps.done} of {steps.total}{left}"


def _inline(picture: Path) -> str | None:
    """A JPEG as a data URL; None where there is none (any more)."""
    try:
        return f"data:image/jpeg;base64,{base64.b64encode(picture.read_bytes()).decode()}"
    except OSError:
        return None
