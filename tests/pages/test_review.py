"""The Review page: worst first, names apart, rulings that move on, undo, requeue, and an address for each comparison."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import raters, review_items, reviews
from db.models import Run
from db.study_models import Matchup, Study
from studio.widgets import review_page
from studio.widgets.review_page import Listed
from studio.workspace import Workspace
from tests.pages.test_raters import count_in
from tests.tiny_study import answer, sharper, small_study, softer

Open = Callable[..., AppTest]
Data = Callable[[AppTest, str], dict[str, Any]]


@pytest.fixture
def study(run: Run, opened: Workspace) -> Study:
    made = small_study(opened, run, raters_least=2, raters_most=2)
    answer(opened, made, "Eve", lambda one: "skip", times=1, reason="cannot tell")
    answer(opened, made, "Bo", sharper, tags=["wrong colour"], flagged=True)
    answer(opened, made, "Dai", softer)
    count_in(opened, made)
    return made


def shown(component_data: Data, at: AppTest) -> dict[str, Any]:
    assert not at.exception and not at.error
    return component_data(at, "vton_review")


def test_a_comparison_is_shown_with_every_answer_and_its_tags(study: Study, open_page: Open, component_data: Data) -> None:
    data = shown(component_data, open_page("review", {"rater": "Ada"}, study="1"))
    said = {answer["rater"]: answer for answer in data["answers"]}
    assert {said["Bo"]["verdict"], said["Dai"]["verdict"]} == {"first", "second"}
    assert "wrong colour" in said["Bo"]["details"] and "flagged" in said["Bo"]["details"]
    assert len(data["pictures"]) == 2 and all(data["pictures"]) and data["person"]["src"] and data["cloth"]["src"]
    assert set(data["names"]) == {"By hand", "Blurred"}
    assert data["ends"] == [True, False] and data["may"] and data["more"] and data["ruling"] is None


def test_without_a_name_nothing_can_be_ruled(study: Study, open_page: Open, component_data: Data) -> None:
    at = open_page("review", study="1")
    assert "Say who reviews" in at.info[0].value
    assert not shown(component_data, at)["may"]


@pytest.mark.parametrize("name", ["known", "flagged", "skipped"])
def test_lists_of_missed_flagged_and_skipped_ones(study: Study, open_page: Open, component_data: Data, name: str) -> None:
    data = shown(component_data, open_page("review", study="1", list=name))
    if name == "known":
        assert not data["more"] and data["names"][1].startswith("Known bad: ") and "gold/" not in str(data)
    if name == "skipped":
        assert "cannot tell" in str(data["answers"])


def test_an_address_opens_a_comparison_and_a_wrong_one_is_a_sentence(
    study: Study, open_page: Open, component_data: Data
) -> None:
    first = shown(component_data, open_page("review", study="1"))
    other = first["matchup"] + 1 if first["matchup"] == 1 else first["matchup"] - 1
    assert shown(component_data, open_page("review", study="1", matchup=str(other)))["matchup"] == other
    assert "has no comparison 99999" in open_page("review", study="1", matchup="99999").error[0].value


def take(workspace: Workspace, listed: Listed, **message: Any) -> None:
    with workspace.database.write() as session:
        ada = raters.get_or_add(session, "Ada")
    said = {"matchup": listed.current, "uid": f"{message}"[:40], **message}
    review_page.take(workspace, ada, "overall", listed, said)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Stands for the address and the session of a page."""
    place: dict[str, str] = {}
    monkeypatch.setattr(review_page.st, "query_params", place)
    monkeypatch.setattr(review_page.st, "session_state", {})
    monkeypatch.setattr(review_page.st, "toast", lambda *_, **__: None)
    return place


def rulings(workspace: Workspace, study: Study) -> dict[int, str | None]:
    with workspace.database.read() as session:
        return {row.matchup_id: row.ruling for row in reviews.rulings(session, study.id)}


def test_a_ruling_is_stored_moves_on_and_is_taken_back(study: Study, opened: Workspace, address: dict[str, str]) -> None:
    ids = [1, 2, 3]
    take(opened, Listed(ids, 1, frozenset(ids)), kind="rule", ruling="second", note="the collar")
    assert address == {"matchup": "2"} and rulings(opened, study) == {1: "second"}
    take(opened, Listed(ids, 2, frozenset({2, 3})), kind="undo")
    assert address == {"matchup": "1", "axis": "overall"} and rulings(opened, study) == {}
    with opened.database.read() as session:
        assert not review_items.ruled(session, study.id, "overall")


def test_what_is_ruled_on_is_passed_over(address: dict[str, str]) -> None:
    listed = Listed([4, 5, 6], 4, frozenset({4, 6}))
    assert listed.beside(1) == 6 and listed.beside(-1) is None
    assert Listed([4, 5, 6], 6, frozenset({4})).beside(-1) == 5
    assert Listed([4, 5, 6], 99, frozenset({5})).beside(1) == 5


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "rule", "ruling": "typo"},
        {"kind": "rule", "ruling": "first", "matchup": 2},
        {"kind": "rule", "ruling": "first", "uid": None},
        {},
    ],
)
def test_what_is_malformed_does_nothing(
    study: Study, opened: Workspace, address: dict[str, str], message: dict[str, Any]
) -> None:
    take(opened, Listed([1, 2], 1, frozenset({1, 2})), **message)
    assert rulings(opened, study) == {} and address == {}


def test_two_more_raters_are_asked(study: Study, opened: Workspace, address: dict[str, str]) -> None:
    take(opened, Listed([1], 1, frozenset({1})), kind="requeue")
    with opened.database.read() as session:
        matchup = session.get(Matchup, 1)
        assert matchup is not None and matchup.needed == 4
