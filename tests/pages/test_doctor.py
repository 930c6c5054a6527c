"""The Doctor page: never examined, clean, out of date, and findings with the ways to their items."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import jobs as rows
from db.models import Dataset
from studio import findings, jobs
from studio.importer import add_dataset
from studio.workspace import Workspace
from vton.doctor import examine
from vton.pairs import open_dataset

Open = Callable[..., AppTest]
Data = Callable[[AppTest, str], dict[str, Any]]
Say = Callable[[AppTest], str]


def examined(workspace: Workspace, dataset: Dataset) -> None:
    """The doctor's report of a dataset, kept as its job keeps it."""
    report = examine(Path(dataset.root))
    printed = workspace.settings.workspace / "printed.json"
    printed.write_text(json.dumps(report.to_json()))
    findings.keep(workspace, dataset.id, open_dataset(Path(dataset.root)).fingerprint, printed)


@pytest.fixture
def dataset(opened: Workspace, drawn: Path, tmp_path: Path) -> Dataset:
    """A dataset that is free to be spoilt."""
    return add_dataset(opened, Path(shutil.copytree(drawn, tmp_path / "set")), "Mine")


def test_a_dataset_that_was_never_examined_can_be(
    dataset: Dataset, opened: Workspace, open_page: Open, sentences: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("doctor")
    assert "No file of Mine was looked at yet" in sentences(at)
    started: list[Dataset] = []
    monkeypatch.setattr(jobs, "start_doctor", lambda _workspace, of: started.append(of))
    at.button("examine").click().run()
    assert not at.exception and [one.id for one in started] == [dataset.id]


def test_a_clean_dataset(dataset: Dataset, opened: Workspace, open_page: Open, sentences: Say) -> None:
    examined(opened, dataset)
    at = open_page("doctor")
    assert "drawn set" in sentences(at) and "Nothing found" in at.success[0].value and not at.warning
    table = at.dataframe[0].value
    assert table.loc[0, "split"] == "test" and table.loc[0, "image"] == 4


def test_a_report_is_out_of_date_when_files_come_or_go(dataset: Dataset, opened: Workspace, open_page: Open) -> None:
    examined(opened, dataset)
    split = open_dataset(Path(dataset.root)).splits["test"]
    split.need("cloth_mask", split.cloths[0]).unlink()
    at = open_page("doctor")
    assert "examine again" in at.warning[0].value and not at.exception


def test_findings_lead_to_their_items(
    dataset: Dataset, opened: Workspace, open_page: Open, component_data: Data, sentences: Say
) -> None:
    split = open_dataset(Path(dataset.root)).splits["test"]
    cloth, person = split.pairs[2].cloth, split.pairs[1].person
    split.need("cloth_mask", cloth).write_bytes(b"")
    split.need("keypoints", person).write_text("{}")
    with (split.root / "test_pairs.txt").open("a") as lines:
        lines.write("../x.jpg y.jpg\n")
    examined(opened, dataset)
    at = open_page("doctor")
    groups = {group["title"]: group["rows"] for group in component_data(at, "vton_findings")["groups"]}
    assert set(groups) == {"Empty files (1)", "Keypoints (1)", "Pair lists (1)"}
    assert f"pair={split.pairs[2].name}" in groups["Empty files (1)"][0]["href"]
    assert f"pair={split.pairs[1].name}" in groups["Keypoints (1)"][0]["href"]
    assert groups["Pair lists (1)"][0]["href"] == ""
    shown = component_data(open_page("browse", pair=split.pairs[2].name), "vton_findings")["groups"][0]["rows"]
    assert [row["file"] for row in shown] == [f"test/cloth-mask/{cloth}.jpg"]


def test_findings_are_filtered_by_severity_and_kind_in_the_address(
    dataset: Dataset, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    split = open_dataset(Path(dataset.root)).splits["test"]
    split.need("cloth_mask", split.cloths[0]).write_bytes(b"")
    split.need("worn_mask", split.persons[0]).unlink()
    split.need("parse", split.persons[0]).unlink()
    examined(opened, dataset)

    def titles(at: AppTest) -> list[str]:
        return [group["title"] for group in component_data(at, "vton_findings")["groups"]]

    assert titles(open_page("doctor", severity="warning")) == ["Missing maps (1)"]
    at = open_page("doctor", finding="empty")
    assert titles(at) == ["Empty files (1)"]
    at.pills("doctor_finding").set_value("missing").run()
    assert titles(at) == ["Missing maps (2)"] and at.query_params["finding"] == "missing"
    at.pills("doctor_severity").set_value("fault").run()
    assert titles(at) == ["Missing maps (1)"]
    assert set(titles(open_page("doctor", finding="nonsense", severity="x"))) == {"Missing maps (2)", "Empty files (1)"}


def test_many_findings_are_shown_a_few_at_a_time(
    dataset: Dataset, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    with (Path(dataset.root) / "test_pairs.txt").open("a") as lines:
        lines.writelines(f"../{n}.jpg y.jpg\n" for n in range(230))
    split = open_dataset(Path(dataset.root)).splits["test"]
    split.need("cloth_mask", split.cloths[0]).write_bytes(b"")
    examined(opened, dataset)
    groups = component_data(open_page("doctor"), "vton_findings")["groups"]
    assert {group["title"]: len(group["rows"]) for group in groups} == {"Pair lists (230)": 8, "Empty files (1)": 1}
    assert "222 more" in next(group["note"] for group in groups if group["note"])
    at = open_page("doctor", finding="pairs")
    seen = []
    for page in (1, 2, 3):
        at.get("pagination")[0].set_value(page).run()
        seen += [row["file"] for row in component_data(at, "vton_findings")["groups"][0]["rows"]]
    assert len(seen) == len(set(seen)) == 230


def test_a_failed_examination_says_why(dataset: Dataset, opened: Workspace, open_page: Open) -> None:
    after = {"doctor": dataset.id, "fingerprint": ""}
    with opened.database.write() as session:
        job = rows.create(session, kind="doctor", title="Examine", command=["x"], after=after, folder_of="/none")
        rows.set_state(session, job.id, "failed", exit_code=1, note="doctor: the folder is gone.")
    at = open_page("doctor")
    assert "the folder is gone" in at.error[0].value and not at.exception
