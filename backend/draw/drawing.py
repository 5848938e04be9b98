"""开奖: what was announced is drawn when registration is over, and places go down the list.

Ranks are written first, in one transaction, then each place in one of its own. Whatever breaks in
between, the next run goes on where this one stopped; nobody is drawn twice.
"""

from uuid import UUID

import structlog

from backend import audit, clock, db, notices
from backend.booking import granting, places
from backend.booking.errors import (
    AlreadyBooked,
    BookingClosed,
    Restricted,
    SlotFull,
    TooManyInDepartment,
    TooManyThatDay,
)
from backend.booking.models import Schedule, Slot
from backend.booking.places import Place
from backend.booking.policy import BOOKED
from backend.booking.tickets import Ticket
from backend.booking.waitlist import joining
from backend.booking.waitlist.joining import Wish
from backend.crypto import Vault
from backend.draw.draws import ANNOUNCED, DRAWING, DRAWN, SEED_COLUMN
from backend.draw.lottery import LOST, WAITING, WON, order
from backend.draw.models import Draw, DrawEntry
from backend.errors import NotFound
from backend.identity.access import Actor, at_least, in_force
from backend.identity.models import Carer
from backend.ids import new_id

log = structlog.get_logger()

DUE_MOST = 50  # draws in one run
ROWS_A_STATEMENT = 500
LOSERS_A_TRANSACTION = 200
STANDING_BY_MOST = 200  # ranks beyond it never get what is returned
PUBLIC = "public"
WORDS = "摇号中签"
# Why somebody in front got no place: the code of the refusal.
PASSED = (AlreadyBooked, TooManyThatDay, TooManyInDepartment, Restricted, NotFound)


async def draw_due(consortium_id: UUID, vault: Vault) -> int:
    """Draw whatever is due. Returns how many draws were finished."""
    due = (
        await Draw.filter(
            consortium_id=consortium_id,
            state__in=(ANNOUNCED, DRAWING),
            closes_at__lte=clock.now(),
        )
        .order_by("closes_at", "id")
        .limit(DUE_MOST)
    )
    for draw in due:
        await _draw(draw, vault)
    return len(due)


async def _draw(draw: Draw, vault: Vault) -> None:
    actor = Actor.system(draw.consortium_id)
    await _rank(actor, draw, vault)
    slots = await _slots(draw.schedule_id)
    waiting = DrawEntry.filter(draw_id=draw.id, outcome=WAITING, rank__not_isnull=True)
    for entry in await waiting.order_by("rank"):
        if not slots:
            break
        await _give(actor, entry, slots)
    await _finish(actor, draw)


async def _rank(actor: Actor, draw: Draw, vault: Vault) -> None:
    """The order, and the seed with it: from here on nothing can be chosen any more."""
    seed = vault.open(draw.seed_sealed, bound_to=SEED_COLUMN)
    async with db.transaction():
        first = Draw.filter(id=draw.id, state=ANNOUNCED)
        places_free = sum(slot.capacity - slot.booked for slot in await _free(draw.schedule_id))
        if not await first.update(state=DRAWING, seed=seed, places=places_free):
            return  # ranked by an earlier run
        entries = await DrawEntry.filter(draw_id=draw.id, outcome=WAITING)
        by_code = {entry.code: entry for entry in entries}
        ordered = [by_code[code] for code in order(seed, by_code)]
        for rank, entry in enumerate(ordered, start=1):
            entry.rank = rank
        if ordered:
            await DrawEntry.bulk_update(ordered, ["rank"], batch_size=ROWS_A_STATEMENT)
        await audit.record(actor, "draw.ranked", entity_id=draw.id, entries=len(ordered))


async def _free(schedule_id: UUID) -> list[Slot]:
    """Public slots with room, by time. A stopped schedule has none."""
    rows = await Slot.filter(
        schedule_id=schedule_id, pool=PUBLIC, open=True, starts_at__gt=clock.now()
    ).order_by("starts_at", "id")
    return [slot for slot in rows if slot.booked < slot.capacity]


async def _slots(schedule_id: UUID) -> list[Place]:
    free = await _free(schedule_id)
    known = await places.load([slot.id for slot in free])
    return [known[slot.id] for slot in free]


async def _give(actor: Actor, entry: DrawEntry, slots: list[Place]) -> None:
    """The earliest place left; a full slot leaves `slots`."""
    while slots:
        try:
            await db.retried(lambda: _try(actor, entry, slots[0]))
        except (SlotFull, BookingClosed):
            slots.pop(0)
            continue
        except PASSED as refused:
            await DrawEntry.filter(id=entry.id, outcome=WAITING).update(
                outcome=LOST, reason=refused.code
            )
        return


async def _try(actor: Actor, entry: DrawEntry, place: Place) -> None:
    async with db.transaction():
        await _must_be_cared_for(entry.patient_id)
        ticket = _ticket(entry, place)
        await granting.give(actor, ticket, by=entry.account_id, reason=WORDS)
        mine = DrawEntry.filter(id=entry.id, outcome=WAITING)
        if not await mine.update(outcome=WON, appointment_id=ticket.id):
            raise SlotFull  # another run was quicker: nothing of this is kept


async def _must_be_cared_for(patient_id: UUID) -> None:
    """Raises NotFound: nobody could see the place, or give it back."""
    cares = Carer.filter(in_force(), patient_id=patient_id, scope__in=at_least("book"))
    if not await cares.exists():
        raise NotFound


def _ticket(entry: DrawEntry, place: Place) -> Ticket:
    return Ticket(
        id=new_id(),
        status=BOOKED,
        patient_id=entry.patient_id,
        patient_name="",
        place=place,
        policy=place.policy,
        fee_fen=place.fee_fen,
        held_until=None,
        created_at=clock.now(),
        origin="draw",
    )


async def _finish(actor: Actor, draw: Draw) -> None:
    """Who is left has lost, and waits for what is returned; what is left is released as usual."""
    schedule = await Schedule.get(id=draw.schedule_id)
    while await _lose(actor, draw, schedule):
        pass
    async with db.transaction():
        if not await Draw.filter(id=draw.id, state=DRAWING).update(
            state=DRAWN, drawn_at=clock.now()
        ):
            return
        await Schedule.filter(id=schedule.id).update(release="first")
        await audit.record(actor, "draw.drawn", entity_id=draw.id)
    log.info("draw.drawn", draw_id=str(draw.id))


async def _lose(actor: Actor, draw: Draw, schedule: Schedule) -> int:
    """The next of those who got none, in the order of the list. Returns how many."""
    rows = Draw.filter(id=draw.id)
    async with db.transaction():
        await rows.select_for_update().only("id")
        waiting = DrawEntry.filter(draw_id=draw.id, outcome=WAITING, rank__not_isnull=True)
        lost = await waiting.order_by("rank").limit(LOSERS_A_TRANSACTION)
        await DrawEntry.filter(id__in=[entry.id for entry in lost]).update(outcome=LOST)
        told = ((entry.account_id, entry.patient_id, draw.id) for entry in lost)
        await notices.leave_each(actor.consortium_id, "draw_lost", told)
        standing_by = [entry for entry in lost if (entry.rank or 0) <= STANDING_BY_MOST]
        await joining.enlist(
            actor,
            _wish(schedule),
            [(entry.patient_id, entry.account_id) for entry in standing_by],
        )
    return len(lost)


def _wish(schedule: Schedule) -> Wish:
    """Just this schedule."""
    return Wish(
        department_id=schedule.department_id,
        practitioner_id=schedule.practitioner_id,
        from_on=schedule.held_on,
        to_on=schedule.held_on,
        periods=(schedule.period,),
        kind=schedule.kind,
    )
