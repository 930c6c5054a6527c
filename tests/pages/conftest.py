"""A workspace for the pages: empty, or with a drawn dataset and a run; and the studio as Streamlit's tests run it."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import raters
from db.models import Run
from studio import checkpoints
from studio.importer import add_dataset, import_run
from studio.settings import get_settings
from studio.workspace import Workspace, workspace
from vton.pairs import open_dataset

ENTRY = Path(__file__).parents[2] / "studio" / "app.py"
RATER = "Ada"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An empty workspace, the one that the pages open during the test."""
    monkeypatch.setenv("VTON_STUDIO_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.delenv("VTON_STUDIO_DATABASE_URL", raising=False)
    get_settings.cache_clear()
    made = workspace()
    yield made
    made.database.close()
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint but those that a test puts into its workspace."""
    for name in ("SHIPPED", "SHIPPED_DIFFUSION", "SHIPPED_VAE"):
        monkeypatch.setattr(checkpoints, name, tmp_path / "not-shipped" / name)


@pytest.fixture
def run(opened: Workspace, drawn: Path) -> Run:
    """A run with a result of every listed pair and two metrics, in a workspace that knows its dataset and a rater."""
    dataset = add_dataset(opened, drawn, "Drawn")
    with opened.database.write() as session:
        raters.get_or_add(session, RATER)
    split = open_dataset(drawn).splits["test"]
    folder = opened.settings.runs_dir / "by-hand"
    (folder / "results").mkdir(parents=True)
    for pair in split.pairs:
        shutil.copy(split.need("truth", pair.name), folder / "results" / f"{pair.name}.png")
    (folder / "config.json").write_text(json.dumps({"format": 1, "dataset": {"root": dataset.root, "split": "test"}}))
    whole = {"ssim": {"value": 0.91234, "interval": [0.9, 0.92], "n": len(split.pairs), "higher_is_better": True}}
    metrics = {"format": 1, "metrics": whole, "pairs": {pair.name: {"ssim": 0.9} for pair in split.pairs}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return import_run(opened, folder, "By hand")


@pytest.fixture
def open_page(opened: Workspace) -> Callable[..., AppTest]:
    """Opens a page as a link does: by its name and query parameters; `state` is what the session holds already."""

    def open_it(name: str, state: dict[str, Any] | None = None, **query: str) -> AppTest:
        at = AppTest.from_file(ENTRY, default_timeout=60)
        for key, value in query.items():
            at.query_params[key] = value
        for key, value in (state or {}).items():
            at.session_state[key] = value
        return at.switch_page(f"../pages/{name}.py").run()

    return open_it


@pytest.fixture
def component_data() -> Callable[[AppTest, str], dict[str, Any]]:
    """What a page gave to our component of a name."""

    def data_of(at: AppTest, name: str) -> dict[str, Any]:
        protos = [element.proto for element in at.get("bidi_component")]
        texts = [proto.json for proto in protos if proto.component_name == name]
        assert len(texts) == 1, f"{name} is drawn {len(texts)} times"
        return json.loads(texts[0])

    return data_of


@pytest.fixture
def sentences() -> Callable[[AppTest], str]:
    """All that a page says in words, errors apart; there must be none of those."""

    def say(at: AppTest) -> str:
        assert not at.exception and not at.error, [element.value for element in at.error]
        return " ".join(element.value for element in [*at.markdown, *at.caption])

    return say
