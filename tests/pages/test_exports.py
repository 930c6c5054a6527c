"""The Exports page: what it offers, what it starts, what it lists, and what it takes in."""

import io
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.responses import FileResponse
from streamlit.testing.v1 import AppTest

from db import raters, studies
from studio import downloads, jobs
from studio.downloads import download_url
from studio.jobs import JobStatus
from studio.media import DAY
from studio.preference_choice import FORMATS, Query
from studio.preference_exports import freeze
from studio.preference_jobs import keep_upload
from studio.workspace import Workspace
from tests.tiny_preferences import judged_study, plain_study

OpenPage = Callable[..., AppTest]


def words(at: AppTest) -> str:
    return " ".join(one.value for kind in (at.markdown, at.caption) for one in kind)


def test_without_a_study_it_says_what_to_do(opened: Workspace, open_page: OpenPage) -> None:
    at = open_page("exports")
    assert not at.exception and "No study yet" in words(at) and "No export yet" in words(at)


def test_a_study_without_votes_can_be_looked_at(opened: Workspace, open_page: OpenPage, tmp_path: Path) -> None:
    plain_study(opened, tmp_path)
    at = open_page("exports", format="pickapic")
    assert not at.exception and not at.error and "No vote counts on overall yet" in words(at)


def test_the_format_of_the_address_shows_what_it_would_hold(opened: Workspace, open_page: OpenPage, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    for name in ("jsonl", "datasets"):
        at = open_page("exports", study=str(study.id), format=name)
        assert not at.exception and not at.error
        assert at.selectbox(key="export_format").value == name and FORMATS[name] in words(at)
        assert len(at.dataframe[0].value) == 5


def test_an_address_of_no_study_is_said(opened: Workspace, open_page: OpenPage, tmp_path: Path) -> None:
    judged_study(opened, tmp_path)
    at = open_page("exports", study="Nothing")
    assert not at.exception and ["no study Nothing" in one.value for one in at.toast] == [True]
    assert not at.run().toast


def test_export_starts_a_job_with_the_choices(opened: Workspace, open_page: OpenPage, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    with opened.database.write() as session:
        ada = raters.get_or_add(session, "Ada").id
    at = open_page("exports", {"rater": "Ada"}, format="csv")
    at.checkbox[0].check().run()
    at.button(key="make_export").click().run()
    assert not at.exception and not at.error
    started = [job for job in jobs.list_recent(opened) if job.kind == "export"]
    assert len(started) == 1
    tail = ["export", f"--study={study.name}", "--format", "csv", "--only-agreed", "--by", str(ada)]
    assert started[0].command[-len(tail) :] == tail


def test_import_is_a_job_and_what_came_of_it_is_said(opened: Workspace, open_page: OpenPage, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    whole = (freeze(opened, Query(study.name, "jsonl")).folder / "study.jsonl").read_bytes()
    with opened.database.write() as session:
        studies.remove(session, study.id)

    def take_in(content: bytes, name: str = "") -> tuple[AppTest, JobStatus]:
        at = open_page("exports")
        at.file_uploader[0].set_value(("study.jsonl", content, "application/jsonl"))
        at.text_input[0].set_value(name)
        next(one for one in at.button if one.label == "Import").click().run(timeout=60)
        assert not at.exception and not at.error
        job, *_ = (job for job in jobs.list_recent(opened) if job.kind == "import")
        until = time.monotonic() + 120
        while (status := jobs.status(opened, job.id)) and status.job.state in jobs.ACTIVE_STATES:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert status is not None
        return at.run(timeout=60), status

    at, status = take_in(whole, "-Theirs")
    lines = len(whole.splitlines()) - 1
    assert status.progress is not None and (status.progress["done"], status.progress["total"]) == (lines, lines)
    assert "Took in the study '-Theirs'" in at.success[0].value and "-Theirs" in at.selectbox("study_chosen").options
    assert not at.run().success
    at, status = take_in(whole.replace(b"overall", b"beauty", 1))
    assert status.job.state == "failed" and "study.jsonl, line 1: 'axes'" in status.job.note
    assert "line 1" in words(at) and str(opened.settings.cache_dir) not in words(at) and not at.success
    with opened.database.read() as session:
        assert [one.name for one in studies.list_all(session)] == ["-Theirs"]


def test_what_was_uploaded_is_kept_for_an_import_that_is_tried_again_and_no_longer(opened: Workspace) -> None:
    kept = [keep_upload(opened, io.BytesIO(content), "../../up.jsonl") for content in (b"one", b"two", b"one")]
    assert kept[0] == kept[2] != kept[1] and [file.read_bytes() for file in kept] == [b"one", b"two", b"one"]
    assert all(file.is_relative_to(opened.settings.cache_dir) and file.name == "up.jsonl" for file in kept)
    os.utime(kept[1].parent, (0, 0))
    keep_upload(opened, io.BytesIO(b"three"), "up.jsonl")
    assert kept[0].exists() and not kept[1].exists()


def test_frozen_exports_are_listed_and_zipped(opened: Workspace, open_page: OpenPage, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    made = [freeze(opened, Query(study.name, "jsonl")), freeze(opened, Query(study.name, "csv", axis="fit"))]
    at = open_page("exports")
    assert not at.exception and all(one.row.sha256[:12] in words(at) for one in made)
    assert "fit" in words(at)
    token = download_url(opened, made[0].row).rsplit("/", 1)[1]
    answer = downloads.answer(opened, token)
    assert isinstance(answer, FileResponse) and answer.headers["content-disposition"].endswith(
        f"{quote(made[0].folder.name)}.zip"
    )
    with zipfile.ZipFile(answer.path) as packed:
        packed_files = {Path(name).name: packed.read(name) for name in packed.namelist()}
    assert packed_files == {file.name: file.read_bytes() for file in made[0].folder.iterdir()}
    with opened.database.read() as session:
        assert len(studies.list_all(session)) == 1


def test_addresses_of_exports_that_are_not_ours_ran_out_or_lead_nowhere(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = freeze(opened, Query(judged_study(opened, tmp_path).name, "csv"))
    url = download_url(opened, made.row)
    token = url.rsplit("/", 1)[1]
    assert downloads.answer(opened, token[:-1] + "_").status_code == 403
    with monkeypatch.context() as later:
        later.setattr(downloads.time, "time", lambda: time.time_ns() / 1e9 + 3 * DAY)
        assert downloads.answer(opened, token).status_code == 403
    shutil.rmtree(made.folder)
    assert downloads.answer(opened, token).status_code == 404
