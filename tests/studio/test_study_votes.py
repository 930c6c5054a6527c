"""A study's answers as arrays, the fit of its leaderboard, and the file that keeps it."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from db import comparisons, raters, studies, study_columns
from db.study_models import Study
from studio import background, study_votes
from studio.__main__ import main
from studio.leaderboard_fits import Asked, LeaderboardFault, as_plain, check, fit, from_plain, kept, version
from studio.leaderboard_words import rounded, text
from studio.votes import LEFT, OUTCOMES, RIGHT
from studio.workspace import Workspace
from tests.ranked_study import NAMES, answered, make_study

RATERS = ("Ada", "Ben", "Cleo", "Dan")


@pytest.fixture
def study(opened: Workspace) -> Study:
    """A study that four raters have answered, known items, repeats and skips among it."""
    with opened.database.write() as session:
        made = make_study(session)
    answered(opened, made, *RATERS)
    return made


def test_the_arrays_say_what_the_rows_say(opened: Workspace, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_columns, "CHUNK", 7)
    with opened.database.read() as session:
        rows = [row for row in comparisons.rows(session, study.id, "overall") if row.outcome != "skip"]
        given = study_votes.read(session, study.id, "overall", times=True)
    assert given.id.tolist() == [row.id for row in rows] and len({row.kind for row in rows}) == 3
    assert given.left.tolist() == [row.left_run_id or 0 for row in rows]
    assert given.right.tolist() == [row.right_run_id or 0 for row in rows]
    assert [OUTCOMES[place] for place in given.outcome] == [row.outcome for row in rows]
    assert given.pair.tolist() == [row.study_pair_id for row in rows]
    np.testing.assert_allclose(given.weight, [row.weight for row in rows])
    np.testing.assert_allclose(given.seconds, [(row.answered_at - row.shown_at).total_seconds() for row in rows])
    answers = study_votes.answers_of(given)
    for row, expected, repeat in zip(rows, answers.expected, answers.repeat, strict=True):
        right = RIGHT if row.swapped else LEFT  # the result is the first picture, the bad one the second
        assert expected == (right if row.kind == "gold" else -1)
        repeated = {other.repeat_of for other in rows}
        of = row.repeat_of if row.kind == "repeat" else row.assignment_id if row.assignment_id in repeated else -1
        assert repeat == of


def test_what_counts_is_plain_of_raters_that_count_and_of_the_stratum(opened: Workspace, study: Study) -> None:
    with opened.database.write() as session:
        cleo = raters.get_or_add(session, "Cleo").id
        studies.set_rater(session, study.id, cleo, "excluded", "answers too fast")
    with opened.database.read() as session:
        rows = [row for row in comparisons.rows(session, study.id, "overall") if row.outcome != "skip"]
        given = study_votes.read(session, study.id, "overall")
        excluded = study_columns.excluded(session, study.id)
        long = study_votes.pairs_of(session, study.id, "long")
        tallied = sum(tally.votes for tally in comparisons.tallies(session, study.id, "overall"))
    plain = [row for row in rows if row.kind == "plain" and row.rater_id != cleo]
    votes = given.votes(study_votes.counted(given, excluded))
    assert excluded == [cleo] and len(votes) == len(plain) == tallied > 0
    assert votes.weight is not None and votes.weight.tolist() == [row.weight for row in plain]
    assert long is not None and len(long) == 4
    of_long = given.id[study_votes.counted(given, excluded, long)].tolist()
    assert of_long == [row.id for row in plain if row.study_pair_id in long] and 0 < len(of_long) < len(plain)


def test_no_answer_is_no_vote(opened: Workspace) -> None:
    with opened.database.write() as session:
        made = make_study(session)
    with opened.database.read() as session:
        given = study_votes.read(session, made.id, "overall", times=True)
        found = fit(session, Asked(made.id, "overall"))
    assert len(given) == 0 and len(study_votes.answers_of(given).votes) == 0
    assert found.flip is None and found.board.notes == ("There are no votes between these runs yet.",)
    assert "–" in text(found)


def test_a_fit_ranks_as_people_did_and_survives_its_file(opened: Workspace, study: Study) -> None:
    with opened.database.read() as session:
        whole = fit(session, Asked(study.id, "overall"))
        part = fit(session, check(session, study, "overall", "short"))
    assert [whole.runs[row.run] for row in whole.board.standings] == list(NAMES)
    assert 0 < part.board.votes < whole.board.votes == whole.counted and part.board.pairs == 4
    (metric,) = whole.metrics
    assert metric.name == "ssim" and metric.correlation.spearman.value == pytest.approx(1)
    assert whole.flip is not None and whole.flip.count == sum(pair.votes for pair in whole.flip.pairs)
    assert from_plain(json.loads(json.dumps(as_plain(whole), allow_nan=False))) == whole
    assert from_plain({"version": "1"}) is None and from_plain(None) is None


def test_a_board_says_no_rank_without_its_interval(opened: Workspace, study: Study) -> None:
    with opened.database.read() as session:
        said = text(fit(session, Asked(study.id, "overall")))
    for name in NAMES:
        assert re.search(rf"^\d \(\d to \d\)  {name} +\d+(\.\d)?% \(\d+(\.\d)? to \d+(\.\d)?\)", said, re.MULTILINE)
    assert rounded(974_714) == 970_000 and rounded(7) == 7


def test_a_fit_is_of_another_version_when_something_changes(opened: Workspace, study: Study) -> None:
    asked = Asked(study.id, "overall")

    def now() -> str:
        with opened.database.read() as session:
            return version(session, asked)

    seen = [now(), now()]
    assert seen[0] == seen[1]
    answered(opened, study, "Eve")
    seen.append(now())
    with opened.database.write() as session:
        studies.set_rater(session, study.id, raters.get_or_add(session, "Ada").id, "excluded")
    seen.append(now())
    assert len(set(seen)) == 3


def test_a_fit_runs_beside_the_studio_and_is_begun_again_when_killed(
    opened: Workspace, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.0)
    asked = Asked(study.id, "overall")
    first = kept(opened, asked, study.name)
    assert first.value is None and first.working
    other = kept(opened, Asked(study.id, "fit"), study.name)
    assert other.value is None and not other.working, "one at a time for each study"
    (process,) = [
        running
        for file, (running, _) in background._begun.items()
        if file.is_relative_to(opened.settings.cache_dir) and running.poll() is None
    ]
    process.kill()
    process.wait()
    until = time.monotonic() + 60
    while (found := kept(opened, asked, study.name)).value is None and time.monotonic() < until:
        time.sleep(0.2)
    made = from_plain(found.value)
    assert made is not None and found.fresh and made.board.votes == made.counted
    assert kept(opened, asked, study.name).value == found.value


def test_the_command_prints_the_board_and_writes_it(
    opened: Workspace, study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.json"
    place = ["--workspace", str(opened.settings.workspace)]
    assert main([*place, "leaderboard", "--study", "First", "--stratum", "long", "--json", str(file)]) == 0
    made = from_plain(json.loads(file.read_text()))
    assert made is not None and capsys.readouterr().out == text(made)
    for wrong, words in (
        (["--study", "Second"], "no study called 'Second'"),
        (["--study", "First", "--axis", "colour"], "expected overall, fit"),
        (["--study", "First", "--stratum", "wide"], "it has long, short"),
    ):
        assert main([*place, "leaderboard", *wrong]) == 1
        assert words in capsys.readouterr().err


def test_what_a_study_does_not_have_is_refused(opened: Workspace, study: Study) -> None:
    with opened.database.read() as session, pytest.raises(LeaderboardFault, match="no stratum"):
        check(session, study, "fit", "none")
