"""A doctor writes 用药计划 for the resident from within the conversation; a card tells it there.

Plan, card, event and audit stand in one transaction; the patient's row is locked before the
conversation's, as everywhere.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from backend import db
from backend.chat import answering, events, messages
from backend.chat.desk import find
from backend.chat.duty_errors import NoPatientYet
from backend.chat.locking import lock
from backend.chat.messages import DOCTOR, Author, Draft, SentBefore
from backend.chat.telling import tell
from backend.hub import Hub
from backend.identity.access import Actor, lock_patients, note_read
from backend.reminders import dosage as dosages
from backend.reminders import medication_plans as plans
from backend.reminders import timetable
from backend.reminders.dosage import Dosage
from backend.reminders.medication_plans import Plan

log = structlog.get_logger()

PAGE = "/pages/medicines/medicines"
BEGAN, CHANGED, ENDED = "plan_begun", "plan_changed", "plan_ended"
SAID = {BEGAN: "医生写了用药计划", CHANGED: "医生改了用药计划", ENDED: "医生停用了用药计划"}
Write = Callable[[UUID], Awaitable[Plan]]  # of the patient


async def list_of(actor: Actor, conversation_id: UUID) -> list[Plan]:
    """The patient's plans, for whoever has claimed the conversation; leaves an audit row.

    Raises as `begin`, but for what only writing meets.
    """
    patient_id = await _whose(actor, conversation_id)
    async with db.transaction():
        await note_read(actor, "medication.listed", {patient_id})
    return await plans.of_patient(patient_id)


async def begin(
    actor: Actor, hub: Hub, conversation_id: UUID, dosage: Dosage, *, plan_id: UUID
) -> None:
    """Write a plan. Sent twice with the same `plan_id`, it is written and told once.

    Raises:
        NotFound: not the actor's conversation. NotNow, ClaimedByOther: not claimed by the actor.
        NoPatientYet. Malformed, TooManyPlans.
    """
    await _do(
        actor, hub, conversation_id, BEGAN,
        lambda patient_id: plans.begin(actor, patient_id, plan_id, dosage),
    )  # fmt: skip


async def change(
    actor: Actor,
    hub: Hub,
    conversation_id: UUID,
    plan_id: UUID,
    dosage: Dosage,
    *,
    version: int,
) -> None:
    """Another version. Raises as `begin`; PlanChanged, PlanEnded, ChangedTooOften."""
    await _do(
        actor, hub, conversation_id, CHANGED,
        lambda patient_id: plans.rewrite(actor, patient_id, plan_id, dosage, version=version),
    )  # fmt: skip


async def end(
    actor: Actor, hub: Hub, conversation_id: UUID, plan_id: UUID, *, reason: str, version: int
) -> None:
    """It is taken no more. Raises as `begin`; PlanChanged, PlanEnded."""
    await _do(
        actor, hub, conversation_id, ENDED,
        lambda patient_id: plans.finish(
            actor, patient_id, plan_id, reason=reason, version=version
        ),
    )  # fmt: skip


async def _whose(actor: Actor, conversation_id: UUID) -> UUID:
    row, _ = await find(actor, conversation_id)
    answering.must_have(actor, row)
    if row.patient_id is None:
        raise NoPatientYet
    return UUID(str(row.patient_id))


async def _do(actor: Actor, hub: Hub, conversation_id: UUID, deed: str, write: Write) -> None:
    patient_id = await _whose(actor, conversation_id)
    try:
        async with db.transaction():
            await lock_patients([patient_id])
            row = await lock(conversation_id)
            answering.must_have(actor, row)
            plan = await write(patient_id)
            await messages.append(row, Author(DOCTOR, actor.id), _card(deed, plan))
            await answering.answered(actor, row)
            await events.note(actor, row, deed, before=row.state, plan_id=str(plan.id))
    except SentBefore:
        return
    await tell(hub, row)
    log.info("conversation.planned", conversation_id=str(conversation_id), deed=deed)


def _card(deed: str, plan: Plan) -> Draft:
    lines = [f"{SAID[deed]}：{plan.dosage.medicine}"]
    if deed == ENDED:
        lines.append(f"停用的原因：{plans.REASONS[plan.ended_for]}。")
    else:
        lines += [f"{plan.words}。", f"{timetable.span(plan.dosage.timing)}。", dosages.NOT_YET]
    return Draft(
        client_id=f"plan-{plan.id}-{plan.version}-{plan.status}",
        kind="card",
        body="\n".join(lines),
        payload={
            "plan_id": str(plan.id),
            "links": [{"label": "看用药计划", "url": f"{PAGE}?patient={plan.patient_id}"}],
        },
    )
