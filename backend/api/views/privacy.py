"""Terms and consents, who saw a record, and leaving."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import Code, Cursor, Form, Most, Ref, Relation


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
    """`who`: asking and invited may not yet act for the patient, and former no longer may."""

    id: UUID
    at: datetime
    who: Literal["me", "carer", "asking", "invited", "former", "staff", "operator", "system"]
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
