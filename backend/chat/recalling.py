"""撤回: taken back within two minutes. The row stays for the audit; readers see that it was, and
the bot forgets it (`forgetting`).

A recall takes a number of its own, so that whoever reads by cursor hears of it in order.
"""

from uuid import UUID

from backend import audit, clock, db
from backend.chat import conversations, desk, events, messages, policy, wording
from backend.chat.errors import TooLateToRecall
from backend.chat.forgetting import forget
from backend.chat.locking import change, lock
from backend.chat.messages import DOCTOR, QUIET, RESIDENT, Author, Draft, SentBefore
from backend.chat.models import Conversation, Message
from backend.chat.reception import Reception
from backend.chat.telling import tell
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor


async def recall(
    actor: Actor, reception: Reception, conversation_id: UUID, message_id: UUID
) -> None:
    """By the resident who sent it. A repeat changes nothing.

    Raises:
        NotFound: no such message, or not the actor's.
        TooLateToRecall.
    """
    await conversations.find(actor, conversation_id, "book")
    await reception.have_rules()
    author = Author(RESIDENT, actor.account_id)
    try:
        async with db.transaction():
            conversation = await lock(conversation_id)
            message = await take_back(actor, conversation, author, message_id)
            await forget(conversation, message, reception.rulebook)
    except SentBefore:
        return
    await tell(reception.hub, conversation)


async def by_doctor(actor: Actor, hub: Hub, conversation_id: UUID, message_id: UUID) -> None:
    """By whoever wrote it at the desk, while they may see the conversation. A repeat changes
    nothing.

    Raises:
        NotFound: no such message, or not the actor's.
        TooLateToRecall.
    """
    await desk.find(actor, conversation_id)
    try:
        async with db.transaction():
            conversation = await lock(conversation_id)
            desk.must_see(actor, conversation)
            await take_back(actor, conversation, Author(DOCTOR, actor.id), message_id)
    except SentBefore:
        return
    await tell(hub, conversation)


async def take_back(
    actor: Actor, conversation: Conversation, author: Author, message_id: UUID
) -> Message:
    """The same in the caller's transaction, for whoever wrote it. Returns what was taken back.

    Raises NotFound, TooLateToRecall; SentBefore: it was recalled already.
    """
    row = await Message.get_or_none(
        id=message_id, conversation_id=conversation.id, author_kind=author.kind, author_id=author.id
    )
    if row is None or row.kind in QUIET:
        raise NotFound
    if row.recalled_at is not None:
        raise SentBefore(row)
    if not policy.may_recall(row.at, clock.now()):
        raise TooLateToRecall
    is_last = await _is_last(conversation, row)
    told = Draft(
        client_id=f"~recall:{row.id}",
        kind="recall",
        payload={"seq": row.seq},
        quoted_id=row.id,
    )
    await messages.append(conversation, author, told)
    await Message.filter(id=row.id, recalled_at=None).update(recalled_at=clock.now())
    if is_last:
        await change(conversation, preview=wording.RECALLED)
    await events.note(actor, conversation, "recall", before=conversation.state, seq=row.seq)
    await audit.record(
        actor, "chat.recalled", entity_id=row.id, patient_ids=[conversation.patient_id]
    )
    return row


async def _is_last(conversation: Conversation, row: Message) -> bool:
    later = Message.filter(conversation_id=conversation.id, seq__gt=row.seq)
    return not await later.exclude(kind__in=QUIET).exists()
