"""Exports: people's preferences as files for training, statistics and other studios; frozen ones; and import."""

import streamlit as st

from db import studies
from studio.widgets.export_page import choose_query, export_button, show_preview
from studio.widgets.export_page_list import frozen_list, import_form
from studio.widgets.frame import frame
from studio.widgets.job_list import ended_jobs, watch_jobs
from studio.widgets.page import empty, heading, spoken_errors

chosen = frame()
action = heading("Exports")
with chosen.workspace.database.read() as session:
    known = studies.list_all(session)
if known:
    with spoken_errors():
        query = choose_query(chosen.workspace)
        if query is not None:
            export_button(action, chosen.workspace, query, chosen.rater)
            show_preview(chosen.workspace, query)
else:
    empty("No study yet: an export holds what raters say in one. Make a study, or import one below.", "studies", "Make a study")
watch_jobs(chosen.workspace)
ended_jobs(chosen.workspace, only_trouble=True)
with spoken_errors():
    st.subheader("Frozen exports", anchor=False)
    frozen_list(chosen.workspace)
import_form(chosen.workspace)
