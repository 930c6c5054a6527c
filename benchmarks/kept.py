"""Lines of figures that a long benchmark keeps as it finds them, so that the next call goes on where the last one ended."""

import json
from pathlib import Path
from typing import Any

from vton.images import replacing


class Kept:
    """The lines of one file, each an object of JSON; one that a kill cut off is dropped."""

    def __init__(self, place: Path) -> None:
        self.place, self.lines = place, list[dict[str, Any]]()
        before = place.read_text().splitlines(keepends=True) if place.exists() else []
        whole = [line for line in before if line.endswith("\n")]
        with replacing(place) as file:
            file.write("".join(whole).encode())
        self.lines = [json.loads(line) for line in whole]

    def add(self, line: dict[str, Any]) -> None:
        """Keep one more."""
        self.lines.append(line)
        with self.place.open("a") as file:
            file.write(json.dumps(line) + "\n")
