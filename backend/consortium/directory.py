"""Find care: organizations, departments and doctors, by place, tier and plain words.

A county fits into memory, so that no search pays a query.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from backend.consortium.models import (
    TIERS,
    Consortium,
    Department,
    Organization,
    Practitioner,
    PractitionerRole,
)
from backend.snapshots import Snapshots

TTL_S = 10.0
EARTH_KM = 6371.0088


class Org(msgspec.Struct, frozen=True):
    """An organization as the directory knows it. Degrees; `distance_km` only in answers."""

    id: UUID
    name: str
    tier: str
    kind: str
    parent_id: UUID | None
    address: str
    phone: str
    latitude: float | None
    longitude: float | None
    hours: str


class Dept(msgspec.Struct, frozen=True):
    id: UUID
    organization_id: UUID
    name: str
    specialty_code: str
    location: str
    keywords: tuple[str, ...]


class Doctor(msgspec.Struct, frozen=True):
    """`roles`: where they mainly work comes first."""

    id: UUID
    name: str
    title: str
    good_at: str
    roles: tuple["Role", ...]


class Role(msgspec.Struct, frozen=True):
    """Where a doctor works; dates inclusive, None is open."""

    organization_id: UUID
    department_id: UUID
    kind: str
    from_on: date | None
    to_on: date | None

    def covers(self, day: date) -> bool:
        return (self.from_on is None or self.from_on <= day) and (
            self.to_on is None or day <= self.to_on
        )


@dataclass(frozen=True, slots=True)
class Directory:
    """A snapshot. `stamp` changes whenever anything in it does."""

    name: str
    emergency_phone: str
    organizations: dict[UUID, Org]
    departments: dict[UUID, Dept]
    doctors: dict[UUID, Doctor]
    stamp: str

    def find_organizations(
        self, *, tier: str | None, near: tuple[float, float] | None, q: str | None
    ) -> list[tuple[Org, float | None]]:
        """With their distance in km: the nearest first, or (without `near`) by tier and name."""
        found = [
            (org, distance_km(near, org))
            for org in self.organizations.values()
            if (tier is None or org.tier == tier) and _mentions(q, (org.name, org.address))
        ]
        if near is None:
            return sorted(found, key=lambda hit: (TIERS.index(hit[0].tier), hit[0].name))
        return sorted(found, key=lambda hit: (hit[1] is None, hit[1] or 0.0, hit[0].name))

    def find_departments(
        self,
        *,
        organization_id: UUID | None,
        q: str | None,
        tier: str | None = None,
        near: tuple[float, float] | None = None,
    ) -> list[Dept]:
        """By name, or by a symptom word that leads there; the better match first.

        Of equal matches the nearest first, or (without `near`) by tier and name.
        """
        scored = [
            (score, dept)
            for dept in self.departments.values()
            if organization_id in (None, dept.organization_id)
            and tier in (None, self.organizations[dept.organization_id].tier)
            and (score := _fit(q, dept))
        ]
        scored.sort(key=lambda hit: (-hit[0], self._order(hit[1], near), hit[1].name))
        return [dept for _, dept in scored]

    def common_words(self, most: int) -> list[str]:
        """The symptom words that most departments answer to: each leads somewhere."""
        counts = Counter(word for dept in self.departments.values() for word in dept.keywords)
        return sorted(counts, key=lambda word: (-counts[word], word))[:most]

    def find_doctors(self, *, department_id: UUID | None, q: str | None, on: date) -> list[Doctor]:
        """Those who work there on that day or later, by name."""
        return sorted(
            (
                doctor
                for doctor in self.doctors.values()
                if any(
                    department_id in (None, role.department_id)
                    and (role.to_on is None or role.to_on >= on)
                    for role in doctor.roles
                )
                and _mentions(q, (doctor.name, doctor.title, doctor.good_at))
            ),
            key=lambda doctor: (doctor.name, str(doctor.id)),
        )

    def _order(self, dept: Dept, near: tuple[float, float] | None) -> float:
        org = self.organizations[dept.organization_id]
        if near is None:
            return TIERS.index(org.tier)
        far = distance_km(near, org)
        return math.inf if far is None else far


def distance_km(near: tuple[float, float] | None, org: Org) -> float | None:
    """Great-circle distance (haversine). `near` is (latitude, longitude) in degrees."""
    if near is None or org.latitude is None or org.longitude is None:
        return None
    here, there = math.radians(near[0]), math.radians(org.latitude)
    turn = math.radians(org.longitude - near[1])
    half = (
        math.sin((there - here) / 2) ** 2
        + math.cos(here) * math.cos(there) * math.sin(turn / 2) ** 2
    )
    return round(2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half))), 2)


def _mentions(q: str | None, texts: Iterable[str]) -> bool:
    return q is None or any(q in text for text in texts)


def _fit(q: str | None, dept: Dept) -> int:
    """How well a department answers: 3 by name, 2 by a whole symptom word, 1 by a part, 0 not."""
    if q is None or q in dept.name:
        return 3
    if any(word in q for word in dept.keywords):
        return 2
    return int(any(q in word for word in dept.keywords))


async def _read(consortium_id: UUID) -> Directory:
    consortium = await Consortium.get_or_none(id=consortium_id)
    organizations = await _organizations(consortium_id)
    departments = await _departments(consortium_id, organizations)
    doctors = await _doctors(consortium_id, departments)
    content = msgspec.json.encode([organizations, departments, doctors])
    return Directory(
        name=consortium.name if consortium else "",
        emergency_phone=consortium.emergency_phone if consortium else "120",
        organizations=organizations,
        departments=departments,
        doctors=doctors,
        stamp=hashlib.sha256(content).hexdigest()[:16],
    )


async def _organizations(consortium_id: UUID) -> dict[UUID, Org]:
    rows = await Organization.filter(consortium_id=consortium_id, active=True).order_by("code")
    return {
        row.id: Org(
            row.id, row.name, row.tier, row.kind, row.parent_id, row.address, row.phone,
            row.latitude, row.longitude, row.hours,
        )
        for row in rows
    }  # fmt: skip


async def _departments(consortium_id: UUID, within: dict[UUID, Org]) -> dict[UUID, Dept]:
    rows = await Department.filter(consortium_id=consortium_id, active=True).order_by("code")
    return {
        row.id: Dept(
            row.id, row.organization_id, row.name, row.specialty_code, row.location,
            tuple(row.keywords.split()),
        )
        for row in rows
        if row.organization_id in within
    }  # fmt: skip


async def _doctors(consortium_id: UUID, within: dict[UUID, Dept]) -> dict[UUID, Doctor]:
    roles: dict[UUID, list[Role]] = {}
    for role in await PractitionerRole.filter(consortium_id=consortium_id).order_by("kind", "id"):
        dept = within.get(role.department_id)
        if dept is not None:
            found = Role(dept.organization_id, dept.id, role.kind, role.from_on, role.to_on)
            roles.setdefault(role.practitioner_id, []).append(found)
    rows = await Practitioner.filter(consortium_id=consortium_id, active=True).order_by("code")
    return {
        row.id: Doctor(row.id, row.name, row.title, row.good_at, tuple(roles.get(row.id, ())))
        for row in rows
    }


_snapshots = Snapshots(_read, TTL_S)
forget = _snapshots.forget


async def directory(consortium_id: UUID) -> Directory:
    """The consortium's directory. Raises nothing: an empty county has an empty one."""
    return await _snapshots.get(consortium_id)
