"""Schedules and their slots."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import (
    Cursor,
    DoctorRef,
    Form,
    Kind,
    Most,
    Near,
    Period,
    Ref,
    Tier,
    Word,
)
from backend.booking import wording


class ScheduleQuery(Form):
    organization: UUID | None = None
    department: UUID | None = None
    practitioner: UUID | None = None
    from_on: Annotated[date | None, Meta(description="first day, default today")] = msgspec.field(
        default=None, name="from"
    )
    to_on: date | None = msgspec.field(default=None, name="to")
    kind: Kind | None = None
    tier: Tier | None = None
    near: Near | None = None
    within_km: Annotated[float, Meta(gt=0, le=500)] | None = None
    q: Word | None = None
    free: bool = False
    cursor: Cursor | None = None
    limit: Most = 30


class SlotQuery(Form):
    schedule: UUID


class ClinicView(msgspec.Struct):
    """Where and with whom."""

    organization: Ref
    tier: Tier
    department: Ref
    location: str
    practitioner: DoctorRef | None
    distance_km: float | None

    @classmethod
    def of(cls, offer: Any) -> "ClinicView":
        doctor = offer.doctor
        return cls(
            Ref(offer.organization.id, offer.organization.name),
            offer.organization.tier,
            Ref(offer.department.id, offer.department.name),
            offer.department.location,
            DoctorRef(doctor.id, doctor.name, doctor.title) if doctor else None,
            offer.distance_km,
        )


class ScheduleFacts(msgspec.Struct):
    """`fee` and the rules are what a resident reads before booking."""

    id: UUID
    held_on: date
    period: Period
    kind: Kind
    starts_at: datetime
    ends_at: datetime
    capacity: int
    free: int
    state: Literal["open", "full", "not_open", "closed", "suspended"]
    opens_at: datetime
    fee_fen: int
    fee: str
    release: Literal["first", "draw"]
    """`draw`: its places are drawn by lot, see `GET /draws?schedule=…`; not open before that."""

    @classmethod
    def of(cls, offer: Any, *more: Any) -> Self:
        """`more` are the fields that each kind of view has for itself."""
        return cls(
            offer.id,
            offer.held_on,
            offer.period,
            offer.kind,
            offer.starts_at,
            offer.ends_at,
            offer.capacity,
            offer.free,
            offer.state,
            offer.opens_at,
            offer.fee_fen,
            wording.yuan(offer.fee_fen),
            offer.release,
            *more,
        )


class ScheduleView(ScheduleFacts):
    """One of a list."""

    clinic_index: int
    """Which of the list's `clinics` it belongs to."""
    rules_index: int
    """Which of the list's `rules` hold here."""


class OneScheduleView(ScheduleFacts):
    """One by itself."""

    clinic: ClinicView
    rules: str

    @classmethod
    def of_one(cls, offer: Any) -> "OneScheduleView":
        return cls.of(offer, ClinicView.of(offer), wording.rules(offer.policy))


class SchedulesView(msgspec.Struct):
    """`clinics` and `rules` stand once: schedules share them, and they would be two thirds of the
    answer."""

    items: list[ScheduleView]
    clinics: list[ClinicView]
    rules: list[str]
    next: str | None

    @classmethod
    def of(cls, offers: list[Any], following: str | None) -> "SchedulesView":
        places: dict[tuple[UUID | None, ...], int] = {}
        rules: dict[str, int] = {}
        clinics: list[ClinicView] = []
        items = []
        for offer in offers:
            place = (offer.department.id, offer.doctor.id if offer.doctor else None)
            if place not in places:
                places[place] = len(clinics)
                clinics.append(ClinicView.of(offer))
            rule = rules.setdefault(wording.rules(offer.policy), len(rules))
            items.append(ScheduleView.of(offer, places[place], rule))
        return cls(items, clinics, list(rules), following)


class SlotView(msgspec.Struct):
    id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    free: int
    state: Literal["open", "full", "not_open", "closed", "suspended"]

    @classmethod
    def of(cls, slot: Any) -> "SlotView":
        return cls(
            slot.id, slot.starts_at, slot.ends_at, slot.capacity, slot.free,
            slot.state,
        )  # fmt: skip


class SlotsView(msgspec.Struct):
    items: list[SlotView]
