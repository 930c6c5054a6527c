"""The pages on a small dataset with a run: what they show, and what a click stores."""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from db import datasets, ratings, runs
from db import jobs as rows
from db.models import Run
from studio import inference, jobs
from studio.widgets.exports import ratings_csv
from studio.widgets.start_run import read_lines
from studio.workspace import Workspace

Open = Callable[..., AppTest]
Say = Callable[[AppTest], str]
Data = Callable[[AppTest, str], dict[str, Any]]


def pairs_of(workspace: Workspace, paired: bool = False) -> list[str]:
    """The names of the dataset's pairs in their order."""
    with workspace.database.read() as session:
        dataset = datasets.list_all(session)[0]
        return ["__".join(pair) for pair in datasets.page_pairs(session, dataset.id, "test", paired)]


def test_home_shows_the_newest_run(run: Run, open_page: Open, sentences: Say, component_data: Data) -> None:
    at = open_page("home")
    assert "4 people" in sentences(at)
    assert [element.value for element in at.subheader] == ["By hand", "Datasets"]
    assert len(component_data(at, "vton_gallery")["tiles"]) == 4


def test_browse_pages_search_and_pairs(run: Run, opened: Workspace, open_page: Open, component_data: Data) -> None:
    at = open_page("browse")
    names = pairs_of(opened)
    assert [tile["id"] for tile in component_data(at, "vton_gallery")["tiles"]] == names
    person = names[0].split("__")[0]
    at.text_input("search").set_value(person).run()
    found = [tile["id"] for tile in component_data(at, "vton_gallery")["tiles"]]
    assert found == [name for name in names if person in name]
    at.text_input("search").set_value("").run()
    at.segmented_control("kind").set_value("Paired").run()
    assert [tile["id"] for tile in component_data(at, "vton_gallery")["tiles"]] == pairs_of(opened, paired=True)
    at.text_input("search").set_value("nobody").run()
    assert not at.get("bidi_component") and not at.error
    assert "nobody" in at.markdown[0].value


def test_browse_shows_every_map_of_a_pair(run: Run, opened: Workspace, open_page: Open) -> None:
    first, second = pairs_of(opened)[:2]
    at = open_page("browse", pair=first)
    assert not at.exception and not at.error
    shown = " ".join(element.proto.body for element in at.html)
    for caption in ("Person", "Garment", "Garment mask", "Parse", "DensePose", "Keypoints", "Agnostic", "Agnostic mask"):
        assert f"<figcaption>{caption}<" in shown
    assert "/pictures/" in shown
    next(button for button in at.button if button.label == "Next").click().run()
    assert at.query_params["pair"] == second


@pytest.mark.parametrize("name", ["nothing", "no__body"])
def test_browse_of_a_wrong_link_is_one_sentence(name: str, run: Run, open_page: Open) -> None:
    at = open_page("browse", pair=name)
    assert len(at.error) == 1 and not at.exception


def test_choices_survive_a_change_of_page(run: Run, open_page: Open) -> None:
    at = open_page("home")
    at.sidebar.selectbox("rater").set_value("Ada").run()
    for page in ("browse", "lab", "rate", "runs", "home"):
        at = at.switch_page(f"../pages/{page}.py").run()
        assert [box.value for box in at.sidebar.selectbox] == ["Ada", "Drawn", "test"]


def ended(at: AppTest) -> AppTest:
    """The lab once the try-on that it watches has ended."""
    until = time.monotonic() + 120
    while "lab_try_on" in at.session_state and time.monotonic() < until:
        time.sleep(0.1)
        at = at.run(timeout=120)
    return at


class HereWorker(inference.TryOnWorker):
    """The lab's worker without a process of its own."""

    def _ask(self, work: Callable[..., str], *arguments: str) -> str:
        return work(*arguments)


def test_lab_makes_and_shows_a_try_on(run: Run, opened: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = HereWorker(opened)
    monkeypatch.setattr("studio.widgets.lab.try_on_worker", lambda _workspace: worker)
    name = pairs_of(opened)[1]
    at = open_page("lab", pair=name)
    at.button("try_on").click().run(timeout=120)
    at = ended(at)
    assert not at.exception and not at.error
    assert any("Geometric warp, no diffusion. Made in" in one.value for one in at.caption)
    shown = " ".join(element.proto.body for element in at.html)
    for caption in ("Person", "Garment", "Flow", "Flow as a grid", "Warped cloth", "Composite", "Result"):
        assert f"<figcaption>{caption}<" in shown
    with opened.database.read() as session:
        dataset = datasets.list_all(session)[0]
        made = runs.for_pair(session, *name.split("__"), dataset.id)
    assert any(Path(one.folder) == inference.lab_run_dir(opened, dataset, "test") for one, _ in made)
    worker.close()


def test_lab_of_an_unknown_pair_is_one_sentence(run: Run, open_page: Open) -> None:
    at = open_page("lab", pair="no__body")
    assert len(at.error) == 1 and not at.exception


def sent(uid: str, result: Any, axis: str, score: int | None) -> dict[str, Any]:
    """An entry of the browser's outbox."""
    when = "2026-01-02T03:04:05.678Z"
    return {"uid": uid, "result_id": result.id, "sha256": result.sha256, "axis": axis, "score": score, "shown_at": when}


def send(at: AppTest, run: Run, *entries: dict[str, Any]) -> AppTest:
    """What the component does at a key: set its state, and run again."""
    at.session_state[f"rating_{run.id}_1"] = {"outbox": list(entries)}
    return at.run()


def test_ratings_are_stored_once_and_undone(run: Run, opened: Workspace, open_page: Open, component_data: Data) -> None:
    at = open_page("rate", {"rater": "Ada"})
    shown = component_data(at, "vton_rating")
    assert (shown["done"], shown["total"], len(shown["tasks"])) == (0, 4, 4)
    with opened.database.read() as session:
        first = runs.result(session, shown["tasks"][0]["id"])
    keys = [sent(f"uid-{n:08}", first, axis, n + 1) for n, axis in enumerate(ratings.AXES)]
    at = send(at, run, *keys)
    at = send(at, run, *keys)
    shown = component_data(at, "vton_rating")
    assert shown["done"] == 1 and set(shown["stored"]) == {key["uid"] for key in keys}
    assert first.id not in [task["id"] for task in shown["tasks"]]
    assert [step["axis"] for step in shown["history"]] == list(ratings.AXES)
    at = send(at, run, sent("uid-undo-1", first, "realism", None), sent("uid-undo-1", first, "realism", None))
    assert component_data(at, "vton_rating")["done"] == 0
    with opened.database.read() as session:
        assert ratings.live_for(session, 1, first.id) == {"garment fidelity": 1, "fit": 2, "person preservation": 3}
    lines = ratings_csv(opened).splitlines()
    assert len(lines) == 4 and "Ada" in lines[1]


def test_rubbish_in_the_outbox_is_not_stored(run: Run, opened: Workspace, open_page: Open) -> None:
    at = open_page("rate", {"rater": "Ada"})
    with opened.database.read() as session:
        result = runs.results(session, run.id)[0]
    good = sent("uid-00000001", result, "fit", 5)
    bad = [good | change for change in ({"score": 6}, {"axis": "taste"}, {"uid": 1}, {"result_id": "x"}, {"score": "5"})]
    at = send(at, run, *bad, {}, good | {"result_id": 999_999, "uid": "uid-00000002"})
    assert not at.exception and not at.error
    with opened.database.read() as session:
        assert ratings.count(session) == 0


def test_rating_without_a_name_asks_for_one(run: Run, open_page: Open, sentences: Say) -> None:
    assert "who rates" in sentences(open_page("rate"))


def test_runs_shows_numbers_and_renames(run: Run, opened: Workspace, open_page: Open) -> None:
    at = open_page("runs")
    assert at.dataframe[0].value["Results"].tolist() == [4]
    at = open_page("runs", open="By hand")
    row = at.dataframe[0].value.iloc[0].to_dict()
    expected = {"Metric": "SSIM", "Value": "0.9123", "Interval": "0.9 to 0.92", "N": "4", "Direction": "higher is better"}
    assert row == expected
    at.text_input(f"rename_{run.id}").set_value("First").run()
    at.button(f"rename_do_{run.id}").click().run()
    assert at.selectbox("open").value == "First"
    with opened.database.read() as session:
        assert runs.get(session, run.id).name == "First"


def test_run_is_deleted_with_its_folder(run: Run, opened: Workspace, open_page: Open, sentences: Say) -> None:
    at = open_page("runs", open="By hand")
    assert "4 results" in sentences(at)
    at.button(f"delete_{run.id}").click().run()
    assert not at.exception and at.selectbox("open").value is None
    assert not Path(run.folder).exists()


def test_run_is_started_with_the_pairs_pasted(
    run: Run, opened: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(jobs, "start_generate", lambda *given, **named: started.append((given, named)) or rows.Job(title="Two"))
    at = open_page("runs")
    at.segmented_control("run_which").set_value("Pasted").run()
    assert at.button("run_start").disabled
    first, second = (name.split("__") for name in pairs_of(opened)[:2])
    at.text_area("run_lines").set_value(f"{first[0]}.jpg {first[1]}.jpg\n{second[0]} {second[1]}").run()
    at.button("run_start").click().run()
    assert not at.exception
    assert started[0][0][3] == [tuple(first), tuple(second)]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a.jpg b.jpg\n\nc d\n", [("a", "b"), ("c", "d")]),
        ("a__b", [("a", "b")]),
        ("a,b\na b", [("a", "b")]),
        ("a b c", []),
        ("a", []),
    ],
)
def test_pasted_lines(text: str, pairs: list[tuple[str, str]]) -> None:
    found, fault = read_lines(text)
    assert found == pairs
    assert (fault is None) == bool(pairs)


def test_a_failed_job_says_why(run: Run, opened: Workspace, open_page: Open, sentences: Say) -> None:
    with opened.database.write() as session:
        job = rows.create(session, kind="generate", title="Broken", command=["x"], after={}, folder_of="/none")
        rows.set_state(session, job.id, "failed", exit_code=1, note="The pair list is empty.")
    assert "The pair list is empty." in sentences(open_page("runs"))


def test_a_run_under_way_shows_what_it_made_last(run: Run, opened: Workspace, open_page: Open, tmp_path: Path) -> None:
    results = opened.settings.runs_dir / "under-way" / "results"
    results.mkdir(parents=True)
    for number in range(12):
        picture = results / f"{number:05d}_00__00001_00.png"
        Image.new("RGB", (48, 64), (number * 20, 0, 0)).save(picture)
        os.utime(picture, (1_000_000 + number, 1_000_000 + number))
    (results / ".half.png.tmp").touch()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    job = jobs.start(opened, "generate", "Under way", sleep, {"import_run": str(results.parent), "name": "Under way"})
    try:
        shown = " ".join(element.body for element in open_page("runs").get("html"))
    finally:
        jobs.cancel(opened, job.id)
    assert [f"{number:05d}_00 · 00001_00" in shown for number in range(12)] == [False] * 4 + [True] * 8
    assert shown.index("00011_00 ·") < shown.index("00004_00 ·") and "half" not in shown


def test_a_dataset_is_removed_after_asking_and_its_run_stays(run: Run, opened: Workspace, open_page: Open, drawn: Path) -> None:
    at = open_page("home").button(f"remove_{run.dataset_id}").click().run()
    told = " ".join(element.value for element in at.markdown)
    assert f"The folder {drawn} stays as it is" in told and "1 run" in told
    at.button("remove_not").click().run()
    with opened.database.read() as session:
        assert [one.name for one in datasets.list_all(session)] == ["Drawn"]
    at = open_page("home").button(f"remove_{run.dataset_id}").click().run()
    at.button("remove_now").click().run()
    assert not at.exception and not at.error
    with opened.database.read() as session:
        assert datasets.list_all(session) == [] and runs.get(session, run.id) is not None
    assert (drawn / "test" / "image").is_dir()


def test_every_score_can_be_undone_however_long_ago_and_keeps_when_it_was_given(
    run: Run, opened: Workspace, open_page: Open, component_data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.widgets.rating.STRIP", 1)  # so that a reload tells of four scores
    at = open_page("rate", {"rater": "Ada"}, run=run.name)
    tasks = component_data(at, "vton_rating")["tasks"]
    given = datetime.now(UTC) - timedelta(hours=1)
    key = component_data(at, "vton_rating")["sitting"]
    at.session_state[key] = {
        "outbox": [
            {
                "uid": f"uid-{n}-{axis}",
                "result_id": task["id"],
                "sha256": task["sha256"],
                "axis": axis,
                "score": 3,
                "shown_at": given.isoformat(),
                "answered_at": (given + timedelta(seconds=n + 1)).isoformat(),
            }
            for n, task in enumerate(tasks[:3])
            for axis in ratings.AXES
        ]
    }
    data = component_data(at.run(), "vton_rating")
    assert data["done"] == 3 and data["more"] and {one["id"] for one in data["history"]} == {tasks[2]["id"]}
    at.session_state[key] = {"deeper": 13}
    data = component_data(at.run(), "vton_rating")
    assert not data["more"] and [one["id"] for one in data["history"][::4]] == [task["id"] for task in tasks[:3]]
    with opened.database.read() as session:
        rows = ratings.export_rows(session, run.id)
    assert [datetime.fromisoformat(str(row["rated_at"])) for row in rows[::4]] == [
        given + timedelta(seconds=n + 1) for n in range(3)
    ]
