"""Trainings on the Runs page, without a browser: nothing yet, the form and what it checks, and one that is looked at."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from db import jobs as rows
from db.models import Job
from studio import checkpoints, jobs, training_plans
from studio.importer import add_dataset
from studio.jobs import JobError
from studio.training_log import Series
from studio.widgets.training_charts import MOST_POINTS, loss_curves, validation_curves
from studio.workspace import Workspace
from vton.checkpoint import save_warp
from vton.networks.warp import WarpNetwork
from vton.presets import WARP
from vton.synthetic import SyntheticConfig, draw_dataset
from vton.train.run_folder import as_json

Open = Callable[..., AppTest]
OPEN_FORM = {"start_training": True, "training_preset_warp": "tiny"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set of four people to train on."""
    root = tmp_path_factory.mktemp("people") / "set"
    draw_dataset(SyntheticConfig(train=4, test=0, seed=3, height=128, width=96), root, processes=1)
    return root


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are made without a process of their own, and the presets' once, before a page that has to be quick."""
    monkeypatch.setattr(training_plans, "_asked", lambda work, *arguments: work(*arguments))
    for kind in ("warp", "diffusion"):
        training_plans.presets(kind)


@pytest.fixture
def known(opened: Workspace, people: Path) -> Workspace:
    """A workspace that knows the set; what the form asks about it is asked once before, so that the page is quick."""
    add_dataset(opened, people, "People")
    training_plans.examples("warp", str(people))
    training_plans.devices()
    return opened


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that pages start; a job of each is stored, and no process."""
    commands: list[list[str]] = []

    def start(workspace: Workspace, kind: str, title: str, command: list[str], after: dict[str, Any]) -> Job:
        commands.append(command)
        return store(workspace, command, after["training"])

    monkeypatch.setattr(jobs, "start", start)
    return commands


def store(workspace: Workspace, command: list[str], name: str, state: str = "queued", note: str = "") -> Job:
    """A job of a training, as it would be stored."""
    after, home = {"training": name, "grace": 9}, str(workspace.settings.jobs_dir)
    with workspace.database.write() as session:
        job = rows.create(session, kind="train", title=f"Train {name}", command=command, after=after, folder_of=home)
        if state != "queued":
            rows.set_state(session, job.id, state, note=note)
    Path(job.folder).mkdir()
    return job


def put(workspace: Workspace, people: Path, name: str, steps: int = 20) -> Path:
    """A training's run folder that stands at step 10 of `steps`, with a checkpoint."""
    folder = workspace.settings.runs_dir / name
    (folder / "pictures").mkdir(parents=True)
    preset = as_json(WARP["tiny"])
    preset["loop"]["steps"] = steps
    (folder / "config.json").write_text(
        json.dumps({"format": 1, "kind": "warp training", "data": {"root": str(people)}, **preset})
    )
    lines = [{"step": step, "kind": "train", "loss": 9 / step, "flow": 8 / step, "rate": 1e-3} for step in range(1, 11)]
    measured = [{"step": step, "kind": "validation", "iou": step / 20, "epe": 30 / step} for step in (5, 10)]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in [*lines, *measured]))
    for step in (5, 10):
        Image.new("RGB", (80, 20)).save(folder / "pictures" / f"{step:07d}.png")
    torch.manual_seed(1)
    save_warp(folder / "checkpoint", WarpNetwork(WARP["tiny"].network), {"step": 10, "losses": {"flow": 1.0}})
    return folder


def words(at: AppTest) -> str:
    return " ".join(element.value for element in [*at.markdown, *at.caption, *at.subheader])


def test_before_the_first_one_runs_says_how_to_begin(known: Workspace, open_page: Open) -> None:
    at = open_page("runs")
    assert not at.exception and "No training yet" in words(at)
    assert "training" not in [box.key for box in at.selectbox]
    assert "training_start" not in [button.key for button in at.button], "the form asks for a process, so only once it is open"


def test_the_form_says_what_it_would_be_and_starts_it(
    known: Workspace, people: Path, open_page: Open, started: list[list[str]]
) -> None:
    torch.manual_seed(1)
    save_warp(checkpoints.home(known) / "first", WarpNetwork(WARP["tiny"].network), {"losses": {"flow": 1.0}})
    at = open_page("runs", OPEN_FORM)
    assert not at.exception and "parameters at 64 × 64" in words(at) and "20 steps of 2" in words(at)
    at.selectbox("training_init_warp").set_value("first")
    at.text_input("training_name").set_value("Fine tuning")
    at.number_input("training_steps_warp_tiny").set_value(7)
    at.text_area("training_fields_warp_tiny").set_value("flip=0.0\nwidths=(8, 8, 16) log_every=1").run()
    assert "fine-tuning:" in words(at) and "7 steps of 2" in words(at)
    at.button("training_start").click().run()
    assert not at.exception and not at.error
    (command,) = started
    assert command[command.index("--init") + 1] == str(checkpoints.home(known) / "first")
    assert command[command.index("--set") + 1 :] == ["steps=7", "flip=0.0", "widths=(8, 8, 16)", "log_every=1"]
    assert at.session_state["start_training"] is False, "the form closes"
    assert at.selectbox("training").value == "fine-tuning" and "**Waiting** · Warp tiny on" in words(at)


def test_the_form_says_why_it_cannot_start(known: Workspace, open_page: Open) -> None:
    at = open_page("runs", OPEN_FORM)
    at.text_area("training_fields_warp_tiny").set_value("stps=3").run()
    assert "'stps=3' sets nothing" in words(at) and at.button("training_start").disabled
    at.segmented_control("training_kind").set_value("diffusion").run()
    assert not at.exception and "choose one, or train one first" in words(at) and at.button("training_start").disabled


def test_a_start_that_fails_leaves_the_form_open(known: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: Any) -> None:
        raise JobError("There is no space left.")

    monkeypatch.setattr(jobs, "start", refuse)
    at = open_page("runs", OPEN_FORM)
    at.button("training_start").click().run()
    assert [error.value for error in at.error] == ["There is no space left."] and at.session_state["start_training"]


def test_the_list_tells_how_far_each_is(known: Workspace, people: Path, open_page: Open) -> None:
    put(known, people, "whole", steps=10)
    put(known, people, "half")
    store(known, ["python", "-m", "vton.train.warp", "--data", str(people), "--preset", "tiny"], "half", "cancelled")
    at = open_page("runs")
    table = {row["Training"]: row for row in at.dataframe[-1].value.to_dict("records")}
    assert (table["whole"]["State"], table["whole"]["Steps"]) == ("Done", "10 of 10")
    assert (table["half"]["State"], table["half"]["Steps"], table["half"]["Preset"]) == ("Cancelled", "10 of 20", "tiny")
    assert table["half"]["Dataset"] == "People" and table["half"]["Loss"] == pytest.approx(0.9)
    assert table["half"]["Validation"] == "IoU of what is worn: 0.5"


def test_a_cancelled_one_is_shown_resumed_and_its_checkpoint_used(
    known: Workspace, people: Path, open_page: Open, started: list[list[str]]
) -> None:
    folder = put(known, people, "half")
    command = ["python", "-m", "vton.train.warp", "--data", str(people), "--preset", "tiny", "--out", str(folder), "--resume"]
    store(known, command, "half", "cancelled")
    at = open_page("runs", training="half")
    assert not at.exception and "**Cancelled** · Warp tiny on set, 10 of 20 steps" in words(at)
    assert at.select_slider("training_step").value == 10 and "After 10 steps; from left to right: person" in words(at)
    assert len(at.get("plotly_chart")) == 2
    at.select_slider("training_step").set_value(5).run()
    assert "After 5 steps" in words(at)
    assert any("vton.train.warp" in block.value for block in at.code)
    at.button("training_use").click().run()
    assert [title.value for title in at.title] == ["Try-on lab"] and at.query_params["warp"] in ("half", ["half"])

    at = open_page("runs", training="half")
    at.button("training_resume").click().run()
    assert not at.exception and started == [command] and "**Waiting**" in words(at)
    assert "training_cancel" in [button.key for button in at.button]


@pytest.mark.parametrize("page", ["runs", "home"])
def test_a_job_leads_to_its_training(page: str, known: Workspace, people: Path, open_page: Open) -> None:
    put(known, people, "half")
    job = store(known, ["python", "-m", "vton.train.warp", "--data", str(people), "--preset", "tiny"], "half")
    at = open_page(page)
    at.button(f"training_{job.id}").click().run()
    assert not at.exception and [title.value for title in at.title] == ["Runs"]
    assert at.selectbox("training").value == "half" and "**Waiting** · Warp tiny on set" in words(at)


def test_one_that_failed_says_why(known: Workspace, people: Path, open_page: Open) -> None:
    put(known, people, "half")
    store(known, ["python", "-m", "vton.train.warp"], "half", "failed", "The disk is full.")
    at = open_page("runs", training="half")
    assert not at.exception and [error.value for error in at.error] == ["The disk is full."]
    assert "**Failed**" in words(at) and "training_resume" in [button.key for button in at.button]


def test_one_of_a_command_line_is_watched_and_left_alone(known: Workspace, people: Path, open_page: Open) -> None:
    put(known, people, "elsewhere")
    at = open_page("runs", training="elsewhere")
    assert not at.exception and "**By a command line**" in words(at)
    assert [key for button in at.button if (key := button.key or "").startswith("training_")] == ["training_use"]


def test_a_training_that_is_not_here_is_told(known: Workspace, open_page: Open) -> None:
    at = open_page("runs", training="gone")
    assert [error.value for error in at.error] == ["There is no training gone here."] and not at.exception


def test_curves_are_thinned_to_their_last_point() -> None:
    steps = list(range(1, 20_001))
    figure = loss_curves({"loss": Series(steps, [1 / step for step in steps])}, logarithmic=True, keep=0.0)
    (drawn,) = figure.data
    assert len(drawn.x) <= MOST_POINTS and drawn.x[-1] == 20_000 and drawn.y[-1] == pytest.approx(1 / 20_000)
    assert figure.layout.yaxis.type == "log"


def test_what_a_diffusion_begins_with_lies_behind_its_own_number() -> None:
    found = {
        name: Series([10, 20], [value, value + 1]) for name, value in (("psnr_inside", 20.0), ("composite_psnr_inside", 17.0))
    }
    figure = validation_curves(found)
    assert [trace.y[-1] for trace in figure.data] == [18.0, 21.0]
    assert [note.text for note in figure.layout.annotations] == ["PSNR, dB, inside the mask<br><b>21</b>"]
