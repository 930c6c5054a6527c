"""Maps for the QA page over our own routes: their exact values out, an edited one in; signed addresses that run out."""

import gzip
import hashlib
import time

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from db import datasets, raters
from db.models import Dataset
from studio import checks_file, repairs
from studio.media import CACHE_CONTROL, DAY
from studio.repairs import Item
from studio.workspace import Workspace, workspace
from vton.errors import VtonError
from vton.pairs import MAX_BYTES

ROUTE = "/maps"
READ, WRITE = "read", "write"


def read_url(workspace: Workspace, item: Item, kind: str, version: str) -> str:
    """Where the browser gets a map's values: bytes of class ids or of 0 and 255, row by row, or the keypoints' JSON.

    `version` is anything that changes with the file: then the address does too.
    """
    return _address(workspace, [READ, item.dataset.id, item.split, item.stem, kind, version, _expiry()])


def write_url(workspace: Workspace, item: Item, kind: str, parent: str, rater_id: int) -> str:
    """Where the browser sends an edited map that was made of the file with the sha256 `parent`: POST, or DELETE to restore."""
    return _address(workspace, [WRITE, item.dataset.id, item.split, item.stem, kind, parent, _expiry(), rater_id])


def _expiry() -> int:
    return (int(time.time()) // DAY + 2) * DAY


def _signer(workspace: Workspace) -> URLSafeSerializer:
    return URLSafeSerializer(workspace.key, salt="maps", signer_kwargs={"digest_method": hashlib.sha256})


def _address(workspace: Workspace, told: list[str | int]) -> str:
    return f"{ROUTE}/{_signer(workspace).dumps(told)}"


async def answer(request: Request) -> Response:
    """Answer for ROUTE/{token}: 403 for an address that is not ours, 409 for a repair that cannot be taken."""
    opened = workspace()
    try:
        told = _signer(opened).loads(request.path_params["token"])
    except BadSignature:
        return PlainTextResponse("This address was not made by this studio.", 403)
    if time.time() >= told[6]:
        return PlainTextResponse("This address has run out; load the page again.", 403)
    if told[0] == READ:
        return await run_in_threadpool(_read, opened, told)
    if request.method not in ("POST", "DELETE"):
        return PlainTextResponse("An edited map is sent here, nothing is read.", 405)
    sent = await _body(request) if request.method == "POST" else b""
    if sent is None:
        return PlainTextResponse(f"A map of more than {MAX_BYTES // 1_000_000} MB is not taken.", 413)
    return await run_in_threadpool(_write, opened, told, sent)


async def _body(request: Request) -> bytes | None:
    """What was sent, None where it is too much; it is never read further than that."""
    sent = bytearray()
    async for chunk in request.stream():
        sent += chunk
        if len(sent) > MAX_BYTES:
            return None
    return bytes(sent)


def _find(opened: Workspace, told: list) -> Item | None:
    with opened.database.read() as session:
        dataset: Dataset | None = datasets.get(session, told[1])
    return repairs.find_item(opened, dataset, told[2], told[3]) if dataset else None


def _read(opened: Workspace, told: list) -> Response:
    item, kind = _find(opened, told), told[4]
    if item is None:
        return PlainTextResponse("This item is not there any more.", 404)
    headers = {"Cache-Control": CACHE_CONTROL}
    if kind == "keypoints":
        path = item.path(kind)
        if path is None or not path.is_file():
            return PlainTextResponse("There are no keypoints.", 404)
        return FileResponse(path, media_type="application/json", headers=headers)
    try:
        labels = repairs.labels_of(item, kind)
    except (VtonError, OSError) as error:
        return PlainTextResponse(str(error), 404)
    packed = gzip.compress(labels.tobytes(), 1, mtime=0)
    return Response(packed, media_type="application/octet-stream", headers={**headers, "Content-Encoding": "gzip"})


def _write(opened: Workspace, told: list, sent: bytes) -> Response:
    item, kind, parent = _find(opened, told), told[4], told[5]
    with opened.database.read() as session:
        rater = raters.get(session, told[7])
    if item is None or rater is None:
        return PlainTextResponse("This item is not there any more.", 404)
    try:
        if sent:
            version = repairs.save(opened, item, kind, sent, rater.name, parent)
        else:
            version = repairs.restore(opened, item, kind, rater.name, parent)
        outcomes = [outcome.to_json() for outcome in repairs.recheck(item)]
    except (VtonError, OSError) as error:
        return PlainTextResponse(str(error), 409)
    checks_file.put_item(opened, item.dataset.id, item.split, item.stem, outcomes)
    return JSONResponse({"number": version.number, "sha256": version.sha256})
