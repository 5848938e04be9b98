"""Ending a carer's right without stranding an appointment."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from tortoise.expressions import Q

from backend import clock, db
from backend.booking.models import Appointment
from backend.booking.policy import PENDING, UPCOMING
from backend.errors import NotFound
from backend.identity import carers
from backend.identity.access import Actor, care_of, is_in_force, living
from backend.identity.errors import HasAppointments
from backend.identity.models import Carer

SHOWN_MOST = 20


async def leave(actor: Actor, patient_id: UUID) -> None:
    """Take a patient off the account's own list.

    Raises:
        NotFound; HasAppointments: nobody else would be left to care for them.
    """
    await _end(actor, patient_id, account_id=actor.account_id)


async def revoke(actor: Actor, patient_id: UUID, carer_id: UUID) -> None:
    """End a carer's right: one's own, or another's by one who may manage.

    Raises:
        NotFound, HasAppointments; NotYours: the patient's own account is not for others to remove.
    """
    mine = await Carer.get_or_none(id=carer_id, patient_id=patient_id, account_id=actor.account_id)
    if mine is None:
        await care_of(actor, patient_id, "manage")
    await _end(actor, patient_id, id=carer_id)


async def _end(actor: Actor, patient_id: UUID, **which: UUID) -> None:
    async with db.transaction():
        # All carers of the patient are locked: two who leave at once see each other.
        rows = (
            await Carer.filter(living(), patient_id=patient_id).order_by("id").select_for_update()
        )
        row = next(
            (row for row in rows if all(getattr(row, key) == of for key, of in which.items())), None
        )
        if row is None:
            raise NotFound
        if row.state == "active":
            stranded_by = await stranded(patient_id, [one for one in rows if one.id != row.id])
            if stranded_by:
                raise HasAppointments(appointment_ids=stranded_by)
        await carers.end(actor, row)


async def stranded(patient_id: UUID, others: Sequence[Carer]) -> list[UUID]:
    """The patient's upcoming appointments, if none of the `others` could look after them."""
    return (await stranded_each({patient_id: others})).get(patient_id, [])


async def stranded_each(others: Mapping[UUID, Sequence[Carer]]) -> dict[UUID, list[UUID]]:
    """The same for several patients, each with the others who care for them."""
    alone = [patient_id for patient_id, rows in others.items() if not _can_book(rows)]
    if not alone:
        return {}
    rows = (
        await Appointment.filter(
            ~Q(status=PENDING) | Q(held_until__gt=clock.now()),
            patient_id__in=alone,
            status__in=UPCOMING,
            starts_at__gt=clock.now(),
        )
        .order_by("starts_at", "id")
        .limit(SHOWN_MOST * len(alone))
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row.patient_id, []).append(row.id)
    return {patient_id: ids[:SHOWN_MOST] for patient_id, ids in found.items()}


def _can_book(carers_of_one: Sequence[Carer]) -> bool:
    return any(row.scope in ("book", "manage") and is_in_force(row) for row in carers_of_one)
