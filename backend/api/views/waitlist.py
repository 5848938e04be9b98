"""候补: joining, and what an entry has come to."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.appointments import AppointmentView
from backend.api.views.fields import Cursor, DoctorRef, Form, Kind, Most, Near, Period, Ref, Tier
from backend.booking.waitlist import wording
from backend.booking.waitlist.entries import Accepted, Wait

WaitState = Literal["waiting", "offered", "placed", "left", "expired"]


class NearbyForm(Form):
    """The same specialty elsewhere; without `near`, from the institution that was asked for."""

    within_km: Annotated[float, Meta(gt=0, le=500)] | None = None
    tiers: Annotated[list[Tier], Meta(min_length=1, max_length=3)] | None = None
    near: Near | None = None


class WaitForm(Form):
    """A department, or one doctor (there, or wherever they work). Days are inclusive.

    Several patients want to come together: all of them get a place of one schedule, or none.
    """

    patient_ids: Annotated[list[UUID], Meta(min_length=1, max_length=5)]
    from_on: date
    to_on: date
    department_id: UUID | None = None
    practitioner_id: UUID | None = None
    nearby: NearbyForm | None = None
    periods: Annotated[list[Period], Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: ["am", "pm", "night"]
    )
    kind: Kind | None = None


class WaitQuery(Form):
    """`living`: only those that wait or have an offer."""

    living: bool = False
    cursor: Cursor | None = None
    limit: Most = 20


class AcceptedView(msgspec.Struct):
    """One choice; without `practitioner`, anybody in the department."""

    organization: Ref
    tier: Tier
    department: Ref
    practitioner: DoctorRef | None

    @classmethod
    def of(cls, accepted: Accepted) -> "AcceptedView":
        org, dept, doctor = accepted.organization, accepted.department, accepted.doctor
        tier: Any = org.tier
        return cls(
            Ref(org.id, org.name),
            tier,
            Ref(dept.id, dept.name),
            DoctorRef(doctor.id, doctor.name, doctor.title) if doctor else None,
        )


class WaitView(msgspec.Struct):
    id: UUID
    state: WaitState
    patient: Ref
    group_id: UUID
    group_size: int
    from_on: date
    to_on: date
    periods: list[Period]
    kind: Kind | None
    accepted: list[AcceptedView]
    ahead: int | None
    """How many wait before it for one of the same places; null: it does not wait now."""
    says: str
    """How it stands, in a sentence."""
    joined_at: datetime
    offer: AppointmentView | None
    """What is kept for the patient until its `held_until`: confirm or cancel it."""
    appointment_id: UUID | None
    booked_id: UUID | None
    """What the patient has booked besides that the entry would accept as well."""

    @classmethod
    def of(cls, wait: Wait) -> "WaitView":
        state: Any = wait.state
        periods: Any = list(wait.periods)
        kind: Any = wait.kind
        return cls(
            wait.id,
            state,
            Ref(wait.patient_id, wait.patient_name),
            wait.group_id,
            wait.group_size,
            wait.from_on,
            wait.to_on,
            periods,
            kind,
            [AcceptedView.of(accepted) for accepted in wait.accepted],
            wait.ahead,
            wording.says(wait),
            wait.joined_at,
            AppointmentView.of(wait.offer) if wait.offer else None,
            wait.appointment_id,
            wait.booked_id,
        )


class WaitsView(msgspec.Struct):
    items: list[WaitView]
    next: str | None

    @classmethod
    def of(cls, waits: list[Wait], following: str | None = None) -> "WaitsView":
        return cls([WaitView.of(wait) for wait in waits], following)
