"""The WebSocket of one's place in the line: /api/v1/queue/live?ticket=…

Sends a QueueView at once and whenever it differs. The hub wakes it; the table is the truth and is
looked at from time to time in any case. Nothing is expected from the other side.
"""

import time
from typing import Any

from sanic import Request, Sanic

from backend import errors
from backend.api import sockets, wire
from backend.api.hosts import Hosts
from backend.api.route import PREFIX
from backend.api.service import Service
from backend.api.sockets import NORMAL, REFUSED, Limits, Visit
from backend.api.views.clinic import QueueView
from backend.clinic import live, queue, tickets
from backend.identity import sessions
from backend.identity.access import Actor

PATH = PREFIX + "/queue/live"
LOOK_AGAIN_S = 20.0
LIFE_S = 1800.0  # then the phone comes again with a new ticket, if it may still
HEARD_MOST = 20  # messages from the other side, of which we expect none
LIMITS = Limits(sockets_most=2000, each_most=20, message_most=1024)


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Serve the socket."""

    async def enter(request: Request) -> Visit:
        granted = await tickets.redeem(service.hub, request.args.get("ticket") or "")
        county = service.settings.consortium_id
        actor = Actor(county, "resident", granted.account_id, granted.session_id)
        first = await queue.place_of(actor, service.desk, granted.appointment_id)
        return Visit(granted.account_id, lambda socket: _tell(socket, service, actor, first), _hear)

    hosts = Hosts(service.settings.allowed_hosts)
    sockets.mount(app, PATH, enter, name="queue_live", hub=service.hub, hosts=hosts, limits=LIMITS)


async def _tell(socket: Any, service: Service, actor: Actor, spot: queue.Spot) -> int:
    """Send the place whenever it differs. Returns the code to close with."""
    ends = time.monotonic() + LIFE_S
    told = b""
    async with service.hub.listening(live.channel(spot.schedule_id)) as listener:
        while time.monotonic() < ends:
            listener.drain()
            found = await sockets.look(_look(service, actor, spot), spot)
            if found is None:
                return REFUSED
            view = QueueView.of(found)
            if (body := wire.encode(view)) != told:
                await sockets.send(socket, view)
                told = body
            await listener.next(LOOK_AGAIN_S)
    return NORMAL


async def _look(service: Service, actor: Actor, spot: queue.Spot) -> queue.Spot | None:
    """The place as it is now. None: the log-in has ended, it is no longer theirs to see, or in
    another schedule's line."""
    if actor.session_id is not None and await sessions.ended_among([actor.session_id]):
        return None
    try:
        found = await queue.place_of(actor, service.desk, spot.appointment_id)
    except errors.NotFound:
        return None
    return found if found.schedule_id == spot.schedule_id else None


async def _hear(socket: Any) -> int:
    """Nothing is expected; whoever talks on and on is let go. Returns the code to close with."""
    for _ in range(HEARD_MOST):
        await socket.recv()
    return REFUSED
