"""The drawn dataset on disk: what each item is, its files, and the pair lists."""

import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vton.errors import DataError
from vton.images import read_json, write_image, write_json, write_labels, write_npz
from vton.labels import DENSEPOSE_PALETTE
from vton.pairs import MAPS, SPLITS, SUFFIXES
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse
from vton.progress import track
from vton.synthetic.body import Person, draw_person
from vton.synthetic.cloth import photograph
from vton.synthetic.garments import Garment, draw_garment
from vton.synthetic.geometry import Frame
from vton.synthetic.render import Rendering, dress
from vton.synthetic.skeleton import draw_skeleton

RECORD = "synthetic.json"  # beside the pair lists: how the set was drawn
DRAWING = 1  # a number of this package's pictures; another one draws other pictures from the same seed
PNG = ("parse", "parse_agnostic", "openpose_img", "agnostic_mask", "truth")
ENDING = {"keypoints": ".json", "flow": ".npz"} | dict.fromkeys(PNG, ".png")
OF_CLOTH, OF_PAIR = ("cloth", "cloth_mask"), ("flow", "truth")
ALONE = 4  # so few items are drawn without further processes
CHUNK = 3  # items that a process draws in a row: each shares a garment with the next


@dataclass(frozen=True)
class SyntheticConfig:
    """What to draw."""

    train: int = 100  # people, each with their own garment
    test: int = 24
    seed: int = 0
    height: int = 256  # pixels
    width: int = 192

    def __post_init__(self) -> None:
        if min(self.train, self.test) < 0:
            raise ValueError(f"the numbers of pairs must be 0 or more, not {self.train} and {self.test}")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"the seed must be 0 or more, not {self.seed}")
        if not (64 <= self.height <= 2048 and 64 <= self.width <= 2048):
            raise ValueError(f"the size must be between 64x64 and 2048x2048, not {self.height}x{self.width}")
        if not 0.5 <= self.height / self.width <= 3:
            raise ValueError(f"the size must be upright or nearly so (height 0.5 to 3 widths), not {self.height}x{self.width}")

    @property
    def frame(self) -> Frame:
        return Frame(self.height, self.width)

    def count(self, split: str) -> int:
        return self.train if split == "train" else self.test


@dataclass(frozen=True)
class Item:
    """One person with two garments, their own and the one to try on."""

    split: str
    index: int
    cloth: int  # of the unpaired line


def items(config: SyntheticConfig) -> list[Item]:
    """What to draw, in the order of the pair lists. Each person's other garment is the next one's own."""
    found = []
    for split in SPLITS:
        count = config.count(split)
        around = max(count, 2)  # a single person gets a second garment that nobody wears
        found += [Item(split, index, (index + 1) % around) for index in range(count)]
    return found


def stem(config: SyntheticConfig, split: str, index: int) -> str:
    """File stem of a person or garment; test goes on counting where train ends."""
    return f"{index + (config.train if split == 'test' else 0):05d}_00"


def person_of(config: SyntheticConfig, split: str, index: int) -> Person:
    return draw_person(_generator(config, split, 0, index))


def garment_of(config: SyntheticConfig, split: str, index: int) -> Garment:
    return draw_garment(_generator(config, split, 1, index))


def _generator(config: SyntheticConfig, split: str, kind: int, index: int) -> np.random.Generator:
    return np.random.default_rng([config.seed, SPLITS.index(split), kind, index])


@functools.lru_cache(maxsize=4)
def _photo(config: SyntheticConfig, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
    return photograph(garment_of(config, split, index), config.frame)


def draw_dataset(config: SyntheticConfig, out: Path, processes: int | None = None) -> None:
    """Write the dataset into `out`; a second call with the same config draws only what is missing.

    DataError where `out` holds something else.
    """
    record = {"format": 1, "drawing": DRAWING, **dataclasses.asdict(config)}
    _claim(out, record)
    todo = [item for item in items(config) if not all(path.exists() for path in _files(config, out, item).values())]
    for _ in track(_draw_all(config, out, todo, processes or os.cpu_count() or 1), len(todo), "drawing"):
        pass
    for split in SPLITS:
        mine = [item for item in items(config) if item.split == split]
        lines = [f"{stem(config, split, item.index)}.jpg {stem(config, split, item.cloth)}.jpg\n" for item in mine]
        (out / f"{split}_pairs.txt").write_text("".join(lines))
        if mine:
            write_json(out / split / "traits.json", _traits(config, mine))


def _claim(out: Path, record: dict[str, Any]) -> None:
    """Make `out` ours, or find that it is."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file; give a folder to write the dataset into.")
    if (out / RECORD).exists():
        found = read_json(out / RECORD)
        if found != record:
            other = sorted(key for key in record if not isinstance(found, dict) or found.get(key) != record[key])
            raise DataError(
                f"{out} holds a dataset drawn with another {', '.join(other)}; choose another folder, or remove it."
            )
    elif out.is_dir() and any(out.iterdir()):
        raise DataError(f"{out} is not empty and no drawn dataset; choose another folder.")
    else:
        write_json(out / RECORD, record)


def _draw_all(config: SyntheticConfig, out: Path, todo: list[Item], processes: int) -> Iterator[None]:
    if len(todo) <= ALONE or processes == 1:
        for item in todo:
            _draw_item(config, out, item)
            yield
        return
    workers = min(processes, (len(todo) + CHUNK - 1) // CHUNK)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker) as pool:
        try:
            yield from pool.map(functools.partial(_draw_item, config, out), todo, chunksize=CHUNK)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _start_worker() -> None:
    """One thread a process; Ctrl-C is the parent's to handle, and no worker outlives it."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _files(config: SyntheticConfig, out: Path, item: Item) -> dict[tuple[str, str], Path]:
    """(kind, stem) -> file of everything that belongs to an item."""
    own, other = stem(config, item.split, item.index), stem(config, item.split, item.cloth)
    stems = {kind: [own] for kind in MAPS} | {kind: [f"{own}__{own}", f"{own}__{other}"] for kind in OF_PAIR}
    if config.count(item.split) == 1:
        stems |= {kind: [own, other] for kind in OF_CLOTH}
    return {
        (kind, name): out / item.split / MAPS[kind][0] / f"{name}{SUFFIXES.get(kind, '')}{ENDING.get(kind, '.jpg')}"
        for kind, names in stems.items()
        for name in names
    }


def _draw_item(config: SyntheticConfig, out: Path, item: Item) -> None:
    files = _files(config, out, item)
    own, other = stem(config, item.split, item.index), stem(config, item.split, item.cloth)
    person = person_of(config, item.split, item.index)
    renderings = {}
    for name, index in ((own, item.index), (other, item.cloth)):
        photo, mask = _photo(config, item.split, index)
        if ("cloth", name) in files:
            write_image(files["cloth", name], photo)
            write_image(files["cloth_mask", name], mask)
        renderings[name] = dress(person, garment_of(config, item.split, index), config.frame, photo)
    _write_person({kind: path for (kind, name), path in files.items() if name == own}, renderings[own])
    for name, rendering in renderings.items():
        write_npz(files["flow", f"{own}__{name}"], flow=rendering.flow, visible=rendering.visible)
        write_image(files["truth", f"{own}__{name}"], rendering.image)


def _write_person(files: dict[str, Path], seen: Rendering) -> None:
    write_image(files["image"], seen.image)
    write_labels(files["parse"], seen.parse)
    write_image(files["densepose"], DENSEPOSE_PALETTE[seen.densepose])
    mask = agnostic_mask(seen.parse, seen.keypoints)
    write_labels(files["parse_agnostic"], erase_parse(seen.parse, mask))
    write_image(files["agnostic"], erase(seen.image, mask))
    write_image(files["agnostic_mask"], mask)
    write_image(files["worn_mask"], seen.visible)
    write_image(files["openpose_img"], draw_skeleton(seen.keypoints, seen.parse.shape))
    numbers = [round(float(number), 3) for number in seen.keypoints.ravel()]
    write_json(files["keypoints"], {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": numbers}]})


def _traits(config: SyntheticConfig, drawn: Iterable[Item]) -> dict[str, dict[str, str]]:
    """What kind of garment each is, and who wears it how: words to filter by."""
    found = {}
    for item in drawn:
        g, p = garment_of(config, item.split, item.index), person_of(config, item.split, item.index)
        arms = f"{p.arms[0].pose}, {p.arms[1].pose}"
        words = {"sleeves": g.sleeves, "neckline": g.neckline, "weave": g.weave, "print": g.print}
        found[stem(config, item.split, item.index)] = words | {"arms": arms, "hair": p.hair_style, "bottom": p.bottom}
    return {name: {key: str(value) for key, value in words.items()} for name, words in found.items()}
