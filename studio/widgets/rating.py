"""The rating loop as one component: pictures, keys, outbox in the browser; storing and the queue here."""

from pathlib import Path
from typing import Any

import streamlit as st

from db import datasets, ratings
from db.models import Dataset, Rater, Rating, Result, Run
from studio.widgets.pictures import image_url
from studio.widgets.rating_store import history, queue, read_outbox, read_whole, store
from studio.workspace import Workspace

HERE = Path(__file__).parent
AXES = [
    {
        "name": "garment fidelity",
        "label": "Garment fidelity",
        "hint": "Colour, pattern, logo and details are the garment's",
    },
    {"name": "fit", "label": "Fit", "hint": "It sits as a garment would: neck, shoulders, sleeves, hem"},
    {
        "name": "person preservation",
        "label": "Person preservation",
        "hint": "Face, hair, hands, body and background are the person's",
    },
    {"name": "realism", "label": "Realism", "hint": "It could be a photo: no seams, smears or strange light"},
]
WIDTH = 768  # pixels; what the browser is given of each picture

_mount = st.components.v2.component(
    "vton_rating",
    html=(HERE / "rating.html").read_text(),
    css=(HERE / "rating.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in ("outbox.js", "rating.js")),
)


def rating_loop(workspace: Workspace, run: Run, dataset: Dataset, rater: Rater, wanted: int | None) -> None:
    """Show result after result of a run to a rater, and store every score as it is given.

    No fragment: after a restart of the server the browser goes on in a new session, which knows of none.
    """
    key = f"rating_{run.id}_{rater.id}"
    state: Any = st.session_state.get(key) or {}
    stored = read_outbox(state.get("outbox"))
    skipped = [one for one in map(read_whole, state.get("skipped") or []) if one is not None]
    if stored:
        with workspace.database.write() as session:
            store(session, rater.id, stored)
    with workspace.database.read() as session:
        ahead = queue(session, run.id, rater.id, wanted, skipped)
        behind = history(session, run.id, rater.id)
        recent = _results_of(session, behind)
        done, total = ratings.progress(session, run.id, rater.id)
        show = {row.id: row for row in [*recent, *ahead]}
        scores = {row_id: ratings.live_for(session, rater.id, row_id) for row_id in show}
        stems = {stem for row in show.values() for stem in (row.person, row.cloth)}
        maps = _maps(session, run, dataset, stems)
        tasks = {row_id: _task(row, Path(run.folder), Path(dataset.root), maps, scores[row_id]) for row_id, row in show.items()}
    _mount(
        key=key,
        data={
            "sitting": key,
            "axes": AXES,
            "tasks": [tasks[row.id] for row in ahead],
            "recent": [tasks[row.id] for row in recent],
            "history": [{"result_id": one.result_id, "axis": one.axis, "before": None} for one in behind],
            "stored": sorted({str(entry.get("uid")) for entry in state.get("outbox") or [] if isinstance(entry, dict)}),
            "done": done,
            "total": total,
            "wanted": wanted,
            "finished": f"All {total} results of {run.name} are rated. Z takes the last score back.",
        },
        on_outbox_change=_heard,
        on_skipped_change=_heard,
    )


def _heard() -> None:
    """Streamlit keeps a component's state only where someone listens; the next lines of the loop read it."""


def _maps(session: Any, run: Run, dataset: Dataset, stems: set[str]) -> dict[str, dict[str, str]]:
    """{stem: {kind: path}}; a run from elsewhere may not say its split, then every split is looked at."""
    found: dict[str, dict[str, str]] = {}
    for split in [run.split] if run.split else datasets.splits(session, dataset.id):
        found |= {stem: dict(item.maps) for stem, item in datasets.items(session, dataset.id, split, stems).items()}
    return found


def _results_of(session: Any, given: list[Rating]) -> list[Result]:
    rows = {one.result_id: session.get(Result, one.result_id) for one in given}
    return [row for row in rows.values() if row is not None]


def _task(result: Result, run: Path, root: Path, maps: dict[str, dict[str, str]], scores: dict[str, int]) -> dict[str, Any]:
    """A result as the component shows it."""
    person = maps.get(result.person, {}).get("image")
    cloth = maps.get(result.cloth, {}).get("cloth")
    return {
        "result_id": result.id,
        "sha256": result.sha256,
        "person_id": result.person,
        "cloth_id": result.cloth,
        "person": image_url(root / person, WIDTH) if person else "",
        "cloth": image_url(root / cloth, WIDTH) if cloth else "",
        "result": image_url(run / result.path, WIDTH),
        "width": result.width,
        "height": result.height,
        "scores": scores,
    }
