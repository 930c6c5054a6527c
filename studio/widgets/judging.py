"""The rating component: two pictures compared, or one scored; pictures, keys and outbox in the browser, its data from here."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from sqlalchemy.orm import Session

from db import datasets
from studio.media import image_url
from studio.widgets.rating_store import read_whole

HERE = Path(__file__).parent
WIDTH = 768  # pixels; what the browser is given of the person, the garment and the maps
AXES = {  # name -> what it is called, and what it asks
    "overall": ("Overall", "Which try-on would you rather show: right garment, right person, a believable photo?"),
    "garment fidelity": ("Garment fidelity", "Colour, pattern, logo and details are the garment's"),
    "fit": ("Fit", "It sits as a garment would: neck, shoulders, sleeves, hem"),
    "person preservation": ("Person preservation", "Face, hair, hands, body and background are the person's"),
    "realism": ("Realism", "It could be a photo: no seams, smears or strange light"),
}
BACK = 24  # subjects that the browser can undo after a reload before it asks for those before them
STRIP = 10  # answered subjects that are always told, for the strip of the last ones
DEEPEST = 100_000  # answers that undo reaches
OVERLAYS = {"densepose": "densepose", "mask": "agnostic_mask"}  # the component's name -> the kind of map
SCRIPTS = (
    "typing.js",
    "outbox.js",
    "frames.js",
    "rating_zoom.js",
    "rating_keys.js",
    "rating_pairs.js",
    "rating_scores.js",
    "rating.js",
)

_mount = st.components.v2.component(
    "vton_rating",
    html=(HERE / "rating.html").read_text(),
    css=(HERE / "rating.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in SCRIPTS),
)


def state_of(key: str) -> dict[str, Any]:
    """What the component under this key has sent."""
    state: Any = st.session_state.get(key) or {}
    return dict(state)


def mount(key: str, data: dict[str, Any]) -> None:
    """Draw the component; `data` as rating.js reads it."""
    with st.container(key="judging"):
        _mount(
            key=key,
            data={"sitting": key, **data},
            on_outbox_change=_heard,
            on_skipped_change=_heard,
            on_deeper_change=_heard,
        )


def _heard() -> None:
    """Streamlit keeps a component's state only where someone listens; the next lines of the loop read it."""


def depth_of(state: dict[str, Any], least: int) -> int:
    """How many of the rater's newest answers the browser is told of: `least`, or as many as it asks for."""
    return min(max(read_whole(state.get("deeper")) or 0, least), DEEPEST)


def told_of(behind: Sequence[int]) -> list[int]:
    """Of what was answered, oldest first: what undo reaches next, and the last ones for the strip."""
    judged = list(dict.fromkeys(reversed(behind)))[::-1]
    return list(dict.fromkeys([*judged[: BACK + STRIP], *judged[-STRIP:]]))


def uids_of(outbox: Any) -> list[str]:
    """Every uid that was sent: those stored, and those that never can be; the browser lets go of all of them."""
    return sorted({str(entry.get("uid")) for entry in outbox or [] if isinstance(entry, dict)})


def axes_of(names: Iterable[str]) -> list[dict[str, str]]:
    """The axes as the component shows them."""
    return [{"name": name, "label": AXES[name][0], "hint": AXES[name][1]} for name in names]


def maps_of(session: Session, dataset_id: int, split: str | None, stems: set[str]) -> dict[str, dict[str, str]]:
    """{stem: {kind: path}}; where the split is not known, every split is looked at."""
    found: dict[str, dict[str, str]] = {}
    for one in [split] if split else datasets.splits(session, dataset_id):
        found |= {stem: dict(item.maps) for stem, item in datasets.items(session, dataset_id, one, stems).items()}
    return found


def inputs(root: Path, maps: dict[str, dict[str, str]], person: str, cloth: str) -> dict[str, str]:
    """The addresses of a pair's photos and maps, "" for what there is none of."""
    of_person = maps.get(person, {})
    paths = {"person": of_person.get("image"), "cloth": maps.get(cloth, {}).get("cloth")}
    paths |= {name: of_person.get(kind) for name, kind in OVERLAYS.items()}
    return {name: image_url(root / path, WIDTH) if path else "" for name, path in paths.items()}
