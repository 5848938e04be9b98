"""What becomes of conversations when their account is deleted, or whom they are about: none goes
on, and words that no doctor answered are gone. What a doctor answered is a record of care, and
stays for its time.
"""

from uuid import UUID

from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from backend import clock
from backend.chat import emptying, events, policy
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.locking import change, lock
from backend.chat.models import Conversation
from backend.identity.access import Actor

ANSWERED_KEPT = emptying.ANSWERED_KEPT
LEFT = "left"  # the outcome: whoever asked, or is asked about, is deleted


def answered() -> QuerySet[HandOver]:
    """What a doctor answered, and is still to be kept."""
    return HandOver.filter(answered_at__gt=clock.now() - ANSWERED_KEPT)


async def leave(actor: Actor, rows: QuerySet[Conversation]) -> None:
    """In the transaction in which their account ends, or the person is erased whom they are about.
    Words go, but for what a doctor answered and the rules still keep."""
    living = rows.filter(state__in=policy.LIVING).order_by("id")
    for conversation_id in await living.values_list("id", flat=True):
        await _close(actor, UUID(str(conversation_id)))
    unanswered = rows.exclude(id__in=Subquery(answered().values("conversation_id")))
    await emptying.empty(unanswered)


async def _close(actor: Actor, conversation_id: UUID) -> None:
    row = await lock(conversation_id)
    if row.state not in policy.LIVING:
        return
    before, now = row.state, clock.now()
    await change(row, state=policy.CLOSED, closed_at=now, outcome=LEFT, due_at=None)
    await HandOver.filter(conversation_id=row.id, ended_at=None).update(ended_at=now, outcome=LEFT)
    # The phones are gone, so nobody could call any more.
    await CallTask.filter(conversation_id=row.id, done_at=None).update(done_at=now, outcome=LEFT)
    await events.note(actor, row, "close", before=before, outcome=LEFT)
