"""Settings and the workspace: absolute places, a secret for its owner, sentences instead of tracebacks."""

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from studio.settings import ROOT, Settings
from studio.workspace import Workspace, WorkspaceError, open_workspace, workspace


def test_places_are_absolute_wherever_a_process_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = Settings(workspace=Path("here"), database_url="sqlite:///other.db")
    monkeypatch.chdir("/")
    assert given.workspace == tmp_path / "here" and given.url == f"sqlite:///{tmp_path / 'other.db'}"
    assert Settings(workspace=tmp_path, database_url=None).url == f"sqlite:///{tmp_path / 'studio.db'}"
    assert Settings(database_url="postgresql://host/vton").url == "postgresql://host/vton"


def test_a_process_of_ours_gets_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(workspace=tmp_path, database_url=f"sqlite:///{tmp_path / 'x.db'}", device="cpu", port=9000)
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


def test_settings_load_neither_torch_nor_streamlit() -> None:
    code = "import sys, studio.settings, studio.workspace; assert not {'torch', 'streamlit', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_wrong_port_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(port=0)


def test_the_secret_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "work", database_url=None)
    first = open_workspace(settings)
    file = settings.workspace / "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(first.key) == 32
    assert open_workspace(settings).key == first.key
    assert open_workspace(Settings(workspace=tmp_path / "other", database_url=None)).key != first.key
    file.write_bytes(b"short")
    with pytest.raises(WorkspaceError, match="is damaged"):
        open_workspace(settings)


def test_a_workspace_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be used"):
        open_workspace(Settings(workspace=tmp_path / "file" / "work", database_url=None))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "studio.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceError, match="not a database"):
        open_workspace(Settings(workspace=tmp_path / "work", database_url=None))


def test_many_threads_open_one_workspace(opened: Workspace) -> None:
    found: list[Workspace] = []
    threads = [threading.Thread(target=lambda: found.append(workspace())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one is opened for one in found) and len(found) == 8
