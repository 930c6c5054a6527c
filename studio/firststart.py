"""The first start: with nothing to look at yet, a small set is drawn and tried on, as jobs."""

from db import datasets
from db import jobs as rows
from db.models import Job
from studio.jobs import start_drawing
from studio.workspace import Workspace


def begin(workspace: Workspace) -> Job | None:
    """Start the drawing of the demo set where no dataset is known and none was ever drawn; else None."""
    with workspace.database.read() as session:
        known = datasets.list_all(session)
        drawn = rows.ever_done(session, "draw")
    return None if known or drawn else start_drawing(workspace)
