"""The line through the whole studio in a real browser: browse, lab, rate by keys, a job that outlives its server."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def scores(workspace: Path) -> list[int]:
    """The live scores, in the order given."""
    with sqlite3.connect(workspace / "studio.db") as database:
        return [score for (score,) in database.execute("SELECT score FROM rating WHERE live ORDER BY id")]


def rate(page: Page, keys: str) -> None:
    """Press keys as a person does: each after the one before was taken."""
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(80)


def test_browse_lab_rate_and_a_job_over_a_restart(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn))
    studio.start()

    page.goto(f"{studio.url}/browse")
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.locator(".tile img").first).to_have_js_property("complete", True)
    page.locator(".tile").first.click()
    expect(page.get_by_text("Agnostic mask", exact=True)).to_be_visible()
    assert "pair=" in page.url

    page.get_by_role("button", name="Try on in the lab").click()
    page.get_by_role("button", name="Try on", exact=True).click()
    expect(page.get_by_text("Made in")).to_be_visible(timeout=120_000)
    for stage in ("Flow as a grid", "Warped cloth", "Composite"):
        expect(page.get_by_role("img", name=stage, exact=True)).to_be_visible()

    page.get_by_role("button", name="Rate it").click()
    expect(page.get_by_role("heading", name="Rate", exact=True)).to_be_visible()
    expect(page.get_by_text("Say who rates")).to_be_visible()
    name = page.get_by_role("combobox", name="Who rates")
    name.fill("Ada")
    expect(page.get_by_role("option", name="Ada")).to_be_visible()
    name.press("Enter")
    page.locator(".rating[data-painted]").wait_for()
    page.wait_for_timeout(400)
    rate(page, "54z3")
    expect(page.locator(".count")).to_have_text("0 of 1 rated")
    rate(page, "21")
    expect(page.locator(".finished")).to_contain_text("are rated")
    until = time.monotonic() + 60
    while len(scores(studio.workspace)) < 4 and time.monotonic() < until:
        page.wait_for_timeout(200)
    assert scores(studio.workspace) == [5, 3, 2, 1]

    page.get_by_role("link", name="Runs").click()
    page.get_by_role("button", name="Start a run").click()
    page.get_by_placeholder("A name to find it by").fill("All of them")
    page.get_by_role("button", name="Start with 4 pairs").click()
    job = page.locator(".st-key-job_1")
    expect(job).to_contain_text("All of them")
    studio.kill()
    studio.start()
    page.goto(f"{studio.url}/runs")
    expect(job).to_contain_text("Done", timeout=120_000)
    page.goto(f"{studio.url}/runs?open=All+of+them")
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.get_by_role("combobox", name="Who rates")).to_have_value("Ada")
