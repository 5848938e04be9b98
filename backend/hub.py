"""What processes share besides the database: short-lived values, counters, claims, news.

In-process by default; Redis (`redis.asyncio`, which aioredis became) when configured. The hub is a
hint and a brake, never the truth: losing all of it loses no booking. Both keep the same contract
and pass the same tests (tests/test_hub.py).
"""

import asyncio
import contextlib
import heapq
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol, cast

import structlog
from redis import asyncio as aioredis
from redis.exceptions import RedisError, WatchError

from backend.fanout import MISSED, Fanout, Listener
from backend.settings import Settings

log = structlog.get_logger()

REDIS_CONNECTIONS = 32
REDIS_TIMEOUT_S = 2.0
KEPT_AT_ONCE = 200  # claims in one question: some milliseconds in which nobody else has a turn
LEADER = "leader"  # who holds this claim runs the jobs
NEWS = "news:"  # before the name of every channel
NEWS_WAIT_S = 1.0
NEWS_AGAIN_S = 1.0  # after a connection was lost
ENTRIES_MOST = 200_000  # in-process: the oldest to expire go first


class Hub(Protocol):
    """Keys are short ASCII; values are bytes; times in seconds."""

    shared: bool
    """Whether other processes see it."""

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, ttl_s: float) -> None: ...

    async def count(self, key: str, window_s: int) -> int:
        """Count one more under `key`. The first opens a window, after which all is forgotten."""
        ...

    async def claim(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take `name`, or keep it if `holder` has it already. False: somebody else has it."""
        ...

    async def release(self, name: str, holder: str) -> None: ...

    async def keep(self, names: Sequence[str], ttl_s: float) -> None:
        """Let claims that are held last longer, whoever holds them: many at the price of one."""
        ...

    def lock(self, name: str, *, ttl_s: float) -> contextlib.AbstractAsyncContextManager[bool]:
        """A claim for the length of a block; does not wait. False: somebody else has it."""
        ...

    async def publish(self, channel: str, message: bytes) -> None:
        """Tell whoever listens now, in every process. A hint: it may be lost, never the truth."""
        ...

    def listening(self, *channels: str) -> contextlib.AbstractAsyncContextManager[Listener]:
        """News of `channels` for the length of a block. `MISSED`: some may be lost."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class _Locking:
    """`lock` in terms of `claim` and `release`."""

    @contextlib.asynccontextmanager
    async def lock(self: Hub, name: str, *, ttl_s: float) -> AsyncIterator[bool]:
        holder = secrets.token_hex(8)
        held = await self.claim(name, holder, ttl_s)
        try:
            yield held
        finally:
            if held:
                await self.release(name, holder)


class InProcessHub(_Locking):
    """For one process. Monotonic time, so a clock that jumps frees nothing early."""

    shared = False

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._entries: dict[str, tuple[float, bytes]] = {}
        self._expiries: list[tuple[float, str]] = []
        self._fanout = Fanout()

    async def get(self, key: str) -> bytes | None:
        return self._get(key)

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        self._set(key, value, self._now() + ttl_s)

    async def count(self, key: str, window_s: int) -> int:
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._now():
            self._set(key, b"1", self._now() + window_s)
            return 1
        total = int(entry[1]) + 1
        self._entries[key] = (entry[0], b"%d" % total)
        return total

    async def claim(self, name: str, holder: str, ttl_s: float) -> bool:
        if self._get(name) not in (None, holder.encode()):
            return False
        self._set(name, holder.encode(), self._now() + ttl_s)
        return True

    async def release(self, name: str, holder: str) -> None:
        if self._get(name) == holder.encode():
            del self._entries[name]

    async def keep(self, names: Sequence[str], ttl_s: float) -> None:
        for name in names:
            if (held := self._get(name)) is not None:
                self._set(name, held, self._now() + ttl_s)

    async def publish(self, channel: str, message: bytes) -> None:
        self._fanout.tell(channel, message)

    @contextlib.asynccontextmanager
    async def listening(self, *channels: str) -> AsyncIterator[Listener]:
        with self._fanout.listening(*channels) as listener:
            yield listener

    async def ping(self) -> None:
        return None

    async def close(self) -> None:
        self._entries.clear()
        self._expiries.clear()

    def _get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] > self._now() else None

    def _set(self, key: str, value: bytes, expires_at: float) -> None:
        self._entries[key] = (expires_at, value)
        heapq.heappush(self._expiries, (expires_at, key))
        now = self._now()
        while self._expiries and (
            self._expiries[0][0] <= now or len(self._expiries) > ENTRIES_MOST
        ):
            expiry, stale = heapq.heappop(self._expiries)
            if self._entries.get(stale, (None,))[0] == expiry:
                del self._entries[stale]


class RedisHub(_Locking):
    """For many processes and hosts. No scripts, so a Redis without @scripting serves as well."""

    shared = True
    TRIES = 5

    def __init__(self, url: str, prefix: str = "jiamenkou:") -> None:
        self._prefix = prefix
        # The default pool raises above its limit; this one makes callers wait.
        pool = aioredis.BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_TIMEOUT_S,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
        )
        self._redis = aioredis.Redis(connection_pool=pool)
        self._fanout = Fanout()
        self._hearing: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()  # once Redis sends what is published

    async def get(self, key: str) -> bytes | None:
        return cast(bytes | None, await self._redis.get(self._prefix + key))

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        await self._redis.set(self._prefix + key, value, px=max(1, int(ttl_s * 1000)))

    async def count(self, key: str, window_s: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._prefix + key, 0, ex=window_s, nx=True)
            pipe.incr(self._prefix + key)
            answers = await pipe.execute()
        return int(answers[1])

    async def claim(self, name: str, holder: str, ttl_s: float) -> bool:
        key, mine, ttl_ms = self._prefix + name, holder.encode(), max(1, int(ttl_s * 1000))
        if await self._redis.set(key, mine, px=ttl_ms, nx=True):
            return True
        pipe: Any
        for _ in range(self.TRIES):
            async with self._redis.pipeline(transaction=True) as pipe:
                try:
                    await pipe.watch(key)
                    if await pipe.get(key) != mine:
                        return False
                    pipe.multi()
                    pipe.pexpire(key, ttl_ms)
                    return bool((await pipe.execute())[0])
                except WatchError:
                    continue
        return False

    async def release(self, name: str, holder: str) -> None:
        key = self._prefix + name
        pipe: Any
        async with self._redis.pipeline(transaction=True) as pipe:
            # A changed or missing claim is no longer ours to release.
            with contextlib.suppress(WatchError):
                await pipe.watch(key)
                if await pipe.get(key) == holder.encode():
                    pipe.multi()
                    pipe.delete(key)
                    await pipe.execute()

    async def keep(self, names: Sequence[str], ttl_s: float) -> None:
        for first in range(0, len(names), KEPT_AT_ONCE):
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in names[first : first + KEPT_AT_ONCE]:
                    pipe.pexpire(self._prefix + name, max(1, int(ttl_s * 1000)))
                await pipe.execute()

    async def publish(self, channel: str, message: bytes) -> None:
        await self._redis.publish(self._prefix + NEWS + channel, message)

    @contextlib.asynccontextmanager
    async def listening(self, *channels: str) -> AsyncIterator[Listener]:
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear())
        with self._fanout.listening(*channels) as listener:
            # Where Redis is away nobody waits for it: the table is looked at from time to time.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await self._heard.wait()
            yield listener

    async def _hear(self) -> None:
        """One connection for all channels, for as long as this hub is open."""
        while True:
            try:
                await self._hear_until_lost()
            except (RedisError, OSError) as lost:
                log.warning("news.lost", error=type(lost).__name__)
            self._heard.clear()
            await asyncio.sleep(NEWS_AGAIN_S)
            self._fanout.tell_all(MISSED)

    async def _hear_until_lost(self) -> None:
        before = len(self._prefix + NEWS)
        async with self._redis.pubsub(ignore_subscribe_messages=False) as news:
            await news.psubscribe(f"{self._prefix}{NEWS}*")
            while True:
                message = await news.get_message(timeout=NEWS_WAIT_S)
                if message is None:
                    continue
                if message["type"] == "psubscribe":
                    self._heard.set()
                elif message["type"] == "pmessage":
                    self._fanout.tell(message["channel"].decode()[before:], message["data"])

    async def ping(self) -> None:
        await self._redis.ping()

    async def close(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.wait({self._hearing})
        with contextlib.suppress(RedisError):
            await self._redis.aclose()
        await self._redis.connection_pool.disconnect()


def open_hub(settings: Settings) -> Hub:
    """The hub that the settings ask for."""
    return RedisHub(settings.redis_url.reveal()) if settings.redis_url else InProcessHub()
