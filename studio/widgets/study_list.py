"""The studies as their maker looks at them: how far each is, who works on it, what it can tell, what can be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pandas as pd
import streamlit as st

from db import comparisons, studies
from db.studies import Progress
from db.study_models import Study
from studio.study_making import remove_study
from studio.widgets.page import go, page_path
from studio.widgets.words import count, duration
from studio.workspace import Workspace

POLL_SECONDS = 15
AT_WORK = timedelta(minutes=15)  # since the last answer
SHARE = 0.6  # the difference that a study's power is told for: 60 to 40
STATES = {"open": ("Open", "green"), "paused": ("Paused", "orange"), "closed": ("Closed", "gray")}
VERBS = {  # state -> (what a button says, its icon, the state that follows)
    "open": (("Pause", "pause", "paused"), ("Close", "lock", "closed")),
    "paused": (("Go on", "play_arrow", "open"), ("Close", "lock", "closed")),
    "closed": (("Reopen", "lock_open", "open"),),
}


@dataclass(frozen=True)
class Overview:
    """What a card shows of a study."""

    study: Study
    progress: Progress
    runs: Mapping[int, str]
    at_work: list[str]  # raters
    answers: int  # of every rater
    decided: Mapping[tuple[int, int], int]  # two runs -> answers on the first axis that prefer one of them


def overviews(workspace: Workspace) -> list[Overview]:
    """Every study, newest first."""
    now = datetime.now(UTC)
    with workspace.database.read() as session:
        found = []
        for study in studies.list_all(session):
            raters = studies.rater_rows(session, study.id)
            decided: dict[tuple[int, int], int] = {}
            for tally in comparisons.tallies(session, study.id, study.axes[0]):
                if tally.outcome in ("left", "right"):
                    both = (min(tally.left_run_id, tally.right_run_id), max(tally.left_run_id, tally.right_run_id))
                    decided[both] = decided.get(both, 0) + tally.votes
            found.append(
                Overview(
                    study=study,
                    progress=studies.progress(session, study.id, now),
                    runs=studies.runs_of(session, study.id),
                    at_work=[
                        name for row, name in raters if row.state == "active" and row.last_at and now - row.last_at < AT_WORK
                    ],
                    answers=sum(row.done for row, _ in raters),
                    decided=decided,
                )
            )
    return found


def study_list(workspace: Workspace) -> None:
    """A card for each study, drawn again from time to time; those closed folded away."""

    def draw() -> None:
        found = overviews(workspace)
        for one in found:
            if one.study.state != "closed":
                _card(workspace, one)
        closed = [one for one in found if one.study.state == "closed"]
        if closed:
            with st.expander(count(len(closed), "closed study", "closed studies"), icon=":material/lock:"):
                for one in closed:
                    _card(workspace, one)

    st.fragment(draw, run_every=POLL_SECONDS)()


def _card(workspace: Workspace, one: Overview) -> None:
    study = one.study
    with st.container(border=True, key=f"study_{study.id}"):
        line = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        with line.container(horizontal=True, vertical_alignment="center", width="content"):
            st.subheader(study.name, anchor=False, width="content")
            label, colour = STATES[study.state]
            st.badge(label, color=colour)  # type: ignore[arg-type]
        with line.container(horizontal=True, width="content"):
            for words, icon, state in VERBS[study.state]:
                st.button(
                    words,
                    icon=f":material/{icon}:",
                    key=f"{state}_{study.id}",
                    on_click=_set_state,
                    args=(workspace, study.id, state),
                )
            _remove_button(workspace, one)
        st.caption(f"“{study.question}” {_told(one)}")
        st.progress(min(one.progress.done / max(one.progress.wanted, 1), 1.0), text=progress_words(one.progress, study))
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                _link_button(study)
                for page, words, icon in (
                    ("leaderboard", "Leaderboard", "leaderboard"),
                    ("raters", "Raters", "groups"),
                    ("review", "Review", "fact_check"),
                ):
                    st.page_link(page_path(page), label=words, icon=f":material/{icon}:", query_params={"study": str(study.id)})
            st.caption(work_words(one), width="content")
        with st.expander(power_words(one), icon=":material/balance:", key=f"power_{study.id}"):
            _power(one)


def _told(one: Overview) -> str:
    study = one.study
    pairs = one.progress.matchups // max(len(one.runs) * (len(one.runs) - 1) // 2, 1)
    return (
        f"{', '.join(one.runs.values())} on {count(pairs, 'pair')}; {', '.join(study.axes)}; "
        f"{study.raters_least} to {study.raters_most} raters each, {count(one.progress.gold, 'known item')}."
    )


def progress_words(progress: Progress, study: Study) -> str:
    """How far a study is, how fast it goes, and how long it will take at that."""
    told = [f"{progress.done:,} of {progress.wanted:,} comparisons"]
    left = progress.wanted - progress.done
    if progress.pace and left > 0 and study.state == "open":
        told.append(f"{progress.pace:,.0f} an hour")
        plain = progress.pace * (1 - study.gold_share - study.repeat_share)
        told.append(f"about {duration(3600 * left / plain)} left")
    elif left <= 0:
        told.append("all that were asked for")
    elif study.state == "open" and progress.raters:
        told.append("nobody has answered in the last hour")
    return " · ".join(told)


def work_words(one: Overview) -> str:
    """Who answers now."""
    if one.at_work:
        return f"At work: {', '.join(one.at_work)}"
    return f"{count(one.progress.raters, 'rater')} so far, nobody at work" if one.progress.raters else "No rater yet"


def power_words(one: Overview) -> str:
    """How many of the pairs of runs have answers enough."""
    needed = needed_votes()
    both = list(combinations(one.runs, 2))
    enough = sum(one.decided.get(two, 0) >= needed for two in both)
    has = "has" if len(both) == 1 else "have"
    return f"{enough} of {count(len(both), 'pair')} of runs {has} the {needed} decided answers that tell 60 / 40 from 50 / 50"


def needed_votes() -> int:
    """Decided answers that separate 60 from 40."""
    from studio.leaderboard import decisive_votes

    return decisive_votes(SHARE) or 0


def _power(one: Overview) -> None:
    needed = needed_votes()
    rows = [
        {"Runs": f"{one.runs[first]} – {one.runs[second]}", "Decided": one.decided.get((first, second), 0)}
        for first, second in combinations(one.runs, 2)
    ]
    decided = st.column_config.ProgressColumn(f"Of {needed} decided answers", max_value=needed, format="%d")
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"power_table_{one.study.id}", column_config={"Decided": decided})
    st.caption(
        f"Answers that prefer one of the two, ties left out. {needed} of them find a difference of 60 to 40 in 80% of studies."
    )


def rater_link(study: Study) -> str:
    """The address that a rater opens."""
    here = st.context.url or ""
    return f"{here.rsplit('/', 1)[0]}/rate?study={study.id}"


def _link_button(study: Study) -> None:
    with st.popover("Link for raters", icon=":material/link:", key=f"link_{study.id}"):
        st.caption("Whoever opens it says who they are and begins; nothing else is needed.")
        st.code(rater_link(study), language=None)


def _set_state(workspace: Workspace, study_id: int, state: str) -> None:
    with workspace.database.write() as session:
        studies.set_state(session, study_id, state)


def _remove_button(workspace: Workspace, one: Overview) -> None:
    with st.popover("Remove", icon=":material/delete:", key=f"remove_{one.study.id}"):
        lost = [count(one.answers, "answer") + f" of {count(one.progress.raters, 'rater')}"] if one.answers else []
        lost += [count(one.progress.gold, "known item")] if one.progress.gold else []
        also = f" with {' and '.join(lost)}, and everything that was reviewed" if lost else ""
        st.markdown(f"Remove {one.study.name}{also}? This cannot be undone. The runs and their pictures stay.")
        st.button(
            "Remove the study",
            type="primary",
            key=f"remove_do_{one.study.id}",
            on_click=_remove,
            args=(workspace, one.study.id, one.study.name),
        )


def _remove(workspace: Workspace, study_id: int, name: str) -> None:
    remove_study(workspace, study_id)
    st.toast(f"{name} is removed.", icon=":material/delete:")
    go("studies")
