"""Rate: one result at a time, 1 to 5 on the four axes, by keyboard."""

import streamlit as st

from db import datasets, ratings, runs
from studio.widgets.exports import ratings_csv
from studio.widgets.frame import frame
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.rating import rating_loop

chosen = frame()
action = heading("Rate")
with chosen.workspace.database.read() as session:
    rateable = {run.name: run for run in runs.list_all(session) if run.dataset_id is not None}
    known = {row.id: row for row in datasets.list_all(session)}
    given = ratings.count(session)
if not rateable:
    empty(
        "There is no result of a known dataset to rate yet. Try a pair on, or start a run over many pairs.",
        "lab",
        "Open the try-on lab",
    )
    st.stop()
if st.session_state.get("run") not in rateable:
    st.session_state.pop("run", None)
with action:
    name = st.selectbox("Run", list(rateable), key="run", bind="query-params", width=340, label_visibility="collapsed")
    if given:
        st.download_button(
            "Export as CSV",
            data=lambda: ratings_csv(chosen.workspace),
            file_name="ratings.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
if chosen.rater is None:
    empty("Say who rates, in the sidebar: ratings are stored under a name.")
    st.stop()

with spoken_errors():
    run = rateable[name]
    wanted = st.query_params.get("result", "")
    rating_loop(chosen.workspace, run, known[run.dataset_id], chosen.rater, int(wanted) if wanted.isdecimal() else None)
