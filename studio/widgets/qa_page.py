"""The QA page in pieces: the checks' job, how much is left, and the exports."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from db.models import VERDICTS, Job
from studio import checks_file, jobs
from studio.jobs import JobError
from studio.widgets.exports import verdicts_csv, verdicts_jsonl
from studio.widgets.frame import Frame
from studio.widgets.passed import passed_pairs
from studio.widgets.qa_list import LEFT, Board
from studio.widgets.words import count

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

TROUBLE = ("failed", "lost")


def checks_button(chosen: Frame, board: Board, action: "DeltaGenerator") -> None:
    """The button that starts the checks, and why the last ones failed where they did."""
    assert chosen.dataset is not None
    newest = _newest_job(chosen)
    outdated = board.checked is None or checks_file.is_outdated(board.checked, Path(chosen.dataset.root))
    action.button(
        "Check all items" if board.checked is None else "Check again",
        type="primary" if outdated else "secondary",
        icon=":material/fact_check:",
        key="qa_check_all",
        disabled=newest is not None and newest.state in jobs.ACTIVE_STATES,
        on_click=_start,
        args=(chosen,),
        help="The automatic checks look at every item, so that the worst come first. Nothing in the dataset is changed.",
    )
    fault = st.session_state.pop("qa_fault", None) or (
        f"The last checks failed: {newest.note}" if newest and newest.state in TROUBLE else None
    )
    if fault:
        st.error(fault, icon=":material/error:")
    elif outdated and board.checked is not None:
        st.warning("Files have come or gone since the checks; check again.", icon=":material/update:")


def _newest_job(chosen: Frame) -> Job | None:
    assert chosen.dataset is not None
    of_split = (
        job
        for job in jobs.list_recent(chosen.workspace)
        if job.kind == "checks" and (job.after.get("checks"), job.after.get("split")) == (chosen.dataset.id, chosen.split)
    )
    return next(of_split, None)


def _start(chosen: Frame) -> None:
    assert chosen.dataset is not None and chosen.split is not None
    if not Path(chosen.dataset.root).is_dir():
        st.session_state["qa_fault"] = f"{chosen.dataset.root} is not there any more; bring the folder back."
        return
    try:
        jobs.start_checks(chosen.workspace, chosen.dataset, chosen.split)
    except JobError as error:
        st.session_state["qa_fault"] = str(error)


def what_is_left(board: Board) -> None:
    """How much is judged, and where the order comes from."""
    counts = board.counts()
    total = sum(n for state, n in counts.items() if state)
    done = total - counts[LEFT]
    parts = [f"{counts[verdict]:,} {verdict}" for verdict in VERDICTS if counts[verdict]]
    parts += [f"{len(board.changed):,} changed since"] if board.changed else []
    words = f"{done:,} of {count(total, 'item')} judged" + (f": {', '.join(parts)}" if parts else "")
    order = "worst first" if board.checked else "not checked yet, in the order of their names"
    st.progress(done / total if total else 0.0, text=f"{words}; {order}")


def exports(chosen: Frame, board: Board, action: "DeltaGenerator") -> None:
    """Verdicts as CSV and as JSONL, and the pairs that passed."""
    dataset, split = chosen.dataset, chosen.split
    assert dataset is not None and split is not None
    files = (
        ("Verdicts, CSV", lambda: verdicts_csv(chosen.workspace, dataset), "verdicts.csv", "text/csv"),
        ("Verdicts, JSONL", lambda: verdicts_jsonl(chosen.workspace, dataset), "verdicts.jsonl", "application/jsonl"),
        (
            "Pairs that passed",
            lambda: passed_pairs(board),
            f"{split}_pairs_passed.txt",
            "text/plain",
        ),
    )
    with action.popover("Export", icon=":material/download:", key="qa_export"):
        for label, data, name, mime in files:
            st.download_button(label, data, name, mime, type="tertiary", key=f"qa_export_{name}", on_click="ignore")
