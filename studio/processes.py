"""Processes of a job: which one it is, whether it lives, and the end of all of them."""

import os
import time
from pathlib import Path

import psutil

JOB_VARIABLE = "VTON_STUDIO_JOB_FOLDER"  # set for everything that a job starts, so that all of it can be found
CLOCK_SECONDS = 2.0  # by how much a start time may differ when the system's clock was corrected
GRACE_SECONDS = 5.0  # from the polite signal to the other one


def started_at(pid: int) -> float | None:
    """When the process with this number started, None when there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def is_alive(pid: int, process_started: float) -> bool:
    """Whether that very process still runs: the number alone may belong to another one by now."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - process_started) <= CLOCK_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def of_job(folder: Path | str) -> list[psutil.Process]:
    """Every living process that was started for the job with this folder, this one excepted.

    They are known by a variable in their environment: children of children inherit it, also those that left the group.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(JOB_VARIABLE) == str(folder):
                found.append(process)
        except psutil.Error:
            continue  # another user's, or ended meanwhile
    return found


def end_job(folder: Path | str, grace: float = GRACE_SECONDS) -> int:
    """End every process of a job, politely first; returns how many there were."""
    asked: set[int] = set()
    deadline = time.monotonic() + grace
    while living := of_job(folder):
        insist = time.monotonic() >= deadline
        for process in living:
            try:
                if insist:
                    process.kill()
                elif process.pid not in asked:
                    process.terminate()
            except psutil.NoSuchProcess:
                continue
            finally:
                asked.add(process.pid)
        psutil.wait_procs(living, timeout=0.1)
    return len(asked)
