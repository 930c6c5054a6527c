"""The launcher: Streamlit's app with our own route for pictures, security headers, and what starts and ends with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio import inference, jobs, media
from studio.workspace import workspace

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Puts HEADERS on every answer that does not carry its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the workspace and look after jobs that went on while no server ran; free the model at the end."""
    opened = await run_in_threadpool(workspace)
    await run_in_threadpool(jobs.reconcile, opened)
    yield
    inference.close()


app = st.App(
    str(Path(__file__).with_name("app.py")),
    routes=[Route(f"{media.ROUTE}/{{token}}", media.picture, methods=["GET", "HEAD"])],
    middleware=[Middleware(SecurityHeaders)],
    lifespan=lifespan,
)
