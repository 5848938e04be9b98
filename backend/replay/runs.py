"""Simulations as people see them: start one, look how far it is, cancel it, find it again.

The table is the truth for all hosts: a process that works on one writes how far it is, and stops
when the row says so. One whose process is gone is found by its `beat_at`.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import structlog
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.replay import demand
from backend.replay.comparing import Comparison
from backend.replay.errors import SimulationRunning
from backend.replay.models import Simulation
from backend.replay.running import BEAT_S, Outcome, Runner, Work
from backend.replay.simulate import Variant

log = structlog.get_logger()

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
LOST = "lost"
LOST_AFTER = timedelta(seconds=20 * BEAT_S)
KEPT = timedelta(days=90)
LATEST_MOST = 10
SWEEP_MOST = 500


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`mine`: the reader started it, so may cancel it. Instants in UTC."""

    id: UUID
    mine: bool
    from_on: date
    to_on: date
    variant: Variant
    state: str
    percent: int
    failure: str
    result: Comparison | None
    started_at: datetime
    ended_at: datetime | None


async def start(actor: Actor, runner: Runner, from_on: date, to_on: date, variant: Variant) -> UUID:
    """Begin a simulation, which goes on when this has returned.

    Raises:
        NotFound: the right is missing, or does not hold for the whole consortium.
        Malformed: the days make no sense.
        SimulationRunning, TooManySimulations.
    """
    _reader(actor)
    demand.check(actor, from_on, to_on)
    run_id = uuid4()
    with runner.place():
        try:
            await _write(actor, run_id, from_on, to_on, variant)
        except IntegrityError:
            raise SimulationRunning from None
        runner.begin(_Job(actor, run_id, from_on, to_on, variant))
    log.info("simulation.started", simulation_id=str(run_id))
    return run_id


async def _write(actor: Actor, run_id: UUID, from_on: date, to_on: date, variant: Variant) -> None:
    """Raises IntegrityError: one of this person is running."""
    now, changed = clock.now(), msgspec.to_builtins(variant)
    async with db.transaction():
        await _end_lost(Q(staff_id=actor.id))
        await Simulation.create(
            id=run_id, consortium_id=actor.consortium_id, staff_id=actor.id, from_on=from_on,
            to_on=to_on, variant=changed, state=RUNNING, started_at=now, beat_at=now,
        )  # fmt: skip
        await audit.record(
            actor, "policy.simulation_started", entity_id=run_id,
            from_on=from_on.isoformat(), to_on=to_on.isoformat(), variant=changed,
        )  # fmt: skip


class _Job(Work):
    """What a runner needs to know of one simulation."""

    def __init__(
        self, actor: Actor, run_id: UUID, from_on: date, to_on: date, variant: Variant
    ) -> None:
        self._actor, self._id, self.variant = actor, run_id, variant
        self._days = from_on, to_on

    async def read(self) -> demand.Demand:
        return await demand.read(self._actor, *self._days)

    async def beat(self, percent: int) -> bool:
        living = Simulation.filter(id=self._id, state=RUNNING)
        return bool(await living.update(percent=percent, beat_at=clock.now()))

    async def end(self, outcome: Outcome) -> None:
        found, failure = outcome.result, outcome.failure
        facts: dict[str, Any] = {"result": msgspec.to_builtins(found)} if found else {}
        async with db.transaction():
            if await _end(self._id, FAILED if failure else DONE, failure=failure, **facts):
                action = "policy.simulation_failed" if failure else "policy.simulated"
                await audit.record(self._actor, action, entity_id=self._id, failure=failure)
        log.info("simulation.ended", simulation_id=str(self._id), failure=outcome.failure)


async def _end(run_id: UUID, state: str, **facts: Any) -> bool:
    """Whether it was running until now."""
    now = clock.now()
    running = Simulation.filter(id=run_id, state=RUNNING)
    return bool(await running.update(state=state, ended_at=now, **facts))


async def show(actor: Actor, run_id: UUID) -> Run:
    """Anybody's: who may simulate may see what others have. Raises NotFound."""
    _reader(actor)
    row = await Simulation.get_or_none(id=run_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    return _run(actor, row)


async def latest(actor: Actor) -> Sequence[Run]:
    """One's own, the latest first. Raises NotFound."""
    mine = Simulation.filter(consortium_id=actor.consortium_id, staff_id=_reader(actor))
    rows = await mine.order_by("-started_at", "-id").limit(LATEST_MOST)
    return [_run(actor, row) for row in rows]


async def cancel(actor: Actor, run_id: UUID) -> bool:
    """One's own. False: it was over already. Raises NotFound."""
    row = await show(actor, run_id)
    if not row.mine:
        raise NotFound
    async with db.transaction():
        ended = await _end(run_id, CANCELLED)
        if ended:
            await audit.record(actor, "policy.simulation_cancelled", entity_id=run_id)
    return ended


async def sweep() -> int:
    """End what no process works on any more, forget what is old. Returns how many."""
    async with db.transaction():
        lost = await _end_lost(Q())
    old = Simulation.filter(ended_at__lt=clock.now() - KEPT)
    ids: list[UUID] = await old.limit(SWEEP_MOST).values_list("id", flat=True)  # type: ignore[assignment]
    return lost + await old.filter(id__in=ids).delete()


async def _end_lost(which: Q) -> int:
    """Inside a transaction."""
    since = clock.now() - LOST_AFTER
    rows = await Simulation.filter(which, state=RUNNING, beat_at__lt=since).limit(SWEEP_MOST)
    for row in rows:
        if await _end(row.id, FAILED, failure=LOST):
            system = Actor.system(row.consortium_id)
            await audit.record(system, "policy.simulation_failed", entity_id=row.id, failure=LOST)
    return len(rows)


def _reader(actor: Actor) -> UUID:
    """Who simulates. Raises NotFound."""
    demand.must(actor)
    if actor.id is None:
        raise NotFound
    return actor.id


def _run(actor: Actor, row: Simulation) -> Run:
    lost = row.state == RUNNING and row.beat_at < clock.now() - LOST_AFTER
    return Run(
        id=row.id,
        mine=row.staff_id == actor.id,
        from_on=row.from_on,
        to_on=row.to_on,
        variant=msgspec.convert(row.variant, Variant),
        state=FAILED if lost else row.state,
        percent=row.percent,
        failure=LOST if lost else row.failure,
        result=msgspec.convert(row.result, Comparison) if row.result else None,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
