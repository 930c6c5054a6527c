"""Try-on lab: a pair, its try-on, and every stage on the way; one's own photos too."""

import streamlit as st

from studio import uploads
from studio.widgets.frame import frame
from studio.widgets.lab import (
    choose_pair,
    choose_warp,
    find_result,
    garment_choice,
    result_actions,
    show_inputs,
    show_result,
    try_on,
)
from studio.widgets.lab_form import upload_form
from studio.widgets.lab_upload import show_upload
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.pair_view import files_of

chosen = frame()
action = heading("Try-on lab")
wanted = st.query_params.get("upload", "")
if wanted:
    upload = uploads.find_upload(chosen.workspace, wanted)
    if upload is not None:
        show_upload(chosen, upload, action)
        st.stop()
    st.error("These photos are not here any more; upload them again.", icon=":material/error:")
if chosen.dataset is None or chosen.split is None:
    empty(
        "No dataset yet: there is nobody to dress. Add a folder of pairs first, or upload two photos below.",
        "home",
        "Add a dataset on Home",
    )
    upload_form(chosen, None)
    st.stop()
pair = choose_pair(chosen)
if pair is None:
    empty(f"{chosen.split} has no pair of a person and a garment.", "browse", "Look at what it has")
    upload_form(chosen, None)
    st.stop()
files = files_of(chosen, pair)
if files is None:
    st.error(
        f"{chosen.dataset.name}, {chosen.split} has no pair {pair.name}; look ids up in Browse.",
        icon=":material/error:",
    )
    st.page_link("../pages/browse.py", label="Browse", icon=":material/grid_view:")
    st.stop()

with action:
    warp = choose_warp(chosen)
    asked = st.button("Try on", type="primary", icon=":material/science:", key="try_on")
with spoken_errors():
    if asked:
        try_on(chosen, pair, warp)
    found = find_result(chosen, pair, warp)
    if found is None:
        show_inputs(files)
    else:
        with action:
            result_actions(*found)
        show_result(chosen, files, *found)
    with st.expander("Another garment", expanded=found is None):
        garment_choice(chosen, pair)
with st.expander("Your own photos", icon=":material/upload:"):
    upload_form(chosen, pair)
