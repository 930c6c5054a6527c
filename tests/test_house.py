"""The house: who may import whom, what loads nothing heavy, and names that shadow no library."""

import ast
import runpy
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "vton": {"db", "studio", "pages", "streamlit", "sqlalchemy", "alembic"},
    "db": {"vton", "studio", "pages", "streamlit", "torch"},
    "studio": {"pages"},
    "pages": {"torch", "sqlalchemy", "alembic", "vton", "pages"},
}


def imports(file: Path) -> set[str]:
    """The top-level names that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_run_one_way(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {str(f.relative_to(ROOT)): names for f in files if (names := imports(f) & FORBIDDEN[package])}
    assert not wrong


def loaded(statement: str, *names: str) -> list[str]:
    code = f"import sys; {statement}; print(*[n for n in {names!r} if n in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import vton.flow", ("detectron2", "densepose", "rembg", "transformers", "streamlit", "sqlalchemy")),
        ("import vton.pairs", ("torch", "cv2", "detectron2", "rembg")),
        ("import studio.settings", ("torch", "rembg", "streamlit")),
        ("import studio.jobs", ("torch", "rembg")),
        ("import studio.importer", ("torch", "rembg")),
        ("import studio.__main__", ("torch", "rembg")),
        ("import db.models", ("torch", "streamlit", "vton")),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(statement: str, names: tuple[str, ...]) -> None:
    assert loaded(statement, *names) == []


def test_no_file_of_the_studio_shadows_a_module_or_library() -> None:
    libraries = set(packages_distributions()) | sys.stdlib_module_names
    names = {path.stem for path in (ROOT / "studio").iterdir() if not path.stem.startswith("_")}
    assert not names & (libraries - {"studio"})


COMMANDS = [
    *("vton.pairs", "vton.generate", "vton.evaluate", "vton.synthetic", "vton.synthetic.sheet"),
    *("vton.preprocess", "vton.preprocess.checks", "vton.weights", "studio", "db"),
    *("vton.checkpoint", "vton.train.warp", "vton.train.garment_features"),
    *(f"benchmarks.{file.stem}" for file in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in file.read_text()),
]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_line_helps_with_an_example(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `python -m` runs it, but in this process, which has loaded the libraries already."""
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert not ended.value.code and "example" in capsys.readouterr().out.lower()
