"""Browse and the doctor in a real browser: an examination leads to the item it is about; a saved view survives a reload."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from vton.pairs import open_dataset

pytestmark = pytest.mark.browser


def test_an_examination_leads_to_the_item_and_survives_a_restart(page: Page, studio: Any, drawn: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    split = open_dataset(root).splits["test"]
    pair = split.pairs[2]
    split.need("cloth_mask", pair.cloth).write_bytes(b"")
    studio.run("add-dataset", str(root))
    studio.start()

    page.goto(f"{studio.url}/doctor")
    expect(page.get_by_text("was looked at yet")).to_be_visible()
    page.get_by_role("button", name="Examine", exact=True).click()
    finding = page.locator(".finding")
    expect(finding).to_have_count(1, timeout=90_000)
    expect(finding).to_contain_text(f"test/cloth-mask/{pair.cloth}.jpg")
    studio.kill()
    studio.start()
    page.goto(f"{studio.url}/doctor?severity=fault")
    expect(finding).to_contain_text("is empty")

    finding.get_by_role("link", name="Look at it").click()
    expect(page.get_by_text("Agnostic mask", exact=True)).to_be_visible()
    assert f"pair={pair.name}" in page.url
    expect(finding).to_contain_text("is empty")
    page.get_by_role("button", name="All pairs").click()
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.locator(".tile .badge")).to_have_text(["fault"])
    expect(page.locator(f'.tile[data-id="{pair.name}"] .badge')).to_be_visible()


def test_a_saved_view_survives_a_reload_and_is_a_link(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn))
    studio.start()
    sleeves = {stem: words["sleeves"] for stem, words in json.loads((drawn / "test" / "traits.json").read_text()).items()}
    pairs = open_dataset(drawn).splits["test"].pairs
    wanted = sleeves[pairs[0].cloth]
    fitting = [pair.name for pair in pairs if sleeves[pair.cloth] == wanted]
    tiles = page.locator(".tile")

    page.goto(f"{studio.url}/browse")
    expect(tiles).to_have_count(4)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Sleeve length").click()
    page.get_by_role("option", name=wanted).click()
    expect(tiles).to_have_count(len(fitting))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Views").click()
    page.get_by_placeholder("A name").fill("By sleeves")
    page.get_by_placeholder("A name").press("Enter")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("“By sleeves” is saved")).to_be_visible()
    address = page.url
    with sqlite3.connect(studio.workspace / "studio.db") as database:
        assert [name for (name,) in database.execute("SELECT name FROM saved_view")] == ["By sleeves"]

    page.reload()
    expect(tiles).to_have_count(len(fitting))
    expect(page.get_by_role("button", name=f"Sleeve length: {wanted}")).to_be_visible()
    page.goto(f"{studio.url}/browse")
    expect(tiles).to_have_count(4)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="By sleeves").click()
    expect(tiles).to_have_count(len(fitting))
    assert [tile.get_attribute("data-id") for tile in tiles.all()] == fitting
    assert "trait=" in page.url and page.url == address


def test_pages_turn_by_their_bar_and_by_the_address(page: Page, studio: Any, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for kind in ("image", "cloth"):
        (root / "test" / kind).mkdir(parents=True)
        for number in range(100):
            Image.new("RGB", (12, 16), (number, 2 * number, 90)).save(root / "test" / kind / f"{number:05}_00.jpg")
    (root / "test_pairs.txt").write_text("".join(f"{n:05}_00.jpg {n:05}_00.jpg\n" for n in range(100)))
    studio.run("add-dataset", str(root))
    studio.start()
    first = page.locator(".tile").first
    bar = page.get_by_test_id("stPagination")

    page.goto(f"{studio.url}/browse?page=2")
    expect(first).to_have_attribute("data-id", "00048_00__00048_00")
    bar.get_by_role("button", name="Page 3", exact=True).click()
    expect(first).to_have_attribute("data-id", "00096_00__00096_00")
    page.wait_for_url("**page=3")
    page.reload()
    expect(first).to_have_attribute("data-id", "00096_00__00096_00")
    expect(bar.locator("[aria-current]")).to_have_text("3")
    page.get_by_role("textbox").first.fill("000")
    page.get_by_role("textbox").first.press("Enter")
    expect(first).to_have_attribute("data-id", "00000_00__00000_00")
    expect(bar.locator("[aria-current]")).to_have_text(["1"])  # one bar alone, once the former one is gone
    assert "page=" not in page.url
    bar.get_by_role("button", name="Page 2", exact=True).click()
    expect(first).to_have_attribute("data-id", "00048_00__00048_00")
    assert "default value" not in (tmp_path / "studio.log").read_text(), "Streamlit warns of a value that is set twice"
