"""The two views of Browse: the paged gallery, and one pair with its neighbours."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from db import datasets
from studio.widgets.frame import Frame
from studio.widgets.gallery import Picture, Tile, gallery
from studio.widgets.page import empty, go
from studio.widgets.pair_view import files_of, input_figures, map_figures, missing_maps
from studio.widgets.pictures import figure_row, image_url, shape_of
from studio.widgets.words import count
from vton.pairs import Pair

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PAGE = 48
THUMB_WIDTH = 192
LISTED, PAIRED = "Unpaired", "Paired"


def _filters() -> "tuple[str, bool, DeltaGenerator]":
    """What is looked for, whether everyone is paired with their own garment, and the row's free end."""
    row = st.container(horizontal=True, vertical_alignment="center")
    search = row.text_input(
        "Search by id",
        key="search",
        bind="query-params",
        persist_state="session",
        placeholder="Search by a person's or garment's id",
        icon=":material/search:",
        on_change=_first_page,
        width=320,
        label_visibility="collapsed",
    )
    kind = row.segmented_control(
        "Pairs",
        [LISTED, PAIRED],
        default=LISTED,
        required=True,
        key="kind",
        bind="query-params",
        persist_state="session",
        on_change=_first_page,
        label_visibility="collapsed",
    )
    return (search or "").strip(), kind == PAIRED, row


def _first_page() -> None:
    st.session_state["page"] = 1


def _filters_kept() -> tuple[str, bool]:
    """The same choice while the filters are not drawn: beside a single pair."""
    return (st.session_state.get("search") or "").strip(), st.session_state.get("kind") == PAIRED


def pair_gallery(chosen: Frame) -> None:
    """The filters, a page of tiles, and the pages' numbers."""
    assert chosen.dataset is not None and chosen.split is not None
    search, paired, row = _filters()
    with chosen.workspace.database.read() as session:
        total = datasets.count_pairs(session, chosen.dataset.id, chosen.split, paired, search)
    if total == 0:
        _no_pairs(chosen, search, paired)
        return
    row.caption(f"{count(total, 'pair')} in {chosen.split}", width="content")
    pages = -(-total // PAGE)
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    place = st.container()
    number = st.pagination(pages, key="page", bind="query-params", persist_state="session") if pages > 1 else 1
    with place:
        _tiles(chosen, search, paired, (number - 1) * PAGE)


def _tiles(chosen: Frame, search: str, paired: bool, offset: int) -> None:
    assert chosen.dataset is not None and chosen.split is not None
    with chosen.workspace.database.read() as session:
        pairs = datasets.page_pairs(session, chosen.dataset.id, chosen.split, paired, search, offset, PAGE)
        stems = {stem for pair in pairs for stem in pair}
        maps = {stem: row.maps for stem, row in datasets.items(session, chosen.dataset.id, chosen.split, stems).items()}
    root = chosen.dataset.root

    def picture(stem: str, kind: str, alt: str) -> Picture:
        path = maps.get(stem, {}).get(kind)
        return Picture(image_url(f"{root}/{path}", THUMB_WIDTH) if path else None, alt)

    tiles = [
        Tile(
            id=Pair(person, cloth).name,
            caption=person if paired else f"{person} · {cloth}",
            href="browse?" + urlencode({**_address(chosen, paired, search), "pair": Pair(person, cloth).name}),
            pictures=[picture(person, "image", f"person {person}"), picture(cloth, "cloth", f"garment {cloth}")],
        )
        for person, cloth in pairs
    ]
    gallery(tiles, key="pairs_gallery", on_open=open_pair)


def open_pair(name: str) -> None:
    """Show one pair, as its deep link does."""
    st.query_params["pair"] = name


def _address(chosen: Frame, paired: bool, search: str = "") -> dict[str, str]:
    address = {"dataset": chosen.dataset.name if chosen.dataset else "", "split": chosen.split or ""}
    if paired:
        address["kind"] = PAIRED
    if search:
        address["search"] = search
    return address


def _no_pairs(chosen: Frame, search: str, paired: bool) -> None:
    if search:
        empty(f"No {'paired' if paired else 'unpaired'} pair in {chosen.split} has “{search}” in an id. Search for less.")
    elif paired:
        empty(f"No person in {chosen.split} has a garment photo of the same name. Choose Unpaired.")
    else:
        empty(f"{chosen.split}_pairs.txt lists no pair. Choose Paired, or add the list and then the dataset again.")


def pair_page(chosen: Frame, pair: Pair, action: "DeltaGenerator") -> None:
    """One pair with every map, its neighbours, and the way to the lab."""
    assert chosen.dataset is not None and chosen.split is not None
    search, paired = _filters_kept()
    before, after = _neighbours(chosen, pair, search, paired)
    with action:
        st.button("All pairs", icon=":material/grid_view:", on_click=_close)
        st.button("Previous", icon=":material/chevron_left:", disabled=before is None, on_click=_go, args=(before,))
        st.button("Next", icon=":material/chevron_right:", disabled=after is None, on_click=_go, args=(after,))
        st.button(
            "Try on in the lab",
            type="primary",
            icon=":material/science:",
            on_click=go,
            args=("lab",),
            kwargs={"pair": pair.name},
        )
    files = files_of(chosen, pair)
    if files is None:
        st.error(f"{chosen.dataset.name}, {chosen.split} has no pair {pair.name}.", icon=":material/error:")
        return
    figure_row(input_figures(files) + map_figures(files), shape=shape_of(files.person["image"]))
    missing = missing_maps(files)
    if missing:
        st.caption(f"Not in this dataset: {', '.join(missing).lower()}.")


def _close() -> None:
    st.query_params.pop("pair", None)


def _go(name: str) -> None:
    st.query_params["pair"] = name


def _neighbours(chosen: Frame, pair: Pair, search: str, paired: bool) -> tuple[str | None, str | None]:
    """The names of the pairs before and after this one in the gallery's order."""
    assert chosen.dataset is not None and chosen.split is not None
    wanted = (pair.person, pair.cloth)
    which = (chosen.dataset.id, chosen.split, paired, search)
    start = max(st.session_state.get("pair_place", 0) - 2, 0)
    with chosen.workspace.database.read() as session:
        near = datasets.page_pairs(session, *which, start, 5)
        if wanted not in near:  # arrived by a link: find the place once
            everything = datasets.page_pairs(session, *which, 0, datasets.count_pairs(session, *which))
            if wanted not in everything:
                return None, None
            start = max(everything.index(wanted) - 2, 0)
            near = everything[start : start + 5]
    here = near.index(wanted)
    st.session_state["pair_place"] = start + here
    names = [Pair(*one).name for one in near]
    return (names[here - 1] if here else None), (names[here + 1] if here + 1 < len(names) else None)
