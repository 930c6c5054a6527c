"""The frozen exports with their downloads, and the form that takes a study in."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from db import exports, raters
from db.study_models import FrozenExport
from studio import jobs
from studio.downloads import download_url
from studio.preference_exports import MANIFEST
from studio.preference_jobs import keep_upload, start_import
from studio.widgets.export_page import NAMES
from studio.widgets.page import spoken_errors
from studio.widgets.words import ago, count
from studio.workspace import Workspace

SHOWN = 20
MEGABYTES = 2000
IMPORTING = "import_job"  # the job of the reader's import, until it was said how it ended


def frozen_list(workspace: Workspace) -> None:
    """Every export that was made, the newest first, a line each."""
    with workspace.database.read() as session:
        rows = exports.frozen(session)
        people = {rater.id: rater.name for rater in raters.list_all(session)}
    if not rows:
        st.caption("No export yet. Each is kept as it was made, with its hash and the query that made it.")
        return
    everything = len(rows) > SHOWN and st.toggle(f"All {len(rows)}")
    for row in rows if everything else rows[:SHOWN]:
        _frozen(workspace, row, people)


def _frozen(workspace: Workspace, row: FrozenExport, people: dict[int, str]) -> None:
    folder = workspace.settings.workspace / row.folder
    size = _size(str(folder / MANIFEST))
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap="xxsmall"):
            st.markdown(f"**{_plain(row.study_name)}** as {NAMES[row.format]}", width="content")
            who = f" by {people[row.made_by]}" if row.made_by in people else ""
            told = [count(row.rows, "row"), size, f"{ago(row.created_at)}{who}", *_asked(row.query)]
            st.caption(f"{_plain(', '.join(filter(None, told)))} · hash `{row.sha256[:12]}`", width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            with st.popover("Query", icon=":material/data_object:", key=f"query_{row.id}"):
                st.code(json.dumps(row.query, indent=1, ensure_ascii=False), language="json")
                st.caption(f"Hash {row.sha256}")
                st.code(str(folder), language=None, wrap_lines=True)
            st.link_button(
                "Download",
                download_url(workspace, row),
                icon=":material/download:",
                disabled=size == "",
                help="As a zip; its MANIFEST.json names every file's hash" if size else "Its folder is gone",
            )


@st.cache_data(max_entries=500, show_spinner=False)
def _size(manifest: str) -> str:
    """How large a frozen export is, empty where it is gone."""
    try:
        files = json.loads(Path(manifest).read_text(encoding="utf-8"))["files"].values()
    except (OSError, ValueError, KeyError):
        return ""
    size = float(sum(file["bytes"] for file in files))
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _asked(query: dict[str, Any]) -> list[str]:
    """The choices of a query in words."""
    share = query.get("test_share") or 0
    told = [query.get("axis"), query.get("stratum")]
    told += ["only agreed"] if query.get("only_agreed") else []
    told += ["with excluded raters"] if query.get("with_excluded") else []
    return [str(word) for word in told if word] + ([f"{share:.0%} of the persons for the test"] if share else [])


def _plain(text: str) -> str:
    """A name as it is, with nothing in it read as markup."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|<>$~:" else sign for sign in text)


def import_form(workspace: Workspace) -> None:
    """Take in a study from the JSONL of another studio, as a job; what came of it is said when it has ended."""
    said = _imported(workspace)
    if said:
        st.success(said, icon=":material/check:")
    with st.expander("Import a study", icon=":material/upload_file:", expanded=bool(said)):
        st.caption(
            "The study.jsonl of an export: its definition, its raters and all that they said. Twice the same stores once."
        )
        with st.form("import_preferences", border=False):
            file = st.file_uploader("study.jsonl", ["jsonl"], max_upload_size=MEGABYTES)
            name = st.text_input("Name of the study here", placeholder="As in the file", width=420)
            asked = st.form_submit_button("Import", icon=":material/upload_file:")
        if asked and file is None:
            st.warning("Choose a file first.", icon=":material/warning:")
        elif asked and file is not None:
            with spoken_errors():
                st.session_state[IMPORTING] = start_import(workspace, keep_upload(workspace, file, file.name), name).id
                st.rerun()


def _imported(workspace: Workspace) -> str:
    """The last that the reader's import said, once it has ended well."""
    status = jobs.status(workspace, st.session_state.get(IMPORTING, 0))
    if status is None or status.job.state != "done":
        return ""
    del st.session_state[IMPORTING]
    return status.log_tail.splitlines()[-1]
