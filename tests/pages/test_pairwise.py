"""The Rate page around a study: the list, the name that is asked for, messages, and one sentence where nothing is asked."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import messages, raters, studies
from db.models import Run
from db.study_models import Study
from studio.importer import import_run
from studio.workspace import Workspace

Open = Callable[..., AppTest]


@pytest.fixture
def study(run: Run, opened: Workspace) -> Study:
    """A study of two runs on the four pairs of a drawn set."""
    folder = opened.settings.runs_dir / "other"
    shutil.copytree(run.folder, folder)
    (folder / "metrics.json").unlink()
    other = import_run(opened, folder, "Other")
    pairs = [studies.NewPair(*file.stem.split("__")) for file in sorted((Path(run.folder) / "results").iterdir())]
    with opened.database.write() as session:
        return studies.make(
            session,
            name="First",
            question="Which is better?",
            axes=["overall"],
            runs=[run.id, other.id],
            pairs=pairs,
            gold_share=0,
        )


def test_open_studies_are_listed_and_taken(
    study: Study, open_page: Open, component_data: Callable[[AppTest, str], dict[str, Any]]
) -> None:
    at = open_page("rate", {"rater": "Ada"})
    assert "4 pairs left for you" in [one.value for one in at.caption]
    at = at.button(f"take_{study.id}").click().run()
    data = component_data(at, "vton_rating")
    assert (data["mode"], data["left"], len(data["tasks"])) == ("pairs", 4, 4)
    assert at.title[0].value == "Which is better?"
    first = data["tasks"][0]["id"]
    answer = {"uid": "uid-00000001", "assignment_id": first, "axis": "overall", "outcome": "left", "shown_at": None}
    key = data["sitting"]
    at.session_state[key] = {"outbox": [answer, {"uid": "rubbish!"}, 3], "deeper": "x"}
    data = component_data(at.run(), "vton_rating")
    assert (data["done"], data["left"], data["history"]) == (1, 3, [{"id": first, "axis": "overall"}])
    assert first not in [task["id"] for task in data["tasks"]] and set(data["stored"]) == {"uid-00000001", "rubbish!"}
    assert "dataset" not in json.dumps(data["history"])


def test_a_link_asks_who_rates_and_starts(study: Study, opened: Workspace, open_page: Open) -> None:
    at = open_page("rate", study=str(study.id))
    assert not at.get("bidi_component")
    at = at.text_input("new_rater_name").set_value("  ").run()
    at = next(one for one in at.button if one.label == "Start").click().run()
    assert len(at.error) == 1
    at.text_input("new_rater_name").set_value(" Grace  Hopper ")
    at = next(one for one in at.button if one.label == "Start").click().run()
    assert not at.exception and at.get("bidi_component")
    with opened.database.read() as session:
        assert [one.name for one in raters.list_all(session)] == ["Ada", "Grace Hopper"]


def test_who_comes_by_the_link_is_told_of_every_question(study: Study, opened: Workspace, open_page: Open) -> None:
    assert "questions" not in str([one.value for one in open_page("rate", study=str(study.id)).markdown])
    with opened.database.write() as session:
        session.get_one(Study, study.id).axes = ["overall", "fit"]
    told = str([one.value for one in open_page("rate", study=str(study.id)).markdown])
    assert "each pair on 2 questions: overall, fit" in told


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_study_that_is_not_open_says_so(
    state: str, study: Study, opened: Workspace, open_page: Open, component_data: Any
) -> None:
    with opened.database.write() as session:
        studies.set_state(session, study.id, state)
    assert any(state in one.value for one in open_page("rate", study=str(study.id)).markdown)
    data = component_data(open_page("rate", {"rater": "Ada"}, study=str(study.id)), "vton_rating")
    assert data["tasks"] == [] and state in data["finished"]
    assert f"take_{study.id}" not in [one.key for one in open_page("rate", {"rater": "Ada"}).button]


@pytest.mark.parametrize("wanted", ["99", "9" * 40, "x", "-1"])
def test_a_link_to_no_study_is_one_sentence(wanted: str, study: Study, open_page: Open) -> None:
    at = open_page("rate", {"rater": "Ada"}, study=wanted)
    assert not at.exception and ["no such study" in one.value for one in at.error] == [True]


def test_messages_are_shown_until_they_are_read(study: Study, opened: Workspace, open_page: Open) -> None:
    with opened.database.write() as session:
        ada = raters.get_or_add(session, "Ada")
        message = messages.send(session, ada.id, "Slower, please.")
    at = open_page("rate", {"rater": "Ada"}, study=str(study.id))
    assert [one.value for one in at.text] == ["Slower, please."]
    at = at.button(f"read_{message.id}").click().run()
    assert not at.text
