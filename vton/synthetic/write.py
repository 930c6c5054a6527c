"""The drawn dataset on disk: what each item is, its files, and the pair lists.

Flow, truth, parse, agnostic mask and skeleton are stored without loss. Photos, garment photos, agnostics, DensePose pictures,
cloth masks and worn masks are JPEGs of quality 95 without chroma subsampling, as VITON-HD's layout has them. Measured at
256x192: a value of a photo is off by 1.4 of 255 in the mean of a picture (tolerance 2) and by 26 at most (tolerance 40), the
nearest DensePose colour names another part in 0.2% of the pixels (tolerance 0.5%), and both masks are exact at their threshold
of 128.
"""

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
from typing import Any, Literal

import cv2
import numpy as np

from vton.errors import DataError
from vton.images import read_json, write_image, write_json, write_labels, write_npz
from vton.labels import DENSEPOSE_PALETTE
from vton.pairs import MAPS, SPLITS, SUFFIXES
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse
from vton.progress import track
from vton.skeleton import draw_skeleton
from vton.synthetic.body import Person, draw_person
from vton.synthetic.cloth import photograph
from vton.synthetic.garments import Garment, draw_garment
from vton.synthetic.geometry import Frame
from vton.synthetic.hardness import Hardness, hardness, summary
from vton.synthetic.noise import Noise
from vton.synthetic.render import Rendering, dress

RECORD = "synthetic.json"  # beside the pair lists: how the set was drawn
MEASURED = "measured"  # the record's part that is known when all is drawn
DRAWING = 3  # a number of this package's pictures; another one draws other pictures from the same seed
PNG = ("parse", "parse_agnostic", "openpose_img", "agnostic_mask", "truth")
ENDING = {"keypoints": ".json", "flow": ".npz"} | dict.fromkeys(PNG, ".png")
NOT_DRAWN = ("densepose_parts",)  # the colours of a drawn set are exact enough
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
    noise: float = 0.0  # 0 to 1: faults planted in the input maps, as detectors make them; never in the truth

    def __post_init__(self) -> None:
        if min(self.train, self.test) < 0:
            raise ValueError(f"the numbers of pairs must be 0 or more, not {self.train} and {self.test}")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"the seed must be 0 or more, not {self.seed}")
        if not (64 <= self.height <= 2048 and 64 <= self.width <= 2048):
            raise ValueError(f"the size must be between 64x64 and 2048x2048, not {self.height}x{self.width}")
        if not 0.5 <= self.height / self.width <= 3:
            raise ValueError(f"the size must be upright or nearly so (height 0.5 to 3 widths), not {self.height}x{self.width}")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"the noise must be between 0 and 1, not {self.noise}")

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


def noise_of(config: SyntheticConfig, split: str, kind: Literal["person", "cloth"], index: int) -> Noise:
    """The faults in the maps of a person or garment."""
    return Noise(config.noise, _generator(config, split, {"person": 2, "cloth": 3}[kind], index), config.frame)


def draw_dataset(config: SyntheticConfig, out: Path, processes: int | None = None) -> dict[str, float]:
    """Write the dataset into `out`; a second call with the same config draws only what is missing.

    Returns how hard its pairs are (`hardness.summary`). DataError where `out` holds something else.
    """
    record = {"format": 1, "drawing": DRAWING, **dataclasses.asdict(config)}
    _claim(out, record)
    todo = items(config)
    drawn = list(track(_draw_all(config, out, todo, processes or os.cpu_count() or 1), len(todo), "drawing"))
    measured = summary([pair for pairs in drawn for pair in pairs])
    write_json(out / RECORD, record | {MEASURED: measured})
    for split in SPLITS:
        mine = [item for item in items(config) if item.split == split]
        lines = [f"{stem(config, split, item.index)}.jpg {stem(config, split, item.cloth)}.jpg\n" for item in mine]
        (out / f"{split}_pairs.txt").write_text("".join(lines))
        if mine:
            write_json(out / split / "traits.json", _traits(config, mine))
    return measured


def _claim(out: Path, record: dict[str, Any]) -> None:
    """Make `out` ours, or find that it is."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file; give a folder to write the dataset into.")
    if (out / RECORD).exists():
        found = read_json(out / RECORD)
        other = sorted(key for key in record if not isinstance(found, dict) or found.get(key) != record[key])
        if other:
            raise DataError(
                f"{out} holds a dataset drawn with another {', '.join(other)}; choose another folder, or remove it."
            )
    elif out.is_dir() and any(out.iterdir()):
        raise DataError(f"{out} is not empty and no drawn dataset; choose another folder.")
    else:
        write_json(out / RECORD, record)


def _draw_all(config: SyntheticConfig, out: Path, todo: list[Item], processes: int) -> Iterator[list[Hardness]]:
    if len(todo) <= ALONE or processes == 1:
        for item in todo:
            yield _item(config, out, item)
        return
    workers = min(processes, (len(todo) + CHUNK - 1) // CHUNK)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker) as pool:
        try:
            yield from pool.map(functools.partial(_item, config, out), todo, chunksize=CHUNK)
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
    stems = {kind: [own] for kind in MAPS if kind not in NOT_DRAWN} | {
        kind: [f"{own}__{own}", f"{own}__{other}"] for kind in OF_PAIR
    }
    if config.count(item.split) == 1:
        stems |= {kind: [own, other] for kind in OF_CLOTH}
    return {
        (kind, name): out / item.split / MAPS[kind][0] / f"{name}{SUFFIXES.get(kind, '')}{ENDING.get(kind, '.jpg')}"
        for kind, names in stems.items()
        for name in names
    }


def _item(config: SyntheticConfig, out: Path, item: Item) -> list[Hardness]:
    """Draw what is not there whole; how hard each of the item's pairs is."""
    files = _files(config, out, item)
    if not all(path.exists() for path in files.values()):
        _draw_item(config, item, files)
    found = []
    for (kind, _), path in files.items():
        if kind == "flow":
            with np.load(path) as stored:
                found.append(hardness(stored["flow"], stored["visible"], stored["worn"]))
    return found


def _draw_item(config: SyntheticConfig, item: Item, files: dict[tuple[str, str], Path]) -> None:
    own, other = stem(config, item.split, item.index), stem(config, item.split, item.cloth)
    person = person_of(config, item.split, item.index)
    renderings = {}
    for name, index in ((own, item.index), (other, item.cloth)):
        photo, mask = _photo(config, item.split, index)
        if ("cloth", name) in files:
            write_image(files["cloth", name], photo)
            seen = noise_of(config, item.split, "cloth", index).mask(mask) if config.noise else mask
            write_image(files["cloth_mask", name], seen)
        renderings[name] = dress(person, garment_of(config, item.split, index), config.frame, photo)
    noise = noise_of(config, item.split, "person", item.index) if config.noise else None
    _write_person({kind: path for (kind, name), path in files.items() if name == own}, renderings[own], noise)
    for name, rendering in renderings.items():
        truth = {"flow": rendering.flow, "visible": rendering.visible, "worn": rendering.worn}
        write_npz(files["flow", f"{own}__{name}"], **truth)
        write_image(files["truth", f"{own}__{name}"], rendering.image)


def _write_person(files: dict[str, Path], seen: Rendering, noise: Noise | None) -> None:
    """The photo, the maps that a detector would make of it (with its faults, where asked for), and what follows from them."""
    parse, densepose, keypoints = seen.parse, seen.densepose, seen.keypoints
    if noise:
        parse, densepose = noise.parse(parse, densepose), noise.densepose(densepose)
        keypoints = noise.keypoints(keypoints)
    write_image(files["image"], seen.image)
    write_labels(files["parse"], parse)
    write_image(files["densepose"], DENSEPOSE_PALETTE[densepose])
    mask = agnostic_mask(parse, keypoints)
    write_labels(files["parse_agnostic"], erase_parse(parse, mask))
    write_image(files["agnostic"], erase(seen.image, mask))
    write_image(files["agnostic_mask"], mask)
    write_image(files["worn_mask"], seen.visible)
    write_image(files["openpose_img"], draw_skeleton(keypoints, parse.shape))
    numbers = [round(float(number), 3) for number in keypoints.ravel()]
    write_json(files["keypoints"], {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": numbers}]})


def _traits(config: SyntheticConfig, drawn: Iterable[Item]) -> dict[str, dict[str, str]]:
    """What kind of garment each is, and who wears it how: words to filter by."""
    found = {}
    for item in drawn:
        g, p = garment_of(config, item.split, item.index), person_of(config, item.split, item.index)
        arms = f"{p.arms[0].pose}, {p.arms[1].pose}"
        words = {"sleeves": g.sleeves, "neckline": g.neckline, "weave": g.weave, "print": g.print}
        found[stem(config, item.split, item.index)] = words | {
            "arms": arms,
            "turned": p.turned,
            "hair": p.hair_style,
            "bottom": p.bottom,
        }
    return {name: {key: str(value) for key, value in words.items()} for name, words in found.items()}
