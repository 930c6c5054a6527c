"""A run folder -> its metrics.json: every result that has a true photo is compared with it.

Example: python -m vton.evaluate data/runs/first
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vton import conditions as condition_files
from vton.command import ended
from vton.errors import DataError
from vton.images import mask_to_tensor, read_image, read_json, read_mask, resize_image, resize_labels, write_json
from vton.metrics import METRICS, Metric, summarise
from vton.metrics.table import to_unit
from vton.pairs import Pair, Split, open_dataset
from vton.progress import track

FORMAT = 1


def evaluate(
    run: Path, data: Path | None = None, reference: Path | None = None, metrics: Sequence[str] | None = None
) -> dict[str, Any]:
    """Compare the run's results with their truth, write metrics.json and return what is in it.

    The truth of a pair is `reference`/<person>__<cloth>.png (or .jpg), else the drawn truth of the dataset, else, for a
    person in their own garment, the photo. DataError where no result has one.
    """
    chosen = [_metric(name) for name in metrics or METRICS]
    if reference is not None and not reference.is_dir():
        raise DataError(f"There is no folder {reference}; --reference names the one with the true photos.")
    split = _split(run, data)
    results = sorted((run / "results").glob("*.png"))
    found = [(pair, path, truth) for pair, path in _named(results) if (truth := _truth(split, pair, reference))]
    if not found:
        raise DataError(_without_truth(run, results, reference))
    values = {
        pair.name: _compare(run, split, pair, path, truth, chosen) for pair, path, truth in track(found, len(found), "Metrics")
    }
    skipped = len(results) - len(found)
    report = {"format": FORMAT, "metrics": _report(values, chosen, skipped), "pairs": values}
    write_json(run / "metrics.json", report)
    return report


def _without_truth(run: Path, results: list[Path], reference: Path | None) -> str:
    """Why no result has a true photo."""
    if not results:
        return f"{run / 'results'} holds no result <person>__<cloth>.png to compare; make the results first."
    if reference is not None:
        return f"{reference} holds no true photo of a result of {run}; they are named <person>__<cloth>.png or .jpg."
    return (
        f"{run} has no result with a true photo: unpaired results of photographs have none; "
        "make a run with --paired, or give --reference."
    )


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise DataError(f"The metric {name!r} is not known; there are {', '.join(METRICS)}.")
    return METRICS[name]


def _split(run: Path, data: Path | None) -> Split | None:
    """The split that the run was made from, or None for a run from elsewhere without `data`."""
    named = _named_dataset(run / "config.json")
    root = data or named.get("root")
    if root is None:
        return None
    dataset = open_dataset(Path(root))
    name = named.get("split") or "test"
    if name not in dataset.splits:
        raise DataError(f"{root} has no split {name!r}, from which the run was made; give the dataset by --data.")
    return dataset.splits[name]


def _named_dataset(file: Path) -> dict[str, str | None]:
    """What a run's config.json says of its dataset: "root" and "split", if anything. DataError where it is no such file."""
    config = read_json(file)
    if not isinstance(config, dict):
        raise DataError(f"{file} is not the config of a run: expected an object, found {_kind(config)}.")
    if config.get("format") != FORMAT:
        raise DataError(f'{file} has "format": {json.dumps(config.get("format"))}; this release reads {FORMAT}.')
    named = config.get("dataset")
    if named is None:
        return {}
    if not isinstance(named, dict):
        raise DataError(f'{file}: expected "dataset" to be an object with "root" and "split", found {_kind(named)}.')
    for key in ("root", "split"):
        if not isinstance(named.get(key), str | None):
            raise DataError(f'{file}: expected "{key}" of "dataset" to be text, found {_kind(named[key])}.')
    return {key: named.get(key) for key in ("root", "split")}


def _kind(value: Any) -> str:
    """What a JSON value is, in JSON's words."""
    words = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return words.get(type(value), "a number")


def _named(results: list[Path]) -> list[tuple[Pair, Path]]:
    named = [(path.stem.split("__"), path) for path in results]
    for parts, path in named:
        if len(parts) != 2:
            raise DataError(f"{path} is not named <person>__<cloth>.png.")
    return [(Pair(*parts), path) for parts, path in named]


def _truth(split: Split | None, pair: Pair, reference: Path | None) -> Path | None:
    if reference is not None:
        places = [reference / f"{pair.name}{ending}" for ending in (".png", ".jpg")]
        return next((place for place in places if place.exists()), None)
    if split is None:
        return None
    drawn = split.path("truth", pair.name)
    return drawn or (split.path("image", pair.person) if pair.person == pair.cloth else None)


def _compare(run: Path, split: Split | None, pair: Pair, result: Path, truth: Path, metrics: list[Metric]) -> dict[str, float]:
    made = read_image(result)
    size = (made.shape[0], made.shape[1])
    true = to_unit(resize_image(read_image(truth), size))
    mask = mask_to_tensor(resize_labels(_mask(run, split, pair, size), size))
    numbers = {metric.name: metric.compute(to_unit(made), true, mask) for metric in metrics}
    return {name: number for name, number in numbers.items() if number is not None}


def _mask(run: Path, split: Split | None, pair: Pair, size: tuple[int, int]) -> np.ndarray:
    """The agnostic mask that the run used; for a run from elsewhere that of the dataset, else the whole picture."""
    stored = run / "intermediates" / pair.name / "agnostic_mask.png"
    if stored.exists():
        return read_mask(stored)
    if split is not None and split.path("parse", pair.person):
        return condition_files.read(split, pair).agnostic_mask[0, 0].numpy() > 0
    return np.ones(size, bool)


def _report(values: dict[str, dict[str, float]], metrics: list[Metric], skipped: int) -> dict[str, Any]:
    names = "\n".join(sorted(values))
    report = {}
    for metric in metrics:
        numbers = [pair[metric.name] for pair in values.values() if metric.name in pair]
        if numbers:
            value, interval = summarise(numbers)
            card = metric.card() | {
                "interval": "95%, bootstrap over pairs",
                "pairs_sha256": hashlib.sha256(names.encode()).hexdigest(),
                "without_truth": skipped,
            }
            report[metric.name] = {
                "value": value,
                "interval": list(interval) if interval else None,
                "n": len(numbers),
                "higher_is_better": metric.higher_is_better,
                "card": card,
            }
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Print the metrics as a table, or as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m vton.evaluate",
        description="Compare a run's results with the true photos, where there are some, and write its metrics.json.",
        epilog="example: python -m vton.evaluate data/runs/first",
    )
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="the dataset (default: the one the run names)")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="true photos named <person>__<cloth>.png or .jpg")
    parser.add_argument("--metrics", nargs="+", metavar="NAME", help=f"of {', '.join(METRICS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print metrics.json instead of a table")
    arguments = parser.parse_args(argv)
    return ended("evaluate", lambda: _run(arguments), arguments.run, "nothing was written.")


def _run(arguments: argparse.Namespace) -> int:
    report = evaluate(arguments.run, arguments.data, arguments.reference, arguments.metrics)
    if arguments.json:
        print(json.dumps(report, indent=1))
        return 0
    for name, entry in report["metrics"].items():
        interval = "95% {:.4f} to {:.4f}".format(*entry["interval"]) if entry["interval"] else "no interval"
        print(f"{name:12} {entry['value']:8.4f}  {interval}  n={entry['n']}  {entry['card']['region']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
