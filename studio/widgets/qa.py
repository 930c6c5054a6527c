"""The QA page's work as one component: maps, keys, verdicts and repairs in the browser; storing and the queue here."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import streamlit as st

from db import annotations
from db.models import VERDICTS, Rater, Verdict
from studio import repair_routes, repairs
from studio.repairs import Item
from studio.widgets.pictures import image_url
from studio.widgets.qa_list import Board, View, has_changed, judged_file, judged_kind, outputs_of
from studio.widgets.qa_store import read_outbox, store
from studio.workspace import Workspace
from vton.labels import PARSE_PALETTE, ParseClass

HERE = Path(__file__).parent
AHEAD = 4  # items that the browser holds beyond the one shown
BACK = 15  # verdicts that undo reaches after a reload
WIDTH = 1536  # pixels; what the browser is given of each picture
OUTPUTS = {
    "keypoints": ("Keypoints", ["joint missing", "joint misplaced", "left and right swapped", "another person"]),
    "densepose": ("DensePose", ["part missing", "part misplaced", "left and right swapped", "another person"]),
    "parse": ("Parse", ["sleeve as arm", "arm as sleeve", "garment cut off", "wrong class", "ragged outline"]),
    "cloth_mask": ("Cloth mask", ["background inside", "garment cut off", "holes", "ragged outline"]),
    "agnostic": ("Agnostic", ["garment visible", "hands covered", "face covered", "too large", "ragged outline"]),
}
LAYERS = {  # kind -> what it is called, how opaque it is at first, whether it lies on the garment, how it is drawn
    "image": ("Photo", 1.0, False, "picture"),
    "parse": ("Parse", 0.6, False, "classes"),
    "densepose": ("DensePose", 0.7, False, "body"),
    "keypoints": ("Keypoints", 1.0, False, "joints"),
    "agnostic": ("Agnostic", 1.0, False, "picture"),
    "agnostic_mask": ("Agnostic mask", 0.55, False, "mask"),
    "parse_agnostic": ("Agnostic parse", 0.6, False, "classes"),
    "cloth": ("Garment", 1.0, True, "picture"),
    "cloth_mask": ("Cloth mask", 0.55, True, "mask"),
}
SCRIPTS = (
    "typing.js",
    "outbox.js",
    "qa_canvas.js",
    "qa_mend.js",
    "qa_sheet.js",
    "qa_panel.js",
    "qa_layers.js",
    "qa_repair.js",
    "qa_keys.js",
    "qa.js",
)

_mount = st.components.v2.component(
    "vton_qa",
    html=(HERE / "qa.html").read_text(),
    css=(HERE / "qa.css").read_text(),
    js="\n".join((HERE / name).read_text() for name in SCRIPTS),
)


def component_key(board: Board, rater: Rater) -> str:
    """One component a dataset, split and rater."""
    return f"qa_{board.dataset.id}_{board.split}_{rater.id}"


def take_in(board: Board, rater: Rater) -> None:
    """Store what the component has sent."""
    given = read_outbox(_sent(board, rater).get("outbox"))
    if given:
        with board.workspace.database.write() as session:
            store(session, board, rater.id, given)
        board.update()


def _sent(board: Board, rater: Rater) -> dict[str, Any]:
    state: Any = st.session_state.get(component_key(board, rater)) or {}
    sent = state.get("sent")
    return sent if isinstance(sent, dict) else {}


def qa_loop(board: Board, rater: Rater, view: View, wanted: str | None, sitting: int) -> str | None:
    """Show item after item to a rater; the one that is shown now. `wanted` begins a sitting, another number begins another.

    No fragment: after a restart of the server the browser goes on in a new session, which knows of none.
    """
    sent = _sent(board, rater)
    at = sent.get("at") if sent.get("sitting") == sitting else wanted
    at = at if at in board.maps else None
    if at is None:
        at = next(iter(board.ahead(view, None, 1)), None)
    ahead = board.ahead(view, at, AHEAD) if at else []
    before = board.before(view, at) if at else None
    workspace = board.workspace
    with workspace.database.read() as session:
        behind = annotations.last_of(session, board.dataset.id, board.split, rater.id, BACK)
        stems = dict.fromkeys(stem for stem in (at, *ahead, before, *(one.stem for one in behind)) if stem in board.maps)
        given = annotations.live_of(session, board.dataset.id, board.split, stems)
    said: dict[str, list[tuple[Verdict, str]]] = {}
    for row, name in given:
        said.setdefault(row.stem, []).append((row, name))
    _mount(
        key=component_key(board, rater),
        data={
            "place": component_key(board, rater),
            "sitting": sitting,
            "outputs": {name: {"label": label, "tags": tags} for name, (label, tags) in OUTPUTS.items()},
            "layers": [
                {"kind": kind, "label": label, "opacity": opacity, "on_cloth": on_cloth, "how": how}
                for kind, (label, opacity, on_cloth, how) in LAYERS.items()
            ],
            "classes": [{"name": one.name.replace("_", " ").lower(), "colour": _colour(one)} for one in ParseClass],
            "verdicts": list(VERDICTS),
            "tasks": [_task(workspace, board, stem, rater, said.get(stem, [])) for stem in stems],
            "first": at,
            "queue": [at, *ahead] if at else [],
            "before": before,
            "only_left": view.show == "left",
            "history": [{"stem": one.stem, "output": one.output} for one in behind if one.stem in stems],
            "stored": sorted({str(one.get("uid")) for one in sent.get("outbox") or [] if isinstance(one, dict)}),
        },
        on_sent_change=_heard,
    )
    return at


def _heard() -> None:
    """Streamlit keeps a component's state only where someone listens; the next lines of the loop read it."""


def _colour(which: ParseClass) -> list[int]:
    return [int(part) for part in PARSE_PALETTE[which]]


def _task(workspace: Workspace, board: Board, stem: str, rater: Rater, said: Iterable[tuple[Verdict, str]]) -> dict[str, Any]:
    """An item as the component shows it."""
    item = board.item(stem)
    outputs = {name: _output(workspace, item, name, rater) for name in outputs_of(item)}
    verdicts = {row.output: _verdict(item, row, name, rater) for row, name in said if row.output in outputs}
    told = board.checked
    return {
        "stem": stem,
        "size": _size(item, "image"),
        "cloth_size": _size(item, "cloth"),
        "layers": {kind: url for kind in LAYERS if (url := _layer(workspace, item, kind))},
        "outputs": outputs,
        "verdicts": verdicts,
        "failed": [{"check": one.check, "output": one.output, "sentence": one.sentence} for one in told.failed.get(stem, ())]
        if told
        else [],
        "passed": told.passed.get(stem) if told else None,
    }


def _output(workspace: Workspace, item: Item, output: str, rater: Rater) -> dict[str, Any]:
    """What is judged, and where a repair of it is sent; no address where it cannot be repaired."""
    kind = judged_kind(item, output)
    judged = judged_file(item, output)
    sha256 = judged.sha256 if judged else ""
    mended = "agnostic_mask" if output == "agnostic" else kind
    if mended not in repairs.KINDS:
        return {"sha256": sha256, "kind": kind, "send": "", "repaired": False}
    path = item.path(mended)
    parent = repairs.sha256_of(path) if path and path.is_file() else ""
    repaired = path is not None and path.is_relative_to(item.overlay)
    send = repair_routes.write_url(workspace, item, mended, parent, rater.id)
    return {"sha256": sha256, "kind": mended, "send": send, "repaired": repaired}


def _verdict(item: Item, row: Verdict, name: str, rater: Rater) -> dict[str, Any]:
    judged = annotations.JudgedFile(row.file, row.sha256, row.file_size, row.file_mtime_ns)
    changed = has_changed(item, judged, row.output)
    mine = row.rater_id == rater.id
    return {"verdict": row.verdict, "tags": row.tags, "note": row.note, "who": name, "mine": mine, "changed": changed}


def _layer(workspace: Workspace, item: Item, kind: str) -> str:
    """The address of a layer, empty where the item has none."""
    path = item.path(kind)
    try:
        if kind == "agnostic_mask" and repairs.inputs_of_rule(item):
            ruled = judged_file(item, "agnostic")
            return repair_routes.read_url(workspace, item, kind, ruled.sha256[:16]) if ruled else ""
        if path is None or not path.is_file():
            return ""
        if kind in (*repairs.KINDS, "parse_agnostic", "keypoints"):
            return repair_routes.read_url(workspace, item, kind, repairs.sha256_of(path)[:16])
        return image_url(path, WIDTH)
    except OSError:
        return ""


def _size(item: Item, kind: str) -> list[int] | None:
    """[width, height] of one of the item's photos, None without one that can be read."""
    path = item.path(kind)
    try:
        height, width = repairs.size_of(path) if path else (0, 0)
    except (OSError, SyntaxError, ValueError):
        return None
    return [width, height] if width else None
