"""Pages that change by themselves: server-sent events for htmx-ext-sse.

The hub says when something may be new; what it is, is asked of the database: the table is the
truth, and any process can serve anybody. News may be lost, so the table is also looked at from time
to time. A browser that comes back says what it saw last.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import MappingProxyType

import msgspec
import structlog
from sanic.exceptions import RequestCancelled

from backend.api import problem
from backend.errors import Busy, Problem
from backend.fanout import Listener
from backend.staff import sessions
from backend.web import session
from backend.web.render import SECURE
from backend.web.view import View

log = structlog.get_logger()

LOOK_S = 15.0  # without news
GAP_S = 0.25  # between two looks: a line that moves much is not drawn for each move
PING_S = 15.0  # proxies cut what is silent; the log-in is looked at again as often, and before news
RETRY_MS = 3000  # how soon a browser comes back
STREAMS_MOST = 500  # of one process
LAST_MOST = 64  # characters of an id

_open = 0


class Event(msgspec.Struct, frozen=True):
    """`id` changes with `html`, and comes back as what was seen last; "": nothing to come back to.
    `name`: `sse-swap`."""

    id: str
    html: str
    name: str = "message"

    def encode(self) -> str:
        lines = "".join(f"data: {line}\n" for line in self.html.splitlines() or [""])
        known = f"id: {self.id}\n" if self.id else ""
        return f"{known}event: {self.name}\n{lines}\n"


Look = Callable[[str], Awaitable[Event | None]]
Passing = Mapping[bytes | None, Event | None]


async def stream(
    view: View, look: Look, *, channels: Collection[str], passing: Passing = MappingProxyType({})
) -> None:
    """Send what `look` finds until the reader goes or the log-in ends; a handler returns this.

    `look` is given the id of what was seen last ("" at first) and returns an `Event`, or None when
    nothing is new. It runs at the news of `channels`, and every `LOOK_S` seconds besides, so it
    should be one cheap query. News that is in `passing` is not looked for: its event, if it has
    one, is sent as it is.

    Raises:
        Busy: too many streams are open in this process.
    """
    global _open
    if _open >= STREAMS_MOST:
        raise Busy
    _open += 1
    try:
        # Heard before the first look, so that nothing falls between the two.
        async with view.service.hub.listening(*channels) as news:
            await _send(view, look, news, passing)
    except (RequestCancelled, ConnectionError):
        pass
    finally:
        _open -= 1


async def _send(view: View, look: Look, news: Listener, passing: Passing) -> None:
    last = view.request.headers.get("last-event-id", "")[:LAST_MOST]
    first = await look(last)  # a refusal is still an ordinary answer
    headers = SECURE | {"x-accel-buffering": "no", "cache-control": "no-cache, no-transform"}
    view.request.stream.endless = True  # type: ignore[union-attr]
    response = await view.request.respond(
        content_type="text/event-stream; charset=utf-8", headers=headers
    )
    await response.send(f"retry: {RETRY_MS}\n\n" + (first.encode() if first else ""))
    last = first.id if first else last
    quiet_since = time.monotonic()
    while True:
        left_s = max(0.0, quiet_since + PING_S - time.monotonic())
        heard = {await news.next(min(LOOK_S, left_s)), *news.drain()}
        for said in heard & passing.keys():
            if (event := passing[said]) is not None:
                await response.send(event.encode())
        is_due = time.monotonic() - quiet_since >= PING_S
        if is_due:
            if not await _is_as_before(view):
                break
            await response.send(": ping\n\n")
            quiet_since = time.monotonic()
        found = await _look(look, last) if is_due or heard - passing.keys() else None
        if found is not None and found.id != last:
            if not is_due and not await _is_as_before(view):
                break
            await response.send(found.encode())
            last = found.id
        await asyncio.sleep(GAP_S)
    await response.eof()


async def _look(look: Look, last: str) -> Event | None:
    """What is new. A database that does not answer just now is asked again."""
    try:
        return await look(last)
    except Exception as error:
        wrong = problem.to_problem(error)
        if wrong.status == Busy.status:
            return None
        raise


async def _is_as_before(view: View) -> bool:
    """Logged in, with the rights with which the stream began. A browser whose rights are others by
    now comes back, and is judged by them."""
    county = view.service.settings.consortium_id
    try:
        now = await sessions.verify(county, session.token_of(view.request), noticed=False)
    except Problem:
        return False
    return now.actor.grants == view.actor.grants
