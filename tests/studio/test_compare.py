"""Runs beside each other: the pairs that they share, and the orders in which these are looked at."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from db import raters, ratings
from studio import compare
from studio.compare import DISAGREE, GAP, LOOKS, Looks, Names, Order
from studio.importer import import_run
from studio.workspace import Workspace
from vton.errors import DataError

MakeRun = Callable[..., Path]
SHOWN = datetime(2026, 11, 2, 9, tzinfo=UTC)
PAIRS: list[Names] = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "z")]


def flat(file: Path, colour: tuple[int, int, int], size: tuple[int, int] = (48, 64)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(file)
    return file


def test_an_order_is_read_back_as_the_address_has_it() -> None:
    for order in (Order(), Order(LOOKS), Order(GAP, "ssim"), Order(DISAGREE, "ssim")):
        assert compare.read_order(str(order), ["ssim"], judged=True) == order
    for text in ("", "looks:ssim", "gap", "gap:fid", "nonsense", "disagree:fid"):
        assert compare.read_order(text, ["ssim"], judged=True) == Order()
    assert compare.read_order("disagree:ssim", ["ssim"], judged=False) == Order()


def test_the_largest_gap_between_any_two_runs_comes_first_and_a_lone_value_is_left_out() -> None:
    values = {
        1: {PAIRS[0]: 0.5, PAIRS[1]: 0.9, PAIRS[2]: 0.7},
        2: {PAIRS[0]: 0.6, PAIRS[1]: 0.9},
        3: {PAIRS[0]: 0.2, PAIRS[1]: 0.8},
    }
    assert compare.by_gap(PAIRS, values) == [PAIRS[0], PAIRS[1]]


def test_an_infinite_value_is_no_gap() -> None:
    values = {1: {PAIRS[0]: float("inf"), PAIRS[1]: 30.0}, 2: {PAIRS[0]: 20.0, PAIRS[1]: 29.0}}
    assert compare.by_gap(PAIRS, values) == [PAIRS[1]]


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_metric_and_people_disagree_only_where_they_prefer_different_runs(higher_is_better: bool) -> None:
    sign = 1 if higher_is_better else -1
    metric = {
        1: {pair: sign * value for pair, value in zip(PAIRS, (0.9, 0.8, 0.9, 0.7), strict=True)},
        2: dict.fromkeys(PAIRS, sign * 0.7),
    }
    scores = {(1, 2): dict(zip(PAIRS, (-2.0, -1.0, 4.0, -3.0), strict=True))}
    assert compare.by_disagreement(PAIRS, metric, [scores], higher_is_better) == [PAIRS[0], PAIRS[1]]
    votes = {(1, 2): {PAIRS[1]: -1.0, PAIRS[2]: -0.2}}
    assert compare.by_disagreement(PAIRS, metric, [{}, votes], higher_is_better) == [PAIRS[1], PAIRS[2]]
    assert set(compare.by_disagreement(PAIRS, metric, [scores, votes], higher_is_better)) == set(PAIRS[:3])
    assert compare.by_disagreement(PAIRS, metric, [{}, {(1, 2): {}}], higher_is_better) == []


def test_the_colour_difference_is_that_of_cielab(tmp_path: Path) -> None:
    black, white = flat(tmp_path / "black.png", (0, 0, 0)), flat(tmp_path / "white.png", (255, 255, 255), (480, 640))
    assert compare.difference(black, white) == pytest.approx(100, abs=0.01)
    red, green = flat(tmp_path / "red.png", (255, 0, 0)), flat(tmp_path / "green.png", (0, 255, 0))
    assert compare.difference(red, green) == pytest.approx(170.6, abs=0.2)
    assert compare.difference(red, red) == 0


def test_a_damaged_picture_is_a_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        compare.difference(bad, bad)


def test_looks_are_worked_out_once_and_a_changed_picture_anew(
    opened: Workspace, make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [make_run("one"), make_run("two")]
    names = sorted(file.name for file in (folders[0] / "results").iterdir())
    shades = dict(zip(names, (10, 200, 90), strict=True))
    for file, shade in shades.items():
        flat(folders[0] / "results" / file, (0, 0, 0))
        flat(folders[1] / "results" / file, (shade, shade, shade))
    found = [import_run(opened, folder) for folder in folders]
    with opened.database.read() as session:
        tables = compare.results_of(session, [run.id for run in found])
    pairs = compare.shared_pairs(tables)
    looks = Looks(tmp_path / "cache" / "looks.json")
    *_, values = looks.work_out(found, tables, pairs)
    order = sorted(pairs, key=lambda pair: -values[pair])
    assert [f"{person}__{cloth}.png" for person, cloth in order] == sorted(names, key=lambda name: -shades[name])

    read: list[Path] = []

    def watched(first: Path, second: Path, real: Callable[[Path, Path], float] = compare.difference) -> float:
        read.append(first)
        return real(first, second)

    monkeypatch.setattr(compare, "difference", watched)
    *_, again = Looks(looks.file).work_out(found, tables, pairs)
    assert again == values and read == []
    flat(folders[1] / "results" / names[0], (255, 255, 255))
    found[1] = import_run(opened, folders[1])
    with opened.database.read() as session:
        tables = compare.results_of(session, [run.id for run in found])
    *_, changed = Looks(looks.file).work_out(found, tables, pairs)
    assert len(read) == 1 and changed != values
    looks.file.write_text("{")
    assert Looks(looks.file).known == {}


def test_only_pairs_of_all_runs_are_shared_and_people_are_the_mean_of_live_scores(opened: Workspace, make_run: MakeRun) -> None:
    folders = [make_run("one", metrics=True), make_run("two", metrics=True)]
    next(iter(sorted((folders[1] / "results").iterdir()))).unlink()
    kept = sorted(file.stem for file in (folders[1] / "results").iterdir())
    metrics = json.loads((folders[1] / "metrics.json").read_text())
    metrics["pairs"] = {name: values for name, values in metrics["pairs"].items() if name in kept}
    (folders[1] / "metrics.json").write_text(json.dumps(metrics))
    ids = [import_run(opened, folder).id for folder in folders]
    with opened.database.read() as session:
        tables = compare.results_of(session, ids)
        pairs = compare.shared_pairs(tables)
        assert [f"{person}__{cloth}" for person, cloth in pairs] == kept
        assert compare.shared_metrics(session, ids) == ["ssim"]
        assert compare.judged(session, ids) == {run_id: {} for run_id in ids}
    with opened.database.write() as session:
        row = tables[0][pairs[0]]
        for who, score in (("Ada", 2), ("Bob", 5)):
            given = {"rater_id": raters.get_or_add(session, who).id, "result_id": row.id, "result_sha256": row.sha256}
            ratings.rate(session, uid=f"{who}-1", axis="fit", score=score, shown_at=SHOWN, client="test", **given)
    with opened.database.read() as session:
        judged = compare.judged(session, ids)
        assert compare.is_judged(session, ids) and not compare.is_judged(session, ids[1:])
    assert judged[ids[0]] == {pairs[0]: 3.5} and judged[ids[1]] == {}
