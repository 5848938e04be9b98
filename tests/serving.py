"""Any of our applications on a real port, inside the test's own loop."""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
from sanic import Sanic

NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# To what runs here, without TLS: reading the trusted roots would take longer than most tests.
plain_http = functools.partial(httpx.AsyncClient, verify=NO_ROOTS, trust_env=False)
POLLS_MOST, POLL_S = 1500, 0.02


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
