"""号源回流: what a pool did not use moves on when its time has come, at last to the public.

One transaction for each schedule, in which all its slots are locked. Nothing is lost and nothing
made: a time range has as many places afterwards as before, and booked ones stay where they are.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from tortoise.expressions import F, Q

from backend import audit, clock, db
from backend.booking import granting, holds, pools
from backend.booking.models import PoolReturn, Schedule, Slot
from backend.booking.policies import policies
from backend.booking.policy import Policy, closes_at
from backend.booking.pool_rules import pool_rules
from backend.booking.pools import RETURNS_DAYS, Rule
from backend.booking.schedules import a_slot
from backend.booking.waitlist import offering
from backend.errors import Busy
from backend.identity.access import Actor
from backend.ids import new_id

log = structlog.get_logger()

PAGE = 500  # schedules and pools looked at together

# Pools of schedules with unused places, a row each, after ($5, $6, $7). $1 consortium, $2 now, $3
# first day, $4 last, $8 how many.
UNUSED = """
SELECT s.id, s.organization_id, o.tier, s.kind, s.held_on, sl.pool
FROM schedule s JOIN organization o ON o.id = s.organization_id
JOIN slot sl ON sl.schedule_id = s.id
WHERE s.consortium_id = $1 AND s.held_on BETWEEN $3 AND $4 AND s.status = 'open'
  AND sl.pool <> 'public' AND sl.open AND sl.booked < sl.capacity AND sl.starts_at > $2
  AND (s.held_on, s.id, sl.pool) > ($5, $6, $7)
GROUP BY s.id, s.organization_id, o.tier, s.kind, s.held_on, sl.pool
ORDER BY s.held_on, s.id, sl.pool LIMIT $8
"""


@dataclass(slots=True)
class _Due:
    """A schedule whose pools' time has come. `to`: where each of them flows."""

    schedule_id: UUID
    policy: Policy
    to: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Step:
    """Unused places of one slot, and where they go."""

    source: Slot
    target: Slot
    places: int


async def flow_back(consortium_id: UUID) -> int:
    """Move what is due. May run twice: what has moved is not there to move again.

    Returns how many places moved.
    """
    due: dict[UUID, _Due] = {}
    async for row in _unused(consortium_id):
        await _judge(consortium_id, row, due)
    moved = 0
    for one in due.values():
        moved += await db.retried(partial(_move, consortium_id, one))
    return moved


async def _unused(consortium_id: UUID) -> AsyncIterator[db.Row]:
    today = clock.today()
    table = await pool_rules(consortium_id)
    ahead = max([RETURNS_DAYS, *(rule.returns_days for rule in table.all)])
    after: tuple[Any, ...] = (date.min, UUID(int=0), "")
    while True:
        rows = await db.fetch(
            UNUSED, consortium_id, clock.now(), today, today + timedelta(days=ahead), *after, PAGE
        )
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        last = rows[-1]
        after = (db.as_date(last["held_on"]), db.as_uuid(last["id"]), last["pool"])


async def _judge(consortium_id: UUID, row: db.Row, due: dict[UUID, _Due]) -> None:
    """Note the pool of a schedule if its time has come."""
    organization_id, on = db.as_uuid(row["organization_id"]), db.as_date(row["held_on"])
    facts = (organization_id, row["tier"], row["kind"], on)
    policy = (await policies(consortium_id)).pick(*facts)
    pool = row["pool"]
    rules: dict[str, Rule] = {pool: pools.leftover(pool, policy)}
    rules |= (await pool_rules(consortium_id)).pick(*facts, policy)
    if pools.returns_at(rules[pool], on) <= clock.now():
        schedule_id = db.as_uuid(row["id"])
        to = pools.destination(rules, pool, on, clock.now())
        due.setdefault(schedule_id, _Due(schedule_id, policy)).to[pool] = to


async def _move(consortium_id: UUID, due: _Due) -> int:
    """One schedule, in one transaction."""
    schedule, now = await Schedule.get(id=due.schedule_id), clock.now()
    async with db.transaction():
        await _make_targets(schedule, due, now)
        # Shut ones stay as they are: whoever suspends the schedule comes before or after.
        slots = Slot.filter(schedule_id=schedule.id, starts_at__gt=now, open=True).order_by("id")
        await granting.freeze([slot.id for slot in await slots])
        await holds.end_dead(Q(slot__schedule_id=schedule.id, slot__pool__in=list(due.to)))
        steps = list(_steps(await slots, due))
        if not steps:
            return 0
        await _take(steps)
        await _note(consortium_id, schedule, due.policy, steps)
        # Whoever waits comes before the public here too.
        await offering.offer(step.target.id for step in steps for _ in range(step.places))
    places = sum(step.places for step in steps)
    log.info("pool.returned", schedule_id=str(due.schedule_id), places=places)
    return places


async def _make_targets(schedule: Schedule, due: _Due, now: datetime) -> None:
    """Slots to flow into, with no places yet, where there are none."""
    there = await Slot.filter(schedule_id=schedule.id, starts_at__gt=now)
    known = {(slot.pool, slot.starts_at) for slot in there}
    missing = [
        a_slot(schedule, due.to[slot.pool], slot.starts_at, slot.ends_at - slot.starts_at, 0)
        for slot in there
        if slot.pool in due.to and (due.to[slot.pool], slot.starts_at) not in known
    ]
    await Slot.bulk_create(missing, ignore_conflicts=True)


def _steps(slots: list[Slot], due: _Due) -> Iterator[_Step]:
    by_time = {(slot.pool, slot.starts_at): slot for slot in slots}
    for slot in slots:
        places = slot.capacity - slot.booked
        target = by_time.get((due.to.get(slot.pool, ""), slot.starts_at))
        if target is not None and places > 0:
            yield _Step(slot, target, places)


async def _take(steps: list[_Step]) -> None:
    """Lower there and raise here, in few statements: a county has a thousand schedules a day."""
    unused = Slot.filter(id__in=[step.source.id for step in steps], open=True)
    if await unused.filter(booked__lt=F("capacity")).update(capacity=F("booked")) != len(steps):
        raise Busy  # they are locked, so this is never seen; the next run does the work
    more = Counter[UUID]()
    for step in steps:
        more[step.target.id] += step.places
    for places in sorted(set(more.values())):
        targets = [slot_id for slot_id, count in more.items() if count == places]
        await Slot.filter(id__in=targets).update(capacity=F("capacity") + places)


async def _note(
    consortium_id: UUID, schedule: Schedule, policy: Policy, steps: list[_Step]
) -> None:
    now = clock.now()
    await PoolReturn.bulk_create(
        PoolReturn(
            id=new_id(),
            consortium_id=consortium_id,
            schedule=schedule,
            from_slot_id=step.source.id,
            to_slot_id=step.target.id,
            places=step.places,
            in_time=now < closes_at(policy, step.source.starts_at),
            at=now,
        )
        for step in steps
    )
    moved = Counter[str]()
    for step in steps:
        moved[f"{step.source.pool} {step.target.pool}"] += step.places
    actor = Actor.system(consortium_id)
    await audit.record(actor, "pool.returned", entity_id=schedule.id, places=dict(moved))
