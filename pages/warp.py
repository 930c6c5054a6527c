"""Warp: a pair under one or several warps, the flow at every scale, what is wrong with it, and its numbers."""

import streamlit as st

from studio.checkpoints import list_checkpoints
from studio.warp_looks import Place
from studio.widgets.frame import frame
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.pair_view import files_of
from studio.widgets.warp_choices import choices, current_pair, pairs_of, turn_of
from studio.widgets.warp_page import compare, go_on, how_to_get_one, page_actions

chosen = frame()
action = heading("Warp")
if chosen.dataset is None or chosen.split is None:
    empty("No dataset yet: there is nothing to warp. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()

with spoken_errors():
    found = pairs_of(chosen)
    pair = current_pair(found)
    if pair is None:
        empty(f"{chosen.split} has no pair of a person and a garment.", "browse", "Look at what it has")
        st.stop()
    turn = turn_of(found, pair)
    page_actions(pair, turn, action)
    known = {one.name: one for one in list_checkpoints(chosen.workspace)}
    place = Place(chosen.workspace, chosen.dataset, chosen.split, pair)
    names = choices(found, pair, known, place.has_truth)
    files = files_of(chosen, pair)
    if files is None:
        st.error(
            f"{chosen.dataset.name}, {chosen.split} has no pair {pair.name}; look ids up in Browse.", icon=":material/error:"
        )
        st.page_link("../pages/browse.py", label="Browse", icon=":material/grid_view:")
    waiting = compare(chosen, files, names, known, turn) if files and names else None
    how_to_get_one(chosen, known)
    if waiting:
        go_on(waiting)
