"""停诊 in one action.

A suspension is written down first, as an intent; then its doors are shut; then each patient's visit
is ended with another place held for them, in a transaction of its own. Whatever is cut short is
finished by `carry_on`, which a job repeats, so nobody is dropped and nothing is done twice.
"""

import math
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import structlog

from backend import audit, clock, db
from backend.booking import ahead, offers, schedules, stopping
from backend.booking import places as booked_places
from backend.booking.models import Appointment, Schedule
from backend.booking.places import Place
from backend.booking.policy import stopped_hold_until
from backend.consortium.directory import directory
from backend.errors import Busy, Problem
from backend.identity.access import Actor
from backend.ids import new_id
from backend.suspension import plans
from backend.suspension.chosen import RIGHT, Chosen, Targets, targets
from backend.suspension.errors import NothingToStop
from backend.suspension.models import SuspendedSchedule, Suspension, SuspensionCase
from backend.suspension.policy import ACTIVE, NONE, OFFERED, Option

log = structlog.get_logger()

OFFER_REASON = "原来约的号停诊了"
VISITS_A_ROUND = 500
ROUNDS_MOST = 10
UNHURRIED_S = 600.0
FRESH = timedelta(days=2)  # how long the job looks after a suspension
RESUMED_MOST = 50  # suspensions a run of the job


async def suspend(
    actor: Actor, key: UUID, chosen: Chosen, *, reason: str, within_s: float = UNHURRIED_S
) -> list[UUID]:
    """Stop schedules, end every visit in them, and hold another place for each patient.

    `key` makes it one action however often it is sent: the suspensions' ids, one for each
    institution, follow from it. Returns them when everything is done, or after `within_s` seconds:
    then the job does the rest.

    Raises:
        NotFound, NothingToStop, TooMuchAtOnce.
    """
    begun = await begin(actor, key, chosen, reason=reason)
    ends = time.monotonic() + within_s
    for suspension_id in begun:
        await carry_on(suspension_id, ends=ends)
    return begun


async def begin(actor: Actor, key: UUID, chosen: Chosen, *, reason: str) -> list[UUID]:
    """Write the suspensions down and shut their doors; `carry_on` does the rest."""
    try:
        found = await targets(actor, chosen)
    except NothingToStop:
        before = await _begun_before(actor, key)
        if before:  # days that were not published, closed by the same action
            return before
        raise
    ids = []
    for organization_id, some in found.by_organization().items():
        suspension_id = uuid5(key, str(organization_id))
        row = Suspension(
            id=suspension_id,
            consortium_id=actor.consortium_id,
            organization_id=organization_id,
            state=ACTIVE,
            reason=reason,
            created_by=actor.id,
            created_at=clock.now(),
        )
        await db.retried(partial(_write, actor, row, some, chosen.practitioner_id))
        ids.append(suspension_id)
    await schedules.stop([row.id for row in found.schedules])
    log.info("suspension.begun", suspension_ids=[str(id) for id in ids])
    return ids


async def _begun_before(actor: Actor, key: UUID) -> list[UUID]:
    places = (await directory(actor.consortium_id)).organizations
    ids = [uuid5(key, str(place)) for place in places if actor.may(RIGHT, place)]
    found: Any = await Suspension.filter(id__in=ids).values_list("id", flat=True)
    return list(found)


async def _write(
    actor: Actor, row: Suspension, some: Targets, practitioner_id: UUID | None
) -> None:
    async with db.transaction():
        if await Suspension.filter(id=row.id).exists():
            return
        await row.save(force_create=True)
        await SuspendedSchedule.bulk_create(
            SuspendedSchedule(id=new_id(), suspension_id=row.id, schedule_id=one.id)
            for one in some.schedules
        )
        if practitioner_id is not None:
            await ahead.close(
                row.consortium_id, practitioner_id, some.ahead, by=row.id, reason=row.reason
            )
        await audit.record(
            actor, "suspension.begun", entity_id=row.id,
            schedules=[str(one.id) for one in some.schedules],
            ahead=[f"{day.held_on} {day.period}" for day in some.ahead],
        )  # fmt: skip


async def carry_on(suspension_id: UUID, *, ends: float = math.inf) -> int:
    """Do what is left of a suspension; returns how many visits it ended. May run twice at once.

    `ends`: when to leave the rest to the next run, by `time.monotonic`.
    """
    suspension = await Suspension.get(id=suspension_id)
    if suspension.state != ACTIVE:
        return 0
    ids: Any = await SuspendedSchedule.filter(suspension_id=suspension_id).values_list(
        "schedule_id", flat=True
    )
    stopped = await Schedule.filter(id__in=list(ids))
    await schedules.stop([row.id for row in stopped])
    total = 0
    for _ in range(ROUNDS_MOST):
        visits = await stopping.living([row.id for row in stopped], most=VISITS_A_ROUND)
        if not visits or time.monotonic() >= ends:
            break
        total += await _end_all(suspension, visits, stopped, ends)
    log.info("suspension.carried_on", suspension_id=str(suspension_id), ended=total)
    return total


async def _end_all(
    suspension: Suspension,
    visits: Sequence[Appointment],
    stopped: Sequence[Schedule],
    ends: float,
) -> int:
    planned = await plans.plan(visits, stopped)
    known = await booked_places.load(
        {option.spot.slot_id for options in planned.values() for option in options}
    )
    ended = 0
    for visit in visits:
        if time.monotonic() >= ends:
            break
        candidates = [(option, known[option.spot.slot_id]) for option in planned.get(visit.id, ())]
        try:
            ended += await db.retried(partial(_end, suspension, visit, candidates))
        except Busy:  # lost every race: looked at again in the next round
            log.warning("suspension.visit_left", appointment_id=str(visit.id))
    return ended


Candidates = Sequence[tuple[Option, Place]]


async def _end(suspension: Suspension, visit: Appointment, candidates: Candidates) -> int:
    """One patient, in one transaction: the visit ends, the case begins, another place is held."""
    actor = Actor(suspension.consortium_id, "staff", suspension.created_by)
    async with db.transaction():
        # Whoever undoes it waits for this row, or is found here to have been quicker.
        still = Suspension.filter(id=suspension.id, state=ACTIVE)
        if await still.select_for_update(no_key=True).first() is None:
            return 0
        if not await stopping.stop(actor, visit, suspension.reason):
            return 0
        if plans.is_owed(visit):
            offer = await _hold(actor, visit, candidates)
            await _open_case(suspension, visit, offer)
    return 1


async def _hold(actor: Actor, visit: Appointment, candidates: Candidates) -> Appointment | None:
    """Hold the first candidate that is still to be had."""
    for option, place in candidates:
        until = stopped_hold_until(option.policy, starts_at=place.starts_at, now=clock.now())
        try:
            return await offers.hold(
                actor,
                place,
                patient_id=visit.patient_id,
                account_id=visit.account_id,
                until=until,
                origin="suspension",
                reason=OFFER_REASON,
            )
        except Problem:  # somebody else has it by now, or a limit stands against it
            continue
    return None


async def _open_case(suspension: Suspension, visit: Appointment, offer: Appointment | None) -> None:
    now = clock.now()
    await SuspensionCase.create(
        id=new_id(),
        consortium_id=suspension.consortium_id,
        suspension_id=suspension.id,
        appointment_id=visit.id,
        patient_id=visit.patient_id,
        offer_id=offer.id if offer else None,
        outcome=OFFERED if offer else NONE,
        created_at=now,
        changed_at=now,
    )


# --- what was cut short ---------------------------------------------------------------------------

UNFINISHED = """
SELECT DISTINCT u.id FROM suspension u
JOIN suspended_schedule d ON d.suspension_id = u.id JOIN schedule s ON s.id = d.schedule_id
WHERE u.consortium_id = $1 AND u.created_at > $2 AND u.state = 'active'
  AND s.ends_at > $3 AND (s.status <> 'stopped' OR EXISTS (
    SELECT 1 FROM appointment a WHERE a.schedule_id = s.id
    AND (a.status = 'booked' OR a.status = 'pending' AND a.held_until > $3)))
LIMIT $4
"""


async def resume(consortium_id: UUID) -> int:
    """Finish suspensions that were cut short; returns how many visits that ended. For a job."""
    now = clock.now()
    rows = await db.fetch(UNFINISHED, consortium_id, now - FRESH, now, RESUMED_MOST)
    return sum([await carry_on(db.as_uuid(row["id"])) for row in rows])
