"""A gallery of picture tiles: lazily loaded, a click answers at once, and every tile is a deep link."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """One picture of a tile; `src` is None where the dataset has none."""

    src: str | None
    alt: str


@dataclass(frozen=True)
class Badge:
    """A mark on a tile: how bad ("fault" or "warning"), how many, and what in words."""

    kind: str
    number: int
    words: str


@dataclass(frozen=True)
class Tile:
    """What a tile shows, and the id that a click on it gives; `note` is a second line under the caption."""

    id: str
    caption: str
    href: str
    pictures: list[Picture] = field(default_factory=list)
    chosen: bool = False
    badge: Badge | None = None
    note: str = ""


_mount = st.components.v2.component(
    "vton_gallery",
    html='<div class="gallery"></div>',
    css=(HERE / "gallery.css").read_text(),
    js=(HERE / "gallery.js").read_text(),
)


def gallery(
    tiles: list[Tile],
    *,
    key: str,
    on_open: Callable[[str], None],
    width: int = 200,
    shape: str = "3 / 4",
    ahead: Sequence[str] = (),
) -> None:
    """Draw the tiles, each at least `width` pixels wide; `on_open` is called with the id of the tile clicked.

    `ahead` are pictures that are likely wanted next: fetched when those on the screen are there.
    """

    def opened() -> None:
        chosen: Any = st.session_state[key].get("opened")
        if chosen:
            on_open(chosen)

    data = {"tiles": [asdict(tile) for tile in tiles], "width": width, "shape": shape, "ahead": list(ahead)}
    _mount(key=key, data=data, on_opened_change=opened)
