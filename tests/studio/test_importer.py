"""Run folders and datasets become rows once; of a damaged one nothing is stored."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from db import datasets, raters, ratings, runs
from db.models import Base, Result, Run, now
from studio.failures_file import read_failures
from studio.importer import ImportFault, add_dataset, import_run, remove_run
from studio.workspace import Workspace


def counts(workspace: Workspace) -> dict[str, int]:
    """Rows of every table."""
    with workspace.database.read() as session:
        return {
            mapper.class_.__name__: session.scalar(select(func.count()).select_from(mapper.class_)) or 0
            for mapper in Base.registry.mappers
        }


def test_twice_without_doubles(opened: Workspace, make_run: Callable[..., Path]) -> None:
    folder = make_run(metrics=True)
    first = import_run(opened, folder)
    before = counts(opened)
    again = import_run(opened, f"{folder}/../run/")
    assert again.id == first.id and counts(opened) == before
    assert before["Run"] == 1 and before["Result"] == 3 and before["Metric"] == 4
    with opened.database.read() as session:
        result = runs.results(session, first.id)[0]
    with Image.open(folder / result.path) as picture:
        assert (result.width, result.height) == picture.size == (48, 64)


def test_what_changed_on_disk_changes_and_keeps_its_id(opened: Workspace, make_run: Callable[..., Path]) -> None:
    folder = make_run()
    run = import_run(opened, folder, "Mine")
    with opened.database.read() as session:
        before = runs.results(session, run.id)
    changed, gone = folder / before[0].path, folder / before[2].path
    Image.new("RGB", (10, 20)).save(changed)
    gone.unlink()
    os.utime(folder / before[1].path)  # touched, the same picture
    assert import_run(opened, folder, "Another name").name == "Mine"
    with opened.database.read() as session:
        after = runs.results(session, run.id)
    assert [row.id for row in after] == [before[0].id, before[1].id]
    assert (after[0].width, after[0].height) == (10, 20) and after[0].sha256 != before[0].sha256
    assert after[1].sha256 == before[1].sha256


def test_a_run_finds_its_dataset(opened: Workspace, make_run: Callable[..., Path], make_dataset: Callable[[], Path]) -> None:
    root = make_dataset()
    dataset = add_dataset(opened, root)
    assert import_run(opened, make_run("one", data=str(root))).dataset_id == dataset.id
    assert import_run(opened, make_run("two", data="/not/known")).dataset_id is None


def test_two_runs_of_one_name_get_two_names(opened: Workspace, make_run: Callable[..., Path]) -> None:
    names = [import_run(opened, make_run(folder), "Ours").name for folder in ("a", "b", "c")]
    assert names == ["Ours", "Ours 2", "Ours 3"]


def no_config(folder: Path) -> str:
    (folder / "config.json").unlink()
    return "no config.json"


def broken_config(folder: Path) -> str:
    (folder / "config.json").write_text('{"format": 1,')
    return "cannot be read as JSON"


def list_as_config(folder: Path) -> str:
    (folder / "config.json").write_text("[]")
    return "holds no object"


def newer_format(folder: Path) -> str:
    (folder / "config.json").write_text('{"format": 2}')
    return '"format": 2'


def truncated_picture(folder: Path) -> str:
    file = folder / "results" / "00003_00__00001_00.png"
    file.write_bytes(file.read_bytes()[:-200])
    return "is damaged"


def text_as_picture(folder: Path) -> str:
    (folder / "results" / "a__b.png").write_text("no picture")
    return "not a picture"


def wrong_name(folder: Path) -> str:
    (folder / "results" / "00003_00__00001_00.png").rename(folder / "results" / "00003_00.png")
    return "is not named"


def picture_outside(folder: Path) -> str:
    outside = folder.parent / "secret.png"
    Image.new("RGB", (8, 8)).save(outside)
    (folder / "results" / "a__b.png").symlink_to(outside)
    return "is a link"


def results_outside(folder: Path) -> str:
    (folder / "results").rename(folder.parent / "moved")
    (folder / "results").symlink_to(folder.parent / "moved")
    return "no folder results/ of its own"


def no_results(folder: Path) -> str:
    for file in (folder / "results").iterdir():
        file.unlink()
    return "holds no result yet"


def one_pair_twice(folder: Path) -> str:
    Image.new("RGB", (8, 8)).save(folder / "results" / "00003_00__00001_00.jpg")
    return "two pictures of"


def broken_metrics(folder: Path) -> str:
    (folder / "metrics.json").write_text("{")
    return "cannot be read as JSON"


def metrics_without_value(folder: Path) -> str:
    (folder / "metrics.json").write_text(json.dumps({"format": 1, "metrics": {"ssim": {"mean": 1}}}))
    return "is not as the formats describe"


def metrics_of(**entry: object) -> Callable[[Path], str]:
    """Damages metrics.json by an entry that is not as the formats describe it."""

    def damage(folder: Path) -> str:
        table = {"format": 1, "metrics": {"ssim": {"value": 1, **entry}}}
        (folder / "metrics.json").write_text(json.dumps(table).replace('"huge"', "1e400"))
        return "is not as the formats describe it: "

    return damage


def metrics_of_another_shape(folder: Path) -> str:
    (folder / "metrics.json").write_text('{"format": 1, "metrics": [1], "pairs": {}}')
    return 'is not as the formats describe it: "metrics" is no object.'


def deep_metrics(folder: Path) -> str:
    (folder / "metrics.json").write_text("[" * 100_000)
    return "cannot be read as JSON"


def metrics_that_escape(folder: Path) -> str:
    (folder / "metrics.json").write_text(json.dumps({"format": 1, "pairs": {"../../x__../y": {"ssim": 1}}}))
    return "of which there is no result"


DAMAGES = [
    no_config,
    broken_config,
    list_as_config,
    newer_format,
    truncated_picture,
    text_as_picture,
    wrong_name,
    picture_outside,
    results_outside,
    no_results,
    one_pair_twice,
    broken_metrics,
    metrics_without_value,
    metrics_of(n="huge"),
    metrics_of(n=10**30),
    metrics_of(n=-1),
    metrics_of(value=10**400),
    metrics_of(interval=3),
    metrics_of(interval=[1, 2, 3]),
    metrics_of(card=[1]),
    metrics_of_another_shape,
    deep_metrics,
    metrics_that_escape,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_gives_a_sentence_and_stores_nothing(
    opened: Workspace, make_run: Callable[..., Path], damage: Callable[[Path], str]
) -> None:
    folder = make_run()
    sentence = damage(folder)
    before = counts(opened)
    with pytest.raises(ImportFault) as fault:
        import_run(opened, folder)
    assert sentence in str(fault.value) and str(folder) in str(fault.value)
    assert "\n" not in str(fault.value) and "Error(" not in str(fault.value)
    assert counts(opened) == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_leaves_what_was_taken_in_before(
    opened: Workspace, make_run: Callable[..., Path], damage: Callable[[Path], str]
) -> None:
    folder = make_run(metrics=True)
    run = import_run(opened, folder)
    with opened.database.read() as session:
        before = [(row.id, row.sha256) for row in runs.results(session, run.id)]
    damage(folder)
    with pytest.raises(ImportFault):
        import_run(opened, folder)
    with opened.database.read() as session:
        assert [(row.id, row.sha256) for row in runs.results(session, run.id)] == before
        assert [row.name for row in runs.metrics(session, run.id)] == ["ssim"]


def test_a_rated_result_that_is_missing_stops_the_import(opened: Workspace, make_run: Callable[..., Path]) -> None:
    folder = make_run()
    run = import_run(opened, folder)
    with opened.database.write() as session:
        result = runs.results(session, run.id)[0]
        ratings.rate(
            session,
            uid="u",
            rater_id=raters.get_or_add(session, "Ada").id,
            result_id=result.id,
            result_sha256=result.sha256,
            axis="fit",
            score=3,
            shown_at=now(),
            client="test",
        )
    (folder / result.path).unlink()
    with pytest.raises(ImportFault, match="was rated and is missing"):
        import_run(opened, folder)


def fail_all(folder: Path) -> None:
    """Make a run folder one of which every pair failed."""
    for file in (folder / "results").iterdir():
        file.unlink()
    (folder / "failures.jsonl").write_text('{"pair": "a__b", "error": "There is no person in a.jpg."}\n')


@pytest.mark.parametrize("leave_folder", [True, False])
def test_a_run_of_which_every_pair_failed_is_a_run(
    opened: Workspace, make_run: Callable[..., Path], leave_folder: bool
) -> None:
    folder = make_run()
    fail_all(folder)
    if not leave_folder:
        (folder / "results").rmdir()
    run = import_run(opened, folder, "Failed")
    assert (run.name, counts(opened)["Run"], counts(opened)["Result"]) == ("Failed", 1, 0)


def test_failures_do_not_excuse_a_result_that_was_rated(opened: Workspace, make_run: Callable[..., Path]) -> None:
    folder = make_run()
    run = import_run(opened, folder)
    with opened.database.write() as session:
        result = runs.results(session, run.id)[0]
        rater = raters.get_or_add(session, "Ada")
        about = {"rater_id": rater.id, "result_id": result.id, "result_sha256": result.sha256, "client": "test"}
        ratings.rate(session, uid="u", axis="fit", score=3, shown_at=now(), **about)
    fail_all(folder)
    with pytest.raises(ImportFault, match="was rated and is missing"):
        import_run(opened, folder)


def test_failures_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    assert read_failures(tmp_path) == []
    good = '{"pair": "a__b", "error": "why"}'
    (tmp_path / "failures.jsonl").write_text(f'{{"pair":\n[]\n3\n{{"pair": "c__d"}}\n{good}\n')
    assert read_failures(tmp_path) == [("a__b", "why")]
    (tmp_path / "failures.jsonl").write_bytes(b"\xff\xfe")
    assert read_failures(tmp_path) == []


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_a_blank_name_is_refused(
    name: str, opened: Workspace, make_run: Callable[..., Path], make_dataset: Callable[[], Path]
) -> None:
    for take_in, folder in ((import_run, make_run()), (add_dataset, make_dataset())):
        with pytest.raises(ImportFault, match="name is blank"):
            take_in(opened, folder, name)
    assert counts(opened)["Run"] == counts(opened)["Dataset"] == 0
    assert import_run(opened, make_run(), "  My   run ").name == "My run"


@pytest.mark.parametrize("folder", ["", "  ", "a\0b", "~nobody-of-this-name/x"])
def test_what_cannot_be_a_folder_is_refused(
    folder: str, opened: Workspace, make_dataset: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_dataset())
    for take_in in (import_run, add_dataset):
        with pytest.raises(ImportFault):
            take_in(opened, folder)
    assert counts(opened)["Dataset"] == 0


def test_removing_deletes_only_folders_of_the_workspace(opened: Workspace, make_run: Callable[..., Path]) -> None:
    outside = make_run("outside")
    inside = opened.settings.runs_dir / "inside"
    make_run("inside").rename(inside)
    for folder in (outside, inside):
        remove_run(opened, import_run(opened, folder).id)
    assert outside.is_dir() and not inside.exists()
    assert list(opened.settings.runs_dir.iterdir()) == []
    assert counts(opened)["Run"] == counts(opened)["Result"] == 0


def test_a_dataset_is_added_once_and_brought_up_to_date(opened: Workspace, make_dataset: Callable[[], Path]) -> None:
    root = make_dataset()
    first = add_dataset(opened, root, "Small")
    assert add_dataset(opened, root / "test" / "..").id == first.id
    before = counts(opened)
    assert (before["Dataset"], before["Item"], before["ListedPair"]) == (1, 3, 3)
    (root / "test" / "cloth" / "00001_00.jpg").unlink()
    add_dataset(opened, root)
    with opened.database.read() as session:
        item = datasets.item(session, first.id, "test", "00001_00")
        assert item is not None and not item.has_cloth and item.maps == {"image": "test/image/00001_00.jpg"}
        assert datasets.count_pairs(session, first.id, "test", paired=True) == 2


def test_a_folder_that_is_no_dataset_gives_a_sentence(opened: Workspace, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ImportFault, match=str(folder)):
            add_dataset(opened, folder)
    assert counts(opened)["Dataset"] == 0


def test_rows_may_be_read_after_their_session(opened: Workspace, make_run: Callable[..., Path]) -> None:
    run = import_run(opened, make_run())
    assert isinstance(run, Run) and run.split == "test" and run.config["seed"] == 0
    with opened.database.read() as session:
        found = session.scalars(select(Result)).all()
    assert {row.person for row in found} == {"00001_00", "00002_00", "00003_00"}
