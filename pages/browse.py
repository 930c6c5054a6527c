"""Browse: every pair of the split as a gallery, and one pair with every map."""

import streamlit as st

from studio.widgets.browse import pair_gallery, pair_page
from studio.widgets.frame import frame
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.pair_view import read_pair

chosen = frame()
action = heading("Browse")
if chosen.dataset is None or chosen.split is None:
    empty("No dataset yet: there are no pairs to look at. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()

with spoken_errors():
    name = st.query_params.get("pair")
    if name is None:
        pair_gallery(chosen)
    else:
        pair = read_pair(name)
        if pair is None:
            st.error(f"“{name}” is no pair; expected person__cloth.", icon=":material/error:")
            st.stop()
        pair_page(chosen, pair, action)
