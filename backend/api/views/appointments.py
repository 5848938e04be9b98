"""Appointments: booking, cancelling, moving."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import Cursor, DoctorRef, Form, Kind, Most, Period, Ref, Tier
from backend.booking import wording
from backend.booking.tickets import Ticket
from backend.satisfaction.surveys import State

Reason = Annotated[str, Meta(max_length=200)]

Status = Literal[
    "pending", "booked", "checked_in", "called", "fulfilled", "cancelled", "no_show", "excused"
]


Origin = Literal["self", "waitlist", "suspension", "draw", "doctor", "referral", "desk"]


class BookForm(Form):
    """`confirm` false holds the place for some minutes (`held_until`) instead of booking it."""

    slot_id: UUID
    patient_id: UUID
    confirm: bool = True


class FamilyMember(Form):
    slot_id: UUID
    patient_id: UUID


class FamilyForm(Form):
    bookings: Annotated[list[FamilyMember], Meta(min_length=1, max_length=5)]
    confirm: bool = True


class CancelForm(Form):
    reason: Reason = ""


class MoveForm(Form):
    slot_id: UUID


class AppointmentQuery(Form):
    status: Status | Literal["upcoming"] | None = None
    patient: UUID | None = None
    cursor: Cursor | None = None
    limit: Most = 20


class KeyQuery(Form):
    """`key`: from `links`, instead of a log-in, so that a browser can open the address."""

    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class CancellingView(msgspec.Struct):
    """Said before anybody cancels: until when it is free, and what it means now."""

    possible: bool
    free_until: datetime
    late: bool
    consequence: str


class AppointmentView(msgspec.Struct):
    id: UUID
    status: Status
    patient: Ref
    organization: Ref
    tier: Tier
    address: str
    phone: str
    department: Ref
    location: str
    practitioner: DoctorRef | None
    kind: Kind
    schedule_id: UUID
    slot_id: UUID
    held_on: date
    period: Period
    starts_at: datetime
    ends_at: datetime
    fee_fen: int
    fee: str
    held_until: datetime | None
    policy_version: str
    created_at: datetime
    cancelled_by: str | None
    reason: str
    origin: Origin
    """Booked by oneself; or offered from the waiting list or after a suspension, won in a draw,
    booked by the family doctor or by a referral, given at the desk."""
    cancelling: CancellingView
    replacement: UUID | None = None
    """Of a visit that was stopped (停诊), where one is shown: the appointment offered instead."""

    survey: State | None = None
    """Of a visit, where one is shown: it may be answered for now (评价就诊), or it was."""

    @classmethod
    def of(
        cls, ticket: Ticket, replacement: UUID | None = None, survey: State | None = None
    ) -> "AppointmentView":
        place: Any = ticket.place
        status: Any = ticket.status
        origin: Any = ticket.origin
        doctor = None
        if place.practitioner_id is not None and place.practitioner is not None:
            doctor = DoctorRef(place.practitioner_id, place.practitioner, place.title or "")
        return cls(
            ticket.id,
            status,
            Ref(ticket.patient_id, ticket.patient_name),
            Ref(place.organization_id, place.organization),
            place.tier,
            place.address,
            place.phone,
            Ref(place.department_id, place.department),
            place.location,
            doctor,
            place.kind,
            place.schedule_id,
            place.slot_id,
            place.held_on,
            place.period,
            place.starts_at,
            place.ends_at,
            ticket.fee_fen,
            wording.yuan(ticket.fee_fen),
            ticket.held_until,
            ticket.policy.version,
            ticket.created_at,
            ticket.cancelled_by,
            ticket.reason,
            origin,
            CancellingView(
                ticket.can_cancel,
                ticket.free_until,
                ticket.late_now,
                wording.consequence(ticket),
            ),
            replacement,
            survey,
        )


class AppointmentsView(msgspec.Struct):
    items: list[AppointmentView]
    next: str | None


class FamilyView(msgspec.Struct):
    items: list[AppointmentView]


class LinksView(msgspec.Struct):
    """Addresses that a browser or a calendar opens without a log-in, until `expires_at`."""

    slip: str
    ics: str
    expires_at: datetime
