"""Trainings: what is checked before one starts, its start as a job, and every training in the runs folder as it is now."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from db import jobs as rows
from db import runs
from db.models import ACTIVE_STATES, Dataset, Job, Run
from studio import jobs, training_plans
from studio.checkpoints import Checkpoint, list_checkpoints, list_diffusions, list_vaes
from studio.importer import ImportFault, read_config
from studio.jobcontrol import stopping
from studio.jobs import JobError
from studio.training_log import TRAIN, VALIDATION, Entry, last, read_log, speed
from studio.training_plans import Plan
from studio.workspace import Workspace
from vton.checkpoint_info import CONFIG, TRAINED
from vton.errors import VtonError
from vton.pairs import Pair, Split, dataset_fingerprint, open_dataset

KINDS = ("warp", "vae", "diffusion")
JOB = "train"  # the kind of the job
ENDING = " training"  # of the kind that a training's config.json names
PUBLISHED_VAE = "Stable Diffusion's"
GRACE_SECONDS = 900  # that a training has from being asked to stop until its checkpoint is written
NEEDED = {  # maps of a person that every training on pairs reads, any one of each line, and what makes them
    "keypoints": ("keypoints",),
    "parse": ("parse",),
    "DensePose": ("densepose", "densepose_parts"),
}


@dataclass(frozen=True)
class Wish:
    """A training that somebody asks for."""

    kind: str
    dataset: Dataset
    preset: str
    name: str = ""  # empty: one of its own
    init: Checkpoint | None = None
    vae: Checkpoint | None = None  # of a diffusion
    warps: tuple[Run, ...] = ()  # of a diffusion; none: the true flow
    settings: tuple[str, ...] = ()  # "field=value" each

    @property
    def plan(self) -> Plan:
        """What it would be. TrainingFault where preset or settings make none."""
        return training_plans.plan(self.kind, self.preset, self.settings)


@dataclass(frozen=True)
class Training:
    """A training in the runs folder as it is now."""

    folder: Path
    kind: str
    root: str  # of the dataset
    preset: str  # empty where it was started by a command line
    steps: int | None  # how many it is to take; None before it has begun
    log: tuple[Entry, ...]
    job: Job | None  # the newest that works on it; None where it was started by a command line

    @property
    def name(self) -> str:
        """What it is called, as is its checkpoint."""
        return self.folder.name

    @property
    def step(self) -> int:
        """How many steps the log has."""
        return self.log[-1].step if self.log else 0

    @property
    def active(self) -> bool:
        """Whether a job of the studio works on it."""
        return self.job is not None and self.job.state in ACTIVE_STATES

    @property
    def state(self) -> str:
        """As jobs are told: queued, running, stopping, done, failed, cancelled, lost; "elsewhere" where no job tells."""
        finished = self.steps is not None and self.step >= self.steps
        if self.job is None:
            return "done" if finished else "elsewhere"
        return "stopping" if stopping(self.job) else self.job.state

    @property
    def going_on(self) -> bool:
        """Whether it may change: a job works on it, or a command line that is not there yet."""
        return self.active or self.state == "elsewhere"

    @property
    def loss(self) -> float | None:
        """The latest."""
        entry = last(self.log, TRAIN)
        return entry.values.get("loss") if entry else None

    @property
    def validation(self) -> Mapping[str, float]:
        """The latest numbers on what was left out."""
        entry = last(self.log, VALIDATION)
        return entry.values if entry else {}

    @property
    def seconds_left(self) -> float | None:
        """By its speed of late; None where it is not going on, or has told no speed."""
        pace, batch = speed(self.log), self.config.get("loop", {}).get("batch")
        if not self.active or not pace or not batch or self.steps is None:
            return None
        return max(0, self.steps - self.step) * float(batch) / pace

    @property
    def config(self) -> Mapping[str, Any]:
        """All that it is made of; empty before it has begun."""
        return _config(self.folder) or {}

    @property
    def checkpoint(self) -> Path | None:
        """The folder of its checkpoint, once there is one."""
        made = self.folder / TRAINED
        return made if (made / CONFIG).is_file() else None


def list_trainings(workspace: Workspace) -> list[Training]:
    """Every training in the runs folder, the newest first."""
    home, known = workspace.settings.runs_dir, _jobs(workspace)
    folders = [folder for folder in home.iterdir() if folder.is_dir() and (folder.name in known or _config(folder))]
    return sorted((_read(folder, known.get(folder.name)) for folder in folders), key=_begun, reverse=True)


def find_training(workspace: Workspace, name: str) -> Training | None:
    """The training of that name."""
    folder, job = workspace.settings.runs_dir / name, _jobs(workspace).get(name)
    if Path(name).name != name or not folder.is_dir() or (job is None and _config(folder) is None):
        return None
    return _read(folder, job)


def _jobs(workspace: Workspace) -> dict[str, Job]:
    """The newest job of every training, states set right."""
    jobs.reconcile(workspace)
    with workspace.database.read() as session:
        return {str(job.after["training"]): job for job in rows.list_kind(session, JOB)}


def _read(folder: Path, job: Job | None) -> Training:
    config = _config(folder) or {}
    options = dict(zip(job.command, job.command[1:], strict=False)) if job else {}
    data, loop = config.get("data"), config.get("loop")
    return Training(
        folder=folder,
        kind=str(config.get("kind", "")).removesuffix(ENDING) or options.get("-m", "").rpartition(".")[2],
        root=str(data.get("root", "")) if isinstance(data, dict) else options.get("--data", ""),
        preset=options.get("--preset", ""),
        steps=loop.get("steps") if isinstance(loop, dict) else None,
        log=read_log(folder),
        job=job,
    )


def _begun(training: Training) -> float:
    place = training.folder / CONFIG
    return (place if place.exists() else training.folder).stat().st_mtime


def _config(folder: Path) -> Mapping[str, Any] | None:
    """The config of a training's run folder; None where the folder is none."""
    place = folder / CONFIG
    try:
        return _config_once(place, place.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _config_once(place: Path, _changed_ns: int) -> Mapping[str, Any] | None:
    try:
        config = read_config(place)
    except ImportFault:
        return None
    return config if str(config.get("kind", "")).endswith(ENDING) else None


def starting_points(workspace: Workspace, kind: str) -> list[Checkpoint]:
    """The checkpoints that a training of a kind may start from."""
    listed = {"warp": list_checkpoints, "vae": list_vaes, "diffusion": list_diffusions}[kind](workspace)
    return [one for one in listed if one.info and one.info.kind == kind]


def usable_vaes(workspace: Workspace) -> list[Checkpoint]:
    """The VAEs that a diffusion may be trained with."""
    published = training_plans.published_vae()
    found = [one for one in list_vaes(workspace) if not one.fault]
    return [*found, *([Checkpoint(PUBLISHED_VAE, published, 0, None)] if published else [])]


def warp_runs(workspace: Workspace, dataset: Dataset) -> list[Run]:
    """The runs over a dataset's train split whose warps a diffusion may be trained with."""
    with workspace.database.read() as session:
        return [run for run in runs.list_all(session) if run.dataset_id == dataset.id and run.split == "train"]


def free_name(workspace: Workspace, wish: Wish) -> str:
    """What a training is called that is given no name."""
    home, stem = workspace.settings.runs_dir, f"{wish.kind}-{wish.preset}"
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if not _taken(home / name))


def folder_of(workspace: Workspace, wish: Wish) -> Path:
    """The run folder that a training would have."""
    name = re.sub(r"[^a-z0-9]+", "-", wish.name.lower()).strip("-")[:60]
    return workspace.settings.runs_dir / (name or free_name(workspace, wish))


def _taken(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def faults(workspace: Workspace, wish: Wish) -> list[str]:
    """Why a training cannot start, a sentence each; none where it can."""
    return list(dict.fromkeys(_faults(workspace, wish)))


def _faults(workspace: Workspace, wish: Wish) -> Iterator[str]:
    folder = folder_of(workspace, wish)
    if wish.name.strip() and not re.search(r"[a-z0-9]", wish.name.lower()):
        yield f"“{wish.name.strip()}” has no letter a-z and no digit; choose a name that has."
    if _taken(folder):
        yield f"There is a {folder.name} among the runs and trainings already; choose another name."
    device = workspace.settings.device
    if device not in training_plans.devices():
        here = " or ".join(training_plans.devices())
        yield f"The studio is set to the device {device}, which is not here; start it with VTON_STUDIO_DEVICE={here}."
    try:
        plan = wish.plan
    except VtonError as error:
        yield str(error)
        return
    yield from _data_faults(wish, plan)
    yield from _init_faults(wish)
    if wish.kind == "diffusion":
        yield from _diffusion_faults(wish)


def _data_faults(wish: Wish, plan: Plan) -> Iterator[str]:
    """What the dataset lacks."""
    name = wish.dataset.name
    try:
        found = training_plans.examples(wish.kind, wish.dataset.root)
    except VtonError as error:
        yield str(error)
        return
    if not found.trained or not found.left_out:
        yield f"The train split of {name} holds {found.trained + found.left_out} examples: too few to leave some out."
    if wish.kind == "vae":
        return
    lacking = _lacking(wish.dataset.root, dataset_fingerprint(Path(wish.dataset.root)))
    for word, stems in lacking.items():
        yield f"The train split of {name} has no {word} of {_amount(stems)}; `python -m vton.preprocess` makes it."
    if not found.drawn and wish.kind == "warp" and plan.config["losses"]["flow"]:
        yield f"{name} has no true flow, and the preset {wish.preset} learns from it: take the preset base, or set flow=0."
    if not found.drawn and wish.kind == "diffusion" and not wish.warps:
        yield f"{name} has no true flow: choose runs over its train split, whose warps stand in for it."


@lru_cache(maxsize=16)
def _lacking(root: str, _fingerprint: str) -> Mapping[str, list[str]]:
    """What pairs of the train split have no file of: word -> stems."""
    split = open_dataset(Path(root)).splits["train"]
    pairs = split.paired()
    found = {word: [pair.person for pair in pairs if not _has(split, kinds, pair)] for word, kinds in NEEDED.items()}
    found["garment mask"] = [pair.cloth for pair in pairs if pair.cloth not in split.maps["cloth_mask"]]
    return {word: stems for word, stems in found.items() if stems}


def _has(split: Split, kinds: Sequence[str], pair: Pair) -> bool:
    return any(pair.person in split.maps[kind] for kind in kinds)


def _amount(stems: Sequence[str]) -> str:
    return stems[0] if len(stems) == 1 else f"{len(stems):,} people, {stems[0]} first"


def _init_faults(wish: Wish) -> Iterator[str]:
    """Why the starting checkpoint does not fit."""
    init = wish.init
    if init is None:
        return
    if init.fault or init.info is None:
        yield init.fault
        return
    if init.info.kind != wish.kind:
        yield f"{init.name} is a {init.info.kind}, and a {wish.kind} is to be trained; choose another starting checkpoint."
        return
    differ = training_plans.differences(wish.kind, wish.preset, wish.settings, init.path)
    if differ:
        told = f"{'; '.join(differ[:3])}{' ...' if len(differ) > 3 else ''}"
        yield f"{init.name} is another network than the preset {wish.preset}: {told}."


def _diffusion_faults(wish: Wish) -> Iterator[str]:
    """Why the VAE or the warps do not serve."""
    vae, init = wish.vae, wish.init
    if vae is None:
        yield "A diffusion is trained on the latents of a VAE: choose one, or train one first."
    elif vae.fault:
        yield vae.fault
    elif init is not None and init.vae is not None and init.vae != vae.path:
        yield f"{init.name} was trained with another VAE than {vae.name}; choose its own ({init.vae.name})."
    for run in wish.warps:
        if run.split != "train" or run.dataset_id != wish.dataset.id:
            yield f"{run.name} is no run over the train split of {wish.dataset.name}; choose another one."
            return
    told = training_plans.warps_fault(tuple(run.folder for run in wish.warps))
    if told:
        yield told


def start(workspace: Workspace, wish: Wish) -> Job:
    """Start a training as a job. JobError where it cannot, in the first of the sentences."""
    found = faults(workspace, wish)
    if found:
        raise JobError(found[0])
    folder = folder_of(workspace, wish)
    folder.mkdir(parents=True, exist_ok=True)
    return _launch(workspace, folder, command_of(workspace, wish, folder))


def command_of(workspace: Workspace, wish: Wish, folder: Path) -> list[str]:
    """The command line of a training; the same one starts it and goes on with it."""
    command = [sys.executable, "-m", f"vton.train.{wish.kind}", "--data", wish.dataset.root, "--preset", wish.preset]
    command += ["--out", str(folder), "--device", workspace.settings.device, "--resume"]
    command += ["--init", str(wish.init.path)] if wish.init else []
    command += ["--vae", str(wish.vae.path)] if wish.vae else []
    command += ["--warps", *(run.folder for run in wish.warps)] if wish.warps else []
    command += ["--set", *wish.settings] if wish.settings else []
    return command


def resume(workspace: Workspace, training: Training) -> Job:
    """Go on with a training where it was stopped. JobError where the studio did not start it, or it is going on."""
    if training.job is None:
        raise JobError(f"{training.name} was started by a command line; the same one with --resume goes on.")
    if training.active:
        raise JobError(f"{training.name} is going on already.")
    return _launch(workspace, training.folder, training.job.command)


def _launch(workspace: Workspace, folder: Path, command: Sequence[str]) -> Job:
    after = {"training": folder.name, "grace": GRACE_SECONDS}
    return jobs.start(workspace, JOB, f"Train {folder.name}", command, after)


def estimate(known: Sequence[Training], wish: Wish) -> tuple[float, str] | None:
    """About how many seconds a training would take, by the speed of the newest one of the same network, and that one's name;
    None where there was none."""
    plan = wish.plan
    for training in known:
        config, pace = training.config, speed(training.log)
        same = training.kind == wish.kind and config.get("network") == plan.config["network"]
        if same and pace and config["loop"].get("precision") == plan.config["loop"]["precision"]:
            return plan.config["loop"]["steps"] * plan.config["loop"]["batch"] / pace, training.name
    return None
