"""What Browse shows: a search, filters and an order, kept whole in the page's address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

import streamlit as st

from db.models import Dataset

LISTED, PAIRED = "Unpaired", "Paired"
WITH_FINDINGS, WITH_FAULTS = "any", "fault"
PARAMS = ("search", "kind", "trait", "findings", "sort", "run", "order")


@dataclass(frozen=True)
class View:
    """Which pairs, in which order."""

    search: str = ""
    paired: bool = False
    traits: tuple[tuple[str, str], ...] = ()  # (key, value); of one key any value, of every key one
    findings: str = ""  # WITH_FINDINGS, WITH_FAULTS, or all pairs
    metric: str = ""  # what the pairs are ordered by; the list's own order where it is empty
    run: int = 0  # whose metric
    best_first: bool = False

    @property
    def is_filtered(self) -> bool:
        """Whether some pairs may be left out."""
        return bool(self.search or self.traits or self.findings)


def read_view(params: Mapping[str, list[str]]) -> View:
    """The view of an address; what makes no sense in it is left out."""

    def one(name: str) -> str:
        return (params.get(name) or [""])[-1]

    traits = (part.partition(":") for part in params.get("trait", []))
    findings, run = one("findings"), one("run")
    return View(
        search=one("search").strip(),
        paired=one("kind") == PAIRED,
        traits=tuple(sorted({(key, value) for key, colon, value in traits if key and colon and value})),
        findings=findings if findings in (WITH_FINDINGS, WITH_FAULTS) else "",
        metric=one("sort") if run.isdecimal() else "",
        run=int(run) if run.isdecimal() and one("sort") else 0,
        best_first=one("order") == "best" and bool(one("sort")),
    )


def params_of(view: View) -> dict[str, list[str]]:
    """The address of a view, only what differs from the plain list."""
    params = {
        "search": [view.search],
        "kind": [PAIRED if view.paired else ""],
        "trait": [f"{key}:{value}" for key, value in view.traits],
        "findings": [view.findings],
        "sort": [view.metric],
        "run": [str(view.run) if view.metric else ""],
        "order": ["best" if view.best_first and view.metric else ""],
    }
    return {name: given for name, values in params.items() if (given := [value for value in values if value])}


def query_of(view: View, split: str) -> str:
    """A view of a split as the database keeps it."""
    return urlencode({"split": split, **params_of(view)}, doseq=True)


def read_query(query: str) -> tuple[View, str]:
    """A kept view, and its split."""
    params = parse_qs(query)
    return read_view(params), (params.get("split") or [""])[-1]


def current(dataset: Dataset) -> View:
    """The view of the page's address.

    Who comes back from another page finds the view that they left; a link to a pair shows it in the plain list.
    """
    view = read_view(_address())
    last = st.session_state.get("browse_dataset")
    kept: dict[int, View] = st.session_state.setdefault("browse_views", {})
    arrived = st.session_state.get("arrived", True)
    if (arrived and view == View() and "pair" not in st.query_params) or (not arrived and last not in (None, dataset.id)):
        view = kept.get(dataset.id, View())
        _write(view)
    st.session_state["browse_dataset"] = dataset.id
    kept[dataset.id] = view
    return view


def change(view: View) -> None:
    """In a callback: show another view, from its first page."""
    _write(view)
    st.session_state["browse_views"][st.session_state["browse_dataset"]] = view
    turn_to(1)


def shown() -> View:
    """In a callback: the view as the callbacks before have left it."""
    return read_view(_address())


def keep(key: str, value: object) -> None:
    """Let the widget of this key show what the address says.

    Also where the session has the value already: the browser may not, as what a broken-off run sent is thrown away.
    """
    st.session_state[key] = value


def keep_typed(key: str, value: str) -> None:
    """As `keep` for what is typed, which a value that is sent at every run would take away."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def page_number() -> int:
    """The page of the gallery that the address names, 1 where it names none."""
    page = st.query_params.get("page", "")
    return max(int(page), 1) if page.isdecimal() else 1


def turn_to(page: int) -> None:
    """Go to a page of the gallery."""
    _put("page", [str(page)] if page > 1 else [])


def _address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in PARAMS}


def _write(view: View) -> None:
    params = params_of(view)
    for name in PARAMS:
        _put(name, params.get(name, []))


def _put(name: str, values: Iterable[str]) -> None:
    wanted = list(values)
    if not wanted:
        st.query_params.pop(name, None)
    elif st.query_params.get_all(name) != wanted:
        st.query_params[name] = wanted
