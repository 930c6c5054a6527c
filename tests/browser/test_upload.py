"""Two photos go through the chain (with the taught fakes) before the user's eyes, over a reload, and are tried on."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.fakes.taught import lesson
from vton.pairs import open_dataset

pytestmark = pytest.mark.browser
SITE = Path(__file__).parents[1] / "fakes" / "site"


def test_a_garment_on_its_way_is_waited_for(page: Page, studio: Any, drawn: Path) -> None:
    split = open_dataset(drawn).splits["test"]
    studio.run("add-dataset", str(drawn))
    studio.start()
    page.goto(f"{studio.url}/lab")
    page.get_by_text("Your own photos").click()
    start, files = page.get_by_role("button", name="Prepare and try on"), page.locator("input[type=file]")
    photo = split.need("image", split.persons[0])
    with page.expect_response("**/_stcore/upload_file/**"):
        files.nth(0).set_input_files(photo)
    held: list[Route] = []
    page.route("**/_stcore/upload_file/**", lambda route: held.append(route))
    files.nth(1).set_input_files({"name": "slow.jpg", "mimeType": "image/jpeg", "buffer": photo.read_bytes()})
    expect(page.get_by_text("slow.jpg")).to_be_visible()
    for _ in range(300):  # the studio says first where the photo goes
        page.wait_for_timeout(100)
        if held:
            break
    assert held
    page.wait_for_timeout(1000)
    expect(start).to_be_disabled()
    held[0].continue_()
    expect(start).to_be_enabled()


@pytest.mark.slow
def test_two_photos_are_prepared_and_tried_on(
    page: Page, studio: Any, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson().save(tmp_path / "taught.npz")
    for name, value in {"PYTHONPATH": str(SITE), "FAKES_TAUGHT": str(tmp_path / "taught.npz"), "FAKES_SECONDS": "3"}.items():
        monkeypatch.setenv(name, value)
    split = open_dataset(drawn).splits["test"]
    studio.start()
    page.goto(f"{studio.url}/lab")
    expect(page.get_by_text("upload two photos below")).to_be_visible()
    start = page.get_by_role("button", name="Prepare and try on")
    expect(start).to_be_disabled()
    files = page.locator("input[type=file]")
    photo = split.need("image", split.persons[0])
    files.nth(0).set_input_files(photo)
    expect(page.get_by_text(photo.name)).to_be_visible()
    files.nth(1).set_input_files(split.need("cloth", split.cloths[1]))
    expect(start).to_be_enabled()
    start.click()
    page.wait_for_url("**upload=**")
    expect(page.get_by_role("img", name="Person", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Keypoints", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Garment mask", exact=True)).to_have_count(0)
    page.reload()
    expect(page.get_by_role("img", name="Parse", exact=True).first).to_be_visible()
    expect(page.get_by_role("img", name="Result", exact=True).first).to_be_visible(timeout=120_000)
    expect(page.get_by_role("button", name="Rate it")).to_be_visible()
    page.goto(f"{studio.url}/browse?dataset=My+photos")
    expect(page.locator(".tile")).to_have_count(1)
