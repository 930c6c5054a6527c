"""Raters: how each rater of a study answers, how far they agree, and what to do about it."""

from functools import partial

import streamlit as st

from studio import rater_figures
from studio.widgets.frame import frame
from studio.widgets.page import heading, spoken_errors
from studio.widgets.raters_page import (
    agreement_lines,
    flag_lines,
    rater_actions,
    rater_table,
    raters_of,
    sent_messages,
)
from studio.widgets.study_choice import choose_study, say_age

chosen = frame()
study = choose_study(chosen.workspace, heading("Raters"))
if study is None:
    st.stop()

with spoken_errors():
    rows = raters_of(chosen.workspace, study)
    if not rows:
        st.info("Nobody has answered yet. Studies has the link for raters.", icon=":material/groups:")
        st.stop()
    look = partial(rater_figures.figures, chosen.workspace, study.id, study.name)
    kept = look()
    axes = kept.value["axes"] if kept.value else {}
    agreement_lines(axes)
    line = st.container(horizontal=True, vertical_alignment="center")
    axis = study.axes[0]
    if len(study.axes) > 1:
        axis = line.segmented_control(
            "Axis",
            study.axes,
            default=axis,
            required=True,
            format_func=str.capitalize,
            key="raters_axis",
            label_visibility="collapsed",
        )
    with line:
        say_age(look, kept)
    rater_table(rows, axes.get(axis))
    flag_lines(rows, axes.get(axis))
    rater_actions(chosen.workspace, study, rows, axes.get(axis), chosen.rater)
    sent_messages(chosen.workspace, study, rows)
