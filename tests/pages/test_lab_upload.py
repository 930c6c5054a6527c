"""The lab's upload form and an upload's own address, without a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from db.models import Run
from studio import inference, uploads
from studio.jobs import JobError
from studio.media import answer, sign
from studio.uploads import Known, Photo, Upload
from studio.widgets import lab_form
from studio.widgets.frame import Frame
from studio.workspace import Workspace
from tests.fakes.taught import detectors, lesson
from vton.pairs import open_dataset
from vton.preprocess.chain import PreprocessConfig, preprocess
from vton.preprocess.detectors import Detectors

Open = Callable[..., AppTest]


@pytest.fixture
def upload(opened: Workspace, drawn: Path) -> Upload:
    """Two photos that were sent and not prepared yet."""
    split = open_dataset(drawn).splits["test"]
    person, cloth = (Photo(f"my {kind}.jpg", split.need(kind, split.persons[0]).read_bytes()) for kind in ("image", "cloth"))
    return uploads.add_upload(opened, person, cloth)


class HereWorker(inference.TryOnWorker):
    """The lab's worker without a process of its own."""

    def _ask(self, make: Callable[..., str], *arguments: str) -> str:
        return make(*arguments)


def shown(at: AppTest) -> str:
    assert not at.exception, at.exception
    return " ".join(element.proto.body for element in at.html)


def test_the_form_says_what_is_missing_and_what_to_type(
    run: Run, open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("studio.widgets.lab_form._lacking", uploads.lacking)
    at = open_page("lab")
    said = " ".join(element.value for element in at.markdown)
    assert "python -m vton.weights --fetch segformer" in said and "a parse of your own can be given" in said
    assert at.button("upload_start").disabled
    monkeypatch.setattr("studio.widgets.lab_form._lacking", dict)
    assert "vton.weights" not in " ".join(element.value for element in open_page("lab").markdown)


def test_the_datasets_garment_stands_in_only_where_that_is_said(
    run: Run, drawn: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.widgets.lab_form._lacking", dict)
    taken: list[tuple[Any, Any]] = []
    monkeypatch.setattr(uploads, "add_upload", lambda _, person, cloth, own: taken.append((person, cloth)))
    monkeypatch.setattr("studio.jobs.start_preprocess", lambda *_: (_ for _ in ()).throw(JobError("no job in this test")))
    split = open_dataset(drawn).splits["test"]
    photo = split.need("image", split.persons[0]).read_bytes()
    at = open_page("lab")
    at.file_uploader("upload_image").set_value(("me.jpg", photo, "image/jpeg")).run()
    assert at.button("upload_start").disabled, "the garment's photo may be on its way"
    assert split.pairs[0].cloth in at.checkbox("take_cloth").label
    at.checkbox("take_cloth").check().run()
    assert at.file_uploader("upload_cloth").disabled
    at.button("upload_start").click().run()
    person, cloth = taken[0]
    assert (person.name, cloth.stem) == ("me.jpg", split.pairs[0].cloth) and "no job" in at.error[0].value
    at.checkbox("take_image").check().run()
    assert at.button("upload_start").disabled, "nothing is left that was uploaded"


def test_an_unprepared_upload_says_why_and_goes_on(
    upload: Upload, opened: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("studio.widgets.lab_form._lacking", uploads.lacking)
    preprocess(PreprocessConfig(upload.source), upload.out, Detectors())
    at = open_page("lab", upload=upload.id)
    assert "keypoints, parse, agnostic cannot be made here yet" in at.error[0].value
    assert "python -m vton.weights --fetch segformer" in " ".join(element.value for element in at.markdown)
    assert "<figcaption>Parse<small>cannot be made here" in shown(at)
    assert "plain threshold" in " ".join(element.value for element in at.caption)
    person = upload.files()["image"]
    assert sign(opened, person) in shown(at) and "data:" not in shown(at), "pictures go over our route, not inside the page"
    assert answer(opened, sign(opened, person, 480).rpartition("/")[2]).status_code == 200
    started: list[Any] = []
    monkeypatch.setattr("studio.jobs.start_preprocess", lambda workspace, one: started.append(one))
    at.button("upload_again").click().run()
    assert started == [upload]


def test_a_prepared_upload_is_tried_on(
    upload: Upload, opened: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = HereWorker(opened)
    monkeypatch.setattr("studio.widgets.lab.try_on_worker", lambda _workspace: worker)
    preprocess(PreprocessConfig(upload.source), upload.out, detectors(lesson()))
    uploads.take_upload(opened, upload.id)
    monkeypatch.setattr(uploads, "doubts", lambda *_: ["Its shape will leak."] * 6)
    at = open_page("lab", upload=upload.id)
    assert "- Its shape will leak." in at.warning[0].value and "- and 2 more" in at.warning[0].value
    assert "Judge the maps" in {button.label for button in at.button}
    assert not at.error and not at.status, "how it was made gives way to the result"
    for caption in ("Keypoints", "Parse", "DensePose", "Agnostic mask", "Garment mask", "Result"):
        assert f"<figcaption>{caption}<" in shown(at)
    again = open_page("lab", upload=upload.id)
    assert "<figcaption>Result<" in shown(again), "it is made once"
    next(button for button in again.button if button.label == "Remove").click().run()
    assert uploads.list_uploads(opened) == [] and "upload" not in again.query_params
    worker.close()


@pytest.mark.parametrize("identity", ["0123456789", "no-such", "../.."])
def test_a_wrong_link_is_one_sentence(identity: str, open_page: Open) -> None:
    at = open_page("lab", upload=identity)
    assert len(at.error) == 1 and not at.exception


def test_a_photo_that_a_restarted_server_lost_counts_as_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_form.st, "session_state", {"own_parse": DeletedFile("1")})
    assert lab_form._sent("own_parse") is None


def test_a_map_that_a_restarted_server_lost_is_asked_for_again(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(lab_form.st, "session_state", {"own_parse": DeletedFile("1")})
    monkeypatch.setattr(lab_form.st, "error", lambda sentence, icon: said.append(sentence))
    known = Known(opened.settings.workspace, "a", {})
    lab_form._start(Frame(opened, None, None, None), {"image": known, "cloth": known})
    assert len(said) == 1 and "your parse: upload it again" in said[0] and uploads.list_uploads(opened) == []
