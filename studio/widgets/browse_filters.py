"""Browse's line of choices: search, which pairs, filters, the order; each is written to the page's address at once."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from db.datasets import Measure
from studio import findings, traits
from studio.widgets.browse_list import measures, trait_counts
from studio.widgets.browse_view import LISTED, PAIRED, WITH_FAULTS, WITH_FINDINGS, View, change, keep, keep_typed, shown
from studio.widgets.frame import Frame
from studio.widgets.page import go
from studio.widgets.words import metric_label

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

AS_LISTED = (0, "")  # no run's metric
FINDINGS = {"": "All pairs", WITH_FINDINGS: "With findings", WITH_FAULTS: "With faults"}


def choices(chosen: Frame, view: View) -> "DeltaGenerator":
    """Draw the line of choices; what is given back is its free end."""
    row = st.container(horizontal=True, vertical_alignment="center")
    keep_typed("search", view.search)
    row.text_input(
        "Search by id",
        key="search",
        placeholder="Person's or garment's id",
        icon=":material/search:",
        on_change=lambda: change(replace(shown(), search=(st.session_state["search"] or "").strip())),
        width=230,
        label_visibility="collapsed",
    )
    keep("kind", PAIRED if view.paired else LISTED)
    row.segmented_control(
        "Pairs",
        [LISTED, PAIRED],
        required=True,
        key="kind",
        on_change=lambda: change(replace(shown(), paired=st.session_state["kind"] == PAIRED)),
        label_visibility="collapsed",
    )
    _filters(chosen, view, row)
    _order(chosen, view, row)
    return row


def _filters(chosen: Frame, view: View, row: "DeltaGenerator") -> None:
    """The doctor's findings and the garments' traits, folded away with how many are set."""
    number = len(view.traits) + bool(view.findings)
    with row.popover(
        f"Filters ({number})" if number else "Filters", icon=":material/filter_list:", key="filters", width="content"
    ):
        _findings_filter(chosen, view)
        counts, fault = trait_counts(chosen)
        if fault:
            st.caption(fault)
        elif not counts:
            st.caption("This split has no garment traits: neither IDM-VTON's tags nor a drawn set's record lies in it.")
        columns = st.columns(2) if len(counts) > 4 else [st.container()]
        for place, (key, values) in enumerate(counts.items()):
            with columns[place % len(columns)]:
                _trait_filter(key, values, view)


def _findings_filter(chosen: Frame, view: View) -> None:
    assert chosen.dataset is not None
    if not findings.version(chosen.workspace, chosen.dataset.id):
        st.caption("The doctor has not looked at this dataset yet, so there are no findings to filter by.")
        st.button("To the doctor", icon=":material/stethoscope:", type="tertiary", on_click=go, args=("doctor",))
        return
    keep("findings", view.findings)
    st.segmented_control(
        "Doctor",
        list(FINDINGS),
        required=True,
        format_func=FINDINGS.__getitem__,
        key="findings",
        on_change=lambda: change(replace(shown(), findings=st.session_state["findings"])),
    )


def _trait_filter(key: str, values: dict[str, int], view: View) -> None:
    name = f"trait_{key}"
    chosen = [value for other, value in view.traits if other == key and value in values]

    def take() -> None:
        now = shown()
        others = [(other, value) for other, value in now.traits if other != key]
        change(replace(now, traits=tuple(sorted([*others, *((key, value) for value in st.session_state[name])]))))

    if sorted(st.session_state.get(name) or []) != sorted(chosen):
        st.session_state[name] = chosen
    st.multiselect(
        traits.label(key),
        list(values),
        format_func=lambda value: f"{value} ({values[value]:,})",
        key=name,
        on_change=take,
        placeholder="Any",
    )


def _order(chosen: Frame, view: View, row: "DeltaGenerator") -> None:
    """By a metric of a run; nothing where no run has measured single pairs."""
    known = {(one.run_id, one.metric): one for one in measures(chosen)}
    if not known:
        return
    wanted = (view.run, view.metric) if (view.run, view.metric) in known else AS_LISTED
    keep("order_by", wanted)

    def take() -> None:
        run, metric = st.session_state["order_by"]
        change(replace(shown(), run=run, metric=metric, best_first=False))

    row.selectbox(
        "Order",
        [AS_LISTED, *known],
        format_func=lambda which: _order_label(known[which]) if which in known else "In the list's order",
        key="order_by",
        on_change=take,
        width=220,
        label_visibility="collapsed",
    )
    if wanted == AS_LISTED:
        return
    words = _ends(known[wanted])
    keep("first", view.best_first)
    row.segmented_control(
        "First",
        [False, True],
        required=True,
        format_func=lambda best: words[best],
        key="first",
        on_change=lambda: change(replace(shown(), best_first=bool(st.session_state["first"]))),
        label_visibility="collapsed",
    )


def _order_label(measure: Measure) -> str:
    return f"{metric_label(measure.metric)} · {measure.run}"


def _ends(measure: Measure) -> tuple[str, str]:
    return ("Lowest first", "Highest first") if measure.higher_is_better is None else ("Worst first", "Best first")


def active_filters(view: View) -> None:
    """Each filter that is set, to be taken away by a click."""
    if not view.traits and not view.findings:
        return
    row = st.container(horizontal=True, gap="xsmall", key="active_filters")
    if view.findings:
        _chip(row, FINDINGS[view.findings], replace(view, findings=""), "findings")
    for key, value in view.traits:
        left = tuple(one for one in view.traits if one != (key, value))
        _chip(row, f"{traits.label(key)}: {value}", replace(view, traits=left), f"{key}_{value}")
    if len(view.traits) + bool(view.findings) > 1:
        row.button(
            "Clear all", type="tertiary", on_click=change, args=(replace(view, traits=(), findings=""),), key="clear_all"
        )


def _chip(row: "DeltaGenerator", words: str, without: View, key: str) -> None:
    row.button(
        words, icon=":material/close:", key=f"chip_{key}", on_click=change, args=(without,), help="Take this filter away"
    )
