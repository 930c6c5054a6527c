"""The device that is picked: the best one that is here, or the one that is asked for, and no other in its place."""

import pytest
import torch

from vton.devices import DEVICES, pick


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps"), (True, True, "cuda")]
)
def test_the_best_that_is_here_is_picked_and_the_others_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str
) -> None:
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert pick() == pick("auto") == best
    for name, here in {"cpu": True, "cuda": cuda, "mps": mps}.items():
        assert name in DEVICES
        if here:
            assert pick(name) == name
        else:
            with pytest.raises(ValueError, match=f"no device '{name}' here; .*cpu can be used"):
                pick(name)


def test_what_is_no_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=True, mps=False)
    with pytest.raises(ValueError, match="no device 'gpu' here; cuda or cpu can be used"):
        pick("gpu")
