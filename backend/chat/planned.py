"""A doctor writes 用药计划 or begins 随访 from within the conversation; a card tells it there.

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
from backend.reminders import follow_ups, medication_records, timetable
from backend.reminders import medication_plans as plans
from backend.reminders.dosage import Dosage
from backend.reminders.follow_ups import Look, Wanted
from backend.reminders.medication_records import Plan

log = structlog.get_logger()

PAGE = "/pages/medicines/medicines"
BEGAN, CHANGED, ENDED = "plan_begun", "plan_changed", "plan_ended"
SAID = {BEGAN: "医生写了用药计划", CHANGED: "医生改了用药计划", ENDED: "医生停用了用药计划"}
FOLLOWED = "follow_up_begun"
Write = Callable[[UUID], Awaitable[tuple[UUID, Draft]]]  # of the patient: the plan, and its card


async def list_of(actor: Actor, conversation_id: UUID) -> list[Plan]:
    """The patient's plans, for whoever has claimed the conversation; leaves an audit row.

    Raises as `begin`, but for what only writing meets.
    """
    patient_id = await _whose(actor, conversation_id)
    async with db.transaction():
        await note_read(actor, "medication.listed", {patient_id})
    return await medication_records.of_patient(patient_id)


async def begin(
    actor: Actor, hub: Hub, conversation_id: UUID, dosage: Dosage, *, plan_id: UUID
) -> None:
    """Write a plan. Sent twice with the same `plan_id`, it is written and told once.

    Raises:
        NotFound: not the actor's conversation. NotNow, ClaimedByOther: not claimed by the actor.
        NoPatientYet. Malformed, TooManyPlans, WrittenBefore.
    """

    async def write(patient_id: UUID) -> tuple[UUID, Draft]:
        return plan_id, _card(BEGAN, await plans.begin(actor, patient_id, plan_id, dosage))

    await _do(actor, hub, conversation_id, BEGAN, write)


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

    async def write(patient_id: UUID) -> tuple[UUID, Draft]:
        plan = await plans.rewrite(actor, patient_id, plan_id, dosage, version=version)
        return plan_id, _card(CHANGED, plan)

    await _do(actor, hub, conversation_id, CHANGED, write)


async def end(
    actor: Actor, hub: Hub, conversation_id: UUID, plan_id: UUID, *, reason: str, version: int
) -> None:
    """It is taken no more. Raises as `begin`; PlanChanged, PlanEnded."""

    async def write(patient_id: UUID) -> tuple[UUID, Draft]:
        plan = await plans.finish(actor, patient_id, plan_id, reason=reason, version=version)
        return plan_id, _card(ENDED, plan)

    await _do(actor, hub, conversation_id, ENDED, write)


async def follow_up(
    actor: Actor, hub: Hub, conversation_id: UUID, wanted: Wanted, *, plan_id: UUID
) -> None:
    """Begin 随访; sent twice with the same `plan_id`, it is begun once. Raises as `begin`."""

    async def write(patient_id: UUID) -> tuple[UUID, Draft]:
        look = await follow_ups.begin(actor, patient_id, plan_id, wanted)
        return plan_id, _follow_up_card(look)

    await _do(actor, hub, conversation_id, FOLLOWED, write)


async def must_have(actor: Actor, conversation_id: UUID) -> None:
    """Raises as `begin`, but for what only writing meets."""
    await _whose(actor, conversation_id)


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
            plan_id, card = await write(patient_id)
            await messages.append(row, Author(DOCTOR, actor.id), card)
            await answering.answered(actor, row)
            await events.note(actor, row, deed, before=row.state, plan_id=str(plan_id))
    except SentBefore:
        return
    await tell(hub, row)
    log.info("conversation.planned", conversation_id=str(conversation_id), deed=deed)


def _card(deed: str, plan: Plan) -> Draft:
    lines = [f"{SAID[deed]}：{plan.dosage.medicine}"]
    if deed == ENDED:
        lines.append(f"停用的原因：{medication_records.REASONS[plan.ended_for]}。")
    else:
        lines += [f"{plan.words}。", f"{timetable.span(plan.dosage.timing)}。", dosages.NOT_YET]
    return Draft(
        client_id=f"{deed}-{plan.id}-{plan.version}",
        kind="card",
        body="\n".join(lines),
        payload={
            "plan_id": str(plan.id),
            "links": [{"label": "看用药计划", "url": f"{PAGE}?patient={plan.patient_id}"}],
        },
    )


def _follow_up_card(look: Look) -> Draft:
    on = look.due_on
    day = f"{on.year}年{on.month}月{on.day}日"
    return Draft(
        client_id=f"follow-up-{look.plan_id}",
        kind="card",
        body=f"医生定了随访：{look.about}\n{day}前后，医生会联系您，或请您来一趟。"
        f"{follow_ups.NOT_YET}",
        payload={
            "follow_up_plan_id": str(look.plan_id),
            "links": [{"label": "看随访", "url": f"{PAGE}?patient={look.patient_id}"}],
        },
    )
