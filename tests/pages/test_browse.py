"""Browse: filters, the order and saved views, all of it in the address; and what the doctor found beside each pair."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import datasets, runs, views
from db.models import Dataset, Run
from studio import findings
from studio.importer import add_dataset
from studio.workspace import Workspace
from vton.doctor import examine

Open = Callable[..., AppTest]
Data = Callable[[AppTest, str], dict[str, Any]]


def names(workspace: Workspace, paired: bool = False) -> list[str]:
    """The dataset's pairs in the list's order."""
    with workspace.database.read() as session:
        dataset = datasets.list_all(session)[0]
        return ["__".join(pair) for pair in datasets.page_pairs(session, dataset.id, "test", paired)]


def examined(workspace: Workspace, dataset: Dataset) -> None:
    """The doctor's report of a dataset, kept as its job keeps it."""
    printed = workspace.settings.workspace / "printed.json"
    printed.write_text(json.dumps(examine(Path(dataset.root)).to_json()))
    findings.keep(workspace, dataset.id, dataset.fingerprint, printed)


@pytest.fixture
def tiles(component_data: Data) -> Callable[[AppTest], list[dict[str, Any]]]:
    return lambda at: list(component_data(at, "vton_gallery")["tiles"])


Tiles = Callable[[AppTest], list[dict[str, Any]]]


@pytest.fixture
def measured(run: Run, opened: Workspace) -> dict[str, float]:
    """The run with another value of each metric for every pair but one."""
    values = {name: 0.5 + n / 10 for n, name in enumerate(names(opened)[:3])}
    pairs = [runs.NewMetric(tuple(name.split("__")), "ssim", value) for name, value in values.items()]  # type: ignore[arg-type]
    pairs += [runs.NewMetric(pair.pair, "lpips", pair.value) for pair in pairs]
    whole = [
        runs.NewMetric(None, "ssim", 0.6, higher_is_better=True),
        runs.NewMetric(None, "lpips", 0.6, higher_is_better=False),
    ]
    with opened.database.write() as session:
        runs.put_metrics(session, run.id, whole + pairs)
    return values


@pytest.mark.parametrize(("metric", "order", "reverse"), [("ssim", "", False), ("ssim", "best", True), ("lpips", "", True)])
def test_order_by_a_metric_of_a_run(
    metric: str,
    order: str,
    reverse: bool,
    measured: dict[str, float],
    run: Run,
    opened: Workspace,
    open_page: Open,
    tiles: Tiles,
) -> None:
    query = {"sort": metric, "run": str(run.id)} | ({"order": order} if order else {})
    shown = tiles(open_page("browse", **query))
    ordered = sorted(measured, key=measured.__getitem__, reverse=reverse)
    assert [tile["id"] for tile in shown] == [*ordered, names(opened)[3]], "the pair without the metric comes last"
    assert shown[0]["note"].endswith(f"{measured[ordered[0]]:.4g}") and shown[-1]["note"].endswith("–")


def test_order_is_chosen_and_kept_in_the_address(measured: dict[str, float], run: Run, open_page: Open, tiles: Tiles) -> None:
    at = open_page("browse")
    at.selectbox("order_by").set_value((run.id, "ssim")).run()
    assert at.query_params["sort"] == "ssim" and at.query_params["run"] == str(run.id)
    assert tiles(at)[0]["id"] == min(measured, key=measured.__getitem__)
    at.segmented_control("first").set_value(True).run()
    assert at.query_params["order"] == "best"
    assert tiles(at)[0]["id"] == max(measured, key=measured.__getitem__)
    at.selectbox("order_by").set_value((0, "")).run()
    assert not {"sort", "run", "order"} & set(at.query_params)


@pytest.mark.parametrize(
    "query", [{"sort": "ssim", "run": "99"}, {"sort": "nothing", "run": "1"}, {"sort": "ssim", "run": "x"}]
)
def test_an_order_that_is_gone_shows_the_list(
    query: dict[str, str], run: Run, opened: Workspace, open_page: Open, tiles: Tiles
) -> None:
    at = open_page("browse", **query)
    assert [tile["id"] for tile in tiles(at)] == names(opened) and not at.exception and not at.error


def test_without_runs_there_is_nothing_to_order_by(opened: Workspace, drawn: Path, open_page: Open, tiles: Tiles) -> None:
    add_dataset(opened, drawn)
    at = open_page("browse")
    assert len(tiles(at)) == 4 and "order_by" not in [box.key for box in at.main.selectbox]


def test_traits_filter_by_the_garment_and_the_person(
    run: Run, drawn: Path, opened: Workspace, open_page: Open, tiles: Tiles
) -> None:
    told = json.loads((drawn / "test" / "traits.json").read_text())
    at = open_page("browse")
    sleeves = told[names(opened)[0].split("__")[1]]["sleeves"]
    at.multiselect("trait_sleeves").set_value([sleeves]).run()
    assert at.query_params["trait"] == f"sleeves:{sleeves}"
    fitting = [name for name in names(opened) if told[name.split("__")[1]]["sleeves"] == sleeves]
    assert [tile["id"] for tile in tiles(at)] == fitting
    arms = told[fitting[0].split("__")[0]]["arms"]
    at.multiselect("trait_arms").set_value([arms]).run()
    assert [tile["id"] for tile in tiles(at)] == [name for name in fitting if told[name.split("__")[0]]["arms"] == arms]
    count = sum(words["sleeves"] == sleeves for words in told.values())
    assert f"{sleeves} ({count})" in at.multiselect("trait_sleeves").options
    at.button("clear_all").click().run()
    assert len(tiles(at)) == 4 and "trait" not in at.query_params


def test_a_filter_that_nothing_passes_is_a_sentence_with_a_way_out(run: Run, open_page: Open, tiles: Tiles) -> None:
    at = open_page("browse", trait="sleeves:of lead")
    assert not at.get("bidi_component") and "Take one of them away" in at.markdown[0].value
    at.button("start_over").click().run()
    assert len(tiles(at)) == 4


def test_damaged_tags_are_one_sentence(
    run: Run, opened: Workspace, drawn: Path, tmp_path: Path, open_page: Open, tiles: Tiles
) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    (root / "test" / "vitonhd_test_tagged.json").write_text("{")
    add_dataset(opened, root, "Foreign")
    at = open_page("browse", {"dataset": "Foreign"})
    assert not at.exception and len(tiles(at)) == 4
    assert any("no list of garment traits" in caption.value for caption in at.caption)


def test_findings_are_beside_each_pair_and_can_be_filtered_by(
    opened: Workspace, drawn: Path, tmp_path: Path, open_page: Open, tiles: Tiles, component_data: Data
) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    dataset = add_dataset(opened, root)
    assert all(tile["badge"] is None for tile in tiles(open_page("browse")))
    first = names(opened)[0]
    person, cloth = first.split("__")
    (root / "test" / "cloth-mask" / f"{cloth}.jpg").write_bytes(b"")
    keypoints = root / "test" / "openpose_json" / f"{person}_keypoints.json"
    people = json.loads(keypoints.read_text())["people"]
    keypoints.write_text(json.dumps({"people": people * 2}))
    examined(opened, dataset)
    at = open_page("browse")
    assert {tile["id"]: tile["badge"] and tile["badge"]["kind"] for tile in tiles(at)} == {
        name: "fault" if name == first else None for name in names(opened)
    }
    at.segmented_control("findings").set_value("fault").run()
    assert [tile["id"] for tile in tiles(at)] == [first] and at.query_params["findings"] == "fault"
    at = open_page("browse", pair=first)
    (group,) = component_data(at, "vton_findings")["groups"]
    assert [row["severity"] for row in group["rows"]] == ["fault", "warning"]
    assert "is empty" in group["rows"][0]["wrong"] and group["rows"][1]["todo"]
    assert not [one for one in open_page("browse", pair=names(opened)[1]).get("bidi_component")]


def test_neighbours_follow_the_view(measured: dict[str, float], run: Run, open_page: Open) -> None:
    worst, second, best = sorted(measured, key=measured.__getitem__)
    at = open_page("browse", pair=second, sort="ssim", run=str(run.id))
    next(button for button in at.button if button.label == "Next").click().run()
    assert at.query_params["pair"] == best and at.query_params["sort"] == "ssim"
    for _ in range(2):
        next(button for button in at.button if button.label == "Previous").click().run()
    assert at.query_params["pair"] == worst
    assert next(button for button in at.button if button.label == "Previous").disabled


def test_coming_back_finds_the_view_as_it_was_left(run: Run, opened: Workspace, open_page: Open, tiles: Tiles) -> None:
    person = names(opened)[0].split("__")[0]
    at = open_page("browse")
    at.text_input("search").set_value(person).run()
    shown = tiles(at)
    at = at.switch_page("../pages/home.py").run().switch_page("../pages/browse.py").run()
    assert tiles(at) == shown and at.text_input("search").value == person


def test_a_view_is_saved_opened_renamed_and_deleted_with_a_way_back(
    run: Run, opened: Workspace, open_page: Open, tiles: Tiles
) -> None:
    person = names(opened)[0].split("__")[0]
    at = open_page("browse", search=person, kind="Paired")
    shown = tiles(at)
    at.text_input("view_new").set_value("  One   person ").run()
    at.button("view_save").click().run()
    with opened.database.read() as session:
        (view,) = views.list_of(session, run.dataset_id or 0)
    assert view.name == "One person" and view.query == f"split=test&search={person}&kind=Paired"

    at = open_page("browse")
    assert len(tiles(at)) == 4
    at.button(f"view_open_{view.id}").click().run()
    assert tiles(at) == shown and at.query_params["kind"] == "Paired" and at.text_input("search").value == person

    at.button(f"view_rename_{view.id}").click().run()
    at.text_input(f"view_name_{view.id}").set_value("Only one").run()
    assert at.button(f"view_open_{view.id}").label == "Only one"
    at.button(f"view_delete_{view.id}").click().run()
    with opened.database.read() as session:
        assert views.list_of(session, run.dataset_id or 0) == []
    at.button("view_undo").click().run()
    with opened.database.read() as session:
        assert [(one.name, one.query) for one in views.list_of(session, run.dataset_id or 0)] == [("Only one", view.query)]


def test_a_name_that_is_taken_replaces_on_demand_only(run: Run, opened: Workspace, open_page: Open) -> None:
    with opened.database.write() as session:
        kept = views.save(session, run.dataset_id or 0, "Mine", "split=test")
        other = views.save(session, run.dataset_id or 0, "Other", "split=test")
    at = open_page("browse", search="0001")
    at.text_input("view_new").set_value("Mine").run()
    assert at.button("view_save").label == "Replace"
    at.button("view_save").click().run()
    at.button(f"view_rename_{other.id}").click().run()
    at.text_input(f"view_name_{other.id}").set_value("Mine").run()
    assert "Another view is called Mine" in at.error[0].value
    with opened.database.read() as session:
        assert {one.name: one.query for one in views.list_of(session, kept.dataset_id)} == {
            "Mine": "split=test&search=0001",
            "Other": "split=test",
        }
