"""A real studio on a port of its own, and a real Chromium to click through it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
WAIT = 60_000  # milliseconds at most for what a page does, also on a busy machine

expect.set_options(timeout=WAIT)


class Studio:
    """`python -m studio` on a workspace; it can be killed and started again."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> None:
        """One of the studio's commands on the workspace, to its end."""
        command = [sys.executable, "-m", "studio", *words, "--workspace", str(self.workspace)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)

    def start(self) -> None:
        """Serve, and wait until it answers."""
        command = [sys.executable, "-m", "studio", "--workspace", str(self.workspace)]
        with (self.workspace.parent / "studio.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--no-browser"], cwd=ROOT, stdout=log, stderr=log
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise TimeoutError(f"the studio did not answer within {START_SECONDS} s")

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio that is not started yet."""
    made = Studio(tmp_path / "work")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; where there is none the test is skipped, in CI it fails.

    It ends with its module: while Playwright runs, no other test of the thread can have an event loop.
    """
    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
        found = next(filter(None, map(shutil.which, NAMES)), bundled if Path(bundled).exists() else None)
        if found is None:
            reason = "there is no Chromium on this machine; install it, or run: playwright install chromium"
            pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, studio: Studio, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that fails the test when it asks another machine for anything, or when a script on it breaks.

    It is as large as a laptop's; a parameter, as Playwright describes devices, makes it another's.
    """
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1280, "height": 800}}))
    opened = context.new_page()
    opened.set_default_timeout(WAIT)
    elsewhere: list[str] = []
    broken: list[str] = []
    local = (studio.url, studio.url.replace("http", "ws"), "data:", "blob:")
    opened.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
    opened.on("pageerror", lambda error: broken.append(str(error)))
    yield opened
    opened.screenshot(path=studio.workspace.parent / "last.png")
    context.close()
    assert elsewhere == []
    assert broken == []
