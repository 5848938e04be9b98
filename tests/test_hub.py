"""One contract for both hubs: in-process with SQLite, Redis with PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
from redis import asyncio as aioredis

from backend.fanout import BUFFER_MOST
from backend.hub import Hub, InProcessHub, RedisHub, open_hub
from backend.settings import Secret
from tests.conftest import make_settings

SHORT_S = 30.0
LONG_S = 600.0

TimePasses = Callable[[float], Awaitable[None]]


@pytest.fixture
def prefix() -> str:
    return f"jiamenkou-test:{uuid4().hex}:"


@pytest.fixture
def hands() -> list[float]:
    """Where the in-process hub's clock stands."""
    return [0.0]


@pytest.fixture
async def hub(
    engine: str, prefix: str, hands: list[float], request: pytest.FixtureRequest
) -> AsyncIterator[Hub]:
    """The engine's hub, for which time passes only as `time_passes` says."""
    url = str(request.config.getoption("--redis-url"))
    opened: Hub = InProcessHub(lambda: hands[0]) if engine == "sqlite" else RedisHub(url, prefix)
    yield opened
    await opened.close()


@pytest.fixture
async def time_passes(
    engine: str, prefix: str, hands: list[float], request: pytest.FixtureRequest
) -> AsyncIterator[TimePasses]:
    """Bring every expiry nearer by so many seconds."""
    redis = aioredis.Redis.from_url(str(request.config.getoption("--redis-url")))

    async def pass_time(seconds: float) -> None:
        hands[0] += seconds
        if engine == "postgres":
            async for key in redis.scan_iter(match=f"{prefix}*"):
                # PEXPIRE deletes at once what would have ended already.
                await redis.pexpire(key, await redis.pttl(key) - int(seconds * 1000))

    yield pass_time
    await redis.aclose()


async def test_what_was_set_is_there(hub: Hub) -> None:
    await hub.set("a", b"\x00\xff", LONG_S)
    assert await hub.get("a") == b"\x00\xff"
    assert await hub.get("b") is None


async def test_a_later_value_replaces_an_earlier_one(hub: Hub, time_passes: TimePasses) -> None:
    await hub.set("a", b"1", SHORT_S)
    await hub.set("a", b"2", LONG_S)
    await time_passes(SHORT_S + 1)
    assert await hub.get("a") == b"2", "the first one's end must not end the second"


async def test_a_value_is_forgotten_in_time(hub: Hub, time_passes: TimePasses) -> None:
    await hub.set("a", b"1", SHORT_S)
    await time_passes(SHORT_S - 5)
    assert await hub.get("a") == b"1"
    await time_passes(6)
    assert await hub.get("a") is None


async def test_counting_starts_at_one_and_goes_on(hub: Hub) -> None:
    assert [await hub.count("a", 60) for _ in range(3)] == [1, 2, 3]
    assert await hub.count("b", 60) == 1


async def test_nobody_is_counted_twice_or_left_out(hub: Hub) -> None:
    numbers = await asyncio.gather(*(hub.count("a", 60) for _ in range(100)))
    assert sorted(numbers) == list(range(1, 101))


async def test_the_first_count_opens_the_window(hub: Hub, time_passes: TimePasses) -> None:
    """Later counts must not stretch it, or a steady caller would never be let in again."""
    assert await hub.count("a", 60) == 1
    await time_passes(40)
    assert await hub.count("a", 60) == 2
    await time_passes(21)
    assert await hub.count("a", 60) == 1


async def test_a_claim_belongs_to_one_holder(hub: Hub) -> None:
    assert await hub.claim("leader", "one", LONG_S)
    assert not await hub.claim("leader", "two", LONG_S)
    assert await hub.claim("leader", "one", LONG_S), "its holder keeps it"


async def test_one_of_twenty_gets_the_claim(hub: Hub) -> None:
    answers = await asyncio.gather(*(hub.claim("leader", str(n), LONG_S) for n in range(20)))
    assert sum(answers) == 1


async def test_claiming_again_lengthens_the_claim(hub: Hub, time_passes: TimePasses) -> None:
    await hub.claim("leader", "one", SHORT_S)
    await hub.claim("leader", "one", LONG_S)
    await time_passes(SHORT_S + 1)
    assert not await hub.claim("leader", "two", LONG_S)


async def test_many_claims_are_kept_at_once_and_none_is_made(
    hub: Hub, time_passes: TimePasses
) -> None:
    for name in ("a", "b"):
        await hub.claim(name, "one", SHORT_S)
    await hub.keep(["a", "b", "free"], LONG_S)
    await hub.keep([], LONG_S)
    await time_passes(SHORT_S + 1)
    for name in ("a", "b"):
        assert not await hub.claim(name, "two", LONG_S), name
    assert await hub.claim("free", "two", LONG_S)


async def test_a_claim_that_is_not_renewed_is_free(hub: Hub, time_passes: TimePasses) -> None:
    await hub.claim("leader", "one", SHORT_S)
    await time_passes(SHORT_S + 1)
    assert await hub.claim("leader", "two", LONG_S)
    assert not await hub.claim("leader", "one", LONG_S)


async def test_only_the_holder_releases(hub: Hub) -> None:
    await hub.claim("leader", "one", LONG_S)
    await hub.release("leader", "two")
    assert not await hub.claim("leader", "two", LONG_S)
    await hub.release("leader", "one")
    assert await hub.claim("leader", "two", LONG_S)
    await hub.release("nothing", "one")


async def test_a_lock_lasts_as_long_as_its_block(hub: Hub) -> None:
    async with hub.lock("a", ttl_s=LONG_S) as mine:
        async with hub.lock("a", ttl_s=LONG_S) as second:
            assert (mine, second) == (True, False)
        async with hub.lock("a", ttl_s=LONG_S) as third:
            assert not third, "whoever did not get it must not release it"
    async with hub.lock("a", ttl_s=LONG_S) as again:
        assert again


async def test_a_lock_is_released_by_an_error(hub: Hub) -> None:
    with pytest.raises(LookupError):
        async with hub.lock("a", ttl_s=LONG_S):
            raise LookupError
    async with hub.lock("a", ttl_s=LONG_S) as mine:
        assert mine


async def test_it_answers(hub: Hub) -> None:
    await hub.ping()


async def test_cancels_mix_up_no_answers(hub: Hub) -> None:
    """A reply that comes after a cancel must not be read as the next one's."""
    for name in "abcd":
        await hub.set(name, name.encode(), LONG_S)

    async def ask(name: str) -> tuple[str, bytes | None]:
        return name, await hub.get(name)

    for round_ in range(50):
        asked = [asyncio.create_task(ask("abcd"[n % 4])) for n in range(8)]
        for _ in range(round_ % 5):
            await asyncio.sleep(0)
        asked[round_ % 8].cancel()
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if not isinstance(answer, BaseException):
                assert answer[1] == answer[0].encode()


async def test_all_who_listen_hear_it_and_nobody_else(hub: Hub) -> None:
    async with hub.listening("a") as one, hub.listening("a") as two, hub.listening("b") as other:
        await hub.publish("a", b"\x00\xff")
        assert [await one.next(5), await two.next(5)] == [b"\x00\xff", b"\x00\xff"]
        assert await other.next(0.02) is None
        async with hub.listening("a", "b") as both:
            for channel in ("b", "c", "a"):
                await hub.publish(channel, channel.encode())
            assert [await both.next(5), await both.next(5)] == [b"b", b"a"]
    await hub.publish("a", b"nobody listens")


async def test_news_come_in_their_order_and_a_slow_listener_loses_the_oldest(hub: Hub) -> None:
    async with hub.listening("a") as slow, hub.listening("a") as quick:
        for n in range(BUFFER_MOST + 4):
            await hub.publish("a", b"%d" % n)
            assert await quick.next(5) == b"%d" % n
        heard = [await slow.next(5) for _ in range(BUFFER_MOST)]
        assert heard == [b"%d" % n for n in range(4, BUFFER_MOST + 4)]
        await hub.publish("a", b"more")
        assert await quick.next(5) == b"more"
        slow.drain()
        assert await slow.next(0.02) is None


async def test_whoever_waits_for_news_is_woken(hub: Hub) -> None:
    async with hub.listening("a") as listener:
        waiting = asyncio.create_task(listener.next(5))
        await asyncio.sleep(0)
        await hub.publish("a", b"now")
        assert await waiting == b"now"


async def test_hubs_of_two_processes_hear_each_other(
    engine: str, prefix: str, request: pytest.FixtureRequest
) -> None:
    if engine == "sqlite":
        pytest.skip("Redis only")
    url = str(request.config.getoption("--redis-url"))
    one, other = RedisHub(url, prefix), RedisHub(url, prefix)
    try:
        async with other.listening("a") as listener:
            await one.publish("a", b"1")
            assert await listener.next(5) == b"1"
    finally:
        await one.close()
        await other.close()


async def test_a_lost_connection_is_made_again_and_said(
    engine: str, prefix: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listeners are told to look for themselves, as something may have been missed."""
    if engine == "sqlite":
        pytest.skip("Redis only")
    monkeypatch.setattr("backend.hub.NEWS_AGAIN_S", 0.01)
    url = str(request.config.getoption("--redis-url"))
    hub, redis = RedisHub(url, prefix), aioredis.Redis.from_url(url)
    try:
        others = {client["id"] for client in await redis.client_list("pubsub")}
        async with hub.listening("a") as listener:
            for client in await redis.client_list("pubsub"):
                if client["id"] not in others:
                    await redis.client_kill_filter(_id=client["id"])
            assert await listener.next(5) == b""
            for _ in range(200):
                await hub.publish("a", b"again")
                if await listener.next(0.05) == b"again":
                    return
            raise AssertionError("never heard again")
    finally:
        await hub.close()
        await redis.aclose()


async def test_the_in_process_hub_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.hub.ENTRIES_MOST", 100)
    hub = InProcessHub()
    for n in range(1000):
        await hub.set(str(n), b"x", LONG_S + n)
    assert await hub.get("999") == b"x"
    assert await hub.get("0") is None, "the oldest to expire go first"
    kept = [n for n in range(1000) if await hub.get(str(n))]
    assert len(kept) == 100


async def test_hubs_with_different_prefixes_do_not_meet(
    engine: str, prefix: str, request: pytest.FixtureRequest
) -> None:
    if engine == "sqlite":
        pytest.skip("Redis only")
    url = str(request.config.getoption("--redis-url"))
    one, other = RedisHub(url, f"{prefix}one:"), RedisHub(url, f"{prefix}other:")
    try:
        await one.set("a", b"1", LONG_S)
        assert await other.get("a") is None
    finally:
        await one.close()
        await other.close()


async def test_the_settings_choose_the_hub() -> None:
    assert not open_hub(make_settings("sqlite://x")).shared
    assert open_hub(make_settings("postgres://h/d", redis_url=Secret("redis://127.0.0.1:1"))).shared
