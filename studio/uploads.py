"""People's own photos: kept in the workspace, prepared by the chain as a job, then part of the dataset "My photos"."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from db import datasets
from db.models import Dataset
from studio import checks_file, repairs
from studio.importer import add_dataset
from studio.removal import remove_dataset
from studio.repairs import Item
from studio.workspace import Workspace
from vton.errors import DataError, VtonError
from vton.pairs import MAPS, SUFFIXES, Pair, Split, open_dataset
from vton.preprocess.rembg_mask import SESSIONS

NAME = "My photos"
SPLIT = "test"
PERSON_MAPS = ("keypoints", "densepose", "parse", "agnostic")  # what the chain makes of a person
OWN_KINDS = {"keypoints": "keypoints", "parse": "parse", "cloth_mask": "cloth-mask"}  # kind -> the chain's name for it
PERSON_KINDS = (
    "image",
    "keypoints",
    "openpose_img",
    "densepose",
    "densepose_parts",
    "parse",
    "parse_agnostic",
    "agnostic",
    "agnostic_mask",
)
CLOTH_KINDS = ("cloth", "cloth_mask")


class UploadFault(Exception):
    """Photos that can't be taken; str() is one sentence."""


@dataclass(frozen=True)
class Photo:
    """A file as the browser sent it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Known:
    """A person or garment of a dataset that the studio knows."""

    root: Path
    stem: str
    maps: Mapping[str, str]  # kind -> path relative to `root`, or absolute: a repaired map


@dataclass(frozen=True)
class Upload:
    """A pair of which at least one photo was uploaded."""

    id: str
    folder: Path
    pair: Pair
    only: tuple[str, ...]  # what the chain makes; the rest is taken along

    @property
    def source(self) -> Path:
        """The photos as they came; gone when all is prepared."""
        return self.folder / "source"

    @property
    def out(self) -> Path:
        """The dataset of one pair that the chain makes."""
        return self.folder / "set"

    def stages(self) -> list[dict[str, Any]]:
        """How far each stage of the chain is; nothing before it began."""
        try:
            return list(json.loads((self.out / "stages.json").read_text(encoding="utf-8"))["stages"])
        except (OSError, ValueError, KeyError):
            return []

    def failures(self) -> list[dict[str, str]]:
        """What failed: photo, stage and the sentence."""
        try:
            lines = (self.out / "failures.jsonl").read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return []

    def files(self) -> dict[str, Path]:
        """Kind -> file of all that there is by now: from the chain, the photos until then as they came."""
        found: dict[str, Path] = {}
        for root in (self.source, self.out):
            split = _split_of(root)
            for kind in (*PERSON_KINDS, *CLOTH_KINDS) if split else ():
                path = split.path(kind, self.pair.cloth if kind in CLOTH_KINDS else self.pair.person) if split else None
                if path and (root == self.out or kind in ("image", "cloth")):
                    found[kind] = path
        return found


def _split_of(root: Path) -> Split | None:
    try:
        return open_dataset(root).splits.get(SPLIT)
    except DataError:
        return None


def uploads_dir(workspace: Workspace) -> Path:
    """One folder an upload."""
    return workspace.settings.workspace / "uploads"


def my_photos(workspace: Workspace) -> Path:
    """The dataset of all that was uploaded and prepared."""
    return workspace.settings.workspace / "my-photos"


def add_upload(
    workspace: Workspace, person: Photo | Known, cloth: Photo | Known, own: Mapping[str, Photo] | None = None
) -> Upload:
    """Keep two photos, at least one of them new, with maps of one's own (`own`, by OWN_KINDS). UploadFault in a sentence."""
    own = dict(own or {})
    identity = secrets.token_hex(5)
    folder = uploads_dir(workspace) / identity
    stems = tuple(_stem(workspace, one, kind) for one, kind in ((person, "image"), (cloth, "cloth")))
    upload = Upload(identity, folder, Pair(*stems), _only(person, cloth, own))
    try:
        for one, stem, kinds in ((person, stems[0], PERSON_KINDS), (cloth, stems[1], CLOTH_KINDS)):
            _keep(upload.source, one, stem, kinds)
        for kind, file in own.items():
            _keep_own(upload.source, kind, file, stems[1] if kind in CLOTH_KINDS else stems[0])
        (upload.source / f"{SPLIT}_pairs.txt").write_text(f"{stems[0]}.jpg {stems[1]}.jpg\n")
        told = {"format": 1, "person": stems[0], "cloth": stems[1], "only": list(upload.only)}
        (folder / "upload.json").write_text(json.dumps(told))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return upload


def known(workspace: Workspace, dataset: Dataset, split: str, stem: str, maps: Mapping[str, str]) -> Known:
    """Someone or something of a dataset as an upload takes it along: with the repaired maps.

    Who is in "My photos" keeps the original ones; the repairs of that dataset hold for the new pair as well.
    """
    root = Path(dataset.root)
    if root == my_photos(workspace).resolve():
        return Known(root, stem, maps)
    item = Item(dataset, split, stem, maps, repairs.current(workspace, dataset.id))
    found = {kind: item.path(kind) for kind in {*maps, *repairs.KINDS, *repairs.DERIVED}}
    return Known(root, stem, {kind: str(path) for kind, path in found.items() if path})


def _only(person: Photo | Known, cloth: Photo | Known, own: Mapping[str, Photo]) -> tuple[str, ...]:
    """What has to be made, in the chain's names."""
    given = {OWN_KINDS[kind] for kind in own}
    wanted = [name for name in PERSON_MAPS if isinstance(person, Photo) and name not in given]
    if isinstance(person, Known) and "agnostic_mask" not in person.maps:
        wanted.append("agnostic")
    needs_mask = isinstance(cloth, Photo) or "cloth_mask" not in cloth.maps
    if needs_mask and "cloth-mask" not in given:
        wanted.append("cloth-mask")
    return tuple(wanted) or ("agnostic",)


def _stem(workspace: Workspace, one: Photo | Known, kind: str) -> str:
    """A name that the same photo always gets and no other one has."""
    if isinstance(one, Known) and one.root == my_photos(workspace).resolve():
        return one.stem
    data = one.data if isinstance(one, Photo) else (one.root / one.maps[kind]).read_bytes()
    name = Path(one.name).stem if isinstance(one, Photo) else one.stem
    slug = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:24] or "photo"
    return f"{slug}-{hashlib.sha256(data).hexdigest()[:8]}"


def _keep(source: Path, one: Photo | Known, stem: str, kinds: tuple[str, ...]) -> None:
    if isinstance(one, Known):
        for kind in kinds:
            if kind in one.maps:
                _write(source, kind, stem, one.maps[kind], (one.root / one.maps[kind]).read_bytes())
        return
    file = _write(source, kinds[0], stem, one.name, one.data)
    from vton.preprocess.photos import read_photo  # loads torch: only when a photo was sent

    try:
        read_photo(file)
    except VtonError as error:
        raise UploadFault(str(error).replace(str(file), one.name).replace(file.name, one.name)) from error


def _keep_own(source: Path, kind: str, one: Photo, stem: str) -> None:
    """A map that somebody made elsewhere, if the readers understand it."""
    from vton.conditions import read_keypoints
    from vton.images import read_labels, read_mask

    file = _write(source, kind, stem, one.name, one.data)
    readers: dict[str, Any] = {"keypoints": read_keypoints, "parse": read_labels, "cloth_mask": read_mask}
    try:
        readers[kind](file)
    except VtonError as error:
        raise UploadFault(str(error).replace(str(file), one.name)) from error


def _write(source: Path, kind: str, stem: str, name: str, data: bytes) -> Path:
    ending = ".json" if kind == "keypoints" else Path(name).suffix.lower() or ".jpg"
    file = source / SPLIT / MAPS[kind][0] / f"{stem}{SUFFIXES.get(kind, '')}{ending}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


# What each stage can be made by: (library that must be importable, weights that are needed), the best first.
WAYS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "keypoints": (("densepose", ("keypoint-rcnn",)), ("transformers", ("vitpose", "rt-detr"))),
    "densepose": (("densepose", ("densepose-rcnn",)),),
    "parse": (("transformers", ("segformer",)),),
    "cloth-mask": tuple(("rembg", (session,)) for session in SESSIONS),
}


def lacking() -> dict[str, str]:
    """Name of the stage -> what to type so that it can be made, for every stage that cannot be made on this machine."""
    from vton.preprocess.detectors import INSTALL_DETECTRON2  # loads torch
    from vton.weights import TABLE

    found = {}
    for name, ways in WAYS.items():
        if not any(find_spec(library) and all(TABLE[weight].here for weight in weights) for library, weights in ways):
            library, weights = next((way for way in ways if find_spec(way[0])), ways[0])
            install = INSTALL_DETECTRON2 if library == "densepose" else "pip install -r requirements.txt"
            steps = [] if find_spec(library) else [f"`{install}`"]
            absent = [weight for weight in weights if not TABLE[weight].here]
            steps += [f"`python -m vton.weights --fetch {' '.join(absent)}`"] if absent else []
            found[name] = " and ".join(steps)
    return found


def find_upload(workspace: Workspace, identity: str) -> Upload | None:
    """The upload of this id, None where there is none (any more)."""
    if not re.fullmatch(r"[0-9a-f]{10}", identity):
        return None
    folder = uploads_dir(workspace) / identity
    try:
        told = json.loads((folder / "upload.json").read_text(encoding="utf-8"))
        return Upload(identity, folder, Pair(told["person"], told["cloth"]), tuple(told["only"]))
    except (OSError, ValueError, KeyError):
        return None


def list_uploads(workspace: Workspace) -> list[Upload]:
    """Every upload, the newest first."""
    home = uploads_dir(workspace)
    folders = sorted(home.iterdir(), key=lambda folder: -folder.stat().st_mtime) if home.is_dir() else []
    return [upload for folder in folders if (upload := find_upload(workspace, folder.name))]


def is_taken(upload: Upload) -> bool:
    """Whether the upload is part of "My photos"."""
    return (upload.folder / "taken").exists()


def take_upload(workspace: Workspace, identity: str) -> Dataset:
    """Make a prepared upload part of "My photos", and drop the photos as they came. UploadFault where it is gone."""
    upload = find_upload(workspace, identity)
    if upload is None:
        raise UploadFault(f"The upload {identity} is not there any more.")
    home = my_photos(workspace)
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in sorted((upload.out / SPLIT).rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                _place(file, home / SPLIT / file.relative_to(upload.out / SPLIT))
        (upload.folder / "taken").touch()
        _write_pairs(workspace)
        shutil.rmtree(upload.source, ignore_errors=True)
        dataset = add_dataset(workspace, home, NAME)
        _keep_checks(workspace, dataset, upload)
        return dataset


def _keep_checks(workspace: Workspace, dataset: Dataset, upload: Upload) -> None:
    """Keep what the chain's checks say of a pair; who was repaired in "My photos" before was checked then."""
    try:
        told = dict(json.loads((upload.out / "checks.json").read_text(encoding="utf-8"))["items"])
    except (OSError, ValueError, KeyError):
        return
    before, mended = checks_file.checked(workspace, dataset.id, SPLIT), repairs.repaired_stems(workspace, dataset, SPLIT)
    items = {stem: outcomes for stem, outcomes in told.items() if stem not in mended}
    split = _split_of(my_photos(workspace))
    there = {*split.persons, *split.cloths} if split else set()
    whole = there <= {*items, *(before.order if before else ())}
    checks_file.put_items(workspace, dataset.id, SPLIT, items, dataset.fingerprint if whole else "")


def doubts(workspace: Workspace, dataset: Dataset, upload: Upload) -> list[str]:
    """What the checks find wrong with a pair of "My photos", in sentences; of the person first."""
    seen = checks_file.checked(workspace, dataset.id, SPLIT)
    failed = seen.failed if seen else {}
    return [one.sentence for stem in dict.fromkeys((upload.pair.person, upload.pair.cloth)) for one in failed.get(stem, ())]


def _place(file: Path, target: Path) -> None:
    """A copy that takes its place when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.copyfile(file, unfinished)
    unfinished.replace(target)


def _write_pairs(workspace: Workspace) -> None:
    pairs = dict.fromkeys(upload.pair for upload in list_uploads(workspace) if is_taken(upload))
    lines = "".join(f"{pair.person}.jpg {pair.cloth}.jpg\n" for pair in pairs)
    file = my_photos(workspace) / f"{SPLIT}_pairs.txt"
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    unfinished.write_text(lines)
    unfinished.replace(file)


def remove_upload(workspace: Workspace, upload: Upload) -> None:
    """Delete an upload, and in "My photos" what no other upload shares with it, with all that was repaired of it."""
    leaving = upload.folder.with_name(f".removed-{upload.id}")
    upload.folder.rename(leaving)
    shutil.rmtree(leaving)
    home = my_photos(workspace)
    if not (home / SPLIT).is_dir():
        return
    with workspace.database.read() as session:
        dataset = datasets.by_root(session, str(home.resolve()))
    others = [other.pair for other in list_uploads(workspace)]
    for stem, kept, kinds in (
        (upload.pair.person, {pair.person for pair in others}, PERSON_KINDS),
        (upload.pair.cloth, {pair.cloth for pair in others}, CLOTH_KINDS),
    ):
        if stem in kept:
            continue
        for kind in kinds:
            for file in (home / SPLIT / MAPS[kind][0]).glob(f"{stem}{SUFFIXES.get(kind, '')}.*"):
                file.unlink()
        if dataset:
            repairs.forget(workspace, dataset.id, SPLIT, stem, kinds[0])
    _write_pairs(workspace)
    if dataset and _split_of(home):
        add_dataset(workspace, home, NAME)
    elif dataset:
        remove_dataset(workspace, dataset, with_repairs=True)
