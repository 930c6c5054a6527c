"""A folder of 20 photos through the chain, by stage, against loading the models at every call, as demos of try-on do.

The real loading code runs on small random weights in each library's own format: what is compared is how often models are loaded
and asked, not how long networks of the published size compute.
"""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.report import arguments, show, write
from tests import tiny_weights
from vton.images import read_image
from vton.pairs import open_dataset
from vton.preprocess.chain import STAGES, PreprocessConfig, preprocess
from vton.preprocess.detectors import Detectors, open_detectors
from vton.preprocess.layout import WRITERS, owner
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.weights import FOLDER_VARIABLE

ITEMS, SIZE = 20, (256, 192)
CALLS = {"keypoints": 3, "densepose": 1, "parse": 3, "cloth_mask": 1}  # how often each model is loaded and asked for one item
LEAST = 5.0  # how many times faster the chain must be
DEVICE = "cpu"


def make_weights(folder: Path) -> tuple[str, ...]:
    """Small random weights where `vton.weights` looks for them; which detectors can be had with them."""
    tiny_weights.save_all(folder)
    if importlib.util.find_spec("densepose") is None:
        return "keypoints", "parse", "cloth_mask"
    from safetensors.torch import save_file

    from vton.preprocess import detectron

    for name, place in (
        ("keypoint_config", "keypoint_rcnn_R_50_FPN_3x.safetensors"),
        ("densepose_config", "densepose_rcnn_R_50_FPN_s1x.safetensors"),
    ):
        whole = getattr(detectron, name)
        setattr(detectron, name, lambda whole=whole: tiny_weights.tiny_rcnn(whole()))
        save_file(tiny_weights.rcnn_state(getattr(detectron, name)()), folder / place)
    return tuple(CALLS)


def ask(detectors: Detectors, name: str, photo: Any) -> Any:
    """What one detector says about one photo."""
    return getattr(getattr(detectors, name), name)([photo])[0]


def one_by_one(root: Path, names: tuple[str, ...], items: int, out: Path) -> dict[str, float]:
    """Seconds by detector for so many items, each model loaded anew for every call; photos are read and the last answer is
    written as the chain does."""
    split = open_dataset(root).splits["test"]
    seconds = dict.fromkeys(names, 0.0)
    for stem in split.persons[:items]:
        for name in names:
            stage = name.replace("_", "-")
            start = time.perf_counter()
            photo = read_image(split.need(owner(stage), stem))
            for _ in range(CALLS[name]):
                answer = ask(open_detectors([name], DEVICE), name, photo)
            WRITERS[stage](out, "test", stem, answer, photo.shape)
            seconds[name] += time.perf_counter() - start
    return seconds


def in_a_chain(photos: Path, out: Path) -> dict[str, dict[str, Any]]:
    """The chain's own account of a whole run, by stage."""
    quiet = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            preprocess(PreprocessConfig(photos, device=DEVICE), out)
        finally:
            os.dup2(quiet, 2)
            os.close(quiet)
    return {stage["name"]: stage for stage in json.loads((out / STAGES).read_text())["stages"]}


def table(stages: dict[str, dict[str, Any]], slow: dict[str, float]) -> tuple[list[tuple[object, ...]], dict[str, float]]:
    """A row for each stage of the chain, and its seconds an item for each detector of `slow`."""
    rows: list[tuple[object, ...]] = []
    fast = {}
    for name, stage in stages.items():
        if not stage["made"]:
            continue
        title = f"{stage['title']}, {stage['by']}" if stage["by"] else stage["title"]
        item = (stage["load_seconds"] + stage["seconds"]) / stage["made"]
        detector = name.replace("-", "_")
        anew: tuple[object, object] = ("", "")
        if detector in slow:
            fast[detector] = item
            anew = slow[detector], slow[detector] / item
        rows.append((title, stage["made"], stage["load_seconds"], stage["made"] / stage["seconds"], item, *anew))
    return rows, fast


def main() -> int:
    """Measure and show; 1 where the chain is not as much faster as it must be."""
    asked = arguments("preprocess", __doc__ or "")
    slow_items = 5 if asked.quick else ITEMS
    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as scratch:
        root, photos, out, weights = (Path(scratch) / name for name in ("drawn", "photos", "out", "weights"))
        os.environ[FOLDER_VARIABLE] = str(weights)
        names = make_weights(weights)
        draw_dataset(SyntheticConfig(train=0, test=ITEMS, seed=2, height=SIZE[0], width=SIZE[1]), root)
        for folder in ("image", "cloth"):
            shutil.copytree(root / "test" / folder, photos / folder)
        one_by_one(root, names, 1, Path(scratch) / "first")  # what is imported and compiled once counts for neither
        began = time.process_time()
        stages = in_a_chain(photos, out)
        between = time.process_time()
        slow = {
            name: seconds / slow_items for name, seconds in one_by_one(root, names, slow_items, Path(scratch) / "slow").items()
        }
        worked = (between - began) / ITEMS, (time.process_time() - between) / slow_items
    rows, fast = table(stages, slow)
    times = sum(slow.values()) / sum(fast.values())
    rows.append(("all detectors", ITEMS, "", "", sum(fast.values()), sum(slow.values()), times))
    missing = sorted(set(CALLS) - set(names))
    calls = ", ".join(f"{CALLS[name]}x {name.replace('_', ' ')}" for name in names)
    closing = (
        f"The chain is {times:.1f} times as fast as loading at every call ({calls} an item; measured on {slow_items} of the "
        f"{ITEMS} items); the aim is at least {LEAST:.0f} times, which is {'met' if times >= LEAST else 'missed'}."
    )
    if times < LEAST:
        longest = max(names, key=fast.__getitem__)
        gained = slow[longest] / fast[longest]
        closing += f" {longest.replace('_', ' ').capitalize()} takes the chain longest and is {gained:.1f} times as fast there."
    closing += (
        f" Processor time, which other work on the machine lengthens least: {worked[0]:.2f} s an item for the whole chain,"
        f" photos, agnostic maps and checks too, against {worked[1]:.2f} s, {worked[1] / worked[0]:.1f} times."
    )
    if missing:
        closing += f" Not measured, as detectron2 is not installed: {', '.join(missing)}."
    head = ("stage", "n", "load s", "a second", "s an item", "loaded anew", "times")
    command = f"python -m benchmarks.preprocess{' --quick' if asked.quick else ''}"
    show(
        "Preprocessing a folder",
        f"{command}: {ITEMS} persons and garments of {SIZE[0]}x{SIZE[1]}, {DEVICE}",
        head,
        rows,
        closing,
    )
    write(asked.json, {"stages": stages, "one_by_one": slow, "times": times, "processor_seconds": worked})
    return 0 if times >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
