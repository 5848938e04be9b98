"""Who in this process waits for news of what, and the bounded buffers between.

News are hints: whoever hears one looks into the table again. So a slow listener loses the oldest
ones and nothing else.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator

BUFFER_MOST = 16  # news that one listener has not taken yet
MISSED = b""  # news may have been lost


class Listener:
    """One who waits."""

    def __init__(self) -> None:
        self._news: deque[bytes] = deque(maxlen=BUFFER_MOST)
        self._there = asyncio.Event()

    def tell(self, message: bytes) -> None:
        self._news.append(message)
        self._there.set()

    async def next(self, timeout_s: float) -> bytes | None:
        """The oldest news not yet taken; None: none came in time."""
        if not self._news:
            self._there.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._there.wait()
        return self._news.popleft() if self._news else None

    def drain(self) -> list[bytes]:
        """Take all that is there: one look answers all of it."""
        news = list(self._news)
        self._news.clear()
        return news


class Fanout:
    """Listeners by channel."""

    def __init__(self) -> None:
        self._channels: dict[str, set[Listener]] = {}

    @contextlib.contextmanager
    def listening(self, *channels: str) -> Iterator[Listener]:
        listener = Listener()
        for channel in channels:
            self._channels.setdefault(channel, set()).add(listener)
        try:
            yield listener
        finally:
            for channel in set(channels):
                self._channels[channel].discard(listener)
                if not self._channels[channel]:
                    del self._channels[channel]

    def tell(self, channel: str, message: bytes) -> None:
        for listener in self._channels.get(channel, ()):
            listener.tell(message)

    def tell_all(self, message: bytes) -> None:
        """Something may have been missed."""
        for listener in {one for there in self._channels.values() for one in there}:
            listener.tell(message)
