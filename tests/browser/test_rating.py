"""Rating by keys in a real browser: nothing is lost or doubled, also when the server dies meanwhile."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from vton.pairs import open_dataset

pytestmark = pytest.mark.browser

AXES = 4


def live_scores(workspace: Path) -> list[tuple[int, str, int]]:
    """(result, axis, score) of every live score, in the order given."""
    with sqlite3.connect(workspace / "studio.db") as database:
        return database.execute("SELECT result_id, axis, score FROM rating WHERE live ORDER BY id").fetchall()


def wait_for_scores(page: Page, workspace: Path, n: int) -> list[tuple[int, str, int]]:
    """The live scores as soon as there are `n`, at the latest after a minute."""
    for _ in range(300):
        if len(live_scores(workspace)) >= n:
            break
        page.wait_for_timeout(200)
    return live_scores(workspace)


@pytest.fixture
def rating_page(page: Page, studio: Any, drawn: Path, tmp_path: Path) -> Page:
    """The Rate page with a run of four results, and a rater chosen."""
    folder = tmp_path / "run"
    (folder / "results").mkdir(parents=True)
    split = open_dataset(drawn).splits["test"]
    for pair in split.pairs:
        shutil.copy(split.need("truth", pair.name), folder / "results" / f"{pair.name}.png")
    (folder / "config.json").write_text(json.dumps({"format": 1, "dataset": {"root": str(drawn)}}))
    studio.run("add-dataset", str(drawn))
    studio.run("import-run", str(folder))
    studio.start()
    page.goto(f"{studio.url}/rate")
    expect(page.get_by_text("Say who rates")).to_be_visible()
    name = page.get_by_role("combobox", name="Who rates")
    name.fill("Ada")
    expect(page.get_by_role("option", name="Ada")).to_be_visible()
    name.press("Enter")
    page.locator(".rating[data-painted]").wait_for()
    page.wait_for_timeout(400)
    return page


def test_scores_given_while_the_server_is_down_arrive(rating_page: Page, studio: Any) -> None:
    studio.kill()
    for key in "5432":
        rating_page.keyboard.press(key)
        rating_page.wait_for_timeout(100)
    expect(rating_page.locator(".unsynced")).to_contain_text("4 not stored yet")
    studio.start()
    stored = wait_for_scores(rating_page, studio.workspace, AXES)
    assert [score for _, _, score in stored] == [5, 4, 3, 2]
    expect(rating_page.locator(".unsynced")).to_have_text("")


def test_hammered_and_held_keys_give_each_axis_one_score(rating_page: Page, studio: Any) -> None:
    rating_page.keyboard.down("4")
    for _ in range(10):  # held: the browser repeats the key
        rating_page.keyboard.down("4")
    rating_page.keyboard.up("4")
    for _ in range(100):
        rating_page.keyboard.press("3")
        rating_page.wait_for_timeout(20)
    expect(rating_page.locator(".finished")).to_contain_text("All 4 results")
    stored = wait_for_scores(rating_page, studio.workspace, 4 * AXES)
    assert len(stored) == 4 * AXES == len({(result, axis) for result, axis, _ in stored})
    assert [score for _, _, score in stored].count(4) == 1


def test_skip_and_mouse(rating_page: Page, studio: Any) -> None:
    first = rating_page.locator(".asked .hint").inner_text()
    rating_page.keyboard.press("s")
    expect(rating_page.locator(".asked .hint")).not_to_have_text(first)
    rating_page.wait_for_timeout(800)
    rating_page.get_by_role("button", name="Realism: 2").click()
    assert [row[1:] for row in wait_for_scores(rating_page, studio.workspace, 1)] == [("realism", 2)]
