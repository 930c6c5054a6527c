"""The QA page: with and without checks, filters in the address, verdicts stored, what is left, and the exports."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import annotations, raters, views
from db.models import OUTPUTS, Dataset, Rater
from studio import checks_file, jobs
from studio.importer import add_dataset
from studio.widgets.exports import verdicts_csv, verdicts_jsonl
from studio.widgets.passed import passed_pairs
from studio.widgets.qa_list import Board, View, judged_file, read_board
from studio.widgets.qa_store import read_outbox, store
from studio.workspace import Workspace
from vton.pairs import open_dataset

Open = Callable[..., AppTest]
Data = Callable[[AppTest, str], dict[str, Any]]
Say = Callable[[AppTest], str]
STEMS = ["00000_00", "00001_00", "00002_00", "00003_00"]
DESCRIBED = Path(__file__).parents[2] / "data" / "README.md"


@pytest.fixture
def dataset(opened: Workspace, drawn: Path, tmp_path: Path) -> Dataset:
    """A dataset that is free to be spoilt."""
    return add_dataset(opened, Path(shutil.copytree(drawn, tmp_path / "set")), "Mine")


@pytest.fixture
def rater(opened: Workspace) -> Rater:
    with opened.database.write() as session:
        return raters.get_or_add(session, "Ada")


def check(workspace: Workspace, dataset: Dataset, failed: dict[str, list[tuple[str, str]]]) -> None:
    """Outcomes as the checks' command writes them, kept as its job does; `failed` is stem -> (output, check), worst first."""
    items = {
        stem: [
            {"check": name, "output": output, "score": 2.0, "threshold": 1.0, "ok": False, "sentence": f"{name} is wrong."}
            for output, name in failed.get(stem, [])
        ]
        + [{"check": "fine", "output": "parse", "score": 0.0, "threshold": 1.0, "ok": True, "sentence": "It is fine."}]
        for stem in [*failed, *(stem for stem in STEMS if stem not in failed)]
    }
    report = {"format": 1, "split": "test", "checks": [], "items": items}
    checks_file.printed_file(workspace, dataset.id, "test").write_text(json.dumps(report))
    checks_file.keep(workspace, dataset.id, "test", open_dataset(Path(dataset.root)).fingerprint)


def entry(made: Board, stem: str, output: str, verdict: str | None, uid: str = "", **other: Any) -> dict[str, Any]:
    """What the browser sends of one key."""
    judged = judged_file(made.item(stem), output)
    assert judged is not None
    told = {"uid": uid or f"uid-{stem}-{output}", "stem": stem, "output": output, "sha256": judged.sha256}
    return {**told, "verdict": verdict, "tags": [], "note": "", "shown_at": "2026-11-02T09:30:00+00:00", **other}


def judge(made: Board, rater: Rater, *entries: dict[str, Any]) -> None:
    given = read_outbox(list(entries))
    assert len(given) == len(entries)
    with made.workspace.database.write() as session:
        store(session, made, rater.id, given)
    made.update()


def judge_all(made: Board, rater: Rater, stem: str, verdict: str) -> None:
    judge(made, rater, *(entry(made, stem, output, verdict) for output in OUTPUTS))


def test_without_checks_and_without_a_rater_the_page_says_what_to_do(
    dataset: Dataset, open_page: Open, sentences: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("qa")
    assert "Say who judges" in sentences(at)
    started: list[tuple[int, str]] = []
    monkeypatch.setattr(jobs, "start_checks", lambda _workspace, of, split: started.append((of.id, split)))
    at.button("qa_check_all").click().run()
    assert not at.exception and started == [(dataset.id, "test")]


def test_without_checks_the_items_come_by_name(dataset: Dataset, rater: Rater, open_page: Open, component_data: Data) -> None:
    at = open_page("qa", {"rater": "Ada"})
    data = component_data(at, "vton_qa")
    assert data["queue"] == STEMS and data["tasks"][0]["passed"] is None
    assert at.query_params["item"] == STEMS[0]
    assert list(data["tasks"][0]["outputs"]) == list(OUTPUTS)
    assert data["tasks"][0]["layers"].keys() == {layer["kind"] for layer in data["layers"]}


def test_the_worst_come_first_with_the_sentences_of_what_failed(
    dataset: Dataset, rater: Rater, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    check(opened, dataset, {STEMS[2]: [("parse", "arms"), ("agnostic", "worn")], STEMS[1]: [("parse", "arms")]})
    data = component_data(open_page("qa", {"rater": "Ada"}), "vton_qa")
    assert data["queue"] == [STEMS[2], STEMS[1], STEMS[0], STEMS[3]]
    first = data["tasks"][0]
    assert [one["sentence"] for one in first["failed"]] == ["arms is wrong.", "worn is wrong."] and first["passed"] == 1


def test_a_deep_link_opens_its_item_and_an_unknown_one_the_first(
    dataset: Dataset, rater: Rater, open_page: Open, component_data: Data
) -> None:
    for wanted, shown in ((STEMS[2], STEMS[2]), ("nobody", STEMS[0])):
        at = open_page("qa", {"rater": "Ada"}, item=wanted)
        assert component_data(at, "vton_qa")["first"] == shown and at.query_params["item"] == shown


def test_filters_by_check_and_by_verdict_are_the_address(
    dataset: Dataset, rater: Rater, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    check(opened, dataset, {STEMS[2]: [("parse", "arms")], STEMS[3]: [("agnostic", "worn")]})
    made = read_board(opened, dataset, "test")
    judge_all(made, rater, STEMS[0], "good")
    judge_all(made, rater, STEMS[2], "good")
    judge(made, rater, entry(made, STEMS[2], "parse", "defect", "uid-of-another"))

    def queue(**query: str) -> list[str]:
        return component_data(open_page("qa", {"rater": "Ada"}, **query), "vton_qa")["queue"]

    assert queue() == [STEMS[3], STEMS[1]]
    assert queue(show="all") == [STEMS[2], STEMS[3], STEMS[0], STEMS[1]]
    assert queue(show="good") == [STEMS[0]] and queue(show="defect") == [STEMS[2]] and queue(show="usable") == []
    assert queue(show="all", check="any") == [STEMS[2], STEMS[3]]
    assert queue(show="all", check="agnostic:worn") == [STEMS[3]]
    assert queue(show="nonsense", check="no:such") == [STEMS[3], STEMS[1]]

    at = open_page("qa", {"rater": "Ada"})
    at.selectbox("qa_show").set_value("defect").run()
    assert at.query_params["show"] == "defect" and component_data(at, "vton_qa")["queue"] == [STEMS[2]]


def test_what_the_browser_sends_is_stored_once_with_who_and_what(
    dataset: Dataset, rater: Rater, opened: Workspace, open_page: Open, component_data: Data
) -> None:
    made = read_board(opened, dataset, "test")
    sent = [entry(made, STEMS[0], "parse", "defect", tags=["wrong class"], note="left sleeve")]
    key = f"qa_{dataset.id}_test_{rater.id}"
    at = open_page("qa", {"rater": "Ada", key: {"sent": {"outbox": sent, "at": STEMS[0], "sitting": 1}}})
    at.run()
    with opened.database.read() as session:
        ((row, name),) = annotations.live_of(session, dataset.id, "test", STEMS)
    judged = open_dataset(Path(dataset.root)).splits["test"].need("parse", STEMS[0])
    assert (row.verdict, row.tags, row.note, name) == ("defect", ["wrong class"], "left sleeve", "Ada")
    assert row.file == f"test/image-parse-v3/{STEMS[0]}.png" and row.file_size == judged.stat().st_size
    data = component_data(at, "vton_qa")
    assert data["stored"] == [sent[0]["uid"]] and data["history"] == [{"stem": STEMS[0], "output": "parse"}]


@pytest.mark.parametrize(
    "wrong",
    [{"uid": "short"}, {"uid": 7}, {"output": "flow"}, {"verdict": "fine"}, {"tags": "x"}, {"note": None}, {"stem": None}],
)
def test_malformed_entries_are_left_out(dataset: Dataset, opened: Workspace, wrong: dict[str, Any]) -> None:
    made = read_board(opened, dataset, "test")
    right = entry(made, STEMS[0], "parse", "good")
    assert [one.uid for one in read_outbox([{**right, **wrong}, None, 3, right])] == [right["uid"]]


def test_a_change_of_the_judged_file_makes_it_wait_again(dataset: Dataset, rater: Rater, opened: Workspace) -> None:
    made = read_board(opened, dataset, "test")
    judge_all(made, rater, STEMS[0], "usable")
    assert made.states[STEMS[0]] == "usable" and not made.changed
    parse = open_dataset(Path(dataset.root)).splits["test"].need("parse", STEMS[0])
    content = parse.read_bytes()
    parse.write_bytes(content)  # the same again, at another time
    assert read_board(opened, dataset, "test").states[STEMS[0]] == "usable"
    shutil.copy(parse.with_name(f"{STEMS[1]}.png"), parse)
    made = read_board(opened, dataset, "test")
    assert made.states[STEMS[0]] == "left" and made.changed == {STEMS[0]}
    assert made.ahead(View("changed"), None, 9) == [STEMS[0]]


def test_the_newest_verdict_of_anyone_counts_and_undo_brings_the_other_back(
    dataset: Dataset, rater: Rater, opened: Workspace
) -> None:
    with opened.database.write() as session:
        other = raters.get_or_add(session, "Bo")
    made = read_board(opened, dataset, "test")
    judge_all(made, rater, STEMS[0], "good")
    judge(made, other, entry(made, STEMS[0], "parse", "defect", "uid-of-bo"))
    assert made.verdicts(STEMS[0])["parse"] == "defect" and made.states[STEMS[0]] == "defect"
    judge(made, other, entry(made, STEMS[0], "parse", None, "uid-of-undo"))
    assert made.verdicts(STEMS[0])["parse"] == "good" == made.states[STEMS[0]]
    assert read_board(opened, dataset, "test").states == made.states


def test_a_dataset_without_some_maps_is_judged_as_far_as_it_goes(
    drawn: Path, opened: Workspace, rater: Rater, tmp_path: Path, open_page: Open, component_data: Data
) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / "bare"))
    for folder in ("image-densepose", "agnostic-v3.2", "agnostic-mask", "cloth-mask"):
        shutil.rmtree(root / "test" / folder)
    (root / "test" / "openpose_json" / f"{STEMS[0]}_keypoints.json").unlink()
    dataset = add_dataset(opened, root, "Bare")
    data = component_data(open_page("qa", {"rater": "Ada"}), "vton_qa")
    assert [list(task["outputs"]) for task in data["tasks"][:2]] == [["parse"], ["keypoints", "parse", "agnostic"]]
    assert "densepose" not in data["tasks"][1]["layers"]
    assert "agnostic_mask" in data["tasks"][1]["layers"], "as the rule draws it"
    made = read_board(opened, dataset, "test")
    judge(made, rater, *(entry(made, STEMS[1], output, "good") for output in ("keypoints", "parse")))
    assert made.states[STEMS[1]] == "left"
    judge(made, rater, entry(made, STEMS[1], "agnostic", "good"))
    assert made.states[STEMS[1]] == "good"
    shutil.copy(root / "test" / "image-parse-v3" / f"{STEMS[2]}.png", root / "test" / "image-parse-v3" / f"{STEMS[1]}.png")
    made = read_board(opened, dataset, "test")
    assert made.verdicts(STEMS[1]) == {"keypoints": "good"}, "the rule draws another mask from another parse"


def test_only_pairs_of_which_all_passed_are_listed(dataset: Dataset, rater: Rater, opened: Workspace) -> None:
    made = read_board(opened, dataset, "test")
    pairs = open_dataset(Path(dataset.root)).splits["test"].pairs
    assert passed_pairs(made) == ""
    for stem in STEMS:
        judge_all(made, rater, stem, "good")
    assert passed_pairs(made).splitlines() == [f"{pair.person}.jpg {pair.cloth}.jpg" for pair in pairs]
    judge(made, rater, entry(made, pairs[0].person, "parse", "defect", "uid-defect-1"))
    judge(made, rater, entry(made, pairs[1].cloth, "cloth_mask", "defect", "uid-defect-2"))
    judge(made, rater, entry(made, pairs[2].cloth, "cloth_mask", "usable", "uid-usable"))
    kept = [pair for pair in pairs if pair.person != pairs[0].person and pair.cloth != pairs[1].cloth]
    assert kept and passed_pairs(made).splitlines() == [f"{pair.person}.jpg {pair.cloth}.jpg" for pair in kept]


def test_exports_agree_with_each_other_and_with_their_description(dataset: Dataset, rater: Rater, opened: Workspace) -> None:
    assert verdicts_jsonl(opened, dataset) == "" and verdicts_csv(opened, dataset).startswith("verdict_id,")
    made = read_board(opened, dataset, "test")
    judge(made, rater, entry(made, STEMS[0], "parse", "defect", tags=["wrong class", "ragged outline"], note="=1+1"))
    (line,) = verdicts_jsonl(opened, dataset).splitlines()
    (row,) = csv.DictReader(io.StringIO(verdicts_csv(opened, dataset)))
    told = json.loads(line)
    assert row["tags"] == "wrong class; ragged outline" and told["tags"] == ["wrong class", "ragged outline"]
    assert row["note"] == "'=1+1" and told["note"] == "=1+1"
    section = DESCRIBED.read_text().partition("\n## Verdicts and repairs\n")[2].partition("\n## ")[0]
    described = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]
    assert list(described[0]) == list(told) == list(row)
    assert {name: type(value) for name, value in described[0].items()} == {name: type(value) for name, value in told.items()}


def test_a_view_is_saved_and_opened_apart_from_browses(
    dataset: Dataset, rater: Rater, opened: Workspace, open_page: Open
) -> None:
    at = open_page("qa", {"rater": "Ada"}, show="defect")
    at.text_input("qa_view_new").set_value("To mend").run()
    at.button("qa_view_save").click().run()
    with opened.database.read() as session:
        (view,) = views.list_of(session, dataset.id, "qa")
        assert views.list_of(session, dataset.id) == []
    at = open_page("qa", {"rater": "Ada"})
    at.button(f"qa_view_{view.id}").click().run()
    assert not at.exception and at.query_params["show"] == "defect"
    at.button(f"qa_view_delete_{view.id}").click().run()
    with opened.database.read() as session:
        assert views.list_of(session, dataset.id, "qa") == []


def test_a_dataset_that_is_read_again_keeps_its_verdicts(dataset: Dataset, rater: Rater, opened: Workspace) -> None:
    made = read_board(opened, dataset, "test")
    judge_all(made, rater, STEMS[0], "good")
    photo = open_dataset(Path(dataset.root)).splits["test"].need("image", STEMS[1])
    photo.rename(photo.with_name("00099_00.jpg"))
    again = read_board(opened, add_dataset(opened, dataset.root), "test")
    assert again.states[STEMS[0]] == "good" and "00099_00" in again.order
