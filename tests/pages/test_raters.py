"""The Raters page: every rater's figures with intervals, what can be done about a rater, and messages that Home shows."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from db import messages, raters, studies
from db.models import Run
from db.study_models import Study, StudyRater
from studio import background, rater_figures
from studio.workspace import Workspace
from tests.tiny_study import answer, sharper, small_study, softer

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]


@pytest.fixture
def study(run: Run, opened: Workspace) -> Study:
    """Two who agree, and one who prefers what is worse."""
    made = small_study(opened, run, axes=("overall", "fit"))
    for rater, decide in (("Bo", sharper), ("Cleo", sharper), ("Dai", softer)):
        answer(opened, made, rater, decide)
    count_in(opened, made)
    return made


def count_in(workspace: Workspace, study: Study) -> None:
    """What the background process does."""
    file = workspace.settings.cache_dir / "raters" / f"{study.id}.json"
    background.write(file, rater_figures.compute(workspace, study.id))


def part(workspace: Workspace, study: Study, name: str) -> StudyRater:
    with workspace.database.read() as session:
        return next(row for row, rater in studies.rater_rows(session, study.id) if rater == name)


def test_without_a_study_it_says_what_to_do(opened: Workspace, open_page: Open, sentences: Say) -> None:
    assert "No study yet" in sentences(open_page("raters"))


def test_each_rater_has_a_row_with_intervals(study: Study, open_page: Open) -> None:
    at = open_page("raters", study="1")
    assert not at.exception and not at.error
    table = at.dataframe[0].value
    assert list(table["Rater"]) == ["Bo", "Cleo", "Dai"]
    known = dict(zip(table["Rater"], table["Known items"], strict=True))
    assert known["Dai"].startswith("0% (0–") and known["Bo"].startswith("100% (")
    assert (table["Median"] > 1).all() and (table["Answers"] > 0).all()
    agreement = next(text.value for text in at.markdown if text.value.startswith("Agreement"))
    assert "**Overall**: -0." in agreement and "**Fit**: -0." in agreement and " to " in agreement


def test_new_answers_are_counted_in_by_another_process(
    study: Study, opened: Workspace, open_page: Open, sentences: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Working:
        returncode = None

        def poll(self) -> None:
            return None

    begun: list[list[str]] = []
    monkeypatch.setattr(background, "_begin", lambda settings, file, command: begun.append(command) or Working())
    monkeypatch.setattr(background, "AGAIN_SECONDS", -1.0)
    monkeypatch.setattr(background, "AGAIN_TIMES", 0.0)
    open_page("raters", study="1")
    assert not begun
    answer(opened, study, "Eve", sharper, times=1)
    at = open_page("raters", study="1")
    assert "being counted in" in sentences(at)
    assert [command[1:5] for command in begun] == [["-m", "studio", "raters", "--study"]]
    assert "Eve" in list(at.dataframe[0].value["Rater"])


def test_a_rater_is_paused_excluded_with_a_reason_and_taken_back(
    study: Study, opened: Workspace, open_page: Open, sentences: Say
) -> None:
    at = open_page("raters", study="1")
    at.selectbox("rater_open").select("Dai").run()
    assert "0 skipped, " in sentences(at) and "answers an hour" in sentences(at)
    at.text_input("rater_reason").set_value("clicks through")
    at.button("rater_excluded").click().run()
    row = part(opened, study, "Dai")
    assert not at.exception and (row.state, row.reason) == ("excluded", "clicks through")
    assert any("clicks through" in text.value for text in at.markdown)
    at.button("rater_active").click().run()
    assert part(opened, study, "Dai").state == "active"
    at.text_input("rater_reason").set_value("too quick")
    at.button("rater_paused").click().run()
    assert part(opened, study, "Dai").state == "paused"
    at.text_input("rater_reason").set_value("")
    at.button("rater_excluded").click().run()
    row = part(opened, study, "Dai")
    assert (row.state, row.reason) == ("excluded", "too quick")


def test_excluding_a_rater_changes_the_others_figures(study: Study, opened: Workspace) -> None:
    before = rater_figures.compute(opened, study.id)
    dai = part(opened, study, "Dai").rater_id
    with opened.database.write() as session:
        studies.set_rater(session, study.id, dai, "excluded")
    after = rater_figures.compute(opened, study.id)
    assert after["version"] != before["version"]
    assert after["axes"]["overall"]["alpha"]["raters"] == 2 < before["axes"]["overall"]["alpha"]["raters"]
    assert {report["rater"] for report in after["axes"]["overall"]["reports"]} >= {dai}
    assert not after["axes"]["overall"]["least_agreed"] and before["axes"]["overall"]["least_agreed"]


def test_a_message_is_shown_on_home_until_it_is_read(study: Study, opened: Workspace, open_page: Open) -> None:
    at = open_page("raters", {"rater": "Ada"}, study="1")
    at.selectbox("rater_open").select("Bo").run()
    at.button("rater_send").click().run()
    assert "needs a text" in at.error[0].value
    at.text_area("rater_message").set_value("Please look at the sleeves too.")
    at.button("rater_send").click().run()
    assert not at.exception and "not yet" in str(at.dataframe[-1].value.to_dict())
    home = open_page("home", {"rater": "Bo"})
    assert "Ada: Please look at the sleeves too." in [text.value for text in home.text]
    next(button for button in home.button if button.label == "Read").click().run()
    assert not home.text
    with opened.database.read() as session:
        bo = raters.get_or_add(session, "Bo").id
        assert not messages.unread(session, bo) and messages.sent(session, study.id)[0].read_at
