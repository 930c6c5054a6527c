"""The checks' command line and the JSON it writes, with a folder of repairs and without."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vton.images import read_labels, read_mask, write_image, write_json
from vton.labels import GARMENT
from vton.pairs import open_dataset
from vton.preprocess.checks import OUTPUTS, check_split
from vton.preprocess.checks.__main__ import main
from vton.synthetic import SyntheticConfig, draw_dataset

DESCRIBED = Path(__file__).parents[3] / "data" / "README.md"


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    """A drawn set whose second person's mask leaves some of the top visible, and whose third has no readable parse."""
    root = tmp_path / "set"
    draw_dataset(SyntheticConfig(train=0, test=3, seed=11), root, processes=1)
    split = open_dataset(root).splits["test"]
    parse = read_labels(split.need("parse", split.persons[1]))
    rows = np.nonzero(np.isin(parse, GARMENT))[0]
    mask = read_mask(split.need("agnostic_mask", split.persons[1]))
    mask[int(np.quantile(rows, 0.95)) :] = False
    write_image(split.need("agnostic_mask", split.persons[1]), mask)
    write_image(split.need("parse", split.persons[2]), np.zeros((*parse.shape, 3), np.uint8))
    return root


def test_the_worst_comes_first_with_its_sentences(spoiled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(spoiled), "--json", str(tmp_path / "checks.json")]) == 0
    said = capsys.readouterr().out
    assert "its shape will leak" in said and "not class ids" in said and "3 items checked, 2 want looking at." in said
    written = json.loads((tmp_path / "checks.json").read_text())
    clean, leaking, unreadable = open_dataset(spoiled).splits["test"].persons
    assert set(written["items"]) == {clean, leaking, unreadable} and list(written["items"])[-1] == clean
    bad = {stem: {(o["check"], o["output"]) for o in found if not o["ok"]} for stem, found in written["items"].items()}
    assert ("worn garment hidden", "agnostic") in bad[leaking]
    assert ("readable", "parse") in bad[unreadable] and bad[clean] == set()


def test_the_described_json_is_what_is_written(spoiled: Path, tmp_path: Path) -> None:
    section = DESCRIBED.read_text().split("## The checks\n")[1].split("\n## ")[0]
    described = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])
    main([str(spoiled), "--json", str(tmp_path / "checks.json")])
    written = json.loads((tmp_path / "checks.json").read_text())
    assert written.keys() == described.keys() and written["format"] == described["format"]
    examples = [outcome for found in described["items"].values() for outcome in found]
    outcomes = [outcome for found in written["items"].values() for outcome in found]
    assert all(outcome.keys() == examples[0].keys() for outcome in [*outcomes, *examples])
    assert all(outcome["ok"] == (outcome["score"] <= outcome["threshold"]) for outcome in [*outcomes, *examples])
    known = {(check["check"], check["output"], check["threshold"]): check for check in written["checks"]}
    for outcome in [*outcomes, *examples]:
        assert (outcome["check"], outcome["output"], outcome["threshold"]) in known and outcome["output"] in OUTPUTS
    for check in described["checks"]:
        assert check == known[check["check"], check["output"], check["threshold"]]


def test_a_repaired_mask_passes(spoiled: Path, tmp_path: Path) -> None:
    split = open_dataset(spoiled).splits["test"]
    stem = split.persons[1]
    garment = np.isin(read_labels(split.need("parse", stem)), GARMENT).astype(np.uint8)
    mended = read_mask(split.need("agnostic_mask", stem)) | (cv2.dilate(garment, np.ones((7, 7), np.uint8)) > 0)
    write_image(tmp_path / "mended" / "test" / "agnostic-mask" / f"{stem}_mask.png", mended)
    arguments = [str(spoiled), "--repairs", str(tmp_path / "mended"), "--json", str(tmp_path / "checks.json")]
    assert main(arguments) == 0
    outcomes = json.loads((tmp_path / "checks.json").read_text())["items"][stem]
    assert all(outcome["ok"] for outcome in outcomes if outcome["check"] == "worn garment hidden")
    before = {outcome.check: outcome for outcome in check_split(split)[stem]}
    assert not before["worn garment hidden"].ok


def test_an_odd_mask_is_found_among_its_split(tmp_path: Path) -> None:
    for i, share in enumerate([0.3, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.58]):
        mask = np.zeros((100, 80), bool)
        mask[: round(100 * share)] = True
        write_image(tmp_path / "test" / "image" / f"{i}.png", np.full((100, 80, 3), 90, np.uint8))
        write_image(tmp_path / "test" / "agnostic-mask" / f"{i}_mask.png", mask)
    found = check_split(open_dataset(tmp_path).splits["test"])
    odd = {stem for stem, outcomes in found.items() for o in outcomes if o.check == "mask area in the split" and not o.ok}
    assert odd == {"8"}


def test_a_picture_that_the_other_split_shows_too_is_found(tmp_path: Path) -> None:
    root = tmp_path / "set"
    draw_dataset(SyntheticConfig(train=2, test=2, seed=7), root, processes=1)
    train, test = (open_dataset(root).splits[name] for name in ("train", "test"))
    person, garment = test.persons[0], test.cloths[1]
    for kind, stem, name in (("image", person, "again.jpg"), ("cloth", garment, "again.png")):
        photo = Image.open(test.need(kind, stem))
        photo.resize((photo.width * 3 // 2, photo.height * 3 // 2)).save(root / "train" / kind / name, quality=70)
    assert main([str(root), "--json", str(tmp_path / "checks.json")]) == 0
    items = json.loads((tmp_path / "checks.json").read_text())["items"]
    doubted = {(stem, o["check"]): o["sentence"] for stem, found in items.items() for o in found if not o["ok"]}
    assert doubted.keys() == {(person, "photo in one split only"), (garment, "garment in one split only")}
    assert all("train shows the same picture, as again" in sentence.lower() for sentence in doubted.values())
    assert sum(o["output"] == "photo" for found in items.values() for o in found) == 4
    back = check_split(open_dataset(root).splits["train"], test)
    assert [o.check for o in back["again"] if not o.ok and o.output == "photo"] == [
        "photo in one split only",
        "garment in one split only",
    ]
    assert not any(o.output == "photo" for found in check_split(train).values() for o in found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nowhere"], "not a folder"), (["set", "--split", "train"], "no split"), (["set", "--repairs", "none"], "repaired maps")],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    spoiled: Path, tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [str(tmp_path / word) if word in ("nowhere", "set", "none") else word for word in arguments]
    assert main(places) == 1
    said = capsys.readouterr().err.strip()
    assert words in said and said.startswith("checks: ") and "\n" not in said


def test_files_of_any_content_are_judged(spoiled: Path) -> None:
    split = open_dataset(spoiled).splits["test"]
    for kind in ("image", "densepose", "agnostic", "agnostic_mask", "cloth", "cloth_mask", "keypoints", "parse_agnostic"):
        split.need(kind, split.persons[0]).write_bytes(b"no picture")
    split.need("flow", f"{split.persons[0]}__{split.persons[0]}").write_bytes(b"no flow")
    write_json(split.need("keypoints", split.persons[1]), {"people": []})
    found = check_split(split)
    assert sum(outcome.check == "readable" and not outcome.ok for outcome in found[split.persons[0]]) == 9
    assert ("readable", "keypoints") in {(o.check, o.output) for o in found[split.persons[1]] if not o.ok}
