"""A doctor's half-days that no schedule stands for yet, and closing them before they are published.

A schedule is published a day before anybody can book it, so one that is just being published while
its day is closed is shut by the next run, with nobody in it.
"""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend.booking import schedules
from backend.booking.models import ScheduleException, ScheduleTemplate
from backend.booking.rota import Rota, Row
from backend.ids import new_id


class HalfDay(msgspec.Struct, frozen=True, order=True):
    """Of one doctor, in one department. Orders by day."""

    held_on: date
    period: str
    organization_id: UUID
    department_id: UUID


async def half_days(
    consortium_id: UUID,
    practitioner_id: UUID,
    from_on: date,
    to_on: date,
    periods: Collection[str],
    *,
    within: Collection[UUID] | None,
) -> list[HalfDay]:
    """Those that templates would publish later; `within` these institutions, None: in all.

    The days are inclusive. A constant number of queries.
    """
    wanted = ScheduleTemplate.filter(
        consortium_id=consortium_id, practitioner_id=practitioner_id, active=True,
        period__in=list(periods), organization__active=True, department__active=True,
    )  # fmt: skip
    if within is not None:
        wanted = wanted.filter(organization_id__in=list(within))
    templates = await wanted.values(*schedules.TEMPLATE_FIELDS)
    if not templates:
        return []
    rota = await schedules.rota(consortium_id)
    rota.roles = await schedules.roles_of(templates)
    there = await schedules.published_of(templates, rota.today)
    found = {
        HalfDay(on, template["period"], template["organization_id"], template["department_id"])
        for template in templates
        for on in rota.days_of[template["weekday"]]
        if from_on <= on <= to_on
        and (template["id"], on) not in there
        and _would_be(rota, template, on)
    }
    return sorted(found)


def _would_be(rota: Rota, template: Row, on: date) -> bool:
    """Whether the template makes a schedule that day, whenever that is published."""
    within = (template["from_on"] or on) <= on <= (template["to_on"] or on)
    return within and rota.on_duty(template, on) and rota.capacity(template, on) is not None


async def close(
    consortium_id: UUID, practitioner_id: UUID, days: Sequence[HalfDay], *, by: UUID, reason: str
) -> None:
    """Write the exceptions that keep them shut, inside the caller's transaction, in `by`'s name."""
    await ScheduleException.bulk_create(
        ScheduleException(
            id=new_id(), consortium_id=consortium_id, organization_id=day.organization_id,
            department_id=day.department_id, practitioner_id=practitioner_id, held_on=day.held_on,
            period=day.period, action="closed", reason=reason,
            code=f"{_mark(by)}{day.department_id.hex}:{day.held_on:%Y%m%d}:{day.period}",
        )
        for day in days
    )  # fmt: skip


async def closed_by(by: UUID) -> list[HalfDay]:
    """What was closed in that name and still is, by day."""
    rows = await ScheduleException.filter(_of(by)).values(
        "held_on", "period", "organization_id", "department_id"
    )
    return sorted(HalfDay(**row) for row in rows)


async def reopen(by: UUID) -> int:
    """Take those exceptions away again; the next run publishes the days."""
    return await ScheduleException.filter(_of(by)).delete()


def _of(by: UUID) -> Q:
    return Q(code__startswith=_mark(by))


def _mark(by: UUID) -> str:
    return f"stop:{by.hex}:"
