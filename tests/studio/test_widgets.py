"""The pages' pieces without a page: damaged files become a figure, what a browser or a link sends stays in bounds."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.widgets.pair_view import PairFiles
from studio.widgets.pictures import USUAL_SHAPE, parse_figure, shape_of
from studio.widgets.rating_store import LARGEST, read_id, read_outbox, read_whole
from studio.widgets.stages import stage_figures
from studio.workspace import Workspace
from vton.pairs import Pair

FLOW = np.linspace(-0.2, 0.2, 2 * 64 * 48).reshape(2, 64, 48)


def flow_file(**arrays: np.ndarray) -> bytes:
    stored = io.BytesIO()
    np.savez_compressed(stored, **arrays)
    return stored.getvalue()


def bit_flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    middle = len(changed) // 2
    changed[middle : middle + 40] = bytes(255 - byte for byte in changed[middle : middle + 40])
    return bytes(changed)


GOOD_FLOW = flow_file(flow=FLOW)
BAD_FLOWS = {
    "cut off": GOOD_FLOW[: len(GOOD_FLOW) // 2],
    "empty": b"",
    "text": b"no flow",
    "other bytes": bit_flipped(GOOD_FLOW),
    "another compression": GOOD_FLOW.replace(b"\x08\x00", b"\x63\x00"),
    "no key": flow_file(motion=FLOW),
    "a number": flow_file(flow=np.array(1.0)),
    "one channel": flow_file(flow=FLOW[:1]),
    "channels last": flow_file(flow=FLOW.transpose(1, 2, 0)),
    "no pixels": flow_file(flow=FLOW[:, :0]),
    "a line": flow_file(flow=FLOW[:, :1]),
    "words": flow_file(flow=np.array(["left", "right"])),
    "not finite": flow_file(flow=FLOW * np.inf),
}


@pytest.fixture
def files(opened: Workspace, make_dataset: Callable[[], Path]) -> PairFiles:
    """A pair of a small dataset, photos only."""
    root = make_dataset()
    person, cloth = root / "test" / "image" / "00001_00.jpg", root / "test" / "cloth" / "00002_00.jpg"
    return PairFiles(Pair("00001_00", "00002_00"), {"image": person}, {"cloth": cloth})


def flow_notes(files: PairFiles, run: Path, content: bytes) -> dict[str, str]:
    """{caption: note} of the stages of a run with this flow, those of the flow only."""
    stages = run / "intermediates" / files.pair.name
    stages.mkdir(parents=True)
    (stages / "flow.npz").write_bytes(content)
    figures = stage_figures(files, run, run / "results" / "none.png")
    return {figure.caption: figure.note for figure in figures if "Flow" in figure.caption}


@pytest.mark.parametrize("name", BAD_FLOWS)
def test_a_flow_that_is_none_is_shown_as_damaged(name: str, files: PairFiles, tmp_path: Path) -> None:
    assert flow_notes(files, tmp_path / "run", BAD_FLOWS[name]) == {"Flow": "damaged"}


def test_a_whole_flow_is_drawn(files: PairFiles, tmp_path: Path) -> None:
    drawn = flow_notes(files, tmp_path / "run", GOOD_FLOW)
    assert list(drawn) == ["Flow", "Flow as a grid"] and "damaged" not in drawn.values()


def test_stages_that_a_run_has_not_are_left_out(files: PairFiles, tmp_path: Path) -> None:
    assert [figure.caption for figure in stage_figures(files, tmp_path, tmp_path / "none.png")] == ["Person", "Garment"]


def huge_png() -> bytes:
    """The head of a PNG of 60,000 x 60,000 grey pixels: a decompression bomb."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def grey_png() -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(np.arange(64 * 48, dtype=np.uint8).reshape(64, 48) % 20).save(encoded, "PNG")
    return encoded.getvalue()


BAD_PICTURES = {"empty": b"", "text": b"no picture", "bomb": huge_png(), "head only": grey_png()[:20]}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_damaged_picture_has_the_usual_shape(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(BAD_PICTURES[name])
    assert shape_of(tmp_path / "a.png") == USUAL_SHAPE


@pytest.mark.parametrize("name", [*BAD_PICTURES, "cut off"])
def test_a_damaged_parse_is_shown_as_damaged(name: str, opened: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(BAD_PICTURES.get(name, grey_png()[:-40]))
    figure = parse_figure(tmp_path / "a.png", "Parse")
    assert (figure.src, figure.note) == (None, "damaged")
    (tmp_path / "b.png").write_bytes(grey_png())
    assert parse_figure(tmp_path / "b.png", "Parse").src is not None


@pytest.mark.parametrize("number", [10**400, 1e300, float("inf"), float("nan"), LARGEST + 1, -(2**70), 0.5, True, "3", None])
def test_what_no_database_holds_is_no_whole_number(number: object) -> None:
    assert read_whole(number) is None


def test_whole_numbers_and_ids_in_bounds() -> None:
    assert [read_whole(number) for number in (3, 3.0, -1, LARGEST)] == [3, 3, -1, LARGEST]
    assert [read_id(text) for text in ("7", str(LARGEST))] == [7, LARGEST]
    assert [read_id(text) for text in ("", "x", "-1", "1.5", str(LARGEST + 1), "9" * 5000)] == [None] * 6


def test_an_outbox_with_a_huge_id_is_left_out() -> None:
    entry = {"uid": "uid-00000001", "sha256": "x", "axis": "fit", "score": 3, "shown_at": None}
    assert [one.result_id for one in read_outbox([entry | {"result_id": number} for number in (10**30, 1e300, 4)])] == [4]
