"""A study's pairs judged blind by the rating component: storing, leasing, and what the browser is given."""

from pathlib import Path
from typing import Any

import streamlit as st
from sqlalchemy.orm import Session

from db import assignments, comparisons, studies
from db.models import Rater, now
from db.study_models import Assignment, Study
from studio.blind import SIDES, picture_url
from studio.widgets.judging import BACK, DEEPEST, axes_of, depth_of, inputs, maps_of, mount, state_of, told_of, uids_of
from studio.widgets.pairwise_store import (
    REASONS,
    TAGS,
    Answer,
    answers_of,
    count_left,
    dataset_of,
    is_short,
    may_go_on,
    part_of,
    queue,
    read_outbox,
    store,
    why_nothing,
)
from studio.widgets.words import count
from studio.workspace import Workspace

SURE = 40  # pairs left below which they are counted anew at every answer


def pairwise_loop(workspace: Workspace, study: Study, rater: Rater) -> bool:
    """Show pair after pair of a study to a rater, and store every answer as it is given; whether there was one to show.

    No fragment: after a restart of the server the browser goes on in a new session, which knows of none. What the browser is
    given names no run, and does not tell known items and repeats from others.
    """
    key = f"study_{study.id}_{rater.id}"
    state = state_of(key)
    answers = read_outbox(state.get("outbox"))
    deep = depth_of(state, BACK)
    ahead = _store_and_lease(workspace, study, rater, answers)
    with workspace.database.read() as session:
        part = part_of(session, study.id, rater.id)
        locked = not may_go_on(session, study, rater.id)
        behind = comparisons.history(session, study.id, rater.id, deep)
        recent = told_of([row.assignment_id for row in behind])
        tasks = _tasks(session, workspace, study, [*(one.id for one in ahead), *recent])
        done = part.done + part.skipped if part else 0
        left = 0 if locked else _left(session, study, rater, done)
        finished = "" if ahead else why_nothing(session, study, rater.id)
    mount(
        key,
        {
            "mode": "pairs",
            "rater": rater.id,
            "axes": axes_of(study.axes),
            "tags": TAGS,
            "reasons": REASONS,
            "tasks": [tasks[one.id] for one in ahead if one.id in tasks],
            "recent": [tasks[one] for one in recent if one in tasks],
            "history": [{"id": row.assignment_id, "axis": row.axis} for row in behind if row.assignment_id in recent],
            "more": len(behind) == deep < DEEPEST,
            "stored": uids_of(state.get("outbox")),
            "done": done,
            "left": left,
            "wanted": None,
            "finished": finished,
            "locked": locked,
        },
    )
    return bool(ahead)


def _store_and_lease(workspace: Workspace, study: Study, rater: Rater, answers: list[Answer]) -> list[Assignment]:
    """Store what was answered, in one write with the lease that may follow; the assignments to show next."""
    with workspace.database.read() as session:
        held = assignments.held(session, study.id, rater.id)
        goes_on = may_go_on(session, study, rater.id)
    if not answers and not (goes_on and is_short(held, now())):
        return held if goes_on else []
    with workspace.database.write() as session:
        refused = store(session, rater.id, answers)
        ahead = queue(session, study, rater.id) if goes_on else []
    if refused:
        st.toast(
            f"{count(refused, 'answer')} could not be stored: what was judged has been removed.", icon=":material/warning:"
        )
    return ahead


def _left(session: Session, study: Study, rater: Rater, done: int) -> int:
    """What is left for the rater: counted now and then, and near the end, in between by what was done since."""
    key = f"left_{study.id}_{rater.id}_{len(studies.runs_of(session, study.id))}"
    counted, left = st.session_state.get(key, (done, 0))
    left -= done - counted
    if left < SURE or abs(done - counted) > BACK:
        left = count_left(session, study, rater.id)
        st.session_state[key] = (done, left)
    return left


def _tasks(session: Session, workspace: Workspace, study: Study, ids: list[int]) -> dict[int, dict[str, Any]]:
    """{assignment id: what the component shows of it}."""
    shown = assignments.shown(session, list(dict.fromkeys(ids)))
    dataset = dataset_of(session, study)
    stems = {stem for one in shown for stem in (one.person, one.cloth)}
    maps = maps_of(session, dataset.id, study.split, stems) if dataset else {}
    root = Path(dataset.root) if dataset else Path()
    answers = answers_of(session, [one.assignment_id for one in shown])
    return {
        one.assignment_id: {
            "id": one.assignment_id,
            **inputs(root, maps, one.person, one.cloth),
            "pictures": [picture_url(workspace, one, side) for side in SIDES],
            "width": one.left.width,
            "height": one.left.height,
            "answers": answers.get(one.assignment_id, {}),
        }
        for one in shown
    }
