"""Frozen exports over our own route, as zips under signed addresses that run out."""

import hashlib
import time

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from db.study_models import FrozenExport
from studio.media import DAY
from studio.preference_file import PreferenceFault
from studio.preference_jobs import archive
from studio.workspace import Workspace, workspace

ROUTE = "/exports"


def download_url(opened: Workspace, export: FrozenExport) -> str:
    """The address of a frozen export, good for one to two days."""
    expires = (int(time.time()) // DAY + 2) * DAY
    return f"{ROUTE}/{_signer(opened).dumps([export.id, expires])}"


def _signer(opened: Workspace) -> URLSafeSerializer:
    return URLSafeSerializer(opened.key, salt="exports", signer_kwargs={"digest_method": hashlib.sha256})


async def download(request: Request) -> Response:
    """Answer for ROUTE/{token}: the zip, 403 for an address not ours or run out, 404 for an export that is gone."""
    return await run_in_threadpool(answer, workspace(), request.path_params["token"])


def answer(opened: Workspace, token: str) -> Response:
    """The zip that a token stands for, made on the first call."""
    try:
        export_id, expires = _signer(opened).loads(token)
    except BadSignature:
        return PlainTextResponse("This address was not made by this studio.", 403)
    if time.time() >= expires:
        return PlainTextResponse("This address has run out; load the page again.", 403)
    with opened.database.read() as session:
        export = session.get(FrozenExport, export_id)
    if export is None:
        return PlainTextResponse("This export is not there any more.", 404)
    try:
        file = archive(opened, export)
    except PreferenceFault as fault:
        return PlainTextResponse(str(fault), 404)
    return FileResponse(file, media_type="application/zip", filename=file.name)
