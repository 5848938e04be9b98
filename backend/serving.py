"""An app on a listening socket: from start-up to the last answer after a stop.

Not Sanic's own manager: it never restarts a worker that was killed, and with keep-alive clients it
skips the clean-up after the stop. Several processes are `supervisor.py`'s business.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any

import structlog
from sanic import Sanic

from backend.protocol import Limits, limited
from backend.refused import Refused

log = structlog.get_logger()

App = Sanic[Any, Any]

BACKLOG = 2048
DRAIN_S = 10.0  # for requests that were begun before the stop
DRAIN_CHECK_S = 0.05


class PortTaken(Refused):
    """Somebody else listens there; the text is a sentence for the operator."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"无法使用 {host}:{port}（{why}），请换一个端口或停掉占用它的程序。"
            f" / Port {port} can't be used."
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, its port taken from now on. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise PortTaken(host, port, error.strerror or type(error).__name__) from None
    sock.setblocking(False)
    return sock


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def serving(
    app: App, sock: socket.socket, limits: Limits, *, drain_s: float = DRAIN_S
) -> AsyncIterator[set[Any]]:
    """The app answers on `sock` inside the block; after it, only what was begun is finished.
    Yields the connections, as they come and go."""
    server = await app.create_server(
        sock=sock,
        protocol=limited(limits),
        backlog=BACKLOG,
        access_log=False,
        asyncio_server_kwargs={"start_serving": False},
    )
    if server is None or server.server is None:
        raise RuntimeError("Sanic made no server")
    await server.startup()
    try:
        await server.before_start()
        await server.start_serving()
        await server.after_start()
        yield server.connections
        # Whoever had connected by now is let in, and then has the time that it takes to finish.
        await asyncio.sleep(DRAIN_CHECK_S)
        server.server.close()
        await _drain(server.connections, drain_s)
    finally:
        # Clean-up hangs on *before* stop: see app.before_server_stop in main.py.
        server.server.close()
        await server.before_stop()
        await server.after_stop()


async def _drain(connections: set[Any], limit_s: float) -> None:
    """Close connections as they fall idle; cut what is left when `limit_s` have passed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while connections and loop.time() < deadline:
        for connection in tuple(connections):
            connection.close_if_idle()
        await asyncio.sleep(DRAIN_CHECK_S)
    if connections:
        log.warning("server.cut", connections=len(connections))
    for connection in tuple(connections):
        connection.transport.abort()
