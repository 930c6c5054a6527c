"""Try-on lab: a pair, its try-on, and every stage on the way; one's own photos too."""

import streamlit as st

from studio import uploads
from studio.widgets.frame import frame
from studio.widgets.lab import choose_pair, garment_choice, result_actions, show_inputs, show_picture, show_stages
from studio.widgets.lab_form import upload_form
from studio.widgets.lab_how import choose_how, offer_of, say_how
from studio.widgets.lab_results import other_results, results_of, say_made, shown_of
from studio.widgets.lab_upload import show_upload
from studio.widgets.lab_watch import begin, get_ready, take_ended, under_way, watch
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.pair_view import files_of, maps_button

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

offer = offer_of(chosen)
with action:
    how = choose_how(chosen, offer)
    asked = st.button("Try on", type="primary", icon=":material/science:", key="try_on", disabled=bool(how.fault))
say_how(how, offer)
with spoken_errors():
    if asked:
        begin(chosen, pair, how)
    get_ready(chosen, how)
    take_ended(pair)
with spoken_errors():
    found = results_of(chosen, pair)
    shown = shown_of(chosen, found, how)
    making = under_way(chosen, pair, how)
    if making is not None:
        watch(chosen, files, making)
    busy = making is not None and making.pair == pair
    if shown is None and not busy:
        show_inputs(files)
    if shown is not None:
        if not busy:
            with action:
                result_actions(*shown)
                maps_button(chosen, pair)
            say_made(*shown)
            show_picture(files, *shown)
        if len(found) > 1:
            other_results(chosen, found, shown, how)
        if not busy:
            show_stages(files, *shown)
    with st.expander("Another garment", expanded=shown is None):
        garment_choice(chosen, pair)
with st.expander("Your own photos", icon=":material/upload:"):
    upload_form(chosen, pair)
