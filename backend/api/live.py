"""The WebSocket of one's place in the line: /api/v1/queue/live?ticket=…

Sends a QueueView at once and whenever it differs. The hub wakes it; the table is the truth and is
looked at from time to time in any case. Nothing is expected from the other side.
"""

import asyncio
import contextlib
import time
from typing import Any
from urllib.parse import urlsplit

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException, WebsocketClosed
from websockets.exceptions import ConnectionClosed

from backend import errors
from backend.api import problem, wire
from backend.api.hosts import Hosts
from backend.api.route import PREFIX
from backend.api.service import Service
from backend.api.views.clinic import QueueView
from backend.clinic import live, queue, tickets
from backend.identity.access import Actor
from backend.logs import new_request_id, request_id

PATH = PREFIX + "/queue/live"
WECHAT = "https://servicewechat.com"  # what a mini-program says where it comes from
SOCKETS_MOST = 2000  # of one process
LOOK_AGAIN_S = 20.0
SEND_S = 5.0  # whoever does not read for so long is let go
LIFE_S = 1800.0  # then the phone comes again with a new ticket, if it may still
HEARD_MOST = 20  # messages from the other side, of which we expect none
GONE = (ConnectionClosed, WebsocketClosed, ConnectionError, TimeoutError)
REFUSED, NORMAL = 1008, 1000


class WrongOrigin(errors.NotAllowed):
    """A page of somebody else's asks for it."""

    code = "wrong-origin"
    title = "来源不对"
    detail = "请从小程序或本站的页面打开。"


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Serve the socket."""
    hosts = Hosts(service.settings.allowed_hosts)
    is_open = 0

    async def watch(request: Request) -> HTTPResponse | None:
        nonlocal is_open
        request_id.set(new_request_id())
        try:
            hosts.check(request)
            _check_origin(request)
            if is_open >= SOCKETS_MOST:
                raise errors.Busy
            granted = await tickets.redeem(service.hub, request.args.get("ticket") or "")
            county = service.settings.consortium_id
            actor = Actor(county, "resident", granted.account_id)
            first = await queue.place_of(actor, service.desk, granted.appointment_id)
            socket = await _open(request)
        except Exception as error:
            return problem.respond(problem.to_problem(error))
        is_open += 1
        try:
            await _serve(socket, service, actor, first)
        finally:
            is_open -= 1
        return None

    watch.is_websocket = True  # type: ignore[attr-defined]  # so Sanic takes None for an answer
    app.add_route(watch, PATH, methods=["GET"], name="queue_live", error_format="json")


def _check_origin(request: Request) -> None:
    """A browser always says where a page comes from; a phone's own client need not.

    Raises WrongOrigin.
    """
    origin = request.headers.get("origin", "")
    if origin and origin != WECHAT and urlsplit(origin).netloc != request.headers.get("host"):
        raise WrongOrigin


async def _open(request: Request) -> Any:
    """Shake hands. Raises Malformed: it is no request for a WebSocket."""
    protocol: Any = request.protocol
    if request.headers.get("upgrade", "").lower() != "websocket":
        raise errors.Malformed("请用 WebSocket 连接。", field="upgrade")
    try:
        return await protocol.websocket_handshake(request)
    except SanicException:
        raise errors.Malformed("WebSocket 的握手不对。", field="upgrade") from None


async def _serve(socket: Any, service: Service, actor: Actor, first: queue.Spot) -> None:
    """Until either side has enough. What goes wrong here is no answer any more."""
    tasks = {
        asyncio.create_task(_tell(socket, service, actor, first)),
        asyncio.create_task(_hear(socket)),
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


async def _tell(socket: Any, service: Service, actor: Actor, spot: queue.Spot) -> int:
    """Send the place whenever it differs. Returns the code to close with."""
    ends = time.monotonic() + LIFE_S
    told = b""
    async with service.hub.listening(live.channel(spot.schedule_id)) as listener:
        while time.monotonic() < ends:
            listener.drain()
            found = await _look(service, actor, spot)
            if found is None:
                return REFUSED
            body = wire.encode(QueueView.of(found))
            if body != told:
                async with asyncio.timeout(SEND_S):
                    await socket.send(body.decode())
                told = body
            await listener.next(LOOK_AGAIN_S)
    return NORMAL


async def _look(service: Service, actor: Actor, spot: queue.Spot) -> queue.Spot | None:
    """The place as it is now. None: no longer theirs to see, or in another schedule's line."""
    try:
        found = await queue.place_of(actor, service.desk, spot.appointment_id)
    except errors.NotFound:
        return None
    except Exception as error:
        if problem.to_problem(error).status == errors.Busy.status:
            return spot  # a database that does not answer just now is asked again
        raise
    return found if found.schedule_id == spot.schedule_id else None


async def _hear(socket: Any) -> int:
    """Nothing is expected; whoever talks on and on is let go. Returns the code to close with."""
    for _ in range(HEARD_MOST):
        await socket.recv()
    return REFUSED
