"""Small tables kept in memory, read anew from time to time, so that no request pays a query.

Kept per open database, so whoever reconnects never sees the table of another one.
"""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from tortoise.connection import ConnectionHandler, get_connections

from backend import db

T = TypeVar("T")

log = structlog.get_logger()


class _Tables(Generic[T]):
    """Of one open database: when each was read, and the reads under way."""

    def __init__(self) -> None:
        self.known: dict[UUID, tuple[float, T]] = {}
        self.reading: dict[UUID, asyncio.Task[T]] = {}


class Snapshots(Generic[T]):
    """One table per consortium. After `ttl_s` the next reader starts a new read and, like all
    others, gets the old one meanwhile. Only while there is none yet readers wait, all for one."""

    def __init__(self, read: Callable[[UUID], Awaitable[T]], ttl_s: float) -> None:
        self._read = read
        self._ttl_s = ttl_s
        self._kept: WeakKeyDictionary[ConnectionHandler, _Tables[T]] = WeakKeyDictionary()

    async def get(self, consortium_id: UUID) -> T:
        """The table, at most `ttl_s` and one read old. Raises what the first read raises."""
        tables = self._kept.get(get_connections())
        if tables is None:
            tables = self._kept[get_connections()] = _Tables()
        known = tables.known.get(consortium_id)
        if known is None and db.is_in_transaction():
            # A read of its own would wait for the only writer, which waits here. Not kept: what
            # this transaction has changed may still be taken back.
            return await self._read(consortium_id)
        if known is None:
            # Shielded: whoever hangs up takes nothing from the others.
            return await asyncio.shield(self._reading(tables, consortium_id))
        if time.monotonic() - known[0] > self._ttl_s:
            self._reading(tables, consortium_id)
        return known[1]

    def forget(self) -> None:
        """Read at the next question: this process has just changed something."""
        self._kept.clear()

    def _reading(self, tables: _Tables[T], consortium_id: UUID) -> asyncio.Task[T]:
        """The read under way, or a new one."""
        task = tables.reading.get(consortium_id)
        if task is None:
            # A context of its own: a task must not inherit its spawner's transaction.
            task = tables.reading[consortium_id] = asyncio.create_task(
                self._renew(tables, consortium_id), context=contextvars.Context()
            )
            task.add_done_callback(lambda done: _ended(tables, consortium_id, done))
        return task

    async def _renew(self, tables: _Tables[T], consortium_id: UUID) -> T:
        read = await self._read(consortium_id)
        tables.known[consortium_id] = (time.monotonic(), read)
        return read


def _ended(tables: _Tables[T], consortium_id: UUID, task: asyncio.Task[T]) -> None:
    del tables.reading[consortium_id]
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.warning("snapshot.stale", error=type(error).__name__)
