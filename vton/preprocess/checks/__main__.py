"""Check every item of a split, and say which want looking at, the worst first."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vton.command import ended
from vton.errors import DataError
from vton.images import write_json
from vton.pairs import open_dataset
from vton.preprocess.checks.examine import check_split, report
from vton.preprocess.checks.outcome import Outcome

SHOWN = 20  # items that are printed; the JSON has all


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every item was looked at, whatever was found; 1 when the dataset cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m vton.preprocess.checks",
        description=f"{__doc__} Nothing in the dataset is changed.",
        epilog="example: python -m vton.preprocess.checks data/demo-set --split test --json data/checks.json",
    )
    parser.add_argument("root", type=Path, metavar="ROOT", help="a dataset in the VITON-HD layout")
    parser.add_argument("--split", default="test", help="train or test (default: test)")
    parser.add_argument("--repairs", type=Path, metavar="DIR", help="a folder of mended maps that take the place of ROOT's own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome there")
    chosen = parser.parse_args(argv)
    return ended("checks", lambda: _run(chosen), chosen.json or chosen.root, "nothing was written.")


def _run(chosen: argparse.Namespace) -> int:
    dataset = open_dataset(chosen.root, chosen.repairs)
    if chosen.split not in dataset.splits:
        raise DataError(f"{dataset.root} has no split {chosen.split!r}; it has {', '.join(dataset.splits)}.")
    split = dataset.splits[chosen.split]
    items = check_split(split, next((other for name, other in dataset.splits.items() if name != split.name), None))
    if chosen.json:
        write_json(chosen.json, report(split, items))
    _show(items)
    return 0


def _show(items: dict[str, list[Outcome]]) -> None:
    failed = {stem: [outcome for outcome in found if not outcome.ok] for stem, found in items.items()}
    doubtful = {stem: found for stem, found in failed.items() if found}
    for stem, found in list(doubtful.items())[:SHOWN]:
        print(stem)
        for outcome in sorted(found, key=lambda outcome: -outcome.excess):
            print(f"  {outcome.output}: {outcome.sentence}")
    if len(doubtful) > SHOWN:
        print(f"... and {len(doubtful) - SHOWN} more; --json FILE writes them all.")
    print(f"{len(items)} items checked, {len(doubtful)} want looking at.")


if __name__ == "__main__":
    sys.exit(main())
