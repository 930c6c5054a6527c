"""Values of several runs are compared where they were measured alike, and marked where not."""

import json
from pathlib import Path

import pytest

from db import runs
from studio.charts import compared
from studio.importer import import_run
from studio.metric_comparison import Measured, differences
from studio.metrics_file import read_left_out
from studio.workspace import Workspace

CARD = {
    "library": "torch-fidelity 0.4.0",
    "size": "512x384",
    "pairs_sha256": "a1",
    "weights_sha256": "b1",
    "subsets": "1 of 24",
}


def measured(run: str, n: int | None = 24, value: float = 9.0, **card: str) -> Measured:
    return Measured(run, value, None, None, n, False, CARD | card)


def test_what_is_measured_alike_may_be_compared() -> None:
    assert differences([measured("a"), measured("b", value=4.0)]) == ["", ""]
    assert differences([]) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (measured("c", n=12, pairs_sha256="a2"), "N 12, not 24"),
        (measured("c", n=None), "N not stated, not 24"),
        (measured("c", size="256x192"), "size 256x192, not 512x384"),
        (measured("c", library="torch-fidelity 0.3.0"), "library torch-fidelity 0.3.0, not torch-fidelity 0.4.0"),
        (measured("c", weights_sha256="b2"), "other weights"),
        (measured("c", pairs_sha256="a2"), "other pairs"),
        (measured("c", n=12, subsets="1 of 12"), "N 12, not 24; subsets 1 of 12, not 1 of 24"),
    ],
)
def test_the_odd_one_out_is_told(other: Measured, said: str) -> None:
    assert differences([other, measured("a"), measured("b")]) == [said, "", ""]


def test_the_plot_marks_what_was_measured_otherwise() -> None:
    rows = [measured("a"), measured("b"), measured("c", n=12)]
    alike, unlike = compared(rows, [not said for said in differences(rows)], "FID").data
    assert list(alike.y) == ["a · N 24", "b · N 24"] and list(unlike.y) == ["c · N 12"]
    assert unlike.marker.symbol == "circle-open" and unlike.showlegend


def test_how_a_number_was_measured_is_stored_with_it(opened: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "results").mkdir(parents=True)
    (folder / "config.json").write_text('{"format": 1}')
    (folder / "failures.jsonl").write_text('{"pair": "a__b", "error": "no person"}\n')
    entry = {"value": 9.25, "interval": None, "n": 24, "higher_is_better": False, "card": CARD}
    left_out = {"lpips": "alexnet is not here"}
    (folder / "metrics.json").write_text(json.dumps({"format": 1, "metrics": {"fid": entry}, "left_out": left_out}))
    run = import_run(opened, folder)
    with opened.database.read() as session:
        (row,) = runs.metrics(session, run.id)
    assert (row.name, row.value, row.n, row.higher_is_better) == ("fid", 9.25, 24, False) and row.card == CARD
    assert read_left_out(folder / "metrics.json") == left_out


@pytest.mark.parametrize("content", [None, "{", "[]", '{"left_out": 3}', '{"format": 1}'])
def test_a_file_that_does_not_say_what_was_left_out_leaves_nothing_out(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    assert read_left_out(tmp_path / "metrics.json") == {}
