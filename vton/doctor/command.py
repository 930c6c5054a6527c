"""The dataset doctor's command line: `python -m vton.pairs ROOT`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from vton.doctor.examine import examine
from vton.errors import DataError, VtonError
from vton.pairs import SPLITS, absolute


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report: 0 when every file can be used, warnings aside; 1 when there are faults, or no dataset."""
    parser = argparse.ArgumentParser(
        prog="python -m vton.pairs",
        description="The dataset doctor: look at every file of a dataset in the VITON-HD layout, and say what is wrong with "
        "which and what to do. Nothing is written. Exit status: 0 complete (there may be warnings), 1 something is wrong.",
        epilog="example: python -m vton.pairs data/demo-set",
    )
    parser.add_argument("root", type=Path, metavar="ROOT", help="the folder that holds train/ or test/")
    parser.add_argument("--json", action="store_true", help="print every finding as JSON")
    arguments = parser.parse_args(argv)
    try:
        report = examine(arguments.root)
    except (VtonError, OSError) as error:
        print(f"doctor: {error}{_hint(arguments.root)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("doctor: stopped.", file=sys.stderr)
        return 130
    print(json.dumps(report.to_json(), indent=1) if arguments.json else report.to_text())
    return 1 if report.faults else 0


def _hint(root: Path) -> str:
    """Where the dataset is likely to be, for who is one folder off; else nothing."""
    try:
        root = absolute(root)
    except DataError:
        return ""
    if (root / "image").is_dir() and root.name in SPLITS:
        return f" Did you mean {root.parent}?"
    below = sorted(place.parents[1] for name in SPLITS for place in root.glob(f"*/{name}/image"))
    return f" Did you mean {below[0]}?" if below else ""
