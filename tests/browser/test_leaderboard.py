"""The leaderboard in a real browser: a fit in the background shows up by itself, also when it was killed meanwhile."""

import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

from studio.settings import Settings
from studio.workspace import open_workspace
from tests.ranked_study import NAMES, answered, make_study

pytestmark = pytest.mark.browser


def fits_of(studio: Any) -> list[psutil.Process]:
    """The processes of the studio that fit a leaderboard now."""
    children = psutil.Process(studio.process.pid).children()
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE and "leaderboard" in child.cmdline()]


def test_a_fit_in_the_background_shows_up_by_itself(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn), "--name", "Drawn")
    opened = open_workspace(Settings(workspace=studio.workspace))
    with opened.database.write() as session:
        study = make_study(session, 1)
    studio.start()
    page.goto(f"{studio.url}/leaderboard?study=1")
    expect(page.get_by_text("No vote counts on overall yet.")).to_be_visible()
    answered(opened, study, "Ben", "Cleo", "Dan")
    opened.database.close()
    page.reload()
    expect(page.get_by_text("votes so far")).to_be_visible()
    for fit in fits_of(studio):
        fit.send_signal(signal.SIGKILL)
    forest = page.locator(".st-key-leaderboard_forest .js-plotly-plot")
    expect(forest).to_be_visible()
    for name in NAMES:
        expect(forest.get_by_text(name, exact=True)).to_be_visible()
    expect(page.get_by_text("by 3 raters on 8 pairs")).to_be_visible()
    expect(page.get_by_text("would rank above")).to_be_visible()
