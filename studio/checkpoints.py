"""The warps and diffusions that a try-on may be made with: the shipped ones, those put into the workspace, trainings'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from studio.workspace import Workspace
from vton.checkpoint_info import (
    CONFIG,
    GEOMETRIC,
    NONE,
    SHIPPED,
    SHIPPED_DIFFUSION,
    SHIPPED_NAME,
    SHIPPED_VAE,
    WEIGHTS,
    CheckpointInfo,
    hash_weights,
    kind_of,
    read_info,
    vae_weights,
)
from vton.errors import CheckpointError
from vton.pairs import MAPS

WARPS, DIFFUSIONS = ("warp", "seed warp", ""), ("diffusion",)  # kinds; what cannot be told counts as a warp


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a warp or a diffusion; `info` is None where it cannot be read. `fault` says why it cannot be used."""

    name: str  # no other has it
    path: Path
    changed_ns: int  # when its weights were written
    info: CheckpointInfo | None
    fault: str = ""
    vae: Path | None = None  # of a diffusion, the VAE that it was trained with

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
    return _list(workspace, WARPS)


def list_diffusions(workspace: Workspace) -> list[Checkpoint]:
    """Every checkpoint of a diffusion that the studio can find, each with its VAE, or with a fault where that is not here."""
    found = _list(workspace, DIFFUSIONS)
    vaes = _vaes(workspace) if found else {}
    return [_with_vae(one, vaes, home(workspace)) for one in found]


def list_vaes(workspace: Workspace) -> list[Checkpoint]:
    """Every VAE that the studio can find; one that diffusers saved has no info, and no fault where its weights are here."""
    found = _list(workspace, ("vae",))
    return [replace(one, fault="") if one.info is None and _hash(one.path) else one for one in found]


def default_of(known: Sequence[Checkpoint], drawn: bool) -> Checkpoint | None:
    """The checkpoint that is taken where nobody chose one: the shipped one on a drawn set, where it can be used."""
    shipped = (one for one in known if one.path in (SHIPPED, SHIPPED_DIFFUSION) and not one.fault)
    return next(shipped, None) if drawn else None


def is_drawn(root: str, split: str) -> bool:
    """Whether a split of a dataset has true flows, as only drawn people have."""
    return (Path(root) / split / MAPS["flow"][0]).is_dir()


def _list(workspace: Workspace, kinds: tuple[str, ...]) -> list[Checkpoint]:
    found: dict[str, Checkpoint] = {}
    for name, folder in _places(workspace):
        if kind_of(folder) not in kinds:
            continue
        taken = (*found, GEOMETRIC, NONE)
        free = next(word for word in (name, *(f"{name} ({n})" for n in range(2, 1000))) if word not in taken)
        found[free] = replace(_read(folder), name=free)
    return list(found.values())


def _places(workspace: Workspace) -> list[tuple[str, Path]]:
    """Folders that may be checkpoints, with what they are called; no name has a comma, which parts them in an address."""
    own = [(folder.name, folder) for folder in sorted(home(workspace).glob("*"))]
    trained = [(place.parent.name, place) for place in sorted(workspace.settings.runs_dir.glob("*/checkpoint"))]
    shipped = [(SHIPPED_NAME, folder) for folder in (SHIPPED, SHIPPED_DIFFUSION, SHIPPED_VAE)]
    return [(name.replace(",", " "), folder) for name, folder in [*shipped, *own, *trained] if (folder / CONFIG).is_file()]


def _read(folder: Path) -> Checkpoint:
    try:
        info = read_info(folder)
        changed = (folder / WEIGHTS).stat().st_mtime_ns
    except (CheckpointError, OSError) as error:
        return Checkpoint("", folder, 0, None, str(error))
    return Checkpoint("", folder, changed, info)


def _vaes(workspace: Workspace) -> dict[str, Path]:
    """The VAEs that are known, by the sha256 of their weights."""
    folders = [folder for _, folder in _places(workspace) if kind_of(folder) == "vae"]
    return {sha256: folder for folder in reversed(folders) if (sha256 := _hash(folder))}


def _hash(folder: Path) -> str:
    """The sha256 of a VAE's weights, "" where they cannot be read."""
    place = vae_weights(folder)
    try:
        return _hash_once(place, place.stat().st_mtime_ns)
    except (CheckpointError, OSError):
        return ""


@lru_cache(maxsize=64)
def _hash_once(place: Path, _changed_ns: int) -> str:
    return hash_weights(place)


def _with_vae(diffusion: Checkpoint, vaes: Mapping[str, Path], home: Path) -> Checkpoint:
    """The diffusion with its VAE, or with the sentence that says what it lacks."""
    if diffusion.info is None:
        return diffusion
    if diffusion.info.sampling is None or not diffusion.info.vae:
        return replace(diffusion, fault=f"{diffusion.path / CONFIG} does not say what sampling and VAE it is for.")
    wanted = diffusion.info.vae
    vae = vaes.get(wanted) or _published(wanted)
    if vae is None:
        lacks = f"{diffusion.name} needs the VAE that it was trained with ({wanted[:12]}), which is not here"
        return replace(diffusion, fault=f"{lacks}; put its folder into {home}.")
    return replace(diffusion, vae=vae)


def _published(wanted: str) -> Path | None:
    """Stable Diffusion's VAE in the weights folder, where that is the one wanted."""
    from vton.weights import TABLE, weights_dir  # loads torch: only where no other VAE fits

    folder = weights_dir() / TABLE["vae"].place
    return folder if _hash(folder) == wanted else None
