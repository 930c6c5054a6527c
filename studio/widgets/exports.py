"""Tables as files to download."""

import csv
import io

from db import ratings
from studio.workspace import Workspace

EMPTY_COLUMNS = ("rating_id", "rater", "run", "person", "cloth", "axis", "score")


def ratings_csv(workspace: Workspace) -> str:
    """Every live rating, a row each, as CSV."""
    with workspace.database.read() as session:
        rows = ratings.export_rows(session)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else EMPTY_COLUMNS)
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    """A text that a spreadsheet would take for a formula, as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
