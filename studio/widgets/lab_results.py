"""The results of one pair: which one is shown, how it was made, and the others to switch to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from db import runs
from db.models import Result, Run
from studio.how import How, made_by, names_of, settings_of
from studio.inference import lab_run_dir
from studio.widgets.diffusion_choice import address_of
from studio.widgets.frame import Frame
from studio.widgets.gallery import Picture, Tile, gallery
from studio.widgets.pictures import image_url
from studio.widgets.words import ago
from vton.pairs import Pair

NEWEST, BY_SETTINGS = "Newest first", "By settings"
Made = tuple[Run, Result]


def results_of(chosen: Frame, pair: Pair) -> list[Made]:
    """Every result of a pair, the newest first."""
    assert chosen.dataset is not None
    with chosen.workspace.database.read() as session:
        found = runs.for_pair(session, pair.person, pair.cloth, chosen.dataset.id)
    return sorted(found, key=lambda made: -made[1].file_mtime_ns)


def shown_of(chosen: Frame, found: list[Made], how: How) -> Made | None:
    """The result of the address, else the one that was made as is chosen now, else the newest. A choice that was changed shows
    what was made so before."""
    assert chosen.dataset is not None and chosen.split is not None
    folder = str(lab_run_dir(chosen.workspace, chosen.dataset, chosen.split, how))
    changed = st.session_state.get("lab_folder") not in (None, folder)
    st.session_state["lab_folder"] = folder
    wanted = st.query_params.get("result")
    linked = next((made for made in found if str(made[1].id) == wanted), None)
    same = next((made for made in found if made[0].folder == folder), None)
    if linked is None or (changed and same):
        linked = same or next(iter(found), None)
    if linked is None:
        st.query_params.pop("result", None)
    else:
        st.query_params["result"] = str(linked[1].id)
    return linked


def say_made(run: Run, result: Result) -> None:
    """How a result was made, how long that took, and when."""
    how, seconds = made_by(run.config), _seconds(run, result)
    took = f"Made in {seconds:.1f} s, {ago(_made_at(result))}" if seconds is not None else f"Made {ago(_made_at(result))}"
    st.caption(f"{how}. {took}." if how else f"{took}.")


def other_results(chosen: Frame, found: list[Made], shown: Made, how: How) -> None:
    """The strip of this pair's results; a click shows another one."""
    assert chosen.dataset is not None and chosen.split is not None
    line = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    line.subheader("Results of this pair", anchor=False, width="content")
    order = line.segmented_control(
        "Order", [NEWEST, BY_SETTINGS], default=NEWEST, required=True, key="lab_order", label_visibility="collapsed",
        width="content",
    )  # fmt: skip
    if order == BY_SETTINGS:
        found = sorted(found, key=lambda made: _settings(made[0]))
    address = {"dataset": chosen.dataset.name, "split": chosen.split, **address_of(how)}
    address["pair"] = Pair(shown[1].person, shown[1].cloth).name
    tiles = [
        Tile(
            id=str(result.id),
            caption=", ".join(filter(None, names_of(run.config))) or run.name,
            note=", ".join(filter(None, (settings_of(run.config), ago(_made_at(result))))),
            href="lab?" + urlencode({**address, "result": str(result.id)}),
            pictures=[Picture(image_url(Path(run.folder) / result.path, 256), f"result of {run.name}")],
            chosen=result.id == shown[1].id,
        )
        for run, result in found
    ]
    gallery(tiles, key="lab_results", on_open=_show, width=150)


def _show(identity: str) -> None:
    st.query_params["result"] = identity


def _settings(run: Run) -> tuple[str, str, list[tuple[str, str]]]:
    """What results are put in order by: warp, diffusion, then each setting, numbers by their size."""
    told = run.config.get("diffusion")
    settings = told if isinstance(told, dict) else {}
    named = ("sampler", "steps", "guidance", "strength", "eta", "mirror", "seed")
    ordered = [
        (name, f"{settings[name]:020.6f}" if isinstance(settings[name], int | float) else str(settings[name]))
        for name in named
        if name in settings
    ]
    return *names_of(run.config), ordered


def _made_at(result: Result) -> datetime:
    return datetime.fromtimestamp(result.file_mtime_ns / 1e9, UTC)


def _seconds(run: Run, result: Result) -> float | None:
    """How long the result took from conditions to files, where the run says so."""
    try:
        timings = json.loads((Path(run.folder) / "timings.json").read_bytes())
        return float(sum(timings["pairs"][Pair(result.person, result.cloth).name].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
