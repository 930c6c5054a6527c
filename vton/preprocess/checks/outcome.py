"""What a check is, and what it says of one item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

OUTPUTS = ("keypoints", "densepose", "parse", "cloth_mask", "agnostic", "flow", "photo")
WORST = 10.0  # beyond this many thresholds one fault is not worse than another


@dataclass(frozen=True)
class Outcome:
    """What one check says of one item."""

    check: str
    output: str  # what is judged, one of OUTPUTS; a maker of that output is who can mend it
    score: float  # how bad it is, 0 is perfect; the unit is the check's
    threshold: float  # the largest score that passes
    sentence: str  # for a person: what was found and, where it fails, what follows

    @property
    def ok(self) -> bool:
        return self.score <= self.threshold

    @property
    def excess(self) -> float:
        """0 for what passes; else how many thresholds the score is, 1 to WORST, so that unlike checks can be compared."""
        if self.ok:
            return 0.0
        return min(self.score / self.threshold, WORST) if self.threshold else WORST

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "score": round(self.score, 5),
            "threshold": self.threshold,
            "ok": self.ok,
            "sentence": self.sentence,
            "output": self.output,
        }


@dataclass(frozen=True)
class Check:
    """A check's name, what it judges, and where it draws the line."""

    name: str
    output: str
    threshold: float
    reason: str  # what the score measures, and where the threshold comes from

    def to_json(self) -> dict[str, Any]:
        return {"check": self.name, "output": self.output, "threshold": self.threshold, "reason": self.reason}

    def judge(self, score: float, fact: str, consequence: str) -> Outcome:
        """The outcome for a score; the consequence is told only where it fails."""
        score = float(score)
        sentence = f"{fact}: {consequence}." if score > self.threshold else f"{fact}."
        return Outcome(self.name, self.output, score, self.threshold, sentence[0].upper() + sentence[1:])


def badness(outcomes: Sequence[Outcome]) -> float:
    """How urgently an item wants looking at: the sum of what its checks exceed; 0 where all pass."""
    return sum(outcome.excess for outcome in outcomes)


def percent(share: float) -> str:
    """A share in words that do not call little nothing: "4%", "0.3%"."""
    return f"{share:.0%}" if share >= 0.095 or share == 0 else f"{share * 100:.1f}%"
