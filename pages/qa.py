"""QA: what the preprocessing made of every item, the worst first; judged by keyboard, and repaired in place."""

import streamlit as st

from studio.widgets.frame import frame
from studio.widgets.job_list import watch_jobs
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.qa import qa_loop, take_in
from studio.widgets.qa_list import board
from studio.widgets.qa_page import checks_button, exports, what_is_left
from studio.widgets.qa_view import choices, current, sitting

chosen = frame()
action = heading("QA")
if chosen.dataset is None or chosen.split is None:
    empty("No dataset yet: there are no maps to judge. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()

with spoken_errors():
    items = board(chosen.workspace, chosen.dataset, chosen.split)
    if chosen.rater is not None:
        take_in(items, chosen.rater)
    view = current(items)
    exports(chosen, items, action)
    checks_button(chosen, items, action)
    watch_jobs(chosen.workspace)
    row = choices(chosen, items, view)
    with row:
        what_is_left(items)
    if chosen.rater is None:
        empty("Say who judges, in the sidebar: verdicts are stored under a name.")
        st.stop()
    number = sitting(view, items)
    shown = qa_loop(items, chosen.rater, view, st.query_params.get("item"), number)
    if shown is not None and st.query_params.get("item") != shown:
        st.query_params["item"] = shown
    elif shown is None:
        st.query_params.pop("item", None)
