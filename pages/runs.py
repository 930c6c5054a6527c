"""Runs: start one, watch it, look at its results and numbers, rename it, delete it; and trainings, started and watched."""

import streamlit as st

from db import runs
from studio.trainings import list_trainings
from studio.widgets.frame import frame
from studio.widgets.job_list import ended_jobs, watch_jobs
from studio.widgets.page import empty, heading, spoken_errors
from studio.widgets.run_compare import compare_runs
from studio.widgets.run_views import run_actions, run_numbers, run_results, run_table
from studio.widgets.start_run import start_run_button
from studio.widgets.training_list import training_table
from studio.widgets.training_start import start_training_button
from studio.widgets.training_view import open_training, show_training

chosen = frame()
action = heading("Runs")
with chosen.workspace.database.read() as session:
    known = {run.name: run for run in runs.list_all(session)}
trained = list_trainings(chosen.workspace)
if chosen.dataset is None and not known and not trained:
    empty("No dataset yet: a run needs pairs to work on. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()
with action:
    with spoken_errors():
        start_training_button(chosen)
    with spoken_errors():
        start_run_button(chosen)

if st.session_state.get("open") not in (None, *known):
    st.session_state["open"] = None
line = st.container(horizontal=True)
with line:
    training = open_training(trained)
    name = st.selectbox(
        "Open a run", list(known), index=None, key="open", bind="query-params", placeholder="All runs", width=420
    )
with spoken_errors():
    if training is not None:
        show_training(chosen.workspace, training)
    elif name is None:
        watch_jobs(chosen.workspace)
        run_table(chosen.workspace)
        compare_runs(chosen.workspace)
        training_table(chosen.workspace, trained)
        ended_jobs(chosen.workspace, title="Jobs that ended")
    else:
        run = known[name]
        with st.container(horizontal=True):
            run_actions(chosen.workspace, run)
        watch_jobs(chosen.workspace)
        run_numbers(chosen.workspace, run)
        run_results(chosen, run)
