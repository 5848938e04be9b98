"""Single look-ups that arrive together become one query.

The first goes at once; those that come while it is under way wait and travel together. Nothing is
kept: a cache is the caller's business.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Hashable, Mapping
from itertools import chain
from typing import Generic, TypeVar

from backend.errors import Busy

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

BATCH_MOST = 256
WAITING_MOST = 5000


class Loader(Generic[K, V]):
    """`load` gets the distinct keys of one trip and returns what it found of them."""

    def __init__(self, load: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load = load
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._trip: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What `load` finds for `key`. Raises Busy (too many wait), and what `load` raises."""
        loop = asyncio.get_running_loop()
        # A future for each who waits: whoever hangs up takes nothing from the others.
        future: asyncio.Future[V | None] = loop.create_future()
        if key in self._waiting:
            self._waiting[key].append(future)
            return await future
        if len(self._waiting) >= WAITING_MOST:
            raise Busy
        self._waiting[key] = [future]
        if self._trip is None or self._trip.done():
            # A context of its own: a task must not inherit its spawner's transaction.
            self._trip = loop.create_task(self._run(), context=contextvars.Context())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:BATCH_MOST]
            waiting = {key: self._waiting.pop(key) for key in keys}
            try:
                found = await self._load(keys)
            except BaseException as error:
                for future in chain.from_iterable(waiting.values()):
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    raise
                continue
            for key, futures in waiting.items():
                value = found.get(key)
                for future in futures:
                    if not future.done():
                        future.set_result(value)
