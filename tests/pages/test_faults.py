"""The pages where something is gone, damaged or absurd: one sentence each, and the rest of the page goes on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import jobs as rows
from db import runs
from db.models import Run
from studio import jobs
from studio.importer import add_dataset, import_run
from studio.workspace import Workspace

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]
PAGES = ("home", "browse", "lab", "rate", "runs")


def usable(at: AppTest) -> dict[str, bool]:
    """Whether a run can be rated and measured."""
    return {one.label: not one.disabled for one in at.button if one.label in ("Rate its results", "Measure")}


def first_result(workspace: Workspace, run: Run) -> Any:
    with workspace.database.read() as session:
        return runs.results(session, run.id)[0]


@pytest.fixture
def own_set(opened: Workspace, drawn: Path, tmp_path: Path) -> Path:
    """A dataset that a test may damage, known as Mine."""
    root = tmp_path / "mine"
    shutil.copytree(drawn, root)
    add_dataset(opened, root, "Mine")
    return root


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"])
@pytest.mark.parametrize("page", ["browse", "lab"])
def test_damaged_pictures_leave_the_page_alive(page: str, content: bytes, own_set: Path, open_page: Open) -> None:
    person, cloth = (own_set / "test_pairs.txt").read_text().split()[:2]
    stem = Path(person).stem
    for file in (own_set / "test" / "image" / person, own_set / "test" / "image-parse-v3" / f"{stem}.png"):
        assert file.is_file()
        file.write_bytes(content)
    at = open_page(page, pair=f"{stem}__{Path(cloth).stem}")
    assert not at.exception and not at.error
    shown = " ".join(element.proto.body for element in at.html)
    assert "<figcaption>Person<" in shown
    assert page == "lab" or "<figcaption>Parse<small>damaged<" in shown


def test_a_cut_off_flow_leaves_the_lab_alive(run: Run, opened: Workspace, open_page: Open) -> None:
    result = first_result(opened, run)
    name = f"{result.person}__{result.cloth}"
    stages = Path(run.folder) / "intermediates" / name
    stages.mkdir(parents=True)
    (stages / "flow.npz").write_bytes(b"PK\x03\x04 cut off")
    at = open_page("lab", pair=name)
    assert not at.exception and not at.error
    shown = " ".join(element.proto.body for element in at.html)
    assert "<figcaption>Flow<small>damaged<" in shown and "<figcaption>Result<" in shown


@pytest.mark.parametrize("wanted", ["9" * 30, str(2**63), "9" * 5000, "-1", "x"])
def test_an_absurd_link_to_a_result_is_no_fault(wanted: str, run: Run, open_page: Open, component_data: Any) -> None:
    at = open_page("rate", {"rater": "Ada"}, result=wanted)
    assert not at.exception and not at.error
    assert len(component_data(at, "vton_rating")["tasks"]) == 4


def test_a_uid_that_stands_for_another_score_is_left_out(run: Run, opened: Workspace, open_page: Open) -> None:
    result = first_result(opened, run)
    entry = {"uid": "uid-00000001", "result_id": result.id, "sha256": result.sha256, "axis": "fit", "score": 3}
    at = open_page("rate", {"rater": "Ada"})
    for change in ({}, {"score": 5}, {"score": None}):
        at.session_state[f"rating_{run.id}_1"] = {"outbox": [entry | change], "skipped": [float("inf")]}
        at.run()
        assert not at.exception and not at.error


def test_a_run_without_its_folder_is_one_sentence(run: Run, opened: Workspace, open_page: Open) -> None:
    result = first_result(opened, run)
    shutil.rmtree(run.folder)
    at = open_page("runs", open="By hand")
    assert not at.exception and [run.folder in error.value for error in at.error] == [True]
    assert usable(at) == {"Rate its results": False, "Measure": False}
    at = open_page("rate", {"rater": "Ada"})
    assert not at.exception and [run.folder in error.value for error in at.error] == [True]
    at = open_page("lab", pair=f"{result.person}__{result.cloth}")
    assert not at.exception and [run.folder in error.value for error in at.error] == [True]
    assert not at.get("download_button")


def test_a_run_with_its_folder_can_be_measured_and_downloaded(run: Run, opened: Workspace, open_page: Open) -> None:
    result = first_result(opened, run)
    at = open_page("runs", open="By hand")
    assert usable(at) == {"Rate its results": True, "Measure": True}
    assert open_page("lab", pair=f"{result.person}__{result.cloth}").get("download_button")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_tells_that_the_dataset_is_gone(page: str, own_set: Path, open_page: Open) -> None:
    assert not open_page(page).sidebar.error
    own_set.rename(own_set.with_name("moved"))
    at = open_page(page)
    assert not at.exception
    assert [str(own_set) in error.value and "Home" in error.value for error in at.sidebar.error] == [True]


def test_a_run_of_which_every_pair_failed_shows_why(
    run: Run, opened: Workspace, open_page: Open, sentences: Say, component_data: Any
) -> None:
    folder = opened.settings.runs_dir / "failed"
    folder.mkdir()
    config = {"format": 1, "dataset": run.config["dataset"]}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "failures.jsonl").write_text('{"pair": "a__b", "error": "There is no person in a.jpg."}\n')
    import_run(opened, folder, "Failed")
    at = open_page("runs", open="Failed")
    assert "0 results" in sentences(at)
    assert [one.label for one in at.expander] == ["1 pair failed"]
    assert at.dataframe[0].value.to_numpy().tolist() == [["a__b", "There is no person in a.jpg."]]
    assert usable(at) == {"Rate its results": False, "Measure": False}
    at = open_page("rate", {"rater": "Ada"})
    assert at.selectbox("run").options == ["By hand"]
    assert len(component_data(at, "vton_rating")["tasks"]) == 4
    assert not open_page("home").exception


def test_the_form_closes_when_its_run_has_started(run: Run, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "start_generate", lambda *_given, **_named: rows.Job(title="Two"))
    at = open_page("runs", {"start_run": True})
    at.button("run_start").click().run()
    assert not at.exception and at.session_state["start_run"] is False


def test_the_form_stays_open_when_its_run_could_not_start(run: Run, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: Any, **_named: Any) -> None:
        raise jobs.JobError("There is no space left.")

    monkeypatch.setattr(jobs, "start_generate", refuse)
    at = open_page("runs", {"start_run": True})
    at.button("run_start").click().run()
    assert at.session_state["start_run"] is True and [error.value for error in at.error] == ["There is no space left."]


def test_a_dataset_added_twice_is_said_to_be_known(own_set: Path, open_page: Open) -> None:
    at = open_page("home")
    at.text_input("dataset_root").set_value(str(own_set)).run()
    at.text_input("dataset_name").set_value("Another").run()
    at.button("dataset_add").click().run()
    assert not at.exception and not at.error
    assert [toast.value for toast in at.toast] == [f"{own_set} is already known as 'Mine'; what it holds is up to date now."]
