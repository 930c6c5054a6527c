"""What the doctor found is kept by dataset, survives the studio, and is looked up by person, garment and pair."""

import shutil
import time
from pathlib import Path

import pytest

from db.models import Dataset
from studio import findings, jobs
from studio.importer import add_dataset
from studio.jobs import JobStatus
from studio.workspace import Workspace
from vton.doctor.report import FAULT, WARNING, Finding
from vton.pairs import open_dataset


def ended(workspace: Workspace, job_id: int, seconds: float = 60) -> JobStatus:
    """The job's status when it is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = jobs.status(workspace, job_id)
        if seen is not None and not seen.active:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"after {seconds} s the job was still {seen}")


@pytest.fixture
def spoilt(opened: Workspace, drawn: Path, tmp_path: Path) -> Dataset:
    """A dataset with a garment without its mask, and a damaged photo."""
    root = Path(shutil.copytree(drawn, tmp_path / "set"))
    split = open_dataset(root).splits["test"]
    split.need("cloth_mask", split.cloths[1]).unlink()
    photo = split.need("image", split.persons[0])
    photo.write_bytes(photo.read_bytes()[:2000])
    return add_dataset(opened, root)


def test_a_job_keeps_what_the_doctor_finds_until_files_come_or_go(opened: Workspace, spoilt: Dataset) -> None:
    assert findings.examination(opened, spoilt.id) is None and findings.version(opened, spoilt.id) == 0
    done = ended(opened, jobs.start_doctor(opened, spoilt).id)
    assert done.job.state == "done", done.log_tail
    assert done.progress is not None and done.progress["done"] == done.progress["total"] > 0
    kept = findings.examination(opened, spoilt.id)
    assert kept is not None and not findings.is_outdated(kept)
    split = open_dataset(Path(spoilt.root)).splits["test"]
    assert {(one.kind, one.stem) for one in kept.report.findings} == {
        ("missing", split.cloths[1]),
        ("damaged", split.persons[0]),
    }
    assert [one.kind for one in kept.of_pair("test", split.persons[0], split.cloths[1])] == ["damaged", "missing"]
    assert kept.of_pair("test", split.persons[1], split.cloths[0]) == [], "a garment's finding is not its wearer's"
    assert kept.of_pair("train", split.persons[0], split.cloths[1]) == []
    split.need("cloth_mask", split.cloths[2]).unlink()
    assert findings.is_outdated(kept)


def test_a_dataset_that_is_gone_is_a_failed_job_with_a_sentence(opened: Workspace, spoilt: Dataset) -> None:
    shutil.rmtree(Path(spoilt.root) / "test")
    done = ended(opened, jobs.start_doctor(opened, spoilt).id)
    assert done.job.state == "failed" and "VITON-HD's layout" in done.job.note
    assert findings.examination(opened, spoilt.id) is None


@pytest.mark.parametrize("printed", ["", "{", "[]", '{"format": 2}', '{"format": 1, "findings": [{}]}'])
def test_what_is_no_report_is_not_kept(opened: Workspace, tmp_path: Path, printed: str) -> None:
    (tmp_path / "report.json").write_text(printed)
    with pytest.raises(findings.ReportFault, match="without a report"):
        findings.keep(opened, 1, "f", tmp_path / "report.json")
    assert findings.examination(opened, 1) is None


def test_a_kept_report_that_is_damaged_counts_as_none(opened: Workspace) -> None:
    file = findings.kept_file(opened, 1)
    file.parent.mkdir()
    file.write_text("{")
    assert findings.examination(opened, 1) is None


@pytest.mark.parametrize(
    ("file", "about"),
    [
        ("test/image/a.jpg", findings.PERSON),
        ("test/openpose_json/a_keypoints.json", findings.PERSON),
        ("test_pairs.txt:3", findings.PERSON),
        ("test/cloth/a.jpg", findings.CLOTH),
        ("test/cloth_mask-bytedance/a.png", findings.CLOTH),
        ("test/flow/a__b.npz", findings.PAIR),
    ],
)
def test_whom_a_finding_is_about(file: str, about: str) -> None:
    assert findings.subject(Finding("damaged", FAULT, "", "", file, "test", "a")) == about


def test_a_fault_among_warnings() -> None:
    warning, fault = (Finding("x", severity, "", "", "test/image/a.jpg") for severity in (WARNING, FAULT))
    assert findings.has_fault([warning, fault]) and not findings.has_fault([warning])
