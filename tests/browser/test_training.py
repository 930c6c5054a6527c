"""A training in a real browser: a fine-tuning started, watched, cancelled, resumed, and its checkpoint used in the lab."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from studio import processes
from studio.widgets.training_list import KIND_WORDS
from tests.tiny_diffusion import save_tiny
from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.presets import DIFFUSION, WARP
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


def fill_in(page: Page, kind: str) -> None:
    """The form of a fine-tuning of the preset tiny."""
    page.get_by_role("button", name="Start a training").click()
    see(page.get_by_role("button", name="Start the training"))
    page.locator(".st-key-training_kind").get_by_text(KIND_WORDS[kind], exact=True).click()
    choose(page, f"training_preset_{kind}", "tiny")
    see(page.get_by_text("20 steps of 2"))  # its own fields are there
    if kind == "diffusion":
        choose(page, "training_vae", "first-vae")
    choose(page, f"training_init_{kind}", "first")
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


def cancel(page: Page, title: str) -> None:
    page.get_by_role("button", name="Cancel").click()
    see(page.get_by_text(f"Cancelled · {title}"))


def save_first(kind: str, home: Path) -> None:
    """A checkpoint called first, of the preset tiny; of a diffusion with its VAE."""
    if kind == "diffusion":
        save_tiny(home, "first", sizes=DIFFUSION["tiny"].network)
        return
    torch.manual_seed(1)
    save_warp(home / "first", WarpNetwork(WARP["tiny"].network), {"losses": {"flow": 1.0}})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["warp", "diffusion"])
def test_a_fine_tuning_is_started_watched_cancelled_resumed_and_used(
    kind: str, page: Page, studio: Any, people: Path, tidy: None
) -> None:
    studio.run("add-dataset", str(people))
    save_first(kind, studio.workspace / "checkpoints")
    studio.start()
    page.set_default_timeout(LONG)
    title = f"{KIND_WORDS[kind]} tiny on people"

    page.goto(f"{studio.url}/runs")
    see(page.get_by_text("No training yet"))
    fill_in(page, kind)
    page.get_by_role("button", name="Start the training").click()
    see(page.get_by_text("Samples", exact=True))
    see(page.locator(".st-key-training_loss .js-line").first)
    expect(page.locator("img.vton-sheet")).to_have_js_property("complete", True, timeout=LONG)
    wait_past(page, step_of(page))
    see(page.get_by_text(re.compile("After [0-9]+ steps; from left to right: person, garment")))

    page.goto(f"{studio.url}/runs")
    page.locator(".st-key-training_1").get_by_role("button").click()
    see(page.get_by_text(f"Running · {title}"))
    cancel(page, title)
    stopped = step_of(page)

    page.goto(f"{studio.url}/runs?training={kind}-tiny")
    page.get_by_role("button", name="Resume").click()
    see(page.get_by_text(f"Running · {title}"))
    wait_past(page, stopped)
    cancel(page, title)
    assert step_of(page) > stopped

    page.get_by_role("button", name="Use in the lab").click()
    page.wait_for_url(f"**/lab?**{kind}={kind}-tiny**")
    page.get_by_role("button", name="Try on", exact=True).click()
    see(page.get_by_text(re.compile(f"{kind}-tiny.* Made in")))
