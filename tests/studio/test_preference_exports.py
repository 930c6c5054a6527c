"""Exports of preferences: what is in them, that they are frozen, and that nothing half written is taken for whole."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from db import exports, raters, reviews, studies
from db.study_models import Matchup, Study
from db.study_records import votes
from studio.__main__ import main
from studio.preference_choice import FORMATS, Query
from studio.preference_exports import MANIFEST, folder_hash, freeze
from studio.preference_file import PreferenceFault
from studio.preference_preview import preview
from studio.settings import ROOT, get_settings
from studio.workspace import Workspace
from tests.tiny_preferences import NAMES, PAIRS, STEMS, forget_pictures, judged_study, paint, plain_study, vote

A, B, C = NAMES
CLOTH = dict(PAIRS)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def by_hand(workspace: Workspace, place: Path) -> Study:
    """A clear win of the second, a tie, a lead of one, one that a reviewer turned, a skip among votes."""
    study = plain_study(workspace, place)
    vote(
        workspace,
        study,
        {
            (STEMS[0], f"{A}/{B}"): ["second", "second", "second", "first"],
            (STEMS[1], f"{A}/{B}"): ["first", "second", "both good"],
            (STEMS[2], f"{A}/{B}"): ["first", "first", "both bad"],
            (STEMS[0], f"{A}/{C}"): ["first", "first", "first"],
            (STEMS[1], f"{A}/{C}"): ["both bad", "both bad"],
            (STEMS[3], f"{B}/{C}"): ["second", "skip"],
        },
    )
    return study


def matchup_of(workspace: Workspace, study: Study, person: str, first: str, second: str) -> int:
    with workspace.database.read() as session:
        names = {name: run for run, name in studies.runs_of(session, study.id).items()}
        pairs = {row.person: row.id for row in studies.pairs_of(session, study.id)}
        found = session.query(Matchup).filter_by(
            study_pair_id=pairs[person], first_run_id=names[first], second_run_id=names[second]
        )
        return found.one().id


def lines(folder: Path, name: str = "train.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").split("\n")[:-1]]


def test_chosen_and_rejected_are_what_most_votes_say(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    folder = freeze(opened, Query(study.name, "chosen-rejected")).folder
    found = {(row["person_id"], row["chosen_run"], row["rejected_run"]): row for row in lines(folder)}
    assert set(found) == {(STEMS[0], B, A), (STEMS[2], A, B), (STEMS[0], A, C), (STEMS[3], C, B)}
    assert (found[STEMS[0], B, A]["margin"], found[STEMS[0], B, A]["votes"]) == (0.75, 4)
    assert (found[STEMS[3], C, B]["margin"], found[STEMS[3], C, B]["votes"]) == (1.0, 1)
    for (person, chosen, rejected), row in found.items():
        for side, run in (("chosen", chosen), ("rejected", rejected)):
            judged = tmp_path / "elsewhere" / str(NAMES.index(run)) / "results" / f"{person}__{CLOTH[person]}.png"
            assert sha256(folder / row[side]) == sha256(judged)
        assert sha256(folder / row["person"]) == sha256(tmp_path / "set" / "test" / "image" / f"{person}.jpg")
        assert sha256(folder / row["cloth"]) == sha256(tmp_path / "set" / "test" / "cloth" / f"{CLOTH[person]}.jpg")
        assert row["conditions"]["agnostic"] == f"test/agnostic-v3.2/{person}.jpg"
        assert all((tmp_path / "set" / path).is_file() for path in row["conditions"].values())
        assert row["conditions"]["cloth"] == f"test/cloth/{CLOTH[person]}.jpg"
    assert json.loads((folder / MANIFEST).read_text())["left_out"] == {"no majority": 1, "tie": 1}


def test_a_ruling_wins_over_the_majority_and_agreed_means_a_lead_of_two(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    with opened.database.write() as session:
        boss = raters.get_or_add(session, "Boss").id
        for uid, person, runs, ruling in (
            ("r1", STEMS[0], (A, C), "second"),
            ("r2", STEMS[1], (A, B), "first"),
            ("r3", STEMS[0], (A, B), "both bad"),
        ):
            reviews.rule(
                session,
                uid=uid,
                rater_id=boss,
                matchup_id=matchup_of(opened, study, person, *runs),
                axis="overall",
                ruling=ruling,
                note="",
                shown_at=study.created_at,
                client="test",
            )
    rows = lines(freeze(opened, Query(study.name, "chosen-rejected", only_agreed=True)).folder)
    assert {(row["person_id"], row["chosen_run"], row["rejected_run"], row["by"]) for row in rows} == {
        (STEMS[0], C, A, "adjudication"),
        (STEMS[1], A, B, "adjudication"),
    }
    assert {row["person_id"]: row["margin"] for row in rows}[STEMS[0]] == 0.0


def test_excluded_raters_count_only_when_asked_and_strata_and_axes_part(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    vote_of = dict(study=study.name, format="csv")
    with opened.database.write() as session:
        who = raters.get_or_add(session, "Rater 0").id
        studies.set_rater(session, study.id, who, "excluded", "")

    def rows(**more: Any) -> list[dict[str, str]]:
        return list(csv.DictReader((freeze(opened, Query(**vote_of, **more)).folder / "train.csv").open(newline="")))

    assert len(rows()) == 11 and len(rows(with_excluded=True)) == 17
    with opened.database.read() as session:
        seen = [[one.uid for one in votes(session, study, most=most)] for most in (4, 100)]
        assert seen[0] == seen[1][:4] and len(seen[1]) == 11
        assert sum(preview(session, Query(**vote_of)).outcomes.values()) == 11
    assert {row["stratum"] for row in rows(stratum="stratum 1")} == {"stratum 1"}
    for wrong in ({"axis": "realism"}, {"stratum": "none such"}, {"test_share": 2.0}):
        with pytest.raises(PreferenceFault):
            rows(**wrong)
    with pytest.raises(PreferenceFault, match="nothing to export"):
        rows(axis="fit")


def test_pickapic_has_its_columns_labels_and_pictures(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    rows = pq.read_table(freeze(opened, Query(study.name, "pickapic")).folder / "train.parquet").to_pylist()
    assert len(rows) == 16  # a skip is no row
    assert {(row["label_0"], row["label_1"]) for row in rows} == {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
    for row in rows:
        assert row["label_0"] + row["label_1"] == 1 and row["has_label"] and row["are_different"]
        best = {1.0: row["image_0_uid"], 0.0: row["image_1_uid"], 0.5: "tie"}[row["label_0"]]
        assert row["best_image_uid"] == best
        for side in "01":
            with Image.open(io.BytesIO(row[f"jpg_{side}"])) as picture:
                assert picture.format == "JPEG" and picture.size == (48, 64)
    wins = [row for row in rows if STEMS[0] in row["caption"].split(",")[0] and {row["model_0"], row["model_1"]} == {A, B}]
    assert sorted(row[f"label_{int(row['model_1'] == B)}"] for row in wins) == [0.0, 1.0, 1.0, 1.0]
    assert len({row["ranking_id"] for row in rows}) == len(rows) and {row["user_id"] for row in rows} == {1, 2, 3, 4}
    assert all(row["num_example_per_prompt"] == sum(one["caption"] == row["caption"] for one in rows) for row in rows)


def test_flat_tables_agree_and_are_no_formulas(opened: Workspace, tmp_path: Path) -> None:
    study = judged_study(opened, tmp_path)
    text = (freeze(opened, Query(study.name, "csv", with_excluded=True)).folder / "train.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    table = pq.read_table(freeze(opened, Query(study.name, "parquet", with_excluded=True)).folder / "train.parquet")
    typed = table.to_pylist()
    assert [row["uid"] for row in rows] == [row["uid"] for row in typed] and list(rows[0]) == table.column_names
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())
    assert any(row["left_run"] == B for row in typed) and any(row["left_run"] == f"'{B}" for row in rows)
    winners = {"left": "left_run", "right": "right_run"}
    assert all(row["winner"] == (row[winners[row["outcome"]]] if row["outcome"] in winners else None) for row in typed)
    assert {row["kind"] for row in typed} >= {"plain", "gold"}


def test_a_datasets_folder_has_pictures_features_splits_and_a_card(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    folder = freeze(opened, Query(study.name, "datasets", test_share=0.6)).folder
    persons = {}
    for part in ("train", "test"):
        table = pq.read_table(folder / "data" / f"{part}-00000-of-00001.parquet")
        told = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
        assert list(told) == table.column_names
        assert [name for name, kind in told.items() if kind["_type"] == "Image"] == ["chosen", "rejected", "person", "cloth"]
        for row in table.to_pylist():
            for name in ("chosen", "rejected", "person", "cloth"):
                with Image.open(io.BytesIO(row[name]["bytes"])) as picture:
                    assert picture.size == (48, 64)
        persons[part] = {row["person_id"] for row in table.to_pylist()}
    assert not persons["train"] & persons["test"] and persons["train"] | persons["test"] == {STEMS[0], STEMS[2], STEMS[3]}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense:") and "path: data/train-*" in card and "- name: chosen\n    dtype: image" in card


def test_an_export_is_frozen_hashed_and_not_written_twice(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    seen = set()
    for name in FORMATS:
        first, second = freeze(opened, Query(study.name, name)), freeze(opened, Query(study.name, name))
        assert first.fresh and not second.fresh and first.folder == second.folder and first.row.id == second.row.id
        manifest = json.loads((first.folder / MANIFEST).read_text())
        files = {file.relative_to(first.folder).as_posix() for file in first.folder.rglob("*") if file.is_file()}
        assert set(manifest["files"]) == files - {MANIFEST} and manifest["query"]["format"] == name
        for file, told in manifest["files"].items():
            assert (sha256(first.folder / file), (first.folder / file).stat().st_size) == (told["sha256"], told["bytes"])
        assert first.row.sha256 == folder_hash(first.folder) and first.folder.name.endswith(first.row.sha256[:12])
        seen.add(first.folder)
    vote(opened, study, {(STEMS[3], f"{A}/{B}"): ["first"]})
    assert freeze(opened, Query(study.name, "csv")).folder not in seen
    with opened.database.read() as session:
        assert len(exports.frozen(session, study.id)) == len(FORMATS) + 1
    assert all(folder.is_dir() for folder in seen)
    victim = freeze(opened, Query(study.name, "csv")).folder / "train.csv"
    victim.write_bytes(victim.read_bytes() + b" ")
    with pytest.raises(PreferenceFault, match="was changed since"):
        freeze(opened, Query(study.name, "csv"))


def test_pictures_that_changed_or_are_gone_are_left_out_and_said(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    paint(tmp_path / "elsewhere" / "1" / "results" / f"{STEMS[0]}__{CLOTH[STEMS[0]]}.png", 5555)
    made = freeze(opened, Query(study.name, "chosen-rejected"))
    assert made.row.rows == 3
    assert json.loads((made.folder / MANIFEST).read_text())["left_out"]["picture changed"] == 1
    forget_pictures(tmp_path)
    for name in ("pickapic", "chosen-rejected", "datasets"):
        with pytest.raises(PreferenceFault, match="picture missing"):
            freeze(opened, Query(study.name, name))
    assert freeze(opened, Query(study.name, "csv")).row.rows == 17
    assert not [one for one in (opened.settings.workspace / "exports").iterdir() if one.name.startswith(".")]


def test_killed_while_writing_leaves_nothing_taken_for_whole(opened: Workspace, tmp_path: Path) -> None:
    study = by_hand(opened, tmp_path)
    home = opened.settings.workspace / "exports"
    slow = (
        "import sys, time, studio.preference_exports as e, studio.preference_choice as c\n"
        "from studio.workspace import workspace\n"
        "e.folder_hash = lambda folder: (print('written', flush=True), time.sleep(60))\n"
        "e.freeze(workspace(), c.Query(sys.argv[1], 'csv'))\n"
    )
    command = [sys.executable, "-c", slow, study.name]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [one for one in home.iterdir() if one.name.startswith(".")] and not [
        one for one in home.iterdir() if not one.name.startswith(".")
    ]
    with opened.database.read() as session:
        assert not exports.frozen(session)
    made = freeze(opened, Query(study.name, "csv"))
    assert made.fresh and made.row.rows == 17
    for left in home.iterdir():
        if left.name.startswith("."):
            os.utime(left, (time.time() - 10 * 86_400,) * 2)
    freeze(opened, Query(study.name, "parquet"))
    assert not [one for one in home.iterdir() if one.name.startswith(".")]


def test_the_command_lines_export_and_import(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = judged_study(opened, tmp_path)
    out = tmp_path / "out"
    assert main(["export", "--study", study.name, "--format", "jsonl", "--out", str(out)]) == 0
    assert main(["export", "--study", study.name, "--format", "jsonl"]) == 0
    assert "nothing has changed since" in capsys.readouterr().out
    assert main(["export", "--study", study.name, "--format", "jsonl", "--out", str(out)]) == 1
    assert main(["export", "--study", study.name, "--format", "xml"]) == 1
    assert main(["export", "--study", "Nobody's"]) == 1
    assert main(["export"]) == 1 and main(["export", "ratings", "--study", study.name]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 5 and "is there already" in said[0] and "no format" in said[1] and "no study" in said[2]
    monkeypatch.setenv("VTON_STUDIO_WORKSPACE", str(tmp_path / "third"))
    get_settings.cache_clear()
    assert main(["import-preferences", str(out / "study.jsonl")]) == 0
    assert "are not here" in capsys.readouterr().out
    assert main(["import-preferences", str(out / "study.jsonl")]) == 0
    assert "is here already" in capsys.readouterr().out
    again = tmp_path / "again"
    assert main(["export", "--study", study.name, "--out", str(again)]) == 0
    assert (again / "study.jsonl").read_bytes() == (out / "study.jsonl").read_bytes()
    assert main(["import-preferences", str(out / "MANIFEST.json")]) == 1
    assert "line 1" in capsys.readouterr().err
