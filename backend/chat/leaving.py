"""What becomes of conversations when their account is deleted: none goes on, and words that no
doctor answered are gone. What a doctor answered is a record of care, and stays for its time.
"""

from datetime import timedelta
from uuid import UUID

from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from backend import clock
from backend.chat import events, policy
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.locking import change, lock
from backend.chat.models import Attachment, AttachmentContent, BotTurn, Conversation, Message
from backend.identity.access import Actor

# Source: 互联网诊疗监管细则（试行）, 2022: records of the process are kept for 3 years at least.
KEPT = timedelta(days=3 * 366)
LEFT = "left"  # the outcome: whoever asked has deleted the account


def answered() -> QuerySet[HandOver]:
    """What a doctor answered, and is still to be kept."""
    return HandOver.filter(answered_at__gt=clock.now() - KEPT)


async def leave(actor: Actor, account_id: UUID) -> None:
    """In the transaction in which the account ends."""
    mine = Conversation.filter(account_id=account_id)
    living = mine.filter(state__in=policy.LIVING).order_by("id")
    for conversation_id in await living.values_list("id", flat=True):
        await _close(actor, UUID(str(conversation_id)))
    await empty(mine)


async def _close(actor: Actor, conversation_id: UUID) -> None:
    row = await lock(conversation_id)
    if row.state not in policy.LIVING:
        return
    before, now = row.state, clock.now()
    await change(row, state=policy.CLOSED, closed_at=now, outcome=LEFT, due_at=None)
    await HandOver.filter(conversation_id=row.id, ended_at=None).update(ended_at=now, outcome=LEFT)
    # The phones go with the account, so nobody could call any more.
    await CallTask.filter(conversation_id=row.id, done_at=None).update(done_at=now, outcome=LEFT)
    await events.note(actor, row, "close", before=before, outcome=LEFT)


async def empty(rows: QuerySet[Conversation]) -> None:
    """Take the words away, but for what a doctor answered and the rules still keep."""
    unanswered = rows.exclude(id__in=Subquery(answered().values("conversation_id")))
    ids = list(await unanswered.values_list("id", flat=True))
    if not ids:
        return
    await Message.filter(conversation_id__in=ids).update(body="", payload=None, request_hash="")
    await BotTurn.filter(conversation_id__in=ids).delete()
    files = Attachment.filter(conversation_id__in=ids)
    await AttachmentContent.filter(id__in=Subquery(files.values("id"))).delete()
    await files.filter(removed_at=None).update(removed_at=clock.now())
    await CallTask.filter(conversation_id__in=ids).update(note="")
    await Conversation.filter(id__in=ids).update(
        memory=None, triage=None, preview="", departments=[], rating_words=""
    )
