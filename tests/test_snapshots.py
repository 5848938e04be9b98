"""A snapshot is read once, shared, and read anew behind its readers' backs when it is old."""

import asyncio
import contextlib
from uuid import UUID, uuid4

from backend import db as database
from backend.consortium.models import Organization
from backend.settings import Settings
from backend.snapshots import Snapshots
from tests.clinics import a_clinic
from tests.serving import until


async def test_all_get_the_old_one_until_the_new_one_is_there(db: None) -> None:
    reads: list[UUID] = []
    go_on = asyncio.Event()

    async def read(county: UUID) -> int:
        reads.append(county)
        if len(reads) > 1:
            await go_on.wait()
        return len(reads)

    snapshots, county = Snapshots(read, ttl_s=0.0), uuid4()
    assert await snapshots.get(county) == 1
    assert [await snapshots.get(county) for _ in range(20)] == [1] * 20
    await until(lambda: len(reads) == 2)
    go_on.set()

    async def is_new() -> bool:
        return await snapshots.get(county) >= 2

    await until(is_new)


async def test_a_read_that_fails_leaves_the_old_one(db: None) -> None:
    reads = 0

    async def read(_county: UUID) -> int:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise OSError
        return reads

    snapshots, county = Snapshots(read, ttl_s=0.0), uuid4()
    await snapshots.get(county)
    await snapshots.get(county)
    await until(lambda: reads > 1)
    assert await snapshots.get(county) == 1


async def test_what_is_forgotten_is_read_at_once(db: None) -> None:
    reads = iter(range(9))

    async def read(_county: UUID) -> int:
        return next(reads)

    snapshots, county = Snapshots(read, ttl_s=60.0), uuid4()
    assert [await snapshots.get(county) for _ in range(3)] == [0, 0, 0]
    snapshots.forget()
    assert await snapshots.get(county) == 1


async def test_all_first_readers_wait_for_one_read(db: None) -> None:
    """Also when the one who came first has gone."""
    reads = 0
    go_on = asyncio.Event()

    async def read(_county: UUID) -> int:
        nonlocal reads
        reads += 1
        await go_on.wait()
        return reads

    snapshots, county = Snapshots(read, ttl_s=60.0), uuid4()
    first, *others = [asyncio.create_task(snapshots.get(county)) for _ in range(20)]
    await until(lambda: reads > 0)
    first.cancel()
    go_on.set()
    assert await asyncio.gather(*others) == [1] * 19
    assert reads == 1


async def test_a_first_read_that_fails_is_said_to_all_and_tried_again(db: None) -> None:
    reads = 0

    async def read(_county: UUID) -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        if reads == 1:
            raise OSError
        return reads

    snapshots, county = Snapshots(read, ttl_s=60.0), uuid4()
    told = await asyncio.gather(*(snapshots.get(county) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in told] == [OSError] * 5
    assert await snapshots.get(county) == 2


async def test_a_read_from_before_a_change_is_not_kept_after_it(db: None) -> None:
    reads = 0
    go_on = asyncio.Event()

    async def read(_county: UUID) -> int:
        nonlocal reads
        reads += 1
        mine = reads
        if mine == 1:
            await go_on.wait()
        return mine

    snapshots, county = Snapshots(read, ttl_s=60.0), uuid4()
    early = asyncio.create_task(snapshots.get(county))
    await until(lambda: reads == 1)
    snapshots.forget()
    assert await snapshots.get(county) == 2
    go_on.set()
    assert await early == 1
    assert await snapshots.get(county) == 2


async def test_inside_a_transaction_it_is_read_there_and_not_kept(
    db: None, settings: Settings
) -> None:
    """A read of its own would wait for the only writer of SQLite, which waits for it."""
    county = settings.consortium_id
    await a_clinic(settings)

    async def read(of: UUID) -> int:
        return await Organization.filter(consortium_id=of, active=True).count()

    snapshots = Snapshots(read, ttl_s=60.0)
    with contextlib.suppress(ZeroDivisionError):
        async with asyncio.timeout(60), database.transaction():
            await Organization.filter(consortium_id=county).update(active=False)
            assert await snapshots.get(county) == 0
            raise ZeroDivisionError
    assert await snapshots.get(county) == 1
