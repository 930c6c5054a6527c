"""A run folder -> its metrics.json: every result that has a true photo is compared with it, and the set with a set of photos.

Example: python -m vton.evaluate data/runs/first
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vton import conditions as condition_files
from vton.command import ended
from vton.devices import DEVICES, pick
from vton.errors import DataError, VtonError
from vton.images import mask_to_tensor, read_image, read_json, read_mask, resize_image, resize_labels
from vton.metrics import METRICS, Metric, summarise
from vton.metrics.likeness import FID, KID, LPIPS, features, fid_card, frechet, kernel_distance, kid_card, lpips, lpips_card
from vton.metrics.networks import ALEXNET, INCEPTION, open_inception, open_lpips, weights_sha256
from vton.metrics.pictures import (
    Compared,
    at_size,
    fingerprint,
    names_sha256,
    picture_sets,
    result_and_truth,
    size_in_words,
)
from vton.metrics.report import FORMAT, Report, earlier_report
from vton.metrics.table import to_unit
from vton.pairs import RESULTS, Pair, Split, open_dataset
from vton.progress import Progress, track

NAMES = (*METRICS, LPIPS, FID, KID)


def evaluate(
    run: Path,
    data: Path | None = None,
    reference: Path | None = None,
    metrics: Sequence[str] | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Compare the run's results with their truth, write metrics.json and return what is in it.

    The truth of a pair is `reference`/<person>__<cloth>.png (or .jpg), else the drawn truth of the dataset, else, for a
    person in their own garment, the photo. What cannot be measured (its weights are not here, there is no truth) is named
    under "left_out" with the reason, and the rest is written; DataError where that is everything. The file is written after
    each kind of metric, and what an earlier call measured on the same pictures is kept.
    """
    chosen = list(dict.fromkeys(metrics or NAMES))
    for name in chosen:
        if name not in NAMES:
            raise DataError(f"The metric {name!r} is not known; there are {', '.join(NAMES)}.")
    try:
        computed_on = pick(device)
    except ValueError as error:
        raise DataError(f"{str(error).capitalize()}.") from error
    if reference is not None and not reference.is_dir():
        raise DataError(f"There is no folder {reference}; --reference names the one with the true photos.")
    split = _split(run, data)
    results = _results(run / "results")
    truths = {pair: truth for pair, _ in results if (truth := _truth(split, pair, reference))}
    compared = Compared(run, split, results, truths)
    no_truth = "" if truths else _without_truth(run, results, reference)
    if not results or (no_truth and reference is not None):
        raise DataError(no_truth)
    report = earlier_report(run / "metrics.json", fingerprint(compared), NAMES)
    by_pixels, by_inception = [name for name in chosen if name in METRICS], [name for name in chosen if name in (FID, KID)]
    steps: tuple[tuple[list[str], Callable[[], None]], ...] = (
        (by_pixels, lambda: _by_pixels(report, compared, by_pixels)),
        ([name for name in chosen if name == LPIPS], lambda: _by_lpips(report, compared, computed_on)),
        (by_inception, lambda: _by_inception(report, compared, by_inception, computed_on)),
    )
    for names, measure in steps:
        try:
            if no_truth and not {FID, KID} & set(names):
                raise DataError(no_truth)
            if names:
                measure()
        except (VtonError, torch.OutOfMemoryError) as error:
            report.leave_out(names, str(error).splitlines()[0])
        if report.metrics:
            report.written()
    if not report.metrics:
        raise DataError(no_truth or next(iter(report.left_out.values())))
    return report.written()


def _by_pixels(report: Report, compared: Compared, names: list[str]) -> None:
    """The metrics that need no network."""
    metrics = [METRICS[name] for name in names]
    found = compared.with_truth
    values = {
        pair: _compare(compared.run, compared.split, pair, path, truth, metrics)
        for pair, path, truth in track(found, len(found), "Metrics")
    }
    size = size_in_words([path for _, path, _ in found])
    for metric in metrics:
        numbers = {pair: one[metric.name] for pair, one in values.items() if metric.name in one}
        _add_mean(report, compared, metric.name, numbers, metric.card() | {"size": size}, metric.higher_is_better)


def _by_lpips(report: Report, compared: Compared, device: str) -> None:
    found = compared.with_truth
    network = open_lpips(device)
    values = lpips(network, (result_and_truth(path, truth) for _, path, truth in found), len(found), device)
    numbers = {pair: value for (pair, _, _), value in zip(found, values, strict=True) if value is not None}
    card = lpips_card() | {"size": size_in_words([path for _, path, _ in found]), "weights_sha256": weights_sha256(ALEXNET)}
    _add_mean(report, compared, LPIPS, numbers, card, False)


def _add_mean(
    report: Report, compared: Compared, name: str, numbers: dict[Pair, float], card: dict[str, Any], higher_is_better: bool
) -> None:
    """The mean over the pairs that have a number; nothing where the pictures are too small for the metric."""
    if not numbers:
        return
    value, interval = summarise(list(numbers.values()))
    entry = {
        "value": value,
        "interval": list(interval) if interval else None,
        "n": len(numbers),
        "higher_is_better": higher_is_better,
        "card": card
        | {
            "interval": "95%, bootstrap over pairs",
            "pairs_sha256": names_sha256(numbers),
            "without_truth": len(compared.results) - len(compared.truths),
        },
    }
    report.add(name, entry, numbers)


def _by_inception(report: Report, compared: Compared, names: list[str], device: str) -> None:
    """FID and KID: the results against a set of photos."""
    pairs, results, photos, told = picture_sets(compared)
    few = min(len(results), len(photos))
    if few < 2:
        raise DataError(f"FID and KID compare sets of pictures; {compared.run} has {few} to compare, and 2 are needed.")
    network = open_inception(device)
    progress = Progress(len(results) + len(photos), "FID and KID")
    made = features(network, (read_image(path) for path in results), progress, device)
    true = features(network, (at_size(path, size) for path, size in photos), progress, device)
    shared = {
        "size": size_in_words(results),
        "reference": told,
        "reference_n": len(photos),
        "weights_sha256": weights_sha256(INCEPTION),
        "pairs_sha256": names_sha256(pairs),
        "without_truth": len(compared.results) - len(compared.truths),
    }
    if FID in names:
        report.add(FID, _distance(frechet(made, true), few, fid_card(few) | shared))
    if KID in names:
        mean, deviation = kernel_distance(made, true)
        report.add(KID, _distance(mean, few, kid_card(few, deviation) | shared))


def _distance(value: float, n: int, card: dict[str, Any]) -> dict[str, Any]:
    return {"value": value, "interval": None, "n": n, "higher_is_better": False, "card": card}


def _without_truth(run: Path, results: Sequence[object], reference: Path | None) -> str:
    """Why no result has a true photo."""
    if not results:
        return f"{run / 'results'} holds no result <person>__<cloth>.png to compare; make the results first."
    if reference is not None:
        return f"{reference} holds no true photo of a result of {run}; they are named <person>__<cloth>.png or .jpg."
    return (
        f"{run} has no result with a true photo: unpaired results of photographs have none; "
        "make a run with --paired, or give --reference."
    )


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


def _results(folder: Path) -> list[tuple[Pair, Path]]:
    """A run's pictures by their names; DataError where one is of no pair, or two are of one."""
    found: dict[Pair, Path] = {}
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in RESULTS or path.name.startswith("."):
            continue
        parts = path.stem.split("__")
        if len(parts) != 2:
            raise DataError(f"{path} is not named <person>__<cloth>{path.suffix}.")
        if Pair(*parts) in found:
            raise DataError(f"{folder} holds two pictures of {path.stem}.")
        found[Pair(*parts)] = path
    return list(found.items())


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


def main(argv: Sequence[str] | None = None) -> int:
    """Print the metrics as a table, or as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m vton.evaluate",
        description="Compare a run's results with the true photos, where there are some, and write its metrics.json. LPIPS, "
        "FID and KID need weights that `python -m vton.weights` lists; where they are not here, the rest is computed.",
        epilog="example: python -m vton.evaluate data/runs/first",
    )
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="the dataset (default: the one the run names)")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="true photos named <person>__<cloth>.png or .jpg")
    parser.add_argument("--metrics", nargs="+", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="for LPIPS, FID and KID (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print metrics.json instead of a table")
    arguments = parser.parse_args(argv)
    return ended("evaluate", lambda: _run(arguments), arguments.run, "what was measured before is in its metrics.json.")


def _run(arguments: argparse.Namespace) -> int:
    report = evaluate(arguments.run, arguments.data, arguments.reference, arguments.metrics, arguments.device)
    left_out = report["left_out"]
    for why in dict.fromkeys(left_out.values()):
        names = ", ".join(name for name, said in left_out.items() if said == why)
        print(f"evaluate: left out: {names}. {why} The rest is in metrics.json.", file=sys.stderr)
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        for name, entry in report["metrics"].items():
            print(_line(name, entry))
    return 1 if set(arguments.metrics or ()) & set(left_out) else 0


def _line(name: str, entry: dict[str, Any]) -> str:
    card = entry["card"]
    interval = "95% {:.4f} to {:.4f}".format(*entry["interval"]) if entry["interval"] else "no interval"
    line = f"{name:12} {entry['value']:8.4f}  {interval}  n={entry['n']}  {card['size']}  {card['region']}  {card['library']}"
    told = [f"subsets: {card['subsets']}" if "subsets" in card else "", card.get("caution", "")]
    return "\n".join([line, *(f"{'':12} {words}" for words in told if words)])


if __name__ == "__main__":
    sys.exit(main())
