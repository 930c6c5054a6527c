"""A training in a real browser: a fine-tuning started, watched, cancelled, resumed, and its checkpoint used in the lab."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from studio import processes
from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.presets import WARP
from vton.synthetic import SyntheticConfig, draw_dataset

pytestmark = pytest.mark.browser
LONG = 120_000  # milliseconds; every process of its own loads torch first
FIELDS = "log_every=1 validate_every=5 save_every=100000"
ENDLESS = 100_000  # steps: it goes on until it is cancelled


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A drawn set of four people to train on, and two to dress."""
    draw_dataset(SyntheticConfig(train=4, test=2, seed=5, height=128, width=96), tmp_path / "people", processes=1)
    return tmp_path / "people"


@pytest.fixture
def tidy(studio: Any) -> Iterator[None]:
    """Leave no job running, whatever happens."""
    yield
    for job in (studio.workspace / "jobs").glob("*"):
        processes.end_job(job)


def see(what: Locator) -> None:
    """Wait until it is there."""
    expect(what).to_be_visible(timeout=LONG)


def choose(page: Page, key: str, option: str) -> None:
    """Choose in the selectbox with that key."""
    page.locator(f".st-key-{key}").get_by_role("combobox").click()
    page.get_by_role("option", name=option).click()


def fill_in(page: Page) -> None:
    """The form of a fine-tuning of the preset tiny."""
    page.get_by_role("button", name="Start a training").click()
    see(page.get_by_role("button", name="Start the training"))
    choose(page, "training_preset_warp", "tiny")
    see(page.get_by_text("20 steps of 2"))  # its own fields are there
    choose(page, "training_init_warp", "first")
    page.locator(".st-key-training_advanced summary").click()
    fields = page.get_by_role("textbox", name="Other fields of the preset")
    fields.fill("stps=3")
    fields.press("Control+Enter")
    see(page.get_by_text("'stps=3' sets nothing"))
    expect(page.get_by_role("button", name="Start the training")).to_be_disabled(timeout=LONG)
    fields.fill(FIELDS)
    fields.press("Control+Enter")
    expect(page.get_by_role("button", name="Start the training")).to_be_enabled(timeout=LONG)
    steps = page.get_by_role("spinbutton", name="Steps")
    steps.fill(str(ENDLESS))
    steps.press("Enter")
    see(page.get_by_text(f"{ENDLESS:,} steps of 2"))


def step_of(page: Page) -> int:
    """How many steps the page says it has taken."""
    found = re.search(r"([\d,]+) of 100,000 steps", page.get_by_test_id("stMain").inner_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def wait_past(page: Page, step: int) -> None:
    """Wait until the page says more steps than that; it is drawn anew by itself."""
    past = "step => Number(document.body.innerText.match(/([\\d,]+) of 100,000/)?.[1].replace(',', '')) > step"
    page.wait_for_function(past, arg=step)


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()
    see(page.get_by_text("Cancelled · Warp tiny on people"))


@pytest.mark.slow
def test_a_fine_tuning_is_started_watched_cancelled_resumed_and_used(page: Page, studio: Any, people: Path, tidy: None) -> None:
    studio.run("add-dataset", str(people))
    torch.manual_seed(1)
    save_warp(studio.workspace / "checkpoints" / "first", WarpNetwork(WARP["tiny"].network), {"losses": {"flow": 1.0}})
    studio.start()
    page.set_default_timeout(LONG)

    page.goto(f"{studio.url}/runs")
    see(page.get_by_text("No training yet"))
    fill_in(page)
    page.get_by_role("button", name="Start the training").click()
    see(page.get_by_text("Samples", exact=True))
    see(page.locator(".st-key-training_loss .js-line").first)
    expect(page.locator("img.vton-sheet")).to_have_js_property("complete", True, timeout=LONG)
    wait_past(page, step_of(page))
    see(page.get_by_text(re.compile("After [0-9]+ steps; from left to right: person, garment")))

    page.goto(f"{studio.url}/runs")
    page.locator(".st-key-training_1").get_by_role("button").click()
    see(page.get_by_text("Running · Warp tiny on people"))
    cancel(page)
    stopped = step_of(page)

    page.goto(f"{studio.url}/runs?training=warp-tiny")
    page.get_by_role("button", name="Resume").click()
    see(page.get_by_text("Running · Warp tiny on people"))
    wait_past(page, stopped)
    cancel(page)
    assert step_of(page) > stopped

    page.get_by_role("button", name="Use in the lab").click()
    page.wait_for_url("**/lab?**warp=warp-tiny**")
    page.get_by_role("button", name="Try on", exact=True).click()
    see(page.get_by_text(re.compile("warp-tiny.* Made in")))
