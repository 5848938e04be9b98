"""What becomes of conversations when the time to keep them is over, and of those that lie idle.

Words go, numbers stay: who said something when, in which order, is kept as long as the database
keeps anything, without what was said.

Source: 互联网诊疗监管细则（试行）(2022): text, pictures and sound of the process for 3 years at
least; what a doctor answered is part of the record of an outpatient: 15 years
(医疗机构管理条例实施细则 第五十三条).
"""

from datetime import timedelta
from uuid import UUID

from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from backend import clock, db
from backend.chat import conversations, policy
from backend.chat.duty_models import CallTask, ConversationNote
from backend.chat.locking import lock
from backend.chat.models import (
    Attachment,
    AttachmentContent,
    BotTurn,
    Conversation,
    Message,
)
from backend.identity.access import Actor

YEAR = timedelta(days=366)
KEPT = 3 * YEAR  # since something was last said
ANSWERED_KEPT = 15 * YEAR  # where a doctor has answered
EMPTIED_MOST = 100  # conversations in one go
IDLE_MOST = 200


async def empty(rows: QuerySet[Conversation]) -> int:
    """Take the words out, in the caller's transaction. Returns of how many conversations."""
    ids: list[UUID] = await rows.values_list("id", flat=True)  # type: ignore[assignment]
    if not ids:
        return 0
    await Message.filter(conversation_id__in=ids).update(body="", payload=None, request_hash="")
    files = Attachment.filter(conversation_id__in=ids, removed_at=None)
    await AttachmentContent.filter(id__in=Subquery(files.values("id"))).delete()
    await files.update(removed_at=clock.now())
    await BotTurn.filter(conversation_id__in=ids).delete()
    await CallTask.filter(conversation_id__in=ids).update(note="")
    await ConversationNote.filter(conversation_id__in=ids).update(text="")
    return await Conversation.filter(id__in=ids).update(
        memory=None, triage=None, departments=[], preview="", rating_words=""
    )


async def sweep(consortium_id: UUID) -> int:
    """Empty what has been kept for as long as it is. A limited number a call; how many."""
    now = clock.now()
    old = Conversation.filter(
        consortium_id=consortium_id, last_at__lt=now - KEPT, rules_version__not=""
    )
    answered = Message.filter(author_kind="doctor").values("conversation_id")
    for wanted in (
        old.exclude(id__in=Subquery(answered)),
        old.filter(last_at__lt=now - ANSWERED_KEPT),
    ):
        async with db.transaction():
            rows = wanted.order_by("last_at").limit(EMPTIED_MOST)
            ids = await rows.values_list("id", flat=True)
            done = await empty(Conversation.filter(id__in=list(ids)))
            await Conversation.filter(id__in=list(ids)).update(rules_version="")
        if done:
            return done
    return 0


async def end_idle(consortium_id: UUID) -> int:
    """End what only the bot has and nobody has gone on with for a day. Returns how many."""
    idle = Conversation.filter(
        consortium_id=consortium_id, state=policy.BOT, last_at__lt=clock.now() - policy.IDLE
    )
    done = 0
    ids: list[UUID] = (
        await idle.order_by("last_at").limit(IDLE_MOST).values_list("id", flat=True)  # type: ignore[assignment]
    )
    for conversation_id in ids:
        async with db.transaction():
            row = await lock(conversation_id)
            if row.state == policy.BOT and row.last_at < clock.now() - policy.IDLE:
                actor = Actor.system(consortium_id)
                await conversations.end(actor, row, outcome=conversations.IDLE)
                done += 1
    return done
