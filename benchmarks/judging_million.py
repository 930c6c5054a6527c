"""Every page of judging with a million comparisons in the database: how long its rerun takes, and what an answer costs."""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.many_comparisons import Crowd, build
from benchmarks.raters_at_work import AtWork
from benchmarks.report import show
from db import assignments
from studio.settings import get_settings
from studio.workspace import Workspace

ENTRY = Path(__file__).parents[1] / "studio" / "app.py"
PAGES = [path.stem for path in sorted((ENTRY.parents[1] / "pages").glob("*.py"))]
MOST_MS = 300  # of a page's rerun, p95


def million(asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Reruns of each page, leases, answers and commits."""
    comparisons_wanted, times = (100_000, 8) if asked.quick else (1_000_000, 40)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:  # a fit in the background may still write
        workspace, study = build(Path(scratch), Crowd(comparisons=comparisons_wanted))
        rows = [*_verbs(workspace, study, times), *_pages(workspace, study, times)]
        workspace.database.close()
    slow = [row[0] for row in rows if row[0].endswith("page") and row[2] > MOST_MS]
    slowest = max((row for row in rows if row[0].endswith("page")), key=lambda row: row[2])
    closing = (
        f"{comparisons_wanted:,} comparisons: the slowest is the {slowest[0]}, {slowest[2]:.0f} ms at p95 (aim {MOST_MS})."
    )
    settings = (
        f"python -m benchmarks.judging --only million: {comparisons_wanted:,} comparisons, 8 runs, 2,000 pairs, 24 raters"
    )
    show("A large study", settings, ("what", "p50 ms", "p95 ms", "n"), rows, closing)
    return {row[0]: row[1:] for row in rows}, not slow


Row = tuple[str, float, float, int]


def _row(name: str, found: list[float]) -> Row:
    """p50, p95 and how many."""
    return name, statistics.median(found), statistics.quantiles(found, n=20)[-1], len(found)


def _ms(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


def _verbs(workspace: Workspace, study: int, times: int) -> list[Row]:
    """What the Rate page does in the database: a lease, and an answer on three axes with its commit."""
    newcomer = AtWork.named(workspace, study, "newcomer")
    leases, answers = [], []
    for _ in range(max(times // 4, 2)):
        leases.append(_ms(newcomer.take))
        answers += [_ms(newcomer.answer) for _ in range(8)]
        with workspace.database.write() as session:
            assignments.give_back(session, study, newcomer.rater)
    return [_row("12 leased", leases), _row("an answer on 3 axes, committed", answers)]


def _pages(workspace: Workspace, study: int, times: int) -> list[Row]:
    """Reruns of the pages as Streamlit runs them, without a browser."""
    from streamlit.testing.v1 import AppTest

    os.environ["VTON_STUDIO_WORKSPACE"] = str(workspace.settings.workspace)
    get_settings.cache_clear()
    rows = []
    for name in PAGES:
        at = AppTest.from_file(ENTRY, default_timeout=120)
        at.session_state["rater"] = "rater 03"
        at.run()
        at.query_params["study"] = str(study)
        at.switch_page(f"../pages/{name}.py").run()
        rows.append(_row(f"{name} page", [_ms(at.run) for _ in range(times)]))
        if at.exception:
            raise RuntimeError(f"the {name} page broke: {at.exception[0].message}")
    return rows
