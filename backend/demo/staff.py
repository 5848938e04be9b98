"""The demo's people behind the desk. Password and authenticator key are made once for each folder.

They stand in a file that only its owner reads; nothing of them is in the source.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from backend.consortium.models import Organization
from backend.crypto import Vault
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.settings import Settings
from backend.staff import accounts, passwords, totp
from backend.staff.accounts import NewMember

KEPT = "staff.json"


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    name: str
    role: str
    organization: str | None = None  # 机构编码
    doctor: str | None = None  # 工号


PEOPLE = (
    Person("county", "方静", "consortium_admin"),
    Person("hospital", "周敏", "institution_admin", "DXRM"),
    Person("township", "吴海波", "institution_admin", "WSY01"),
    Person("doctor-cai", "蔡明秋", "doctor", "DXRM", "10013"),
    Person("doctor-xu", "许嘉禾", "doctor", "WSY01", "30101"),
    Person("auditor", "沈琳", "auditor"),
)


@dataclass(frozen=True, slots=True)
class Secrets:
    password: str
    totp_key: str


def secrets_of(home: Path) -> Secrets:
    """What everybody of this demo logs in with, made on the first call."""
    path = home / KEPT
    if path.exists():
        return Secrets(**json.loads(path.read_text("utf-8")))
    made = {"password": passwords.one_time(), "totp_key": totp.new_key()}
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(opened, "w", encoding="utf-8") as file:
        json.dump(made, file)
    return Secrets(**made)


async def load(settings: Settings, home: Path) -> None:
    """Make the accounts that are missing. Those that are there stay as they are."""
    actor = Actor.operator(settings.consortium_id)
    vault = Vault(settings.keys, settings.index_key_bytes)
    fresh = not (home / KEPT).exists()
    secrets = secrets_of(home)
    for person in PEOPLE:
        try:
            staff_id = (await accounts.by_username(actor, person.username)).id
            if not fresh:
                continue
        except NotFound:
            staff_id = await _add(actor, settings, person)
        await accounts.equip(
            actor, vault, staff_id, password=secrets.password, totp_key=secrets.totp_key
        )


async def _add(actor: Actor, settings: Settings, person: Person) -> UUID:
    at = None
    if person.organization is not None:
        row = await Organization.get(consortium_id=settings.consortium_id, code=person.organization)
        at = row.id
    new = NewMember(
        username=person.username,
        name=person.name,
        role=person.role,
        organization_id=at,
        doctor=person.doctor,
    )
    staff_id, _ = await accounts.create(actor, new)
    return staff_id
