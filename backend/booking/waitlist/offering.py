"""A place that came back is offered to the first in line whom it fits, in the same transaction.

So nobody from the public can take it in between: the count of the slot goes down and up again
before anybody else sees it. Everybody who was passed finds the reason among their events.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from tortoise.expressions import F, Q

from backend import clock
from backend.booking import granting, lapsing, places
from backend.booking import policy as booking_rules
from backend.booking.models import Appointment, Slot
from backend.booking.places import Place
from backend.booking.waitlist import diary, line
from backend.booking.waitlist import policy as rules
from backend.booking.waitlist.line import Standing
from backend.booking.waitlist.models import WaitlistEntry, WaitlistEvent
from backend.identity.access import Actor
from backend.ids import new_id

log = structlog.get_logger()

PLACES_MOST = 1000  # looked at in one go; what is beyond goes to the public


async def offer(slot_ids: Iterable[UUID]) -> None:
    """Offer places that are free now, one for each time a slot is named, to those in line.

    Inside the caller's transaction, right after the count of the slot was changed. Where nobody
    waits it is one look. A place that nobody takes up goes to the public.
    """
    free = deque(sorted(slot_ids, key=str))
    wanted = await line.wanted(free)
    for _ in range(PLACES_MOST):
        if not free:
            return
        slot_id = free.popleft()
        if slot_id not in wanted:
            continue
        back = await _offer_one(slot_id)
        wanted |= await line.wanted(back)
        free.extend(back)
    log.warning("waitlist.too_many_places", left=len(free))


async def _offer_one(slot_id: UUID) -> list[UUID]:
    """Returns slots that got places back, because a dead hold of the one in line was ended."""
    place = await places.fresh(slot_id)
    until = _until(place)
    if until is None:
        return []
    passed: list[tuple[Standing, str]] = []
    now = clock.now()
    for group in await line.of(place):
        reason = next((why for one in group if (why := one.against(place.policy))), None)
        at = [] if reason else await _places_for(place, len(group))
        if not reason and len(at) < len(group):
            reason = rules.TOO_FEW
        if reason:
            passed += [(one, reason) for one in group]
            continue
        if await _still_waiting(group):
            back = await lapsing.lapse(Q(patient_id__in=[one.patient_id for one in group]))
            offered = await _hold(group, at, until, len(passed), now)
            await _tell_passed(place, passed, offered[0].id, now)
            return back
        passed += [(one, rules.ELSEWHERE) for one in group]
    await _tell_passed(place, passed, None, now)
    return []


def _until(place: Place) -> datetime | None:
    """Until when the place would be kept; None: it is not, or no longer, on offer."""
    now = clock.now()
    closes_at = booking_rules.closes_at(place.policy, place.starts_at)
    if now < booking_rules.opens_at(place.policy, place.held_on) or now >= closes_at:
        return None
    return rules.offer_until(place.policy, now=now, closes_at=closes_at)


async def _places_for(place: Place, wanted: int) -> list[Place]:
    """So many places in the schedule, this one first; fewer where there are not as many.

    Slots that somebody else is changing right now are left out: waiting for them, in whatever order
    they come, would be a deadlock.
    """
    if wanted == 1:
        return [place]
    rows = (
        await Slot.filter(schedule_id=place.schedule_id, pool=place.pool, open=True)
        .order_by("starts_at", "id")
        .select_for_update(skip_locked=True, no_key=True)
    )
    rows.sort(key=lambda slot: (slot.id != place.slot_id, slot.starts_at))
    soonest = clock.now() + place.policy.closes_min * booking_rules.MINUTE + rules.LEAST
    found: list[Place] = []
    for slot in rows:
        if slot.id == place.slot_id or slot.starts_at > soonest:
            found += [await places.fresh(slot.id)] * (slot.capacity - slot.booked)
    return found[:wanted]


async def _still_waiting(group: Sequence[Standing]) -> bool:
    """Move the whole group from waiting to offered, or none of it."""
    ids = [one.entry_id for one in group]
    # Locked in one order; whoever left or got another offer meanwhile is seen after.
    rows = await WaitlistEntry.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
    if any(row.state != rules.WAITING for row in rows):
        return False
    await WaitlistEntry.filter(id__in=ids).update(
        state=rules.OFFERED, offers=F("offers") + 1, changed_at=clock.now()
    )
    return True


async def _hold(
    group: Sequence[Standing],
    at: Sequence[Place],
    until: datetime,
    ahead: int,
    now: datetime,
) -> list[Appointment]:
    held = []
    for one, place in zip(group, at, strict=True):
        actor = Actor.system(place.consortium_id)
        closes_at = booking_rules.closes_at(place.policy, place.starts_at)
        appointment = await granting.hold(
            actor,
            place,
            patient_id=one.patient_id,
            account_id=one.account_id,
            until=min(until, closes_at),
            origin="waitlist",
            reason="您在候补的号有了",
        )
        entry = await WaitlistEntry.get(id=one.entry_id)
        await WaitlistEntry.filter(id=entry.id).update(appointment_id=appointment.id)
        await diary.write_down(
            actor, entry, "offer", appointment_id=appointment.id, slot_id=place.slot_id,
            ahead=ahead, at=now,
        )  # fmt: skip
        held.append(appointment)
    return held


async def _tell_passed(
    place: Place,
    passed: Sequence[tuple[Standing, str]],
    appointment_id: UUID | None,
    now: datetime,
) -> None:
    """`appointment_id`: the offer that somebody behind them got; None: nobody did."""
    await WaitlistEvent.bulk_create(
        WaitlistEvent(
            id=new_id(),
            consortium_id=place.consortium_id,
            entry_id=one.entry_id,
            at=now,
            actor_kind="system",
            action="pass",
            appointment_id=appointment_id,
            slot_id=place.slot_id,
            ahead=number,
            reason=reason,
        )
        for number, (one, reason) in enumerate(passed)
    )
