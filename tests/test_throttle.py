"""Seats: as many of a thing at once as may be, whichever process somebody comes to."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import pytest

from backend import throttle
from backend.errors import Throttled
from backend.hub import Hub, RedisHub
from tests.test_hub import TimePasses
from tests.test_hub import hands as hands
from tests.test_hub import hub as hub
from tests.test_hub import prefix as prefix
from tests.test_hub import time_passes as time_passes

RIVALS, MOST = 20, 5


async def sit(stack: AsyncExitStack, hub: Hub, who: str = "wang") -> None:
    await stack.enter_async_context(throttle.seat(hub, "socket", who, most=MOST))


async def test_of_twenty_as_many_sit_as_there_are_seats(
    hub: Hub, time_passes: TimePasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        came = await asyncio.gather(
            *(sit(stack, hub) for _ in range(RIVALS)), return_exceptions=True
        )
        assert sum(isinstance(one, Throttled) for one in came) == RIVALS - MOST
        assert sum(one is None for one in came) == MOST
        await sit(stack, hub, "zhao")
    async with AsyncExitStack() as stack:  # all were given back
        for _ in range(MOST):
            await sit(stack, hub)
        with pytest.raises(Throttled):
            await sit(stack, hub)
    # A process that dies gives nothing back; nobody is kept out by it for long.
    async with AsyncExitStack() as dead:
        for _ in range(MOST):
            await sit(dead, hub)
        await time_passes(throttle.SEAT_S + 1)
        async with AsyncExitStack() as stack:
            await sit(stack, hub)


async def test_who_sits_longer_keeps_the_seat(
    hub: Hub, time_passes: TimePasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "SEAT_AGAIN_S", 0.01)
    kept = asyncio.Event()
    real = hub.claim

    async def claim(name: str, holder: str, ttl_s: float) -> bool:
        held = await real(name, holder, ttl_s)
        kept.set()
        return held

    monkeypatch.setattr(hub, "claim", claim)
    async with throttle.seat(hub, "socket", "wang", most=1):
        await time_passes(throttle.SEAT_S / 2)
        kept.clear()
        async with asyncio.timeout(5):
            await kept.wait()
        await time_passes(throttle.SEAT_S - 1)
        with pytest.raises(Throttled):
            async with throttle.seat(hub, "socket", "wang", most=1):
                pass


async def test_without_a_hub_nobody_is_kept_out() -> None:
    """Each process still has its own limit."""
    away = RedisHub("redis://127.0.0.1:1/0")
    async with AsyncExitStack() as stack:
        for _ in range(MOST + 1):
            await sit(stack, away)
        with contextlib.suppress(ZeroDivisionError):
            async with throttle.seat(away, "socket", "wang", most=MOST):
                raise ZeroDivisionError
    await away.close()
