"""The judging benchmark's browser parts at their full size: what must not be lost, doubled or unseen."""

import argparse

import pytest

from benchmarks import judging_browser

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("part", ["keyboard", "kills", "crowd"])
def test_nothing_is_lost_doubled_or_unseen(part: str) -> None:
    figures, _ = getattr(judging_browser, part)(argparse.Namespace(quick=part == "crowd"))
    faults = [row for row in figures["rows"] if not row[2] and not row[0].endswith(("ms", " s"))]  # but for times
    assert faults == []
