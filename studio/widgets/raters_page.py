"""The Raters page in pieces: each rater's figures, how far all agree, and what can be done about a rater."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from db import messages, studies
from db.models import Rater
from db.study_models import Message, Study, StudyRater
from studio.widgets.words import ago, count
from studio.workspace import Workspace

STATES = {"active": "Active", "paused": "Paused", "excluded": "Excluded"}
MESSAGES = 20  # that are listed
SHARE_WIDE = 130  # pixels; all columns fit beside the sidebar of a window of 1280
ALPHA = (
    "Krippendorff's alpha, ordinal, with its 95% interval: 1 where all agree, 0 where they agree as by chance, below 0 where "
    "they contradict each other. Known items and repeats are left out."
)
SHARES = {  # of a report: what its column is called, and what it says
    "gold": ("Known items", "The result was preferred to its spoilt copy. In brackets: 95% interval, and of how many."),
    "consistency": ("Repeats alike", "Answered the same way again with the sides swapped."),
    "left": ("Left chosen", "Half of the time where the side does not matter; ties left out."),
    "agreement": ("Agreement", "Share of the others' answers to the same comparisons that are the same."),
}
RatersOf = list[tuple[StudyRater, str]]


def raters_of(workspace: Workspace, study: Study) -> RatersOf:
    """The raters of a study with their names."""
    with workspace.database.read() as session:
        return studies.rater_rows(session, study.id)


def agreement_lines(axes: Mapping[str, Any]) -> None:
    """Krippendorff's alpha of each axis with its interval."""
    told = [f"**{axis.capitalize()}**: {_alpha_words(one['alpha'])}" for axis, one in axes.items()]
    if told:
        st.markdown("Agreement  \n" + "  \n".join(told), help=ALPHA)


def _alpha_words(alpha: Mapping[str, Any]) -> str:
    of = f"{count(alpha['items'], 'comparison')} that {count(alpha['raters'], 'rater')} share"
    if alpha["value"] is None or alpha["low"] is None:
        value = "" if alpha["value"] is None else f"{alpha['value']:z.2f}. "
        return f"{value}{alpha['note']}"
    return f"{alpha['value']:z.2f} ({alpha['low']:z.2f} to {alpha['high']:z.2f}), {of}"


def rater_table(rows: RatersOf, told: Mapping[str, Any] | None) -> None:
    """A row a rater; a click opens the rater."""
    reports = _by_rater(told)
    table = [_row(row, name, reports.get(row.rater_id)) for row, name in rows]

    def open_row() -> None:
        chosen = st.session_state["rater_table"]["selection"]["rows"]
        if chosen:
            st.session_state["rater_open"] = rows[chosen[0]][1]

    st.dataframe(
        pd.DataFrame(table),
        key="rater_table",
        hide_index=True,
        placeholder="–",
        on_select=open_row,
        selection_mode="single-row",
        column_config={
            "Median": st.column_config.NumberColumn("Seconds", format="%.1f", help="Median of an answer, pauses cut"),
            **{label: st.column_config.TextColumn(help=told, width=SHARE_WIDE) for label, told in SHARES.values()},
        },
    )


def _by_rater(told: Mapping[str, Any] | None) -> dict[int, Mapping[str, Any]]:
    return {report["rater"]: report for report in told["reports"]} if told else {}


def _row(row: StudyRater, name: str, report: Mapping[str, Any] | None) -> dict[str, Any]:
    figures = report or {}
    return {
        "Rater": name,
        "State": STATES[row.state],
        "Flags": len(figures.get("flags", [])) or None,
        "Answers": row.done,
        "Median": figures.get("median_seconds"),
        **{label: share_words(figures.get(key)) for key, (label, _) in SHARES.items()},
    }


def share_words(share: Mapping[str, Any] | None) -> str:
    """A share with its interval and of how many: "92% (65–99) of 12"."""
    if share is None or share["value"] is None:
        return "–"
    return f"{100 * share['value']:.0f}% ({100 * share['low']:.0f}–{100 * share['high']:.0f}) of {share['n']:,}"


def flag_lines(rows: RatersOf, told: Mapping[str, Any] | None) -> None:
    """Each flag in its sentence."""
    names = {row.rater_id: name for row, name in rows}
    for report in told["reports"] if told else []:
        for flag in report["flags"]:
            name = names.get(report["rater"], "Somebody who is gone")
            st.warning(f"**{name}**: {flag['sentence']}", icon=":material/flag:")


def rater_actions(
    workspace: Workspace, study: Study, rows: RatersOf, told: Mapping[str, Any] | None, writer: Rater | None
) -> None:
    """Open a rater: pause, exclude with a reason, take back, and send a message."""
    names = [name for _, name in rows]
    if st.session_state.get("rater_open") not in names:
        st.session_state["rater_open"] = None
    chosen = st.selectbox(
        "Open a rater", names, index=None, key="rater_open", placeholder="Tick a row above, or choose", width=340
    )
    row = next((row for row, name in rows if name == chosen), None)
    if row is None or chosen is None:
        return
    with st.container(border=True):
        st.markdown(f"**{chosen}** · {STATES[row.state].lower()}{f': {row.reason}' if row.reason else ''}")
        st.caption(_pace_words(row, told))
        line = st.container(horizontal=True, vertical_alignment="bottom")
        if row.state != "excluded":
            line.text_input("Reason", key="rater_reason", placeholder="Kept with the rater, who does not see it", width=420)
        if row.state == "active":
            _state_button(line, workspace, study, row, "paused", "Pause", "pause")
        if row.state == "paused":
            _state_button(line, workspace, study, row, "active", "Let go on", "play_arrow")
        if row.state == "excluded":
            _state_button(line, workspace, study, row, "active", "Take back", "undo")
        else:
            _state_button(line, workspace, study, row, "excluded", "Exclude", "block")
        st.caption("A paused rater is given nothing new. An excluded one's answers do not count either; they are kept.")
        _message_form(workspace, study, row, chosen, writer)


def _pace_words(row: StudyRater, told: Mapping[str, Any] | None) -> str:
    """What the table has no room for."""
    hourly = _by_rater(told).get(row.rater_id, {}).get("per_hour")
    pace = f", {count(round(hourly), 'answer')} an hour with pauses cut" if hourly is not None else ""
    return f"{row.skipped:,} skipped{pace}{f', the last one {ago(row.last_at)}' if row.last_at else ''}"


def _state_button(line: Any, workspace: Workspace, study: Study, row: StudyRater, state: str, words: str, icon: str) -> None:
    line.button(words, icon=f":material/{icon}:", key=f"rater_{state}", on_click=_set, args=(workspace, study.id, row, state))


def _set(workspace: Workspace, study_id: int, row: StudyRater, state: str) -> None:
    """What was said of a pause stays said of the exclusion that follows, unless there is more to say."""
    typed = " ".join((st.session_state.get("rater_reason") or "").split())
    with workspace.database.write() as session:
        studies.set_rater(session, study_id, row.rater_id, state, "" if state == "active" else typed or row.reason)


def _message_form(workspace: Workspace, study: Study, row: StudyRater, name: str, writer: Rater | None) -> None:
    st.text_area(f"Message to {name}", key="rater_message", height=90, placeholder="Shown on Home and Rate until it is read")
    st.button("Send", icon=":material/send:", key="rater_send", on_click=_send, args=(workspace, study, row.rater_id, writer))
    fault = st.session_state.pop("rater_fault", None)
    if fault:
        st.error(fault, icon=":material/error:")


def _send(workspace: Workspace, study: Study, rater_id: int, writer: Rater | None) -> None:
    text = (st.session_state.get("rater_message") or "").strip()
    if not text:
        st.session_state["rater_fault"] = "A message needs a text."
        return
    with workspace.database.write() as session:
        messages.send(session, rater_id, text, writer.id if writer else None, study.id)
    st.session_state["rater_message"] = ""
    st.toast("The message is sent.", icon=":material/send:")


def sent_messages(workspace: Workspace, study: Study, rows: RatersOf) -> None:
    """What was sent about the study, and whether it was read."""
    with workspace.database.read() as session:
        sent = messages.sent(session, study.id)
    if not sent:
        return
    names = {row.rater_id: name for row, name in rows}
    with st.expander(f"{count(len(sent), 'message')} sent", icon=":material/mail:"):
        table = [_message_row(one, names) for one in sent[:MESSAGES]]
        st.dataframe(pd.DataFrame(table), hide_index=True, key="messages")


def _message_row(message: Message, names: Mapping[int, str]) -> dict[str, str]:
    return {
        "To": names.get(message.rater_id, ""),
        "Message": message.text,
        "Sent": ago(message.sent_at),
        "Read": ago(message.read_at) if message.read_at else "not yet",
    }
