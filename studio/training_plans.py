"""What a training would be, asked of a process of its own that may load torch: its config, its size, its examples, faults."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from studio.inference_process import end_with
from vton.checkpoint_info import checkpoint_in, read_config
from vton.errors import VtonError
from vton.pairs import dataset_fingerprint

if TYPE_CHECKING:
    from torch import nn

IDLE_SECONDS = 120.0  # after which the process, some hundred megabytes, is given back

P = ParamSpec("P")
T = TypeVar("T")


class TrainingFault(VtonError):
    """Why a training cannot begin, in one sentence."""


@dataclass(frozen=True)
class Plan:
    """A training that can be: its whole config as JSON has it, and how many parameters its network has."""

    config: Mapping[str, Any]  # by part of the preset: network, loop, losses ...
    parameters: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that the network sees."""
        return self.config["network"]["height"], self.config["network"]["width"]


@dataclass(frozen=True)
class Examples:
    """How many examples a dataset has for a training, and how many of all are left out to measure by."""

    trained: int
    left_out: int
    drawn: bool  # with the true flow


@lru_cache
def presets(kind: str) -> dict[str, Plan]:
    """The presets of a kind of training by name, the smallest first."""
    return _asked(_presets, kind)


@lru_cache
def plan(kind: str, preset: str, settings: tuple[str, ...]) -> Plan:
    """The plan of a preset with fields set by "name=value" each. TrainingFault where there is no such preset or setting."""
    return _asked(_plan, kind, preset, settings)


def examples(kind: str, root: str) -> Examples:
    """The examples in a dataset's train split. DataError where it has none."""
    return _examples_once(kind, root, dataset_fingerprint(Path(root)))


@lru_cache
def _examples_once(kind: str, root: str, _fingerprint: str) -> Examples:
    return _asked(_examples, kind, root)


@lru_cache
def devices() -> tuple[str, ...]:
    """The devices that a training can compute on."""
    return _asked(_devices)


def published_vae() -> Path | None:
    """Stable Diffusion's VAE in the weights folder, where it is by now."""
    place, files = _published_once()
    return place if all(file.is_file() for file in files) else None


@lru_cache
def _published_once() -> tuple[Path, tuple[Path, ...]]:
    return _asked(_published)


def differences(kind: str, preset: str, settings: tuple[str, ...], folder: Path) -> list[str]:
    """Where a checkpoint is another network than a plan asks for, as "finest is 1 in it, not 0". CheckpointError where it is
    none."""
    return _asked(_differences, kind, preset, settings, str(folder))


def warps_fault(folders: tuple[str, ...]) -> str:
    """Why a diffusion cannot be trained with the warps in runs over a train split, empty where it can."""
    return _asked(_warps_fault, folders) if folders else ""


_pool: ProcessPoolExecutor | None = None
_timer: threading.Timer | None = None
_lock = threading.Lock()


def _asked(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What `work` gives in the process; once more in a new one when that died."""
    global _pool, _timer
    for _ in range(2):
        with _lock:
            if _timer is not None:
                _timer.cancel()
            if _pool is None:
                context = multiprocessing.get_context("spawn")
                _pool = ProcessPoolExecutor(1, context, initializer=end_with, initargs=(os.getpid(),))
            future = _pool.submit(work, *arguments, **named)
            _timer = threading.Timer(IDLE_SECONDS, free)
            _timer.daemon = True
            _timer.start()
        try:
            return future.result()
        except BrokenProcessPool:
            free()
    raise TrainingFault("The process that looks trainings over ended twice; is there enough memory?")


def free() -> None:
    """Give the process back; the next question starts a new one."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown(wait=False)


def _table(kind: str) -> Mapping[str, Any]:
    from vton import presets

    tables: dict[str, Mapping[str, Any]] = {"warp": presets.WARP, "vae": presets.VAE, "diffusion": presets.DIFFUSION}
    return tables[kind]


def _network(kind: str) -> "Callable[[Any], nn.Module]":
    if kind == "warp":
        from vton.networks.warp import WarpNetwork

        return WarpNetwork
    if kind == "vae":
        from vton.networks.vae import Vae

        return Vae
    from vton.networks.unet import Unet

    return Unet


def _presets(kind: str) -> dict[str, Plan]:
    return {name: _planned(kind, preset) for name, preset in _table(kind).items()}


def _set(kind: str, preset: str, settings: tuple[str, ...]) -> Any:
    from vton.presets import with_settings

    known = _table(kind)
    if preset not in known:
        raise TrainingFault(f"There is no preset {preset!r} of a {kind}; {', '.join(known)} are known.")
    try:
        return with_settings(known[preset], settings)
    except ValueError as error:
        raise TrainingFault(f"{error}.") from error


def _plan(kind: str, preset: str, settings: tuple[str, ...]) -> Plan:
    made = _set(kind, preset, settings)
    try:
        return _planned(kind, made)
    except (ValueError, RuntimeError) as error:
        raise TrainingFault(f"No network can be built with these settings: {error}.") from error


def _planned(kind: str, preset: Any) -> Plan:
    """The plan of a preset; the network is built without memory for its weights."""
    import torch

    from vton.train.run_folder import as_json

    with torch.device("meta"):
        network = _network(kind)(preset.network)
    return Plan(as_json(preset), sum(weights.numel() for weights in network.parameters()))


def _examples(kind: str, root: str) -> Examples:
    from vton.dataset import left_out_fold, split_fold
    from vton.pairs import open_dataset
    from vton.train.vae import pictures_of

    split = open_dataset(Path(root)).splits.get("train")
    if split is None:
        raise TrainingFault(f"{Path(root).name} has no train split, and a training needs one.")
    if kind == "vae":
        cut: tuple[list[Any], list[Any]] = pictures_of(split)
    else:
        cut = split_fold(split, *left_out_fold(split, None))
    return Examples(len(cut[0]), len(cut[1]), bool(split.maps["flow"]))


def _warps_fault(folders: tuple[str, ...]) -> str:
    from vton.train.wearing import open_warps

    try:
        open_warps([Path(folder) for folder in folders], "train")
    except VtonError as error:
        return str(error)
    return ""


def _devices() -> tuple[str, ...]:
    from vton.devices import DEVICES, pick

    found = []
    for name in DEVICES:
        try:
            pick(name)
        except ValueError:
            continue
        found.append(name)
    return tuple(found)


def _published() -> tuple[Path, tuple[Path, ...]]:
    """Where Stable Diffusion's VAE would lie, and its files."""
    from vton.weights import TABLE, weights_dir

    return weights_dir() / TABLE["vae"].place, tuple(TABLE["vae"].paths)


def _differences(kind: str, preset: str, settings: tuple[str, ...], folder: str) -> list[str]:
    stored, made = read_config(checkpoint_in(Path(folder))), _set(kind, preset, settings)
    found = _differ(made.network, stored["network"])
    return found + (_differ(made.diffusion, stored["trained"].get("diffusion", {})) if kind == "diffusion" else [])


def _differ(config: Any, found: Mapping[str, Any]) -> list[str]:
    """The fields of a config that are stored otherwise; one that is not stored is as it is by default."""
    from vton.train.run_folder import as_json

    asked = as_json(config)
    stored = {field.name: found.get(field.name, field.default) for field in fields(config)}
    stored = {name: list(value) if isinstance(value, tuple) else value for name, value in stored.items()}
    return [f"{name} is {stored[name]} in it, not {asked[name]}" for name in asked if stored[name] != asked[name]]
