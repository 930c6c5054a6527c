"""The warp page's choices, kept whole in its address: which pair, and under which warps."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from studio.checkpoints import GEOMETRIC, Checkpoint
from studio.warp_looks import TRUTH
from studio.widgets.browse_list import Listing, listing
from studio.widgets.browse_view import PAIRED, View, keep, keep_typed
from studio.widgets.frame import Frame
from vton.pairs import Pair

UNPAIRED = "Unpaired"
USUAL = 3  # warps that are looked at where the address names none
WORDS = {GEOMETRIC: "Geometric", TRUTH: "True flow"}


@dataclass(frozen=True)
class Turn:
    """The pairs before and after the one shown."""

    before: Pair | None
    after: Pair | None


def pairs_of(chosen: Frame) -> Listing:
    """The pairs that the page goes through."""
    return listing(chosen, View(paired=st.query_params.get("kind") == PAIRED))


def current_pair(found: Listing) -> Pair | None:
    """The pair of the address, the first that fits where it names only one of the two; None where there is no pair at all."""
    person, cloth = (st.query_params.get(name, "").strip() for name in ("person", "cloth"))
    if person and cloth:
        return Pair(person, cloth)
    fitting = (pair for pair in found.pairs if pair[0] == person or pair[1] == cloth)
    first = next(fitting, found.pairs[0] if found.pairs else None)
    return Pair(*first) if first else None


def turn_of(found: Listing, pair: Pair) -> Turn:
    """The neighbours of a pair in the list; of one that is in no list, the first of its person is the next."""
    here = found.places.get((pair.person, pair.cloth))
    if here is None:
        near = next((one for one in found.pairs if one[0] == pair.person), found.pairs[0] if found.pairs else None)
        return Turn(None, Pair(*near) if near else None)
    before = found.pairs[here - 1] if here else None
    after = found.pairs[here + 1] if here + 1 < len(found.pairs) else None
    return Turn(Pair(*before) if before else None, Pair(*after) if after else None)


def choices(found: Listing, pair: Pair, known: Mapping[str, Checkpoint], has_truth: bool) -> list[str]:
    """The line of choices; the names of the warps to look at, in the order in which they can be chosen."""
    offered = [*([TRUTH] if has_truth else []), GEOMETRIC, *(name for name, one in known.items() if one.info)]
    keep_typed("warp_person", pair.person)
    keep_typed("warp_cloth", pair.cloth)
    keep("warp_kind", PAIRED if st.query_params.get("kind") == PAIRED else UNPAIRED)
    wanted = _named(offered)
    keep("warp_names", [name for name in offered if name in wanted])
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.text_input("Person", key="warp_person", width=150, on_change=_type)
    row.text_input("Garment", key="warp_cloth", width=150, on_change=_type)
    row.segmented_control("Pairs", [UNPAIRED, PAIRED], key="warp_kind", on_change=_list, width="content")
    row.multiselect(
        "Warps",
        offered,
        key="warp_names",
        format_func=lambda name: WORDS.get(name, name),
        on_change=_choose,
        placeholder="Choose at least one",
    )
    here = found.places.get((pair.person, pair.cloth))
    place = f"{here + 1:,} of {len(found.pairs):,}" if here is not None else f"not among the {len(found.pairs):,}"
    row.caption(place, width="content")
    names = [name for name in offered if name in st.session_state["warp_names"]]
    lacking = [name for name in wanted if name not in offered]
    st.query_params.update(person=pair.person, cloth=pair.cloth, warps=",".join([*names, *lacking]))  # the address can be sent
    for name in lacking:
        if name not in (TRUTH, *known):  # of those that are damaged the page says what ails them
            st.error(f"There is no warp {name} here; choose among those above.", icon=":material/error:")
    if lacking == [TRUTH] and not names:
        st.info("This pair has no true flow; choose another warp above.", icon=":material/info:")
    return names


def turn_to(pair: Pair | None) -> None:
    """Show another pair."""
    if pair is not None:
        st.query_params.update(person=pair.person, cloth=pair.cloth)


def _named(offered: list[str]) -> list[str]:
    """The warps of the address; the first few that there are where it names none."""
    if "warps" not in st.query_params:
        return offered[:USUAL]
    return [name for name in dict.fromkeys(st.query_params["warps"].split(",")) if name]


def _type() -> None:
    st.query_params.update(person=st.session_state["warp_person"].strip(), cloth=st.session_state["warp_cloth"].strip())


def _list() -> None:
    """Another list: the same person in it, or its first pair."""
    st.query_params["kind"] = st.session_state["warp_kind"] or UNPAIRED
    st.query_params.pop("cloth", None)


def _choose() -> None:
    st.query_params["warps"] = ",".join(st.session_state["warp_names"])
