"""By what the lab and Runs make try-ons, without a browser: choices, their address, defaults, and what is said of them."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import models as rows
from db.models import Run
from studio import checkpoints, inference, jobs
from studio.how import How
from studio.workspace import Workspace
from tests.tiny_diffusion import OWN, save_tiny

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]


@pytest.fixture(autouse=True)
def nothing_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started to open models ahead."""
    monkeypatch.setattr(inference.TryOnWorker, "get_ready", lambda _worker, _how: None)


@pytest.fixture
def small(run: Run, opened: Workspace) -> Path:
    """A diffusion in the workspace that knows a drawn set."""
    return save_tiny(checkpoints.home(opened))[0]


def address(at: AppTest) -> dict[str, str]:
    """The page's own, without the frame's."""
    given = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    return {name: value for name, value in given.items() if name not in ("dataset", "split", "pair", "result")}


def test_an_address_says_all_settings_and_is_followed(small: Path, open_page: Open) -> None:
    told = {"diffusion": "small", "sampler": "unipc", "steps": "7", "guidance": "2.5", "strength": "0.35", "seed": "11"}
    at = open_page("lab", **told)
    assert address(at) == told | {"warp": "geometric", "eta": "0", "mirror": "0"}
    assert (at.number_input("lab_steps").value, at.number_input("lab_guidance").value) == (7, 2.5)
    assert "Eta" not in [one.label for one in at.number_input], "eta is DDIM's"
    at.selectbox("lab_sampler").set_value("ddim").run()
    at.number_input("lab_eta").set_value(0.5).run()
    at.number_input("lab_steps").set_value(200).run()
    at.toggle("lab_mirror").set_value(True).run()
    now = told | {"warp": "geometric", "sampler": "ddim", "eta": "0.5", "steps": "200", "mirror": "1"}
    assert address(at) == now and open_page("lab", **now).toggle("lab_mirror").value is True
    before = address(at)["seed"]
    at.button("lab_new_seed").click().run()
    assert address(at)["seed"] != before


def test_what_makes_no_sense_in_an_address_is_the_checkpoints_own(small: Path, open_page: Open) -> None:
    odd = {"mirror": "2", "sampler": "euler", "steps": "900", "guidance": "-1", "strength": "x", "seed": "1.5", "warp": "gone"}
    at = open_page("lab", diffusion="small", **odd)
    assert not at.exception
    own = {name: str(value) for name, value in asdict(replace(OWN, guidance=1)).items()} | {"eta": "0", "mirror": "0"}
    assert address(at) == own | {"warp": "geometric", "diffusion": "small", "seed": "0"}
    assert address(open_page("lab", diffusion="gone")) == {"warp": "geometric", "diffusion": "none"}


def test_another_checkpoint_begins_with_its_own_settings(small: Path, opened: Workspace, open_page: Open) -> None:
    save_tiny(checkpoints.home(opened), "other", seed=1)
    at = open_page("lab", diffusion="small", steps="50", seed="4")
    at.selectbox("lab_diffusion").set_value("other").run()
    assert (address(at)["diffusion"], address(at)["steps"], address(at)["seed"]) == ("other", str(OWN.steps), "4")


def test_the_shipped_ones_are_chosen_on_a_drawn_set_only(
    run: Run, opened: Workspace, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, folder in zip(("SHIPPED_DIFFUSION", "SHIPPED_VAE"), save_tiny(tmp_path / "shipped"), strict=True):
        monkeypatch.setattr(checkpoints, name, folder)
    at = open_page("lab")
    assert address(at)["diffusion"] == "demo" and not at.info
    monkeypatch.setattr("studio.widgets.diffusion_choice.is_drawn", lambda _root, _split: False)
    assert address(at.run())["diffusion"] == "none", "other people, other defaults"
    photos = open_page("lab")
    assert address(photos)["diffusion"] == "none" and not photos.info
    photos.selectbox("lab_diffusion").set_value("demo").run()
    assert address(photos)["diffusion"] == "demo" == address(open_page("lab", diffusion="demo"))["diffusion"]
    assert "The diffusion demo was trained on drawn people" in photos.info[0].value


def test_a_diffusion_without_its_vae_cannot_be_started(
    small: Path, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path / "weights"))
    small.with_name("small-vae").rename(tmp_path / "away")
    at = open_page("lab", diffusion="small")
    assert "needs the VAE that it was trained with" in at.error[0].value
    assert at.button("try_on").disabled
    runs = open_page("runs")
    runs.selectbox("run_diffusion").set_value("small").run()
    assert runs.button("run_start").disabled


def test_a_run_is_started_with_what_is_chosen(
    small: Path, open_page: Open, sentences: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "start_generate", lambda *_given, **named: started.append(named) or rows.Job(title="Two"))
    at = open_page("runs")
    at.button("run_start").click().run()
    at.selectbox("run_diffusion").set_value("small").run()
    at.number_input("run_steps").set_value(9).run()
    at.number_input("run_seed").set_value(5)
    at.button("run_start").click().run()
    assert not at.exception
    plain, chosen = (named["how"] for named in started)
    assert plain == How(sampling=plain.sampling)
    assert chosen.diffusion.path == small and (chosen.sampling, chosen.seed) == (replace(OWN, steps=9), 5)


def test_the_command_of_a_run_says_how(small: Path, run: Run, opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(
        jobs, "start", lambda _w, _kind, _title, command, _after: commands.append(command) or rows.Job(command=command)
    )
    (diffusion,) = checkpoints.list_diffusions(opened)
    with opened.database.read() as session:
        dataset = session.get(rows.Dataset, run.dataset_id)
    jobs.start_generate(opened, dataset, "test", how=How(None, diffusion, replace(OWN, steps=9), 5))
    jobs.start_generate(opened, dataset, "test")
    jobs.start_generate(opened, dataset, "test", how=How(None, diffusion, replace(OWN, mirror=True)))
    assert "--mirror" in commands[2] and "--no-mirror" in commands[0]
    commands[0].remove("--no-mirror")
    said = dict(zip(commands[0][3::2], commands[0][4::2], strict=False))
    assert (said["--warp"], said["--diffusion"], said["--vae"]) == ("geometric", str(small), str(diffusion.vae))
    assert (said["--sampler"], said["--steps"], said["--strength"], said["--seed"]) == ("ddim", "9", "0.8", "5")
    plain = dict(zip(commands[1][3::2], commands[1][4::2], strict=False))
    assert (plain["--warp"], plain["--diffusion"]) == ("geometric", "none") and "--steps" not in plain
