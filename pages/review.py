"""Review: comparisons that raters disagree about, missed, flagged or skipped, worst first; rule on them or ask more raters."""

from functools import partial

import streamlit as st

from db import review_items
from studio import rater_figures
from studio.widgets.frame import frame
from studio.widgets.page import heading, spoken_errors
from studio.widgets.review_page import NONE_LEFT, choose_list, take
from studio.widgets.review_view import review_view
from studio.widgets.study_choice import choose_study, say_age

chosen = frame()
study = choose_study(chosen.workspace, heading("Review"))
if study is None:
    st.stop()

with spoken_errors():
    look = partial(rater_figures.figures, chosen.workspace, study.id, study.name)
    kept = look()
    if kept.value is None:
        say_age(look, kept)
        st.stop()
    axis, listed = choose_list(chosen.workspace, study, kept.value)
    say_age(look, kept)
    with chosen.workspace.database.read() as session:
        found = review_items.reviewed(session, listed.current) if listed.current is not None else None
        after = listed.beside(1)
        ahead = review_items.reviewed(session, after) if after is not None else None
    if found is None or found.matchup.study_id != study.id:
        if listed.current is not None:
            st.error(f"{study.name} has no comparison {listed.current}.", icon=":material/error:")
        else:
            st.info(NONE_LEFT[st.session_state["review_list"]], icon=":material/done_all:")
        st.stop()
    if chosen.rater is None:
        st.info("Say who reviews, in the sidebar: rulings are stored under a name.", icon=":material/person:")
    act = partial(take, chosen.workspace, chosen.rater, axis, listed)
    review_view(chosen.workspace, study, axis, found, listed, ahead, chosen.rater, act)
