"""What several packages' tests share: a drawn dataset of a few pairs, and where real samples lie."""

import os
from pathlib import Path

import pytest

from vton.synthetic import SyntheticConfig, draw_dataset

SAMPLES = Path(__file__).parents[2] / "shared" / "viton-hd-samples"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what two workers must not do at once: a file is one worker's, and so are all browsers, and the one PostgreSQL."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder in ("browser", "db") else item.path.stem))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn dataset of four test pairs, 256x192."""
    root = tmp_path_factory.mktemp("drawn") / "set"
    draw_dataset(SyntheticConfig(train=0, test=4, seed=7), root, processes=1)
    return root


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder with real VITON-HD pictures, which is not part of the project."""
    if not SAMPLES.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SAMPLES} is missing, and CI needs it.")
        pytest.skip(f"no real VITON-HD pictures in {SAMPLES}")
    return SAMPLES
