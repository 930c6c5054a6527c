"""The launcher: Streamlit's app with our routes for pictures and maps, security headers, and what starts and ends with it."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio import blind, downloads, inference, jobs, media, repair_routes
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


def send_at_once(port: int) -> None:
    """Let no answer wait for the browser's acknowledgement of its head (Nagle's algorithm: 40 ms a picture).

    Connections inherit it from the socket that listens, which Streamlit makes without it.
    """
    for place in psutil.Process().net_connections("tcp"):
        if place.status == psutil.CONN_LISTEN and place.laddr.port == port and place.fd >= 0:
            with socket.socket(fileno=os.dup(place.fd)) as listening:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the workspace and look after jobs that went on while no server ran; free the model at the end."""
    opened = await run_in_threadpool(workspace)
    await run_in_threadpool(send_at_once, opened.settings.port)
    await run_in_threadpool(jobs.reconcile, opened)
    yield
    inference.close()


app = st.App(
    str(Path(__file__).with_name("app.py")),
    routes=[
        Route(f"{media.ROUTE}/{{token}}", media.picture, methods=["GET", "HEAD"]),
        Route(f"{blind.ROUTE}/{{token}}", blind.picture, methods=["GET", "HEAD"]),
        Route(f"{downloads.ROUTE}/{{token}}", downloads.download, methods=["GET", "HEAD"]),
        Route(f"{repair_routes.ROUTE}/{{token}}", repair_routes.answer, methods=["GET", "POST", "DELETE"]),
    ],
    middleware=[Middleware(SecurityHeaders)],
    lifespan=lifespan,
)
