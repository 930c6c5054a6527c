"""The table of weights: found, fetched, taken from a folder, checked; pickles read without running them."""

import dataclasses
import hashlib
import http.server
import os
import pickle
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from vton import weights
from vton.checkpoint import load_vae
from vton.errors import CheckpointError, DataError, WeightsMissing
from vton.preprocess.detectors import Detectors
from vton.preprocess.rembg_mask import SESSIONS
from vton.preprocess.zoo import convert, read_state
from vton.weights import TABLE, File, Weight, fetch, find, main, take, weights_dir

STATE = OrderedDict(stem=np.arange(12, dtype=np.float32).reshape(3, 4), steps=np.array(7, np.int64))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VTON_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """What a publisher has: a file, a folder of three, a pickle."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "one.onnx").write_bytes(b"one" * 1000)
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (folder / name).write_bytes(name.encode())
    write_pickle(folder / "zoo.pkl", {"model": STATE, "__author__": "someone"})
    return folder


@pytest.fixture
def server(published: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(published))

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            if not self.path.startswith("/broken"):
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"a part")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def table(server: str, published: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Weight]:
    def file(name: str, digits: int | None) -> File:
        digest = hashlib.md5((published / name).read_bytes()).hexdigest()
        return File(name, f"{server}/{name}", "" if digits is None else f"md5:{digest[:digits]}")

    three = tuple(file(name, None) for name in ("config.json", "preprocessor_config.json", "model.safetensors"))
    made = {
        "one": Weight("one", "a test", "MIT", 3000, (file("one.onnx", 32),), "one.onnx"),
        "three": Weight("three", "a test", "MIT", 60, three, "model-three"),
        "zoo": Weight("zoo", "a test", "MIT", 900, (file("zoo.pkl", 6),), "zoo.safetensors"),
    }
    monkeypatch.setattr(weights, "TABLE", made)
    return made


def write_pickle(path: Path, content: Any, protocol: int = 2) -> None:
    path.write_bytes(pickle.dumps(content, protocol))


def left(place: Path) -> list[str]:
    return sorted(path.name for path in place.rglob("*") if path.is_file())


def test_every_entry_says_what_a_user_must_know() -> None:
    for name, weight in TABLE.items():
        assert name == weight.name and weight.licence and weight.what and weight.bytes > 1e6
        assert weight.files and all(file.url.startswith("https://") and file.url.endswith(file.name) for file in weight.files)
        for file in weight.files:
            algorithm, _, digits = file.checksum.partition(":")
            assert not file.checksum or (algorithm in ("md5", "sha256") and int(digits, 16) >= 0 and len(digits) >= 6)
    assert len({weight.place for weight in TABLE.values()}) == len(TABLE)
    assert set(SESSIONS) <= set(TABLE) and {field.name for field in dataclasses.fields(Detectors)} >= {"parse"}


def test_missing_weights_say_what_to_type(table: dict[str, Weight]) -> None:
    with pytest.raises(WeightsMissing, match="--fetch three.*MIT"):
        find("three")


@pytest.mark.parametrize("layout", ["sd-vae-ft-mse", "hub/models--stabilityai--sd-vae-ft-mse/snapshots/0123abc"])
def test_stable_diffusions_autoencoder_is_taken_as_diffusers_saves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        norm_num_groups=4,
    ).save_pretrained(tmp_path / layout)
    with pytest.raises(WeightsMissing, match="--fetch vae` gets them .sd-vae-ft-mse, 335 MB, MIT"):
        find("vae")
    with pytest.raises(CheckpointError, match="config.json is not the file that was published"):
        take(tmp_path, ["vae"])
    same = tuple(dataclasses.replace(file, checksum="") for file in TABLE["vae"].files)
    monkeypatch.setitem(TABLE, "vae", dataclasses.replace(TABLE["vae"], files=same))
    assert take(tmp_path, ["vae"]) == ["vae"]
    assert load_vae(find("vae")).decode(torch.zeros(1, 4, 8, 6)).shape == (1, 3, 64, 48)


def test_the_folder_is_data_weights_unless_said_otherwise(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights_dir() == place
    monkeypatch.delenv("VTON_WEIGHTS")
    assert weights_dir() == Path(weights.__file__).parents[1] / "data" / "weights"


def test_what_is_fetched_is_found(table: dict[str, Weight], place: Path) -> None:
    assert fetch("one") == find("one") == place / "one.onnx"
    assert fetch("three") == find("three") == place / "model-three"
    assert left(place) == ["config.json", "model.safetensors", "one.onnx", "preprocessor_config.json"]


def test_a_pickle_is_kept_as_safetensors_only(table: dict[str, Weight], place: Path) -> None:
    state = load_file(fetch("zoo"))
    assert left(place) == ["zoo.safetensors"]
    assert {name: value.tolist() for name, value in state.items()} == {name: value.tolist() for name, value in STATE.items()}
    assert all(state[name].dtype == STATE[name].dtype for name in STATE)


def test_what_is_here_is_not_fetched_again(table: dict[str, Weight], monkeypatch: pytest.MonkeyPatch) -> None:
    fetch("three")
    (find("three") / "model.safetensors").unlink()
    monkeypatch.setattr(weights, "_keep", _noting(asked := [], weights._keep))
    fetch("three")
    assert asked == ["model.safetensors"]


def _noting(asked: list[str], keep: Any) -> Any:
    return lambda file, *more: (asked.append(file.name), keep(file, *more))


@pytest.mark.parametrize("name", ["one", "zoo"])
def test_a_file_that_is_not_the_published_one_is_not_kept(
    table: dict[str, Weight], published: Path, place: Path, name: str
) -> None:
    source = published / table[name].files[0].name
    source.write_bytes(source.read_bytes() + b"more")
    with pytest.raises(CheckpointError, match="not the file that was published"):
        fetch(name)
    assert left(place) == [] and not table[name].here


@pytest.mark.parametrize("url", ["{server}/broken", "{server}/absent", "http://127.0.0.1:1/refused"])
def test_a_download_that_fails_leaves_nothing_and_says_the_other_way(
    table: dict[str, Weight], server: str, place: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    file = File("broken.onnx", url.format(server=server))
    monkeypatch.setitem(table, "one", dataclasses.replace(table["one"], files=(file,)))
    with pytest.raises(WeightsMissing, match="--from DIR"):
        fetch("one")
    assert left(place) == []


@pytest.mark.parametrize("layout", ["model-three", "models/model-three", "hub/models--someone--model-three/snapshots/0123abc"])
def test_a_folder_is_recognised_by_its_name(table: dict[str, Weight], published: Path, tmp_path: Path, layout: str) -> None:
    offline = tmp_path / "offline"
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (offline / layout).mkdir(parents=True, exist_ok=True)
        (published / name).rename(offline / layout / name)
    other = offline / "another-model"
    other.mkdir()
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (other / name).write_text("of another model")
    assert take(offline) == ["three"]
    assert (find("three") / "config.json").read_text() == "config.json"


def test_files_are_taken_wherever_they_lie_and_only_what_is_asked(table: dict[str, Weight], published: Path) -> None:
    assert take(published.parent, ["zoo"]) == ["zoo"]
    with pytest.raises(WeightsMissing):
        find("one")
    assert take(published) == ["one"]  # config.json lies in no folder of its model's name
    assert take(published) == []
    assert (published / "one.onnx").is_file()


def test_a_wrong_file_in_the_folder_is_refused(table: dict[str, Weight], published: Path, place: Path) -> None:
    (published / "one.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match="one.onnx"):
        take(published, ["one"])
    assert left(place) == []
    with pytest.raises(DataError, match="nowhere"):
        take(published / "nowhere")


def test_the_command_shows_and_fetches_nothing_unasked(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("went to the network"))
    assert main([]) == 0
    shown = capsys.readouterr().out
    for weight in TABLE.values():
        lines = shown.splitlines()
        (at,) = (number for number, line in enumerate(lines) if line.split()[:1] == [weight.name])
        assert " no " in lines[at] and weight.licence in lines[at]
        assert "from  https://" in lines[at + 1] and f"to    {place / weight.place}, " in lines[at + 2]
        assert weight.files[-1].checksum.replace(":", " ") in lines[at + 2]
    assert "no checksum known" in shown and "md5 a6e10b..." in shown and not place.exists()


def test_the_command_fetches_takes_and_tells_what_failed(
    table: dict[str, Weight], published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--fetch", "one", "zoo"]) == 0
    assert main(["--fetch", "three", "--from", str(published)]) == 1
    assert "three" in capsys.readouterr().err
    (published / "model-three").mkdir()
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (published / name).rename(published / "model-three" / name)
    assert main(["--from", str(published)]) == 0
    assert "three" in capsys.readouterr().out
    assert main([]) == 0 and capsys.readouterr().out.count(" yes ") == 3
    with pytest.raises(SystemExit):
        main(["--fetch", "unknown"])


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("numpy_1", [False, True])
def test_checkpoints_of_every_age_are_read(tmp_path: Path, protocol: int, numpy_1: bool) -> None:
    content = pickle.dumps({"model": STATE, "__author__": "someone"}, protocol)
    if numpy_1 and protocol < 4:  # the names are lines of text
        assert b"numpy._core.multiarray" in content
        content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "zoo.pkl").write_bytes(content)
    for name, value in read_state(tmp_path / "zoo.pkl").items():
        assert (value == STATE[name]).all() and value.dtype == STATE[name].dtype


def test_what_python_2_wrote_is_read(tmp_path: Path) -> None:
    """There bytes are the plain strings, so an array's content comes as text."""
    dtype = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85" + dtype + b"\x89U\x08"
    content = np.array([-1.5, 3e9], "<f4").tobytes()
    (tmp_path / "zoo.pkl").write_bytes(b"\x80\x02}U\x05model}U\x01a" + array + content + b"tbss.")
    assert read_state(tmp_path / "zoo.pkl")["a"].tolist() == [-1.5, 3e9]


def test_arrays_of_another_byte_order_keep_their_values(tmp_path: Path) -> None:
    write_pickle(tmp_path / "zoo.pkl", {"model": {"a": np.arange(6, dtype=">f4").reshape(2, 3).T}})
    convert(tmp_path / "zoo.pkl", tmp_path / "a.safetensors")
    assert load_file(tmp_path / "a.safetensors")["a"].tolist() == [[0, 3], [1, 4], [2, 5]]


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("depth", ["whole", "inside"])
def test_a_pickle_that_would_run_code_does_not(tmp_path: Path, protocol: int, depth: str) -> None:
    evil = Evil(tmp_path / "ran")
    write_pickle(tmp_path / "zoo.pkl", evil if depth == "whole" else {"model": {"a": np.zeros(3), "b": evil}}, protocol)
    with pytest.raises(CheckpointError, match="mkdir"):
        read_state(tmp_path / "zoo.pkl")
    assert not (tmp_path / "ran").exists()


class Call:
    """Pickled as a call of what a name stands for."""

    def __init__(self, called: Any, *arguments: Any) -> None:
        self.called, self.arguments = called, arguments

    def __reduce__(self) -> Any:
        return self.called, self.arguments


@pytest.mark.parametrize(
    "forged",
    [
        Call(np.ndarray, (1,), np.dtype("O"), b"12345678"),
        Call(np.ndarray, (1,), "O", b"12345678"),
        Call(np.ndarray, (4,), np.dtype("f4"), b"1"),
        Call(np.dtype, "O"),
        Call(np.dtype, [("a", "O")]),
        Call(np.dtype, "f4,O"),
    ],
)
def test_objects_cannot_be_forged_of_bytes(tmp_path: Path, forged: Any) -> None:
    """NumPy itself would take the first two, and follow the pointer that they hold."""
    write_pickle(tmp_path / "zoo.pkl", {"model": {"a": forged}})
    with pytest.raises(CheckpointError):
        read_state(tmp_path / "zoo.pkl")


def test_no_name_leads_out_of_the_list(tmp_path: Path) -> None:
    """Dotted names and modules that NumPy imports must not reach further than the list."""
    for module, name in (
        ("builtins", "eval"), ("numpy", "load"), ("numpy", "ndarray.tofile"), ("numpy.core.multiarray", "fromfile"),
        ("collections", "OrderedDict.__init__.__globals__"), ("codecs", "open"), ("numpy", "os.system"),
    ):  # fmt: skip
        (tmp_path / "zoo.pkl").write_bytes(b"\x80\x04\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93.")  # noqa: E501  # fmt: skip
        with pytest.raises(CheckpointError, match="asks for"):
            read_state(tmp_path / "zoo.pkl")


@pytest.mark.parametrize(
    "content",
    [{}, {"model": {}}, {"model": None}, [], "text", {"model": {"a": "text"}}, {"model": {1: np.zeros(2)}},
     {"model": {"a": np.array([None, {}], object)}}, {"model": {"a": np.array(["x"])}}],
)  # fmt: skip
def test_what_holds_no_weights_is_refused(tmp_path: Path, content: Any) -> None:
    write_pickle(tmp_path / "zoo.pkl", content)
    with pytest.raises(CheckpointError, match="zoo.pkl"):
        read_state(tmp_path / "zoo.pkl")


def test_damaged_pickles_are_refused(tmp_path: Path) -> None:
    whole = pickle.dumps({"model": STATE}, 2)
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole[: generator.integers(0, len(whole))])
        for at in generator.integers(0, max(1, len(damaged)), 3):
            damaged[at : at + 1] = bytes(generator.integers(0, 256, 1, dtype=np.uint8))
        (tmp_path / "zoo.pkl").write_bytes(damaged)
        with pytest.raises(CheckpointError):
            read_state(tmp_path / "zoo.pkl")
