"""The right to be the only process on a database, where there is no Redis to share through.

SQLite: an exclusive lock on a file beside the database. PostgreSQL without Redis: an advisory lock,
held by a connection of its own. Processes with Redis share that lock, so that one without it is
refused beside them. All end with the process, however it ends: nothing to clean up.
"""

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import structlog

from backend.refused import Refused
from backend.settings import Settings

log = structlog.get_logger()

LOCK = 7_230_002  # migrate.py has the number before
CONNECT_S = 5.0
CHECK_EVERY_S = 2.0
CHECK_S = 2.0
# A host that vanishes frees the lock after 5 + 2 × 2 s, not after TCP's two hours.
KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
}


class Taken(Refused):
    """Another process has the database."""


def is_sole(settings: Settings) -> bool:
    """Whether one process does everything: there is nothing through which several could share."""
    return settings.embedded or settings.redis_url is None


@contextlib.asynccontextmanager
async def held(settings: Settings, *, lost: Callable[[], None]) -> AsyncIterator[None]:
    """Be the only server inside the block, or one of several that share Redis.

    `lost` is called when another process got the lock after this one's connection broke; whoever
    shares it goes on.

    Raises:
        Taken: another process is the only one, or there are others.
        OSError, asyncpg.PostgresError: the database can't be reached.
    """
    if settings.embedded:
        with alone(settings.database_path):
            yield
    elif settings.pgbouncer:  # a session's lock means nothing through it
        yield
    else:
        async with _postgres(settings.database_url, None if settings.redis_url else lost):
            yield


@contextlib.contextmanager
def alone(database: Path) -> Iterator[None]:
    """Be the only process on an embedded database. Raises Taken."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{database}.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Taken(
                f"另一个进程正在使用 {database}，SQLite 只能由一个进程写入；请先停掉它，"
                "或改用 PostgreSQL 和 Redis。 / Another process uses this database."
            ) from None
        yield


@contextlib.asynccontextmanager
async def _postgres(url: str, lost: Callable[[], None] | None) -> AsyncIterator[None]:
    """`lost` None: share the lock."""
    connection = await _take(url, shared=lost is None)
    if connection is None:
        raise Taken(
            "另一个进程或另一台主机正在使用这个数据库；没有 Redis 时只能运行一个进程，"
            "请先停掉它，或给每台主机都设置 JIAMENKOU_REDIS_URL。 / Several processes need Redis."
        )
    watch = asyncio.create_task(_watch(url, connection, lost))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.wait({watch})


async def _take(url: str, *, shared: bool) -> asyncpg.Connection | None:
    """A connection that has the lock, or None if another has it."""
    connection = await asyncpg.connect(
        url, timeout=CONNECT_S, command_timeout=CHECK_S, server_settings=KEEPALIVE
    )
    taking = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
    try:
        if await connection.fetchval(f"SELECT {taking}($1)", LOCK):
            return connection
    except BaseException:
        connection.terminate()
        raise
    await connection.close()
    return None


async def _watch(url: str, connection: asyncpg.Connection, lost: Callable[[], None] | None) -> None:
    """Notice a broken connection and take the lock again; a database that is away is waited for."""
    try:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await connection.execute("SELECT 1")
                continue
            except Exception as error:  # asyncpg has errors of its own for an end at a bad moment
                log.warning("lease.shaken", why=type(error).__name__)
            connection.terminate()
            try:
                fresh = await _take(url, shared=lost is None)
            except Exception as error:
                log.warning("lease.away", why=type(error).__name__)
                continue
            if fresh is not None:
                connection = fresh
                continue
            log.error("lease.lost")
            if lost is not None:
                lost()
                return
    finally:
        connection.terminate()
