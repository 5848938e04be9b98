"""Any of our applications on a real port, inside the test's own loop."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any

import httpx
from sanic import Sanic

import backend.serving
from backend import db
from backend.api.service import Service
from backend.main import create_app, start, stop, wire
from backend.protocol import Limits
from backend.serving import listen
from backend.settings import Settings
from tests.plain import Plain

# For what runs here, without TLS: reading the trusted roots would take longer than most tests.
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
POLLS_MOST, POLL_S = 1500, 0.02


def plain_http(**options: Any) -> httpx.AsyncClient:
    """A client of what runs here."""
    return httpx.AsyncClient(transport=Plain(), trust_env=False, **options)


async def until(reached: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for something that happens in the background; fail after half a minute."""
    for _ in range(POLLS_MOST):
        answer = reached()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(POLL_S)
    raise AssertionError("did not happen in time")


@contextlib.asynccontextmanager
async def serving(app: Sanic[Any, Any]) -> AsyncIterator[str]:
    """The app on a free port; yields its base URL."""
    door = socket.create_server(("127.0.0.1", 0))  # Sanic takes port 0 for its default
    port = door.getsockname()[1]
    server = await app.create_server(sock=door, return_asyncio_server=True)
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.after_start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.before_stop()
        await server.close()
        for connection in list(server.connections):
            connection.close()
        await server.after_stop()


@dataclass
class Shared:
    """The service on a port, for one test after the other: to make an app takes a tenth of a second
    of processor time. Each test has a wiring and a database of its own."""

    app: Sanic[Any, Any]
    port: int
    connections: set[Any]

    @contextlib.asynccontextmanager
    async def wired(self, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        service = self.app.ctx.service
        idle = _rewired(service, wire(settings))
        await start(self.app)
        try:
            async with plain_http(base_url=f"http://127.0.0.1:{self.port}") as http:
                yield http
            await until(lambda: not self.connections)
        finally:
            await stop(self.app)
            _rewired(service, idle)


@contextlib.asynccontextmanager
async def sharing(settings: Settings) -> AsyncIterator[Shared]:
    sock = listen("127.0.0.1", 0)
    app = create_app(settings)
    limits = Limits(per_address_most=0)
    async with backend.serving.serving(app, sock, limits, drain_s=0.2) as connections:
        await db.disconnect()  # each test connects to its own
        yield Shared(app, sock.getsockname()[1], connections)


def _rewired(service: Service, like: Service) -> Service:
    """Handlers hold on to their service, so its parts are changed. Returns the old ones."""
    names = [field.name for field in fields(Service)]
    old = Service(**{name: getattr(service, name) for name in names})
    for name in names:
        object.__setattr__(service, name, getattr(like, name))
    return old
