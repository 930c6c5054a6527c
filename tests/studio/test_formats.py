"""The formats' description, the generator, the evaluation and the importer agree."""

import json
import re
import shutil
from pathlib import Path

import pytest

from db import runs
from studio import findings
from studio.importer import import_run
from studio.workspace import Workspace
from vton.doctor.command import main
from vton.evaluate import evaluate
from vton.generate import GenerateConfig, generate
from vton.images import read_json

DESCRIBED = Path(__file__).parents[2] / "data" / "README.md"


def example(heading: str) -> list[dict]:
    """The JSON examples in one section of data/README.md."""
    _, _, section = DESCRIBED.read_text().partition(f"\n## {heading}\n")
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)]


def examples() -> tuple[dict, dict]:
    """The examples of a run folder: config.json and metrics.json."""
    config, metrics = example("A run folder")
    return config, metrics


def test_the_described_files_are_what_is_written(drawn: Path, tmp_path: Path) -> None:
    config, metrics = examples()
    assert generate(GenerateConfig(drawn, warp="geometric", diffusion="none"), tmp_path / "run") == []
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
    generate(GenerateConfig(drawn, warp="geometric", diffusion="none"), run)
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
    generate(GenerateConfig(drawn, warp="geometric", diffusion="none"), tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text('{"format": 1}')
    assert import_run(opened, tmp_path / "run").id


def test_the_described_report_is_what_the_doctor_prints_and_what_is_kept(
    opened: Workspace, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (described,) = example("The doctor's report")
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    next((root / "test" / "cloth-mask").iterdir()).unlink()
    assert main([str(root), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() == described.keys()
    assert printed["findings"][0].keys() == described["findings"][0].keys()
    assert all(counts.keys() == printed["counts"]["test"].keys() for counts in described["counts"].values())
    (tmp_path / "report.json").write_text(json.dumps(described))
    findings.keep(opened, 1, "as it was", tmp_path / "report.json")
    kept = findings.examination(opened, 1)
    assert kept is not None and json.loads(json.dumps(kept.report.to_json())) == described
