"""The one bridge to the model: worker processes that stay warm between try-ons and are freed when nobody asks."""

import json
import logging
import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from db import datasets, runs
from db.models import Dataset, Result
from studio import repairs
from studio.how import How
from studio.importer import import_run
from studio.inference_process import CANCEL, CANCELLED, PREVIEW, PROGRESS, end_with, look_at_warp, make_try_on, open_models
from studio.settings import Settings
from studio.workspace import Workspace
from vton.errors import VtonError
from vton.pairs import Pair

IDLE_SECONDS = 600.0  # after which the process, and the memory of its device, is given back

log = logging.getLogger(__name__)
_workers: dict[tuple[Settings, str], "TryOnWorker"] = {}
_making = threading.Lock()


class TryOnError(VtonError):
    """A try-on that could not be made; str() is one sentence."""


class TryOnCancelled(TryOnError):
    """A try-on that somebody cancelled."""


def lab_run_dir(workspace: Workspace, dataset: Dataset, split: str, how: How | None = None) -> Path:
    """The run folder that collects the lab's try-ons on a split; a dataset that changed or was repaired gets another, and so
    does every way of making them, every state of a checkpoint, and every version of the studio."""
    names = ["lab", version("vton-studio"), str(dataset.id), split, dataset.fingerprint[:8]]
    if repairs.overlay_of(workspace, dataset):
        names.append(repairs.state_of(workspace, dataset))
    if how and how.key:
        names.append(how.key)
    return workspace.settings.runs_dir.resolve() / "-".join(names)


@dataclass(frozen=True)
class Steps:
    """How far the diffusion of a try-on is."""

    done: int
    total: int
    left: float | None  # seconds


@dataclass(frozen=True)
class TryOn:
    """A try-on that was asked for; `future` gives its row, or raises in one sentence."""

    pair: Pair
    how: How
    out: Path
    watched: Path  # where the process says how far it is
    future: "Future[Result]"
    asked_at: float = field(default_factory=time.monotonic)

    @property
    def preview(self) -> Path:
        """A picture of what it comes to, once there is one."""
        return self.watched / PREVIEW

    def steps(self) -> Steps | None:
        """How far its diffusion is; None before its first step."""
        try:
            told = json.loads((self.watched / PROGRESS).read_bytes())
        except (OSError, ValueError):
            return None
        return Steps(told["step"], told["steps"], told["left"])

    @property
    def cancelled(self) -> bool:
        """Whether it was told to end, also where it has not yet."""
        return self.future.cancelled() or (self.watched / CANCEL).exists()

    def cancel(self) -> None:
        """Have it stop at its next step, or never begin."""
        if not self.future.cancel():
            self.watched.mkdir(parents=True, exist_ok=True)
            (self.watched / CANCEL).touch()

    def result(self, timeout: float | None = None) -> Result:
        """Its row, waited for. TryOnError in one sentence, TryOnCancelled where it was cancelled."""
        try:
            return self.future.result(timeout)
        except CancelledError:
            raise TryOnCancelled(CANCELLED) from None
        except VtonError:
            raise
        except Exception as error:
            log.error("a try-on was not made", exc_info=error)
            told = f"{type(error).__name__}: {error}"
            raise TryOnError(f"This could not be made ({told}); the studio's log says where it broke.") from error


class TryOnWorker:
    """One process that makes try-ons, one after the other."""

    def __init__(self, workspace: Workspace, idle_seconds: float = IDLE_SECONDS) -> None:
        self.workspace, self.idle_seconds = workspace, idle_seconds
        self._queue = ThreadPoolExecutor(1, thread_name_prefix="try-on")
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._timer: threading.Timer | None = None
        self._asked: list[TryOn] = []
        self._ready = ""  # what was opened ahead

    def submit(self, root: Path, split: str, pair: Pair, out: Path, how: How | None = None) -> TryOn:
        """Make one try-on in a run folder and take it in; the same one that is under way already is given back,
        where nobody has cancelled it."""
        how = how or How()
        with self._lock:
            known = self.find(out, pair)
            if known is not None and not known.cancelled:
                return known
            watched = self.workspace.settings.cache_dir / "try-ons" / uuid4().hex
            future = self._queue.submit(self._make, root, split, pair, out, how, watched)
            made = TryOn(pair, how, out, watched, future)
            self._asked = [*self.under_way(), made]
            return made

    def get_ready(self, how: How) -> None:
        """Open its models while nobody waits for them, so that the first try-on need not."""
        wanted = json.dumps([how.options["warp"], how.options["diffusion"]])
        with self._lock:
            if self._ready == wanted:
                return
            self._ready = wanted
        self._queue.submit(self._open, how)

    def under_way(self) -> list[TryOn]:
        """What was asked for and has not ended, in the order in which it is made."""
        return [one for one in self._asked if not one.future.done()]

    def find(self, out: Path, pair: Pair) -> TryOn | None:
        """The newest try-on of a pair in a run folder, where it is under way."""
        return next((one for one in reversed(self.under_way()) if (one.out, one.pair) == (out, pair)), None)

    def look(self, dataset: Dataset, split: str, pair: Pair, warp: str, out_dir: Path) -> "Future[None]":
        """Write what there is to see of a pair under a warp into a folder; the future raises in one sentence."""
        return self._queue.submit(self._look, dataset, split, pair, warp, out_dir)

    def _look(self, dataset: Dataset, split: str, pair: Pair, warp: str, out: Path) -> None:
        self._rest()
        overlay = repairs.overlay_of(self.workspace, dataset)
        try:
            names = (split, pair.person, pair.cloth, warp)
            device = self.workspace.settings.device
            fault = self._ask(look_at_warp, dataset.root, *names, str(out), str(overlay or ""), device)
        finally:
            self._rest(again=True)
        if fault:
            raise TryOnError(fault)

    def _open(self, how: How) -> None:
        self._rest()
        try:
            self._ask(open_models, how.options, self.workspace.settings.device)
        finally:
            self._rest(again=True)

    def _make(self, root: Path, split: str, pair: Pair, out: Path, how: How, watched: Path) -> Result:
        self._rest()
        with self.workspace.database.read() as session:
            dataset = datasets.by_root(session, str(root))
        overlay = repairs.overlay_of(self.workspace, dataset) if dataset else None
        try:
            place = (str(root), split, pair.person, pair.cloth, str(out), str(overlay or ""))
            fault = self._ask(make_try_on, *place, how.options, self.workspace.settings.device, str(watched))
            if fault:
                raise TryOnCancelled(fault) if fault == CANCELLED else TryOnError(fault)
            named = [dataset.name, split, *([how.name] if how.name else [])] if dataset else []
            run = import_run(self.workspace, out, f"Lab: {', '.join(named)}" if named else None)
        finally:
            shutil.rmtree(watched, ignore_errors=True)
            self._rest(again=True)
        with self.workspace.database.read() as session:
            made = runs.result_of_pair(session, run.id, pair.person, pair.cloth)
        if made is None:
            raise TryOnError(f"The try-on of {pair.name} left no picture in {out}.")
        return made

    def _ask(self, work: Callable[..., str], *arguments: Any) -> str:
        """What `work` says in the worker's process; once more in a new one when that died."""
        for _ in range(2):
            try:
                return self._process().submit(work, *arguments).result()
            except BrokenProcessPool:
                self.free()
        raise TryOnError("The try-on's process ended twice; is there enough memory?")

    def _process(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, context, initializer=end_with, initargs=(os.getpid(),))
            return self._pool

    def _rest(self, again: bool = False) -> None:
        """Stop the clock that frees the process, or start it anew."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self.idle_seconds, self.free) if again else None
            if self._timer is not None:
                self._timer.daemon = True
                self._timer.start()

    def free(self) -> None:
        """Give the process back; the next try-on starts a new one."""
        with self._lock:
            pool, self._pool, self._ready = self._pool, None, ""
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the process and whatever waits for it."""
        self._queue.shutdown(wait=False, cancel_futures=True)
        self._rest()
        self.free()
        for process in multiprocessing.active_children():
            process.terminate()


def try_on_worker(workspace: Workspace) -> TryOnWorker:
    """The worker of a workspace for what takes moments: warps and what is made with them alone."""
    return _worker(workspace, "quick")


def diffusion_worker(workspace: Workspace) -> TryOnWorker:
    """The worker of a workspace for try-ons with a diffusion: two hundred steps of one reader hold up nobody's warp."""
    return _worker(workspace, "diffusion")


def _worker(workspace: Workspace, name: str) -> TryOnWorker:
    """The worker of that name, one in this process."""
    with _making:
        return _workers.setdefault((workspace.settings, name), TryOnWorker(workspace))


def close() -> None:
    """End every worker of this process."""
    with _making:
        while _workers:
            _workers.popitem()[1].close()
