"""The formats' description, the generator, the evaluation and the importer agree."""

import json
import re
from pathlib import Path

from db import runs
from studio.importer import import_run
from studio.workspace import Workspace
from vton.evaluate import evaluate
from vton.generate import GenerateConfig, generate
from vton.images import read_json

DESCRIBED = Path(__file__).parents[2] / "data" / "README.md"


def examples() -> tuple[dict, dict]:
    """The two JSON examples in data/README.md: config.json and metrics.json."""
    config, metrics = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", DESCRIBED.read_text(), re.DOTALL))
    return config, metrics


def test_the_described_files_are_what_is_written(drawn: Path, tmp_path: Path) -> None:
    config, metrics = examples()
    assert generate(GenerateConfig(drawn), tmp_path / "run") == []
    evaluate(tmp_path / "run")
    written = read_json(tmp_path / "run" / "config.json")
    assert written.keys() == config.keys()
    assert all(written[key].keys() == config[key].keys() for key in ("dataset", "pairs", "warp", "diffusion", "flow"))
    measured = read_json(tmp_path / "run" / "metrics.json")
    assert measured.keys() == metrics.keys()
    assert measured["metrics"]["ssim_inside"].keys() == metrics["metrics"]["ssim_inside"].keys()
    assert measured["metrics"]["ssim_inside"]["card"].keys() == metrics["metrics"]["ssim_inside"]["card"].keys()


def test_the_described_files_are_imported(opened: Workspace, drawn: Path, tmp_path: Path) -> None:
    config, metrics = examples()
    run = tmp_path / "run"
    generate(GenerateConfig(drawn), run)
    pair = next((run / "results").iterdir()).stem
    metrics["pairs"] = {pair: {"ssim_inside": 0.7333}}
    (run / "config.json").write_text(json.dumps(config))
    (run / "metrics.json").write_text(json.dumps(metrics))
    row = import_run(opened, run)
    with opened.database.read() as session:
        assert len(runs.results(session, row.id)) == 4
        assert {metric.name: metric.value for metric in runs.metrics(session, row.id)} == {"ssim_inside": 0.7421}
        assert [list(values.values()) for values in runs.result_metrics(session, row.id).values()] == [[0.7333]]


def test_from_elsewhere_a_format_number_is_enough(opened: Workspace, drawn: Path, tmp_path: Path) -> None:
    generate(GenerateConfig(drawn), tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text('{"format": 1}')
    assert import_run(opened, tmp_path / "run").id
