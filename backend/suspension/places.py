"""What is free now and could be offered instead, and what patients have already."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from backend import clock, db
from backend.booking import policy as rules
from backend.booking.models import Appointment, Restriction, Schedule, Slot
from backend.booking.policies import Policies, policies
from backend.consortium.directory import Dept, Directory, Org, directory, distance_km
from backend.suspension.policy import HELD_LEAST, TIERS, Engagements, Option, Spot, family

DEPARTMENTS_MOST = 20  # among which another place is looked for, the nearest first
DAYS_MOST = 62
OPTIONS_MOST = 5000

FREE = """
SELECT sl.id AS slot_id, sl.schedule_id, sl.starts_at, sl.ends_at, sl.capacity - sl.booked AS free,
  s.organization_id, s.department_id, s.practitioner_id, s.kind, s.held_on, s.fee_fen
FROM schedule s JOIN slot sl ON sl.schedule_id = s.id
WHERE s.consortium_id = $1 AND s.held_on >= $2 AND s.held_on <= $3
  AND s.status = 'open' AND s.release = 'first' AND ({departments} OR {doctors})
  AND sl.pool = 'public' AND sl.open AND sl.booked < sl.capacity AND sl.starts_at > $6
ORDER BY sl.starts_at, sl.id LIMIT $7
"""


def spots(rows: Iterable[db.Row], county: Directory) -> list[Spot]:
    """Rows of slots with their schedules; whoever has left the directory is still a spot."""
    found = []
    for row in rows:
        organization_id = db.as_uuid(row["organization_id"])
        department_id = db.as_uuid(row["department_id"])
        org = county.organizations.get(organization_id)
        dept = county.departments.get(department_id)
        doctor = row["practitioner_id"]
        found.append(
            Spot(
                slot_id=db.as_uuid(row["slot_id"]),
                schedule_id=db.as_uuid(row["schedule_id"]),
                organization_id=organization_id,
                tier=org.tier if org else "county",
                department_id=department_id,
                specialty=dept.specialty_code if dept else "",
                practitioner_id=db.as_uuid(doctor) if doctor else None,
                kind=row["kind"],
                held_on=db.as_date(row["held_on"]),
                starts_at=db.as_instant(row["starts_at"]),
                ends_at=db.as_instant(row["ends_at"]),
                fee_fen=row["fee_fen"],
            )
        )
    return found


async def spots_of(consortium_id: UUID, slot_ids: Iterable[UUID]) -> dict[UUID, Spot]:
    """Slots by id, as spots."""
    rows: Any = await Slot.filter(id__in=list(set(slot_ids))).values(
        "starts_at", "ends_at", "schedule_id", slot_id="id",
        organization_id="schedule__organization_id", department_id="schedule__department_id",
        practitioner_id="schedule__practitioner_id", kind="schedule__kind",
        held_on="schedule__held_on", fee_fen="schedule__fee_fen",
    )  # fmt: skip
    return {spot.slot_id: spot for spot in spots(rows, await directory(consortium_id))}


async def free_instead_of(consortium_id: UUID, schedules: Sequence[Schedule]) -> list[Option]:
    """Places that are free and open now, and answer for what is stopped; one query.

    Those whose booking closes within `policy.HELD_LEAST` are left out: nobody would see them.
    """
    county, table = await directory(consortium_id), await policies(consortium_id)
    today, now = clock.today(), clock.now()
    statement = FREE.format(
        departments=db.among("s.department_id", "$4"), doctors=db.among("s.practitioner_id", "$5")
    )
    rows = await db.fetch(
        statement,
        consortium_id,
        today,
        today + timedelta(days=DAYS_MOST),
        _departments(county, schedules),
        [row.practitioner_id for row in schedules if row.practitioner_id is not None],
        now,
        OPTIONS_MOST,
    )
    stopped = {row.id for row in schedules}
    here = _here(county, schedules)
    options = (
        _option(spot, int(row["free"]), county, table, here)
        for row, spot in zip(rows, spots(rows, county), strict=True)
        if spot.schedule_id not in stopped
    )
    return [option for option in options if option is not None]


def _departments(county: Directory, schedules: Sequence[Schedule]) -> list[UUID]:
    """The departments of what is stopped, and those of the same specialty or family, the nearest
    first; no more than `DEPARTMENTS_MOST` beside their own."""
    own = {row.department_id for row in schedules}
    codes: set[str] = set()
    for department_id in own:
        dept = county.departments.get(department_id)
        if dept is not None and dept.specialty_code:
            codes |= {dept.specialty_code, family(dept.specialty_code)}
    here = _here(county, schedules)
    others = [
        dept
        for dept in county.departments.values()
        if dept.specialty_code in codes and dept.id not in own
    ]
    others.sort(key=lambda dept: _nearness(dept, county, schedules, here))
    return [*own, *(dept.id for dept in others[:DEPARTMENTS_MOST])]


def _nearness(
    dept: Dept, county: Directory, schedules: Sequence[Schedule], here: Org | None
) -> tuple[Any, ...]:
    org = county.organizations[dept.organization_id]
    same = any(row.organization_id == org.id for row in schedules)
    return not same, _km(here, org), TIERS.index(org.tier), str(dept.id)


def _here(county: Directory, schedules: Sequence[Schedule]) -> Org | None:
    return county.organizations.get(schedules[0].organization_id) if schedules else None


def _km(here: Org | None, org: Org) -> float:
    if here is None or here.latitude is None or here.longitude is None:
        return float("inf")
    km = distance_km((here.latitude, here.longitude), org)
    return float("inf") if km is None else km


def _option(
    spot: Spot, free: int, county: Directory, table: Policies, here: Org | None
) -> Option | None:
    """None: not open for booking now, or its institution has left the directory."""
    org = county.organizations.get(spot.organization_id)
    if org is None or spot.department_id not in county.departments:
        return None
    policy = table.pick(org.id, org.tier, spot.kind, spot.held_on)
    now = clock.now()
    if not rules.opens_at(policy, spot.held_on) <= now:
        return None
    if rules.closes_at(policy, spot.starts_at) < now + HELD_LEAST:
        return None
    return Option(spot, free, policy, _km(here, org))


async def engagements_of(
    consortium_id: UUID, rows: Sequence[Appointment]
) -> dict[UUID, Engagements]:
    """What the patients of `rows` have from today on beside these, and who may not book 专家号."""
    patients = list({row.patient_id for row in rows})
    found = {patient_id: Engagements() for patient_id in patients}
    others = await Appointment.filter(
        ~Q(status__in=(rules.CANCELLED, rules.EXCUSED)),
        patient_id__in=patients,
        held_on__gte=clock.today(),
    ).exclude(id__in=[row.id for row in rows])
    known = await spots_of(consortium_id, (row.slot_id for row in others))
    for other in others:
        found[other.patient_id].spots.append(known[other.slot_id])
    barred: Any = await Restriction.filter(
        patient_id__in=patients, kind=rules.BARRED_KIND, until_at__gt=clock.now(), lifted_at=None
    ).values_list("patient_id", flat=True)
    for patient_id in barred:
        found[patient_id].barred = True
    return found
