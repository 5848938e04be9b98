"""The people of every test: 王奶奶, her daughter, 李大叔, and 赵强 who has no right to anything.

All invented; their identity numbers are well-formed and belong to nobody we know of.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from backend import clock
from backend.consortium.models import Organization
from backend.crypto import Vault
from backend.identity import patients, sessions
from backend.identity.access import Actor, Grant
from backend.identity.care import Care
from backend.identity.documents import check_character
from backend.identity.models import Account, Carer, Patient
from backend.identity.sessions import Sessions
from backend.receipts import Receipt
from backend.settings import Settings
from backend.staff.models import Staff, StaffRole
from backend.staff.rights import RIGHTS


def an_id_number(*, birth: str = "19500101", order: int = 12, place: str = "330000") -> str:
    """A well-formed resident identity number; an odd `order` is a man's."""
    body = f"{place}{birth}{order:03d}"
    return body + check_character(body)


def a_receipt(actor: Actor, *, key: str | None = None, body: bytes = b"") -> Receipt:
    return Receipt.of(actor.account_id, key or uuid4().hex, "POST /test", body, lambda _: "{}")


@dataclass
class Person:
    actor: Actor
    patient_id: UUID


def vault_of(settings: Settings) -> Vault:
    return Vault(settings.keys, settings.index_key_bytes)


async def an_account(settings: Settings) -> Actor:
    """Somebody who has just opened the mini-program."""
    account = await Account.create(
        id=uuid4(),
        consortium_id=settings.consortium_id,
        openid_index=uuid4().hex,
        openid_sealed="t1:x",
        created_at=clock.now(),
    )
    return Actor(settings.consortium_id, "resident", account.id)


async def a_person(settings: Settings, name: str = "王桂兰") -> Person:
    """An account with its owner as its patient, straight into the tables: quick for many."""
    actor = await an_account(settings)
    patient = await Patient.create(
        id=uuid4(),
        consortium_id=settings.consortium_id,
        name=name,
        id_kind="resident_id",
        id_sealed="t1:x",
        id_index=hashlib.sha256(uuid4().bytes).hexdigest(),
        birth_on=clock.today().replace(year=1950, day=1),
        sex="female",
        created_at=clock.now(),
    )
    await Carer.create(
        id=uuid4(),
        consortium_id=settings.consortium_id,
        patient=patient,
        account_id=actor.account_id,
        relation="self",
        scope="manage",
        state="active",
        is_default=True,
        created_at=clock.now(),
    )
    return Person(actor, patient.id)


async def a_carer(settings: Settings, patient_id: UUID, scope: str) -> Actor:
    """A child of theirs, with an account and consent."""
    actor = await an_account(settings)
    await Carer.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=patient_id,
        account_id=actor.account_id, relation="child", scope=scope, state="active",
        created_at=clock.now(),
    )  # fmt: skip
    return actor


async def register(
    actor: Actor, settings: Settings, *, most: int = 5, receipt: Receipt | None = None, **facts: Any
) -> Carer:
    """Register somebody through the real verb."""
    told = {
        "name": "王桂兰",
        "id_kind": "resident_id",
        "id_number": an_id_number(),
        "relation": "self",
        "agreed": True,
    } | facts
    return await patients.register(
        actor,
        vault_of(settings),
        patients.NewPatient(**told),
        most=most,
        receipt=receipt or a_receipt(actor),
    )


async def log_in(
    settings: Settings,
    openid: str = "openid-wang",
    *,
    device: str = "test",
    verified: Sessions | None = None,
) -> tuple[str, Actor]:
    token, session, account = await sessions.log_in(
        verified or Sessions(Care()), settings.consortium_id, vault_of(settings),
        openid=openid, device=device, days=30,
    )  # fmt: skip
    return token, Actor(settings.consortium_id, "resident", account.id, session.id)


def a_staff(settings: Settings, role: str, *organizations: Organization) -> Actor:
    """Somebody who works there, as a verb sees them; without institutions, for all of them."""
    within = frozenset(one.id for one in organizations) or None
    grant = Grant(role, within, RIGHTS[role])
    return Actor(settings.consortium_id, "staff", uuid4(), grants=(grant,))


async def a_staff_account(
    settings: Settings, role: str, *organizations: Organization, **facts: Any
) -> Staff:
    """The same with an account, ready to work: no password that anybody knows."""
    staff_id = uuid4()
    told = {
        "username": f"staff-{staff_id.hex[:12]}", "name": "陈思远", "password_hash": "none",
        "must_change": False, "totp_sealed": "t1:x", "totp_confirmed_at": clock.now(),
    } | facts  # fmt: skip
    row = await Staff.create(
        id=staff_id, consortium_id=settings.consortium_id, created_at=clock.now(), **told
    )
    for organization in organizations or (None,):
        await StaffRole.create(
            id=uuid4(), consortium_id=settings.consortium_id, staff_id=staff_id, role=role,
            organization=organization, granted_at=clock.now(),
        )  # fmt: skip
    return row
