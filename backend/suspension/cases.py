"""Nobody is dropped: each patient's case, who has been reached, and how to reach the others."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import places as booked_places
from backend.booking.models import Appointment
from backend.booking.places import Place
from backend.booking.tickets import Ticket
from backend.crypto import Vault
from backend.errors import NotFound
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name, mask_phone
from backend.identity.phones import Number, numbers
from backend.suspension import policy
from backend.suspension.chosen import RIGHT
from backend.suspension.models import Suspension, SuspensionCase

SHOWN_MOST = 500
LOOKED_BACK = timedelta(days=90)
HOW = ("phone", "visit", "other")  # how staff reached somebody


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A patient whose visit was stopped. `outcome`: see `policy.outcome`.

    `phone` is masked; None: nobody has left one. `reached_by` without `reached_at`: they know of
    the stop, and not yet that it was taken back.
    """

    id: UUID
    suspension_id: UUID
    patient_name: str
    phone: str | None
    visit: Place
    offer: Place | None
    held_until: datetime | None
    outcome: str
    reached_at: datetime | None
    reached_by: str
    reached_note: str

    @property
    def waiting(self) -> bool:
        """Whether somebody must still tell them."""
        known = self.outcome == policy.UNDONE and not self.reached_by
        return self.reached_at is None and not known


async def opened(actor: Actor, ticket: Ticket) -> UUID | None:
    """A resident looks at an appointment: a stopped visit, or what is offered instead, reaches
    them by that. Returns the appointment that is offered instead of this one."""
    if ticket.cancelled_by != "provider" and ticket.origin != "suspension":
        return None
    cases = SuspensionCase.filter(
        Q(appointment_id=ticket.id) | Q(offer_id=ticket.id), patient_id=ticket.patient_id
    ).exclude(outcome=policy.UNDONE)
    await cases.filter(reached_at=None).update(
        reached_at=clock.now(), reached_by="inbox", changed_at=clock.now()
    )
    latest = await cases.filter(appointment_id=ticket.id).order_by("-created_at", "-id").first()
    return latest.offer_id if latest is not None else None


async def reach(actor: Actor, case_id: UUID, how: str, note: str) -> UUID:
    """Staff have told the patient, `how` is one of `HOW`. Who told first stays written down.

    Returns the suspension. Raises NotFound.
    """
    case = await _case(actor, case_id)
    async with db.transaction():
        waiting = SuspensionCase.filter(id=case.id, reached_at=None)
        if await waiting.update(
            reached_at=clock.now(), reached_by=how, reached_note=note, changed_at=clock.now()
        ):
            await audit.record(
                actor, "suspension.reached", entity_id=case.id, patient_ids=[case.patient_id]
            )
    return UUID(str(case.suspension_id))


async def reveal(actor: Actor, vault: Vault, case_id: UUID) -> list[Number]:
    """The phones of a patient and their carers, to call them; audited. Raises NotFound."""
    case = await _case(actor, case_id)
    async with db.transaction():
        await audit.record(
            actor, "suspension.phone_shown", entity_id=case.id, patient_ids=[case.patient_id]
        )
    return (await numbers(vault, [case.patient_id]))[case.patient_id]


async def _case(actor: Actor, case_id: UUID) -> SuspensionCase:
    actor.must(RIGHT)
    case = await SuspensionCase.get_or_none(
        id=case_id, consortium_id=actor.consortium_id
    ).select_related("suspension")
    if case is None:
        raise NotFound
    actor.must(RIGHT, case.suspension.organization_id)
    return case


async def worklist(actor: Actor, vault: Vault, *, suspension_id: UUID | None = None) -> list[Case]:
    """Who has not been reached, the next visit first; today's and later ones.

    Raises NotFound: the right is missing, or the suspension is not the actor's to see.
    """
    await note_reached(actor.consortium_id)
    unaware = ~Q(outcome=policy.UNDONE) | ~Q(reached_by="")
    waiting = Q(unaware, reached_at=None, appointment__held_on__gte=clock.today())
    return await _cases(actor, vault, waiting, suspension_id)


async def list_of(actor: Actor, vault: Vault, suspension_id: UUID) -> list[Case]:
    """All cases of a suspension, the next visit first. Raises NotFound."""
    await note_reached(actor.consortium_id)
    return await _cases(actor, vault, Q(), suspension_id)


async def _cases(actor: Actor, vault: Vault, which: Q, suspension_id: UUID | None) -> list[Case]:
    actor.must(RIGHT)
    where = actor.where(RIGHT)
    wanted = SuspensionCase.filter(which, consortium_id=actor.consortium_id)
    if where is not None:
        wanted = wanted.filter(suspension__organization_id__in=list(where))
    if suspension_id is not None:
        one = await Suspension.get_or_none(id=suspension_id, consortium_id=actor.consortium_id)
        if one is None:
            raise NotFound
        actor.must(RIGHT, one.organization_id)
        wanted = wanted.filter(suspension_id=suspension_id)
    ordered = wanted.order_by("appointment__starts_at", "id").limit(SHOWN_MOST)
    return await _shown(actor, vault, await ordered.select_related("appointment", "patient"))


async def _shown(actor: Actor, vault: Vault, rows: Sequence[SuspensionCase]) -> list[Case]:
    """A constant number of queries, and an audit row for each patient named."""
    people = {row.patient_id for row in rows}
    async with db.transaction():
        await note_read(actor, "suspension.listed", people)
    offered = await Appointment.filter(id__in=[row.offer_id for row in rows if row.offer_id])
    offers = {row.id: row for row in offered}
    slots = {row.appointment.slot_id for row in rows} | {row.slot_id for row in offered}
    known = await booked_places.load(slots)
    known_phones = await numbers(vault, list(people))
    return [
        _told(row, offers.get(row.offer_id or row.id), known, known_phones[row.patient_id])
        for row in rows
    ]


def _told(
    row: SuspensionCase,
    offer: Appointment | None,
    known: dict[UUID, Place],
    numbers: Sequence[Number],
) -> Case:
    return Case(
        id=row.id,
        suspension_id=row.suspension_id,
        patient_name=mask_name(row.patient.name),
        phone=mask_phone(numbers[0].phone) if numbers else None,
        visit=known[row.appointment.slot_id],
        offer=known[offer.slot_id] if offer else None,
        held_until=offer.held_until if offer else None,
        outcome=policy.outcome(
            row.outcome,
            status=offer.status if offer else None,
            held_until=offer.held_until if offer else None,
            by=offer.cancelled_by if offer else None,
            now=clock.now(),
        ),
        reached_at=row.reached_at,
        reached_by=row.reached_by,
        reached_note=row.reached_note,
    )


# A message about it was read by anybody who cares for the patient, or they have answered the offer.
REACHED = """
UPDATE suspension_case SET reached_at = $1, reached_by = 'inbox', changed_at = $1
WHERE consortium_id = $2 AND reached_at IS NULL AND created_at > $3 AND EXISTS (
  SELECT 1 FROM appointment_event e
  LEFT JOIN notice n ON n.event_id = e.id AND n.read_at IS NOT NULL
  WHERE e.appointment_id IN (suspension_case.appointment_id, suspension_case.offer_id)
    AND (n.id IS NOT NULL AND e.at >= suspension_case.created_at
        AND CASE WHEN suspension_case.outcome = 'undone'
          THEN e.action = 'restore' ELSE e.action IN ('stop', 'offer') END
      OR suspension_case.outcome <> 'undone' AND e.actor_kind = 'resident'
        AND e.appointment_id = suspension_case.offer_id))
RETURNING id
"""


async def note_reached(consortium_id: UUID) -> int:
    """Write down who has read of it in the mini-program; returns how many. For a job, too."""
    async with db.transaction():
        now = clock.now()
        return len(await db.fetch(REACHED, now, consortium_id, now - LOOKED_BACK))
