"""Runs beside each other: table and plot, with a mark where they were not measured alike."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from db.models import Run
from studio.importer import import_run
from studio.workspace import Workspace


def add(opened: Workspace, run: Run, name: str, value: float, size: str) -> None:
    folder = Path(shutil.copytree(run.folder, opened.settings.runs_dir / name))
    card = {"library": "torchmetrics 1.9.0", "size": size, "caution": "few pictures"}
    entry = {"value": value, "interval": [value - 1, value + 1], "n": 4, "higher_is_better": False, "card": card}
    table = {"format": 1, "metrics": {"fid": entry}, "left_out": {"lpips": "The weights alexnet are not here."}}
    (folder / "metrics.json").write_text(json.dumps(table))
    import_run(opened, folder, name)


def test_runs_are_compared_and_marked(run: Run, opened: Workspace, open_page: Callable[..., AppTest]) -> None:
    assert not open_page("runs").multiselect, "one run is compared with nothing"
    for name, value, size in (("First", 20.0, "256x192"), ("Second", 10.0, "256x192"), ("Third", 5.0, "512x384")):
        add(opened, run, name, value, size)
    at = open_page("runs")
    table = at.dataframe[1].value
    assert dict(zip(table["Run"], table["Comparable"], strict=True)) == {
        "First": "yes", "Second": "yes", "Third": "no: size 512x384, not 256x192",
    }  # fmt: skip
    assert set(table["N"]) == {4} and set(table["Library"]) == {"torchmetrics 1.9.0"}
    assert any("marked" in one.value for one in at.warning)
    at.multiselect("compared_runs").set_value(["First", "Second"]).run()
    assert at.dataframe[1].value["Comparable"].tolist() == ["yes", "yes"] and not at.warning
    row = open_page("runs", open="Third")
    assert row.dataframe[0].value.iloc[0]["Size"] == "512x384" and row.dataframe[0].value.iloc[0]["Note"] == "few pictures"
    assert any("Not measured: LPIPS" in one.value for one in row.caption)
