"""Seconds a pair of the geometric try-on at 1024x768, by stage, against reading the pair's pictures alone."""

import statistics
import tempfile
from pathlib import Path

from benchmarks.report import arguments, show, write
from vton.generate import GenerateConfig, generate
from vton.images import read_json
from vton.synthetic import SyntheticConfig, draw_dataset

STAGES = ("read", "warp", "fill", "paste", "write")


def main() -> None:
    """Draw a set, make a run, and show the medians of its timings."""
    asked = arguments("geometric", __doc__ or "")
    pairs = 6 if asked.quick else 40
    with tempfile.TemporaryDirectory() as scratch:
        data, run = Path(scratch) / "set", Path(scratch) / "run"
        draw_dataset(SyntheticConfig(train=0, test=pairs, seed=1, height=1024, width=768), data)
        failed = generate(GenerateConfig(data), run)
        taken = list(read_json(run / "timings.json")["pairs"].values())
    by_stage = {stage: [pair[stage] for pair in taken[1:]] for stage in STAGES}  # the first one warms up
    totals = [sum(pair.values()) for pair in taken[1:]]
    median = statistics.median(totals)
    rows = [(s, statistics.median(v), min(v), max(v), statistics.median(v) / median) for s, v in by_stage.items()]
    rows.append(("whole pair", median, min(totals), max(totals), 1.0))
    against = median / statistics.median(by_stage["read"])
    closing = (
        f"{median:.2f} s a pair ({len(failed)} of {pairs} failed): {against:.1f} times as long as reading its pictures; "
        f"the first pair, cold, took {sum(taken[0].values()):.2f} s."
    )
    settings = f"python -m benchmarks.geometric{' --quick' if asked.quick else ''}: {pairs} drawn pairs, 1024x768, one process"
    show("Geometric try-on", settings, ("stage", "median s", "least s", "most s", "share"), rows, closing)
    write(asked.json, {"pairs": pairs, "failed": len(failed), "median_seconds": median, "stages": by_stage})
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
