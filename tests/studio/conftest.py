"""A workspace of its own for each test, and run folders made by hand."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.settings import Settings, get_settings
from studio.workspace import Workspace, workspace

PAIRS = (("00001_00", "00002_00"), ("00002_00", "00003_00"), ("00003_00", "00001_00"))
MakeRun = Callable[..., Path]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace that `workspace()` gives during the test."""
    monkeypatch.setenv("VTON_STUDIO_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.delenv("VTON_STUDIO_DATABASE_URL", raising=False)
    get_settings.cache_clear()
    made = workspace()
    yield made
    made.database.close()
    get_settings.cache_clear()


@pytest.fixture
def settings(opened: Workspace) -> Settings:
    return opened.settings


def paint(file: Path, seed: int, size: tuple[int, int] = (64, 48)) -> None:
    """A picture of (height, width) that no other seed gives."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes a run folder as another team would: a config and pictures, metrics on demand."""

    def make(name: str = "run", metrics: bool = False, data: str = "/sets/small") -> Path:
        folder = tmp_path / "elsewhere" / name
        for seed, (person, cloth) in enumerate(PAIRS):
            paint(folder / "results" / f"{person}__{cloth}.png", seed)
        config = {"format": 1, "dataset": {"root": data, "split": "test"}, "seed": 0}
        (folder / "config.json").write_text(json.dumps(config))
        if metrics:
            card = {"library": "torchmetrics"}
            entry = {"value": 0.9, "interval": [0.8, 0.95], "n": 3, "higher_is_better": True, "card": card}
            pairs = {f"{person}__{cloth}": {"ssim": 0.9} for person, cloth in PAIRS}
            (folder / "metrics.json").write_text(json.dumps({"format": 1, "metrics": {"ssim": entry}, "pairs": pairs}))
        return folder

    return make


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[[], Path]:
    """Makes a small dataset in the VITON-HD layout, photos and garments only."""

    def make() -> Path:
        root = tmp_path / "set"
        for seed, stem in enumerate(("00001_00", "00002_00", "00003_00")):
            paint(root / "test" / "image" / f"{stem}.jpg", seed)
            paint(root / "test" / "cloth" / f"{stem}.jpg", seed + 10)
        (root / "test_pairs.txt").write_text("".join(f"{person}.jpg {cloth}.jpg\n" for person, cloth in PAIRS))
        return root

    return make
