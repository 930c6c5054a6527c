"""The one bridge to the model: a worker process that stays warm between try-ons and is freed when nobody asks."""

import hashlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from db import datasets, runs
from db.models import Dataset, Result
from studio import repairs
from studio.checkpoints import GEOMETRIC, Checkpoint
from studio.failures_file import read_failures
from studio.importer import import_run
from studio.settings import Settings
from studio.workspace import Workspace
from vton.errors import VtonError
from vton.pairs import Pair

IDLE_SECONDS = 600.0  # after which the process, and the memory of its device, is given back

_workers: dict[Settings, "TryOnWorker"] = {}
_making = threading.Lock()


class TryOnError(VtonError):
    """A try-on that could not be made; str() is one sentence."""


def lab_run_dir(workspace: Workspace, dataset: Dataset, split: str, warp: Checkpoint | None = None) -> Path:
    """The run folder that collects the lab's try-ons on a split; a dataset that changed or was repaired gets another, and so
    does every state of a learned warp."""
    names = ["lab", str(dataset.id), split, dataset.fingerprint[:8]]
    if repairs.overlay_of(workspace, dataset):
        names.append(repairs.state_of(workspace, dataset))
    if warp is not None:
        names.append(hashlib.sha256(f"{warp.path} {warp.changed_ns}".encode()).hexdigest()[:8])
    return workspace.settings.runs_dir.resolve() / "-".join(names)


def warp_name(warp: Checkpoint | None) -> str:
    """A warp as the commands of vton name it."""
    return GEOMETRIC if warp is None else str(warp.path)


class TryOnWorker:
    """One process that makes try-ons, one after the other."""

    def __init__(self, workspace: Workspace, idle_seconds: float = IDLE_SECONDS) -> None:
        self.workspace, self.idle_seconds = workspace, idle_seconds
        self._queue = ThreadPoolExecutor(1, thread_name_prefix="try-on")
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._timer: threading.Timer | None = None

    def submit(
        self, dataset_root: Path, split: str, pair: Pair, out_dir: Path, warp: Checkpoint | None = None
    ) -> "Future[Result]":
        """Make one try-on in a run folder and take it in; the future gives its row, or raises in one sentence.

        `warp` is the geometric one where none is given.
        """
        return self._queue.submit(self._make, dataset_root, split, pair, out_dir, warp)

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

    def _make(self, root: Path, split: str, pair: Pair, out: Path, warp: Checkpoint | None) -> Result:
        self._rest()
        with self.workspace.database.read() as session:
            dataset = datasets.by_root(session, str(root))
        overlay = repairs.overlay_of(self.workspace, dataset) if dataset else None
        try:
            names = (split, pair.person, pair.cloth)
            how = (str(overlay or ""), warp_name(warp), self.workspace.settings.device)
            fault = self._ask(make_try_on, str(root), *names, str(out), *how)
        finally:
            self._rest(again=True)
        if fault:
            raise TryOnError(fault)
        named = [dataset.name, split, *([warp.name] if warp else [])] if dataset else []
        run = import_run(self.workspace, out, f"Lab: {', '.join(named)}" if named else None)
        with self.workspace.database.read() as session:
            made = runs.result_of_pair(session, run.id, pair.person, pair.cloth)
        if made is None:
            raise TryOnError(f"The try-on of {pair.name} left no picture in {out}.")
        return made

    def _ask(self, work: Callable[..., str], *arguments: str) -> str:
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

    @property
    def warm(self) -> bool:
        """Whether a process is kept."""
        return self._pool is not None

    def free(self) -> None:
        """Give the process back; the next try-on starts a new one."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the process and whatever waits for it."""
        self._queue.shutdown(wait=False, cancel_futures=True)
        self._rest()
        self.free()
        for process in multiprocessing.active_children():
            process.terminate()


def make_try_on(
    root: str, split: str, person: str, cloth: str, out: str, overlay: str, warp: str = GEOMETRIC, device: str = "auto"
) -> str:
    """Runs in the worker process: one pair into a run folder; why it failed, empty when it did not.

    `overlay` is the folder of repaired maps, empty where there is none.
    """
    from vton.generate import GenerateConfig, generate

    mended = Path(overlay) if overlay else None
    pairs = (Pair(person, cloth),)
    try:
        config = GenerateConfig(Path(root), split, pairs=pairs, open_list=True, warp=warp, repairs=mended, device=device)
        failed = generate(config, Path(out))
    except (VtonError, ValueError) as error:
        return str(error)
    if not failed:
        return ""
    told = read_failures(Path(out))
    return told[-1][1] if told else f"The try-on failed and {Path(out) / 'failures.jsonl'} does not say why."


def look_at_warp(
    root: str, split: str, person: str, cloth: str, warp: str, out: str, overlay: str, device: str = "auto"
) -> str:
    """Runs in the worker process: the pictures and numbers of a pair under a warp; why there are none, empty when there are."""
    from vton.warp_report import examine

    try:
        examine(Path(root), split, Pair(person, cloth), Path(overlay) if overlay else None, warp, Path(out), device)
    except VtonError as error:
        return str(error)
    except OSError as error:
        return f"{out} cannot be written: {error.strerror or error}."
    return ""


def end_with(parent: int) -> None:
    """Runs first in the worker process, before torch is loaded: end when the studio is gone, however it went; and let threads
    that wait sleep, else a look takes three times as long beside a training."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def try_on_worker(workspace: Workspace) -> TryOnWorker:
    """The worker of a workspace, one in this process."""
    with _making:
        return _workers.setdefault(workspace.settings, TryOnWorker(workspace))


def close() -> None:
    """End every worker of this process."""
    with _making:
        while _workers:
            _workers.popitem()[1].close()
