"""爽约 and the end of the day: nobody stays `booked` or in a line for ever."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import structlog

from backend import clock, db
from backend.booking import standing
from backend.booking.models import Appointment, Schedule
from backend.booking.policies import policies
from backend.booking.policy import BOOKED, CALLED, CHECKED_IN, FULFILLED, NO_SHOW
from backend.clinic import line
from backend.clinic.models import QueueEntry
from backend.clinic.policy import STATES, sources
from backend.consortium.directory import directory
from backend.identity.access import Actor

log = structlog.get_logger()

BACK = timedelta(days=3)  # a job that was away for longer leaves the rest to people
SCHEDULES_MOST = 500  # a tick
PEOPLE_MOST = 200  # of one schedule in one transaction; the next tick does the rest
CLOSES = time(23, 30)
UNSEEN = "当天没有叫到或没有点“完成”，系统在 23:30 收尾"


async def mark(consortium_id: UUID) -> int:
    """Whoever never came by the schedule's end did not show up. Returns how many.

    A suspended schedule yields none: whoever was told not to come is no no-show.
    """
    now = clock.now()
    total = 0
    for schedule_id in await _with(consortium_id, (BOOKED,), ends_before=now):
        total += await _mark(consortium_id, schedule_id)
    return total


async def close(consortium_id: UUID) -> int:
    """At 23:30 end what is still in a line: they were there, so the visit counts as kept."""
    today = clock.today()
    if clock.now() < clock.at(today, CLOSES):
        today -= timedelta(days=1)
    ends_before = clock.at(today + timedelta(days=1), time(0))
    total = 0
    for schedule_id in await _with(consortium_id, (CHECKED_IN, CALLED), ends_before=ends_before):
        total += await _close(consortium_id, schedule_id)
    return total


async def _with(
    consortium_id: UUID, statuses: tuple[str, ...], *, ends_before: datetime
) -> list[UUID]:
    """Schedules of the last days with appointments in one of the states."""
    rows = await db.fetch(
        "SELECT s.id FROM schedule s WHERE s.consortium_id = $1 AND s.held_on >= $2"
        " AND s.held_on <= $3 AND s.ends_at <= $4 AND EXISTS (SELECT 1 FROM appointment a"
        f" WHERE a.schedule_id = s.id AND {db.among('a.status', '$5', 'text')})"
        " ORDER BY s.starts_at, s.id LIMIT $6",
        consortium_id,
        clock.today() - BACK,
        clock.today(),
        ends_before,
        list(statuses),
        SCHEDULES_MOST,
    )
    return [db.as_uuid(row["id"]) for row in rows]


async def _mark(consortium_id: UUID, schedule_id: UUID) -> int:
    actor = Actor.system(consortium_id)
    table, county = await policies(consortium_id), await directory(consortium_id)

    async def attempt() -> int:
        done = 0
        async with db.transaction():
            # Under the lock that a suspension needs too: either it is first, or it is too late.
            open_ = Schedule.filter(id=schedule_id, status="open", ends_at__lte=clock.now())
            if not await open_.select_for_update(no_key=True):
                return 0
            for row in await _people(schedule_id, (BOOKED,)):
                if not await _to(row, (BOOKED,), NO_SHOW):
                    continue
                await line.write_down(
                    actor, row, "no_show", BOOKED, NO_SHOW, reason="班次结束时没有签到"
                )
                org = county.organizations.get(row.organization_id)
                rules = table.version(row.policy_version, org.tier if org else "county")
                await standing.review(consortium_id, row.patient_id, rules)
                done += 1
        return done

    marked = await db.retried(attempt)
    if marked:
        log.info("noshows.marked", schedule_id=str(schedule_id), appointments=marked)
    return marked


async def _close(consortium_id: UUID, schedule_id: UUID) -> int:
    actor = Actor.system(consortium_id)

    async def attempt() -> int:
        done = 0
        async with db.transaction():
            for row in await _people(schedule_id, (CHECKED_IN, CALLED)):
                if await _to(row, (CHECKED_IN, CALLED), FULFILLED):
                    await line.write_down(actor, row, "close", row.status, FULFILLED, reason=UNSEEN)
                    done += 1
            for state in sources("close"):
                mine = QueueEntry.filter(schedule_id=schedule_id, state=state)
                await mine.update(state=STATES[state].exits["close"], ended_at=clock.now())
        return done

    return await db.retried(attempt)


async def _people(schedule_id: UUID, statuses: tuple[str, ...]) -> list[Appointment]:
    wanted = Appointment.filter(schedule_id=schedule_id, status__in=statuses)
    return await wanted.order_by("id").limit(PEOPLE_MOST)


async def _to(row: Appointment, before: tuple[str, ...], after: str) -> bool:
    facts: dict[str, Any] = {"status": after, "changed_at": clock.now()}
    return bool(await Appointment.filter(id=row.id, status__in=before).update(**facts))
