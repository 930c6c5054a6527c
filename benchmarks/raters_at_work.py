"""Raters without a browser: a lease, and answers on every axis, each in a write of its own, as the Rate page does it."""

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from db import comparisons, raters, studies
from studio.leases import AHEAD, lease
from studio.workspace import Workspace


@dataclass
class AtWork:
    """A rater of one study, with what is leased to them."""

    workspace: Workspace
    study: int
    rater: int
    chance: random.Random = field(default_factory=random.Random)
    held: list[int] = field(default_factory=list)

    @classmethod
    def named(cls, workspace: Workspace, study: int, name: str) -> "AtWork":
        """A rater of that name, added if new."""
        with workspace.database.write() as session:
            return cls(workspace, study, raters.get_or_add(session, name).id)

    def take(self, count: int = AHEAD) -> None:
        """Have `count` leased."""
        with self.workspace.database.write() as session:
            found = studies.by_id(session, self.study)
            assert found is not None
            self.held = [one.id for one in lease(session, found, self.rater, datetime.now(UTC), count, self.chance)]

    def answer(self) -> None:
        """Answer one of those held, on every axis of the study."""
        moment, one = datetime.now(UTC), self.held.pop()
        with self.workspace.database.write() as session:
            found = studies.by_id(session, self.study)
            assert found is not None
            for axis in found.axes:
                comparisons.give(
                    session,
                    uid=uuid4().hex,
                    rater_id=self.rater,
                    assignment_id=one,
                    axis=axis,
                    outcome="left",
                    shown_at=moment,
                    answered_at=moment,
                    client="script",
                )


def all_at_once(
    workspace: Workspace, study: int, count: int, turns: int, each: int, pause: float = 0.0
) -> tuple[list[float], list[BaseException]]:
    """`count` raters in threads, `pause` seconds from an answer to the next in the mean: seconds of every answer's write, its
    wait included; and faults."""
    seconds: list[float] = []
    faults: list[BaseException] = []

    def judge(name: str) -> None:
        try:
            rater = AtWork.named(workspace, study, f"{name}, {pause:g} s")
            for _ in range(turns):
                rater.take(each)
                while rater.held:
                    time.sleep(2 * pause * rater.chance.random())
                    start = time.perf_counter()
                    rater.answer()
                    seconds.append(time.perf_counter() - start)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=judge, args=(f"rater at work {n}",)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, faults
