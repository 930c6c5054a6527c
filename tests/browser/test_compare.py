"""The Compare page in a real browser: every way to compare by keys, one zoom for all, and an address to send."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.touch import TABLET, fingers
from vton import evaluate
from vton.pairs import open_dataset

pytestmark = pytest.mark.browser


@pytest.fixture
def three(drawn: Path, tmp_path: Path) -> list[Path]:
    """Three runs on the drawn pairs: the truth, the truth with red taken away, and black."""
    split = open_dataset(drawn).splits["test"]
    folders = [tmp_path / "runs" / name for name in ("true", "bluish", "black")]
    for folder in folders:
        (folder / "results").mkdir(parents=True)
        (folder / "config.json").write_text('{"format": 1}')
    for pair in split.pairs:
        file = split.need("truth", pair.name)
        shutil.copy(file, folders[0] / "results" / f"{pair.name}.png")
        with Image.open(file) as picture:
            red, green, blue = picture.convert("RGB").split()
            Image.merge("RGB", (red.point(lambda value: value // 2), green, blue)).save(
                folders[1] / "results" / f"{pair.name}.png"
            )
            Image.new("RGB", picture.size).save(folders[2] / "results" / f"{pair.name}.png")
    return folders


def test_three_runs_are_compared_by_keys_and_come_back_by_an_address(
    page: Page, studio: Any, drawn: Path, three: list[Path]
) -> None:
    studio.run("add-dataset", str(drawn))
    for folder in three:
        studio.run("import-run", str(folder))
    studio.start()
    first, second = sorted(open_dataset(drawn).splits["test"].pairs)[:2]

    page.goto(f"{studio.url}/compare?runs=true,bluish,black")
    cards = page.locator(".cards figure")
    expect(cards).to_have_count(3)
    expect(page.locator(".refs")).to_contain_text(first.person)

    page.keyboard.press("2")
    expect(cards).to_have_count(2)
    half = cards.first.locator(".half")
    expect(half).to_have_css("clip-path", "inset(0px 0px 0px 50%)")
    page.keyboard.press("]")
    expect(half).to_have_css("clip-path", "inset(0px 0px 0px 55%)")
    box = cards.first.locator(".frame").bounding_box()
    assert box is not None
    cards.first.locator(".divider").hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 50)
    page.mouse.up()
    expect(cards.last.locator(".half")).to_have_attribute("style", "clip-path: inset(0px 0px 0px 25%);")

    page.keyboard.press("3")
    expect(cards).to_have_count(1)
    expect(cards).to_have_attribute("data-run", "bluish")
    expect(cards).to_have_attribute("data-run", "black")

    page.keyboard.press("4")
    middle = "canvas => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]"
    red, green, blue, _ = cards.first.locator("canvas").evaluate(middle)
    assert red > 0 and (green, blue) == (0, 0)
    page.keyboard.press("5")
    expect(cards.first).to_contain_text("ΔE")
    expect(page.locator(".legend")).to_be_visible()
    page.keyboard.press("a")
    expect(cards.first).to_contain_text("against bluish")

    page.keyboard.press("1")
    page.keyboard.down(" ")
    expect(cards.last.locator(".side")).to_have_text("bluish")
    page.keyboard.up(" ")
    expect(cards.last.locator(".side")).to_have_count(0)
    page.keyboard.press("+")
    zoomed = cards.first.locator(".pan").evaluate("pan => pan.style.transform")
    assert "scale(1.25)" in zoomed and cards.last.locator(".pan").evaluate("pan => pan.style.transform") == zoomed
    page.wait_for_url("**box=1.250*")

    frame = cards.first.locator(".frame")
    expect(frame).to_have_css("cursor", "grab")
    frame.dblclick()
    expect(frame).to_have_css("cursor", "auto")
    page.keyboard.press("+")
    page.wait_for_url("**box=1.250*")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".refs")).to_contain_text(second.person)
    page.wait_for_url(f"**person={second.person}*")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator(".refs")).to_contain_text(second.person)
    expect(cards).to_have_count(3)
    assert cards.first.locator(".pan").evaluate("pan => pan.style.transform") == zoomed
    expect(page.locator(".against select")).to_have_value("bluish")


@pytest.mark.parametrize("page", [TABLET], indirect=True)
def test_two_fingers_zoom_all_runs_and_one_moves_them(page: Page, studio: Any, drawn: Path, three: list[Path]) -> None:
    studio.run("add-dataset", str(drawn))
    for folder in three[:2]:
        studio.run("import-run", str(folder))
    studio.start()
    page.goto(f"{studio.url}/compare?runs=true,bluish")
    pans = page.locator(".cards .pan")
    expect(pans).to_have_count(2)
    box = page.locator(".cards .frame").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers(page, ((x - 10, y), (x - 60, y)), ((x + 10, y), (x + 60, y)))
    zoomed = pans.first.evaluate("pan => pan.style.transform")
    assert "scale(6)" in zoomed and pans.last.evaluate("pan => pan.style.transform") == zoomed
    page.wait_for_url("**box=6.000*")
    fingers(page, ((x, y), (x + 40, y + 40)))
    moved = pans.first.evaluate("pan => pan.style.transform")
    assert moved != zoomed and pans.last.evaluate("pan => pan.style.transform") == moved


def test_another_teams_folder_of_jpegs_stands_beside_ours_with_its_numbers(
    page: Page, studio: Any, drawn: Path, three: list[Path], tmp_path: Path
) -> None:
    theirs = tmp_path / "their pictures"
    theirs.mkdir()
    for file in (three[1] / "results").iterdir():
        with Image.open(file) as picture:
            picture.save(theirs / f"{file.stem.replace('__', '_')}.jpg", quality=90)
    studio.run("add-dataset", str(drawn), "--name", "Drawn")
    studio.run("import-run", str(three[0]))
    studio.run("import-run", str(theirs), "--dataset", "Drawn", "--name", "Theirs")
    assert evaluate.main([str(next((studio.workspace / "runs").iterdir())), "--data", str(drawn), "--metrics", "ssim"]) == 0
    studio.run("import-run", str(next((studio.workspace / "runs").iterdir())))
    studio.start()

    page.goto(f"{studio.url}/compare?runs=true,Theirs&mode=difference")
    cards = page.locator(".cards figure")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("SSIM")
    middle = "canvas => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]"
    red, green, blue, _ = cards.locator("canvas").evaluate(middle)
    assert red > 4 * max(green, blue)
    page.keyboard.press("1")
    expect(cards).to_have_count(2)
    assert cards.last.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
