"""Doctors take conversations, give them back, pass them on."""

from uuid import UUID

import msgspec
import structlog

from backend import audit, clock, db
from backend.chat import duty_policy, duty_wording, events, handing_over, policy, routing
from backend.chat.desk import find, hands, is_mine, must_see
from backend.chat.duty import duty
from backend.chat.duty_errors import ClaimedByOther
from backend.chat.duty_models import REASON_MOST
from backend.chat.duty_policy import LEVELS
from backend.chat.errors import NotNow
from backend.chat.levels import Route, Wait
from backend.chat.locking import change, lock
from backend.chat.models import Conversation
from backend.chat.routing import Asked
from backend.chat.telling import tell
from backend.consortium.directory import directory
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.access import Actor

log = structlog.get_logger()

AUDITED = {
    "release": "chat.released",
    "transfer": "chat.transferred",
    "reroute": "chat.transferred",
}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to pass it to: one doctor of an institution, anybody there, or a level on call."""

    organization_id: UUID | None = None
    practitioner_id: UUID | None = None
    level: str | None = None


async def claim(actor: Actor, hub: Hub, conversation_id: UUID) -> None:
    """Take it out of the line: of many who try, one gets it. Again by the same doctor: nothing.

    Raises:
        NotFound; ClaimedByOther: somebody was quicker; NotNow: it does not wait (any more).
    """
    _, may = await find(actor, conversation_id)
    if not may.answer:
        raise NotFound
    known = await duty(actor.consortium_id)
    async with db.transaction():
        row = await lock(conversation_id)
        if not hands(actor, row).answer:
            raise NotFound
        if row.state == policy.OPEN:
            if row.claimed_by == actor.id:
                return
            raise ClaimedByOther
        if row.state not in policy.QUEUED:
            raise NotNow(state=row.state)
        before, now = row.state, clock.now()
        week = known.table.week_at(row.home_id)
        due_at = duty_policy.silent_due_at(known.policy, row.priority, now, week)
        await change(row, state=policy.OPEN, claimed_by=actor.id, claimed_at=now, due_at=due_at)
        await events.note(actor, row, "claim", before=before)
        await handing_over.say(row, duty_wording.CLAIMED.format(doctor=await _name(actor)))
        await audit.record(actor, "chat.claimed", entity_id=row.id, patient_ids=[row.patient_id])
    await tell(hub, row)
    log.info("conversation.claimed", conversation_id=str(conversation_id))


async def _name(actor: Actor) -> str:
    if actor.practitioner_id is None:
        return ""
    doctor = (await directory(actor.consortium_id)).doctors.get(actor.practitioner_id)
    return doctor.name if doctor else ""


async def release(actor: Actor, hub: Hub, conversation_id: UUID, *, reason: str) -> None:
    """Give it back to the line, where somebody else of the same level, or the next, is asked.

    Raises NotFound, NotNow (not claimed by the actor), Malformed.
    """
    said = check_reason(reason)
    await find(actor, conversation_id)
    async with db.transaction():
        row = await lock(conversation_id)
        _must_have(actor, row)
        but = await handing_over.silent_of(row)
        if actor.practitioner_id is not None:
            but |= {actor.practitioner_id}
        asked = await routing.first(row, row.priority, level=row.routed_by, but=but)
        await _moved(actor, row, "release", asked, said)
    await tell(hub, row)


async def transfer(
    actor: Actor, hub: Hub, conversation_id: UUID, target: Target, *, reason: str
) -> None:
    """Pass it to a doctor, an institution or a level. By whoever has it; what waits also by
    whoever answers or oversees there.

    Raises:
        NotFound: not the actor's, or no such doctor or institution.
        NotNow: somebody else has it, or it is over. Malformed.
    """
    said = check_reason(reason)
    await find(actor, conversation_id)
    async with db.transaction():
        row = await lock(conversation_id)
        may = must_see(actor, row)
        if row.state == policy.OPEN and not (is_mine(actor, row) or may.oversee):
            raise NotNow(state=row.state)
        if row.state in policy.OVER:
            raise NotNow(state=row.state)
        asked = await _asked(row, target)
        deed = "transfer" if row.state == policy.OPEN else "reroute"
        before = row.organization_id
        await _moved(actor, row, deed, asked, said)
        if row.home_id is None:
            await change(row, home_id=row.organization_id)
    await tell(hub, row, before)


async def _moved(actor: Actor, row: Conversation, deed: str, asked: Asked, reason: str) -> None:
    """With the time of one step, as it was due before; audited."""
    policy_now, week = asked.duty.policy, asked.duty.table.week_at(row.home_id)
    due_at = duty_policy.step_due_at(policy_now, row.priority, clock.now(), week)
    await handing_over.pass_on(actor, row, deed, asked, reason=reason, due_at=due_at)
    await audit.record(
        actor, AUDITED[deed], entity_id=row.id, patient_ids=[row.patient_id], level=row.routed_by
    )


async def _asked(row: Conversation, target: Target) -> Asked:
    asker = await routing.asker_of(row)
    if target.level is not None:
        if target.level not in LEVELS:
            raise Malformed("没有这个级别。", field="level")
        return await routing.first(row, row.priority, level=target.level)
    known = await duty(row.consortium_id)
    place = known.table.institutions.get(target.organization_id) if target.organization_id else None
    if place is None or target.organization_id is None:
        raise NotFound("没有找到要转给的机构，请重新选择。")
    level = "team" if target.organization_id == row.home_id else place.tier
    if target.practitioner_id is not None and target.practitioner_id not in place.doctors:
        raise NotFound("这位医生在那里不能接咨询，请重新选择。")
    route = Route(_level(level), target.organization_id, target.practitioner_id)
    week = known.table.week_at(row.home_id)
    due_at = duty_policy.step_due_at(known.policy, row.priority, clock.now(), week)
    names = (await directory(row.consortium_id)).doctors
    doctor = names.get(target.practitioner_id) if target.practitioner_id else None
    staff_id = known.staff.get(target.practitioner_id) if target.practitioner_id else None
    return Asked(Wait(route, due_at), known, asker, staff_id, doctor.name if doctor else None)


def _level(tier: str) -> str:
    """From which level it goes on when the one it was passed to does not take it."""
    return {"village": "team"}.get(tier, tier)


def _must_have(actor: Actor, row: Conversation) -> None:
    """Raises NotFound, NotNow."""
    must_see(actor, row)
    if row.state != policy.OPEN or not is_mine(actor, row):
        raise NotNow(state=row.state)


def check_reason(reason: str, field: str = "reason") -> str:
    """Raises Malformed."""
    said = reason.strip()
    if not said:
        raise Malformed("请写明原因，会记入咨询记录。", field=field)
    if len(said) > REASON_MOST:
        raise Malformed(f"原因不超过 {REASON_MOST} 个字。", field=field)
    return said
