"""Studies in a real browser: one is made by its form, however often the button is hit; and answers are reviewed by keys."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Page, expect

from db import reviews, studies
from studio.settings import Settings
from studio.workspace import Workspace, open_workspace
from tests.tiny_study import answer, sharper, softer
from vton.pairs import open_dataset

pytestmark = pytest.mark.browser


@pytest.fixture
def served(studio: Any, drawn: Path, tmp_path: Path) -> Workspace:
    """A workspace with two runs on the drawn pairs, known to the studio, which is not started yet."""
    split = open_dataset(drawn).splits["test"]
    studio.run("add-dataset", str(drawn), "--name", "Drawn")
    for name in ("sharp", "soft"):
        folder = tmp_path / "runs" / name
        (folder / "results").mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"format": 1, "dataset": {"root": str(drawn), "split": "test"}}))
        for pair in split.pairs:
            file = folder / "results" / f"{pair.name}.png"
            shutil.copy(split.need("truth", pair.name), file)
            if name == "soft":
                with Image.open(file) as picture:
                    picture.convert("RGB").filter(ImageFilter.GaussianBlur(3)).save(file)
        studio.run("import-run", str(folder))
    return open_workspace(Settings(workspace=studio.workspace))


def be(page: Page, rater: str) -> None:
    """Say who one is."""
    page.get_by_role("combobox", name="Who rates").fill(rater)
    page.keyboard.press("Enter")


def test_a_study_is_made_once_however_often_the_button_is_hit(page: Page, studio: Any, served: Workspace) -> None:
    studio.start()
    page.goto(f"{studio.url}/studies")
    page.get_by_role("button", name="New study").click()
    page.get_by_label("Name", exact=True).fill("By hand")
    page.keyboard.press("Tab")
    for name in ("sharp", "soft"):
        page.get_by_role("combobox", name="Runs of Drawn, test").fill(name)
        page.keyboard.press("Enter")
    expect(page.get_by_text("12 comparisons")).to_be_visible()
    page.keyboard.press("Escape")
    make = page.get_by_role("button", name="Make the study")
    expect(make).to_be_enabled()
    make.dblclick()
    expect(page.get_by_role("heading", name="By hand")).to_be_visible()
    expect(page.get_by_text("0 of 12 comparisons")).to_be_visible()
    page.get_by_role("button", name="Link for raters").click()
    expect(page.get_by_text(f"{studio.url}/rate?study=1", exact=True)).to_be_visible()
    with served.database.read() as session:
        assert [study.name for study in studies.list_all(session)] == ["By hand"]


def test_what_raters_disagree_about_is_ruled_on_by_keys(page: Page, studio: Any, served: Workspace) -> None:
    studio.run("study", "--name", "First", "--dataset", "Drawn", "--runs", "sharp", "soft", "--raters", "2", "2")
    with served.database.read() as session:
        study = studies.by_name(session, "First")
    assert study is not None
    answer(served, study, "Bo", sharper)
    answer(served, study, "Cleo", softer)
    studio.start()
    page.goto(f"{studio.url}/review?study=1")
    expect(page.locator(".answers")).to_contain_text("Cleo", timeout=90_000)  # counted in by a process of its own
    be(page, "Ada")
    painted = page.locator(".review[data-painted]")
    rule = page.get_by_role("button", name="1 is better")
    expect(rule).to_be_enabled()
    expect(page.locator(".place")).to_have_text("1 of 4, 4 left")
    expect(page.locator(".cards")).not_to_contain_text("sharp")
    page.keyboard.press("n")
    expect(page.locator(".cards")).to_contain_text("sharp")
    first = painted.get_attribute("data-painted")

    page.keyboard.press("/")
    page.keyboard.type("1 the collar g")
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    expect(page.locator(".place")).to_have_text("2 of 4, 3 left")
    expect(page.locator(".cards")).not_to_contain_text("sharp")
    expect(page.locator(".note")).to_have_value("")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".ruled")).to_have_text("Ada ruled: 1 is better (1 the collar g)")
    page.wait_for_url(f"**matchup={first}*")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_have_text("2 of 4, 3 left")

    page.keyboard.press("z")
    expect(page.locator(".place")).to_have_text("1 of 4, 4 left")
    expect(page.locator(".ruled")).to_have_text("")
    expect(painted).to_have_attribute("data-painted", str(first))
    page.keyboard.press("b")
    expect(page.locator(".place")).to_have_text("2 of 4, 3 left")
    page.keyboard.press("q")
    expect(page.locator(".told")).to_contain_text("of 4 raters asked")
    with served.database.read() as session:
        assert [(row.matchup_id, row.ruling) for row in reviews.rulings(session, study.id)] == [(int(str(first)), "both bad")]
