"""metrics.json while it is measured: what is known already is kept as long as the pictures stay the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vton.images import read_json, write_json
from vton.pairs import Pair

FORMAT = 1


@dataclass
class Report:
    """metrics.json as it grows: what could be measured, and why the rest could not."""

    file: Path
    pictures: str  # sha256 over all that is compared: numbers of an earlier call on the same pictures are kept
    metrics: dict[str, dict[str, Any]]
    pairs: dict[str, dict[str, float]]
    left_out: dict[str, str]
    order: tuple[str, ...] = ()  # of the metrics

    def add(self, name: str, entry: dict[str, Any], values: Mapping[Pair, float] | None = None) -> None:
        """Put the metric `name` in, with the values of the pairs where it has some."""
        self.left_out.pop(name, None)
        self.metrics[name] = entry
        for pair, value in (values or {}).items():
            self.pairs.setdefault(pair.name, {})[name] = value

    def leave_out(self, names: Sequence[str], why: str) -> None:
        """Say why these are not measured; an earlier number of theirs stays."""
        self.left_out.update(dict.fromkeys(names, why))

    def written(self) -> dict[str, Any]:
        """What is in metrics.json now; the file is written."""
        metrics = {name: self.metrics[name] for name in (*self.order, *self.metrics) if name in self.metrics}
        found = {
            "format": FORMAT,
            "metrics": metrics,
            "pairs": self.pairs,
            "left_out": self.left_out,
            "pictures_sha256": self.pictures,
        }
        write_json(self.file, found)
        return found


def earlier_report(file: Path, pictures: str, order: tuple[str, ...]) -> Report:
    """The report to go on with: empty where there is none, or where it is about other pictures."""
    known = read_json(file) if file.exists() else None
    if not isinstance(known, dict) or known.get("pictures_sha256") != pictures:
        return Report(file, pictures, {}, {}, {}, order)
    return Report(file, pictures, known["metrics"], known["pairs"], known["left_out"], order)
