"""Institutions, departments, doctors, fees and announcements."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from backend.api.views.fields import Cursor, Form, Kind, Most, Near, Tier, Word
from backend.consortium.directory import Dept


class OrganizationQuery(Form):
    tier: Tier | None = None
    near: Near | None = None
    q: Word | None = None
    cursor: Cursor | None = None
    limit: Most = 50


class DepartmentQuery(Form):
    organization: UUID | None = None
    tier: Tier | None = None
    near: Near | None = None
    q: Word | None = None
    cursor: Cursor | None = None
    limit: Most = 50


class WordQuery(Form):
    limit: Most = 8


class WordsView(msgspec.Struct):
    items: list[str]


class PractitionerQuery(Form):
    department: UUID | None = None
    q: Word | None = None
    cursor: Cursor | None = None
    limit: Most = 50


class OrganizationView(msgspec.Struct):
    id: UUID
    name: str
    tier: Tier
    kind: str
    parent_id: UUID | None
    address: str
    phone: str
    hours: str
    latitude: float | None
    longitude: float | None
    distance_km: float | None

    @classmethod
    def of(cls, org: Any, distance_km: float | None) -> "OrganizationView":
        return cls(
            org.id, org.name, org.tier, org.kind, org.parent_id, org.address, org.phone, org.hours,
            org.latitude, org.longitude, distance_km,
        )  # fmt: skip


class OrganizationsView(msgspec.Struct):
    items: list[OrganizationView]
    next: str | None


class DepartmentView(msgspec.Struct):
    id: UUID
    organization_id: UUID
    organization: str
    tier: Tier
    name: str
    specialty_code: str
    location: str
    keywords: tuple[str, ...]
    distance_km: float | None

    @classmethod
    def of(cls, dept: Dept, org: Any, distance_km: float | None) -> "DepartmentView":
        return cls(
            dept.id, org.id, org.name, org.tier, dept.name, dept.specialty_code, dept.location,
            dept.keywords, distance_km,
        )  # fmt: skip


class DepartmentsView(msgspec.Struct):
    items: list[DepartmentView]
    next: str | None


class RoleView(msgspec.Struct):
    organization_id: UUID
    organization: str
    department_id: UUID
    department: str
    kind: Literal["main", "outreach"]
    from_on: date | None
    to_on: date | None


class PractitionerView(msgspec.Struct):
    id: UUID
    name: str
    title: str
    good_at: str
    roles: list[RoleView]


class PractitionersView(msgspec.Struct):
    items: list[PractitionerView]
    next: str | None


class FeeView(msgspec.Struct):
    kind: Kind
    title: str
    amount_fen: int
    amount: str
    item: str
    basis: str


class FeesView(msgspec.Struct):
    items: list[FeeView]


class AnnouncementView(msgspec.Struct):
    """公告. `organization` null: of the whole county. Dates inclusive."""

    id: UUID
    title: str
    text: str
    organization: str | None
    from_on: date
    to_on: date


class AnnouncementsView(msgspec.Struct):
    """What everybody sees first: whose service this is, whom to ring, what is new."""

    county: str
    emergency_phone: str
    terms_version: str
    """Whoever agreed to another one is asked again."""
    items: list[AnnouncementView]
