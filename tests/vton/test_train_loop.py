"""The training loop, on a problem of one line: what goes on from a stop is what would have been."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from vton.errors import CheckpointError
from vton.train.loop import LOG, STATE, Draw, LoopConfig, Order, lot, open_accelerator, rate_at, train, update_average, usable

CONFIG = LoopConfig(
    steps=12, batch=4, rate=0.02, warmup=3, ema=0.5, validate_every=6, save_every=4, log_every=1, seed=5, workers=0
)


@dataclass
class Points:
    """A batch of points and what a line gives at them."""

    x: Tensor
    y: Tensor

    def to(self, device: torch.device) -> "Points":
        return Points(self.x.to(device), self.y.to(device))


class Line(Dataset[Points]):
    """Ten points, noisy anew each time they are drawn."""

    def __getitem__(self, draw: Draw) -> Points:
        noise = 0.01 * torch.randn(1, generator=lot(1, draw.number))
        return Points(torch.tensor([[draw.index / 10, 1.0]]), torch.tensor([[2 * draw.index / 10 - 1]]) + noise)


def joined(points: list[Points]) -> Points:
    return Points(torch.cat([p.x for p in points]), torch.cat([p.y for p in points]))


class Run:
    """One call of the loop, and what it was told."""

    def __init__(self, out: Path, config: LoopConfig = CONFIG, resume: bool = False, kill_at: int | None = None) -> None:
        self.kept: list[int] = []
        self.seen: list[Tensor] = []
        torch.manual_seed(0)
        self.network = nn.Linear(2, 1)

        def losses(model: nn.Module, batch: Points) -> dict[str, Tensor]:
            self.seen.append(batch.y)
            if kill_at is not None and len(self.seen) == kill_at:
                os.kill(os.getpid(), signal.SIGTERM)
            return {"square": (model(batch.x) - batch.y).square().mean()}

        def validate(average: nn.Linear, step: int) -> dict[str, float]:
            return {"slope": float(average.weight[0, 0])}

        def keep(average: nn.Linear, step: int) -> None:
            self.kept.append(step)

        self.done = train(
            self.network, Line(), 10, joined, losses, validate, keep, config, out, device="cpu", resume=resume
        )  # fmt: skip


def lines(out: Path, kind: str) -> list[dict]:
    return [line for line in map(json.loads, (out / LOG).read_text().splitlines()) if line["kind"] == kind]


def test_a_stopped_training_goes_on_with_the_same_next_loss(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole")
    stopped = Run(tmp_path / "parts", kill_at=6)
    assert whole.done and not stopped.done and stopped.kept[-1] == 6
    resumed = Run(tmp_path / "parts", resume=True)
    assert resumed.done and len(resumed.seen) == 6
    assert all(torch.equal(a, b) for a, b in zip(whole.seen[6:], resumed.seen, strict=True))
    assert lines(tmp_path / "whole", "train") == lines(tmp_path / "parts", "train")
    assert lines(tmp_path / "whole", "validation") == lines(tmp_path / "parts", "validation")
    assert torch.equal(whole.network.weight, resumed.network.weight)


def test_a_killed_training_goes_on_from_its_last_state(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole")
    Run(tmp_path / "killed", kill_at=6)
    state = (tmp_path / "killed" / STATE).read_bytes()
    Run(tmp_path / "killed", resume=True)
    (tmp_path / "killed" / STATE).write_bytes(state)  # as if it had died before it saved again: the log is ahead of the state
    with (tmp_path / "killed" / LOG).open("a") as file:
        file.write('{"step": 12, "ki')
    Run(tmp_path / "killed", resume=True)
    assert lines(tmp_path / "killed", "train") == lines(tmp_path / "whole", "train")
    assert whole.kept == [4, 8, 12]


def test_the_handlers_of_signals_come_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    Run(tmp_path, kill_at=2)
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_epoch_shows_everything_once_and_processes_share_each_step() -> None:
    config = LoopConfig(steps=10, batch=4, seed=9)
    whole = [draw for draws in Order(20, config, 0) for draw in draws]
    assert sorted(draw.index for draw in whole[:20]) == sorted(draw.index for draw in whole[20:]) == list(range(20))
    assert whole[:20] != [Draw(draw.index, draw.number - 20) for draw in whole[20:]]
    shares = [list(Order(20, config, 3, rank, 2)) for rank in (0, 1)]
    both = [sorted(a + b, key=lambda draw: draw.number) for a, b in zip(*shares, strict=True)]
    assert [draw for draws in both for draw in draws] == whole[12:]


def test_the_rate_rises_and_falls_to_nothing() -> None:
    config = LoopConfig(steps=100, rate=0.5, warmup=10)
    rates = [rate_at(step, config) for step in range(101)]
    assert rates[9] == rates[10] == max(rates) == 0.5
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True) and rates[-1] == 0


def test_the_average_moves_by_its_share() -> None:
    average, network = nn.Linear(2, 1), nn.Linear(2, 1)
    before = average.weight.clone()
    update_average(average, network, 0.75)
    assert torch.allclose(average.weight, 0.75 * before + 0.25 * network.weight)


def test_a_loss_that_is_no_number_ends_the_training_with_a_sentence(tmp_path: Path) -> None:
    network = nn.Linear(2, 1)
    with pytest.raises(ValueError, match="no number at step 1"):
        train(
            network, Line(), 10, joined, lambda model, batch: {"bad": model(batch.x).sum() / 0}, lambda *_: {}, lambda *_: None,
            CONFIG, tmp_path, "cpu",
        )  # fmt: skip


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    Run(tmp_path)
    with pytest.raises(CheckpointError, match="does not fit"):
        train(nn.Linear(3, 1), Line(), 10, joined, *[lambda *_: {}] * 3, CONFIG, tmp_path, "cpu", resume=True)


@pytest.mark.parametrize("likes", [True, False])
def test_bf16_is_used_only_where_the_device_computes_in_it(likes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vton.train.loop.likes_bf16", lambda device: likes)
    assert usable("bf16", "cpu") == ("bf16" if likes else "no") and usable("no", "cpu") == "no"


def test_trainings_of_one_process_may_differ_in_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vton.train.loop.likes_bf16", lambda device: True)
    for precision in ("no", "bf16", "bf16", "no"):
        assert open_accelerator("cpu", precision).mixed_precision == precision


@pytest.mark.parametrize("change", [{"steps": 0}, {"ema": 1.0}, {"rate": 0.0}, {"precision": "half"}, {"workers": -1}])
def test_settings_that_cannot_be_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        LoopConfig(**({"steps": 5} | change))
