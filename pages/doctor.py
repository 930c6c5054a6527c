"""Doctor: what is wrong with a dataset's files, where, and what to do about it."""

import streamlit as st

from studio import findings
from studio.widgets.doctor_report import draw_report, examine_button, failed_examination
from studio.widgets.frame import frame
from studio.widgets.job_list import watch_jobs
from studio.widgets.page import empty, heading, spoken_errors

chosen = frame()
action = heading("Doctor")
if chosen.dataset is None:
    empty("No dataset yet: there is nothing to examine. Add a folder of pairs first.", "home", "Add a dataset on Home")
    st.stop()

with spoken_errors():
    examined = findings.examination(chosen.workspace, chosen.dataset.id)
    going_on = examine_button(chosen, examined, action)
    watch_jobs(chosen.workspace)
    failed_examination(chosen)
    if examined is not None:
        draw_report(chosen, examined)
    elif not going_on:
        empty(
            f"No file of {chosen.dataset.name} was looked at yet. Examine looks at each of them, says what is wrong with which "
            "and what to do, and writes nothing into the folder."
        )
