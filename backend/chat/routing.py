"""Who is asked about a conversation: its resident's family doctor, and the levels after that."""

from uuid import UUID

import msgspec

from backend import clock
from backend.booking.models import Appointment
from backend.chat import levels
from backend.chat.duty import Duty, duty
from backend.chat.duty_policy import LEVELS
from backend.chat.levels import Asker, Wait
from backend.chat.models import Conversation
from backend.consortium.directory import directory
from backend.identity import contracts
from backend.identity.models import Carer, FamilyDoctorContract

NEAR_TIERS = ("village", "township")
VISITS_MOST = 20


class Asked(msgspec.Struct, frozen=True):
    """Who is asked now: `staff_id` and `name` None: anybody of that institution."""

    wait: Wait
    duty: Duty
    asker: Asker
    staff_id: UUID | None
    name: str | None


async def asker_of(conversation: Conversation) -> Asker:
    """Where its resident belongs: to a family doctor, else where they went last."""
    patient_id = conversation.patient_id or await _owner(conversation)
    if patient_id is None:
        return Asker(None, None)
    contract = await FamilyDoctorContract.get_or_none(
        contracts.in_force(), consortium_id=conversation.consortium_id, patient_id=patient_id
    )
    if contract is not None:
        return Asker(contract.organization_id, contract.practitioner_id)
    return Asker(await _last_place(conversation.consortium_id, patient_id), None)


async def _owner(conversation: Conversation) -> UUID | None:
    """Who asks for nobody yet is taken for the account's own person: to find a doctor, no more."""
    row = await Carer.filter(
        account_id=conversation.account_id, relation="self", state="active"
    ).first()
    return None if row is None else UUID(str(row.patient_id))


async def _last_place(consortium_id: UUID, patient_id: UUID) -> UUID | None:
    county = await directory(consortium_id)
    rows = Appointment.filter(consortium_id=consortium_id, patient_id=patient_id)
    for row in await rows.order_by("-held_on", "-id").limit(VISITS_MOST):
        org = county.organizations.get(row.organization_id)
        if org is not None and org.tier in NEAR_TIERS:
            return org.id
    return None


async def first(
    conversation: Conversation,
    priority: str,
    *,
    level: str = LEVELS[0],
    but: frozenset[UUID] = frozenset(),
) -> Asked:
    """Who is asked from `level` on, and until when the first answer must be there."""
    known, asker = await duty(conversation.consortium_id), await asker_of(conversation)
    wait = levels.begin(
        known.policy, known.table, asker, priority, clock.now(), level=level, but=but
    )
    return await _asked(conversation.consortium_id, known, asker, wait)


async def following(
    conversation: Conversation, asker: Asker, *, but: frozenset[UUID] = frozenset()
) -> Asked:
    """Who is asked after the level where it is now."""
    known = await duty(conversation.consortium_id)
    wait = levels.go_on(
        known.policy, known.table, asker, conversation.priority, clock.now(),
        level=conversation.routed_by, but=but,
    )  # fmt: skip
    return await _asked(conversation.consortium_id, known, asker, wait)


async def _asked(consortium_id: UUID, known: Duty, asker: Asker, wait: Wait) -> Asked:
    doctor_id = wait.route.practitioner_id
    if doctor_id is None:
        return Asked(wait, known, asker, None, None)
    doctor = (await directory(consortium_id)).doctors.get(doctor_id)
    return Asked(wait, known, asker, known.staff.get(doctor_id), doctor.name if doctor else None)
