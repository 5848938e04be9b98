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

T = TypeVar("T")

log = structlog.get_logger()


class Snapshots(Generic[T]):
    """One table per consortium. After `ttl_s` the next reader starts a new read and, like all
    others, gets the old one meanwhile; only the very first reader waits."""

    def __init__(self, read: Callable[[UUID], Awaitable[T]], ttl_s: float) -> None:
        self._read = read
        self._ttl_s = ttl_s
        self._kept: WeakKeyDictionary[ConnectionHandler, dict[UUID, tuple[float, T]]]
        self._kept = WeakKeyDictionary()
        self._reading: set[asyncio.Task[None]] = set()

    async def get(self, consortium_id: UUID) -> T:
        """The table, at most `ttl_s` and one read old. Raises what the first read raises."""
        tables = self._kept.setdefault(get_connections(), {})
        known = tables.get(consortium_id)
        if known is None:
            read = await self._read(consortium_id)
            tables[consortium_id] = (time.monotonic(), read)
            return read
        if time.monotonic() - known[0] > self._ttl_s and not self._reading:
            # A context of its own: a task must not inherit its spawner's transaction.
            task = asyncio.create_task(
                self._refresh(tables, consortium_id), context=contextvars.Context()
            )
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        return known[1]

    def forget(self) -> None:
        """Read at the next question: this process has just changed something."""
        self._kept.clear()

    async def _refresh(self, tables: dict[UUID, tuple[float, T]], consortium_id: UUID) -> None:
        try:
            tables[consortium_id] = (time.monotonic(), await self._read(consortium_id))
        except Exception as error:
            log.warning("snapshot.stale", error=type(error).__name__)
