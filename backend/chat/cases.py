"""One conversation as staff see it: why it was handed over, about whom, what was said and done.

Every look leaves an audit row, which the resident can read.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend import db
from backend.bot.talk import Triage
from backend.chat import messages, notes, policy
from backend.chat.card import Card, card_of
from backend.chat.desk import Hands, find, is_mine
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.messages import DOCTOR, Author, Shown
from backend.chat.models import Conversation, ConversationEvent
from backend.chat.notes import Note
from backend.chat.remembering import triage_of
from backend.consortium.directory import directory
from backend.identity.access import Actor, note_read
from backend.staff.models import Staff

EVENTS_MOST = 100


class May(msgspec.Struct, frozen=True):
    """Which deeds the actor is offered now; each verb checks again."""

    claim: bool
    answer: bool
    release: bool
    transfer: bool
    close: bool
    reopen: bool
    book: bool
    plan: bool


class Deed(msgspec.Struct, frozen=True):
    """What happened. `by`: a name, or empty for residents and the service itself. `detail`: codes,
    ids and numbers, as `level`, `why`, `outcome`."""

    at: datetime
    actor_kind: str
    by: str
    action: str
    to_state: str
    reason: str
    detail: dict[str, Any]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Instants in UTC. `triage`: None where the bot found nothing out, or its record is of another
    make. `call_id`: the resident is on the call list. `departments`: the likeliest first."""

    id: UUID
    version: int
    state: str
    priority: str
    level: str
    red_flag: bool
    organization: str
    home: str
    doctor: str
    mine: bool
    handed_over_for: str
    opened_at: datetime
    queued_at: datetime
    due_at: datetime | None
    claimed_at: datetime | None
    closed_at: datetime | None
    outcome: str
    rating: int | None
    rating_words: str
    reopened: int
    escalations: int
    unread: int
    last_seq: int
    resident_read: int
    resident_delivered: int
    departments: tuple[str, ...]
    triage: Triage | None
    card: Card | None
    notes: list[Note]
    deeds: list[Deed]
    call_id: UUID | None
    may: May


async def show(actor: Actor, conversation_id: UUID) -> Case:
    """Everything but the messages; leaves an audit row. Raises NotFound."""
    row, hands = await find(actor, conversation_id)
    if row.patient_id is not None:
        async with db.transaction():
            await note_read(actor, "chat.case_shown", {row.patient_id})
    county = (await directory(actor.consortium_id)).organizations
    home, here = county.get(row.home_id or row.id), county.get(row.organization_id)
    latest = await HandOver.filter(conversation_id=row.id).order_by("-handed_at").first()
    call = await CallTask.filter(conversation_id=row.id, done_at=None).first()
    doctor = await Staff.get_or_none(id=row.claimed_by) if row.claimed_by else None
    return Case(
        id=row.id,
        version=row.version,
        state=row.state,
        priority=row.priority,
        level=row.routed_by,
        red_flag=row.red_flag,
        organization=here.name if here else "",
        home=home.name if home else "",
        doctor=doctor.name if doctor else "",
        mine=is_mine(actor, row),
        handed_over_for=row.handed_over_for,
        opened_at=row.opened_at,
        queued_at=row.queued_at or row.opened_at,
        due_at=row.due_at,
        claimed_at=row.claimed_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        rating=row.rating,
        rating_words=row.rating_words,
        reopened=row.reopened,
        escalations=latest.escalations if latest else 0,
        unread=row.staff_unread,
        last_seq=row.last_seq,
        resident_read=row.resident_read,
        resident_delivered=row.resident_delivered,
        departments=tuple(row.departments or ()),
        triage=triage_of(row),
        card=await card_of(actor, row),
        notes=await notes.of(row.id),
        deeds=await _deeds(row.id),
        call_id=call.id if call else None,
        may=_may(actor, row, hands),
    )


async def version(actor: Actor, conversation_id: UUID) -> int:
    """Raised by every change, messages and marks included. Raises NotFound."""
    return (await find(actor, conversation_id))[0].version


def _may(actor: Actor, row: Conversation, hands: Hands) -> May:
    mine = row.state == policy.OPEN and is_mine(actor, row)
    queued, taken = row.state in policy.QUEUED, row.state == policy.OPEN
    return May(
        claim=queued and hands.answer,
        answer=mine,
        release=mine,
        transfer=mine or queued or (taken and hands.oversee),
        close=mine or ((queued or taken) and hands.oversee),
        reopen=row.state in policy.OVER,
        book=mine and row.patient_id is not None,
        plan=mine and row.patient_id is not None,
    )


async def read(
    actor: Actor, conversation_id: UUID, *, after: int | None, before: int | None, most: int
) -> list[Shown]:
    """Messages, oldest first: right after a number, right before it, else the latest.

    Leaves an audit row where there are any. Raises NotFound.
    """
    row, _ = await find(actor, conversation_id)
    found = await messages.page(
        conversation_id, after=after, before=before, most=min(most, messages.PAGE_MOST)
    )
    if found and row.patient_id is not None:
        async with db.transaction():
            await note_read(actor, "chat.read", {row.patient_id})
    return await messages.shown(found, Author(DOCTOR, actor.id))


async def _deeds(conversation_id: UUID) -> list[Deed]:
    """The latest first."""
    rows = (
        await ConversationEvent.filter(conversation_id=conversation_id)
        .order_by("-at", "-id")
        .limit(EVENTS_MOST)
    )
    staff = {row.actor_id for row in rows if row.actor_kind == "staff"} - {None}
    names = {one.id: one.name for one in await Staff.filter(id__in=list(staff))}
    return [
        Deed(
            row.at,
            row.actor_kind,
            names.get(row.actor_id, "") if row.actor_id else "",
            row.action,
            row.to_state,
            row.reason,
            dict(row.detail or {}),
        )
        for row in rows
    ]
