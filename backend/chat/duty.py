"""值班表: the tables of duty as the rules want them, in memory: no hand-over pays for them."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

import msgspec

from backend import clock
from backend.chat.duty_models import DutyLeave, DutyNumbers, OnCallDuty, WorkingHours
from backend.chat.duty_policy import BUILT_IN, DutyPolicy
from backend.chat.levels import DutyTable, Institution, Leave, OnCall
from backend.chat.working_time import AHEAD_DAYS, USUAL, Hours, Week
from backend.consortium.directory import Directory, directory
from backend.snapshots import Snapshots
from backend.staff.models import StaffRole
from backend.staff.rights import RIGHTS
from backend.staff.sessions import covered

TTL_S = 10.0
ROWS_MOST = 20_000
ANSWER = "chat.answer"


class Duty(msgspec.Struct, frozen=True):
    """`staff`: the account of each doctor who can answer."""

    policy: DutyPolicy
    table: DutyTable
    staff: dict[UUID, UUID]

    def doctor(self, staff_id: UUID | None) -> UUID | None:
        return next((doctor for doctor, one in self.staff.items() if one == staff_id), None)


async def _read(consortium_id: UUID) -> Duty:
    county = await directory(consortium_id)
    staff, grants = await _able(consortium_id, county)
    institution_weeks, weeks = await _weeks(consortium_id)
    on_call = await _on_call(consortium_id)
    institutions = {
        org.id: Institution(
            org.tier,
            org.parent_id,
            institution_weeks.get(org.id, USUAL),
            _doctors(county, org.id, grants),
            tuple(on_call.get(org.id, ())),
        )
        for org in county.organizations.values()
    }
    table = DutyTable(institutions, weeks, await _leaves(consortium_id))
    return Duty(await _policy(consortium_id), table, staff)


async def _able(
    consortium_id: UUID, county: Directory
) -> tuple[dict[UUID, UUID], dict[UUID, set[UUID]]]:
    """Doctors who have an account and the right to answer: their accounts, and where."""
    roles = [role for role, rights in RIGHTS.items() if ANSWER in rights]
    rows = (
        await StaffRole.filter(
            consortium_id=consortium_id,
            ended_at=None,
            role__in=roles,
            staff__disabled_at=None,
            staff__practitioner_id__not_isnull=True,
        )
        .limit(ROWS_MOST)
        .values_list("staff__practitioner_id", "staff_id", "organization_id")
    )
    parents = {org.id: org.parent_id for org in county.organizations.values()}
    staff: dict[UUID, UUID] = {}
    grants: dict[UUID, set[UUID]] = defaultdict(set)
    for doctor_id, staff_id, organization_id in rows:
        staff[doctor_id] = staff_id
        at = set(parents) if organization_id is None else covered(organization_id, parents)
        grants[doctor_id] |= at
    return staff, grants


def _doctors(
    county: Directory, organization_id: UUID, grants: dict[UUID, set[UUID]]
) -> frozenset[UUID]:
    today = clock.today()
    return frozenset(
        doctor.id
        for doctor in county.doctors.values()
        if organization_id in grants.get(doctor.id, ())
        and any(
            role.organization_id == organization_id and role.covers(today) for role in doctor.roles
        )
    )


async def _weeks(
    consortium_id: UUID,
) -> tuple[dict[UUID, Week], dict[tuple[UUID, UUID], Week]]:
    found: dict[tuple[UUID, UUID | None], list[Hours]] = defaultdict(list)
    rows = WorkingHours.filter(consortium_id=consortium_id).limit(ROWS_MOST)
    for row in await rows:
        hours = Hours(row.weekday, row.from_min, row.to_min)
        found[row.organization_id, row.practitioner_id].append(hours)
    weeks = {key: tuple(sorted(hours)) for key, hours in found.items()}
    return (
        {place: week for (place, doctor), week in weeks.items() if doctor is None},
        {(place, doctor): week for (place, doctor), week in weeks.items() if doctor is not None},
    )


async def _leaves(consortium_id: UUID) -> dict[UUID, tuple[Leave, ...]]:
    found: dict[UUID, list[Leave]] = defaultdict(list)
    rows = DutyLeave.filter(
        consortium_id=consortium_id,
        withdrawn_at=None,
        to_on__gte=clock.today(),
        from_on__lte=clock.today() + timedelta(days=AHEAD_DAYS),
    )
    for row in await rows.order_by("from_on").limit(ROWS_MOST):
        found[row.practitioner_id].append(Leave(row.from_on, row.to_on, row.substitute_id))
    return {doctor: tuple(rows) for doctor, rows in found.items()}


async def _on_call(consortium_id: UUID) -> dict[UUID, list[OnCall]]:
    found: dict[UUID, list[OnCall]] = defaultdict(list)
    now = clock.now()
    rows = OnCallDuty.filter(
        consortium_id=consortium_id,
        withdrawn_at=None,
        to_at__gt=now,
        from_at__lt=now + timedelta(days=AHEAD_DAYS),
    )
    for row in await rows.order_by("from_at", "id").limit(ROWS_MOST):
        found[row.organization_id].append(OnCall(row.practitioner_id, row.from_at, row.to_at))
    return found


async def _policy(consortium_id: UUID) -> DutyPolicy:
    row = await DutyNumbers.filter(consortium_id=consortium_id).order_by("-version").first()
    return BUILT_IN if row is None else msgspec.convert(row.numbers, DutyPolicy)


_snapshots = Snapshots(_read, TTL_S)
forget = _snapshots.forget


async def duty(consortium_id: UUID) -> Duty:
    """Some `TTL_S` old at most."""
    return await _snapshots.get(consortium_id)
