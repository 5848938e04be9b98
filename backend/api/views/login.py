"""Log-in, the account, and its devices."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import Code, Form
from backend.api.views.patients import PatientView
from backend.identity.sessions import Session


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
    patients: list[PatientView]


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
