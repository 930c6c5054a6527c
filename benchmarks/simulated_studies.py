"""How often the leaderboard's 95% intervals hold the truth, and who is flagged, over studies by simulated raters.

The truth is what endless honest votes would say. Where raters follow the model, the intervals are to hold it in 92 to 98%;
where they do not, the coverage is stated, with all votes and with those of flagged raters left out.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.report import show
from benchmarks.simulated_raters import CHEATS, MISSPECIFIED, MODEL, Study, draw
from studio.intervals import NORMAL, independent, wilson
from studio.leaderboard import leaderboard
from studio.rater_quality import rater_reports
from studio.votes import Votes
from vton.progress import Progress

SEED = 7  # the flags' rules were set on studies of seed 1
STUDIES, QUICK_STUDIES = 500, 60
COVERED = (0.92, 0.98)  # aim for the strengths and their differences, where raters follow the model
FLAGGED, HONEST = 0.95, 0.02  # aims: of the cheaters at least, of the honest raters at most
WORLDS = {"model holds": MODEL, "misspecified": MISSPECIFIED}
WITHOUT = "flagged left out"  # the misspecified ones again
FIGURES = ("strengths", "neighbours' differences", "ranks", "side")

Interval = tuple[float, float, float]  # value, low, high
Held = list[list[bool]]  # of each study, of each thing in it


@dataclass
class Case:
    """What the boards of studies of one kind said."""

    held: dict[str, Held] = field(default_factory=lambda: {name: [] for name in FIGURES})  # which intervals hold the truth
    errors: list[float] = field(default_factory=list)  # of strengths
    widths: list[float] = field(default_factory=list)  # half, of their intervals

    def width(self) -> float:
        """How wide the intervals of strengths are, over the width that would hold 95% if errors were normal."""
        return float(np.mean(self.widths) / np.sqrt(np.mean(np.square(self.errors))) / NORMAL)


def report(asked: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Simulate, measure, show; the figures, and whether those that must hold do."""
    studies = asked.studies or (QUICK_STUDIES if asked.quick else STUDIES)
    cases, flagged = _measure(studies)
    coverage = {case: {name: _share(found.held[name]) for name in FIGURES} for case, found in cases.items()}
    flags = {who: (sum(map(len, by_study)), *_share(by_study)) for who, by_study in flagged.items() if by_study}
    options = " --quick" if asked.quick else ""
    settings = f"python -m benchmarks.judging --only simulated{options}: {studies} studies of each kind, seed {SEED}"
    covered = _show_coverage(settings, coverage, {case: found.width() for case, found in cases.items()})
    print()
    told = _show_flags(settings, flags)
    return {"studies": studies, "coverage": coverage, "flagged": flags}, covered and told


def _show_coverage(settings: str, coverage: dict[str, dict[str, Interval]], widths: dict[str, float]) -> bool:
    """Whether the coverage is where it must be."""
    votes = MODEL.pairs * MODEL.comparisons * MODEL.votes
    rows: list[tuple] = [(name, *(part for case in coverage.values() for part in case[name])) for name in FIGURES]
    rows.append(("width of strengths' over that needed", *(part for width in widths.values() for part in (width, "", ""))))
    low, high = COVERED
    must = [coverage["model holds"][name] for name in FIGURES[:2]]
    reached = all(share[2] >= low and share[1] <= high for share in must)
    closing = (
        f"Where raters follow the model, the intervals hold {must[0][0]:.1%} of the strengths and {must[1][0]:.1%} of the "
        f"differences ({low:.0%} to {high:.0%} asked): {'reached' if reached else 'missed'}. "
        f"Where they do not: {coverage['misspecified']['strengths'][0]:.1%} and "
        f"{coverage['misspecified'][FIGURES[1]][0]:.1%}."
    )
    head = ("95% intervals that hold the truth", *(part for case in coverage for part in (case, "low", "high")))
    sizes = f"{MODEL.runs} runs, {MODEL.raters} raters, {MODEL.pairs} pairs, {votes} votes"
    show("Coverage", f"{settings}; {sizes}", head, rows, closing)
    return reached


def _show_flags(settings: str, flags: dict[str, tuple[int, float, float, float]]) -> bool:
    """Whether cheaters are flagged and honest raters are not."""
    found, honest = flags["cheaters"], [flags[who] for who in flags if who.startswith("honest")]
    reached = found[3] >= FLAGGED and all(share[2] <= HONEST for share in honest)
    closing = (
        f"{found[1]:.1%} of cheaters flagged (at least {FLAGGED:.0%} asked), and of honest raters "
        f"{' and '.join(f'{share[1]:.1%}' for share in honest)} (at most {HONEST:.0%}): {'reached' if reached else 'missed'}."
    )
    show("Flags", settings, ("raters", "n", "flagged", "low", "high"), [(who, *share) for who, share in flags.items()], closing)
    return reached


def _measure(studies: int) -> tuple[dict[str, Case], dict[str, Held]]:
    """What boards say, by case; which raters are flagged, by kind."""
    cases = {name: Case() for name in (*WORLDS, WITHOUT)}
    flagged: dict[str, Held] = {who: [] for who in (*(f"honest, {name}" for name in WORLDS), "cheaters", *CHEATS)}
    progress = Progress(studies * len(WORLDS), "Studies")
    for name, world in WORLDS.items():
        for number in range(studies):
            study = draw(world, (SEED, number))
            votes = study.answers.votes
            found = {row.rater: bool(row.flags) for row in rater_reports(study.answers)}
            _add(cases[name], study, votes)
            flagged[f"honest, {name}"].append([flag for rater, flag in found.items() if rater not in study.cheaters])
            if world.cheaters:
                _add(cases[WITHOUT], study, votes.only(~np.isin(votes.rater, [rater for rater in found if found[rater]])))
                flagged["cheaters"].append([found[rater] for rater in study.cheaters])
                for rater, cheat in study.cheaters.items():
                    flagged[cheat].append([found[rater]])
            progress.advance()
    return cases, flagged


def _add(case: Case, study: Study, votes: Votes) -> None:
    """Append what the board of these votes says, against the study's truth."""
    board, truth = leaderboard(votes, {run: f"run {run}" for run in range(len(study.strengths))}), study.strengths
    rows, side = board.standings, board.side
    assert side is not None
    ranks = [1 + int((truth > value).sum()) for value in truth]
    held = (
        [_within(truth[row.run], row.low, row.high) for row in rows],
        [_within(truth[two.better] - truth[two.worse], two.low, two.high) for two in board.neighbours],
        [_within(ranks[row.run], row.rank_low, row.rank_high) for row in rows],
        [_within(1 / (1 + np.exp(-study.side)), side.low, side.high)],
    )
    for name, values in zip(FIGURES, held, strict=True):
        case.held[name].append(values)
    for row in rows:
        if row.strength is not None and row.low is not None and row.high is not None:
            case.errors.append(row.strength - truth[row.run])
            case.widths.append((row.high - row.low) / 2)


def _within(value: float, low: float | None, high: float | None) -> bool:
    return bool((low is None or low <= value) and (high is None or value <= high))


def _share(by_study: Sequence[Sequence[bool]]) -> Interval:
    """The share of what holds, and its interval with the studies independent of each other."""
    sums, sizes = np.array([(sum(held), len(held)) for held in by_study]).T
    share = float(sums.sum() / sizes.sum())
    variance = float(((sums - share * sizes) ** 2).sum() / sizes.sum() ** 2)
    return share, *wilson(share, independent(share, int(sizes.sum()), variance))
