"""The warps that a try-on may be made with: the geometric one, the shipped one, those put into the workspace, trainings'."""

from dataclasses import dataclass, replace
from pathlib import Path

from studio.workspace import Workspace
from vton.checkpoint_info import CONFIG, GEOMETRIC, SHIPPED, WEIGHTS, CheckpointInfo, read_info
from vton.errors import CheckpointError

KINDS = ("warp", "seed warp")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a warp; `info` is None where it cannot be read, and `fault` says why."""

    name: str  # no other has it
    path: Path
    changed_ns: int  # when its weights were written
    info: CheckpointInfo | None
    fault: str = ""

    @property
    def trained_on(self) -> str:
        """One sentence about the network and what it has seen."""
        if self.info is None:
            return self.fault
        size = f"{self.info.size[0]} × {self.info.size[1]}, " if self.info.size else ""
        steps = f" for {self.info.step:,} steps" if self.info.step is not None else ""
        return f"{size}{self.info.parameters / 1e6:.1f} million parameters, trained on {self.info.trained_on}{steps}."


def home(workspace: Workspace) -> Path:
    """The folder that checkpoints are put into, one folder each."""
    return workspace.settings.workspace / "checkpoints"


def list_checkpoints(workspace: Workspace) -> list[Checkpoint]:
    """Every checkpoint of a warp that the studio can find; those of another kind are left out."""
    found: dict[str, Checkpoint] = {}
    for name, folder in _places(workspace):
        one = _read(name, folder)
        if one is not None:
            free = next(word for word in (name, *(f"{name} ({n})" for n in range(2, 1000))) if word not in (*found, GEOMETRIC))
            found[free] = replace(one, name=free)
    return list(found.values())


def _places(workspace: Workspace) -> list[tuple[str, Path]]:
    """Folders that may be checkpoints, with what they are called; no name has a comma, which parts them in an address."""
    own = [(folder.name, folder) for folder in sorted(home(workspace).glob("*"))]
    trained = [(place.parent.name, place) for place in sorted(workspace.settings.runs_dir.glob("*/checkpoint"))]
    places = [("demo", SHIPPED), *own, *trained]
    return [(name.replace(",", " "), folder) for name, folder in places if (folder / CONFIG).is_file()]


def _read(name: str, folder: Path) -> Checkpoint | None:
    try:
        info = read_info(folder)
        changed = (folder / WEIGHTS).stat().st_mtime_ns
    except (CheckpointError, OSError) as error:
        return Checkpoint(name, folder, 0, None, str(error))
    return Checkpoint(name, folder, changed, info) if info.kind in KINDS else None
