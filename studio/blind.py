"""Pictures of comparisons over our own route: signed addresses that name neither the run nor the file."""

import hashlib
import time
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from db import assignments
from db.assignments import Picture, Shown
from studio.media import CACHE_CONTROL, DAY, TYPES
from studio.workspace import Workspace, workspace

ROUTE = "/judged"
SIDES = ("left", "right")
VERSION = 16  # characters of a picture's sha256 that its address holds


def picture_url(opened: Workspace, shown: Shown, side: str) -> str:
    """The address of one side of an assignment, at true pixels; good for one to two days.

    Who reads it finds the assignment, the side and a part of the picture's hash, and no more.
    """
    expires = (int(time.time()) // DAY + 2) * DAY
    version = _side(shown, side).sha256[:VERSION]
    return f"{ROUTE}/{_signer(opened).dumps([shown.assignment_id, side, version, expires])}"


def _side(shown: Shown, side: str) -> Picture:
    return shown.left if side == "left" else shown.right


def _signer(opened: Workspace) -> URLSafeSerializer:
    return URLSafeSerializer(opened.key, salt="judged", signer_kwargs={"digest_method": hashlib.sha256})


async def picture(request: Request) -> Response:
    """Answer for ROUTE/{token}: the picture, 403 for an address not ours or run out, 404 for a missing or changed file."""
    return await run_in_threadpool(answer, workspace(), request.path_params["token"])


def answer(opened: Workspace, token: str) -> Response:
    """The picture that a token stands for; the answer's head tells nothing of the file, such as when it was made."""
    try:
        assignment_id, side, version, expires = _signer(opened).loads(token)
    except BadSignature:
        return PlainTextResponse("This address was not made by this studio.", 403)
    if time.time() >= expires:
        return PlainTextResponse("This address has run out; load the page again.", 403)
    with opened.database.read() as session:
        found = assignments.shown(session, [assignment_id])
    if not found:
        return PlainTextResponse("This comparison is not there any more.", 404)
    judged = _side(found[0], side)
    folder = Path(judged.folder or opened.settings.workspace).resolve()
    file = (folder / judged.file).resolve()
    if file.suffix.lower() not in TYPES or not file.is_relative_to(folder):
        return PlainTextResponse("This file is no picture of a run.", 403)
    try:
        seen = file.read_bytes()
    except OSError:
        return PlainTextResponse("This picture is not there any more.", 404)
    if hashlib.sha256(seen).hexdigest()[:VERSION] != version:
        return PlainTextResponse("This picture is not the one that the study was made with.", 404)
    return Response(seen, media_type=TYPES[file.suffix.lower()], headers={"Cache-Control": CACHE_CONTROL})
