"""Pictures are shown only by addresses that we signed, and only of datasets and runs."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Message

from studio import media
from studio.importer import add_dataset, import_run
from studio.server import HEADERS, SecurityHeaders
from studio.workspace import Workspace


@dataclass
class Answer:
    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


class Client:
    """Asks our route as a server would."""

    def __init__(self) -> None:
        route = Route(f"{media.ROUTE}/{{token}}", media.picture)
        self.app = Starlette(routes=[route], middleware=[Middleware(SecurityHeaders)])

    def get(self, path: str) -> Answer:
        answer = Answer()
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": [], "scheme": "http", "server": ("testserver", 80), "root_path": "", "http_version": "1.1"}

        async def receive() -> Message:
            await asyncio.Event().wait()  # the browser sends nothing more and stays
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status_code = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.content += message.get("body", b"")

        asyncio.run(self.app(scope, receive, send))
        return answer


@pytest.fixture
def client(opened: Workspace) -> Client:
    return Client()


@pytest.fixture
def photo(opened: Workspace, make_dataset: Callable[[], Path]) -> Path:
    root = make_dataset()
    add_dataset(opened, root)
    return root / "test" / "image" / "00001_00.jpg"


def test_a_picture_of_a_dataset_is_shown_as_it_is_and_kept_by_the_browser(client: Client, photo: Path) -> None:
    answer = client.get(media.image_url(photo))
    assert answer.status_code == 200 and answer.content == photo.read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, max-age=86400, immutable"
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value


def test_pictures_of_runs_inside_and_outside_of_the_workspace(
    client: Client, opened: Workspace, make_run: Callable[..., Path]
) -> None:
    folder = make_run()
    picture = folder / "results" / "00001_00__00002_00.png"
    assert client.get(media.image_url(picture)).status_code == 403, "not taken in yet"
    import_run(opened, folder)
    assert client.get(media.image_url(picture)).status_code == 200
    own = opened.settings.runs_dir / "new" / "results" / "a__b.png"
    own.parent.mkdir(parents=True)
    picture.rename(own)
    assert client.get(media.image_url(own)).status_code == 200


def test_every_changed_letter_is_refused(client: Client, photo: Path) -> None:
    head, token = media.image_url(photo).rsplit("/", 1)
    for place in range(0, len(token), 3):
        other = "Z" if token[place] in "ABCD" else "A"  # of a last letter only the first four bits count
        tampered = token[:place] + other + token[place + 1 :]
        answer = client.get(f"{head}/{tampered}")
        assert answer.status_code in (403, 404) and answer.content != photo.read_bytes(), place
        assert photo.read_bytes()[:20] not in answer.content
    assert client.get(f"{head}/nonsense").status_code == 403


def test_another_workspaces_key_does_not_open(client: Client, opened: Workspace, photo: Path) -> None:
    forged = Workspace(opened.settings, opened.database, b"x" * 32)
    assert client.get(media.sign(forged, photo)).status_code == 403


def test_addresses_run_out_and_stay_the_same_for_a_day(client: Client, opened: Workspace, photo: Path) -> None:
    noon = (time.time() // media.DAY) * media.DAY + media.DAY / 2
    assert media.sign(opened, photo, at=noon) == media.sign(opened, photo, at=noon + 3600)
    assert media.sign(opened, photo, at=noon) != media.sign(opened, photo, at=noon + media.DAY)
    assert client.get(media.sign(opened, photo, at=time.time() - 2 * media.DAY)).status_code == 403
    assert client.get(media.sign(opened, photo, at=time.time() - media.DAY + 60)).status_code == 200


def test_files_outside_are_refused_though_signed(client: Client, opened: Workspace, photo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "private.jpg"
    Image.new("RGB", (8, 8)).save(outside)
    link = photo.with_name("link.jpg")
    link.symlink_to(outside)
    beside = photo.parents[2].with_name("set-of-another") / "a.jpg"
    beside.parent.mkdir()
    Image.new("RGB", (8, 8)).save(beside)
    places = [outside, link, photo.parent / ".." / ".." / ".." / "private.jpg", beside]
    places += [photo.parents[2] / "test_pairs.txt", opened.settings.workspace / "studio.db", Path("/etc/passwd")]
    for place in places:
        for width in (None, 64):
            assert client.get(media.sign(opened, place, width)).status_code == 403, place


def test_missing_and_damaged_pictures_are_told(client: Client, opened: Workspace, photo: Path) -> None:
    assert client.get(media.sign(opened, photo.with_name("no.jpg"))).status_code == 404
    photo.write_bytes(b"no picture")
    assert client.get(media.sign(opened, photo, 20)).status_code == 404
    assert list((opened.settings.cache_dir).rglob(".*")) == []


def test_smaller_copies_are_made_once_and_anew_when_the_picture_changes(client: Client, opened: Workspace, photo: Path) -> None:
    Image.new("RGB", (300, 400), (200, 10, 10)).save(photo)
    url = media.image_url(photo, 30)
    answer = client.get(url)
    thumbs = opened.settings.cache_dir / "thumbs"
    (kept,) = thumbs.iterdir()
    assert answer.content == kept.read_bytes()
    with Image.open(kept) as small:
        assert small.size == (30, 40)
    made = kept.stat().st_mtime_ns
    assert client.get(url).status_code == 200 and kept.stat().st_mtime_ns == made
    assert client.get(media.image_url(photo, 300)).content == photo.read_bytes(), "never made larger"
    Image.new("RGB", (300, 400), (10, 200, 10)).save(photo)
    os.utime(photo, (time.time(), time.time() + 5))
    assert media.image_url(photo, 30) != url
    client.get(media.image_url(photo, 30))
    assert len(list(thumbs.iterdir())) == 2


def test_copies_of_label_maps_hold_only_labels(opened: Workspace, tmp_path: Path) -> None:
    labels = Image.new("P", (400, 200))
    labels.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    labels.paste(1, (0, 0, 200, 200))
    labels.paste(2, (200, 0, 400, 100))
    labels.save(tmp_path / "parse.png")
    small = media.thumbnail(tmp_path / "parse.png", 50, tmp_path / "thumbs")
    with Image.open(small) as picture:
        assert picture.size == (50, 25)
        assert {colour for _, colour in picture.convert("RGB").getcolors() or []} == {(0, 0, 0), (255, 0, 0), (0, 255, 0)}


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (400, 200)).save(tmp_path / "photo.jpg", exif=exif)
    with Image.open(media.thumbnail(tmp_path / "photo.jpg", 50, tmp_path / "thumbs")) as picture:
        assert picture.size == (50, 100)
