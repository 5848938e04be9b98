"""The database: configuration, the only way to open a transaction, and named SQL on both dialects.

Tortoise 1.1.9 loses its lock (SQLite) or its pooled connection (PostgreSQL) when a task is
cancelled inside `in_transaction().__aenter__`, and Sanic cancels a handler when its client hangs
up. So
`transaction()` opens and ends transactions itself, and ends them even while being cancelled.
It touches Tortoise's private parts, hence the exact pin and the check in `connect()`.
"""

import asyncio
import contextlib
import functools
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import aiosqlite
import asyncpg
import msgspec
import tortoise
import tortoise.models
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import TransactionWrapper as PostgresTransaction
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.connection import get_connection, get_connections
from tortoise.exceptions import IntegrityError, OperationalError

from backend.errors import Busy
from backend.settings import Settings

T = TypeVar("T")
Row = Mapping[str, Any]  # as each driver gives it: read it by name

TORTOISE = "1.1.9"  # the version whose private parts this file knows
APP = "jiamenkou"
MODELS = (
    "backend.audit",
    "backend.receipts",
    "backend.notices",
    "backend.consortium.models",
    "backend.identity.models",
    "backend.staff.models",
    "backend.booking.models",
    "backend.booking.waitlist.models",
    "backend.suspension.models",
    "backend.draw.models",
    "backend.clinic.models",
    "backend.appeal.models",
    "backend.chat.models",
    "backend.chat.duty_models",
    "backend.replay.models",
    "backend.reminders.models",
    "backend.satisfaction.models",
    "backend.wechat.events",
)
# Tortoise reads the source of each model for comments that begin with `#:`. We have none, and it is
# a fifth of every start.
vars(tortoise.models)["_get_comments"] = lambda _model: {}
PROMPT_S = 2.0  # for whatever somebody waits for
CONNECT_S = 5.0
PATIENT_S = 60.0  # for imports, jobs and migrations
IDLE_IN_TRANSACTION_MS = 10_000
TRIES = 4  # of a transaction that lost a race for a unique key or a lock
SQLITE_CACHE = -65_536  # KiB: the default of 2 MiB reads every page anew

_reader: aiosqlite.Connection | None = None


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Goes back to the pool without a round trip: nothing here leaves a lock, cursor or SET."""

    def get_reset_query(self) -> str:
        return ""


def tortoise_config(settings: Settings, *, answer_s: float = PATIENT_S) -> dict[str, Any]:
    """What Tortoise wants to know, from our settings. `answer_s` bounds every statement."""
    return {
        "connections": {"default": _connection(settings, answer_s)},
        "apps": {
            APP: {
                "models": list(MODELS),
                "migrations": "backend.migrations",
                "default_connection": "default",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _connection(settings: Settings, answer_s: float) -> dict[str, Any]:
    if settings.embedded:
        pragmas = {
            "journal_mode": "WAL",
            "synchronous": "FULL",
            # A checkpoint costs what differs, so a rare one costs less for each commit.
            "wal_autocheckpoint": 32_000,  # pages of 4 KiB
            "journal_size_limit": 268_435_456,  # bytes
            "cache_size": SQLITE_CACHE,
        }
        path = str(settings.database_path)
        return {
            "engine": "tortoise.backends.sqlite",
            "credentials": {"file_path": path, **pragmas},
        }
    from tortoise.backends.base.config_generator import expand_db_url

    config: dict[str, Any] = expand_db_url(
        settings.database_url.replace("postgres:", "asyncpg:", 1)
    )
    limits = {
        # A little less than ours, so that the server gives up first and says why.
        "statement_timeout": str(int(answer_s * 950)),
        "lock_timeout": str(int(answer_s * 750)),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
        "jit": "off",
        # Our statements are few and the same; planning one anew costs more than running it.
        "plan_cache_mode": "force_generic_plan",
    }
    config["credentials"] |= {
        "minsize": min(2, settings.database_pool),
        "maxsize": settings.database_pool,
        "command_timeout": answer_s,
        "timeout": CONNECT_S,
        "application_name": "jiamenkou",
        "connection_class": _Connection,
    }
    if settings.pgbouncer:
        # In transaction mode a session keeps nothing: limits belong to the role there.
        config["credentials"] |= {"statement_cache_size": 0, "application_name": None}
    else:
        config["credentials"]["server_settings"] = limits
    return config


async def connect(settings: Settings, *, answer_s: float = PATIENT_S) -> None:
    """Open the database for this process, and its first connection. See `tortoise_config`.

    Not lazily: Tortoise loses its lock when a task is cancelled while it opens a connection.
    What was open before is closed: a connection forgotten keeps its thread, and the process.
    """
    if tortoise.__version__ != TORTOISE:
        raise RuntimeError(f"tortoise-orm {TORTOISE} is needed, {tortoise.__version__} is here")
    if Tortoise._inited:
        await disconnect()
    await Tortoise.init(
        config=tortoise_config(settings, answer_s=answer_s), _enable_global_fallback=True
    )
    await get_connection("default").execute_query("SELECT 1")
    if settings.embedded:
        await _open_reader(settings.database_path.absolute().as_uri())


async def _open_reader(uri: str) -> None:
    """A connection that only reads, so that looking something up never waits for a commit."""
    global _reader
    _reader = await aiosqlite.connect(f"{uri}?mode=ro", uri=True, isolation_level=None)
    _reader.row_factory = sqlite3.Row
    await _reader.execute(f"PRAGMA cache_size = {SQLITE_CACHE}")


async def disconnect() -> None:
    global _reader
    if _reader is not None:
        await _reader.close()
        _reader = None
    await Tortoise.close_connections()


def is_sqlite() -> bool:
    return _reader is not None


async def to_the_end(work: Awaitable[T]) -> T:
    """Await `work` and let it finish even when the caller is cancelled; then pass the cancel on."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            # A second cancel changes nothing: what is being ended must end.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        raise


def is_in_transaction() -> bool:
    """Whether queries asked here and now belong to a transaction."""
    client = get_connection("default")
    return isinstance(client, SqliteTransactionWrapper | PostgresTransaction)


@contextlib.asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """All or nothing. Every query inside, ORM or `fetch`, belongs to it.

    SQLite: BEGIN IMMEDIATE, so a read can't turn into a write too late. Never nested; no network
    and no new tasks inside.
    """
    if is_in_transaction():
        raise RuntimeError("transactions are not nested")
    client = get_connection("default")
    opened = _on_sqlite(client) if isinstance(client, SqliteClient) else _on_postgres(client)
    async with opened:
        yield


@contextlib.asynccontextmanager
async def _on_sqlite(client: SqliteClient) -> AsyncIterator[None]:
    async with client._lock:
        raw = cast(Any, client._connection)
        try:
            await to_the_end(raw.execute("BEGIN IMMEDIATE"))
        except BaseException:
            await to_the_end(raw.rollback())
            raise
        async with _ended(SqliteTransactionWrapper(client), raw.commit, raw.rollback):
            yield


@contextlib.asynccontextmanager
async def _on_postgres(client: Any) -> AsyncIterator[None]:
    connection = await client._pool.acquire()
    try:
        inner = connection.transaction()
        try:
            await to_the_end(inner.start())
        except asyncio.CancelledError:
            await to_the_end(inner.rollback())
            raise
        wrapper = PostgresTransaction(client)
        wrapper._connection = connection
        async with _ended(wrapper, inner.commit, inner.rollback):
            yield
    finally:
        # Gives the connection back clean, or closes it when it is not.
        await to_the_end(client._pool.release(connection))


@contextlib.asynccontextmanager
async def _ended(
    wrapper: Any, commit: Callable[[], Awaitable[Any]], rollback: Callable[[], Awaitable[Any]]
) -> AsyncIterator[None]:
    """Queries go to `wrapper` inside the block, which ends in a commit or a rollback, always."""
    token = get_connections().set("default", wrapper)
    try:
        yield
    except BaseException:
        await to_the_end(rollback())
        raise
    else:
        await to_the_end(commit())
    finally:
        get_connections().reset(token)


async def fetch(sql: str, *values: Any) -> list[Row]:
    """Rows of a named SELECT written with `$1`, `$2` …, on either database.

    On SQLite a list is bound as JSON: read it with `among`.
    """
    client = get_connection("default")
    if isinstance(client, SqliteClient) and not isinstance(client, SqliteTransactionWrapper):
        found = await cast(aiosqlite.Connection, _reader).execute_fetchall(
            _numbered(sql), plain(values)
        )
        return cast(list[Row], found)
    if is_sqlite():
        return cast(list[Row], await client.execute_query_dict(_numbered(sql), plain(values)))
    _, rows = await client.execute_query(sql, list(values))
    return cast(list[Row], rows)


async def insert(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """A named INSERT, once for each row of what it binds: for thousands that need no models."""
    client = get_connection("default")
    if is_sqlite():
        await client.execute_many(_numbered(sql), [plain(row) for row in rows])
    else:
        await client.execute_many(sql, cast(Any, rows))


def among(column: str, place: str, kind: str = "uuid") -> str:
    """A condition: `column` is one of the list bound at `place`. All three are code, not input."""
    if is_sqlite():
        return f"{column} IN (SELECT value FROM json_each({place}))"
    return f"{column} = ANY ({place}::{kind}[])"


# SQLite keeps UUIDs, dates and instants as text; `fetch` gives them as they are.


def as_uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    return msgspec.convert(value, UUID)  # a fifth of the price of `UUID(value)`


def as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def as_instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


async def on_writer(work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` in one go on SQLite's only writing connection, in its own thread.

    `work` opens and ends its own transaction. Nothing else runs on that connection meanwhile.
    """
    client = get_connection("default")
    if not isinstance(client, SqliteClient) or isinstance(client, SqliteTransactionWrapper):
        raise RuntimeError("on_writer is for SQLite, outside a transaction")
    async with client._lock:
        raw = cast(Any, client._connection)
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # At once, and not as a task behind everything else that is ready to run.
        raw._tx.put_nowait((done, functools.partial(work, raw._conn)))
        return await to_the_end(done)


def plain(values: Sequence[Any]) -> list[Any]:
    """Values as SQLite keeps them: UUIDs, dates and instants (UTC) as text, lists as JSON."""
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(" ")  # compared as text, so in one zone
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return json.dumps([_plain(item) for item in value])
    return value


@functools.lru_cache(maxsize=512)
def _numbered(sql: str) -> str:
    return re.sub(r"\$(\d)", r"?\1", sql)


def retryable(error: BaseException) -> bool:
    """A deadlock, a serialization failure or a busy file: nothing was changed, try again."""
    cause = error.__cause__ or (error.args[0] if error.args else None)
    state = getattr(error, "sqlstate", None) or getattr(cause, "sqlstate", None)
    return state in {"40001", "40P01"} or (
        isinstance(error, OperationalError) and "database is locked" in str(error)
    )


async def retried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run a transaction again when it lost a race: the next look sees who won. Raises Busy."""
    for tries_left in reversed(range(TRIES)):
        try:
            return await attempt()
        except IntegrityError:
            if not tries_left:
                raise Busy from None
        except Exception as error:
            if not tries_left or not retryable(error):
                raise
    raise AssertionError("unreachable")


async def ping() -> None:
    await fetch("SELECT 1")
