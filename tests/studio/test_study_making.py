"""A study is made whole or not at all: its pairs, its known-bad pictures, its checks; by a plan and by the command line."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from db import studies, views
from db.models import Dataset, Run
from db.study_models import Matchup, Study
from studio import study_making
from studio.__main__ import main
from studio.importer import add_dataset, import_run
from studio.study_making import (
    ALL,
    GOLD_FOLDER,
    RANDOM,
    STRATA,
    UNFINISHED,
    VIEW,
    Choice,
    Plan,
    StudyFault,
    make_study,
    shared_pairs,
)
from studio.workspace import Workspace
from tests.studio.conftest import PAIRS, paint


@pytest.fixture
def dataset(opened: Workspace, make_dataset: Callable[[], Path]) -> Dataset:
    root = make_dataset()
    told = {"00001_00": {"item": "shirt"}, "00002_00": {"item": "dress"}, "00003_00": {"item": "shirt"}}
    (root / "test" / "traits.json").write_text(json.dumps(told))
    return add_dataset(opened, root, "small")


@pytest.fixture
def two(opened: Workspace, dataset: Dataset, tmp_path: Path) -> list[Run]:
    """Two runs of all three pairs."""
    made = []
    for place, name in enumerate(("one", "two")):
        folder = tmp_path / "elsewhere" / name
        for seed, pair in enumerate(PAIRS):
            paint(folder / "results" / f"{'__'.join(pair)}.png", 100 * place + seed)
        (folder / "config.json").write_text(json.dumps({"format": 1, "dataset": {"root": dataset.root, "split": "test"}}))
        made.append(import_run(opened, folder))
    return made


@pytest.fixture
def plan(dataset: Dataset, two: list[Run]) -> Plan:
    return Plan("First", dataset.id, "test", tuple(run.id for run in two))


def gold_of(workspace: Workspace, study: Study) -> list[Matchup]:
    from sqlalchemy import select

    with workspace.database.read() as session:
        return list(session.scalars(select(Matchup).where(Matchup.study_id == study.id, Matchup.bad_file.is_not(None))))


def test_a_study_has_its_known_bad_pictures_by_their_hash(opened: Workspace, plan: Plan) -> None:
    told: list[tuple[int, int]] = []
    study = make_study(opened, plan, tell=lambda done, of: told.append((done, of)))
    known = gold_of(opened, study)
    assert len(known) == study_making.LEAST_GOLD and told[-1] == (len(known), len(known))
    for item in known:
        file = opened.settings.workspace / str(item.bad_file)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == item.second_sha256
        with Image.open(file) as picture:
            assert picture.size == (48, 64)
    assert [folder.name for folder in (opened.settings.workspace / "gold").iterdir()] == [str(study.id)]


def test_the_same_seed_draws_the_same_known_items(opened: Workspace, plan: Plan) -> None:
    first, second, third = (
        make_study(opened, replace(plan, name=name, seed=seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    hashes = [{item.second_sha256 for item in gold_of(opened, study)} for study in (first, second, third)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_study_without_known_items_draws_none(opened: Workspace, plan: Plan) -> None:
    study = make_study(opened, replace(plan, gold_share=0.0))
    assert not gold_of(opened, study) and not (opened.settings.workspace / "gold").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "  "}, "needs a name"),
        ({"question": " "}, "needs a question"),
        ({"runs": ()}, "2 to 8 runs"),
        ({"axes": ()}, "at least one axis"),
        ({"raters_least": 4, "raters_most": 3}, "Raters at least"),
        ({"gold_share": 0.3, "repeat_share": 0.3}, "more than half"),
        ({"pairs": Choice(STRATA, 2, trait="item")}, None),
        ({"pairs": Choice(STRATA, 3, trait="item")}, "fewer of each"),
        ({"pairs": Choice(VIEW, view="gone")}, "no saved view called gone"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(
    opened: Workspace, plan: Plan, change: dict[str, object], sentence: str | None
) -> None:
    wanted = replace(plan, **change)  # type: ignore[arg-type]
    if sentence is None:
        make_study(opened, wanted)
        return
    with pytest.raises(StudyFault, match=sentence) as caught:
        make_study(opened, wanted)
    assert str(caught.value).endswith(".")
    with opened.database.read() as session:
        assert not studies.list_all(session)


def test_a_name_is_taken_once(opened: Workspace, plan: Plan) -> None:
    make_study(opened, plan)
    with pytest.raises(StudyFault, match="Another study is called First"):
        make_study(opened, replace(plan, name=" First "))


def test_a_failure_at_the_end_leaves_no_study_and_no_picture(
    opened: Workspace, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(studies, "add_gold", fail)
    with pytest.raises(RuntimeError):
        make_study(opened, plan)
    with opened.database.read() as session:
        assert not studies.list_all(session)
    assert not list((opened.settings.workspace / "gold").iterdir())


def test_what_a_killed_making_left_is_swept_after_a_day(opened: Workspace, plan: Plan) -> None:
    home = opened.settings.workspace / GOLD_FOLDER
    old, fresh = home / f"{UNFINISHED}old", home / f"{UNFINISHED}fresh"
    for left in (old, fresh):
        left.mkdir(parents=True)
    os.utime(old, (1, 1))
    make_study(opened, plan)
    assert not old.exists() and fresh.exists()


def test_runs_share_the_pairs_that_all_of_them_have(opened: Workspace, two: list[Run], plan: Plan) -> None:
    (Path(two[1].folder) / "results" / f"{'__'.join(PAIRS[0])}.png").unlink()
    import_run(opened, two[1].folder)
    assert shared_pairs(opened, plan.runs) == sorted(PAIRS[1:])


def test_pairs_are_all_some_of_a_view_or_equal_numbers_of_each_kind(opened: Workspace, dataset: Dataset, plan: Plan) -> None:
    shared = shared_pairs(opened, plan.runs)

    def chosen(choice: Choice) -> study_making.Chosen:
        return study_making.choose(opened, replace(plan, pairs=choice), shared)

    assert len(chosen(Choice(ALL)).pairs) == 3
    assert len(set(chosen(Choice(RANDOM, 2)).pairs)) == 2
    with opened.database.write() as session:
        views.save(session, dataset.id, "shirts", "split=test&trait=item:shirt")
    assert {pair.cloth for pair in chosen(Choice(VIEW, view="shirts")).pairs} == {"00001_00", "00003_00"}
    each = chosen(Choice(STRATA, 1, trait="item"))
    assert sorted(pair.stratum for pair in each.pairs) == ["dress", "shirt"] and not each.left_out
    two_each = chosen(Choice(STRATA, 2, trait="item"))
    assert [pair.stratum for pair in two_each.pairs] == ["shirt", "shirt"] and two_each.left_out == {"dress": 1}


def test_the_estimate_counts_comparisons_and_hours(plan: Plan) -> None:
    work = study_making.estimate(replace(plan, runs=(1, 2, 3), gold_share=0.1, repeat_share=0.1), 10)
    assert (work.matchups, work.least, work.most) == (30, 90, 210)
    assert work.hours == pytest.approx(90 / 0.8 * study_making.SECONDS / 3600)


def test_a_removed_study_takes_its_pictures_along(opened: Workspace, plan: Plan) -> None:
    study = make_study(opened, plan)
    study_making.remove_study(opened, study.id)
    with opened.database.read() as session:
        assert studies.by_id(session, study.id) is None
    assert not list((opened.settings.workspace / "gold").iterdir())


def test_the_command_makes_the_same_study(opened: Workspace, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["study", "--workspace", str(opened.settings.workspace), "--name", "By command", "--dataset", "small"]
    assert main([*command, "--runs", "one", "two", "--pairs", "2", "--raters", "2", "4", "--axes", "overall", "fit"]) == 0
    assert "2 pairs, 4 comparisons" in capsys.readouterr().out
    with opened.database.read() as session:
        study = studies.by_name(session, "By command")
        assert study is not None and study.axes == ["overall", "fit"] and study.wanted == 4
        assert len(studies.pairs_of(session, study.id)) == 2
    assert main([*command, "--runs", "one", "two"]) == 1
    assert main([*command, "--runs", "one", "nobody"]) == 1
    said = capsys.readouterr().err
    assert "Another study is called By command" in said and "no run called 'nobody'" in said
