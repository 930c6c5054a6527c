"""Runs: start one, watch it, look at its results and numbers, rename it, delete it."""

import streamlit as st

from db import runs
from studio.widgets.frame import frame
from studio.widgets.job_list import ended_jobs, watch_jobs
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.run_views import run_actions, run_numbers, run_results, run_table
from studio.widgets.start_run import start_run_button

chosen = frame()
action = heading("Runs")
with chosen.workspace.database.read() as session:
    known = {run.name: run for run in runs.list_all(session)}
if chosen.dataset is None and not known:
    empty("No dataset yet: a run needs pairs to work on. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()
with action, spoken_errors():
    start_run_button(chosen)

if st.session_state.get("open") not in (None, *known):
    st.session_state["open"] = None
name = st.selectbox("Open a run", list(known), index=None, key="open", bind="query-params", placeholder="All runs", width=420)
with spoken_errors():
    if name is None:
        watch_jobs(chosen.workspace)
        run_table(chosen.workspace)
        ended_jobs(chosen.workspace, title="Jobs that ended")
    else:
        run = known[name]
        with st.container(horizontal=True):
            run_actions(chosen.workspace, run)
        watch_jobs(chosen.workspace)
        run_numbers(chosen.workspace, run)
        run_results(chosen, run)
