"""The Leaderboard page: what it says before, while and after a fit, and where it leads."""

import csv
import io
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from db import raters, studies
from db.models import Run
from db.study_models import Study
from studio.leaderboard_fits import Fit, from_plain
from studio.widgets.compare_page import names_in
from studio.widgets.leaderboard_view import board_csv
from studio.widgets.words import count
from studio.workspace import Workspace
from tests.ranked_study import NAMES, answered, make_study

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]


@pytest.fixture
def study(opened: Workspace, run: Run) -> Study:
    with opened.database.write() as session:
        return make_study(session, run.dataset_id)


def until_fitted(at: AppTest, seconds: float = 60) -> AppTest:
    """The page as it is when the fit that it waits for is done."""
    until = time.monotonic() + seconds
    while not at.dataframe and time.monotonic() < until:
        time.sleep(0.3)
        at.run()
    return at


def kept_fit(opened: Workspace, study: Study) -> Fit:
    (file,) = (opened.settings.cache_dir / "leaderboards" / str(study.id)).glob("*.json")
    found = from_plain(json.loads(file.read_text()))
    assert found is not None
    return found


def test_without_a_study_the_page_says_where_to_make_one(run: Run, open_page: Open, sentences: Say) -> None:
    assert "No study yet" in sentences(open_page("leaderboard"))


def test_without_votes_the_page_says_how_to_get_some(study: Study, open_page: Open, sentences: Say) -> None:
    at = open_page("leaderboard", study="1")
    assert "No vote counts on overall yet" in sentences(at) and not at.dataframe


def test_a_board_is_fitted_beside_the_page_and_shown_when_done(
    opened: Workspace, study: Study, open_page: Open, sentences: Say
) -> None:
    answered(opened, study, "Ben", "Cleo", "Dan")
    at = open_page("leaderboard", study="1")
    assert "so far" in sentences(at) and not at.dataframe
    said = sentences(until_fitted(at))
    fit = kept_fit(opened, study)
    board = at.dataframe[0].value
    assert board["Run"].tolist() == list(NAMES)
    assert all(" to " in rank for rank in board["Rank"]) and all("%" in share for share in board["Preferred"])
    assert board["Votes"].tolist() == [row.votes for row in fit.board.standings]
    for words in ("are told apart", "would rank above", "Of two equal pictures", "prefer neither picture", "Only 3 raters"):
        assert words in said
    assert at.dataframe[-1].value["Metric"].tolist() == ["SSIM"]
    (row, *_) = csv.DictReader(io.StringIO(board_csv(fit)))
    assert (row["run"], row["axis"], row["rank"]) == (NAMES[0], "overall", "1") and row["rank_low"] and row["rank_high"]
    answered(opened, study, "Eve")
    assert "newer votes" in sentences(at.run()) and at.dataframe[0].value.equals(board), "the last one stays until then"


def test_a_board_leads_to_its_runs_and_to_their_pictures(opened: Workspace, study: Study, open_page: Open) -> None:
    answered(opened, study, "Ben", "Cleo")
    at = until_fitted(open_page("leaderboard", study="1"))
    board, *_, top, _ = (table.value for table in at.dataframe)
    assert [one.label for one in at.expander] == [f"The {count(len(top), 'comparison')} with most of these votes"]
    for name, entry, pictures in zip(board["Run"], board["Entry"], board["Pictures"], strict=True):
        assert parse_qs(urlsplit(entry).query) == {"open": [name]} and urlsplit(entry).path == "runs"
        asked = parse_qs(urlsplit(pictures).query)
        assert asked["dataset"] == ["Drawn"] and asked["split"] == ["test"]
        assert set(names_in(asked["runs"][0], NAMES)) == {*board["Run"][:2], name}
    pair = parse_qs(urlsplit(top["Pictures"][0]).query)
    assert (pair["person"], pair["cloth"]) == ([top["Person"][0]], [top["Cloth"][0]])


def test_axis_and_stratum_are_in_the_address(opened: Workspace, study: Study, open_page: Open, sentences: Say) -> None:
    answered(opened, study, "Ben", "Cleo")
    at = until_fitted(open_page("leaderboard", study="1", axis="fit", stratum="long"))
    assert at.selectbox("leaderboard_axis").value == "fit" and at.selectbox("leaderboard_stratum").value == "long"
    assert "on 4 pairs" in sentences(at)
    at.selectbox("leaderboard_stratum").set_value("").run()
    assert "stratum" not in at.query_params and at.query_params["axis"] == "fit"
    wrong = open_page("leaderboard", study="Gone", axis="colour")
    assert wrong.query_params["study"] == "1" and wrong.selectbox("leaderboard_axis").value == "overall"


def test_every_run_tells_the_browser_the_choices_of_the_address(study: Study, open_page: Open) -> None:
    """Of a first run that is broken off the browser may hear nothing, and shows each widget's default until it does."""
    at = open_page("leaderboard", study="1", axis="fit")
    for _ in range(2):
        for key, shown in (("study_chosen", "First"), ("leaderboard_axis", "fit")):
            widget = at.selectbox(key).proto
            assert widget.set_value and widget.raw_value == shown
        at.run()


def test_a_rater_who_does_not_count_takes_votes_along(opened: Workspace, study: Study, open_page: Open, sentences: Say) -> None:
    answered(opened, study, "Ben")
    with opened.database.write() as session:
        studies.set_rater(session, study.id, raters.get_or_add(session, "Ben").id, "excluded")
    assert "No vote counts on overall yet" in sentences(open_page("leaderboard", study="1"))
