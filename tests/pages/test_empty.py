"""An empty workspace: every page says what to do next, and shows neither an error nor a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from db import datasets
from studio.workspace import Workspace

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]
SAYS = {
    "home": "Add a dataset",
    "browse": "Add a folder of pairs",
    "doctor": "Add a folder of pairs",
    "qa": "Add a folder of pairs",
    "lab": "Add a folder of pairs",
    "rate": "Try a pair on",
    "runs": "Add a folder of pairs",
}


@pytest.mark.parametrize("page", SAYS)
def test_page_says_what_to_do(page: str, open_page: Open, sentences: Say) -> None:
    at = open_page(page)
    assert len(at.title) == 1
    assert SAYS[page] in sentences(at)


@pytest.mark.parametrize("page", ["leaderboard", "raters", "review"])
def test_without_a_study_the_page_says_so_below_its_heading(page: str, open_page: Open) -> None:
    heading, *below = open_page(page).main.children.values()
    assert isinstance(heading, Block) and len(heading.title) == 1 and not heading.markdown
    assert any("No study yet" in one.value for part in below if isinstance(part, Block) for one in part.markdown)


def add(at: AppTest, folder: str) -> AppTest:
    at.text_input("dataset_root").set_value(folder).run()
    return at.button("dataset_add").click().run()


def test_dataset_is_added_by_its_folder(open_page: Open, opened: Workspace, drawn: Path) -> None:
    at = add(open_page("home"), str(drawn))
    assert not at.error and not at.exception
    with opened.database.read() as session:
        assert [row.root for row in datasets.list_all(session)] == [str(drawn.resolve())]
    assert at.sidebar.selectbox("dataset").value == drawn.name


@pytest.mark.parametrize("folder", ["/no/such/folder", ""])
def test_wrong_folder_is_one_sentence(folder: str, open_page: Open, opened: Workspace) -> None:
    at = add(open_page("home"), folder)
    assert len(at.error) == 1 and not at.exception
    assert "train/ or test/" in at.error[0].value
    with opened.database.read() as session:
        assert datasets.list_all(session) == []
