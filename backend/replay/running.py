"""Replays under way in this process: a few at once, each with an end, all stopped with it.

A replay works in a thread, which gives way to those who serve; a task watches it, says how far it
is, and stops it when it is not wanted any more.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Protocol

import msgspec
import structlog

from backend.errors import Busy, Malformed
from backend.replay.comparing import Comparison, compare
from backend.replay.demand import SEED, Demand
from backend.replay.errors import TooManySimulations
from backend.replay.simulate import TooLong, Variant, Watch

log = structlog.get_logger()

AT_ONCE = 2  # in one process
BEAT_S = 1.0
RUN_MOST_S = 120.0  # with reading; each replay has SECONDS_MOST of its own
STOP_S = 5.0
TOO_LONG, TOO_MUCH, STOPPED, BROKEN = "too_long", "too_much", "stopped", "broken"


class Outcome(msgspec.Struct, frozen=True):
    """A result, or why there is none."""

    result: Comparison | None = None
    failure: str = ""


class Work(Protocol):
    """One simulation, to whoever runs it."""

    variant: Variant

    async def read(self) -> Demand:
        """Raises Malformed: more than can be replayed at once."""
        ...

    async def beat(self, percent: int) -> bool:
        """Say how far it is. False: nobody wants it any more."""
        ...

    async def end(self, outcome: Outcome) -> None: ...


class Runner:
    """One for a process; closed before the database is."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Room for one more, kept while its row is written. Raises TooManySimulations."""
        if len(self._tasks) + self._coming >= AT_ONCE:
            raise TooManySimulations
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def begin(self, work: Work) -> None:
        task = asyncio.create_task(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is under way; each says so in its row."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)


async def _run(work: Work) -> None:
    watch = Watch()
    try:
        async with asyncio.timeout(RUN_MOST_S):
            found = await _replayed(work, watch)
        if found is not None:
            await work.end(Outcome(found))
    except (TooLong, TimeoutError):
        await work.end(Outcome(failure=TOO_LONG))
    except Malformed:
        await work.end(Outcome(failure=TOO_MUCH))
    except asyncio.CancelledError:
        await work.end(Outcome(failure=STOPPED))
        raise
    except Exception:
        log.exception("simulation.failed")
        await work.end(Outcome(failure=BROKEN))
    finally:
        watch.stop()


async def _replayed(work: Work, watch: Watch) -> Comparison | None:
    """None: it was cancelled meanwhile, here or on another host."""
    demand = await work.read()
    most = 2 * len(demand.asks) or 1
    thread = asyncio.create_task(
        asyncio.to_thread(compare, demand.offers, demand.asks, work.variant, seed=SEED, watch=watch)
    )
    while not thread.done():
        await asyncio.wait({thread}, timeout=BEAT_S)
        if not thread.done() and not await _wanted(work, min(99, 100 * watch.steps // most)):
            watch.stop()
            with contextlib.suppress(TooLong):
                await thread
            return None
    return await thread


async def _wanted(work: Work, percent: int) -> bool:
    """A database that does not answer just now is asked again at the next beat."""
    try:
        return await work.beat(percent)
    except Busy:
        return True
