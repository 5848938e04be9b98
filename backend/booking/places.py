"""What a place in a slot is: where, with whom, when, at what fee, under which policy.

Facts that hardly change, so a process remembers them for `TTL_S`; whether a place is free is never
remembered here.
"""

import asyncio
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from backend import db
from backend.booking.models import Slot
from backend.booking.policies import Policies, policies
from backend.booking.policies import load as load_policies
from backend.booking.policy import Policy
from backend.consortium.directory import Directory, directory
from backend.errors import NotFound
from backend.loader import Loader
from backend.recent import Recent

TTL_S = 10.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A slot with its surroundings. Instants in UTC; `fee_fen` in fen (0.01 yuan)."""

    slot_id: UUID
    consortium_id: UUID
    schedule_id: UUID
    organization_id: UUID
    organization: str
    tier: str
    address: str
    phone: str
    department_id: UUID
    department: str
    location: str
    practitioner_id: UUID | None
    practitioner: str | None
    title: str | None
    pool: str
    kind: str
    release: str
    """`draw`: not to be booked before its draw is over."""
    period: str
    held_on: date
    starts_at: datetime
    ends_at: datetime
    fee_fen: int
    policy: Policy
    """The one in force now for new bookings."""


class Places:
    """One process's knowledge of places. One query serves all who ask together."""

    def __init__(self) -> None:
        self._known: Recent[UUID, Place] = Recent(TTL_S)
        self._loader: Loader[UUID, Place] = Loader(load)

    async def get(self, slot_id: UUID) -> Place:
        """Raises NotFound."""
        known = self._known.get(slot_id)
        if known is not None:
            return known
        place = await self._loader.get(slot_id)
        if place is None:
            raise NotFound("没有找到这个时段，请刷新后再选。")
        self._known.keep(slot_id, place)
        return place

    async def each(self, slot_ids: Iterable[UUID]) -> list[Place]:
        """One for each, in their order, by one query for all unknown. Raises NotFound."""
        return await asyncio.gather(*(self.get(slot_id) for slot_id in slot_ids))


async def load(slot_ids: Iterable[UUID]) -> dict[UUID, Place]:
    """Places by slot, in one query beside the directory and the policies."""
    rows = await db.fetch(
        "SELECT sl.id AS slot_id, sl.consortium_id, sl.schedule_id, sl.pool, sl.starts_at,"
        " sl.ends_at, s.organization_id, s.department_id, s.practitioner_id, s.kind, s.release,"
        " s.period, s.held_on, s.fee_fen"
        f" FROM slot sl JOIN schedule s ON s.id = sl.schedule_id WHERE {db.among('sl.id', '$1')}",
        list(slot_ids),
    )
    found = {}
    for row in rows:
        county = await directory(db.as_uuid(row["consortium_id"]))
        table = await policies(db.as_uuid(row["consortium_id"]))
        place = _place(row, county, table)
        found[place.slot_id] = place
    return found


async def fresh(slot_id: UUID) -> Place:
    """One place, read anew inside the caller's transaction. Raises NotFound.

    Beside nothing that is remembered: whoever waits for a snapshot inside a transaction on SQLite
    may wait for a reader that waits for this very transaction.
    """
    slot = (
        await Slot.filter(id=slot_id)
        .select_related("schedule__organization", "schedule__department", "schedule__practitioner")
        .first()
    )
    if slot is None:
        raise NotFound
    schedule = slot.schedule
    org, dept, doctor = schedule.organization, schedule.department, schedule.practitioner
    table = await load_policies(slot.consortium_id)
    return Place(
        slot_id=slot.id,
        consortium_id=slot.consortium_id,
        schedule_id=schedule.id,
        organization_id=org.id,
        organization=org.name,
        tier=org.tier,
        address=org.address,
        phone=org.phone,
        department_id=dept.id,
        department=dept.name,
        location=dept.location,
        practitioner_id=doctor.id if doctor else None,
        practitioner=doctor.name if doctor else None,
        title=doctor.title if doctor else None,
        pool=slot.pool,
        kind=schedule.kind,
        release=schedule.release,
        period=schedule.period,
        held_on=schedule.held_on,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        fee_fen=schedule.fee_fen,
        policy=table.pick(org.id, org.tier, schedule.kind, schedule.held_on),
    )


def _place(row: db.Row, county: Directory, table: Policies) -> Place:
    """Whoever has left the directory is still named on old appointments by what is known."""
    organization_id = db.as_uuid(row["organization_id"])
    department_id = db.as_uuid(row["department_id"])
    practitioner_id = db.as_uuid(row["practitioner_id"]) if row["practitioner_id"] else None
    held_on = db.as_date(row["held_on"])
    org = county.organizations.get(organization_id)
    dept = county.departments.get(department_id)
    doctor = county.doctors.get(practitioner_id) if practitioner_id else None
    tier = org.tier if org else "county"
    return Place(
        slot_id=db.as_uuid(row["slot_id"]),
        consortium_id=db.as_uuid(row["consortium_id"]),
        schedule_id=db.as_uuid(row["schedule_id"]),
        organization_id=organization_id,
        organization=org.name if org else "已停用的机构",
        tier=tier,
        address=org.address if org else "",
        phone=org.phone if org else "",
        department_id=department_id,
        department=dept.name if dept else "已停用的科室",
        location=dept.location if dept else "",
        practitioner_id=practitioner_id,
        practitioner=doctor.name if doctor else None,
        title=doctor.title if doctor else None,
        pool=row["pool"],
        kind=row["kind"],
        release=row["release"],
        period=row["period"],
        held_on=held_on,
        starts_at=db.as_instant(row["starts_at"]),
        ends_at=db.as_instant(row["ends_at"]),
        fee_fen=row["fee_fen"],
        policy=table.pick(organization_id, tier, row["kind"], held_on),
    )
