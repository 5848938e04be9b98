"""Patients, and who cares for them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from backend.api.views.fields import Code, Form, Relation

Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$(?!\n)")]
Phone = Annotated[str, Meta(pattern=r"^(1[3-9][0-9]{9}|\+[0-9]{6,15}|0[0-9]{9,11})$(?!\n)")]
IdKind = Literal["resident_id", "passport", "hk_macao_permit", "taiwan_permit", "residence_permit"]
Scope = Literal["view", "book", "manage"]
Instant = Annotated[datetime, Meta(tz=True)]


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


class FamilyDoctorView(msgspec.Struct):
    """家庭医生: whom the patient has a contract with, and the institution's phone."""

    name: str
    organization: str
    phone: str


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
    family_doctor: FamilyDoctorView | None = None
    """Only where one patient is shown."""


class PatientsView(msgspec.Struct):
    items: list[PatientView]


class InvitationForm(Form):
    scope: Scope = "book"
    expires_at: Instant | None = None


class InvitationView(msgspec.Struct):
    """`expires_at`: until when the code can be used."""

    id: UUID
    code: str
    expires_at: datetime


class UnusedInvitationView(msgspec.Struct):
    """`care_expires_at`: when the right ends that it gives."""

    id: UUID
    mine: bool
    scope: Scope
    care_expires_at: datetime | None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, row: Any, account_id: UUID) -> "UnusedInvitationView":
        return cls(
            row.id, row.invited_by == account_id, row.scope, row.care_expires_at, row.created_at,
            row.expires_at,
        )  # fmt: skip


class UnusedInvitationsView(msgspec.Struct):
    items: list[UnusedInvitationView]


class CodeForm(Form):
    code: Code


class OfferView(msgspec.Struct):
    """Masked names. `inviter_relation`: what the one who invites is to the patient."""

    patient: str
    inviter: str | None
    inviter_relation: Relation
    scope: Scope
    care_expires_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, offer: Any) -> "OfferView":
        return cls(
            offer.patient, offer.inviter, offer.inviter_relation, offer.scope,
            offer.care_expires_at, offer.expires_at,
        )  # fmt: skip


class AcceptForm(Form):
    code: Code
    relation: Relation


class ConsentForm(Form):
    scope: Scope = "book"
    expires_at: Instant | None = None


class CarerView(msgspec.Struct):
    """`name`: of one who asks, masked; null where they have given no real name of their own."""

    id: UUID
    state: Literal["active", "requested"]
    relation: Relation
    scope: Scope
    mine: bool
    created_at: datetime
    expires_at: datetime | None
    name: str | None = None

    @classmethod
    def of(cls, row: Any, account_id: UUID, name: str | None = None) -> "CarerView":
        return cls(
            row.id, row.state, row.relation, row.scope, row.account_id == account_id,
            row.created_at, row.expires_at, name,
        )  # fmt: skip


class CarersView(msgspec.Struct):
    items: list[CarerView]
