"""The only way to open a transaction: it commits, rolls back, and survives cancels."""

import asyncio
import random
from uuid import uuid4

import pytest
from tortoise.connection import get_connection

from backend import db as database
from backend.consortium.models import Consortium


async def a_consortium() -> Consortium:
    return await Consortium.create(id=uuid4(), code=uuid4().hex, name="测试医共体")


async def test_a_transaction_commits(db: None) -> None:
    async with database.transaction():
        await a_consortium()
    assert await Consortium.all().count() == 1


async def test_an_error_rolls_everything_back(db: None) -> None:
    async def fail() -> None:
        async with database.transaction():
            await a_consortium()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await Consortium.all().count() == 0


async def test_transactions_are_not_nested(db: None) -> None:
    with pytest.raises(RuntimeError, match="nested"):
        async with database.transaction(), database.transaction():
            pass


async def test_a_commit_is_on_the_disk(db: None) -> None:
    """Issue: what was acknowledged survives `kill -9`, on SQLite a loss of power too."""
    if database.is_sqlite():
        pragmas = ("journal_mode", "synchronous")
        said = await database.on_writer(
            lambda raw: [raw.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
        )
        assert said == ["wal", 2]  # 2: FULL
    else:  # the server's own; nothing of ours may weaken it
        (set_by,) = await database.fetch(
            "SELECT source FROM pg_settings WHERE name = 'synchronous_commit'"
        )
        assert set_by["source"] not in ("client", "session")


# Of twenty each; a transaction on PostgreSQL costs six times as much.
CANCELS = {"sqlite": 500, "postgres": 100}


async def test_random_cancels_leak_nothing(db: None, engine: str) -> None:
    await cancel_at_random(CANCELS[engine])


@pytest.mark.soak
async def test_ten_thousand_random_cancels_leak_nothing(db: None) -> None:
    await cancel_at_random(500)


async def cancel_at_random(rounds: int) -> None:
    """Issue: 10,000 random cancels leak nothing: neither lock, connection nor half a write."""
    dice = random.Random(7)
    finished = 0

    async def writer() -> None:
        nonlocal finished
        async with database.transaction():
            await a_consortium()
            await database.fetch("SELECT count(*) AS n FROM consortium")
        finished += 1

    async def reader() -> None:
        await database.fetch("SELECT count(*) AS n FROM consortium")

    for _ in range(rounds):
        tasks = [asyncio.create_task(writer() if n % 2 else reader()) for n in range(20)]
        for task in tasks:
            for _ in range(dice.randrange(8)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    await asyncio.wait_for(writer(), timeout=30)
    assert await Consortium.all().count() >= finished
    client = get_connection("default")
    if database.is_sqlite():
        assert not client._lock.locked()
    else:
        assert client._pool.get_idle_size() == client._pool.get_size()
