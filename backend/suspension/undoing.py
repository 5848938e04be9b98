"""Taking a suspension back within ten minutes: visits restored, offers withdrawn, doors opened.

Doors stay shut until everybody is back in their place, so nobody can sit down in between. Whoever
accepted what was offered, or booked something like it meanwhile, keeps that; they are listed.
"""

from functools import partial
from typing import Any
from uuid import UUID

import structlog

from backend import audit, clock, db
from backend.booking import ahead, schedules, stopping
from backend.booking import places as booked_places
from backend.booking.models import Appointment
from backend.booking.policy import CANCELLED, EXCUSED
from backend.errors import Busy, NotFound, Problem
from backend.identity.access import Actor
from backend.suspension import places, policy
from backend.suspension.chosen import RIGHT
from backend.suspension.errors import TooLateToUndo
from backend.suspension.models import SuspendedSchedule, Suspension, SuspensionCase
from backend.suspension.policy import ACTIVE, UNDOING, UNDONE

log = structlog.get_logger()

REASON = "停诊已取消，恢复原来的预约"
RESUMED_MOST = 50


class Stays(Exception):
    """This patient's visit can't be restored, or they have something else by now."""


async def undo(actor: Actor, suspension_id: UUID) -> int:
    """Take it back; returns how many visits were restored. Repeating it changes nothing.

    Raises:
        NotFound; TooLateToUndo: more than `policy.UNDO` has passed.
    """
    row = await Suspension.get_or_none(id=suspension_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    actor.must(RIGHT, row.organization_id)
    await db.retried(partial(_begin, actor, row))
    return await carry_on(suspension_id)


async def _begin(actor: Actor, row: Suspension) -> None:
    async with db.transaction():
        # From here on no visit of this suspension ends any more: each looks at this row first.
        active = Suspension.filter(
            id=row.id, state=ACTIVE, created_at__gt=clock.now() - policy.UNDO
        )
        if await active.update(state=UNDOING, undone_by=actor.id, undone_at=clock.now()):
            await ahead.reopen(row.id)
            await audit.record(actor, "suspension.undone", entity_id=row.id)
        elif (await Suspension.get(id=row.id)).state == ACTIVE:
            raise TooLateToUndo(until=row.created_at + policy.UNDO)


async def carry_on(suspension_id: UUID) -> int:
    """Do what is left of an undoing; returns how many visits it restored. May run twice at once."""
    suspension = await Suspension.get(id=suspension_id)
    if suspension.state != UNDOING:
        return 0
    free = await _free(suspension_id)
    cases = await SuspensionCase.filter(suspension_id=suspension_id).exclude(outcome=UNDONE)
    restored = 0
    for case in sorted(cases, key=lambda case: (case.created_at, case.id)):
        try:
            restored += await db.retried(partial(_restore, suspension, case.id, free))
        except (Stays, Busy, Problem) as stays:
            log.info("suspension.case_stays", case_id=str(case.id), why=type(stays).__name__)
    await schedules.let_go(suspension.consortium_id, list(free))
    await Suspension.filter(id=suspension_id, state=UNDOING).update(state=UNDONE)
    log.info("suspension.undone", suspension_id=str(suspension_id), restored=restored)
    return restored


async def _free(suspension_id: UUID) -> set[UUID]:
    """Its schedules that no other suspension stops as well."""
    mine: Any = await SuspendedSchedule.filter(suspension_id=suspension_id).values_list(
        "schedule_id", flat=True
    )
    others: Any = await SuspendedSchedule.filter(
        schedule_id__in=list(mine), suspension__state=ACTIVE
    ).values_list("schedule_id", flat=True)
    return set(mine) - set(others)


async def _restore(suspension: Suspension, case_id: UUID, free: set[UUID]) -> int:
    """One patient, in one transaction: back in place, the offer given up. Raises Stays."""
    actor = Actor(suspension.consortium_id, "staff", suspension.undone_by)
    async with db.transaction():
        cases = SuspensionCase.filter(id=case_id).exclude(outcome=UNDONE)
        case = await cases.select_for_update(no_key=True).first()
        if case is None:
            return 0
        visit = await Appointment.get(id=case.appointment_id)
        if visit.schedule_id not in free or await _has_another(case, visit):
            raise Stays
        await _give_up(actor, case)
        place = (await booked_places.load([visit.slot_id]))[visit.slot_id]
        await stopping.restore(actor, visit, place, REASON)
        # Whoever had heard of the stop must hear of this too; `reached_by` remembers that they had.
        known = {"reached_at": None, "reached_note": ""} if case.reached_at else {}
        await SuspensionCase.filter(id=case_id).update(
            outcome=UNDONE, changed_at=clock.now(), **known
        )
    return 1


async def _give_up(actor: Actor, case: SuspensionCase) -> None:
    """Raises Stays: what was offered has been accepted."""
    if case.offer_id is None:
        return
    offer = await Appointment.get(id=case.offer_id)
    if await stopping.withdraw(actor, offer, REASON):
        return
    if (await Appointment.get(id=case.offer_id)).status not in (CANCELLED, EXCUSED):
        if policy.is_dead(offer.held_until, clock.now()):
            return
        raise Stays


async def _has_another(case: SuspensionCase, visit: Appointment) -> bool:
    """Whether something like the visit was booked since it was stopped."""
    later = (
        await Appointment.filter(patient_id=case.patient_id, created_at__gte=case.created_at)
        .exclude(status__in=(CANCELLED, EXCUSED))
        .exclude(id=case.offer_id or case.id)
    )
    if not later:
        return False
    slot_ids = [visit.slot_id, *(row.slot_id for row in later)]
    known = await places.spots_of(case.consortium_id, slot_ids)
    stopped = known[visit.slot_id]
    return any(policy.alike(stopped, known[row.slot_id]) is not None for row in later)


async def resume(consortium_id: UUID) -> int:
    """Finish undoings that were cut short. For a job."""
    rows = await Suspension.filter(consortium_id=consortium_id, state=UNDOING).limit(RESUMED_MOST)
    return sum([await carry_on(row.id) for row in rows])
