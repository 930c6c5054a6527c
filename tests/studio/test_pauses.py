"""What modules hold is looked through once, not at every collection."""

import gc
import sys
from types import ModuleType

import pytest

from studio import pauses


@pytest.fixture(autouse=True)
def thaw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "_known", 0)


def test_what_new_modules_hold_is_frozen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("held")
    module.held = [[n] for n in range(10_000)]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "held", module)
    tracked = len(gc.get_objects())
    try:
        pauses.settle()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < tracked / 2
        frozen = gc.get_freeze_count()
        later = [[n] for n in range(1000)]
        pauses.settle()
        assert gc.get_freeze_count() <= frozen
        assert len(later) == 1000
    finally:
        gc.unfreeze()
