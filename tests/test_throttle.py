"""Seats: as many of a thing at once as may be, whichever process somebody comes to."""

import asyncio
import contextlib
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from backend import throttle
from backend.errors import Throttled
from backend.hub import Hub, RedisHub
from backend.throttle import Seats
from tests.test_hub import TimePasses
from tests.test_hub import hands as hands
from tests.test_hub import hub as hub
from tests.test_hub import prefix as prefix
from tests.test_hub import time_passes as time_passes

RIVALS, MOST = 20, 5
MANY = 450  # more than are kept by one question


async def sit(stack: AsyncExitStack, seats: Seats, who: str = "wang") -> None:
    await stack.enter_async_context(seats.taken(who))


async def test_of_twenty_as_many_sit_as_there_are_seats(
    hub: Hub, time_passes: TimePasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    seats = Seats(hub, "socket", most=MOST)
    async with AsyncExitStack() as stack:
        processes = [Seats(hub, "socket", most=MOST) for _ in range(RIVALS)]
        came = await asyncio.gather(*(sit(stack, one) for one in processes), return_exceptions=True)
        assert sum(isinstance(one, Throttled) for one in came) == RIVALS - MOST
        assert sum(one is None for one in came) == MOST
        await sit(stack, seats, "zhao")
    async with AsyncExitStack() as stack:  # all were given back
        for _ in range(MOST):
            await sit(stack, seats)
        with pytest.raises(Throttled):
            await sit(stack, seats)
    # A process that dies gives nothing back; nobody is kept out by it for long.
    async with AsyncExitStack() as dead:
        for _ in range(MOST):
            await sit(dead, seats)
        await time_passes(throttle.SEAT_S + 1)
        async with AsyncExitStack() as stack:
            await sit(stack, seats)


async def test_who_sits_longer_keeps_the_seat_and_all_are_kept_in_one_go(
    hub: Hub, time_passes: TimePasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "SEAT_AGAIN_S", 0.01)
    kept, asked = asyncio.Event(), Counter[str]()
    for verb in ("claim", "keep"):
        real = getattr(hub, verb)

        async def counted(*said: Any, verb: str = verb, real: Any = real) -> Any:
            answer = await real(*said)
            asked[verb] += 1
            if verb == "keep":
                kept.set()
            return answer

        monkeypatch.setattr(hub, verb, counted)
    seats = Seats(hub, "socket", most=1)
    people = [f"zhao-{number}" for number in range(MANY)]
    async with AsyncExitStack() as stack:
        for who in people:
            await stack.enter_async_context(seats.taken(who))
        assert asked["claim"] == MANY
        asked.clear()
        await time_passes(throttle.SEAT_S / 2)
        for _ in range(2):  # the first may have begun before
            kept.clear()
            async with asyncio.timeout(60):
                await kept.wait()
        await time_passes(throttle.SEAT_S - 1)
        assert not asked["claim"]
        other = Seats(hub, "socket", most=1)
        for who in (people[0], people[-1]):
            with pytest.raises(Throttled):
                async with other.taken(who):
                    pass


async def test_without_a_hub_nobody_is_kept_out() -> None:
    """Each process still has its own limit."""
    away = RedisHub("redis://127.0.0.1:1/0")
    seats = Seats(away, "socket", most=MOST)
    async with AsyncExitStack() as stack:
        for _ in range(MOST + 1):
            await sit(stack, seats)
        with contextlib.suppress(ZeroDivisionError):
            async with seats.taken("wang"):
                raise ZeroDivisionError
    await away.close()
