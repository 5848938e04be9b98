"""Where a doctor stands: what is published, and what templates will publish later."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from itertools import combinations
from uuid import UUID

from tortoise.expressions import Q

from backend import clock
from backend.booking.calendar import working
from backend.booking.models import Schedule, ScheduleTemplate
from backend.consortium.directory import Directory, Org, distance_km
from backend.consortium.models import Practitioner, PractitionerRole
from backend.roster import wording
from backend.roster.clashes import Clash, Stand, Ways, clashes
from backend.roster.errors import NotOnDuty, ScheduleClash
from backend.roster.hours import Hours, Weekly

LOOK_AHEAD_DAYS = 366  # templates without an end are looked at so far
ROWS_MOST = 5000
SHOWN_MOST = 5  # clashes told at once


def stand_of(
    county: Directory, organization_id: UUID, department_id: UUID, hours: Hours, on: date
) -> Stand:
    """Where `hours` keep a doctor on that day."""
    return _stand(
        county, organization_id, department_id, hours.kind, on,
        time.fromisoformat(hours.starts), time.fromisoformat(hours.ends),
    )  # fmt: skip


def _stand(
    county: Directory, organization_id: UUID, department_id: UUID, kind: str, on: date,
    starts: time, ends: time,
) -> Stand:  # fmt: skip
    org, dept = county.organizations.get(organization_id), county.departments.get(department_id)
    place = f"{org.name if org else ''}{dept.name if dept else ''}"
    words = f"{wording.day(on)}{starts:%H:%M}–{ends:%H:%M} {place}（{wording.KINDS[kind]}）"
    return Stand(
        organization_id, department_id, kind, clock.at(on, starts), clock.at(on, ends), words
    )


def days_of(weekly: Weekly, first: date, last: date) -> Iterator[date]:
    """The dates first–last on which it applies, by China's holidays and exchanged days."""
    first = max(first, weekly.from_on or first)
    last = min(last, weekly.to_on or last)
    for number in range((last - first).days + 1):
        on = first + timedelta(days=number)
        day = working(on)
        weekday = day.weekday or (on.isoweekday() if weekly.works_on_holidays else None)
        if weekday == weekly.weekday:
            yield on


async def refuse_clashes(
    county: Directory,
    practitioner_id: UUID,
    wanted: Sequence[Stand],
    *,
    but_template: UUID | None = None,
) -> None:
    """Inside the caller's transaction: the doctor is locked, so that of two who plan at once the
    later one sees the earlier.

    Raises ScheduleClash: the doctor can't stand there, both schedules named.
    """
    await Practitioner.filter(id=practitioner_id).select_for_update(no_key=True).only("id")
    found = await clashes_of(county, practitioner_id, wanted, but_template=but_template)
    if found:
        told = "；".join(one.words for one in found[:SHOWN_MOST])
        more = f"等 {len(found)} 处" if len(found) > SHOWN_MOST else ""
        raise ScheduleClash(
            f"{told}{more}。请改时间或改日期。", clashes=[one.words for one in found[:SHOWN_MOST]]
        )


async def clashes_of(
    county: Directory,
    practitioner_id: UUID,
    wanted: Sequence[Stand],
    *,
    but_template: UUID | None = None,
) -> list[Clash]:
    """The wanted stands against each other and against everything the doctor does elsewhere."""
    if not wanted:
        return []
    first = min(stand.starts_at for stand in wanted).astimezone(clock.SHANGHAI).date()
    last = max(stand.starts_at for stand in wanted).astimezone(clock.SHANGHAI).date()
    others = await _stands(county, practitioner_id, first, last, but_template)
    return list(clashes(wanted, others, _ways(county, (*wanted, *others))))


def _ways(county: Directory, stands: Iterable[Stand]) -> Ways:
    orgs = {one.organization_id: county.organizations.get(one.organization_id) for one in stands}
    return {(a, b): _km(orgs[a], orgs[b]) for a, b in combinations(orgs, 2)}


def _km(one: Org | None, other: Org | None) -> float | None:
    if one is None or other is None or one.latitude is None or one.longitude is None:
        return None
    return distance_km((one.latitude, one.longitude), other)


async def _stands(
    county: Directory, practitioner_id: UUID, first: date, last: date, but_template: UUID | None
) -> list[Stand]:
    rows = await Schedule.filter(
        practitioner_id=practitioner_id, held_on__gte=first, held_on__lte=last
    ).limit(ROWS_MOST)
    stands = [
        _stand(
            county, row.organization_id, row.department_id, row.kind, row.held_on,
            row.starts_at.astimezone(clock.SHANGHAI).time(),
            row.ends_at.astimezone(clock.SHANGHAI).time(),
        )
        for row in rows
        if row.status == "open" and (but_template is None or row.template_id != but_template)
    ]  # fmt: skip
    published = {(row.template_id, row.held_on) for row in rows}
    for template in await _templates(practitioner_id, first, last, but_template):
        weekly = weekly_of(template)
        stands += [
            stand_of(county, template.organization_id, template.department_id, weekly, on)
            for on in days_of(weekly, first, last)
            if (template.id, on) not in published
        ]
    return stands


async def _templates(
    practitioner_id: UUID, first: date, last: date, but: UUID | None
) -> list[ScheduleTemplate]:
    rows = ScheduleTemplate.filter(
        Q(from_on=None) | Q(from_on__lte=last),
        Q(to_on=None) | Q(to_on__gte=first),
        practitioner_id=practitioner_id,
        active=True,
    )
    if but is not None:
        rows = rows.exclude(id=but)
    return await rows.limit(500)


def weekly_of(row: ScheduleTemplate) -> Weekly:
    return Weekly(**{name: getattr(row, name) for name in Weekly.__struct_fields__})


async def check_duty(practitioner_id: UUID | None, department_id: UUID, on: date) -> None:
    """Raises NotOnDuty: the doctor has no role there that day; a department always works."""
    if practitioner_id is None:
        return
    roles = PractitionerRole.filter(
        Q(from_on=None) | Q(from_on__lte=on),
        Q(to_on=None) | Q(to_on__gte=on),
        practitioner_id=practitioner_id,
        department_id=department_id,
        practitioner__active=True,
    )
    if not await roles.exists():
        raise NotOnDuty
