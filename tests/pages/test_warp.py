"""The Warp page: what it shows of a pair, what it says where something is missing, and that an address brings it back."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from db import datasets
from db.models import Dataset, Run
from studio import warp_looks
from studio.checkpoints import home
from studio.inference import TryOnError, look_at_warp
from studio.workspace import Workspace
from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.pairs import Pair
from vton.presets import WARP

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]
Data = Callable[[AppTest, str], dict[str, Any]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The worker's work is done in this process; what is given back are the warps that it was asked for."""
    asked: list[str] = []

    class Worker:
        def look(self, dataset: Dataset, split: str, pair: Pair, warp: str, out: Path) -> "Future[None]":
            asked.append(f"{pair.name} {Path(warp).name}")
            made: Future[None] = Future()
            fault = look_at_warp(dataset.root, split, pair.person, pair.cloth, warp, str(out), "")
            made.set_exception(TryOnError(fault)) if fault else made.set_result(None)
            return made

    monkeypatch.setattr(warp_looks, "try_on_worker", lambda _workspace: Worker())
    monkeypatch.setattr("studio.checkpoints.SHIPPED", tmp_path / "not-shipped")
    return asked


def put(workspace: Workspace, name: str, flow: float) -> None:
    """A checkpoint of a network that was never trained, said to be trained on drawn pictures where `flow` is not 0."""
    torch.manual_seed(2)
    trained = {"step": 3, "data": {"root": "/sets/some", "pairs": 10}, "losses": {"flow": flow}}
    save_warp(home(workspace) / name, WarpNetwork(WARP["tiny"].network), trained)


def pairs_of(workspace: Workspace, paired: bool = False) -> list[tuple[str, str]]:
    with workspace.database.read() as session:
        return datasets.page_pairs(session, datasets.list_all(session)[0].id, "test", paired)


def test_the_first_pair_is_shown_under_the_truth_and_the_geometric_warp(
    run: Run, opened: Workspace, open_page: Open, component_data: Data, at_once: list[str]
) -> None:
    (person, cloth), (_, after) = pairs_of(opened)[:2]
    at = open_page("warp")
    assert not at.exception and not at.error
    shown = component_data(at, "vton_warp")
    assert shown["pair"] == f"{person}__{cloth}" and shown["ends"] == [True, False]
    truth, geometric = shown["warps"]
    assert (truth["title"], geometric["title"]) == ("True flow", "Geometric")
    assert set(geometric["layers"]) == {"worn", "outline", "folds", "outside", "error"} and "error" not in truth["layers"]
    assert geometric["numbers"]["epe"] > 0 and all(len(one["scales"]) == 1 for one in (truth, geometric))
    assert set(geometric["scales"][0]["pictures"]) == {"colour", "arrows", "grid", "magnitude"}
    (table,) = at.dataframe
    assert list(table.value["warp"]) == ["True flow", "Geometric"] and table.value["iou"][0] == 100
    assert "No learned warp yet" in at.expander[0].label
    assert [line for line in at_once if line.startswith(person)] == [f"{person}__{cloth} truth", f"{person}__{cloth} geometric"]
    assert any(line.split()[0].endswith(after) for line in at_once), "the next pair is not made ahead"
    assert (at.query_params["warps"], at.query_params["person"]) == ("truth,geometric", person)


def test_an_address_brings_back_a_learned_warp_with_every_scale(
    run: Run, opened: Workspace, open_page: Open, component_data: Data, at_once: list[str]
) -> None:
    put(opened, "mine", 1.0)
    person, cloth = pairs_of(opened)[1]
    at = open_page("warp", person=person, cloth=cloth, warps="mine")
    assert not at.exception and not at.error and not at.info
    shown = component_data(at, "vton_warp")
    (mine,) = shown["warps"]
    assert shown["pair"] == f"{person}__{cloth}" and (mine["title"], mine["note"]) == ("mine", "step 3")
    assert [tuple(scale["size"]) for scale in mine["scales"]][-2:] == [(64, 64), (256, 192)]
    assert at.expander[0].label == "Checkpoints"
    made = len(at_once)
    at.run()
    assert len(at_once) == made, "a rerun made a look once more"


def test_keys_and_choices_change_the_address(run: Run, opened: Workspace, open_page: Open, component_data: Data) -> None:
    first, second = pairs_of(opened)[:2]
    at = open_page("warp", warps="geometric")
    at.button[1].click().run()
    assert component_data(at, "vton_warp")["pair"] == "__".join(second)
    assert at.query_params["cloth"] == second[1]
    at.button[0].click().run()
    assert component_data(at, "vton_warp")["pair"] == "__".join(first)
    at.segmented_control("warp_kind").set_value("Paired").run()
    assert component_data(at, "vton_warp")["pair"] == "__".join([first[0]] * 2)
    assert at.query_params["kind"] == "Paired"
    at.multiselect("warp_names").set_value([]).run()
    assert not at.exception and not at.get("bidi_component")


def test_warps_of_an_address_that_are_not_here_are_said_and_stay_until_the_choice_changes(
    run: Run, opened: Workspace, open_page: Open, component_data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("warp", warps="nope,geometric,nope")
    assert [line.value for line in at.error] == ["There is no warp nope here; choose among those above."]
    assert [one["title"] for one in component_data(at, "vton_warp")["warps"]] == ["Geometric"]
    at.run()
    assert len(at.error) == 1 and at.query_params["warps"] == "geometric,nope"
    at.multiselect("warp_names").set_value(["geometric", "truth"]).run()
    assert not at.error and at.query_params["warps"] == "truth,geometric"
    monkeypatch.setattr(warp_looks.Place, "has_truth", False)
    at = open_page("warp", warps="truth")
    assert "no true flow" in at.info[0].value and not at.error and at.query_params["warps"] == "truth"
    at = open_page("warp", warps="truth,geometric")  # as it comes from a drawn pair: the geometric warp is shown without a word
    assert not at.error and not at.info and at.query_params["warps"] == "geometric,truth"


def test_weights_that_meet_another_kind_of_pictures_are_said_to(run: Run, opened: Workspace, open_page: Open) -> None:
    put(opened, "of-photos", 0.0)
    assert [line.value for line in open_page("warp", warps="geometric").info] == []
    (line,) = open_page("warp", warps="geometric,of-photos").info
    assert "of-photos was trained on photos" in line.value


def test_drawn_weights_on_photos_say_what_to_expect(
    run: Run, opened: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(opened, "of-drawn", 1.0)
    monkeypatch.setattr(warp_looks.Place, "is_drawn", False)
    (line,) = open_page("warp", warps="of-drawn").info
    assert "of-drawn was trained on drawn pictures: expect" in line.value


def test_what_cannot_be_warped_says_why_on_its_card(
    run: Run, opened: Workspace, open_page: Open, component_data: Data, at_once: list[str]
) -> None:
    put(opened, "mine", 1.0)
    (home(opened) / "mine" / "model.safetensors").write_bytes(
        (Path(home(opened)) / "mine" / "model.safetensors").read_bytes()[:-9]
    )
    at = open_page("warp", warps="geometric,mine")
    assert not at.exception
    _, mine = component_data(at, "vton_warp")["warps"]
    assert mine["layers"] is None and "cannot be read" in mine["fault"]
    made = len(at_once)
    next(button for button in at.button if button.label == "Try again").click().run()
    assert sum("mine" in line for line in at_once[made:]) >= 1


def test_damaged_checkpoints_and_unknown_pairs_are_one_sentence(run: Run, opened: Workspace, open_page: Open) -> None:
    put(opened, "odd", 1.0)
    (home(opened) / "odd" / "config.json").write_text("{")
    at = open_page("warp", person="nobody", cloth="nothing")
    assert not at.exception
    assert "no pair nobody__nothing" in at.error[0].value and "not readable JSON" in at.warning[0].value


def test_an_empty_workspace_says_what_to_do(opened: Workspace, open_page: Open, sentences: Say) -> None:
    assert "No dataset yet" in sentences(open_page("warp"))


def test_the_lab_offers_learned_warps_where_there_are_some(run: Run, opened: Workspace, open_page: Open) -> None:
    assert [box.label for box in open_page("lab").main.selectbox] == []
    put(opened, "mine", 1.0)
    at = open_page("lab", warp="mine")
    (box,) = at.main.selectbox
    assert (box.options, box.value) == (["Geometric warp", "mine"], "mine")
