"""Repaired maps: every version kept, the dataset untouched, what depends on them made again, and used by what runs later."""

import asyncio
import gzip
import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message

from db import raters
from db.models import Dataset
from studio import checks_file, inference, jobs, repair_routes, repairs
from studio.how import How
from studio.importer import add_dataset
from studio.inference import lab_run_dir
from studio.repairs import Item, RepairFault
from studio.workspace import Workspace
from vton.conditions import read_keypoints
from vton.images import read_image, read_labels, read_mask
from vton.labels import ParseClass
from vton.pairs import open_dataset
from vton.preprocess.agnostic import agnostic_mask, erase, erase_parse

KINDS = ("agnostic_mask", "agnostic", "parse_agnostic")


@pytest.fixture
def dataset(opened: Workspace, drawn: Path) -> Dataset:
    return add_dataset(opened, drawn, "Drawn")


@pytest.fixture
def item(opened: Workspace, dataset: Dataset) -> Item:
    found = repairs.find_item(opened, dataset, "test", open_dataset(Path(dataset.root)).splits["test"].persons[0])
    assert found is not None
    return found


def png(labels: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(labels).save(encoded, "PNG")
    return encoded.getvalue()


def parent(item: Item, kind: str) -> str:
    path = item.path(kind)
    return repairs.sha256_of(path) if path else ""


def edited_mask(item: Item) -> np.ndarray:
    """The agnostic mask with a square of the torso taken out."""
    mask = repairs.labels_of(item, "agnostic_mask").copy()
    rows, columns = np.nonzero(mask)
    y, x = int(np.median(rows)), int(np.median(columns))
    mask[y - 12 : y + 12, x - 12 : x + 12] = 0
    return mask


def edited_parse(item: Item) -> np.ndarray:
    """The parse with half of the top taken for trousers."""
    parse = repairs.labels_of(item, "parse").copy()
    worn = np.argwhere(parse == ParseClass.UPPER)
    lower = worn[worn[:, 0] > np.median(worn[:, 0])]
    parse[tuple(lower.T)] = ParseClass.PANTS
    return parse


def files_of(root: Path) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in root.rglob("*") if file.is_file()}


def overlay(workspace: Workspace, dataset: Dataset) -> list[str]:
    folder = repairs.current(workspace, dataset.id)
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.png"))


def test_a_repaired_mask_is_a_version_and_leaves_the_dataset_alone(opened: Workspace, dataset: Dataset, item: Item) -> None:
    before, was = files_of(Path(dataset.root)), parent(item, "agnostic_mask")
    mask = edited_mask(item)
    made = repairs.save(opened, item, "agnostic_mask", png(mask), "Ada", was)
    again = repairs.save(opened, item, "agnostic_mask", png(255 - mask), "Bo", parent(item, "agnostic_mask"))
    assert [(one.number, one.rater) for one in repairs.versions(opened, item, "agnostic_mask")] == [(1, "Ada"), (2, "Bo")]
    assert made.parent == was and again.parent == made.sha256 and again.sha256 == parent(item, "agnostic_mask")
    kept = repairs.home(opened, dataset.id) / "versions" / "test" / "agnostic-mask" / item.stem
    assert np.array_equal(np.array(Image.open(kept / "0001.png")), mask)
    assert np.array_equal(repairs.labels_of(item, "agnostic_mask"), 255 - mask)
    assert files_of(Path(dataset.root)) == before


def test_agnostic_and_its_parse_follow_a_repaired_mask(opened: Workspace, dataset: Dataset, item: Item) -> None:
    mask = edited_mask(item)
    repairs.save(opened, item, "agnostic_mask", png(mask), "Ada", parent(item, "agnostic_mask"))
    split = open_dataset(Path(dataset.root), repairs.overlay_of(opened, dataset)).splits["test"]
    photo, parse = read_image(split.need("image", item.stem)), read_labels(split.need("parse", item.stem))
    assert np.array_equal(read_mask(split.need("agnostic_mask", item.stem)), mask > 0)
    assert np.array_equal(read_image(split.need("agnostic", item.stem)), erase(photo, mask > 0))
    assert np.array_equal(read_labels(split.need("parse_agnostic", item.stem)), erase_parse(parse, mask > 0))


def test_a_repaired_parse_makes_the_mask_anew_unless_that_was_made_by_hand(
    opened: Workspace, dataset: Dataset, item: Item
) -> None:
    parse = edited_parse(item)
    repairs.save(opened, item, "parse", png(parse), "Ada", parent(item, "parse"))
    keypoints = item.original("keypoints")
    assert keypoints is not None
    ruled = agnostic_mask(parse, read_keypoints(keypoints))
    assert np.array_equal(repairs.labels_of(item, "parse"), parse)
    assert np.array_equal(repairs.labels_of(item, "agnostic_mask") > 0, ruled)
    own = item.original("agnostic_mask")
    assert own is not None and not np.array_equal(read_mask(own), ruled), "the repair changed nothing"

    by_hand = edited_mask(item)
    repairs.save(opened, item, "agnostic_mask", png(by_hand), "Ada", parent(item, "agnostic_mask"))
    repairs.restore(opened, item, "parse", "Ada", parent(item, "parse"))
    assert np.array_equal(repairs.labels_of(item, "agnostic_mask"), by_hand)
    assert item.path("parse") == item.original("parse")
    repairs.restore(opened, item, "agnostic_mask", "Ada", parent(item, "agnostic_mask"))
    assert overlay(opened, dataset) == [] and repairs.overlay_of(opened, dataset) is None
    assert [bool(one.sha256) for one in repairs.versions(opened, item, "agnostic_mask")] == [True, False]
    with pytest.raises(RepairFault, match="own already"):
        repairs.restore(opened, item, "parse", "Ada", parent(item, "parse"))


def test_a_cloth_mask_stands_alone(opened: Workspace, dataset: Dataset, item: Item) -> None:
    mask = 255 - repairs.labels_of(item, "cloth_mask")
    repairs.save(opened, item, "cloth_mask", png(mask), "Ada", parent(item, "cloth_mask"))
    assert overlay(opened, dataset) == [f"test/cloth-mask/{item.stem}.png"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda mask: png(mask[:, :-1]), "expected"),
        (lambda mask: png(np.stack([mask] * 3, -1)), "mode RGB"),
        (lambda mask: png(mask // 2), "other values"),
        (lambda mask: png(mask)[:200], "cannot be read"),
        (lambda mask: b"GIF89a", "cannot be read"),
    ],
)
def test_what_is_no_map_of_this_photo_is_refused(opened: Workspace, dataset: Dataset, item: Item, change, says: str) -> None:
    with pytest.raises(RepairFault, match=says):
        repairs.save(opened, item, "agnostic_mask", change(edited_mask(item)), "Ada", parent(item, "agnostic_mask"))
    with pytest.raises(RepairFault, match="other values"):
        repairs.save(opened, item, "parse", png(repairs.labels_of(item, "parse") + np.uint8(15)), "Ada", parent(item, "parse"))
    assert overlay(opened, dataset) == [] and repairs.versions(opened, item, "agnostic_mask") == []


def test_a_repair_of_what_was_changed_meanwhile_is_refused(opened: Workspace, dataset: Dataset, item: Item) -> None:
    was = parent(item, "agnostic_mask")
    repairs.save(opened, item, "agnostic_mask", png(edited_mask(item)), "Ada", was)
    with pytest.raises(RepairFault, match="changed meanwhile"):
        repairs.save(opened, item, "agnostic_mask", png(255 - edited_mask(item)), "Bo", was)
    assert [one.rater for one in repairs.versions(opened, item, "agnostic_mask")] == ["Ada"]


@pytest.mark.parametrize("where", ["_settle", "_derive", "_copy"])
def test_an_interrupted_repair_is_finished_before_it_is_used(
    opened: Workspace, dataset: Dataset, item: Item, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    mask = edited_mask(item)
    with monkeypatch.context() as patched:
        patched.setattr(repairs, where, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            repairs.save(opened, item, "agnostic_mask", png(mask), "Ada", parent(item, "agnostic_mask"))
    found = repairs.overlay_of(opened, dataset)
    assert found is not None
    split = open_dataset(Path(dataset.root), found).splits["test"]
    assert np.array_equal(read_mask(split.need("agnostic_mask", item.stem)), mask > 0)
    assert all(split.need(kind, item.stem).is_relative_to(found) for kind in KINDS)


def test_a_try_on_after_a_repair_differs_where_the_mask_was_changed(opened: Workspace, dataset: Dataset, item: Item) -> None:
    pair = next(pair for pair in open_dataset(Path(dataset.root)).splits["test"].pairs if pair.person == item.stem)
    own, mask = repairs.labels_of(item, "agnostic_mask"), edited_mask(item)

    def try_on() -> tuple[Path, np.ndarray]:
        folder = lab_run_dir(opened, dataset, "test")
        found = repairs.overlay_of(opened, dataset)
        place = (dataset.root, "test", pair.person, pair.cloth, str(folder), str(found or ""))
        assert inference.make_try_on(*place, How().options, "cpu", str(folder)) == ""
        return folder, read_image(folder / "results" / f"{pair.name}.png").astype(int)

    plain, before = try_on()
    repairs.save(opened, item, "agnostic_mask", png(mask), "Ada", parent(item, "agnostic_mask"))
    mended, after = try_on()
    assert mended != plain and json.loads((mended / "config.json").read_text())["repairs"]["root"].endswith("current")
    used = read_mask(mended / "intermediates" / pair.name / "agnostic_mask.png")
    assert np.array_equal(used, mask > 0)
    inside, differs = own != mask, np.abs(before - after).max(-1) > 8
    photo = read_image(Path(dataset.root) / item.maps["image"]).astype(int)
    assert differs[inside].mean() > 0.5 > 0.05 > differs[own == 0].mean()
    assert np.abs(after - photo).max(-1)[6:-6, 6:-6][inside[6:-6, 6:-6]].mean() < 10, "what is no longer erased is the photo"

    repairs.restore(opened, item, "agnostic_mask", "Ada", parent(item, "agnostic_mask"))
    assert lab_run_dir(opened, dataset, "test") == plain


def test_runs_and_checks_take_the_repaired_maps(
    opened: Workspace, dataset: Dataset, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _w, _kind, _title, command, _after: commands.append(command) or Job(command))
    jobs.start_checks(opened, dataset, "test")
    assert "--repairs" not in commands[0]
    repairs.save(opened, item, "agnostic_mask", png(edited_mask(item)), "Ada", parent(item, "agnostic_mask"))
    jobs.start_generate(opened, dataset, "test")
    jobs.start_checks(opened, dataset, "test")
    for command in commands[1:]:
        assert command[command.index("--repairs") + 1] == str(repairs.current(opened, dataset.id))


class Job:
    """As much of a started job as its starter looks at."""

    def __init__(self, command: list[str]) -> None:
        self.command = command


def ask(method: str, url: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """What our route answers, as a server would ask it."""
    route = Route(f"{repair_routes.ROUTE}/{{token}}", repair_routes.answer, methods=["GET", "POST", "DELETE"])
    scope = {"type": "http", "method": method, "path": url, "raw_path": url.encode(), "query_string": b"", "headers": []}
    scope |= {"scheme": "http", "server": ("testserver", 80), "root_path": "", "http_version": "1.1"}
    status, headers, content = 0, {}, b""
    chunks = [body[at : at + 65536] for at in range(0, len(body), 65536)] or [b""]

    async def receive() -> Message:
        if not chunks:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        nonlocal status, headers, content
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            content += message.get("body", b"")

    asyncio.run(Starlette(routes=[route])(scope, receive, send))
    return status, headers, content


def test_the_route_gives_exact_values_and_takes_an_edited_map(opened: Workspace, dataset: Dataset, item: Item) -> None:
    with opened.database.write() as session:
        rater = raters.get_or_add(session, "Ada")
    status, headers, content = ask("GET", repair_routes.read_url(opened, item, "parse", "1"))
    assert status == 200 and headers["content-encoding"] == "gzip" and "immutable" in headers["cache-control"]
    parse = repairs.labels_of(item, "parse")
    assert np.array_equal(np.frombuffer(gzip.decompress(content), np.uint8).reshape(parse.shape), parse)
    _, _, content = ask("GET", repair_routes.read_url(opened, item, "parse_agnostic", "1"))
    without = read_labels(Path(item.dataset.root) / item.maps["parse_agnostic"])
    assert np.array_equal(np.frombuffer(gzip.decompress(content), np.uint8).reshape(parse.shape), without)

    of_photo = {"check": "photo in one split only", "output": "photo", "score": 1.0, "threshold": 0.5, "sentence": "Shared."}
    of_map = {**of_photo, "check": "garment found", "output": "parse"}
    told = [{**one, "ok": False} for one in (of_photo, of_map)]
    report = {"format": 1, "split": "test", "items": {item.stem: told, "another": []}}
    checks_file.printed_file(opened, dataset.id, "test").write_text(json.dumps(report))
    checks_file.keep(opened, dataset.id, "test", "f")
    url = repair_routes.write_url(opened, item, "parse", parent(item, "parse"), rater.id)
    assert ask("GET", url)[0] == 405
    assert ask("POST", url, b"no picture")[0] == 409
    assert ask("POST", url, bytes(repair_routes.MAX_BYTES + 1))[0] == 413
    assert ask("POST", url, png(edited_parse(item)))[0] == 200
    kept = checks_file.checked(opened, dataset.id, "test")
    assert kept is not None and kept.order == (item.stem, "another")
    assert kept.passed[item.stem] > 10 and kept.passed["another"] == 0, "only the item that was repaired is checked again"
    assert "Shared." in {one.sentence for one in kept.failed[item.stem] if one.output == "photo"}, "a repair changes no photo"
    assert "Shared." not in {one.sentence for one in kept.failed[item.stem] if one.output == "parse"}
    status, _, content = ask("POST", url, png(edited_parse(item)))
    assert status == 409 and b"meanwhile" in content
    url = repair_routes.write_url(opened, item, "parse", parent(item, "parse"), rater.id)
    assert ask("DELETE", url)[0] == 200 and overlay(opened, dataset) == []


def test_a_forged_or_foreign_address_is_refused(opened: Workspace, item: Item) -> None:
    url = repair_routes.read_url(opened, item, "parse", "1")
    assert ask("GET", url[:-3] + "abc")[0] == 403
    signer = repair_routes._signer(opened)
    expired = signer.dumps([repair_routes.READ, item.dataset.id, "test", item.stem, "parse", "1", 0])
    assert ask("GET", f"{repair_routes.ROUTE}/{expired}")[0] == 403
    gone = Item(item.dataset, "test", "nobody", {}, item.overlay)
    assert ask("GET", repair_routes.read_url(opened, gone, "parse", "1"))[0] == 404


def test_a_missing_agnostic_mask_begins_as_the_rule_draws_it(opened: Workspace, dataset: Dataset, item: Item) -> None:
    bare = Item(dataset, "test", item.stem, {k: v for k, v in item.maps.items() if k not in KINDS}, item.overlay)
    parse, keypoints = item.original("parse"), item.original("keypoints")
    assert parse is not None and keypoints is not None
    ruled = agnostic_mask(read_labels(parse), read_keypoints(keypoints))
    assert np.array_equal(repairs.labels_of(bare, "agnostic_mask") > 0, ruled)
    repairs.save(opened, bare, "agnostic_mask", png(repairs.labels_of(bare, "agnostic_mask")), "Ada", "")
    assert bare.path("agnostic_mask") is not None


def test_checks_that_left_nothing_usable_are_told(opened: Workspace, dataset: Dataset) -> None:
    for written in (
        None,
        "no JSON",
        '{"format": 2, "split": "test", "items": {}}',
        '{"format": 1, "split": "train", "items": {}}',
    ):
        if written is not None:
            checks_file.printed_file(opened, dataset.id, "test").write_text(written)
        with pytest.raises(checks_file.ChecksFault):
            checks_file.keep(opened, dataset.id, "test", "f")
    assert checks_file.checked(opened, dataset.id, "test") is None


def test_a_version_is_written_down_as_described(opened: Workspace, dataset: Dataset, item: Item) -> None:
    text = (Path(__file__).parents[2] / "data" / "README.md").read_text()
    section = text.partition("\n## Verdicts and repairs\n")[2].partition("\n## ")[0]
    described = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[1])
    repairs.save(opened, item, "parse", png(edited_parse(item)), "Ada", parent(item, "parse"))
    file = repairs.home(opened, dataset.id) / "versions" / "test" / "image-parse-v3" / item.stem / "0001.json"
    written = json.loads(file.read_text())
    assert (
        list(written) == list(described)
        and written["parent"] == hashlib.sha256((Path(dataset.root) / item.maps["parse"]).read_bytes()).hexdigest()
    )
    assert written["sha256"] == hashlib.sha256(file.with_suffix(".png").read_bytes()).hexdigest()
