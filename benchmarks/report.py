"""What every benchmark prints: its settings, a table, one closing line; and the same as JSON."""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vton.images import replacing


def arguments(
    name: str, description: str, more: Callable[[argparse.ArgumentParser], object] | None = None
) -> argparse.Namespace:
    """The command line that all benchmarks share; `more` adds what only this one has."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=description, epilog=f"example: python -m benchmarks.{name} --quick"
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: ends within 5 minutes on 2 cores")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    if more:
        more(parser)
    return parser.parse_args()


@contextmanager
def keeping(folder: Path | None) -> Iterator[Path]:
    """`folder`, to which a benchmark keeps what it finds, or one that vanishes."""
    if folder:
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch) / "kept"


def machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def median_seconds(action: Callable[[], object], times: int) -> tuple[float, float, float]:
    """Median, fastest and slowest of several runs, in seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), min(taken), max(taken)


def show(title: str, settings: str, head: Sequence[str], rows: Sequence[Sequence[Any]], closing: str) -> None:
    """Print the table."""
    print(f"{title}\n{settings}; {machine()}\n")
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]))
    print(f"\n{closing}")


def write(place: Path | None, figures: dict[str, Any]) -> None:
    """Write the figures as JSON where asked to."""
    if place:
        with replacing(place) as file:
            file.write((json.dumps({"machine": machine(), **figures}, indent=1) + "\n").encode())


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
