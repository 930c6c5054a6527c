"""Compare: two to four runs on the same pair, by eye and by number."""

import streamlit as st

from studio.widgets.compare_page import (
    choose_runs,
    comparison,
    current,
    offered_runs,
    pictures_ahead,
    pictures_of,
    said,
    shown_of,
    take_in,
    turn_of,
)
from studio.widgets.compare_view import compare_view
from studio.widgets.frame import frame
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.pair_view import files_of
from studio.widgets.warp_choices import turn_to

chosen = frame()
action = heading("Compare")
if chosen.dataset is None or chosen.split is None:
    empty("No dataset yet: there are no results to compare. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()

with spoken_errors():
    with action:
        take_in(chosen)
    said()
    offered = offered_runs(chosen)
    if len(offered) < 2:
        found = "only one run" if offered else "no run"
        words = (
            f"{chosen.dataset.name}, {chosen.split} has {found}; comparing takes two. Start one, or add a folder of results."
        )
        empty(words, "runs", "Start a run")
        st.stop()
    line = st.container(horizontal=True, vertical_alignment="bottom")
    with line:
        runs = choose_runs(offered)
        if len(runs) < 2:
            st.info("Choose at least two runs.", icon=":material/compare:")
            st.stop()
        compared = comparison(chosen.workspace, runs)
    pair = current(compared.pairs)
    if pair is None:
        words = "These runs share no pair." if not compared.total else "No pair is left: nowhere do they disagree."
        st.info(words, icon=":material/compare:")
        st.stop()
    turn = turn_of(compared.pairs, pair)
    st.query_params.update(runs=",".join(run.name for run in runs), person=pair.person, cloth=pair.cloth)
    with line:
        st.caption(f"{compared.place(pair):,} of {len(compared.pairs):,}", width="content")
    for label, icon, near in (("Previous", "chevron_left", turn.before), ("Next", "chevron_right", turn.after)):
        action.button(label, icon=f":material/{icon}:", disabled=near is None, on_click=turn_to, args=(near,))
    files = files_of(chosen, pair)
    if files is None:
        st.error(f"{chosen.dataset.name}, {chosen.split} lacks the photos of {pair.name}.", icon=":material/error:")
        st.stop()
    compare_view(
        pair,
        pictures_of(chosen, files),
        shown_of(chosen.workspace, compared, pair),
        turn,
        pictures_ahead(compared, turn.after),
    )
