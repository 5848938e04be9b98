"""转人工: a conversation goes to people, and from people to people. In the caller's transaction.

Whoever calls has locked the conversation (`locking.lock`). Every change of hands leaves an event
that says why, and what the resident reads.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from backend import audit, clock
from backend.bot.talk import Triage
from backend.chat import duty_policy, duty_wording, events, messages, policy, routing
from backend.chat.duty import duty
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.duty_policy import LEVELS, WORKLIST
from backend.chat.errors import NotNow
from backend.chat.levels import Asker
from backend.chat.locking import change
from backend.chat.messages import SYSTEM, Author, Draft
from backend.chat.models import Conversation
from backend.chat.routing import Asked
from backend.identity.access import Actor
from backend.ids import new_id

log = structlog.get_logger()

REOPENED, RED_FLAG = "reopened", "red_flag"
NOT_TAKEN, SILENT, STILL_THERE = "not_taken", "silent", "still_there"
SILENT_MOST = 20


async def hand_over(
    actor: Actor, conversation: Conversation, reason: str, triage: Triage | None
) -> None:
    """From the bot to people, or anew after it was closed; what waits already can only become more
    urgent, and what a doctor has keeps its doctor.

    Raises:
        NotNow: the conversation is over, and is not being opened again.
    """
    priority = conversation.priority if triage is None else triage.priority
    if conversation.state in policy.QUEUED or conversation.state == policy.OPEN:
        if reason != RED_FLAG:  # the bot judges all that was ever said: old flags are known
            priority = duty_policy.less_than_emergency(priority)
        await _hurry(actor, conversation, priority, is_danger=reason == RED_FLAG)
        return
    before, deed = conversation.state, _deed(conversation.state)
    state = policy.after(before, deed)
    if state is None:
        raise NotNow(state=before)
    asked = await routing.first(conversation, priority)
    await _place(conversation, asked, state=state, priority=priority,
                 queued_at=clock.now(), handed_over_for=reason, answered_at=None,
                 home_id=_home(asked))  # fmt: skip
    await _open(conversation, asked, reason)
    await _leave(actor, conversation, deed, before, asked, reason)
    await audit.record(
        actor, "chat.handed_over", entity_id=conversation.id,
        patient_ids=[conversation.patient_id], level=asked.wait.route.level, priority=priority,
    )  # fmt: skip


def _deed(state: str) -> str:
    return "reopen" if state in policy.OVER else "hand_over"


def _home(asked: Asked) -> UUID | None:
    return asked.asker.organization_id or asked.wait.route.organization_id


async def _open(conversation: Conversation, asked: Asked, reason: str) -> None:
    await HandOver.create(
        id=new_id(),
        consortium_id=conversation.consortium_id,
        conversation_id=conversation.id,
        home_id=conversation.home_id,
        doctor_id=asked.asker.doctor_id,
        reason=reason,
        priority=conversation.priority,
        policy_version=asked.duty.policy.version,
        handed_at=conversation.queued_at,
        due_at=conversation.due_at,
        level=asked.wait.route.level,
    )
    if conversation.priority == "I":
        await _call(conversation, conversation.due_at)


async def _call(conversation: Conversation, due_at: datetime | None) -> None:
    """Put the resident on the call list, once."""
    if not await CallTask.filter(conversation_id=conversation.id, done_at=None).exists():
        await CallTask.create(
            id=new_id(),
            consortium_id=conversation.consortium_id,
            conversation_id=conversation.id,
            patient_id=conversation.patient_id,
            organization_id=conversation.organization_id,
            created_at=clock.now(),
            due_at=due_at or clock.now(),
        )


async def _hurry(
    actor: Actor, conversation: Conversation, priority: str, *, is_danger: bool
) -> None:
    """It has become more urgent: due sooner, further ahead in the line, never the other way.

    `is_danger`: another red flag, which counts even where it is no more urgent than before.
    """
    before = conversation.priority
    priority = duty_policy.more_urgent(priority, before)
    if priority == before and not is_danger:
        return
    known, now = await duty(conversation.consortium_id), clock.now()
    week = known.table.week_at(conversation.home_id)
    due_at = duty_policy.first_due_at(known.policy, priority, now, week)
    due_at = min(due_at, conversation.due_at or due_at)
    if conversation.state == policy.OPEN:
        await change(conversation, priority=priority, due_at=due_at)
    elif priority == before:
        await change(conversation, due_at=due_at)
    else:
        await _sooner(conversation, priority, due_at)
    living = HandOver.filter(conversation_id=conversation.id, ended_at=None)
    await living.update(priority=priority, level=conversation.routed_by)
    await living.filter(answered_at=None, due_at__gt=due_at).update(due_at=due_at)
    if priority == "I":
        await _call(conversation, due_at)
    await events.note(
        actor, conversation, "hurry", before=conversation.state, was=before, priority=priority
    )


async def _sooner(conversation: Conversation, priority: str, due_at: datetime) -> None:
    """To whoever is there now, at this level or above. What lies on the list of administrators goes
    to people first: somebody may be on call by now."""
    was_last = conversation.routed_by == WORKLIST
    level = LEVELS[0] if was_last else conversation.routed_by
    but = await silent_of(conversation)
    asked = await routing.first(conversation, priority, level=level, but=but)
    if was_last:
        due_at = asked.wait.due_at  # that of the list may be long past
    await _place(conversation, asked, state=conversation.state, priority=priority, due_at=due_at)
    await CallTask.filter(conversation_id=conversation.id, done_at=None).update(
        organization_id=conversation.organization_id
    )


async def asked_again(conversation: Conversation) -> None:
    """A resident has written to the doctor who has it: from now on the answer is awaited."""
    if conversation.state != policy.OPEN or conversation.due_at is not None:
        return
    known = await duty(conversation.consortium_id)
    week = known.table.week_at(conversation.home_id)
    due_at = duty_policy.silent_due_at(known.policy, conversation.priority, clock.now(), week)
    await change(conversation, due_at=due_at)


async def pass_on(
    actor: Actor,
    conversation: Conversation,
    deed: str,
    asked: Asked,
    *,
    reason: str = "",
    due_at: datetime | None = None,
) -> None:
    """To whoever is `asked` now, from whoever had it. `deed`: one of `policy.STATES`' exits."""
    before = conversation.state
    state = policy.after(before, deed)
    if state is None:
        raise NotNow(state=before)
    await _place(conversation, asked, state=state)
    if due_at is not None:
        await change(conversation, due_at=due_at)
    living = HandOver.filter(conversation_id=conversation.id, ended_at=None)
    await living.update(level=conversation.routed_by)
    await CallTask.filter(conversation_id=conversation.id, done_at=None).update(
        organization_id=conversation.organization_id
    )
    await _leave(actor, conversation, deed, before, asked, reason)


async def _place(conversation: Conversation, asked: Asked, **facts: Any) -> None:
    route = asked.wait.route
    told: dict[str, Any] = {
        "due_at": asked.wait.due_at,
        "routed_by": route.level,
        "organization_id": route.organization_id,
        "assigned_to": asked.staff_id,
        "claimed_by": None,
        "claimed_at": None,
    }
    await change(conversation, **(told | facts))


async def _leave(
    actor: Actor,
    conversation: Conversation,
    deed: str,
    before: str,
    asked: Asked,
    reason: str,
) -> None:
    route = asked.wait.route
    await events.note(
        actor, conversation, deed, before=before, reason=reason, level=route.level,
        why=list(route.why), assigned_to=str(asked.staff_id) if asked.staff_id else None,
        organization_id=str(route.organization_id) if route.organization_id else None,
        priority=conversation.priority, due_at=asked.wait.due_at.isoformat(),
    )  # fmt: skip
    if reason != STILL_THERE:  # no news for the resident
        due_at = conversation.due_at or asked.wait.due_at
        await say(
            conversation,
            duty_wording.handed_over(
                route.level, asked.name, due_at, conversation.priority, reason
            ),
        )
    log.info(
        "conversation.handed", conversation_id=str(conversation.id), deed=deed,
        routed_by=route.level, priority=conversation.priority,
    )  # fmt: skip


async def say(conversation: Conversation, body: str) -> None:
    """What the service itself tells the resident, in the conversation."""
    await messages.append(conversation, Author(SYSTEM), Draft(kind="system", body=body))


async def silent_of(conversation: Conversation) -> frozenset[UUID]:
    """Doctors who said nothing in this stretch."""
    row = await HandOver.get_or_none(conversation_id=conversation.id, ended_at=None)
    return frozenset() if row is None else frozenset(UUID(one) for one in row.silent)


async def go_up(actor: Actor, conversation: Conversation, deed: str, *, reason: str) -> None:
    """One level up, because nobody took it in time, or whoever has it is silent."""
    row = await HandOver.get(conversation_id=conversation.id, ended_at=None)
    known = await duty(conversation.consortium_id)
    late = known.doctor(conversation.claimed_by or conversation.assigned_to)
    silent = [*row.silent, str(late)] if late is not None else list(row.silent)
    silent = list(dict.fromkeys(silent))[:SILENT_MOST]
    asker = Asker(row.home_id, row.doctor_id)
    was_last = conversation.routed_by == WORKLIST
    asked = await routing.following(conversation, asker, but=frozenset(UUID(one) for one in silent))
    await HandOver.filter(id=row.id).update(
        silent=silent, escalations=row.escalations + (0 if was_last else 1)
    )
    await pass_on(actor, conversation, deed, asked, reason=reason)
