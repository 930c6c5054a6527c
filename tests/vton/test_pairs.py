"""Datasets: both layouts, pair lists, and what is refused."""

import time
from pathlib import Path

import pytest

from vton import evaluate, generate
from vton.errors import DataError
from vton.pairs import Pair, choose_pairs, dataset_fingerprint, open_dataset, read_pairs


def make(root: Path, folders: dict[str, list[str]], pairs: str = "") -> Path:
    for folder, names in folders.items():
        (root / "test" / folder).mkdir(parents=True)
        for name in names:
            (root / "test" / folder / name).touch()
    (root / "test_pairs.txt").write_text(pairs)
    return root


def test_both_layouts_are_read_under_the_same_kinds(tmp_path: Path) -> None:
    hyphens = {"image": ["a.jpg"], "cloth": ["b.jpg"], "image-parse": ["a.png"], "openpose-json": ["a_keypoints.json"]}
    scores = {"image": ["a.jpg"], "cloth": ["b.jpg"], "image-parse-v3": ["a.png"], "openpose_json": ["a_keypoints.json"]}
    for name, folders in {"hyphens": hyphens, "scores": scores}.items():
        split = open_dataset(make(tmp_path / name, folders, "a.jpg b.jpg\n")).splits["test"]
        assert split.pairs == (Pair("a", "b"),)
        assert split.path("parse", "a") is not None and split.path("keypoints", "a") is not None
        assert split.path("densepose", "a") is None


def test_of_files_by_one_stem_the_first_by_name_is_read(tmp_path: Path) -> None:
    twice = [f"{number}{ending}" for number in range(8) for ending in ((".jpg", ".png") if number % 2 else (".png", ".jpg"))]
    split = open_dataset(make(tmp_path, {"image": twice, "cloth": ["b.webp", "b.jpeg"]})).splits["test"]
    assert {Path(file).name for file in split.maps["image"].values()} == {f"{number}.jpg" for number in range(8)}
    assert split.need("cloth", "b").name == "b.jpeg"


def test_paired_is_the_first_column_twice(tmp_path: Path) -> None:
    root = make(tmp_path, {"image": ["a.jpg", "c.jpg"], "cloth": ["a.jpg", "b.jpg"]}, "a.jpg b.jpg\nc.jpg a.jpg\n")
    split = open_dataset(root).splits["test"]
    assert choose_pairs(split, paired=True) == [Pair("a", "a")]
    assert choose_pairs(split) == [Pair("a", "b"), Pair("c", "a")]
    assert choose_pairs(split, paired=True, file=root / "test_pairs.txt") == [Pair("a", "a"), Pair("c", "c")]


def test_swapped_columns_are_put_right(tmp_path: Path) -> None:
    root = make(tmp_path, {"image": ["p1.jpg", "p2.jpg"], "cloth": ["c1.jpg", "c2.jpg"]}, "c1.jpg p1.jpg\nc2.jpg p2.jpg\n")
    assert open_dataset(root).splits["test"].pairs == (Pair("p1", "c1"), Pair("p2", "c2"))


@pytest.mark.parametrize("line", ["../a.jpg b.jpg", "a.jpg", "a.jpg b.jpg c.jpg", "/etc/a.jpg b.jpg"])
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "pairs.txt").write_text(f"a.jpg b.jpg\n{line}\n")
    with pytest.raises(DataError, match="line 2"):
        read_pairs(tmp_path / "pairs.txt")


def test_a_folder_that_is_none_or_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match="test/image"):
        open_dataset(tmp_path)


def test_the_fingerprint_changes_when_a_file_comes(tmp_path: Path) -> None:
    root = make(tmp_path, {"image": ["a.jpg"], "cloth": ["b.jpg"]})
    before = dataset_fingerprint(root)
    assert dataset_fingerprint(root) == before
    time.sleep(0.01)
    (root / "test" / "cloth" / "c.jpg").touch()
    assert dataset_fingerprint(root) != before


def test_a_repaired_map_takes_the_place_of_the_datasets_own(tmp_path: Path) -> None:
    files = {"image": ["a.jpg", "b.jpg"], "cloth": ["a.jpg"], "image-parse": ["a.png", "b.png"]}
    root = make(tmp_path / "set", files, "a.jpg a.jpg\n")
    mended = {"image-parse-v3": ["a.png", "stranger.png"], "agnostic-mask": ["a_mask.png"], "image": ["new.jpg"]}
    repairs = make(tmp_path / "mended", mended)
    plain, split = open_dataset(root).splits["test"], open_dataset(root, repairs).splits["test"]
    assert split.path("parse", "a") == repairs / "test" / "image-parse-v3" / "a.png"
    assert split.path("agnostic_mask", "a") == repairs / "test" / "agnostic-mask" / "a_mask.png"
    assert split.path("parse", "b") == plain.path("parse", "b") == root / "test" / "image-parse" / "b.png"
    assert split.path("parse", "stranger") is None and split.persons == ["a", "b"]
    assert plain.path("parse", "a") == root / "test" / "image-parse" / "a.png"
    with pytest.raises(DataError, match="repaired maps"):
        open_dataset(root, tmp_path / "nowhere")


def test_the_fingerprint_knows_of_repairs(tmp_path: Path) -> None:
    root = make(tmp_path / "set", {"image": ["a.jpg"]})
    repairs = make(tmp_path / "mended", {"image-parse": ["a.png"]})
    plain, before = open_dataset(root).fingerprint, open_dataset(root, repairs).fingerprint
    assert plain == dataset_fingerprint(root) != before == dataset_fingerprint(root, repairs)
    time.sleep(0.01)
    file = repairs / "test" / "image-parse" / "a.png"
    (repairs / "new").touch()
    (repairs / "new").replace(file)
    assert open_dataset(root, repairs).fingerprint != before and open_dataset(root).fingerprint == plain


def test_the_samples_are_read_whole(samples: Path) -> None:
    classic = open_dataset(samples / "classic").splits["test"]
    assert len(classic.pairs) == 6 and len(classic.cloths) == 12 and not classic.paired()
    v2 = open_dataset(samples / "v2").splits["test"]
    assert len(v2.pairs) == 2 and v2.paired() == [Pair("00006_00", "00006_00")]
    assert v2.path("densepose", "00006_00") and not v2.path("agnostic_mask", "00006_00")


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/set"])
def test_what_can_be_no_path_gets_one_sentence(path: str, tmp_path: Path) -> None:
    root = make(tmp_path / "set", {"image": ["a.jpg"], "cloth": ["b.jpg"]})
    for given in ((Path(path), None), (root, Path(path))):
        with pytest.raises(DataError, match="cannot be a folder"):
            open_dataset(*given)


def test_a_run_that_names_no_path_gets_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "config.json").write_text('{"format": 1, "dataset": {"root": "~nobody-of-this-name/set"}}')
    assert evaluate.main([str(tmp_path)]) == 1
    assert generate.main(["--data", "~nobody-of-this-name/set", "--out", str(tmp_path / "run")]) == 1
    assert capsys.readouterr().err.count("cannot be a folder") == 2


def test_part_ids_come_before_their_picture_unless_that_was_repaired(tmp_path: Path) -> None:
    files = {"image": ["a.jpg", "b.jpg"], "image-densepose": ["a.jpg", "b.jpg"], "image-densepose-parts": ["a.png"]}
    root = make(tmp_path / "set", files, "")
    split = open_dataset(root).splits["test"]
    assert (split.densepose_kind("a"), split.densepose_kind("b")) == ("densepose_parts", "densepose")
    mended = make(tmp_path / "mended", {"image-densepose": ["a.png"]})
    assert open_dataset(root, mended).splits["test"].densepose_kind("a") == "densepose"
    both = make(tmp_path / "both", {"image-densepose": ["a.png"], "image-densepose-parts": ["a.png"]})
    assert open_dataset(root, both).splits["test"].densepose_kind("a") == "densepose_parts"
