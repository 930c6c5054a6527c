"""One's own photos: kept, prepared by the chain as a job (with the taught fakes), then part of "My photos"."""

import io
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db import datasets
from studio import checks_file, jobs, repairs, uploads
from studio.importer import add_dataset
from studio.jobs import JobStatus
from studio.uploads import Known, Photo, UploadFault
from studio.workspace import Workspace
from tests.fakes.taught import lesson
from vton.images import read_mask
from vton.pairs import Split, open_dataset
from vton.preprocess.rembg_mask import SESSIONS

SITE = Path(__file__).parents[1] / "fakes" / "site"


@pytest.fixture
def split(drawn: Path) -> Split:
    return open_dataset(drawn).splits["test"]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The taught fakes in the place of the real detectors, in every job."""
    lesson().save(tmp_path / "taught.npz")
    monkeypatch.setenv("PYTHONPATH", str(SITE))
    monkeypatch.setenv("FAKES_TAUGHT", str(tmp_path / "taught.npz"))


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path / "no-weights"))


def photo(split: Split, kind: str, number: int = 0) -> Photo:
    path = split.need(kind, split.persons[number])
    return Photo(f"my {kind} {number}.jpg", path.read_bytes())


def known(split: Split, number: int) -> Known:
    stem = split.persons[number]
    return Known(split.root, stem, {kind: stems[stem] for kind, stems in split.maps.items() if stem in stems})


def prepare(workspace: Workspace, upload: uploads.Upload) -> JobStatus:
    """Start the job and wait for its end."""
    job = jobs.start_preprocess(workspace, upload)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        seen = jobs.status(workspace, job.id)
        if seen is not None and not seen.active:
            return seen
        time.sleep(0.1)
    raise AssertionError("the job did not end")


def mine(workspace: Workspace) -> list[tuple[str, str]]:
    """The pairs of "My photos" as the studio lists them."""
    with workspace.database.read() as session:
        dataset = datasets.by_name(session, uploads.NAME)
        return datasets.page_pairs(session, dataset.id, "test", paired=False) if dataset else []


def checked_items(workspace: Workspace) -> set[str]:
    """Whom of "My photos" the checks have looked at, all of them since the last change."""
    with workspace.database.read() as session:
        dataset = datasets.by_name(session, uploads.NAME)
    seen = checks_file.checked(workspace, dataset.id, "test") if dataset else None
    assert dataset and seen and not checks_file.is_outdated(seen, Path(dataset.root))
    return {stem for stem in seen.order if seen.passed[stem] + len(seen.failed.get(stem, ())) > 5}


def test_two_photos_become_a_pair_of_my_photos(opened: Workspace, split: Split, fakes: None) -> None:
    upload = uploads.add_upload(opened, photo(split, "image"), photo(split, "cloth", 1))
    assert uploads.find_upload(opened, upload.id) == upload and set(upload.files()) == {"image", "cloth"}
    assert prepare(opened, upload).job.state == "done"
    assert [stage["state"] for stage in upload.stages()] == ["done"] * 7
    shown = {"openpose_img", "parse", "densepose", "agnostic_mask", "cloth_mask", "image", "cloth"}
    assert shown <= set(upload.files()) and uploads.is_taken(upload) and not upload.source.exists()
    assert mine(opened) == [(upload.pair.person, upload.pair.cloth)]
    assert upload.pair.person.startswith("my-image-0-")
    assert checked_items(opened) == {upload.pair.person, upload.pair.cloth}
    again = uploads.add_upload(opened, photo(split, "image"), photo(split, "cloth", 2))
    assert again.pair.person == upload.pair.person and again.id != upload.id
    assert prepare(opened, again).job.state == "done" and len(mine(opened)) == 2
    assert len(open_dataset(uploads.my_photos(opened)).splits["test"].persons) == 1
    assert checked_items(opened) == {upload.pair.person, upload.pair.cloth, again.pair.cloth}
    uploads.remove_upload(opened, again)
    left = open_dataset(uploads.my_photos(opened)).splits["test"]
    assert mine(opened) == [(upload.pair.person, upload.pair.cloth)]
    assert left.persons == [upload.pair.person] and left.cloths == [upload.pair.cloth]
    uploads.remove_upload(opened, upload)
    assert not list((uploads.my_photos(opened) / "test").rglob("*.*g")) and uploads.list_uploads(opened) == []
    with opened.database.read() as session:
        assert datasets.by_name(session, uploads.NAME) is None


def test_a_garment_goes_on_a_person_of_a_dataset_without_any_weights(opened: Workspace, split: Split, no_weights: None) -> None:
    upload = uploads.add_upload(opened, known(split, 0), photo(split, "cloth", 1))
    assert upload.only == ("cloth-mask",)
    assert prepare(opened, upload).job.state == "done"
    ours = open_dataset(uploads.my_photos(opened)).splits["test"]
    for kind in ("image", "parse", "keypoints", "densepose", "agnostic_mask"):
        assert ours.need(kind, upload.pair.person).read_bytes() == split.need(kind, split.persons[0]).read_bytes()
    by = {stage["name"]: stage["by"] for stage in upload.stages()}
    assert by["cloth-mask"] == "WhiteBackground" and by["parse"] == "taken from the source"
    more = uploads.add_upload(
        opened,
        Known(
            uploads.my_photos(opened).resolve(),
            ours.persons[0],
            {k: s[ours.persons[0]] for k, s in ours.maps.items() if ours.persons[0] in s},
        ),
        photo(split, "cloth", 2),
    )
    assert more.pair.person == upload.pair.person, "who is in My photos keeps the name"


def test_whoever_is_taken_along_brings_part_ids_and_repaired_maps(
    opened: Workspace, drawn: Path, tmp_path: Path, no_weights: None
) -> None:
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    stem = open_dataset(root).splits["test"].persons[0]
    parts = root / "test" / "image-densepose-parts" / f"{stem}.png"
    parts.parent.mkdir()
    size = Image.open(open_dataset(root).splits["test"].need("image", stem)).size
    Image.new("L", size, 3).save(parts)
    dataset = add_dataset(opened, root)
    item = repairs.find_item(opened, dataset, "test", stem)
    assert item is not None and item.original("densepose_parts") == parts
    mask, sent = repairs.labels_of(item, "agnostic_mask"), io.BytesIO()
    Image.fromarray(255 - mask).save(sent, "PNG")
    repairs.save(opened, item, "agnostic_mask", sent.getvalue(), "Ada", repairs.sha256_of(root / item.maps["agnostic_mask"]))
    wearer = uploads.known(opened, dataset, "test", stem, item.maps)
    upload = uploads.add_upload(opened, wearer, photo(open_dataset(root).splits["test"], "cloth", 1))
    assert prepare(opened, upload).job.state == "done"
    ours = open_dataset(uploads.my_photos(opened)).splits["test"]
    assert ours.need("densepose_parts", upload.pair.person).read_bytes() == parts.read_bytes()
    assert np.array_equal(read_mask(ours.need("agnostic_mask", upload.pair.person)), mask == 0)


def test_maps_of_ones_own_do_without_weights(opened: Workspace, split: Split, no_weights: None) -> None:
    own = {
        kind: Photo(split.need(kind, split.persons[0]).name, split.need(kind, split.persons[0]).read_bytes())
        for kind in ("parse", "keypoints")
    }
    upload = uploads.add_upload(opened, photo(split, "image"), photo(split, "cloth"), own)
    assert upload.only == ("densepose", "agnostic", "cloth-mask")
    assert prepare(opened, upload).job.state == "done"
    assert upload.files()["parse"].read_bytes() == own["parse"].data
    states = {stage["name"]: stage["state"] for stage in upload.stages()}
    assert states["densepose"] == "missing" and states["agnostic"] == "done"


def test_without_weights_it_says_what_to_type_and_goes_on_later(
    opened: Workspace, split: Split, no_weights: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    lacking = uploads.lacking()
    assert {"keypoints", "parse", "cloth-mask"} <= set(lacking)
    assert all("python -m vton.weights --fetch" in steps for steps in lacking.values())
    upload = uploads.add_upload(opened, photo(split, "image"), photo(split, "cloth", 1))
    assert prepare(opened, upload).job.state == "failed" and not uploads.is_taken(upload) and mine(opened) == []
    assert {failure["stage"] for failure in upload.failures()} == {"keypoints", "parse", "agnostic"}
    assert all("python -m vton.weights" in failure["error"] for failure in upload.failures() if failure["stage"] != "agnostic")
    request.getfixturevalue("fakes")
    assert prepare(opened, upload).job.state == "done" and len(mine(opened)) == 1


@pytest.mark.parametrize("session", SESSIONS)
def test_any_of_rembgs_models_that_run_here_does(no_weights: None, tmp_path: Path, session: str) -> None:
    assert "cloth-mask" in uploads.lacking()
    (tmp_path / "no-weights").mkdir()
    (tmp_path / "no-weights" / f"{session}.onnx").touch()
    assert "cloth-mask" not in uploads.lacking()


def encoded(size: tuple[int, int], kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("me.jpg", b"rubbish", "cannot be read as a JPEG, PNG or WebP"),
        ("me.heic", b"\0\0\0\x18ftypheic....", "HEIC"),
        ("me.png", encoded((40, 200)), "200x40 pixels"),
        ("me.jpg", b"\0" * 20_000_001, "larger than 20 MB"),
        ("../../../etc/me.jpg", b"", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_leaves_nothing(
    name: str, data: bytes, sentence: str, opened: Workspace, split: Split
) -> None:
    with pytest.raises(UploadFault, match=sentence) as fault:
        uploads.add_upload(opened, Photo(name, data), photo(split, "cloth"))
    assert str(opened.settings.workspace) not in str(fault.value)
    assert uploads.list_uploads(opened) == [] and not list(uploads.uploads_dir(opened).iterdir())
    colours = Photo("parse.png", encoded((256, 192)))
    with pytest.raises(UploadFault, match="parse.png holds colours"):
        uploads.add_upload(opened, photo(split, "image"), photo(split, "cloth"), {"parse": colours})


@pytest.mark.parametrize("identity", ["", "..", "0123456789", "x" * 10, "../../etc"])
def test_unknown_uploads(identity: str, opened: Workspace) -> None:
    assert uploads.find_upload(opened, identity) is None
    with pytest.raises(UploadFault):
        uploads.take_upload(opened, identity)


def test_it_is_taken_in_once_more_without_harm(
    opened: Workspace, split: Split, fakes: None, make_run: Callable[..., Path]
) -> None:
    upload = uploads.add_upload(opened, photo(split, "image"), photo(split, "cloth"))
    prepare(opened, upload)
    uploads.take_upload(opened, upload.id)
    assert len(mine(opened)) == 1
    shutil.rmtree(upload.folder)
    with pytest.raises(UploadFault, match="not there any more"):
        uploads.take_upload(opened, upload.id)
