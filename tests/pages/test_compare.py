"""The Compare page: what it shows of a pair, in which order pairs come, and that an address brings it all back."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from db.models import Run
from studio.importer import import_run
from studio.workspace import Workspace
from tests.tiny_study import answer, sharper, small_study, softer

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]
Data = Callable[[AppTest, str], dict[str, Any]]


@pytest.fixture
def other(run: Run, opened: Workspace, tmp_path: Path) -> Path:
    """The folder of another team's run, which says nothing of its dataset: the results of `run`, the first one blackened."""
    folder = tmp_path / "elsewhere" / "theirs"
    shutil.copytree(Path(run.folder) / "results", folder / "results")
    files = sorted((folder / "results").iterdir())
    with Image.open(files[-1]) as picture:
        Image.new("RGB", picture.size).save(files[-1])
    values = {file.stem: {"ssim": 0.9 - 0.1 * place} for place, file in enumerate(files[:3])}
    whole = {"ssim": {"value": 0.8, "n": 3, "higher_is_better": True}}
    (folder / "config.json").write_text('{"format": 1}')
    (folder / "metrics.json").write_text(json.dumps({"format": 1, "metrics": whole, "pairs": values}))
    return folder


def names_of(run: Run) -> list[str]:
    return sorted(file.stem for file in (Path(run.folder) / "results").iterdir())


def test_without_two_runs_it_says_what_to_do(run: Run, open_page: Open, sentences: Say) -> None:
    assert "only one run; comparing takes two" in sentences(open_page("compare"))


def test_an_empty_workspace_says_what_to_do(opened: Workspace, open_page: Open, sentences: Say) -> None:
    assert "No dataset yet" in sentences(open_page("compare"))


def test_another_teams_folder_is_added_and_compared(run: Run, other: Path, open_page: Open, component_data: Data) -> None:
    at = open_page("compare")
    at.text_input("compare_folder").set_value("/nowhere/at/all").run()
    at.button("compare_add").click().run()
    assert "no run folder at /nowhere/at/all" in at.error[0].value
    at.text_input("compare_folder").set_value(str(other)).run()
    at.button("compare_add").click().run()
    assert not at.exception and not at.error
    shown = component_data(at, "vton_compare")
    assert [one["title"] for one in shown["runs"]] == ["theirs", "By hand"]
    assert shown["pair"] == names_of(run)[0] and shown["ends"] == [True, False] and shown["truth"]
    theirs, ours = shown["runs"]
    assert set(theirs["pictures"]) == set(ours["pictures"]) == {"result"}
    assert len(shown["ahead"]) == 2


def test_the_best_number_is_marked_only_where_they_differ(
    run: Run, other: Path, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    import_run(opened, other)
    first, second = names_of(run)[:2]

    def best(name: str) -> list[bool]:
        person, cloth = name.split("__")
        at = open_page("compare", person=person, cloth=cloth, runs="By hand,theirs")
        return [one["numbers"][0]["best"] for one in component_data(at, "vton_compare")["runs"]]

    assert best(first) == [False, False]
    assert best(second) == [True, False]


def test_orders_lead_to_what_differs(run: Run, other: Path, opened: Workspace, open_page: Open, component_data: Data) -> None:
    import_run(opened, other)
    names = names_of(run)
    at = open_page("compare", runs="By hand,theirs")
    (order,) = (box for box in at.main.selectbox if box.label == "Order")
    assert order.options == ["As listed", "Where they look most different", "Where SSIM differs most"]
    order.select_index(1).run()
    assert at.query_params["order"] == "looks"
    assert component_data(at, "vton_compare")["pair"] == names[-1]
    (order,) = (box for box in at.main.selectbox if box.label == "Order")
    order.select_index(2).run()
    assert component_data(at, "vton_compare")["pair"] == names[2]
    next(button for button in at.button if button.label == "Next").click().run()
    assert component_data(at, "vton_compare")["pair"] == names[1]
    assert any(caption.value == "2 of 3" for caption in at.caption)


def test_votes_that_contradict_a_metric_are_an_order_and_stand_beside_the_pair(
    run: Run, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    study = small_study(opened, run)  # against "Blurred", which has no metric yet
    names = names_of(run)
    (Path(run.folder).with_name("blurred") / "metrics.json").write_text(
        json.dumps({"format": 1, "metrics": {}, "pairs": {name: {"ssim": 0.8 + 0.01 * n} for n, name in enumerate(names)}})
    )
    import_run(opened, Path(run.folder).with_name("blurred"))

    def orders() -> list[str]:
        return next(box for box in open_page("compare").main.selectbox if box.label == "Order").options

    assert not any("people" in order for order in orders())
    odd = tuple(names[2].split("__"))
    answer(opened, study, "Ada", lambda one: softer(one) if (one.person, one.cloth) == odd else sharper(one))
    answer(opened, study, "Bo", lambda one: "both good")
    assert "Where SSIM and people disagree" in orders()
    at = open_page("compare", runs="By hand,Blurred", order="disagree:ssim")
    shown = component_data(at, "vton_compare")
    assert shown["pair"] == names[2] and shown["ends"] == [True, True]
    told = [next(one for one in seen["numbers"] if one["label"] == "Preferred by people") for seen in shown["runs"]]
    assert [(one["text"], one["best"]) for one in told] == [("0 of 2 votes", False), ("1 of 2 votes", True)]


def test_an_address_brings_back_pair_runs_and_view_box(
    run: Run, other: Path, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    import_run(opened, other)
    name = names_of(run)[1]
    person, cloth = name.split("__")
    look = {"mode": "slider", "stage": "result", "against": "theirs", "box": "2.000,-0.500,-0.250"}
    at = open_page("compare", person=person, cloth=cloth, runs="theirs,By hand", order="gap:ssim", **look)
    shown = component_data(at, "vton_compare")
    assert not at.exception and (shown["pair"], shown["view"]) == (name, look)
    assert [one["id"] for one in shown["runs"]] == ["theirs", "By hand"]


def test_an_address_of_no_run_is_said(run: Run, other: Path, opened: Workspace, open_page: Open) -> None:
    import_run(opened, other)
    at = open_page("compare", runs="nope")
    assert not at.exception and ["No run called nope" in one.value for one in at.toast] == [True]
    assert not at.run().toast


def test_one_run_or_no_shared_pair_is_a_sentence(run: Run, other: Path, opened: Workspace, open_page: Open) -> None:
    for file in (other / "results").iterdir():
        file.rename(file.with_name(f"x{file.name}"))
    (other / "metrics.json").unlink()
    import_run(opened, other)
    assert "share no pair" in open_page("compare").info[0].value
    at = open_page("compare", runs="theirs")
    assert "at least two" in at.info[0].value and not at.exception
