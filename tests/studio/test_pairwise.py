"""What the rating component sends of a study: read with suspicion, stored once; what it is given: enough, and no secret."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import URLSafeSerializer

from db import assignments, datasets, raters, runs, studies
from db.study_models import Study
from studio import blind
from studio.importer import add_dataset, import_run
from studio.removal import remove_dataset
from studio.widgets import pairwise
from studio.widgets.pairwise_store import TAGS, count_left, is_short, queue, read_outbox, store, why_nothing
from studio.workspace import Workspace
from tests.studio.conftest import PAIRS

NOON = "2026-11-01T12:00:00+00:00"
GOOD = {"uid": "uid-00000001", "assignment_id": 1, "axis": "overall", "outcome": "left", "shown_at": NOON, "answered_at": NOON}


@pytest.fixture
def study(opened: Workspace, make_dataset: Callable[[], Path], make_run: Callable[..., Path]) -> Study:
    """Two runs on three pairs, asked overall and for fit, two raters each."""
    root = add_dataset(opened, make_dataset()).root
    found = [import_run(opened, make_run(name, data=root), name).id for name in ("okapi one", "okapi two")]
    with opened.database.write() as session:
        return studies.make(
            session,
            name="first",
            question="Which?",
            axes=["overall", "fit"],
            runs=found,
            pairs=[studies.NewPair(*pair) for pair in PAIRS],
            raters_least=2,
            gold_share=0.0,
            repeat_share=0.0,
        )


def add_rater(opened: Workspace, name: str = "Ada") -> int:
    with opened.database.write() as session:
        return raters.get_or_add(session, name).id


def test_an_outbox_is_read_as_far_as_it_can_be_stored() -> None:
    whole = GOOD | {"tags": [TAGS[1], "rude words", 7, TAGS[0]], "flagged": True, "zoom": 4, "reason": "because"}
    (read,) = read_outbox([whole])
    assert (read.tags, read.flagged, read.zoom, read.reason) == (TAGS[:2], True, 4.0, "")
    assert read.shown_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    (undo,) = read_outbox([GOOD | {"outcome": None}])
    assert undo.outcome is None and (undo.tags, undo.flagged, undo.zoom) == ((), False, 1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"uid": 1},
        {"uid": "short"},
        {"assignment_id": "1"},
        {"assignment_id": 10**30},
        {"assignment_id": None},
        {"axis": "beauty"},
        {"axis": ["overall"]},
        {"outcome": "middle"},
        {"outcome": {}},
    ],
)
def test_what_can_never_be_stored_is_left_out(change: dict[str, object]) -> None:
    assert read_outbox([GOOD | change]) == []
    assert read_outbox("nonsense") == read_outbox([None, 3]) == []


@pytest.mark.parametrize(("sent", "zoom"), [(0, 1.0), (10**400, 8.0), (float("nan"), 1.0), (True, 1.0), ("4", 1.0), (2.5, 2.5)])
def test_zooms_stay_in_bounds(sent: object, zoom: float) -> None:
    assert read_outbox([GOOD | {"zoom": sent}])[0].zoom == zoom


def test_nobody_answers_before_a_pair_is_shown() -> None:
    (read,) = read_outbox([GOOD | {"answered_at": "2026-10-01T00:00:00+00:00"}])
    assert read.answered_at == read.shown_at


def test_answers_are_stored_once_and_others_left_out(opened: Workspace, study: Study) -> None:
    ada, bob = add_rater(opened), add_rater(opened, "Bob")
    with opened.database.write() as session:
        mine, theirs = queue(session, study, ada)[0].id, queue(session, study, bob)[0].id
        sent = [
            GOOD | {"assignment_id": mine},
            GOOD | {"assignment_id": mine},
            GOOD | {"assignment_id": mine, "outcome": "right"},
            GOOD | {"assignment_id": theirs, "uid": "uid-00000002"},
            GOOD | {"assignment_id": mine, "uid": "uid-00000003", "axis": "realism"},
            GOOD | {"assignment_id": 999, "uid": "uid-00000004"},
            GOOD | {"assignment_id": mine, "uid": "uid-00000005", "axis": "fit", "outcome": "both bad"},
        ]
        assert store(session, ada, read_outbox(sent)) == 4
    with opened.database.read() as session:
        (shown,) = assignments.shown(session, [mine])
        assert shown.given == {"overall": "left", "fit": "both bad"}
        assert assignments.shown(session, [theirs])[0].given == {}


def test_an_answer_after_its_lease_is_stored(opened: Workspace, study: Study) -> None:
    ada = add_rater(opened)
    with opened.database.write() as session:
        mine = queue(session, study, ada)[0].id
        assignments.free_expired(session, datetime.now(UTC) + timedelta(days=1))
        store(session, ada, read_outbox([GOOD | {"assignment_id": mine}]))
        assert assignments.shown(session, [mine])[0].given == {"overall": "left"}


def test_more_is_leased_only_where_it_runs_short(opened: Workspace, study: Study) -> None:
    ada = add_rater(opened)
    moment = datetime.now(UTC)
    with opened.database.write() as session:
        held = queue(session, study, ada)
        assert len(held) == 3 == count_left(session, study, ada)
        assert is_short(held, moment)
        assert not is_short(held * 4, moment) and is_short(held * 4, moment + timedelta(minutes=9))


def test_a_rater_without_work_is_told_why(opened: Workspace, study: Study) -> None:
    people = [add_rater(opened, name) for name in ("Ada", "Bob", "Cy")]
    with opened.database.write() as session:
        for person in people[:2]:
            assert len(queue(session, study, person)) == 3
        assert queue(session, study, people[2]) == [] and count_left(session, study, people[2]) == 0
        assert "other raters" in why_nothing(session, study, people[2])
        for person in people[:2]:
            for n, one in enumerate(queue(session, study, person)):
                for axis in study.axes:
                    entry = GOOD | {
                        "assignment_id": one.id,
                        "uid": f"uid-{person}-{n}-{axis}",
                        "axis": axis,
                        "outcome": "both bad",
                    }
                    store(session, person, read_outbox([entry]))
        assert "Nothing is left" in why_nothing(session, study, people[0])
        studies.set_rater(session, study.id, people[0], "paused")
        assert "paused in this study" in why_nothing(session, study, people[0])
        for state, word in (("paused", "study is paused"), ("closed", "closed")):
            study.state = state
            assert word in why_nothing(session, study, people[1])


def test_the_browser_is_given_no_run_and_no_kind(opened: Workspace, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(pairwise, "mount", lambda _key, data: given.append(data))
    with opened.database.write() as session:
        rater = raters.get_or_add(session, "Ada")
    assert pairwise.pairwise_loop(opened, study, rater)
    (data,) = given
    assert len(data["tasks"]) == 3 and (data["done"], data["left"]) == (0, 3)
    told = json.dumps(data) + json.dumps(
        [URLSafeSerializer("").loads_unsafe(url.rsplit("/", 1)[1])[1] for task in data["tasks"] for url in task["pictures"]]
    )
    assert "okapi" not in told and "plain" not in told
    with opened.database.read() as session:
        shown = {one.assignment_id: one for one in assignments.shown(session, [task["id"] for task in data["tasks"]])}
    for task in data["tasks"]:
        for side, url in zip(("left", "right"), task["pictures"], strict=True):
            answer = blind.answer(opened, url.rsplit("/", 1)[1])
            picture = getattr(shown[task["id"]], side)
            assert answer.status_code == 200 and bytes(answer.body) == (Path(picture.folder) / picture.file).read_bytes()
            assert {"last-modified", "etag"}.isdisjoint(answer.headers)


def test_nothing_is_asked_without_the_studys_photos(opened: Workspace, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(pairwise, "mount", lambda _key, data: given.append(data))
    with opened.database.write() as session:
        rater = raters.get_or_add(session, "Ada")
        (dataset,) = datasets.list_all(session)
    assert pairwise.pairwise_loop(opened, study, rater) and not given[-1]["locked"]
    remove_dataset(opened, dataset)
    assert not pairwise.pairwise_loop(opened, study, rater)
    assert given[-1]["tasks"] == [] and given[-1]["locked"] and "dataset of this study" in given[-1]["finished"]


def test_what_is_left_follows_a_run_that_is_removed(
    opened: Workspace, make_dataset: Callable[[], Path], make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(pairwise, "mount", lambda _key, data: given.append(data))
    monkeypatch.setattr(pairwise, "SURE", 1)
    monkeypatch.setattr(pairwise.st, "session_state", {})
    root = add_dataset(opened, make_dataset()).root
    found = [import_run(opened, make_run(name, data=root), name).id for name in ("one", "two", "three")]
    with opened.database.write() as session:
        rater = raters.get_or_add(session, "Ada")
        pairs = [studies.NewPair(*pair) for pair in PAIRS]
        three = studies.make(
            session, name="three", question="?", axes=["overall"], runs=found, pairs=pairs, gold_share=0.0, repeat_share=0.0
        )
    pairwise.pairwise_loop(opened, three, rater)
    with opened.database.write() as session:
        runs.remove(session, found[2])
    pairwise.pairwise_loop(opened, three, rater)
    assert [data["left"] for data in given] == [9, 3]


def test_addresses_that_are_not_ours_or_lead_nowhere_are_refused(opened: Workspace, study: Study) -> None:
    ada = add_rater(opened)
    assert blind.answer(opened, "nonsense").status_code == 403
    with opened.database.write() as session:
        (shown,) = assignments.shown(session, [queue(session, study, ada)[0].id])
    token = blind.picture_url(opened, shown, "left").rsplit("/", 1)[1]
    picture = Path(shown.left.folder) / shown.left.file
    picture.write_bytes(picture.read_bytes() + b"made anew")
    changed = blind.answer(opened, token)
    assert changed.status_code == 404 and b"not the one that the study was made with" in bytes(changed.body)
    picture.unlink()
    assert blind.answer(opened, token).status_code == 404
    with opened.database.write() as session:
        studies.remove(session, study.id)
    assert blind.answer(opened, token).status_code == 404
