"""The Studies page: a study is made once from its form, says how far it is, and is paused, closed, reopened and removed."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from db import studies
from db.models import Run
from db.study_models import Study
from studio import study_making
from studio.importer import remove_run
from studio.workspace import Workspace
from tests.tiny_study import answer, blurred_run, sharper, small_study

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]


def made(workspace: Workspace) -> list[Study]:
    with workspace.database.read() as session:
        return studies.list_all(session)


def fill(at: AppTest, run: Run, other: Run) -> AppTest:
    at.text_input("study_name").set_value("By form")
    return at.multiselect("study_runs").set_value([run.id, other.id]).run()


def test_without_a_dataset_or_two_runs_it_says_what_to_do(opened: Workspace, open_page: Open, sentences: Say) -> None:
    assert "No dataset yet" in sentences(open_page("studies"))


def test_with_one_run_the_form_says_what_to_do(run: Run, open_page: Open, sentences: Say) -> None:
    assert "No study yet" in sentences(open_page("studies"))
    assert "only one run" in sentences(open_page("studies", new="1"))


def test_the_form_makes_a_study_and_a_second_click_no_other(run: Run, opened: Workspace, open_page: Open) -> None:
    other = blurred_run(opened, run)
    at = fill(open_page("studies", new="1"), run, other)
    assert not at.exception and "12 comparisons" in at.info[0].value
    at.button("study_make").click().run()
    assert not at.exception and not at.error and "new" not in at.query_params
    (study,) = made(opened)
    assert study.name == "By form" and study.wanted == 12 and study.axes == ["overall"]
    assert [title.value for title in at.subheader] == ["By form"]
    again = fill(open_page("studies", {"study_made": at.session_state["study_made"]}, new="1"), run, other)
    assert again.button("study_make").disabled
    assert any("Another study is called By form" in caption.value for caption in again.caption)


def test_a_plan_that_was_just_made_is_not_made_again(
    run: Run, opened: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = blurred_run(opened, run)
    at = fill(open_page("studies", new="1"), run, other)
    at.button("study_make").click().run()
    plan = at.session_state["study_made"]
    asked: list[object] = []
    monkeypatch.setattr(study_making, "fault_of", lambda *_: "")
    monkeypatch.setattr("studio.widgets.study_form.fault_of", lambda *_: "")
    monkeypatch.setattr("studio.widgets.study_form.make_study", lambda *given: asked.append(given))
    late = fill(open_page("studies", {"study_made": plan}, new="1"), run, other)
    late.button("study_make").click().run()
    assert not asked and len(made(opened)) == 1


def test_what_is_wrong_is_said_beside_the_button(run: Run, opened: Workspace, open_page: Open) -> None:
    other = blurred_run(opened, run)
    at = open_page("studies", new="1")
    assert at.button("study_make").disabled
    at = fill(at, run, other)
    assert not at.button("study_make").disabled
    at.number_input("study_least").set_value(9).run()
    assert at.button("study_make").disabled
    assert any("Raters at least" in caption.value for caption in at.caption)


def test_pairs_by_a_garment_trait_are_counted_before(run: Run, opened: Workspace, open_page: Open) -> None:
    other = blurred_run(opened, run)
    at = fill(open_page("studies", new="1"), run, other)
    at.segmented_control("study_how").set_value("strata").run()
    at.number_input("study_each").set_value(1).run()
    assert not at.exception and "kind" in at.info[0].value
    at.button("study_make").click().run()
    with opened.database.read() as session:
        (study,) = studies.list_all(session)
        assert len(studies.strata(session, study.id)) == len(studies.pairs_of(session, study.id)) > 1


def test_a_card_says_how_far_it_is_and_who_works(run: Run, opened: Workspace, open_page: Open, sentences: Say) -> None:
    study = small_study(opened, run)
    assert "No rater yet" in sentences(open_page("studies"))
    answer(opened, study, "Bo", sharper)
    at = open_page("studies")
    assert "At work: Bo" in sentences(at)
    assert at.code[0].value.endswith(f"/rate?study={study.id}")


def test_states_are_changed_and_what_a_removal_loses_is_said(
    run: Run, opened: Workspace, open_page: Open, sentences: Say
) -> None:
    study = small_study(opened, run)
    done = answer(opened, study, "Bo", sharper)
    at = open_page("studies")
    for state in ("paused", "open", "closed", "open"):
        at.button(f"{state}_{study.id}").click().run()
        assert made(opened)[0].state == state
    assert f"{done} answers of 1 rater" in sentences(at) and "known items" in sentences(at)
    at.button(f"remove_do_{study.id}").click().run()
    assert not at.exception and not made(opened)
    assert "No study yet" in sentences(open_page("studies"))


def test_a_run_goes_with_its_answers_and_that_is_said(run: Run, opened: Workspace, open_page: Open, sentences: Say) -> None:
    study = small_study(opened, run, axes=("overall",), gold_share=0.0, repeat_share=0.0)
    given = answer(opened, study, "Bo", sharper, 1)
    with opened.database.read() as session:
        played, votes = studies.of_run(session, run.id)
    assert [one.id for one in played] == [study.id] and votes == given > 0
    assert f"{given} answers that compare it in First go with it" in sentences(open_page("runs", open=run.name))
    remove_run(opened, run.id)
    (left,) = made(opened)
    assert (left.wanted, left.done) == (0, 0)


@pytest.mark.parametrize("page", ["leaderboard", "raters", "review", "exports"])
def test_every_page_names_a_study_as_the_link_for_raters_does(run: Run, opened: Workspace, open_page: Open, page: str) -> None:
    older = small_study(opened, run)
    with opened.database.write() as session:
        newer = studies.make(
            session,
            name="Second",
            question="Which?",
            axes=["overall"],
            runs=list(studies.runs_of(session, older.id)),
            pairs=[studies.NewPair(pair.person, pair.cloth) for pair in studies.pairs_of(session, older.id)],
        )
    at = open_page(page, study=str(older.id))
    chosen = at.selectbox("study_chosen")
    assert chosen.value == older.id and chosen.options == ["Second", "First"]
    chosen.set_value(newer.id).run()
    assert not at.exception and at.query_params["study"] == str(newer.id)
