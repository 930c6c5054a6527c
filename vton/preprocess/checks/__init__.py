"""Automatic checks of an item's maps: each with a score, a threshold with its reason, and a sentence for a person."""

from vton.preprocess.checks.examine import CHECKS, check_item, check_maps, check_split, report, stems_of, usual_of
from vton.preprocess.checks.maps import Maps, read_maps
from vton.preprocess.checks.outcome import OUTPUTS, Check, Outcome, badness

__all__ = [
    "CHECKS",
    "OUTPUTS",
    "Check",
    "Maps",
    "Outcome",
    "badness",
    "check_item",
    "check_maps",
    "check_split",
    "read_maps",
    "report",
    "stems_of",
    "usual_of",
]
