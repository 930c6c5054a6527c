"""Blind pairs judged in a real browser: by keys, mouse and touch, from the link on; nothing is lost, doubled or given away."""

import json
import re
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from itsdangerous import URLSafeSerializer
from PIL import Image, ImageEnhance
from playwright.sync_api import Locator, Page, expect

from db import studies
from studio.importer import add_dataset, import_run
from studio.settings import Settings
from studio.workspace import open_workspace
from tests.touch import TABLET, fingers, tap_until
from vton.pairs import open_dataset

pytestmark = pytest.mark.browser

SECRET = "quagga"  # in every name that a rater must not learn
SETTLED_SECONDS = 0.3
OUTCOMES = {"ArrowLeft": "left", "ArrowRight": "right", "ArrowUp": "both good", "ArrowDown": "both bad"}
KEYS = list(OUTCOMES)


class Row(NamedTuple):
    """A live comparison."""

    assignment: int
    axis: str
    outcome: str
    tags: list[str]
    flagged: bool
    reason: str
    zoom: float
    shown_at: datetime
    answered_at: datetime


def stored(workspace: Path) -> list[Row]:
    """The live comparisons, in the order stored."""
    query = "SELECT assignment_id, axis, outcome, tags, flagged, reason, zoom, shown_at, answered_at FROM comparison"
    with sqlite3.connect(workspace / "studio.db") as database:
        rows = database.execute(f"{query} WHERE live ORDER BY id").fetchall()
    return [
        Row(*row[:3], json.loads(row[3]), bool(row[4]), *row[5:7], *map(datetime.fromisoformat, row[7:9]))  # type: ignore[arg-type]
        for row in rows
    ]


def all_stored(page: Page, workspace: Path) -> list[Row]:
    """The live comparisons as soon as the browser knows that all it has are stored."""
    page.locator('.rating[data-unsent="0"]').wait_for()
    return stored(workspace)


def assert_all_seen(rows: list[Row]) -> None:
    """Each was answered once, on a pair that had been painted for a while, and only after the one before."""
    assert len({(row.assignment, row.axis) for row in rows}) == len(rows)
    assert all((row.answered_at - row.shown_at).total_seconds() >= SETTLED_SECONDS - 0.01 for row in rows)
    assert all(after.shown_at >= before.answered_at for before, after in zip(rows, rows[1:], strict=False))


def press(page: Page, *keys: str) -> None:
    """Each key as soon as it counts."""
    for key in keys:
        page.locator(".rating[data-ready]").wait_for()
        page.keyboard.press(key)


def make_study(workspace: Path, drawn: Path, folder: Path, runs: int, axes: list[str]) -> int:
    """A study of so many runs on the four pairs of a drawn set; each run is the truth in paler colours."""
    opened = open_workspace(Settings(workspace=workspace))
    dataset = add_dataset(opened, drawn, "Drawn")
    split = open_dataset(drawn).splits["test"]
    made = []
    for n in range(runs):
        run = folder / f"{SECRET}-{n}"
        (run / "results").mkdir(parents=True)
        for pair in split.pairs:
            with Image.open(split.need("truth", pair.name)) as truth:
                ImageEnhance.Color(truth).enhance(1 - n / runs).save(run / "results" / f"{pair.name}.png")
        (run / "config.json").write_text(json.dumps({"format": 1, "dataset": {"root": str(drawn), "split": "test"}}))
        made.append(import_run(opened, run, f"{SECRET} {n}").id)
    pairs = [studies.NewPair(pair.person, pair.cloth) for pair in split.pairs]
    with opened.database.write() as session:
        study = studies.make(
            session,
            name=SECRET,
            question="Which is better?",
            axes=axes,
            runs=made,
            pairs=pairs,
            dataset_id=dataset.id,
            split="test",
        )
    opened.database.close()
    return study.id


def begin(page: Page, studio: Any, study: int, name: str = "Ada") -> None:
    """A new rater opens the link, says a name and starts."""
    page.goto(f"{studio.url}/rate?study={study}")
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.locator(".rating[data-ready]").wait_for()


@pytest.mark.slow
def test_a_new_rater_from_the_link_to_the_hundredth_answer_blind(page: Page, studio: Any, drawn: Path, tmp_path: Path) -> None:
    study = make_study(studio.workspace, drawn, tmp_path / SECRET, 8, ["overall"])
    received: list[bytes] = []
    addresses: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived", lambda frame: received.append(bytes(frame, "utf-8") if isinstance(frame, str) else frame)
        ),
    )
    page.on("request", lambda request: addresses.append(request.url))
    studio.start()
    begin(page, studio, study)
    told = "".join(page.locator(".intro").all_inner_texts())
    assert all(sign in told for sign in "←→↑↓")
    expect(page.locator(".count")).to_have_text("0 done, 112 left here")
    given = [KEYS[n % 4] for n in range(100)]
    press(page, *given)
    rows = all_stored(page, studio.workspace)
    assert [row.outcome for row in rows] == [OUTCOMES[key] for key in given]
    assert_all_seen(rows)
    expect(page.locator(".count")).to_contain_text("100 done")

    tokens = [url.rsplit("/", 1)[1] for url in addresses if "/judged/" in url or "/pictures/" in url]
    assert sum("/judged/" in url for url in addresses) >= 200
    named = json.dumps([URLSafeSerializer("").loads_unsafe(token)[1] for token in tokens])
    shown = b"".join(received) + page.content().encode() + named.encode()
    assert SECRET.encode() not in shown

    page.reload()
    page.locator(".rating[data-ready]").wait_for()
    for left in range(99, 72, -1):  # farther than what a reload gives at once
        page.keyboard.press("z")
        expect(page.locator(".count")).to_contain_text(f"{left} done")
    assert all_stored(page, studio.workspace) == rows[:73]
    press(page, "ArrowDown")
    again = all_stored(page, studio.workspace)[-1]
    assert (again.assignment, again.outcome) == (rows[73].assignment, "both bad")


def test_hammered_held_and_rebound_keys_reasons_mouse_and_a_change_of_mind(
    page: Page, studio: Any, drawn: Path, tmp_path: Path
) -> None:
    study = make_study(studio.workspace, drawn, tmp_path, 5, ["overall", "fit"])
    studio.start()
    begin(page, studio, study)
    for _ in range(200):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(20)
    page.keyboard.down("ArrowRight")
    for _ in range(20):  # held: the browser repeats the key
        page.keyboard.down("ArrowRight")
        page.wait_for_timeout(30)
    page.keyboard.up("ArrowRight")
    hammered = all_stored(page, studio.workspace)
    assert_all_seen(hammered)
    assert len(hammered) >= 2 and sum(row.outcome == "right" for row in hammered) <= 1
    if len(hammered) % 2:
        press(page, "ArrowUp")  # so that the next one is a pair's first

    press(page, "2", "f")
    page.locator(".shown .frame").first.hover()
    page.keyboard.press("x")
    press(page, "ArrowLeft")
    press(page, "Shift+Digit4", "ArrowUp")
    overall, fit = all_stored(page, studio.workspace)[-2:]
    assert (overall.axis, overall.tags, overall.flagged, overall.zoom) == ("overall", ["bad fit", "looks unreal"], True, 2.0)
    assert (fit.axis, fit.outcome, fit.tags) == ("fit", "both good", [])
    assert fit.assignment == overall.assignment
    expect(page.locator(".strip .mark").last).to_contain_text("← +2 ↑")
    press(page, "ArrowLeft", "s")
    page.keyboard.press("3")
    skipped = all_stored(page, studio.workspace)[-1]
    assert (skipped.axis, skipped.outcome, skipped.reason) == ("overall", "skip", "not fit to be shown")

    page.locator(".rating[data-ready]").wait_for()
    page.get_by_role("button", name="right is better").click()
    page.locator('.rating[data-ready$="fit"]').wait_for()
    page.locator(".shown .frame").first.click()
    first, second = all_stored(page, studio.workspace)[-2:]
    assert (first.outcome, second.outcome) == ("right", "left")
    page.locator(".strip button").last.click()
    expect(page.locator(".again")).to_contain_text("right is better")
    press(page, "ArrowDown")
    page.locator('.rating[data-ready$="fit"]').wait_for()
    page.keyboard.press("Enter")
    expect(page.locator(".again")).to_be_hidden()
    changed = {row.axis: row.outcome for row in all_stored(page, studio.workspace) if row.assignment == first.assignment}
    assert changed == {"overall": "both bad", "fit": "left"}

    page.locator(".rating[data-ready]").wait_for()
    page.keyboard.press("?")
    page.locator("[data-bind=left]").click()
    said = page.locator(".sheet .said")
    page.keyboard.press("c")
    expect(said).to_contain_text("R and C")
    page.keyboard.press("s")
    expect(said).to_contain_text("already")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    press(page, "ArrowLeft")
    press(page, "a")
    assert [row.outcome for row in all_stored(page, studio.workspace)][-1] == "left"
    page.reload()
    page.locator(".rating[data-ready]").wait_for()
    expect(page.get_by_role("button", name="left is better")).to_contain_text("A")
    page.keyboard.press("?")
    page.get_by_role("button", name="First keys again").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="left is better")).to_contain_text("←")

    with sqlite3.connect(studio.workspace / "studio.db") as database:
        database.execute("UPDATE study SET state = 'closed'")
    press(page, "ArrowLeft")
    expect(page.locator(".finished")).to_contain_text("This study is closed")
    closed = all_stored(page, studio.workspace)
    page.keyboard.press("z")
    page.locator(".strip button").last.click()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    expect(page.locator(".finished")).to_be_visible()
    assert all_stored(page, studio.workspace) == closed


@pytest.mark.parametrize("page", [TABLET], indirect=True)
def test_a_tablet_by_touch_alone_taps_choose_and_gestures_only_look(
    page: Page, studio: Any, drawn: Path, tmp_path: Path
) -> None:
    study = make_study(studio.workspace, drawn, tmp_path, 4, ["overall"])
    studio.start()
    page.goto(f"{studio.url}/rate?study={study}")
    page.get_by_label("Your name").tap()
    page.keyboard.insert_text("Ada")
    page.get_by_role("button", name="Start").tap()

    def tap(place: Locator) -> None:
        page.locator(".rating[data-ready]").wait_for()
        place.tap()

    left, right = page.locator(".shown .frame").first, page.locator(".shown .frame").last
    tap(left)
    tap(right)
    tap(page.get_by_role("button", name="both good"))
    tap(page.get_by_role("button", name="bad fit"))
    tap(page.get_by_role("button", name="both bad"))
    given = all_stored(page, studio.workspace)
    assert [row.outcome for row in given] == ["left", "right", "both good", "both bad"] and given[-1].tags == ["bad fit"]
    assert_all_seen(given)

    page.locator(".rating[data-ready]").wait_for()
    box = left.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers(page, ((x, y + 120), (x, y - 120)))  # scrolls
    page.evaluate("scrollTo(0, 0)")
    for across, down in ((1, 0), (0, 1)):  # two fingers apart, whichever way
        fingers(page, *(((x + n * 20 * across, y + n * 20 * down), (x + n * 80 * across, y + n * 80 * down)) for n in (-1, 1)))
        zoomed = left.locator(".pan").evaluate("pan => pan.style.transform")
        assert "scale(4)" in zoomed and right.locator(".pan").evaluate("pan => pan.style.transform") == zoomed
        fingers(page, ((x, y), (x + 60, y + 60)))
        moved = left.locator(".pan").evaluate("pan => pan.style.transform")
        assert moved != zoomed and "scale(4)" in moved
        zoom, pan, eight = page.get_by_role("button", name="zoom"), left.locator(".pan"), re.compile(r"scale\(8\)")
        tap_until(zoom, lambda pan=pan, eight=eight: expect(pan).to_have_attribute("style", eight, timeout=2000))
        tap_until(zoom, lambda: expect(page.locator(".stage.zoomed")).to_have_count(0, timeout=2000))
    blink = page.get_by_role("button", name="blink").bounding_box()
    assert blink is not None
    device = page.context.new_cdp_session(page)
    device.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": blink["x"] + 9, "y": blink["y"] + 9}]})
    expect(page.locator(".other")).to_have_count(2)
    device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".other")).to_have_count(0)
    assert all_stored(page, studio.workspace) == given

    tap(page.get_by_role("button", name="right is better"))
    assert [row.outcome for row in all_stored(page, studio.workspace)][4:] == ["right"]
    tap(page.get_by_role("button", name="undo"))
    assert all_stored(page, studio.workspace) == given
    tap(page.get_by_role("button", name="skip"))
    page.get_by_role("button", name="cannot judge this").tap()
    assert all_stored(page, studio.workspace)[-1].reason == "cannot judge this"
    sides = [page.get_by_role("button", name=f"{side} is better").bounding_box() for side in ("left", "right")]
    assert sides[0] and sides[1] and sides[0]["y"] == sides[1]["y"] and sides[0]["x"] < sides[1]["x"]


def test_nothing_confirmed_is_lost_when_the_server_is_killed_while_judging(
    page: Page, studio: Any, drawn: Path, tmp_path: Path
) -> None:
    study = make_study(studio.workspace, drawn, tmp_path, 4, ["overall"])
    studio.start()
    begin(page, studio, study)
    given: list[str] = []
    for pause in (0, 250):  # milliseconds from the last key to the kill
        keys = [KEYS[(len(given) + n) % 4] for n in range(6)]
        press(page, *keys[:3])
        page.wait_for_timeout(pause)
        studio.kill()
        confirmed = stored(studio.workspace)
        press(page, *keys[3:])
        studio.start()
        given += keys
        rows = all_stored(page, studio.workspace)
        assert rows[: len(confirmed)] == confirmed
        assert [row.outcome for row in rows] == [OUTCOMES[key] for key in given]
    assert_all_seen(stored(studio.workspace))
