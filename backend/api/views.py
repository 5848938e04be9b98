"""What clients send and see. Every text has a limit; identity numbers and phones are masked.

Instants are RFC 3339 in UTC; dates are dates in China; money is in fen (0.01 yuan). `of` takes Any
where the tables hold text that their own rules keep within a Literal.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from backend.booking import wording
from backend.booking.tickets import Ticket
from backend.consortium.directory import Dept
from backend.identity.sessions import Session
from backend.reminders.subscriptions import TITLES, Wanted

Tier = Literal["county", "township", "village"]
Kind = Literal["general", "expert", "disease", "outreach"]
Period = Literal["am", "pm", "night"]
Scope = Literal["view", "book", "manage"]
Relation = Literal[
    "self", "parent", "child", "spouse", "grandparent", "grandchild", "sibling", "other"
]
IdKind = Literal["resident_id", "passport", "hk_macao_permit", "taiwan_permit", "residence_permit"]
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$(?!\n)")]
Phone = Annotated[str, Meta(pattern=r"^(1[3-9][0-9]{9}|\+[0-9]{6,15}|0[0-9]{9,11})$(?!\n)")]
Reason = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(min_length=1, max_length=128)]
Word = Annotated[str, Meta(min_length=1, max_length=30)]
Near = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,8})?,-?[0-9]{1,3}(\.[0-9]{1,8})?$(?!\n)",
        description="latitude,longitude in degrees (GCJ-02)",
    ),
]
Instant = Annotated[datetime, Meta(tz=True)]
Cursor = Annotated[str, Meta(min_length=1, max_length=300)]
Most = Annotated[int, Meta(ge=1, le=100)]


class Form(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A request body or query: an unknown field is refused."""


# --- log-in ---------------------------------------------------------------------------------------


class LoginForm(Form):
    code: Code
    device: Annotated[str, Meta(max_length=80)] = ""


class PhoneForm(Form):
    code: Code


class AccountView(msgspec.Struct):
    id: UUID
    phone: str | None
    """Masked."""


class LoginView(msgspec.Struct):
    token: str
    expires_at: datetime
    account: AccountView


class MeView(msgspec.Struct):
    account: AccountView
    county: str
    emergency_phone: str
    patients: list["PatientView"]


class DeviceView(msgspec.Struct):
    id: UUID
    device: str
    created_at: datetime
    last_seen_at: datetime
    current: bool

    @classmethod
    def of(cls, row: Session, current: UUID | None) -> "DeviceView":
        return cls(row.id, row.device, row.created_at, row.last_seen_at, row.id == current)


class DevicesView(msgspec.Struct):
    items: list[DeviceView]


# --- patients -------------------------------------------------------------------------------------


class NewPatientForm(Form):
    """`birth_on` and `sex` only where the document does not say them."""

    name: Name
    id_number: Annotated[str, Meta(min_length=5, max_length=30)]
    relation: Relation
    agreed: bool
    id_kind: IdKind = "resident_id"
    phone: Phone | None = None
    birth_on: date | None = None
    sex: Literal["male", "female", "unknown"] | None = None


class PatientChangeForm(Form):
    phone: Phone | UnsetType | None = UNSET
    relation: Relation | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET


class PatientView(msgspec.Struct, kw_only=True):
    """`state` requested: waiting for a carer's consent; till then next to nothing is shown."""

    id: UUID
    state: Literal["active", "requested"]
    name: str
    relation: Relation
    scope: Scope
    is_default: bool
    id_kind: IdKind | None = None
    id_number: str | None = None
    """Masked."""
    phone: str | None = None
    """Masked."""
    birth_on: date | None = None
    sex: str | None = None
    minor: bool = False
    expires_at: datetime | None = None


class PatientsView(msgspec.Struct):
    items: list[PatientView]


class StandingView(msgspec.Struct):
    """What counts for or against the patient; `barred_until` bars expert places only."""

    cancellations: int
    cancellations_most: int
    no_shows: int
    no_shows_most: int
    barred_until: datetime | None
    rules: str


class InvitationForm(Form):
    scope: Scope = "book"
    expires_at: Instant | None = None


class InvitationView(msgspec.Struct):
    code: str
    expires_at: datetime


class AcceptForm(Form):
    code: Code
    relation: Relation


class ConsentForm(Form):
    scope: Scope = "book"
    expires_at: Instant | None = None


class CarerView(msgspec.Struct):
    id: UUID
    state: Literal["active", "requested"]
    relation: Relation
    scope: Scope
    mine: bool
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, row: Any, account_id: UUID) -> "CarerView":
        return cls(
            row.id, row.state, row.relation, row.scope, row.account_id == account_id,
            row.created_at, row.expires_at,
        )  # fmt: skip


class CarersView(msgspec.Struct):
    items: list[CarerView]


# --- directory ------------------------------------------------------------------------------------


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


# --- schedules ------------------------------------------------------------------------------------


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


class Ref(msgspec.Struct):
    id: UUID
    name: str


class DoctorRef(msgspec.Struct):
    id: UUID
    name: str
    title: str


class ScheduleFacts(msgspec.Struct):
    """`fee` and the rules are what a resident reads before booking."""

    id: UUID
    organization: Ref
    tier: Tier
    department: Ref
    location: str
    practitioner: DoctorRef | None
    distance_km: float | None
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

    @classmethod
    def of(cls, offer: Any, rules: int | str) -> Self:
        """`rules` is the last field, which each kind has for itself."""
        doctor = offer.doctor
        return cls(
            offer.id,
            Ref(offer.organization.id, offer.organization.name),
            offer.organization.tier,
            Ref(offer.department.id, offer.department.name),
            offer.department.location,
            DoctorRef(doctor.id, doctor.name, doctor.title) if doctor else None,
            offer.distance_km,
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
            rules,  # type: ignore[call-arg]
        )


class ScheduleView(ScheduleFacts):
    """One of a list."""

    rules_index: int
    """Which of the list's `rules` hold here."""


class OneScheduleView(ScheduleFacts):
    """One by itself."""

    rules: str


class SchedulesView(msgspec.Struct):
    """`rules` stand once: most schedules share them, and they would be half of the answer."""

    items: list[ScheduleView]
    rules: list[str]
    next: str | None

    @classmethod
    def of(cls, offers: list[Any], following: str | None) -> "SchedulesView":
        rules: dict[str, int] = {}
        items = [
            ScheduleView.of(offer, rules.setdefault(wording.rules(offer.policy), len(rules)))
            for offer in offers
        ]
        return cls(items, list(rules), following)


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


# --- appointments ---------------------------------------------------------------------------------

Status = Literal[
    "pending", "booked", "checked_in", "called", "fulfilled", "cancelled", "no_show", "excused"
]


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
    cancelling: CancellingView

    @classmethod
    def of(cls, ticket: Ticket) -> "AppointmentView":
        place: Any = ticket.place
        status: Any = ticket.status
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
            CancellingView(
                ticket.can_cancel,
                ticket.free_until,
                ticket.late_now,
                wording.consequence(ticket),
            ),
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


# --- inbox ----------------------------------------------------------------------------------------


class InboxQuery(Form):
    unread: bool = False
    cursor: Cursor | None = None
    limit: Most = 20


class PageLinkView(msgspec.Struct):
    """A page of the mini-program, and the id that goes with it."""

    page: str
    id: UUID | None


class MessageView(msgspec.Struct):
    id: UUID
    kind: str
    title: str
    text: str
    at: datetime
    read: bool
    link: PageLinkView | None

    @classmethod
    def of(cls, message: Any) -> "MessageView":
        words = message.words
        link = PageLinkView(words.page, message.about) if words.page else None
        return cls(
            message.id, message.kind, words.title, words.text, message.at, message.read, link
        )


class InboxView(msgspec.Struct):
    items: list[MessageView]
    next: str | None
    unread: int


class UnreadView(msgspec.Struct):
    """As far as 99."""

    unread: int


# --- subscriptions --------------------------------------------------------------------------------


class SubscriptionAnswer(Form):
    template_id: Annotated[str, Meta(min_length=1, max_length=64)]
    result: Literal["accept", "reject", "ban", "filter"]


class SubscriptionForm(Form):
    """What `wx.requestSubscribeMessage` gave, each template once."""

    items: Annotated[list[SubscriptionAnswer], Meta(min_length=1, max_length=5)]


class SubscriptionView(msgspec.Struct):
    """`remaining`: how many messages WeChat still lets us send. `answer`: the latest one."""

    purpose: Literal["booked", "changed", "visit"]
    title: str
    template_id: str
    remaining: int
    answer: Literal["accept", "reject", "ban", "filter", "off"] | None

    @classmethod
    def of(cls, wanted: Wanted) -> "SubscriptionView":
        purpose: Any = wanted.purpose
        answer: Any = wanted.answer
        return cls(purpose, TITLES[purpose], wanted.template_id, wanted.remaining, answer)


class SubscriptionsView(msgspec.Struct):
    items: list[SubscriptionView]


# --- privacy --------------------------------------------------------------------------------------


class TermsSectionView(msgspec.Struct):
    heading: str
    lines: tuple[str, ...]


class TermsView(msgspec.Struct):
    """个人信息处理说明, as it stands."""

    version: str
    title: str
    county: str
    sections: list[TermsSectionView]


class AgreementForm(Form):
    """`granted` false takes it back."""

    version: Annotated[str, Meta(min_length=1, max_length=16)]
    granted: bool


class AgreementView(msgspec.Struct):
    """What the account said last about the terms; `granted` null: nothing yet."""

    version: str
    """The one to agree to now."""
    agreed_version: str | None
    granted: bool | None
    at: datetime | None


class DecisionView(msgspec.Struct):
    id: UUID
    purpose: Literal["terms", "identity", "guardian", "carer"]
    patient: Ref | None
    version: str
    granted: bool
    at: datetime


class ConsentsView(msgspec.Struct):
    agreement: AgreementView
    items: list[DecisionView]
    next: str | None


class PageQuery(Form):
    cursor: Cursor | None = None
    limit: Most = 20


class AccessQuery(Form):
    """`everyone` includes what the account itself did."""

    everyone: bool = False
    cursor: Cursor | None = None
    limit: Most = 20


class AccessView(msgspec.Struct):
    """`who`: asking wants to act for the patient, and former no longer may."""

    id: UUID
    at: datetime
    who: Literal["me", "carer", "asking", "former", "staff", "operator", "system"]
    relation: Relation | None
    action: str
    words: str

    @classmethod
    def of(cls, access: Any) -> "AccessView":
        return cls(access.id, access.at, access.who, access.relation, access.action, access.words)


class AccessesView(msgspec.Struct):
    items: list[AccessView]
    next: str | None


class ProofForm(Form):
    """`code`: of a `wx.login` made now, so that a token alone is not enough."""

    code: Code


class LeavingPersonView(msgspec.Struct):
    """`fate`: shared (others still care for them), kept (by law or rule), erased."""

    patient: Ref
    fate: Literal["shared", "kept", "erased"]
    appointment_ids: list[UUID]
    """Upcoming ones that nobody else could look after: to be cancelled first."""


class DeletionView(msgspec.Struct):
    """What deleting the account would mean now."""

    possible: bool
    people: list[LeavingPersonView]


# --- health ---------------------------------------------------------------------------------------


class ReadyView(msgspec.Struct):
    """`database` and `hub`: `ok` or `unreachable`. Jobs may wait for a moment without any loss."""

    status: str
    database: str
    hub: str
    jobs: str
