"""The ablation: every training differs from the full one by what it is named for, and a table that was stopped goes on."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from benchmarks import ablation
from benchmarks.try_ons import Bench
from tests.tiny_diffusion import save_tiny
from vton.checkpoint import save_warp
from vton.images import read_json
from vton.networks.warp import WarpNetwork
from vton.presets import WARP
from vton.train.losses import WarpWeights


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command on few people and tiny networks; the folder that it keeps what it finds in."""
    diffusion, vae = save_tiny(tmp_path)
    torch.manual_seed(0)
    save_warp(
        tmp_path / "a-warp", WarpNetwork(WARP["tiny"].network), {"step": 1, "losses": asdict(WarpWeights(flow=1.0, mask=6.0))}
    )
    for name, value in {"PRESET": "tiny", "PEOPLE": 3, "PAIRS": 2, "WARP_STEPS": 2}.items():
        monkeypatch.setattr(ablation, name, value)
    told = ["--steps", "4", "--diffusion", str(diffusion), "--vae", str(vae), "--warp", str(tmp_path / "a-warp")]
    told += ["--keep", str(tmp_path / "keep")]
    monkeypatch.setattr(sys, "argv", ["ablation", *told, "--json", str(tmp_path / "figures.json")])
    return tmp_path / "keep"


def test_each_training_lacks_what_it_is_named_for_and_a_stopped_table_goes_on(
    called: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Bench.sampled
    sampled: dict[str, dict] = {}

    def stopped(self: Bench, name: str, ways: dict, pairs: list) -> dict:
        if name == "without cross-attention" and name not in sampled:
            sampled[name] = {}
            raise KeyboardInterrupt
        sampled[name] = {way: sampling.guidance for way, sampling in ways.items()}
        return whole(self, name, ways, pairs)

    monkeypatch.setattr(Bench, "sampled", stopped)
    with pytest.raises(KeyboardInterrupt):
        ablation.main()
    before = {file: file.read_bytes() for file in called.glob("*/log.jsonl")}
    assert len(before) == 4, "the warp's training and three of the diffusion's"
    ablation.main()
    assert all(file.read_bytes() == content for file, content in before.items()), "no step was taken twice"

    names = list(ablation.VARIANTS)
    made = {name: read_json(called / name / "config.json") for name in names}
    full = made[ablation.FULL]
    changed = [{part for part in full if made[name].get(part) != full[part]} for name in names]
    assert changed == [set(), {"losses", "features"}, {"vary"}, {"vary"}, {"warps", "data"}]
    assert made[names[1]]["losses"]["perceptual"] == made[names[1]]["losses"]["pixels"] == 0
    assert (made[names[2]]["vary"]["drop"], made[names[3]]["vary"]["drop"]) == (1, 0)
    assert sampled[names[0]] == {"full": 1.5, "full, sampled without guidance": 1.0}
    assert sampled[names[2]] == {names[2]: 0.0} and sampled[names[3]] == {names[3]: 1.0}

    written = json.loads((tmp_path / "figures.json").read_text())
    figures, away = written["figures"], written["psnr_inside against full"]
    assert away.keys() == set(names[1:])
    for name, (mean, _, _) in away.items():
        assert mean == pytest.approx(figures[name]["psnr_inside"][0] - figures[ablation.FULL]["psnr_inside"][0])
    assert all(Path(training["init"]).name == "small" for training in made.values()), "none begins anew"
    assert read_json(called / "warp" / "config.json")["losses"]["mask"] == 6.0, "the warp learns as it did before"
    assert full["loop"]["warmup"] < full["loop"]["steps"], "the rate reaches its height"
    assert set(figures) == {*names, "full, sampled without guidance"}
    assert all(values["psnr_inside"][0] > 0 for values in figures.values())
    said = capsys.readouterr().out
    assert all(name in said for name in names) and "against the full training's" in said
