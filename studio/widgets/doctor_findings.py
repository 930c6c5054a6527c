"""Findings of the dataset doctor as a list: file, what is wrong, what to do, and the way to the item."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from vton.doctor.report import Finding

HERE = Path(__file__).parent
KINDS = {
    "damaged": "Damaged files",
    "empty": "Empty files",
    "too-large": "Too large",
    "missing": "Missing maps",
    "orphan": "Maps without their photo",
    "pairs": "Pair lists",
    "swapped": "Swapped columns",
    "shared": "In train and in test",
    "twins": "The same picture twice",
    "size": "Sizes",
    "shape": "Too small or too narrow",
    "turned": "Turned pictures",
    "mode": "Colour modes",
    "format": "Formats",
    "parse": "Parses",
    "mask": "Masks",
    "keypoints": "Keypoints",
    "flow": "Flows",
    "name": "Names",
    "double": "Two files of one name",
    "unread": "Files that are not read",
    "tags": "Garment tags",
}


@dataclass(frozen=True)
class Row:
    """One finding, and the link and id of the item that it is about, where that can be shown."""

    severity: str
    file: str
    wrong: str
    todo: str
    href: str = ""
    id: str = ""


@dataclass(frozen=True)
class Group:
    """The findings of one kind."""

    title: str
    rows: list[Row] = field(default_factory=list)
    note: str = ""


_mount = st.components.v2.component(
    "vton_findings",
    html='<div class="findings"></div>',
    css=(HERE / "doctor_findings.css").read_text(),
    js=(HERE / "doctor_findings.js").read_text(),
)


def kind_title(kind: str) -> str:
    """What findings of a kind are headed by."""
    return KINDS.get(kind, kind.capitalize())


def row_of(finding: Finding, href: str = "", item: str = "") -> Row:
    """A finding as a row; `item` is what a click on it gives, `href` the same as an address."""
    return Row(finding.severity, finding.file, finding.wrong, finding.todo, href, item)


def findings_list(groups: Sequence[Group], *, key: str, on_open: Callable[[str], None] | None = None) -> None:
    """Draw the groups; `on_open` is called with the id of the row clicked."""

    def opened() -> None:
        chosen: Any = st.session_state[key].get("opened")
        if chosen and on_open:
            on_open(chosen)

    _mount(key=key, data={"groups": [asdict(group) for group in groups]}, on_opened_change=opened)
