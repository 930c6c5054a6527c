"""Which runs' values of one metric were measured alike, and in what the others differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIELDS = {  # of a metric's card
    "size": "size",
    "library": "library",
    "region": "region",
    "reference": "compared with",
    "subsets": "subsets",
}
HASHES = {"pairs_sha256": "other pairs", "weights_sha256": "other weights"}


@dataclass(frozen=True)
class Measured:
    """One metric's value of a run, and how it was measured."""

    run: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    higher_is_better: bool | None
    card: Mapping[str, Any]


def differences(rows: Sequence[Measured]) -> list[str]:
    """In what each value was measured otherwise than most, in words; "" where it may be compared.

    Of two ways that are equally frequent the first row's counts. Values are compared only where N, size, library, region,
    pairs, weights, the photos compared with and KID's subsets are the same.
    """
    if not rows:
        return []
    usual = Counter(map(_way, rows)).most_common(1)[0][0]
    standard = next(row for row in rows if _way(row) == usual)
    return [_told(row, standard) for row in rows]


def _way(row: Measured) -> tuple[object, ...]:
    return (row.n, *(str(row.card.get(field)) for field in (*FIELDS, *HASHES)))


def _told(row: Measured, standard: Measured) -> str:
    said = [] if row.n == standard.n else [f"N {_or_unknown(row.n)}, not {_or_unknown(standard.n)}"]
    for field, words in FIELDS.items():
        mine, usual = row.card.get(field), standard.card.get(field)
        if mine != usual:
            said.append(f"{words} {_or_unknown(mine)}, not {_or_unknown(usual)}")
    for field, words in HASHES.items():
        if row.card.get(field) != standard.card.get(field) and not (field == "pairs_sha256" and said and row.n != standard.n):
            said.append(words)
    return "; ".join(said)


def _or_unknown(value: object) -> str:
    return "not stated" if value is None else str(value)
