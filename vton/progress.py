"""How far long work has come: a line on stderr, and a small file for whoever watches from another process."""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
FILE_VARIABLE = "VTON_PROGRESS"  # names the JSON file that a watcher reads
INTERVAL = 0.25  # seconds between two writes


class Progress:
    """Counts `total` steps; `advance` after each one."""

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label, self.done = total, label, 0
        self.started = time.monotonic()
        self.written = float("-inf")
        self.file = Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None
        self._show("")

    def advance(self, n: int = 1, note: str = "") -> None:
        """Report `n` more steps done; the last one is always written."""
        self.done += n
        if self.done >= self.total or time.monotonic() - self.written >= INTERVAL:
            self._show(note)

    def _show(self, note: str) -> None:
        self.written = time.monotonic()
        seconds = self.written - self.started
        eta = seconds / self.done * (self.total - self.done) if self.done else None
        left = f", {eta:.0f} s left" if eta else ""
        print(f"{self.label}: {self.done}/{self.total}{left} {note}".rstrip(), file=sys.stderr, flush=True)
        if self.file:
            state = dict(label=self.label, done=self.done, total=self.total, seconds=seconds, eta=eta, note=note)
            beside = self.file.with_name(f"{self.file.name}.{os.getpid()}.tmp")
            beside.write_text(json.dumps(state))
            beside.replace(self.file)


def track(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield `items`, reporting one step after each."""
    progress = Progress(total, label)
    for item in items:
        yield item
        progress.advance()
