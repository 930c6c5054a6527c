"""Single results scored 1 to 5 on the four axes, by the rating component: storing and the queue."""

from pathlib import Path
from typing import Any

from db import ratings, runs
from db.models import Dataset, Rater, Result, Run
from studio.widgets.judging import (
    DEEPEST,
    STRIP,
    axes_of,
    depth_of,
    image_url,
    inputs,
    maps_of,
    mount,
    state_of,
    told_of,
    uids_of,
)
from studio.widgets.rating_store import history, queue, read_outbox, read_whole, store
from studio.workspace import Workspace


def rating_loop(workspace: Workspace, run: Run, dataset: Dataset, rater: Rater, wanted: int | None) -> None:
    """Show result after result of a run to a rater, and store every score as it is given.

    No fragment: after a restart of the server the browser goes on in a new session, which knows of none.
    """
    key = f"rating_{run.id}_{rater.id}"
    state = state_of(key)
    stored = read_outbox(state.get("outbox"))
    deep = depth_of(state, STRIP * len(ratings.AXES))
    skipped = [one for one in map(read_whole, state.get("skipped") or []) if one is not None]
    if stored:
        with workspace.database.write() as session:
            store(session, rater.id, stored)
    with workspace.database.read() as session:
        ahead = queue(session, run.id, rater.id, wanted, skipped)
        behind = history(session, run.id, rater.id, deep)
        told = told_of([one.result_id for one in behind])
        recent = [row for one in told if (row := runs.result(session, one)) is not None]
        done, total = ratings.progress(session, run.id, rater.id)
        show = {row.id: row for row in [*recent, *ahead]}
        scores = {row_id: ratings.live_for(session, rater.id, row_id) for row_id in show}
        stems = {stem for row in show.values() for stem in (row.person, row.cloth)}
        maps = maps_of(session, dataset.id, run.split, stems)
        tasks = {row_id: _task(row, Path(run.folder), Path(dataset.root), maps, scores[row_id]) for row_id, row in show.items()}
    mount(
        key,
        {
            "mode": "scores",
            "rater": rater.id,
            "axes": axes_of(ratings.AXES),
            "tasks": [tasks[row.id] for row in ahead],
            "recent": [tasks[row.id] for row in recent],
            "history": [{"id": one.result_id, "axis": one.axis} for one in behind if one.result_id in told],
            "more": len(behind) == deep < DEEPEST,
            "stored": uids_of(state.get("outbox")),
            "done": done,
            "total": total,
            "wanted": wanted,
            "finished": f"All {total} results of {run.name} are rated. Z takes the last score back.",
        },
    )


def _task(result: Result, run: Path, root: Path, maps: dict[str, dict[str, str]], scores: dict[str, int]) -> dict[str, Any]:
    """A result as the component shows it."""
    return {
        "id": result.id,
        "sha256": result.sha256,
        "name": f"{result.person} in {result.cloth}",
        **inputs(root, maps, result.person, result.cloth),
        "pictures": [image_url(run / result.path)],
        "width": result.width,
        "height": result.height,
        "answers": {axis: {"value": score} for axis, score in scores.items()},
    }
