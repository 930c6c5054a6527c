"""What the doctor found: findings, and the report of a whole dataset, as text or as JSON."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

FAULT, WARNING = "fault", "warning"
SHOWN = 10  # findings of one kind in the text; the JSON has all


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a file, and what to do, before it is said which file."""

    kind: str  # one word: "damaged", "size", "missing", ...
    severity: str  # FAULT: a pair cannot be used as it is; WARNING: it is read, look at it
    wrong: str
    todo: str


@dataclass(frozen=True)
class Finding(Trouble):
    """One thing that is wrong, at one file or folder."""

    file: str  # relative to the dataset; a list's line as "test_pairs.txt:3"
    split: str = ""
    stem: str = ""  # of the person or the cloth, where it is about one; what Browse finds it by


def finding(trouble: Trouble, file: str, split: str = "", stem: str = "") -> Finding:
    """`trouble` at a place; bytes in names that are no text are written out."""
    return Finding(trouble.kind, trouble.severity, trouble.wrong, trouble.todo, printable(file), split, printable(stem))


def printable(name: str) -> str:
    """`name` with what no terminal and no JSON file can hold written as \\x.. ."""
    shown = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in shown)


@dataclass(frozen=True)
class Report:
    """A dataset as the doctor sees it."""

    root: str
    layout: str
    notes: tuple[str, ...]  # what else lies there, and what of it is not read
    counts: dict[str, dict[str, int]]  # split -> kind of map, or "pairs" -> how many
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> int:
        """How many findings are faults."""
        return sum(one.severity == FAULT for one in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return len(self.findings) - self.faults

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {"format": 1, "faults": self.faults, "warnings": self.warnings} | asdict(self)

    def to_text(self) -> str:
        """The report for a terminal: counts, then faults, then warnings, the first few of each kind."""
        lines = [f"{self.root}: {self.layout}", *(f"  {note}" for note in self.notes)]
        for split, counts in self.counts.items():
            lines.append(f"  {split}: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count))
        for severity in (FAULT, WARNING):
            lines += self._listed(severity)
        totals = f"{_counted(self.faults, FAULT)}, {_counted(self.warnings, WARNING)}."
        lines.append(totals if self.findings else "Nothing is wrong.")
        return "\n".join(lines)

    def _listed(self, severity: str) -> list[str]:
        chosen = [one for one in self.findings if one.severity == severity]
        lines = []
        for kind, count in Counter(one.kind for one in chosen).items():
            lines.append(f"\n{severity}: {kind} ({count:,})")
            shown = [one for one in chosen if one.kind == kind][:SHOWN]
            lines += [f"  {one.file}: {one.wrong}; {one.todo}." for one in shown]
            if count > SHOWN:
                lines.append(f"  and {count - SHOWN:,} more; --json lists all")
        return lines + [""] if lines else []


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
