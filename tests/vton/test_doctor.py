"""The dataset doctor: nothing to say of a clean set, one finding for each planted fault, and nothing written."""

import json
import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from vton.doctor import Finding, examine
from vton.doctor.command import main
from vton.doctor.twins import find_repeats, find_twins
from vton.pairs import Pair, choose_pairs, open_dataset

FIRST = "00000_00"


@pytest.fixture
def root(drawn: Path, tmp_path: Path) -> Path:
    """The drawn set, free to be spoilt."""
    return Path(shutil.copytree(drawn, tmp_path / "set"))


def found(root: Path) -> list[Finding]:
    return list(examine(root).findings)


def path(root: Path, kind: str, stem: str = FIRST) -> Path:
    place = open_dataset(root).splits["test"].path(kind, stem)
    assert place is not None
    return place


def only(root: Path, kind: str, severity: str, file: Path, words: str) -> None:
    """There is one finding, and it is this one."""
    findings = found(root)
    assert [(one.kind, one.severity, one.file) for one in findings] == [(kind, severity, str(file.relative_to(root)))]
    assert words in findings[0].wrong and findings[0].todo


def listing(root: Path) -> dict[str, tuple[int, int]]:
    return {str(file): (file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(root.rglob("*"))}


def test_a_clean_set_gives_no_finding_and_is_left_as_it_was(drawn: Path) -> None:
    before = listing(drawn)
    report = examine(drawn)
    assert report.findings == () and "drawn" in report.layout
    assert report.counts["test"]["image"] == report.counts["test"]["pairs"] == 4
    assert listing(drawn) == before


def test_an_empty_split_is_no_fault(root: Path) -> None:
    shutil.rmtree(root / "train", ignore_errors=True)
    (root / "train" / "image").mkdir(parents=True)
    (root / "train_pairs.txt").write_text("")
    assert found(root) == []


def test_the_samples_have_the_oddities_that_they_have(samples: Path) -> None:
    classic, v2 = examine(samples / "classic"), examine(samples / "v2")
    assert classic.findings == () and "2021" in classic.layout and "2022" in v2.layout
    assert [(one.kind, one.severity, one.stem) for one in v2.findings] == [("keypoints", "warning", "00006_00")]
    assert "18 joints" in v2.findings[0].wrong


def saved(file: Path, change: Callable[[Image.Image], Image.Image], **options: object) -> None:
    with Image.open(file) as picture:
        changed = change(picture)
    changed.save(file, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["PNG", "WEBP"])
def test_another_format_under_a_jpg_name(root: Path, encoding: str) -> None:
    file = path(root, "image")
    saved(file, lambda picture: picture.copy(), format=encoding, lossless=True)
    only(root, "format", "warning", file, f"is a {encoding}")


def sixteen(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda picture: picture.convert("RGBA"), "transparency"),
        (lambda picture: picture.quantize(), "palette"),
        (sixteen, "16 bits"),
    ],
)
def test_modes_of_a_png_photo(root: Path, change: Callable[[Image.Image], Image.Image], words: str) -> None:
    file = path(root, "image")
    with Image.open(file) as picture:
        change(picture).save(file.with_suffix(".png"))
    file.unlink()
    only(root, "mode", "warning", file.with_suffix(".png"), words)


def test_cmyk(root: Path) -> None:
    file = path(root, "cloth")
    saved(file, lambda picture: picture.convert("CMYK"), quality=95)
    only(root, "mode", "warning", file, "CMYK")


def test_a_photo_turned_by_exif_is_measured_upright(root: Path) -> None:
    file, exif = path(root, "image"), Image.Exif()
    exif[0x0112] = 6
    saved(file, lambda picture: picture.transpose(Image.Transpose.ROTATE_90), quality=95, exif=exif)
    only(root, "turned", "warning", file, "orientation 6")


def test_a_16_bit_mask_is_a_fault_since_it_is_read_all_white(root: Path) -> None:
    file = path(root, "agnostic_mask")
    saved(file, sixteen)
    only(root, "mode", "fault", file, "16 bits")


def test_a_parse_in_colours_or_with_unknown_ids(root: Path) -> None:
    colours, ids = path(root, "parse"), path(root, "parse", "00001_00")
    saved(colours, lambda picture: picture.convert("RGB"))
    saved(ids, lambda picture: Image.fromarray(np.asarray(picture) + np.uint8(20)))
    assert {(one.kind, one.severity, one.stem) for one in found(root)} == {
        ("parse", "fault", FIRST),
        ("parse", "fault", "00001_00"),
    }


def test_a_cloth_mask_that_marks_nothing(root: Path) -> None:
    file = path(root, "cloth_mask")
    saved(file, lambda picture: picture.point(lambda value: value // 255))
    only(root, "mask", "fault", file, "marks nothing")


@pytest.mark.parametrize(("size", "severity"), [((96, 128), "warning"), ((192, 192), "fault")])
def test_a_map_of_another_size(root: Path, size: tuple[int, int], severity: str) -> None:
    file = path(root, "parse")
    saved(file, lambda picture: picture.resize(size, Image.Resampling.NEAREST))
    only(root, "size", severity, file, f"{size[1]}x{size[0]}")


def test_a_garment_photo_of_another_size_than_the_photos(root: Path) -> None:
    for kind in ("cloth", "cloth_mask"):
        saved(path(root, kind), lambda picture: picture.resize((384, 512)), quality=95)
    sizes = [one for one in found(root) if one.kind == "size"]
    assert [(one.severity, one.file) for one in sizes] == [("warning", f"test/cloth/{FIRST}.jpg")]


@pytest.mark.parametrize(("kind", "stem"), [("cloth_mask", FIRST), ("parse", FIRST), ("keypoints", FIRST)])
def test_a_needed_map_is_missing(root: Path, kind: str, stem: str) -> None:
    file = path(root, kind, stem)
    file.unlink()
    findings = found(root)
    assert [(one.kind, one.severity, one.stem) for one in findings] == [("missing", "fault", stem)]
    assert f"no {kind}" in findings[0].wrong and "no try-on can be made" in findings[0].todo


def test_a_needed_folder_is_missing_once_and_an_optional_one_is_not_missed(root: Path) -> None:
    shutil.rmtree(root / "test" / "openpose_json")
    shutil.rmtree(root / "test" / "image-densepose")
    only(root, "missing", "fault", root / "test" / "openpose_json", "none for any person")


def test_a_map_without_its_person_and_a_mask_without_its_cloth(root: Path) -> None:
    for kind in ("parse", "cloth_mask"):
        file = path(root, kind)
        shutil.copy(file, file.with_stem("lost"))
    assert {(one.kind, one.severity, one.file) for one in found(root)} == {
        ("orphan", "warning", "test/image-parse-v3/lost.png"),
        ("orphan", "warning", "test/cloth-mask/lost.jpg"),
    }


@pytest.mark.parametrize(("name", "words"), [("a b", "space"), ("héllo", "ASCII"), ("he\u0301llo", "NFD"), ("a__b", "__")])
def test_names_that_trip_programs(root: Path, name: str, words: str) -> None:
    for kind in ("cloth", "cloth_mask"):
        file = path(root, kind)
        with Image.open(file) as picture:  # upside down, so that it is another one
            ImageOps.flip(picture).save(file.with_stem(name))
    only(root, "name", "warning", path(root, "cloth").with_stem(name), words)


def test_a_name_that_is_no_text_does_not_break_the_report(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("cloth", "cloth_mask"):
        file = path(root, kind)
        os.link(file, os.fsencode(file.parent) + b"/bad\xff\n.jpg")
    assert main([str(root), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {one["kind"] for one in findings} == {"name", "twins"} and not any("\n" in one["file"] for one in findings)


def test_a_name_with_spaces_in_a_pair_line_is_found_by_its_files(root: Path) -> None:
    for kind in ("cloth", "cloth_mask"):
        file = path(root, kind)
        shutil.copy(file, file.with_stem("red  shirt"))
    (root / "test_pairs.txt").write_text(f"{FIRST}.jpg red  shirt.jpg\n{FIRST}.jpg blue shirt.jpg\n")
    split = open_dataset(root).splits["test"]
    assert split.pairs == (Pair(FIRST, "red  shirt"),)
    assert len(split.skipped) == 1 and "line 2" in split.skipped[0]
    assert [(one.severity, one.file) for one in found(root) if one.kind == "pairs"] == [("fault", "test_pairs.txt:2")]


@pytest.mark.parametrize("keep", [0.6, 0.97])
@pytest.mark.parametrize("kind", ["image", "parse"])
def test_truncated_pictures(root: Path, kind: str, keep: float) -> None:
    file = path(root, kind)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep)])
    only(root, "damaged", "fault", file, "cannot be read")


@pytest.mark.parametrize("kind", ["image", "keypoints", "flow"])
def test_empty_files(root: Path, kind: str) -> None:
    file = path(root, kind, next(iter(open_dataset(root).splits["test"].maps[kind])))
    file.write_bytes(b"")
    only(root, "empty", "fault", file, "empty")


def test_what_is_no_picture_at_all_is_called_what_it_is(root: Path) -> None:
    Image.new("RGB", (192, 256)).save(path(root, "image"), format="GIF")
    path(root, "cloth").write_text("<html>not found</html>")
    os.unlink(path(root, "parse"))
    os.symlink(root / "nowhere.png", root / "test" / "image-parse-v3" / f"{FIRST}.png")
    wrongs = {(one.kind, one.wrong.split(" (")[0]) for one in found(root)}
    assert wrongs == {("format", "is a GIF file"), ("format", "is a HTML or SVG file"), ("damaged", "cannot be opened")}


@pytest.mark.parametrize("side", [8_000, 20_000])
def test_a_decompression_bomb_is_not_opened(root: Path, side: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    pixels = zlib.compress(bytes(side * 1_000))
    file = path(root, "truth", next(iter(open_dataset(root).splits["test"].maps["truth"])))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    started = time.monotonic()
    only(root, "too-large", "fault", file, "pixels")
    assert time.monotonic() - started < 5


def test_a_file_of_too_many_bytes(root: Path) -> None:
    file = path(root, "image")
    with file.open("ab") as end:
        end.truncate(21_000_000)
    only(root, "too-large", "fault", file, "21 MB")


@pytest.mark.parametrize(
    "line", ["one.jpg", "a.jpg b.jpg c.jpg", f"../{FIRST}.jpg {FIRST}.jpg", f"/etc/{FIRST}.jpg {FIRST}.jpg", "..\\a.jpg b.jpg"]
)
def test_a_line_that_is_no_pair_is_left_out_and_the_others_are_read(root: Path, line: str) -> None:
    file = root / "test_pairs.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], line, *lines[1:]]) + "\n")
    split = open_dataset(root).splits["test"]
    assert len(split.pairs) == 4 and len(choose_pairs(split)) == 4 and "line 2" in split.skipped[0]
    (finding,) = found(root)
    assert (finding.kind, finding.severity, finding.file) == ("pairs", "fault", "test_pairs.txt:2")
    assert "left out" in finding.wrong


def test_a_list_that_is_no_text(root: Path) -> None:
    (root / "test_pairs.txt").write_bytes(b"\xff\xfe\x00binary")
    assert open_dataset(root).splits["test"].skipped
    only(root, "pairs", "fault", root / "test_pairs.txt", "no text")


def test_lines_that_name_missing_files_or_come_twice(root: Path) -> None:
    with (root / "test_pairs.txt").open("a") as file:
        file.write(f"{FIRST}.jpg gone.jpg\n")
        file.write((root / "test_pairs.txt").read_text().splitlines()[0] + "\n")
    assert [(one.severity, one.file, "gone" in one.wrong) for one in found(root)] == [
        ("fault", "test_pairs.txt:5", True),
        ("warning", "test_pairs.txt:6", False),
    ]


def two_named(root: Path) -> list[Pair]:
    """Give the garments names of their own, so that the columns can be told apart."""
    for kind in ("cloth", "cloth_mask"):
        for stem in open_dataset(root).splits["test"].persons:
            path(root, kind, stem).rename(path(root, kind, stem).with_stem(f"c{stem}"))
    for kind in ("flow", "image-truth"):
        shutil.rmtree(root / "test" / kind)
    return [Pair(pair.person, f"c{pair.cloth}") for pair in open_dataset(root).splits["test"].pairs]


def test_swapped_columns_are_named_and_put_right(root: Path) -> None:
    pairs = two_named(root)
    (root / "test_pairs.txt").write_text("".join(f"{pair.cloth}.jpg {pair.person}.jpg\n" for pair in pairs))
    assert open_dataset(root).splits["test"].pairs == tuple(pairs)
    only(root, "swapped", "warning", root / "test_pairs.txt", "cloth person")


def test_one_swapped_line_is_a_fault(root: Path) -> None:
    lines = [f"{pair.person}.jpg {pair.cloth}.jpg" for pair in two_named(root)]
    lines[2] = " ".join(reversed(lines[2].split()))
    (root / "test_pairs.txt").write_text("\n".join(lines))
    (finding,) = found(root)
    assert (finding.kind, finding.severity, finding.file) == ("swapped", "fault", "test_pairs.txt:3")


def test_a_list_is_missing(root: Path) -> None:
    (root / "test_pairs.txt").rename(root / "test_pairs_unpaired.txt")
    report = examine(root)
    assert [(one.severity, one.file) for one in report.findings] == [("warning", "test_pairs.txt")]
    assert "--pairs" in report.findings[0].todo and any("CatVTON" in note for note in report.notes)


def body(joints: int) -> list[float]:
    return [value for index in range(joints) for value in (50.0 + index, 60.0 + 2 * index, 0.9)]


def hidden_shoulder() -> list[float]:
    flat = body(25)
    flat[6:9] = [0, 0, 0]
    return flat


@pytest.mark.parametrize(
    ("people", "severity", "words"),
    [
        ([body(18)], "warning", "18 joints"),
        ([body(25), body(25)], "warning", "2 persons"),
        ([body(17)], "fault", "17 joints"),
        ([], "fault", "no person"),
        ([[1.0, 2.0]], "fault", "no OpenPose"),
        ([["x"] * 75], "fault", "no OpenPose"),
        ([hidden_shoulder()], "fault", "shoulder"),
        ([[value * 10 for value in body(25)]], "fault", "outside"),
    ],
)
def test_keypoints(root: Path, people: list[list[float]], severity: str, words: str) -> None:
    file = path(root, "keypoints")
    file.write_text(json.dumps({"people": [{"pose_keypoints_2d": flat} for flat in people]}))
    only(root, "keypoints", severity, file, words)


@pytest.mark.parametrize("text", ["{", "[]", '{"people": 3}', '{"people": [{}]}', "[" * 100_000])
def test_keypoints_that_are_no_openpose_json(root: Path, text: str) -> None:
    file = path(root, "keypoints")
    file.write_text(text)
    only(root, "keypoints", "fault", file, "no OpenPose")


def test_a_flow_that_is_none(root: Path) -> None:
    stem = next(iter(open_dataset(root).splits["test"].maps["flow"]))
    file = path(root, "flow", stem)
    file.write_bytes(file.read_bytes()[:500])
    only(root, "flow", "fault", file, "no flow")
    np.savez_compressed(file, flow=np.zeros((256, 192, 2), np.float32))
    only(root, "flow", "fault", file, "(256, 192, 2)")


def test_files_that_are_not_read_or_are_there_twice(root: Path) -> None:
    (root / "test" / "image" / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic")
    saved(path(root, "cloth"), lambda picture: picture.copy())
    with Image.open(path(root, "cloth")) as picture:
        picture.save(root / "test" / "cloth" / f"{FIRST}.png")
    said = {(one.kind, one.severity): one.wrong for one in found(root)}
    assert said.keys() == {("unread", "warning"), ("double", "warning")}
    assert f"{FIRST}.jpg is read" in said["double", "warning"]


def test_train_and_test_share_pictures(root: Path) -> None:
    shutil.rmtree(root / "train", ignore_errors=True)
    for kind in ("image", "cloth", "cloth_mask", "parse", "keypoints"):
        file = path(root, kind)
        other = root / "train" / file.parent.name / file.name.replace(FIRST, "other")
        other.parent.mkdir(parents=True)
        shutil.copy(file, other)
    with Image.open(path(root, "image")) as picture:
        half = picture.resize((96, 128), Image.Resampling.LANCZOS)
    half.save(root / "train" / "image" / "other.jpg", quality=60)
    (root / "train_pairs.txt").write_text("other.jpg other.jpg\n")
    shared = [one for one in found(root) if one.kind == "shared"]
    assert [(one.severity, one.split, one.stem) for one in shared] == [("fault", "test", FIRST)] * 2
    assert "train/image/other.jpg" in shared[0].wrong


@pytest.mark.parametrize("kind", ["image", "cloth"])
def test_a_split_holds_a_picture_twice(root: Path, kind: str) -> None:
    first, second = (path(root, kind, stem) for stem in open_dataset(root).splits["test"].persons[:2])
    with Image.open(first) as picture:
        picture.save(second, quality=70)
    (finding,) = [one for one in found(root) if one.kind == "twins"]
    assert (finding.severity, finding.file, finding.stem) == ("warning", str(second.relative_to(root)), second.stem)
    assert str(first.relative_to(root)) in finding.wrong


def test_tags_beside_the_split_are_read_too(root: Path) -> None:
    (root / "vitonhd_test_tagged.json").write_text('{"data": [{}]}')
    assert any("vitonhd_test_tagged.json: IDM-VTON's garment tags, 1 entries" in note for note in examine(root).notes)
    (root / "vitonhd_test_tagged.json").write_text("[]")
    only(root, "tags", "warning", root / "vitonhd_test_tagged.json", "no list")


def test_other_pictures_are_no_twins(samples: Path, drawn: Path) -> None:
    files = [*(samples / "classic" / "test").glob("image/*"), *(samples / "classic" / "test").glob("cloth/*")]
    files += [*drawn.glob("test/image/*"), *drawn.glob("test/cloth/*")]
    thumbs = np.stack([np.asarray(Image.open(file).convert("RGB").resize((17, 16), Image.Resampling.BOX)) for file in files])
    assert find_repeats(thumbs) == []
    assert find_twins(thumbs, thumbs) == [(index, index) for index in range(len(files))]
    assert all(not find_twins(thumbs[index : index + 1], np.delete(thumbs, index, 0)) for index in range(len(files)))


def test_layouts_and_what_other_repositories_leave(root: Path) -> None:
    test = root / "test"
    (test / "cloth-mask").rename(test / "cloth_mask-bytedance")
    (test / "image-parse-v3").rename(test / "parse-bytedance")
    (test / "unpaired-cloth-warp").mkdir()
    (test / "agnostic").mkdir()
    (test / "vitonhd_test_tagged.json").write_text(json.dumps({"data": [{}, {}]}))
    shutil.copy(root / "test_pairs.txt", root / "test_pairs_unpaired_1018.txt")
    shutil.rmtree(test / "flow")
    report = examine(root)
    notes = "\n".join(report.notes)
    assert report.findings == () and "GP-VTON" in report.layout
    for words in ("DCI-VTON", "IDM-VTON's garment tags, 2 entries", "GP-VTON's pair list", "test/agnostic is not read"):
        assert words in notes
    (test / "vitonhd_test_tagged.json").write_text("{")
    only(root, "tags", "warning", test / "vitonhd_test_tagged.json", "no list")


def test_a_split_of_maps_without_photos(root: Path) -> None:
    (root / "train" / "cloth").mkdir(parents=True, exist_ok=True)
    shutil.copy(path(root, "cloth"), root / "train" / "cloth")
    only(root, "missing", "fault", root / "train" / "image", "no photos")


def test_the_command_line(root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(root)]) == 0
    assert "Nothing is wrong" in capsys.readouterr().out
    assert main([str(tmp_path / "nowhere")]) == 1
    assert "not a folder" in capsys.readouterr().err
    assert main([str(root / "test")]) == 1
    assert f"Did you mean {root}?" in capsys.readouterr().err
    path(root, "cloth_mask").write_bytes(b"")
    before = listing(root)
    command = [sys.executable, "-m", "vton.pairs", str(root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == 1 and report["findings"][0]["file"] == f"test/cloth-mask/{FIRST}.jpg"
    assert listing(root) == before


def test_the_doctor_needs_no_torch() -> None:
    code = "import sys, vton.doctor.command; assert not {'torch', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_part_ids_are_not_missed_but_looked_at(root: Path) -> None:
    first, second = sorted((root / "test" / "image").iterdir())[:2]
    size = Image.open(first).size
    folder = root / "test" / "image-densepose-parts"
    folder.mkdir()
    Image.new("L", size, 24).save(folder / f"{first.stem}.png")
    assert found(root) == []
    Image.new("L", size, 25).save(folder / f"{second.stem}.png")
    only(root, "densepose", "fault", folder / f"{second.stem}.png", "class id 25; ids 0-24")
