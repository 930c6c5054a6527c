"""Pairs judged in a real browser: how fast the next one is there, and what hammering, kills of the server and a crowd lose."""

import argparse
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import CHROMIUM
from benchmarks.many_comparisons import Crowd, build
from benchmarks.raters_at_work import all_at_once
from benchmarks.report import show

QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
KEYS = {"ArrowLeft": "left", "ArrowRight": "right", "ArrowUp": "both good", "ArrowDown": "both bad"}
DRAIN_SECONDS = 10  # from the server's return to the last answer stored
READY = ".rating[data-ready]"

# Milliseconds from a key's press to the next pair painted, taken in the page; the next key goes down as soon as it counts.
JUDGE = """([keys]) => new Promise((done) => {
  const find = (node) => { for (const e of node.querySelectorAll('*')) {
    if (e.matches('.rating')) return e;
    if (e.shadowRoot) { const inner = find(e.shadowRoot); if (inner) return inner; } } };
  const box = find(document), taken = [];
  const next = () => {
    if (taken.length === keys.length) return done(taken);
    if (!box.dataset.ready) return setTimeout(next, 4);
    const before = box.dataset.painted, start = performance.now();
    const how = { key: keys[taken.length], code: keys[taken.length], bubbles: true, cancelable: true, composed: true };
    document.dispatchEvent(new KeyboardEvent('keydown', how));
    const look = () => {
      if (box.dataset.painted && box.dataset.painted !== before) { taken.push(performance.now() - start); next(); }
      else if (performance.now() - start > 20000) done(taken);
      else requestAnimationFrame(look);
    };
    look();
  };
  next();
})"""


class Server:
    """The studio on a port of its own; it can be killed and started again there."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and wait until it answers; TimeoutError after a minute."""
        command = [sys.executable, "-m", "studio", "--workspace", str(self.workspace), "--port", str(self.port), "--no-browser"]
        with (self.workspace.parent / "studio.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1).read()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"the studio did not answer at {self.address} within a minute")

    def end(self, sign: signal.Signals) -> None:
        """Kill it, or ask it to go."""
        if self.process is not None:
            self.process.send_signal(sign)
            self.process.wait(30)
            self.process = None

    def said(self, what: str) -> int:
        """How often its log says something."""
        return (self.workspace.parent / "studio.log").read_text(errors="replace").count(what)


@contextmanager
def served(workspace: Path) -> Iterator[Server]:
    """A studio that is up."""
    server = Server(workspace)
    server.start()
    try:
        yield server
    finally:
        server.end(signal.SIGTERM)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def begin(browser: Any, server: Server, rater: str) -> Any:
    """A new rater opens the study's link, says a name and sees the first pair."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{server.address}/rate?study=1")
    page.get_by_label("Your name").fill(rater)
    page.keyboard.press("Enter")
    page.locator(READY).wait_for()
    return page


def press(page: Any, key: str) -> None:
    """One key, as soon as it counts."""
    page.locator(READY).wait_for()
    page.keyboard.press(key)


def settled(page: Any) -> None:
    """All that was answered is stored, so far as the page knows."""
    page.locator('.rating[data-unsent="0"]').wait_for()


@dataclass(frozen=True)
class Stored:
    """What the database holds of one rater."""

    outcomes: list[str]
    doubled: int  # answers to what was answered already
    unseen: int  # answers within the time in which a pair cannot have been seen
    uids: frozenset[str]


def stored(workspace: Path, rater: str) -> Stored:
    """The live answers of a rater, in the order stored."""
    query = (
        "SELECT c.assignment_id, c.outcome, (julianday(c.answered_at) - julianday(c.shown_at)) * 86400, c.uid "
        "FROM comparison c JOIN rater r ON r.id = c.rater_id WHERE r.name = ? AND c.live ORDER BY c.id"
    )
    with sqlite3.connect(workspace / "studio.db") as database:
        rows = database.execute(query, (rater,)).fetchall()
    doubled = len(rows) - len({row[0] for row in rows})
    return Stored([row[1] for row in rows], doubled, sum(row[2] < 0.29 for row in rows), frozenset(row[3] for row in rows))


def small(folder: Path) -> Path:
    """The workspace of a study that nobody has answered yet, on one axis."""
    workspace, _ = build(folder, Crowd(comparisons=0, runs=4, pairs=400, raters=1, axes=("overall",)))
    workspace.database.close()
    return folder / "workspace"


def keyboard(asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """100 judgements by keys alone; 200 keys at 20 ms and a held one."""
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        workspace = small(Path(scratch))
        with served(workspace) as server:
            page = begin(browser, server, "Ada")
            keys = [list(KEYS)[n % 4] for n in range(100)]
            taken = page.evaluate(JUDGE, [keys])
            settled(page)
            given = stored(workspace, "Ada")
            page = begin(browser, server, "Bob")
            for _ in range(200):
                page.keyboard.press("ArrowLeft")
                page.wait_for_timeout(20)
            page.keyboard.down("ArrowRight")
            for _ in range(20):
                page.keyboard.down("ArrowRight")
                page.wait_for_timeout(30)
            page.keyboard.up("ArrowRight")
            settled(page)
            hammered = stored(workspace, "Bob")
    p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    all_there = given.outcomes == [KEYS[key] for key in keys]
    clean = not (given.doubled or given.unseen or hammered.doubled or hammered.unseen)
    held = hammered.outcomes.count("right")
    rows = [
        ("judgements by keys alone, stored of 100", len(given.outcomes), all_there),
        ("key to next pair painted, p50, ms", round(p50), p50 <= 100),
        ("key to next pair painted, p95, ms", round(p95), p95 <= 200),
        ("200 keys at 20 ms: answers", len(hammered.outcomes) - held, True),
        ("a key held for 0.6 s: answers", held, held <= 1),
        ("answers on pairs not seen, or doubled", given.unseen + given.doubled + hammered.unseen + hammered.doubled, clean),
    ]
    closing = f"The next pair is painted {p50:.0f} ms after a key (p95 {p95:.0f}); nothing doubled or unseen: {clean}."
    show("Judging by keyboard", "python -m benchmarks.judging --only keyboard", ("what", "found", "holds"), rows, closing)
    return {"p50": p50, "p95": p95, "rows": rows}, all_there and clean and held <= 1


def log_bytes(workspace: Path) -> int:
    """How long SQLite's write-ahead log is: a commit makes it longer before the commit is through."""
    try:
        return (workspace / "studio.db-wal").stat().st_size
    except FileNotFoundError:
        return 0


def await_commit(workspace: Path, written: int) -> None:
    """Return the moment the log grows beyond `written`, or after 2 seconds."""
    until = time.monotonic() + 2
    while log_bytes(workspace) == written and time.monotonic() < until:
        pass


def kills(asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """The server killed while a rater judges on, at random times and as a commit begins; the page is not reloaded."""
    times, rng = (6 if asked.quick else 20), random.Random(0)
    given: list[str] = []
    drains, lost, inside = [], 0, 0
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        workspace = small(Path(scratch))
        server = Server(workspace)
        server.start()
        page = begin(browser, server, "Ada")
        for turn in range(times):
            before = rng.randint(2, 5)
            after = rng.randint(1, 4)
            keys = [rng.choice(list(KEYS)) for _ in range(before + after)]
            in_commit = turn % 2 == 1
            for key in keys[: before - in_commit]:
                press(page, key)
            if in_commit:
                settled(page)
                written = log_bytes(workspace)
                press(page, keys[before - 1])
                await_commit(workspace, written)
            else:
                page.wait_for_timeout(rng.uniform(0, 400))  # the last answers are on their way, being committed, or stored
            server.end(signal.SIGKILL)
            confirmed = stored(workspace, "Ada")
            inside += in_commit and len(confirmed.outcomes) < len(given) + before
            for key in keys[before:]:
                press(page, key)
            server.start()
            back = time.monotonic()
            settled(page)
            drains.append(time.monotonic() - back)
            now = stored(workspace, "Ada")
            lost += len(confirmed.uids - now.uids)
            given += keys
        found = stored(workspace, "Ada")
        server.end(signal.SIGTERM)
    whole = found.outcomes == [KEYS[key] for key in given]
    rows = [
        ("kills", times, True),
        ("of them inside a commit, which so was undone", inside, inside > 0),
        ("answers given and stored", f"{len(given)} and {len(found.outcomes)}", whole),
        ("confirmed and lost", lost, lost == 0),
        ("doubled, or on pairs not seen", found.doubled + found.unseen, found.doubled + found.unseen == 0),
        ("outbox drained after a restart, median s", round(statistics.median(drains), 1), True),
        ("the slowest, s", round(max(drains), 1), max(drains) <= DRAIN_SECONDS),
    ]
    holds = whole and inside > 0 and lost == 0 and found.doubled + found.unseen == 0 and max(drains) <= DRAIN_SECONDS
    closing = f"{times} kills, {len(given)} answers: {lost} confirmed ones lost, drained within {max(drains):.1f} s."
    show(
        "The server killed",
        f"python -m benchmarks.judging --only kills, {times} times",
        ("what", "found", "holds"),
        rows,
        closing,
    )
    return {"drains": drains, "rows": rows}, holds


def scripted(folder: Path, count: int, each: int) -> Iterator[tuple[str, Any, bool]]:
    """As many raters as threads of one process, at a quick rater's pace and without a pause: what is stored, and how fast."""
    folder.mkdir()
    workspace, study = build(folder, Crowd(comparisons=0, runs=4, pairs=400, raters=1, axes=("overall",)))
    for pace, pause in (("1 s apart", 1.0), ("without a pause", 0.0)):
        seconds, faults = all_at_once(workspace, study, count, 2, each // 2, pause)
        stored_all = len(seconds) == count * each and not faults
        yield f"by script, {pace}: answers stored", len(seconds), stored_all
        yield "their commit with its wait, p50, ms", round(1000 * statistics.median(seconds), 1), True
        yield "p99, ms", round(1000 * statistics.quantiles(seconds, n=100)[-1], 1), True
    workspace.database.close()


def crowd(asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Many raters at once, each in a browser window, on SQLite and one server."""
    raters, each = (6, 10) if asked.quick else (24, 20)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        workspace = small(Path(scratch))
        with served(workspace) as server:
            pages = [begin(browser, server, f"rater {n}") for n in range(raters)]
            start = time.monotonic()
            for turn in range(each):
                for page in pages:
                    press(page, list(KEYS)[turn % 4])
            for page in pages:
                settled(page)
            taken = time.monotonic() - start
            locked = server.said("database is locked")
        found = [stored(workspace, f"rater {n}") for n in range(raters)]
        with sqlite3.connect(workspace / "studio.db") as database:
            held = "SELECT 1 FROM assignment WHERE repeat_of IS NULL GROUP BY rater_id, matchup_id HAVING count(*) > 1"
            twice = database.execute(f"SELECT count(*) FROM ({held})").fetchone()[0]
            over = database.execute("SELECT count(*) FROM matchup WHERE done + leased > needed").fetchone()[0]
        by_script = list(scripted(Path(scratch) / "scripted", raters, each))
    expected = [KEYS[list(KEYS)[turn % 4]] for turn in range(each)]
    lost = sum(len(expected) - len(one.outcomes) for one in found)
    whole = all(one.outcomes == expected and not one.doubled for one in found)
    rows = [
        ("raters at once", raters, True),
        ("answers stored", f"{sum(len(one.outcomes) for one in found)} of {raters * each}", whole),
        ("leases given twice, or beyond what is needed", twice + over, twice + over == 0),
        ('"database is locked" in the log', locked, locked == 0),
        ("answers a second of all together", round(raters * each / taken, 1), True),
        *by_script,
    ]
    closing = (
        f"{raters} raters, {raters * each} answers: {lost} lost, {twice + over} leases given twice, {locked} times locked."
    )
    show("A crowd", f"python -m benchmarks.judging --only crowd, {raters} windows", ("what", "found", "holds"), rows, closing)
    return {"rows": rows}, all(row[2] for row in rows)
