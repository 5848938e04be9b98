"""The right to be the only process on a database: held, broken, taken again, lost."""

import asyncio
import contextlib
import dataclasses

import asyncpg
import pytest

from backend import lease
from backend.settings import Secret, Settings, SettingsError
from tests.conftest import make_settings
from tests.serving import until


async def test_a_broken_lease_is_taken_again(
    postgres_only: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database restarted: the connection is gone, and nobody else has come."""
    monkeypatch.setattr(lease, "CHECK_EVERY_S", 0.05)
    lost = asyncio.Event()
    async with lease.held(settings, lost=lost.set):
        await break_lease(settings)

        async def taken_again() -> bool:
            return await holders(settings) == 1

        await until(taken_again)
        assert not lost.is_set()
    assert await holders(settings) == 0


async def test_a_lease_that_another_took_is_lost(
    postgres_only: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "CHECK_EVERY_S", 0.05)
    lost = asyncio.Event()
    async with lease.held(settings, lost=lost.set):
        rival = await asyncpg.connect(settings.database_url)
        try:
            waiting = asyncio.create_task(rival.execute("SELECT pg_advisory_lock($1)", lease.LOCK))
            await until(lambda: somebody_waits(settings))
            await break_lease(settings)
            await waiting
            await asyncio.wait_for(lost.wait(), 30)
        finally:
            await rival.close()


def test_pgbouncer_without_redis_is_refused() -> None:
    with pytest.raises(SettingsError, match="PgBouncer"):
        make_settings("postgres://h/d", pgbouncer=True)


async def test_a_host_without_redis_is_refused_beside_those_that_have_it(
    postgres_only: None, settings: Settings
) -> None:
    """The line that one of several hosts forgets: it would count and lead for itself."""
    alone = dataclasses.replace(settings, redis_url=None)
    shared = dataclasses.replace(settings, redis_url=Secret("redis://h"))

    async with held(shared), held(shared):
        with pytest.raises(lease.Taken, match="REDIS_URL"):
            await held(alone).__aenter__()
    async with held(alone):
        with pytest.raises(lease.Taken, match="REDIS_URL"):
            await held(shared).__aenter__()


async def test_a_lease_is_lost_whatever_the_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncpg raises an error of another family when the end comes between two of its steps."""

    class Ended:
        async def execute(self, _sql: str) -> None:
            raise asyncpg.InternalClientError("cannot switch to state 15")

        def terminate(self) -> None:
            pass

    async def another_has_it(_url: str, *, shared: bool) -> None:
        assert not shared

    monkeypatch.setattr(lease, "CHECK_EVERY_S", 0.001)
    monkeypatch.setattr(lease, "_take", another_has_it)
    lost = asyncio.Event()
    await lease._watch("", Ended(), lost.set)
    assert lost.is_set()


async def test_a_shared_lease_is_taken_again_and_never_stops_the_server(
    postgres_only: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "CHECK_EVERY_S", 0.05)
    shared = dataclasses.replace(settings, redis_url=Secret("redis://h"))
    lost = asyncio.Event()
    async with lease.held(shared, lost=lost.set):
        rival = await asyncpg.connect(settings.database_url)
        waiting = asyncio.create_task(rival.execute("SELECT pg_advisory_lock($1)", lease.LOCK))
        await until(lambda: somebody_waits(settings))
        await break_lease(settings)
        await waiting
        await rival.close()

        async def taken_again() -> bool:
            return await holders(settings) == 1

        await until(taken_again)
        assert not lost.is_set()


def held(settings: Settings) -> contextlib.AbstractAsyncContextManager[None]:
    return lease.held(settings, lost=lambda: None)


async def test_through_pgbouncer_there_is_no_lease() -> None:
    """A session's lock would stay with whichever connection it gave."""
    pooled = make_settings(
        "postgres://nowhere.invalid/d", redis_url=Secret("redis://h"), pgbouncer=True
    )
    async with held(pooled):
        pass


HOLDERS = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = $1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def holders(settings: Settings) -> int:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return len(await connection.fetch(HOLDERS, lease.LOCK))
    finally:
        await connection.close()


async def somebody_waits(settings: Settings) -> bool:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return bool(await connection.fetch(HOLDERS.replace("granted", "NOT granted"), lease.LOCK))
    finally:
        await connection.close()


async def break_lease(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        for row in await connection.fetch(HOLDERS, lease.LOCK):
            await connection.execute("SELECT pg_terminate_backend($1)", row["pid"])
    finally:
        await connection.close()
