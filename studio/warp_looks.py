"""What there is to see of a pair under a warp: made once in the worker's process, kept in the cache, found by its inputs."""

import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from db.models import Dataset
from studio import repairs
from studio.checkpoints import Checkpoint
from studio.inference import TryOnError, try_on_worker
from studio.workspace import Workspace
from vton.pairs import MAPS, Pair

FORMAT = 1  # of report.json
TRUTH = "truth"
KEPT = 600  # looks in the cache; the oldest go first
SWEEP = 50  # so many more may come before they go

log = logging.getLogger(__name__)
_asked: dict[Path, "Future[None]"] = {}
_asking = threading.Lock()


@dataclass(frozen=True)
class Look:
    """A look that is there: its folder, and what its report.json says."""

    folder: Path
    report: dict[str, Any]

    def picture(self, name: str) -> Path | None:
        """A picture of it, None where it has none of this name."""
        file = self.folder / f"{name}.png"
        return file if file.is_file() else None


@dataclass(frozen=True)
class Place:
    """Whose looks: a dataset's split and a pair of it."""

    workspace: Workspace
    dataset: Dataset
    split: str
    pair: Pair

    @property
    def has_truth(self) -> bool:
        """Whether the dataset has the true flow of the pair."""
        return (Path(self.dataset.root) / self.split / MAPS["flow"][0] / f"{self.pair.name}.npz").is_file()

    @property
    def is_drawn(self) -> bool:
        """Whether the split has true flows at all."""
        return (Path(self.dataset.root) / self.split / MAPS["flow"][0]).is_dir()

    def folder(self, warp: Checkpoint | str, inputs: Iterable[Path]) -> Path:
        """Where the look under a warp lies; another place when the warp, one of the pair's `inputs` or the studio's version has
        changed."""
        name, changed = (warp, 0) if isinstance(warp, str) else (str(warp.path), warp.changed_ns)
        state = repairs.state_of(self.workspace, self.dataset)
        files = [f"{file} {_changed_ns(file)}" for file in sorted(inputs)]
        data = (self.dataset.root, self.dataset.fingerprint, state, self.split, self.pair.name)
        told = (version("vton-studio"), *data, name, changed, files)
        return cache_of(self.workspace) / hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def cache_of(workspace: Workspace) -> Path:
    """The folder of all looks."""
    return workspace.settings.cache_dir / "warps"


def read_look(folder: Path) -> Look | None:
    """The look in a folder; None where it is not made yet, or was cut off."""
    try:
        report = json.loads((folder / "report.json").read_bytes())
    except (OSError, ValueError):
        return None
    return Look(folder, report) if isinstance(report, dict) and report.get("format") == FORMAT else None


def ask(place: Place, warp: Checkpoint | str, folder: Path) -> "Future[None]":
    """Have a look made, unless it is being made already; the future raises TryOnError in one sentence."""
    name = warp if isinstance(warp, str) else str(warp.path)
    with _asking:
        known = _asked.get(folder)
        if known is not None and not known.done():
            return known
        for gone in [key for key, future in _asked.items() if future.done()]:
            del _asked[gone]
        _sweep(cache_of(place.workspace))
        _asked[folder] = try_on_worker(place.workspace).look(place.dataset, place.split, place.pair, name, folder)
        return _asked[folder]


def fault_of(future: "Future[None]") -> str:
    """Why a look that has ended was not made; empty where it was made, or was called off."""
    error = None if future.cancelled() else future.exception()
    if error is None or isinstance(error, TryOnError):
        return str(error or "")
    log.error("a look was not made", exc_info=error)
    return f"This could not be made ({type(error).__name__}: {error}); the studio's log says where it broke."


def call_off(futures: Iterable["Future[None]"]) -> None:
    """What has not begun is not made."""
    for future in futures:
        future.cancel()


def _sweep(folder: Path) -> None:
    """Let the oldest looks go when there are many."""
    looks = list(folder.iterdir()) if folder.is_dir() else []
    if len(looks) > KEPT + SWEEP:
        for old in sorted(looks, key=_changed_ns)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _changed_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
