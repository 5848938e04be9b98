"""What our WebSockets share: who may open one, how it is served, and how it ends."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException, WebsocketClosed
from websockets.exceptions import ConnectionClosed

from backend import errors
from backend.api import problem, wire
from backend.api.hosts import Hosts
from backend.hub import Hub
from backend.logs import new_request_id, request_id
from backend.throttle import Seats

WECHAT = "https://servicewechat.com"  # what a mini-program says where it comes from
SEND_S = 5.0  # whoever does not read for so long is let go
GONE = (ConnectionClosed, WebsocketClosed, ConnectionError, TimeoutError)
REFUSED, NORMAL = 1008, 1000


class WrongOrigin(errors.NotAllowed):
    """A page of somebody else's asks for it."""

    code = "wrong-origin"
    title = "来源不对"
    detail = "请从小程序或本站的页面打开。"


class Limits(NamedTuple):
    """Sockets of a kind in one process; of one account, whichever process has them; bytes of a
    message from the other side."""

    sockets_most: int
    each_most: int
    message_most: int


class Visit(NamedTuple):
    """Somebody who may come in. Both sides run until one returns the code to close with."""

    account_id: UUID
    tell: Callable[[Any], Awaitable[int]]
    hear: Callable[[Any], Awaitable[int]]


class Open:
    """The sockets of a kind in this process. The hub counts an account's in all of them, for as
    long as it answers."""

    def __init__(self, limits: Limits, hub: Hub, name: str) -> None:
        self._limits = limits
        self._seats = Seats(hub, name, most=limits.each_most)
        self._of: Counter[UUID] = Counter()

    def check(self) -> None:
        """Raises Busy: no more."""
        if self._of.total() >= self._limits.sockets_most:
            raise errors.Busy

    @contextlib.asynccontextmanager
    async def counted(self, account_id: UUID) -> AsyncIterator[None]:
        """Raises Busy, Throttled: the account has as many as it may."""
        self.check()
        if self._of[account_id] >= self._limits.each_most:
            raise errors.Throttled
        self._of[account_id] += 1
        try:
            async with self._seats.taken(str(account_id)):
                yield
        finally:
            self._of[account_id] -= 1
            if not self._of[account_id]:
                del self._of[account_id]


def mount(
    app: Sanic[Any, Any],
    path: str,
    enter: Callable[[Request], Awaitable[Visit]],
    *,
    name: str,
    hub: Hub,
    hosts: Hosts,
    limits: Limits,
) -> None:
    """Serve a socket at `path`. `enter` lets somebody in, or raises a problem."""
    here = Open(limits, hub, name)

    async def serve(request: Request) -> HTTPResponse | None:
        request_id.set(new_request_id())
        async with contextlib.AsyncExitStack() as counted:
            try:
                hosts.check(request)
                _check_origin(request)
                here.check()
                visit = await enter(request)
                await counted.enter_async_context(here.counted(visit.account_id))
                socket = await _open(request, limits.message_most)
            except Exception as error:
                return problem.respond(problem.to_problem(error))
            await _both(socket, visit)
        return None

    serve.is_websocket = True  # type: ignore[attr-defined]  # so Sanic takes None for an answer
    app.add_route(serve, path, methods=["GET"], name=name, error_format="json")


def _check_origin(request: Request) -> None:
    """A browser always says where a page comes from; a phone's own client need not.

    Raises WrongOrigin.
    """
    origin = request.headers.get("origin", "")
    if origin and origin != WECHAT and urlsplit(origin).netloc != request.headers.get("host"):
        raise WrongOrigin


async def _open(request: Request, message_most: int) -> Any:
    """Shake hands. Raises Malformed: it is no request for a WebSocket."""
    protocol: Any = request.protocol
    if request.headers.get("upgrade", "").lower() != "websocket":
        raise errors.Malformed("请用 WebSocket 连接。", field="upgrade")
    protocol.websocket_max_size = message_most
    try:
        return await protocol.websocket_handshake(request)
    except SanicException:
        raise errors.Malformed("WebSocket 的握手不对。", field="upgrade") from None


async def _both(socket: Any, visit: Visit) -> None:
    """Until either side has enough. What goes wrong here is no answer any more."""
    tasks = {
        asyncio.ensure_future(visit.tell(socket)),
        asyncio.ensure_future(visit.hear(socket)),
    }
    code = NORMAL
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        code = max((task.result() for task in done if not task.exception()), default=REFUSED)
        for task in done:
            if (error := task.exception()) is not None and not isinstance(error, GONE):
                problem.to_problem(error)  # logged, if it is a bug
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(*GONE):
            await socket.close(code)


async def send(socket: Any, view: msgspec.Struct) -> None:
    """Raises TimeoutError: the other side does not read."""
    async with asyncio.timeout(SEND_S):
        await socket.send(wire.encode(view).decode())


async def look(asking: Awaitable[Any], otherwise: Any) -> Any:
    """What is there now; `otherwise` while the database does not answer: it is asked again."""
    try:
        return await asking
    except Exception as error:
        if problem.to_problem(error).status == errors.Busy.status:
            return otherwise
        raise
