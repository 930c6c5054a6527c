"""The command line: what it does, and one sentence for what it can't."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from studio.__main__ import main, port_fault
from studio.settings import ROOT, get_settings


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of its own; the variables that `main` sets are taken back."""
    for name in ("VTON_STUDIO_WORKSPACE", "VTON_STUDIO_PORT", "VTON_STUDIO_DATABASE_URL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("VTON_STUDIO_WORKSPACE", str(tmp_path / "work"))
    yield tmp_path / "work"
    get_settings.cache_clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_folders_are_taken_in_and_ratings_written(
    make_run: Callable[..., Path],
    make_dataset: Callable[[], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["add-dataset", str(make_dataset()), "--name", "Small"]) == 0
    assert main(["import-run", str(make_run()), "--name", "Theirs"]) == 0
    assert main(["export", "ratings", "--out", str(tmp_path / "ratings.csv")]) == 0
    assert (tmp_path / "ratings.csv").read_text().startswith("rating_id,")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "'Small': test 3 persons" in said and "'Theirs': 3 results" in said


def test_a_folder_that_is_known_keeps_its_name_and_says_so(
    make_run: Callable[..., Path], make_dataset: Callable[[], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root, run = make_dataset(), make_run()
    for verb, folder in (("add-dataset", root), ("import-run", run)):
        assert main([verb, str(folder), "--name", "First"]) == 0
        assert "already known" not in capsys.readouterr().out
        assert main([verb, str(folder), "--name", "Second"]) == 0
        assert capsys.readouterr().out.startswith(f"{folder} is already known as 'First'")


def test_an_empty_folder_name_is_not_the_current_folder(
    make_dataset: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(make_dataset())
    assert main(["add-dataset", ""]) == 1
    assert main(["doctor"]) == 0
    assert "No dataset is known yet" in capsys.readouterr().out


def test_doctor_tells_what_is_gone(make_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run()
    assert main(["import-run", str(folder)]) == 0
    next((folder / "results").iterdir()).unlink()
    assert main(["doctor"]) == 1
    assert "wrong  Run 'run': 3 results; 1 of their pictures are gone" in capsys.readouterr().out


def test_doctor_tells_a_device_that_is_not_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("VTON_STUDIO_DEVICE", "cuda")
    get_settings.cache_clear()
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "wrong  PyTorch" in said and "no device 'cuda' here" in said


def test_doctor_counts_one_in_the_singular(
    make_run: Callable[..., Path], make_dataset: Callable[[], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root, run = make_dataset(), make_run()
    for folder in (root / "test" / "image", run / "results"):
        for file in sorted(folder.iterdir())[1:]:
            file.unlink()
    assert main(["add-dataset", str(root)]) == main(["import-run", str(run)]) == main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "test 1 person\n" in said and ": 1 result\n" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["import-run", "/no/such/run"], "There is no run folder at /no/such/run."),
        (["add-dataset", "/no/such/set"], "/no/such/set is not a folder"),
        (["add-dataset", ""], "Give the folder that holds train/ or test/."),
        (["import-run", ""], "Give the run folder"),
        (["add-dataset", "/no/such/set", "--name", "  "], "The name is blank"),
        (["import-run", "/no/such/run", "--name", "  "], "The name is blank"),
        (["--workspace", "/dev/null/x", "doctor"], "The workspace /dev/null/x cannot be used"),
        (["doctor", "--workspace", "/dev/null/x"], "The workspace /dev/null/x cannot be used"),
        (["--port", "99999"], "The setting port is '99999'"),
        (["export", "ratings", "--out", "/no/such/folder/x.csv"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert sentence in told and told.count("\n") == 1


def test_a_busy_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["--port", str(port), "--no-browser"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"Port {port} cannot be used") and told.count("\n") == 1
    assert port_fault(free_port()) == ""


def ask(url: str) -> "tuple[int, dict[str, str]]":
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}


def test_the_studio_serves_and_ends_cleanly_by_ctrl_c(place: Path, make_dataset: Callable[[], Path]) -> None:
    assert main(["add-dataset", str(make_dataset())]) == 0
    port = free_port()
    served = subprocess.Popen(
        [sys.executable, "-m", "studio", "--port", str(port), "--no-browser"],
        cwd=place.parent,  # not the repository: its settings must be found all the same
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and served.poll() is None:
            try:
                status, headers = ask(f"http://127.0.0.1:{port}/")
                break
            except OSError:
                time.sleep(0.1)
        assert status == 200
        assert headers["x-content-type-options"] == "nosniff" and "frame-ancestors" in headers["content-security-policy"]
        assert ask(f"http://127.0.0.1:{port}/pictures/forged")[0] == 403
        served.send_signal(signal.SIGINT)
        said, _ = served.communicate(timeout=30)
    finally:
        served.kill()
    assert served.returncode == 130, said
    assert "Traceback" not in said, said


def test_a_dataset_is_removed_by_its_name(make_dataset: Callable[[], Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = make_dataset()
    assert main(["add-dataset", str(root), "--name", "Small"]) == 0
    assert main(["remove-dataset", "Large"]) == 1 and "no dataset called 'Large'" in capsys.readouterr().err
    assert main(["remove-dataset", "Small"]) == 0
    assert f"its folder {root} is as it was" in capsys.readouterr().out and (root / "test").is_dir()
    assert main(["remove-dataset", "Small"]) == 1
