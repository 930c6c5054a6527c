"""A folder of 13,679 items: how long it takes to list, to add to the studio, and to look at on Browse in a browser."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import arguments, median_seconds, show, write
from studio.importer import add_dataset
from studio.settings import Settings
from studio.workspace import open_workspace
from vton.pairs import MAPS, SUFFIXES, dataset_fingerprint, open_dataset
from vton.synthetic import SyntheticConfig, draw_dataset

SIZES = {"train": 11_647, "test": 2_032}  # VITON-HD's
DRAWN = 12
CHROMIUM = "/usr/bin/chromium"
VISIBLE = """() => {
  const pictures = [];
  const walk = (node) => { for (const e of node.querySelectorAll('*')) {
    if (e.shadowRoot) walk(e.shadowRoot);
    if (e.tagName === 'IMG') pictures.push(e); } };
  walk(document);
  const tiles = pictures.filter((p) => p.getBoundingClientRect().width > 40);
  const seen = tiles.filter((p) => { const r = p.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight; });
  return seen.length >= 4 && seen.every((p) => p.complete && p.naturalWidth > 0) ? tiles[0].src : '';
}"""

# Seconds from a click on `button` to other pictures; timed in the page, since the driver takes longer to find and press it.
FLIP = f"""(button) => new Promise((done) => {{
  const visible = {VISIBLE};
  const before = visible();
  const start = performance.now();
  button.click();
  const look = () => {{
    const now = visible();
    if (now && now !== before) done((performance.now() - start) / 1000);
    else setTimeout(look, 20);
  }};
  setTimeout(look, 20);
}})"""


def grow(drawn: Path, root: Path) -> None:
    """The layout of VITON-HD at its full size: the drawn items' files under as many names, as hard links."""
    source = open_dataset(drawn).splits["test"]
    for split, size in SIZES.items():
        for kind in MAPS:
            files = [source.root / path for stem, path in sorted(source.maps[kind].items()) if "__" not in stem]
            if not files:
                continue
            folder = root / split / MAPS[kind][0]
            folder.mkdir(parents=True)
            for i in range(size):
                file = files[i % len(files)]
                os.link(file, folder / f"{i:05d}_00{SUFFIXES.get(kind, '')}{file.suffix}")
        lines = [f"{i:05d}_00.jpg {(i + 1) % size:05d}_00.jpg\n" for i in range(size)]
        (root / f"{split}_pairs.txt").write_text("".join(lines))


@contextmanager
def studio(workspace: Path) -> Iterator[str]:
    """The real studio on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "studio", "--workspace", str(workspace), "--port", str(port), "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def browse(address: str, flips: int) -> dict[str, list[float]]:
    """Seconds to the first painted page of Browse, cold and warm, and from a click on a page's number to its pictures."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    paint: list[float] = []
    flip: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            page.goto(f"{address}/browse?split=train")
            page.wait_for_function(VISIBLE, timeout=60_000, polling=20)
            paint.append(time.perf_counter() - start)
            page.close()
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/browse?split=train")
        page.wait_for_function(VISIBLE, timeout=60_000, polling=20)
        for number in range(2, 2 + flips):
            button = page.get_by_role("button", name=str(number), exact=True).or_(
                page.get_by_role("button", name=f"Page {number}", exact=True)
            )
            button = button.or_(page.get_by_role("button", name=f"Go to page {number}", exact=True)).first
            flip.append(button.evaluate(FLIP))
        browser.close()
    return {"paint": paint, "flip": flip}


def main() -> None:
    """Measure and show."""
    asked = arguments("data", __doc__ or "")
    times, flips = (3, 5) if asked.quick else (7, 15)
    with tempfile.TemporaryDirectory() as scratch:
        drawn, root, place = (Path(scratch) / name for name in ("drawn", "large", "workspace"))
        draw_dataset(SyntheticConfig(train=0, test=DRAWN, seed=1), drawn)
        grow(drawn, root)
        scan = median_seconds(lambda: open_dataset(root), times)
        check = median_seconds(lambda: dataset_fingerprint(root), times)
        workspace = open_workspace(Settings(workspace=place))
        start = time.perf_counter()
        add_dataset(workspace, root)
        added = time.perf_counter() - start
        seen = {"paint": [], "flip": []}
        if Path(CHROMIUM).exists():
            with studio(place) as address:
                seen = browse(address, flips)
    rows: list[tuple[object, ...]] = [
        ("list the folder", *scan, times),
        ("is it still the same?", *check, times),
        ("add to the studio, once", added, added, added, 1),
    ]
    if seen["paint"]:
        cold, *warm = seen["paint"]
        rows.append(("Browse, first paint, cold server", cold, cold, cold, 1))
        rows.append(("Browse, first paint, warm", statistics.median(warm), min(warm), max(warm), len(warm)))
        rows.append(("Browse, page flip", statistics.median(seen["flip"]), min(seen["flip"]), max(seen["flip"]), flips))
    closing = (
        f"{sum(SIZES.values()):,} items listed in {scan[0]:.2f} s; whether they are still the same: {check[0] * 1000:.1f} ms."
    )
    if not seen["paint"]:
        closing += " Browse was not measured: there is no Chromium."
    command = f"python -m benchmarks.data{' --quick' if asked.quick else ''}"
    settings = f"{command}: {sum(SIZES.values()):,} items of 10 maps, local disk"
    show("A large dataset", settings, ("what", "median s", "least s", "most s", "n"), rows, closing)
    write(asked.json, {"scan": scan, "fingerprint": check, "add": added, **seen})


if __name__ == "__main__":
    main()
