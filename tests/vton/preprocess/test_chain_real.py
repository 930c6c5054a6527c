"""The chain through the real libraries with small random weights: what they find means nothing, but nothing crashes."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from tests import tiny_weights
from vton.pairs import open_dataset
from vton.preprocess.chain import PreprocessConfig, preprocess


def test_photos_pass_through_the_real_libraries(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path / "weights"))
    tiny_weights.save_all(tmp_path / "weights")
    for folder in ("image", "cloth"):
        shutil.copytree(drawn / "test" / folder, tmp_path / "photos" / folder)
    out = tmp_path / "out"
    config = PreprocessConfig(tmp_path / "photos", device="cpu", batch=3)
    failed = preprocess(config, out)
    stages = {stage["name"]: stage for stage in json.loads((out / "stages.json").read_text())["stages"]}
    for name in ("keypoints", "parse", "cloth-mask"):
        assert (stages[name]["state"], stages[name]["made"] + stages[name]["failed"]) == ("done", 4), stages[name]
    if importlib.util.find_spec("densepose") is None:
        assert stages["densepose"]["state"] == "missing" and "detectron2" in stages["densepose"]["note"]
    told = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()] if failed else []
    assert sorted({row["photo"] for row in told}) == failed and all(row["error"].endswith((".", "!")) for row in told)
    split = open_dataset(out).splits["test"]
    assert len(split.maps["parse"]) == stages["parse"]["made"] and len(split.maps["cloth_mask"]) == stages["cloth-mask"]["made"]
    assert preprocess(config, out) == failed, "a second call fails where the first one did"
