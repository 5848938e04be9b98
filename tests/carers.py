"""Carers for the tests: somebody is invited, accepts, and may or may not look."""

from datetime import datetime
from typing import Any
from uuid import UUID

from backend.errors import NotFound
from backend.identity import carers, invitations, patients
from backend.identity.access import Actor
from backend.identity.models import Carer
from backend.settings import Settings
from tests.people import Person, a_receipt, an_account


async def invite(
    actor: Actor, patient_id: UUID, *, scope: str = "book", expires_at: datetime | None = None
) -> str:
    code, _ = await invitations.invite(
        actor, patient_id, scope=scope, expires_at=expires_at, receipt=a_receipt(actor)
    )
    return code


async def accept(actor: Actor, code: str, relation: str = "child", most: int = 5) -> Carer:
    return await invitations.accept(
        actor, code, relation=relation, most=most, receipt=a_receipt(actor)
    )


async def decide(actor: Actor, row: Carer, **facts: Any) -> Carer:
    told: dict[str, Any] = {"scope": "book", "expires_at": None} | facts
    return await carers.decide(actor, row.patient_id, row.id, receipt=a_receipt(actor), **told)


async def let_in(settings: Settings, person: Person, **facts: Any) -> tuple[Actor, Carer]:
    """Somebody whom `person` has invited."""
    actor = await an_account(settings)
    row = await accept(actor, await invite(person.actor, person.patient_id, **facts))
    return actor, row


async def may(actor: Actor, patient_id: UUID) -> bool:
    try:
        await patients.show(actor, patient_id)
    except NotFound:
        return False
    return True
