"""评价: once, after the end."""

from uuid import UUID

import structlog

from backend import audit, clock, db
from backend.chat import conversations, events, live, policy
from backend.chat.conversations import Talk
from backend.chat.errors import AlreadyRated, NotNow
from backend.chat.locking import change, lock
from backend.hub import Hub
from backend.identity.access import Actor
from backend.receipts import Receipt

log = structlog.get_logger()


async def rate(
    actor: Actor, hub: Hub, conversation_id: UUID, *, score: int, words: str, receipt: Receipt
) -> Talk:
    """From 1 to 5, and in words.

    Raises:
        NotFound, KeyReused.
        NotNow: it is not over. AlreadyRated.
    """
    await conversations.find(actor, conversation_id, "book")
    async with db.transaction():
        conversation = await lock(conversation_id)
        await receipt.check()
        if conversation.rating is not None:
            raise AlreadyRated
        before, state = conversation.state, policy.after(conversation.state, "rate")
        if state is None:
            raise NotNow(state=before)
        await change(
            conversation, state=state, rating=score, rating_words=words, rated_at=clock.now()
        )
        await events.note(actor, conversation, "rate", before=before, score=score)
        await audit.record(
            actor, "chat.rated", entity_id=conversation.id, patient_ids=[conversation.patient_id]
        )
        talk = await conversations.show(actor, conversation_id)
        await receipt.keep(200, talk)
    await live.publish(hub, conversation)
    log.info("conversation.rated", conversation_id=str(conversation_id))
    return talk
