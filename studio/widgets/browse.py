"""The two views of Browse: the paged gallery, and one pair with its neighbours."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from db import datasets
from studio import findings
from studio.findings import Examination
from studio.widgets.browse_filters import active_filters, choices
from studio.widgets.browse_list import Listing, Names, listing
from studio.widgets.browse_saved import deleted_view, saved_views
from studio.widgets.browse_view import View, change, current, page_number, params_of, turn_to
from studio.widgets.frame import Frame
from studio.widgets.gallery import Badge, Picture, Tile, gallery
from studio.widgets.page import empty, go
from studio.widgets.pair_view import choose_maps, files_of, finding_lines, input_figures, map_figures, maps_button, missing_maps
from studio.widgets.pictures import figure_row, image_url, shape_of
from studio.widgets.words import count, metric_label
from vton.pairs import Pair

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PAGE = 48
THUMB_WIDTH = 192


def pair_gallery(chosen: Frame) -> None:
    """The choices, a page of tiles, and the pages' numbers."""
    assert chosen.dataset is not None and chosen.split is not None
    view = current(chosen.dataset)
    row = choices(chosen, view)
    saved_views(chosen, view, row)
    deleted_view(chosen)
    active_filters(view)
    found = listing(chosen, view)
    if view.metric and found.measure is None:
        st.caption("The run that this order came from is gone or has no such metric; the pairs are in the list's order.")
    if not found.pairs:
        _no_pairs(chosen, view)
        return
    row.caption(f"{count(len(found.pairs), 'pair')} in {chosen.split}", width="content")
    pages = -(-len(found.pairs) // PAGE)
    number = min(page_number(), pages)
    _tiles(chosen, view, found, number)
    if pages > 1:
        _pages(pages, number)


def _pages(pages: int, number: int) -> None:
    """The pages' numbers. A bar gives place to another one where the address was changed by something else than the bar."""
    bar = st.session_state.get("page_bar", 0)
    if st.session_state.get(f"page_{bar}", number) != number:
        bar = st.session_state["page_bar"] = bar + 1
    key = f"page_{bar}"
    st.pagination(pages, default=number, key=key, on_change=lambda: turn_to(st.session_state[key]))


def _tiles(chosen: Frame, view: View, found: Listing, number: int) -> None:
    """One page; the browser fetches the next page's pictures when it has these."""
    assert chosen.dataset is not None and chosen.split is not None
    start = (number - 1) * PAGE
    pairs, ahead = found.pairs[start : start + PAGE], found.pairs[start + PAGE : start + 2 * PAGE]
    stems = {stem for pair in (*pairs, *ahead) for stem in pair}
    with chosen.workspace.database.read() as session:
        maps = {stem: row.maps for stem, row in datasets.items(session, chosen.dataset.id, chosen.split, stems).items()}
    examined = findings.examination(chosen.workspace, chosen.dataset.id)
    root = chosen.dataset.root

    def pictures(pair: Names) -> list[Picture]:
        parts = zip(pair, ("image", "cloth"), ("person", "garment"), strict=True)
        there = [(maps.get(stem, {}).get(kind), f"{what} {stem}") for stem, kind, what in parts]
        return [Picture(image_url(f"{root}/{path}", THUMB_WIDTH) if path else None, alt) for path, alt in there]

    address = {"dataset": chosen.dataset.name, "split": chosen.split, **params_of(view)}
    tiles = [
        Tile(
            id=Pair(*pair).name,
            caption=pair[0] if view.paired else " · ".join(pair),
            href="browse?" + urlencode({**address, "pair": Pair(*pair).name}, doseq=True),
            pictures=pictures(pair),
            badge=_badge(examined, chosen.split, pair),
            note=_value(found, pair),
        )
        for pair in pairs
    ]
    later = [picture.src for pair in ahead for picture in pictures(pair) if picture.src]
    gallery(tiles, key="pairs_gallery", on_open=open_pair, ahead=later)


def _badge(examined: Examination | None, split: str, pair: Names) -> Badge | None:
    """How many things the doctor found of a pair, and what."""
    told = examined.of_pair(split, *pair) if examined else []
    if not told:
        return None
    words = "\n".join(f"{one.file}: {one.wrong}" for one in told)
    return Badge("fault" if findings.has_fault(told) else "warning", len(told), words)


def _value(found: Listing, pair: Names) -> str:
    if found.measure is None:
        return ""
    value = found.values.get(pair)
    return f"{metric_label(found.measure.metric)} {'–' if value is None else format(value, '.4g')}"


def open_pair(name: str) -> None:
    """Show one pair, as its deep link does."""
    st.query_params["pair"] = name


def _no_pairs(chosen: Frame, view: View) -> None:
    kind = "paired" if view.paired else "unpaired"
    if view.is_filtered:
        with st.container(border=True):
            what = f"with “{view.search}” in an id " if view.search else ""
            st.markdown(f"No {kind} pair in {chosen.split} {what}passes these filters. Take one of them away, or start over.")
            st.button("Show all pairs", key="start_over", on_click=change, args=(View(paired=view.paired),))
    elif view.paired:
        empty(f"No person in {chosen.split} has a garment photo of the same name. Choose Unpaired.")
    else:
        empty(f"{chosen.split}_pairs.txt lists no pair. Choose Paired, or add the list and then the dataset again.")


def pair_page(chosen: Frame, pair: Pair, action: "DeltaGenerator") -> None:
    """One pair with every map, what the doctor says of it, its neighbours, and the way to the lab."""
    assert chosen.dataset is not None and chosen.split is not None
    found = listing(chosen, current(chosen.dataset))
    before, after = _neighbours(found, (pair.person, pair.cloth))
    with action:
        st.button(
            "All pairs", icon=":material/grid_view:", on_click=_close, args=(found.places.get((pair.person, pair.cloth)),)
        )
        st.button("Previous", icon=":material/chevron_left:", disabled=before is None, on_click=_go, args=(before,))
        st.button("Next", icon=":material/chevron_right:", disabled=after is None, on_click=_go, args=(after,))
        maps_button(chosen, pair)
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
    finding_lines(chosen, pair)
    if found.measure:
        st.caption(f"{_value(found, (pair.person, pair.cloth))} in {found.measure.run}")
    files = choose_maps(files)
    figure_row(input_figures(files) + map_figures(files), shape=shape_of(files.person["image"]))
    missing = missing_maps(files)
    if missing:
        st.caption(f"Not in this dataset: {', '.join(missing).lower()}.")


def _close(place: int | None) -> None:
    """Back to the page of the gallery that the pair is on."""
    st.query_params.pop("pair", None)
    if place is not None:
        turn_to(place // PAGE + 1)


def _go(name: str) -> None:
    st.query_params["pair"] = name


def _neighbours(found: Listing, pair: Names) -> tuple[str | None, str | None]:
    """The names of the pairs before and after this one in the gallery's order."""
    here = found.places.get(pair)
    if here is None:
        return None, None
    before = found.pairs[here - 1] if here else None
    after = found.pairs[here + 1] if here + 1 < len(found.pairs) else None
    return Pair(*before).name if before else None, Pair(*after).name if after else None
