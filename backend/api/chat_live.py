"""The WebSocket of a conversation: /api/v1/conversations/live?ticket=…&after=…

Tells in order what comes after the number `after`, each message once, and the conversation whenever
it differs; takes messages, marks and recalls, which are then told like everybody's. The hub wakes
it; the table is the truth. Whoever comes back says how far they got.
"""

import time
from typing import Any

from sanic import Request, Sanic

from backend import errors, throttle
from backend.api import conversations as routes
from backend.api import problem, sockets, wire
from backend.api.hosts import Hosts
from backend.api.links import linker
from backend.api.route import PREFIX
from backend.api.service import Service
from backend.api.sockets import NORMAL, REFUSED, Limits, Visit
from backend.api.views import chat_frames as frames
from backend.api.views.conversations import ChatMessageView, ConversationView, MessagesQuery
from backend.api.watching import Seat, Watch
from backend.chat import conversations, live, queue, recalling, tickets
from backend.chat.messages import DOCTOR, RESIDENT
from backend.chat.tickets import Pass
from backend.fanout import MISSED
from backend.identity.access import Actor

PATH = PREFIX + "/conversations/live"
LIFE_S = 1800.0  # then the phone comes again with a new ticket, if it may still
LINE_AGAIN_S = 15.0  # looks at one's place in the line, which others change
PAGE = 50
LIMITS = Limits(sockets_most=6000, each_most=5, message_most=64 * 1024)
HEARD_PER_S = 20
TYPING_EVERY_S = 2.0
PASSING = {MISSED, *live.TYPING.values()}  # nothing to look for in the table


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Serve the socket."""
    watch = Watch()

    async def enter(request: Request) -> Visit:
        query = wire.read_query(_without_ticket(request.query_string), MessagesQuery)
        granted = await tickets.redeem(service.hub, request.args.get("ticket") or "")
        county = service.settings.consortium_id
        actor = Actor(county, "resident", granted.account_id, granted.session_id)
        await conversations.enter(actor, granted.conversation_id)
        line = _Line(service, watch, actor, granted, query.after or 0)
        return Visit(granted.account_id, line.tell, line.hear)

    hosts = Hosts(service.settings.allowed_hosts)
    sockets.mount(app, PATH, enter, name="chat_live", hub=service.hub, hosts=hosts, limits=LIMITS)


def _without_ticket(query: str) -> str:
    return "&".join(part for part in query.split("&") if not part.startswith("ticket="))


class _Line:
    """One socket: who is at the other end, and what they have been told."""

    __slots__ = (
        "_actor", "_cursor", "_id", "_service", "_session_id", "_told", "_typed_at", "_watch",
    )  # fmt: skip

    def __init__(
        self, service: Service, watch: Watch, actor: Actor, granted: Pass, after: int
    ) -> None:
        self._service, self._watch, self._actor = service, watch, actor
        self._id, self._session_id = granted.conversation_id, granted.session_id
        self._cursor = after
        self._typed_at = 0.0
        self._told: ConversationView | None = None

    async def tell(self, socket: Any) -> int:
        """Send what is new, until the log-in or the right to see it ends, or it took long."""
        ends = time.monotonic() + LIFE_S
        async with self._service.hub.listening(live.channel(self._id)) as listener:
            seat = Seat(self._session_id, self._id, listener)
            with self._watch.seated(seat):
                while time.monotonic() < ends and not seat.is_over:
                    if not await self._tell_news(socket, seat):
                        return REFUSED
                    await self._wait(socket, seat, ends)
        return REFUSED if seat.is_over else NORMAL

    async def _tell_news(self, socket: Any, seat: Seat) -> bool:
        """False: no longer theirs to see."""
        try:
            seen = await sockets.look(queue.shown(self._actor, self._id), None)
            if seen is None:
                return True
            talk, waiting = seen
            if talk.version == seat.version and not talk.waits:
                return True
            while True:
                asking = conversations.news(self._actor, self._id, after=self._cursor, most=PAGE)
                found = await sockets.look(asking, None)
                if found is None:
                    return True
                if found:
                    link = linker(self._service, self._actor.account_id)
                    views = [ChatMessageView.of(message, link) for message in found]
                    await sockets.send(socket, frames.Messages(views))
                    self._cursor = found[-1].seq
                if len(found) < PAGE:
                    break
        except errors.NotFound:
            return False
        view = ConversationView.of(talk, waiting)
        if view != self._told:
            await sockets.send(socket, frames.Conversation(view))
        seat.version, self._told = talk.version, view
        return True

    async def _wait(self, socket: Any, seat: Seat, until: float) -> None:
        """Until there may be something new: `watching` looks for all. Who types is said by the
        way."""
        if self._told is not None and self._told.queue is not None:
            until = min(until, time.monotonic() + LINE_AGAIN_S)
        while (left := until - time.monotonic()) > 0:
            first = await seat.listener.next(left)
            heard = [first, *seat.listener.drain()]
            if live.TYPING[DOCTOR] in heard:
                await sockets.send(socket, frames.Typing())
            if MISSED in heard:
                self._watch.missed()
            if seat.is_over or set(heard) - PASSING:
                return

    async def hear(self, socket: Any) -> int:
        """Take what the other side says, one thing after the other."""
        window, heard = time.monotonic(), 0
        while True:
            said = await socket.recv()
            if said is None:
                return NORMAL
            if time.monotonic() - window >= 1.0:
                window, heard = time.monotonic(), 0
            heard += 1
            if heard > HEARD_PER_S:
                return REFUSED
            body = said.encode() if isinstance(said, str) else said
            await sockets.send(socket, await self._answered(body))

    async def _answered(self, body: bytes) -> Any:
        asked: Any = None
        try:
            asked = wire.read_body("application/json", body, frames.ASKED)
            return await self._do(asked)
        except Exception as error:
            return frames.Refused.of(problem.to_problem(error), getattr(asked, "ref", None))

    async def _do(self, asked: Any) -> Any:
        service, actor = self._service, self._actor
        match asked:
            case frames.Send(message=form):
                await self._limit("chat-send", routes.SENT_PER_MINUTE)
                message, _ = await conversations.send(
                    actor, service.reception, self._id, form.draft()
                )
                return frames.Sent(form.client_id, message.id, message.seq, asked.ref)
            case frames.Mark(what=what, seq=seq):
                await self._limit("chat-mark", routes.MARKED_PER_MINUTE)
                await conversations.mark(actor, service.hub, self._id, what, seq)
            case frames.Recall(message_id=message_id):
                await self._limit("chat-recall", routes.DONE_PER_MINUTE)
                await recalling.recall(actor, service.reception, self._id, message_id)
            case frames.Types():
                if time.monotonic() - self._typed_at >= TYPING_EVERY_S:
                    self._typed_at = time.monotonic()
                    await live.typing(service.hub, self._id, RESIDENT)
        return frames.Done(asked.ref)

    async def _limit(self, deed: str, most: int) -> None:
        who = str(self._actor.account_id)
        await throttle.check(self._service.hub, deed, who, most=most, fail_open=True)
