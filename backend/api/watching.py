"""Looks after the open chat sockets of a process: two queries for all instead of some for each.

Ends those whose log-in is over, and wakes those whose conversation has changed unheard, as when the
hub was away, or may no longer be seen. So a socket asks nothing by itself while nothing happens.
"""

import asyncio
import contextlib
import contextvars
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from backend.chat import conversations
from backend.fanout import Listener
from backend.identity import sessions

log = structlog.get_logger()

LOG_INS_EVERY_S = 1.0
CHANGES_EVERY_S = 10.0
AT_ONCE = 1000  # ids in one query
WAKE = b"look"


@dataclass(eq=False, slots=True)
class Seat:
    """One socket. `version` of the conversation is what it has told last."""

    session_id: UUID
    conversation_id: UUID
    listener: Listener
    version: int = -1
    is_over: bool = field(default=False)
    """The log-in has ended."""


class Watch:
    """Of one process."""

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._watching: asyncio.Task[None] | None = None
        self._looked_at = time.monotonic()

    def missed(self) -> None:
        """News may have been lost: look at all at the next round, instead of each by itself."""
        self._looked_at = -math.inf

    @contextlib.contextmanager
    def seated(self, seat: Seat) -> Iterator[None]:
        self._seats.add(seat)
        if self._watching is None or self._watching.done():
            # A context of its own: not that of the request that happened to come first.
            self._watching = asyncio.create_task(self._watch(), context=contextvars.Context())
        try:
            yield
        finally:
            self._seats.discard(seat)

    async def _watch(self) -> None:
        """For as long as anybody is there."""
        while self._seats:
            await asyncio.sleep(LOG_INS_EVERY_S)
            try:
                await self._end_log_ins()
                if time.monotonic() - self._looked_at >= CHANGES_EVERY_S:
                    self._looked_at = time.monotonic()
                    await self._wake_changed()
            except Exception as error:  # a database that is away is asked again
                log.warning("sockets.unwatched", error=type(error).__name__)

    async def _end_log_ins(self) -> None:
        for some in _portions({seat.session_id for seat in self._seats}):
            ended = await sessions.ended_among(some)
            for seat in [seat for seat in self._seats if seat.session_id in ended]:
                seat.is_over = True
                seat.listener.tell(WAKE)

    async def _wake_changed(self) -> None:
        seats, versions = list(self._seats), dict[UUID, int]()
        for some in _portions({seat.conversation_id for seat in seats}):
            versions |= await conversations.versions(some)
        for seat in seats:
            if versions.get(seat.conversation_id) != seat.version:
                seat.listener.tell(WAKE)


def _portions(ids: set[UUID]) -> Iterator[list[UUID]]:
    every = list(ids)
    for first in range(0, len(every), AT_ONCE):
        yield every[first : first + AT_ONCE]
