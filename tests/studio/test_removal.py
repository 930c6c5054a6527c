"""A dataset leaves the studio: nothing made by hand goes without a word, and it is there again when the folder comes back."""

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db import annotations, datasets, raters, runs, studies
from db.annotations import JudgedFile, Subject
from db.models import Dataset
from studio import repairs
from studio.checks_file import kept_file
from studio.importer import add_dataset, import_run
from studio.removal import belongings, remove_dataset
from studio.repairs import Item
from studio.widgets.pairwise_store import may_go_on, why_nothing
from studio.widgets.remove_dataset import sentences
from studio.workspace import Workspace
from tests.studio.conftest import PAIRS


def repaired(workspace: Workspace, dataset: Dataset) -> tuple[Item, np.ndarray]:
    """An item whose cloth mask somebody turned inside out, and that mask."""
    with workspace.database.read() as session:
        stem = next(iter(datasets.maps_of(session, dataset.id, "test")))
    item = repairs.find_item(workspace, dataset, "test", stem)
    assert item is not None
    mask, sent = 255 - repairs.labels_of(item, "cloth_mask"), io.BytesIO()
    Image.fromarray(mask).save(sent, "PNG")
    path = item.path("cloth_mask")
    assert path is not None
    repairs.save(workspace, item, "cloth_mask", sent.getvalue(), "Ada", repairs.sha256_of(path))
    return item, mask


@pytest.fixture
def dataset(opened: Workspace, drawn: Path) -> Dataset:
    """A dataset with a verdict and checks."""
    made = add_dataset(opened, drawn, "Drawn")
    with opened.database.write() as session:
        annotations.judge(
            session,
            uid="verdict-0001",
            rater_id=raters.get_or_add(session, "Ada").id,
            subject=Subject(made.id, "test", "00000_00", "parse"),
            verdict="good",
            judged=JudgedFile("a", "b", 1, 1),
            shown_at=datetime.now(UTC),
            client="test",
        )
    kept = kept_file(opened, made.id, "test")
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("{}")
    return made


def test_repairs_stay_and_serve_again_when_the_folder_comes_back(opened: Workspace, dataset: Dataset, drawn: Path) -> None:
    item, mask = repaired(opened, dataset)
    has = belongings(opened, dataset)
    assert (has.verdicts, has.repaired, has.runs) == (1, 1, 0)
    told = " ".join(sentences(dataset, has))
    assert str(drawn) in told and str(has.repairs) in told and "1 verdict" in told
    remove_dataset(opened, dataset)
    assert has.repairs.is_dir() and not kept_file(opened, dataset.id, "test").exists()
    with opened.database.read() as session:
        assert datasets.list_all(session) == [] and annotations.count(session) == 0

    again = add_dataset(opened, drawn, "Another name")
    assert again.id != dataset.id and not has.repairs.exists()
    found = repairs.find_item(opened, again, "test", item.stem)
    assert found is not None and np.array_equal(repairs.labels_of(found, "cloth_mask"), mask)
    assert [one.rater for one in repairs.versions(opened, found, "cloth_mask")] == ["Ada"]
    assert repairs.overlay_of(opened, again) is not None


def test_repairs_go_too_where_that_is_wanted(opened: Workspace, dataset: Dataset, drawn: Path) -> None:
    before = sorted(drawn.rglob("*"))
    repaired(opened, dataset)
    remove_dataset(opened, dataset, with_repairs=True)
    assert list((opened.settings.workspace / "repairs").iterdir()) == []
    assert repairs.overlay_of(opened, add_dataset(opened, drawn)) is None
    assert sorted(drawn.rglob("*")) == before


def test_another_folder_does_not_take_up_the_repairs(opened: Workspace, dataset: Dataset, tmp_path: Path, make_dataset) -> None:
    repaired(opened, dataset)
    home = belongings(opened, dataset).repairs
    remove_dataset(opened, dataset)
    assert repairs.overlay_of(opened, add_dataset(opened, make_dataset())) is None and home.is_dir()


def test_runs_outlive_their_dataset(opened: Workspace, make_dataset, make_run) -> None:
    dataset = add_dataset(opened, make_dataset())
    run = import_run(opened, make_run(data=dataset.root))
    assert belongings(opened, dataset).runs == 1
    remove_dataset(opened, dataset)
    with opened.database.read() as session:
        kept = runs.get(session, run.id)
        assert kept is not None and kept.dataset_id is None


def test_a_folder_that_comes_back_has_its_runs_and_their_studies_again(
    opened: Workspace, make_dataset, make_run, tmp_path: Path
) -> None:
    dataset = add_dataset(opened, make_dataset())
    made = [import_run(opened, make_run(name, data=dataset.root), name).id for name in ("one", "two")]
    elsewhere = import_run(opened, make_run("three", data=str(tmp_path / "elsewhere")), "three").id
    with opened.database.write() as session:
        study = studies.make(
            session,
            name="first",
            question="Which?",
            axes=["overall"],
            runs=made,
            pairs=[studies.NewPair(*pair) for pair in PAIRS],
            dataset_id=dataset.id,
        )
        ada = raters.get_or_add(session, "Ada").id
        assert may_go_on(session, study, ada)
    remove_dataset(opened, dataset)
    with opened.database.read() as session:
        gone = studies.by_id(session, study.id)
        assert gone is not None and gone.dataset_id is None and not may_go_on(session, gone, ada)
        assert "dataset of this study is not in the studio" in why_nothing(session, gone, ada)
    again = add_dataset(opened, dataset.root)
    with opened.database.read() as session:
        back = studies.by_id(session, study.id)
        assert back is not None and back.dataset_id == again.id and may_go_on(session, back, ada)
        owners = [run.dataset_id for one in (*made, elsewhere) if (run := runs.get(session, one))]
        assert owners == [again.id, again.id, None]
