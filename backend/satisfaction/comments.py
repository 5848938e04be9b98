"""写的话: what residents wrote in surveys, for the administrators of the institution.

As the figures, only of whole months that are over. An anonymous one comes alone: no week, no
scores, no time, in the order of the words themselves. None is shown before all anonymous answers of
the month were mixed, nor where they are fewer than ten. Why so: ADR 0040.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

import msgspec
from tortoise.queryset import QuerySet

from backend import audit, db
from backend.consortium.directory import Directory, directory
from backend.identity.access import Actor
from backend.identity.documents import mask_name
from backend.satisfaction import report
from backend.satisfaction.models import SurveyResponse
from backend.satisfaction.survey import outpatient
from backend.shares import LEAST

RIGHT = "survey.read"


class Who(msgspec.Struct, frozen=True):
    """Whoever left a name, masked, and the visit."""

    name: str
    department: str
    held_on: date


class Comment(msgspec.Struct, frozen=True):
    """`who` None: anonymous. No key: those of late are others after each night (`mixing`), which
    would tell of which week a comment is."""

    text: str
    who: Who | None


class Page(msgspec.Struct, frozen=True):
    """`withheld`: anonymous words are not shown, or there are none. `from_on`, `to_on`: the days
    of the weeks of the month."""

    organization: str
    from_on: date
    to_on: date
    items: list[Comment]
    withheld: bool


async def list_of(
    actor: Actor, organization_id: UUID, month: date, *, after: int, most: int
) -> Page:
    """What comes after so many, in the order of the words. Leaves audit rows.

    Raises:
        NotFound: no such institution, or not the actor's to read.
        Malformed: the month is not over, or too long ago.
    """
    place = await report.place_of(actor, RIGHT, organization_id)
    from_on, to_on = report.days_of(month)
    told = SurveyResponse.filter(
        consortium_id=actor.consortium_id, organization_id=organization_id,
        survey=outpatient().id, week_on__gte=from_on, week_on__lte=to_on,
    )  # fmt: skip
    hides = await _hides(told.filter(appointment_id=None))
    wanted = told.exclude(comment="")
    if hides:
        wanted = wanted.filter(appointment_id__not_isnull=True)
    # An order that stays as it is from reading to reading, whatever was written anew.
    rows = wanted.order_by("comment", "appointment_id", "id").offset(after).limit(most)
    found = await rows.select_related("patient", "appointment")
    await _note(actor, organization_id, month, found)
    county = await directory(actor.consortium_id)
    items = [Comment(row.comment, _who(row, county)) for row in found]
    return Page(place.name, from_on, to_on, items, hides)


async def _hides(anonymous: QuerySet[SurveyResponse]) -> bool:
    """Also the mixed ones, as long as one is not: what came last would follow from the others."""
    if await anonymous.filter(mixed=False).exists():
        return True
    return await anonymous.count() < LEAST


async def _note(
    actor: Actor, organization_id: UUID, month: date, rows: Iterable[SurveyResponse]
) -> None:
    named = {row.patient_id for row in rows} - {None}
    async with db.transaction():
        await audit.record(
            actor, "survey.comments_read", entity_id=organization_id,
            patient_ids=[None, *sorted(named, key=str)], month=f"{month:%Y-%m}",
        )  # fmt: skip


def _who(row: SurveyResponse, county: Directory) -> Who | None:
    if row.patient is None or row.appointment is None:
        return None
    room = county.departments.get(row.appointment.department_id)
    return Who(mask_name(row.patient.name), room.name if room else "", row.appointment.held_on)
