"""Rate: one result at a time, 1 to 5 on the four axes, by keyboard."""

import streamlit as st

from db import datasets, ratings, runs
from studio.widgets.exports import ratings_csv
from studio.widgets.frame import frame
from studio.widgets.page import empty, heading, spoken_errors, stop_with
from studio.widgets.rating import rating_loop
from studio.widgets.rating_store import read_id
from studio.widgets.run_views import folder_fault

chosen = frame()
action = heading("Rate")
with chosen.workspace.database.read() as session:
    known_runs = [run for run in runs.list_all(session) if run.dataset_id is not None]
    rateable = {run.name: run for run in known_runs if runs.count_results(session, run.id)}
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

run = rateable[name]
gone = folder_fault(run)
if gone:
    stop_with(gone)
with spoken_errors():
    wanted = read_id(st.query_params.get("result", ""))
    rating_loop(chosen.workspace, run, known[run.dataset_id], chosen.rater, wanted)
