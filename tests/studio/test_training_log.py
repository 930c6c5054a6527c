"""What is read of a training while it writes: whole lines only, numbers that are some, pictures in their order."""

import json
from pathlib import Path

import pytest

from studio.training_log import Entry, last, pictures, read_log, series, smooth, speed


def test_a_line_that_is_still_being_written_comes_with_the_next_look(tmp_path: Path) -> None:
    assert read_log(tmp_path) == ()
    lines = [json.dumps({"step": step, "kind": "train", "loss": 1 / step}) for step in (1, 2)]
    (tmp_path / "log.jsonl").write_text(f"{lines[0]}\n{lines[1][:-4]}")
    assert [entry.step for entry in read_log(tmp_path)] == [1]
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write(f"{lines[1][-4:]}\n")
    assert read_log(tmp_path) == (Entry(1, "train", {"loss": 1.0}), Entry(2, "train", {"loss": 0.5}))


def test_what_is_no_entry_or_no_number_is_left_out(tmp_path: Path) -> None:
    odd = [
        '{"step": 3, "kind": "train", "loss": NaN, "rate": 0.5}',
        "[1]",
        '{"step": "4", "kind": "train"}',
        "",
        '{"kind": "x"}',
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(odd))
    assert read_log(tmp_path) == (Entry(3, "train", {"rate": 0.5}),)


def test_numbers_over_the_steps() -> None:
    log = [
        Entry(5, "train", {"loss": 2.0}),
        Entry(5, "validation", {"iou": 0.5}),
        Entry(10, "train", {"loss": 1.0, "flow": 0.5}),
    ]
    found = series(log, "train")
    assert list(found) == ["loss", "flow"]
    assert (found["loss"].steps, found["loss"].values, found["flow"].steps) == ([5, 10], [2.0, 1.0], [10])
    assert last(log, "train") is log[2] and last(log, "speed") is None


def test_smoothing_has_no_bias_at_the_start() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert smooth(values, 0.0) == values
    assert smooth([3.0] * 5, 0.9) == pytest.approx([3.0] * 5)
    smoothed = smooth(values, 0.5)
    assert smoothed[0] == 4.0 and smoothed[1] == pytest.approx((0.5 * 4 + 1) / 1.5)


def test_the_speed_is_the_latest_and_one_slow_report_does_not_count() -> None:
    old = [Entry(step, "speed", {"examples_per_second": 1.0}) for step in range(20)]
    late = [Entry(step, "speed", {"examples_per_second": 8.0 if step != 24 else 0.1}) for step in range(20, 30)]
    assert speed([*old, *late]) == 8.0 and speed(old) == 1.0 and speed([]) is None


def test_sample_pictures_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    assert pictures(tmp_path) == {}
    (tmp_path / "pictures").mkdir()
    for name in ("0000500.png", "0000020.png", "0012000.png", ".0000040.png.tmp", "sheet.png"):
        (tmp_path / "pictures" / name).touch()
    assert list(pictures(tmp_path)) == [20, 500, 12000]
