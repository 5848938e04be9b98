"""会话: residents begin one, write in it, read it and find it again.

Whoever is not the account that began it, with care of its patient in force, gets NotFound.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.chat import (
    booking_cards,
    bot_turns,
    ending,
    events,
    handing_over,
    live,
    marks,
    messages,
    policy,
)
from backend.chat.errors import ConversationOver, NotNow, TooManyConversations
from backend.chat.locking import change, lock
from backend.chat.messages import RESIDENT, Author, Draft, SentBefore, Shown
from backend.chat.models import Conversation, Message
from backend.chat.reception import Reception
from backend.chat.telling import tell
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity import access
from backend.identity.access import Actor, care_of, note_read, patients_of
from backend.identity.documents import mask_name
from backend.ids import new_id
from backend.receipts import Receipt
from backend.staff.models import Staff

log = structlog.get_logger()

Cursor = tuple[datetime, UUID]

IDLE = "idle"  # nobody went on with it


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as its resident sees it. Instants in UTC; the patient's name is masked.

    `read` and `delivered`: how far the other side has got; `seen`: how far the resident has.
    """

    id: UUID
    version: int
    state: str
    patient_id: UUID | None
    patient_name: str | None
    organization: str | None
    doctor: str | None
    priority: str
    red_flag: bool
    last_seq: int
    last_at: datetime
    preview: str
    unread: int
    read: int
    delivered: int
    seen: int
    opened_at: datetime
    queued_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    outcome: str
    rating: int | None

    @property
    def can_write(self) -> bool:
        return self.state in policy.LIVING or policy.may_reopen(
            self.state, self.closed_at, clock.now()
        )

    @property
    def reopens_until(self) -> datetime | None:
        """Until when writing opens it again, UTC."""
        if self.state not in policy.OVER or self.closed_at is None:
            return None
        return self.closed_at + policy.REOPEN

    @property
    def waits(self) -> bool:
        return self.state in policy.QUEUED

    @property
    def can_rate(self) -> bool:
        return self.state == policy.CLOSED and self.rating is None

    @property
    def can_ask_for_a_doctor(self) -> bool:
        return self.state == policy.BOT


# --- who may ------------------------------------------------------------------------------------


async def find(actor: Actor, conversation_id: UUID, scope: str) -> Conversation:
    """One of the account's own. Raises NotFound."""
    row = (
        await Conversation.filter(
            id=conversation_id, consortium_id=actor.consortium_id, account_id=actor.account_id
        )
        .select_related("patient", "organization")
        .first()
    )
    if row is None:
        raise NotFound
    if row.patient_id is not None:
        await care_of(actor, row.patient_id, scope)
    return row


async def mine(actor: Actor) -> QuerySet[Conversation]:
    """All of the account's own that it may still see."""
    people = list(await patients_of(actor))
    return Conversation.filter(
        Q(patient_id=None) | Q(patient_id__in=people),
        consortium_id=actor.consortium_id,
        account_id=actor.account_id,
    )


# --- begin and write ----------------------------------------------------------------------------


async def begin(
    actor: Actor, reception: Reception, patient_id: UUID | None, *, receipt: Receipt
) -> Talk:
    """A new conversation, with the bot.

    Raises:
        NotFound: the patient is not the actor's to act for.
        TooManyConversations, KeyReused.
    """
    if patient_id is not None:
        await care_of(actor, patient_id, "book")
    await reception.have_rules()
    async with db.transaction():
        await access.lock(actor)
        await receipt.check()
        await _make_room(actor)
        now = clock.now()
        row = await Conversation.create(
            id=new_id(),
            consortium_id=actor.consortium_id,
            account_id=actor.account_id,
            patient_id=patient_id,
            state=policy.BOT,
            opened_at=now,
            last_at=now,
        )
        await events.note(actor, row, "open", before=None)
        await bot_turns.greet(row, reception.rulebook)
        await audit.record(actor, "chat.opened", entity_id=row.id, patient_ids=[patient_id])
        talk = await show(actor, row.id)
        await receipt.keep(201, talk)
    log.info("conversation.opened", conversation_id=str(row.id))
    return talk


async def _make_room(actor: Actor) -> None:
    """What only the bot has, and lies idle longest, gives way. Raises TooManyConversations."""
    rows = Conversation.filter(account_id=actor.account_id, state__in=policy.LIVING)
    living = await rows.order_by("last_at").limit(policy.LIVING_MOST)
    if len(living) < policy.LIVING_MOST:
        return
    idle = next((row for row in living if row.state == policy.BOT), None)
    if idle is None:
        raise TooManyConversations(most=policy.LIVING_MOST)
    idle = await lock(idle.id)
    if idle.state == policy.BOT:
        await end(actor, idle, outcome=IDLE)


async def send(
    actor: Actor, reception: Reception, conversation_id: UUID, draft: Draft
) -> tuple[Shown, bool]:
    """Say something. Returns the message, and whether this call has stored it.

    `client_id` is its key: sent again, the first one is returned and nothing is done.

    Raises:
        NotFound; ConversationOver: it ended more than 48 hours ago.
        ClientIdReused; Malformed: it quotes or encloses what is not there.
    """
    await find(actor, conversation_id, "book")
    await reception.have_rules()
    author = Author(RESIDENT, actor.account_id)
    try:
        async with db.transaction():
            conversation = await lock(conversation_id)
            message = await messages.append(conversation, author, draft)
            await _go_on(actor, reception, conversation, message)
        is_new = True
    except SentBefore as before:
        message, is_new = before.message, False
    if booking_cards.picks_place(message):
        # Also for a repeat: the first one may have been cut off before this.
        await booking_cards.hold(actor, reception, conversation_id, message)
    if is_new:
        await tell(reception.hub, conversation)
        log.info("message.sent", conversation_id=str(conversation_id), seq=message.seq)
    return (await messages.shown([message], author))[0], is_new


async def _go_on(
    actor: Actor, reception: Reception, conversation: Conversation, message: Message
) -> None:
    """What a resident's message sets going, in its transaction."""
    if conversation.state in policy.OVER:
        await _reopen(actor, conversation)
    elif conversation.state == policy.OPEN:
        await handing_over.asked_again(conversation)
    if booking_cards.picks_person(message):
        await booking_cards.for_whom(actor, conversation, message)
    elif not booking_cards.picks_place(message):
        await bot_turns.answer(actor, conversation, message, reception.rulebook)


async def _reopen(actor: Actor, conversation: Conversation) -> None:
    """Back to the doctors' queue, or to the bot where no doctor ever had it."""
    before = conversation.state
    if not policy.may_reopen(before, conversation.closed_at, clock.now()):
        raise ConversationOver(state=before)
    if conversation.queued_at is not None:
        await ending.again(actor, conversation)
        return
    await change(
        conversation, state=policy.after(before, "resume"), closed_at=None, closed_by=None,
        outcome="", reopened=conversation.reopened + 1,
    )  # fmt: skip
    await events.note(actor, conversation, "reopen", before=before)


async def ask_for_a_doctor(actor: Actor, hub: Hub, conversation_id: UUID) -> None:
    """转人工, at any moment. Where people have it already nothing changes.

    Raises:
        NotFound; NotNow: it is over (writing opens it again).
    """
    await find(actor, conversation_id, "book")
    async with db.transaction():
        conversation = await lock(conversation_id)
        if conversation.state in policy.OVER:
            raise NotNow(state=conversation.state)
        if conversation.state == policy.BOT:
            await handing_over.hand_over(actor, conversation, "asked", None)
    await tell(hub, conversation)


async def end(actor: Actor, conversation: Conversation, *, outcome: str) -> None:
    """Close it in the caller's transaction."""
    before = conversation.state
    state = policy.after(before, "close")
    if state is None:
        raise NotNow(state=before)
    await change(conversation, state=state, closed_at=clock.now(), outcome=outcome)
    await events.note(actor, conversation, "close", before=before, reason=outcome)


# --- read ---------------------------------------------------------------------------------------


async def list_of(actor: Actor, *, after: Cursor | None, most: int) -> list[Talk]:
    """The account's own, where something was said last first, from `after` on."""
    wanted = await mine(actor)
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(last_at__lt=at) | Q(last_at=at, id__lt=last))
    rows = (
        await wanted.select_related("patient", "organization")
        .order_by("-last_at", "-id")
        .limit(most)
    )
    async with db.transaction():
        await note_read(actor, "chat.listed", {row.patient_id for row in rows} - {None})
    return await _talks(rows)


async def show(actor: Actor, conversation_id: UUID) -> Talk:
    """One, without its place in line (`queue.shown`). Raises NotFound."""
    return await talk_of(await find(actor, conversation_id, "view"))


async def talk_of(row: Conversation) -> Talk:
    """Whoever calls has checked whose it is."""
    return (await _talks([row]))[0]


async def read(
    actor: Actor, conversation_id: UUID, *, after: int | None, before: int | None, most: int
) -> list[Shown]:
    """Oldest first: what comes after a number, or before it; else the latest. Raises NotFound."""
    row = await find(actor, conversation_id, "view")
    found = await messages.page(conversation_id, after=after, before=before, most=most)
    if found and row.patient_id is not None:
        async with db.transaction():
            await note_read(actor, "chat.read", {row.patient_id})
    return await messages.shown(found, Author(RESIDENT, actor.account_id))


async def enter(actor: Actor, conversation_id: UUID) -> None:
    """Begin to watch one, which is read whole or in part from then on. Raises NotFound."""
    row = await find(actor, conversation_id, "view")
    if row.patient_id is not None:
        async with db.transaction():
            await note_read(actor, "chat.read", {row.patient_id})


async def news(actor: Actor, conversation_id: UUID, *, after: int, most: int) -> list[Shown]:
    """What came after a number, for whoever `find` has let in: a socket, which left an audit row
    when it was opened."""
    found = await messages.page(conversation_id, after=after, before=None, most=most)
    return await messages.shown(found, Author(RESIDENT, actor.account_id))


async def versions(conversation_ids: list[UUID]) -> dict[UUID, int]:
    """Of many conversations at once, but for those that their account may no longer see: which have
    changed is seen without reading them."""
    rows = await db.fetch(
        f"SELECT t.id, t.version FROM conversation t WHERE {db.among('t.id', '$1')}"
        " AND (t.patient_id IS NULL OR EXISTS (SELECT 1 FROM carer c"
        " WHERE c.patient_id = t.patient_id AND c.account_id = t.account_id"
        " AND c.state = 'active' AND (c.expires_at IS NULL OR c.expires_at > $2)))",
        conversation_ids,
        clock.now(),
    )
    return {db.as_uuid(row["id"]): row["version"] for row in rows}


async def mark(actor: Actor, hub: Hub, conversation_id: UUID, what: str, seq: int) -> None:
    """The account has got (`delivered`) or read all up to `seq`. Raises NotFound."""
    row = await find(actor, conversation_id, "view")
    if await marks.mark(conversation_id, RESIDENT, what, seq):
        await live.publish(hub, row)


async def _talks(rows: Sequence[Conversation]) -> list[Talk]:
    claimed = {row.claimed_by for row in rows} - {None}
    doctors = await Staff.filter(id__in=list(claimed)) if claimed else []
    names = {doctor.id: doctor.name for doctor in doctors}
    return [_talk(row, names) for row in rows]


def _talk(row: Conversation, names: dict[UUID, str]) -> Talk:
    return Talk(
        id=row.id,
        version=row.version,
        state=row.state,
        patient_id=row.patient_id,
        patient_name=mask_name(row.patient.name) if row.patient else None,
        organization=row.organization.name if row.organization else None,
        doctor=names.get(row.claimed_by) if row.claimed_by else None,
        priority=row.priority,
        red_flag=row.red_flag,
        last_seq=row.last_seq,
        last_at=row.last_at,
        preview=row.preview,
        unread=row.resident_unread,
        read=row.staff_read,
        delivered=row.staff_delivered,
        seen=row.resident_read,
        opened_at=row.opened_at,
        queued_at=row.queued_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        rating=row.rating,
    )
