"""Diffusion in the lab in a real browser: a try-on at two step counts, both kept; a long one cancelled; the address."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.tiny_diffusion import SIZES, save_tiny
from vton.pairs import open_dataset

pytestmark = pytest.mark.browser
LONG = 120_000  # milliseconds; the worker's process loads the models first


def try_on_with(page: Page, steps: int) -> None:
    """Set the steps behind the button, and press Try on."""
    page.get_by_role("button", name="Diffusion small").click()
    field = page.get_by_role("spinbutton", name="Steps")
    field.fill(str(steps))
    field.press("Enter")
    page.wait_for_url(f"**steps={steps}&**")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Try on", exact=True).click()


@pytest.mark.slow
def test_two_step_counts_are_kept_and_a_long_try_on_is_cancelled(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn))
    save_tiny(studio.workspace / "checkpoints", sizes=replace(SIZES, height=256, width=192))  # steps that take a moment
    studio.start()
    pair = open_dataset(drawn).splits["test"].pairs[1]

    page.goto(f"{studio.url}/lab?pair={pair.name}&warp=geometric&diffusion=small&guidance=2")
    try_on_with(page, 2)
    expect(page.get_by_text("DDIM, 2 steps, guidance 2, strength 0.8, seed 0. Made in")).to_be_visible(timeout=LONG)
    try_on_with(page, 5)
    expect(page.get_by_text("DDIM, 5 steps, guidance 2, strength 0.8, seed 0. Made in")).to_be_visible(timeout=LONG)
    tiles = page.locator(".st-key-lab_results .tile")
    expect(tiles).to_have_count(2)
    newest = page.url

    tiles.filter(has_text="2 steps").click()
    expect(page.get_by_text("DDIM, 2 steps, guidance 2, strength 0.8, seed 0. Made in")).to_be_visible()
    older = page.url
    assert older != newest

    try_on_with(page, 200)
    watched = page.locator(".st-key-lab_watch")
    expect(watched).to_contain_text("of 200", timeout=LONG)
    expect(page.locator('img[alt="Result"][src^="data:image/jpeg"]')).to_be_visible()
    watched.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The try-on was cancelled.")).to_be_visible()
    expect(watched).to_have_count(0)
    expect(tiles).to_have_count(2)

    for address, steps in ((newest, 5), (older, 2)):
        page.goto(address)
        expect(page.get_by_text(f"DDIM, {steps} steps, guidance 2, strength 0.8, seed 0. Made in")).to_be_visible(timeout=LONG)
    expect(tiles).to_have_count(2)
