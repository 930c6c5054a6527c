"""QA in a real browser: twenty items judged by keys alone, and a mask repaired and used by a new try-on."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from vton.pairs import open_dataset
from vton.synthetic import SyntheticConfig, draw_dataset

pytestmark = pytest.mark.browser

ITEMS = 20
OUTPUTS = 5
PAINTED = """() => {
  const seek = (root) => root.querySelector('.qa') || [...root.querySelectorAll('*')].map(inside).find(Boolean);
  const inside = (element) => element.shadowRoot && seek(element.shadowRoot);
  const box = seek(document);
  return box && box.dataset.painted === box.querySelector('.stem').textContent;
}"""


def verdicts(workspace: Path) -> list[tuple[str, str, str, list[str], str]]:
    """(item, output, verdict, tags, note) of every live verdict, in the order given."""
    with sqlite3.connect(workspace / "studio.db") as database:
        rows = database.execute("SELECT stem, output, verdict, tags, note FROM verdict WHERE live ORDER BY id").fetchall()
    return [(stem, output, verdict, json.loads(tags), note) for stem, output, verdict, tags, note in rows]


def wait_for_verdicts(page: Page, workspace: Path, n: int) -> list[tuple[str, str, str, list[str], str]]:
    for _ in range(300):
        if len(verdicts(workspace)) == n:
            break
        page.wait_for_timeout(200)
    return verdicts(workspace)


def open_qa(page: Page, studio: Any, query: str = "") -> None:
    page.goto(f"{studio.url}/qa{query}")
    name = page.get_by_role("combobox", name="Who rates")
    expect(name).to_be_visible()
    if name.input_value() != "Ada":
        name.fill("Ada")
        expect(page.get_by_role("option", name="Ada")).to_be_visible()
        name.press("Enter")
    settled(page)


def settled(page: Page) -> None:
    """Until an item is painted, and long enough for a key to count."""
    page.locator(".qa[data-painted]").wait_for()
    page.wait_for_function(PAINTED)
    page.wait_for_timeout(250)


def press(page: Page, keys: str) -> None:
    """One key after the other, words parted by spaces for those with a name."""
    for key in keys.split():
        page.keyboard.press(key)
        page.wait_for_timeout(60)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn dataset of twenty items."""
    root = tmp_path_factory.mktemp("many") / "set"
    draw_dataset(SyntheticConfig(train=0, test=ITEMS, seed=11), root, processes=2)
    return root


def test_twenty_items_are_judged_by_keys_alone(page: Page, studio: Any, many: Path) -> None:
    studio.run("add-dataset", str(many))
    studio.start()
    open_qa(page, studio)
    stem = page.locator(".stem")
    seen = []
    for number in range(ITEMS):
        settled(page)
        seen.append(stem.inner_text())
        if number == 0:
            press(page, "g Shift+Digit2 d u g")
            page.keyboard.press("n")
            page.keyboard.type("good, dark: zag 12")
            page.keyboard.press("Enter")
            press(page, "d")
        elif number == 1:
            press(page, "a")
            settled(page)
            expect(stem).not_to_have_text(seen[1])
            press(page, "z")  # takes back the last verdict of the item before
            settled(page)
            expect(stem).to_have_text(seen[1])
            press(page, "u")
        elif number == 2:
            page.keyboard.down("g")
            for _ in range(12):  # held: the browser repeats the key
                page.keyboard.down("g")
            page.keyboard.up("g")
            expect(page.locator(".output button.chosen")).to_have_count(1)
            press(page, "1 4 BracketLeft + 0 ? Escape g g g g")
        else:
            press(page, "a" if number % 2 else "g g g g g")
        if number < ITEMS - 1:
            expect(stem).not_to_have_text(seen[-1])
    expect(page.locator(".finished")).to_contain_text("Nothing is left")
    stored = wait_for_verdicts(page, studio.workspace, ITEMS * OUTPUTS)
    assert len({(item, output) for item, output, *_ in stored}) == len(stored) == ITEMS * OUTPUTS
    assert sorted(set(seen)) == sorted(open_dataset(many).splits["test"].persons) and len(seen) == ITEMS
    special = {(item, output): rest for item, output, *rest in stored if rest != ["good", [], ""]}
    assert special == {
        (seen[0], "densepose"): ["defect", ["part misplaced"], ""],
        (seen[0], "parse"): ["usable", [], ""],
        (seen[0], "agnostic"): ["defect", [], "good, dark: zag 12"],
        (seen[1], "agnostic"): ["usable", [], ""],
    }
    expect(page.get_by_text("20 of 20 items judged: 18 good, 1 usable, 1 defect")).to_be_visible()


def test_layers_are_chosen_by_key_and_by_mouse(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn))
    studio.start()
    open_qa(page, studio)
    shown = page.locator(".layer input[type=checkbox]")
    assert [shown.nth(i).is_checked() for i in range(9)] == [True, False, False, True, False, False, False, True, False]
    expect(page.locator(".layer").nth(6)).to_contain_text("Agnostic parse")
    expect(page.locator(".legend")).to_be_hidden()
    press(page, "7 4")
    page.get_by_role("button", name="keep these layers").click()
    expect(page.get_by_role("button", name="keep these layers")).to_have_attribute("aria-pressed", "true")
    press(page, "ArrowDown ArrowDown w")
    expect(page.locator(".output.active")).to_contain_text("Parse")
    assert [shown.nth(i).is_checked() for i in range(9)] == [True, False, False, False, False, False, True, True, False]
    expect(page.locator(".legend")).not_to_contain_text("upper")  # of the agnostic parse
    press(page, "l")
    expect(page.locator(".legend")).to_contain_text("upper")
    assert shown.nth(1).is_checked() and not shown.nth(6).is_checked()


def test_verdicts_given_while_the_server_is_down_arrive(page: Page, studio: Any, drawn: Path) -> None:
    studio.run("add-dataset", str(drawn))
    studio.start()
    open_qa(page, studio)
    studio.kill()
    press(page, "g d u")
    expect(page.locator(".unsynced")).to_contain_text("3 not stored yet")
    studio.start()
    stored = wait_for_verdicts(page, studio.workspace, 3)
    assert [(output, verdict) for _, output, verdict, *_ in stored] == [
        ("keypoints", "good"),
        ("densepose", "defect"),
        ("parse", "usable"),
    ]
    expect(page.locator(".unsynced")).to_have_text("")


def try_on(page: Page, studio: Any, pair: str) -> None:
    """A new try-on of the pair, by the geometric warp."""
    page.goto(f"{studio.url}/lab?pair={pair}&warp=geometric")
    before = len(try_ons(studio, pair))
    page.get_by_role("button", name="Try on", exact=True).click()
    until = time.monotonic() + 120
    while len(try_ons(studio, pair)) == before and time.monotonic() < until:
        page.wait_for_timeout(200)
    expect(page.get_by_text("Made in")).to_be_visible()


def try_ons(studio: Any, pair: str) -> list[Path]:
    """The results of the pair in the lab, in the order in which they were made."""
    found = studio.workspace.glob(f"runs/lab-*/results/{pair}.png")
    return sorted(found, key=lambda file: file.stat().st_mtime_ns)


def test_a_repaired_mask_is_used_by_a_new_try_on(page: Page, studio: Any, drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    pair = split.pairs[0]
    own = np.array(Image.open(split.need("agnostic_mask", pair.person)).convert("L"))
    studio.run("add-dataset", str(drawn))
    studio.start()
    page.goto(f"{studio.url}/qa")
    page.get_by_role("button", name="Check all items").click()
    expect(page.get_by_text("worst first")).to_be_visible(timeout=90_000)
    try_on(page, studio, pair.name)

    page.get_by_role("button", name="Judge the maps").click()
    page.wait_for_url(f"**/qa?*item={pair.person}*")
    open_qa(page, studio, f"?item={pair.person}")
    press(page, "ArrowDown ArrowDown ArrowDown ArrowDown m e")
    expect(page.locator(".mend")).to_contain_text("Repair: Agnostic mask")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 30, middle[1] + 60, steps=6)
    page.mouse.up()
    press(page, "Escape")
    expect(page.locator(".said")).to_contain_text("Not saved yet")
    expect(page.locator(".mend")).to_be_visible()
    press(page, "s")
    expect(page.locator(".output.active")).to_contain_text("repaired")
    kept = studio.workspace / "repairs" / "1" / "current" / "test" / "agnostic-mask" / f"{pair.person}_mask.png"
    mended = np.array(Image.open(kept))
    assert mended.shape == own.shape and set(np.unique(mended)) == {0, 255}
    changed = (own >= 128) != (mended >= 128)
    assert changed.sum() > 20 and not mended[changed].any(), "some of the mask is erased, and nothing else is changed"

    try_on(page, studio, pair.name)
    before, after = try_ons(studio, pair.name)
    assert json.loads((after.parents[1] / "config.json").read_text())["repairs"]["sha256"]
    used = np.array(Image.open(after.parents[1] / "intermediates" / pair.name / "agnostic_mask.png").convert("L"))
    assert np.array_equal(used, mended)
    differs = np.abs(np.array(Image.open(before)).astype(int) - np.array(Image.open(after))).max(-1) > 8
    assert differs[changed].mean() > 0.3 > differs[own < 128].mean()

    page.get_by_role("button", name="Judge the maps").click()
    settled(page)
    expect(page.locator(".stem")).to_have_text(pair.person)
    press(page, "ArrowDown ArrowDown ArrowDown ArrowDown m o")
    expect(page.locator(".output.active")).not_to_contain_text("repaired")
    assert not kept.exists()
