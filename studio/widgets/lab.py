"""The try-on lab's pieces: choosing a pair, making the try-on, showing its stages."""

import time
from concurrent.futures import wait
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from db import datasets, runs
from db.models import Result, Run
from studio.how import How
from studio.inference import TryOn, TryOnError, TryOnWorker, diffusion_worker, lab_run_dir, try_on_worker
from studio.widgets.frame import Frame
from studio.widgets.gallery import Picture, Tile, gallery
from studio.widgets.page import go
from studio.widgets.pair_view import PairFiles, choose_maps
from studio.widgets.pictures import Figure, figure_of, figure_row, image_url, large_row, shape_of
from studio.widgets.stages import stage_figures
from vton.pairs import Pair

CHOICES = 24
POLL_SECONDS = 0.2


def choose_pair(chosen: Frame) -> Pair | None:
    """The pair of the two ids typed, at first that of the link, else the first of the list."""
    assert chosen.dataset is not None and chosen.split is not None
    here = f"{chosen.dataset.name}/{chosen.split}"
    linked = st.query_params.get("pair", "")
    if linked and linked != st.session_state.get("lab_linked"):
        st.session_state["lab_linked"] = linked
        _set_pair(*linked.partition("__")[::2])
    elif st.session_state.get("lab_place") != here or "lab_person" not in st.session_state:
        with chosen.workspace.database.read() as session:
            first = datasets.page_pairs(session, chosen.dataset.id, chosen.split, paired=False, limit=1) or (
                datasets.page_pairs(session, chosen.dataset.id, chosen.split, paired=True, limit=1)
            )
        if not first:
            return None
        _set_pair(*first[0])
    st.session_state["lab_place"] = here
    row = st.container(horizontal=True, vertical_alignment="bottom")
    person = row.text_input("Person", key="lab_person", persist_state="session", width=240, on_change=_forget_link)
    cloth = row.text_input("Garment", key="lab_cloth", persist_state="session", width=240, on_change=_forget_link)
    return Pair((person or "").strip(), (cloth or "").strip())


def _set_pair(person: str, cloth: str) -> None:
    st.session_state["lab_person"], st.session_state["lab_cloth"] = person, cloth


def _forget_link() -> None:
    pair = Pair(st.session_state["lab_person"].strip(), st.session_state["lab_cloth"].strip())
    st.query_params["pair"] = st.session_state["lab_linked"] = pair.name


def garment_choice(chosen: Frame, pair: Pair) -> None:
    """A strip of other garments for this person; a click puts one on the line."""
    assert chosen.dataset is not None and chosen.split is not None
    with chosen.workspace.database.read() as session:
        near = datasets.page_pairs(session, chosen.dataset.id, chosen.split, paired=False, limit=CHOICES)
        stems = list(dict.fromkeys(cloth for _, cloth in near))
        found = datasets.items(session, chosen.dataset.id, chosen.split, stems)
        paths = {stem: row.maps["cloth"] for stem, row in found.items() if "cloth" in row.maps}
    root = chosen.dataset.root
    address = {"dataset": chosen.dataset.name, "split": chosen.split}
    tiles = [
        Tile(
            id=stem,
            caption=stem,
            href="lab?" + urlencode({**address, "pair": Pair(pair.person, stem).name}),
            pictures=[Picture(image_url(Path(root) / paths[stem], 144), f"garment {stem}")],
            chosen=stem == pair.cloth,
        )
        for stem in stems
        if stem in paths
    ]

    def put_on(stem: str) -> None:
        st.session_state["lab_cloth"] = stem
        _forget_link()

    gallery(tiles, key="lab_garments", on_open=put_on, width=84)


def find_result(chosen: Frame, pair: Pair, how: How | None = None) -> tuple[Run, Result] | None:
    """What the lab made of this pair so before, else what the newest run did."""
    assert chosen.dataset is not None and chosen.split is not None
    with chosen.workspace.database.read() as session:
        found = runs.for_pair(session, pair.person, pair.cloth, chosen.dataset.id)
    lab = str(lab_run_dir(chosen.workspace, chosen.dataset, chosen.split, how))
    found.sort(key=lambda one: one[0].folder != lab)
    return found[0] if found else None


def worker_of(chosen: Frame, how: How) -> TryOnWorker:
    """The worker that makes it so."""
    return diffusion_worker(chosen.workspace) if how.diffusion else try_on_worker(chosen.workspace)


def ask_for(chosen: Frame, pair: Pair, how: How) -> TryOn:
    """Have the try-on made in a worker's process; the one that is under way already where it is the same."""
    assert chosen.dataset is not None and chosen.split is not None
    folder = lab_run_dir(chosen.workspace, chosen.dataset, chosen.split, how)
    return worker_of(chosen, how).submit(Path(chosen.dataset.root), chosen.split, pair, folder, how)


def try_on(chosen: Frame, pair: Pair) -> None:
    """Make the plain try-on and show how long it takes, to its end; TryOnError says why there is none."""
    line = st.status(f"Trying {pair.cloth} on {pair.person}")
    making = ask_for(chosen, pair, How())
    try:
        while not wait([making.future], POLL_SECONDS).done:
            line.update(label=f"Trying {pair.cloth} on {pair.person}, {time.monotonic() - making.asked_at:.0f} s")
        making.result()
    except TryOnError:
        line.update(label="This pair could not be tried on", state="error")
        raise
    line.update(label=f"Made in {time.monotonic() - making.asked_at:.1f} s", state="complete")


def show_result(chosen: Frame, files: PairFiles, run: Run, result: Result) -> None:
    """Person, garment and result large; every stage below."""
    show_picture(files, run, result)
    show_stages(files, run, result)


def show_picture(files: PairFiles, run: Run, result: Result) -> None:
    """Person, garment and result large."""
    picture = Path(run.folder) / result.path
    if not picture.is_file():
        st.error(f"The picture {picture} is gone; bring it back, or press Try on to make one anew.", icon=":material/error:")
    large_row(
        [
            figure_of(files.person["image"], "Person", 768, files.pair.person),
            figure_of(files.cloth["cloth"], "Garment", 768, files.pair.cloth),
            figure_of(picture, "Result", 768, f"{run.name}, {result.width} × {result.height} pixels"),
        ],
        _shape(result),
    )


def show_stages(files: PairFiles, run: Run, result: Result) -> None:
    """Every stage on the way to the result."""
    st.subheader("Stages", anchor=False)
    before = bool(files.replaced) and "repairs" not in run.config
    if before:
        st.caption("This result was made before the maps were repaired; Try on makes it anew.")
    files = choose_maps(files, own_first=before)
    figure_row(stage_figures(files, Path(run.folder), Path(run.folder) / result.path), width=200, shape=_shape(result))


def _shape(result: Result) -> str:
    return f"{result.width} / {result.height}"


def show_inputs(files: PairFiles) -> None:
    """The pair before its try-on."""
    shape = shape_of(files.person["image"])
    waiting = Figure(None, "Result", "not made yet")
    large_row(
        [
            figure_of(files.person["image"], "Person", 768, files.pair.person),
            figure_of(files.cloth["cloth"], "Garment", 768, files.pair.cloth),
            waiting,
        ],
        shape,
    )


def result_actions(run: Run, result: Result) -> None:
    """Rate it, download it; neither where the picture is gone."""
    picture = Path(run.folder) / result.path
    if not picture.is_file():
        return
    st.button(
        "Rate it",
        icon=":material/star_rate:",
        on_click=go,
        args=("rate", {"run": run.name}),
        kwargs={"result": str(result.id)},
    )
    st.download_button(
        "Download",
        data=picture.read_bytes,
        file_name=f"{result.person}__{result.cloth}{picture.suffix}",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
    )
