"""The Warp page in a real browser: a learned warp beside the geometric one, keys for everything, an address to send."""

from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Page, expect

from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.pairs import open_dataset
from vton.presets import WARP

pytestmark = pytest.mark.browser
LONG = 120_000  # milliseconds; the worker's process loads the model first


def test_a_pair_is_looked_at_by_keys_and_comes_back_by_its_address(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn))
    torch.manual_seed(3)
    trained = {"step": 3, "data": {"root": "/sets/some", "pairs": 10}, "losses": {"flow": 1.0}}
    save_warp(studio.workspace / "checkpoints" / "mine", WarpNetwork(WARP["tiny"].network), trained)
    studio.start()
    first, second = open_dataset(drawn).splits["test"].pairs[:2]

    page.goto(f"{studio.url}/warp?warps=truth,geometric,mine")
    cards = page.locator(".cards figure")
    expect(cards).to_have_count(5, timeout=LONG)
    expect(page.locator(".cards .said")).to_have_count(0, timeout=LONG)
    mine = page.locator('.cards figure[data-warp="mine"]')
    expect(mine).to_contain_text("px off")
    expect(page.locator('.set[data-warp="mine"] .scale')).to_have_count(5)
    expect(page.get_by_text("End-point error").first).to_be_attached()

    worn, folds = mine.locator("img.worn"), mine.locator('[data-mark="folds"]')
    expect(worn).to_be_visible()
    expect(folds).to_be_hidden()
    page.keyboard.press("f")
    expect(folds).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("v")
    expect(worn).to_be_hidden()
    expect(mine.locator('[data-flow="4 arrows"]')).to_be_visible()
    expect(page.locator('.set[data-warp="mine"] img[data-view="arrows"]').first).to_be_visible()
    page.locator('.set[data-warp="mine"] .scale').nth(0).click()
    expect(mine.locator('[data-flow="0 arrows"]')).to_be_visible()
    page.keyboard.press("v")
    expect(worn).to_be_visible()
    page.keyboard.press("[")
    expect(page.locator(".opacity output")).to_have_text("90 %")
    page.keyboard.down(" ")
    expect(mine.locator(".over")).to_have_css("opacity", "0")
    page.keyboard.up(" ")
    expect(mine.locator(".over")).to_have_css("opacity", "0.9")
    before = page.locator(".factor").inner_text()
    page.keyboard.press("+")
    expect(page.locator(".factor")).not_to_have_text(before)
    for image in mine.locator("img").all():
        assert image.evaluate("picture => picture.naturalWidth") > 0

    page.keyboard.press("ArrowRight")
    expect(cards.first).to_contain_text(second.person)
    expect(page.locator(".cards .said")).to_have_count(0, timeout=LONG)
    expect(folds).to_be_visible()  # what was chosen stays
    assert f"person={second.person}" in page.url and f"cloth={second.cloth}" in page.url
    address = page.url
    page.keyboard.press("ArrowLeft")
    expect(cards.first).to_contain_text(first.person)
    page.keyboard.press("ArrowLeft")  # there is none before the first
    page.goto(address)
    expect(cards.first).to_contain_text(second.person, timeout=LONG)
    expect(cards).to_have_count(5)
