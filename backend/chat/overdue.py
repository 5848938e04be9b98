"""What is past due goes up: nobody took it, or whoever took it says nothing.

A job, a limited number a tick, each conversation in a transaction of its own that looks again under
its lock: two workers at once do it once.
"""

from uuid import UUID

import structlog

from backend import clock, db
from backend.chat import handing_over, policy
from backend.chat.duty_policy import WORKLIST
from backend.chat.handing_over import NOT_TAKEN, SILENT, STILL_THERE
from backend.chat.locking import lock
from backend.chat.models import Conversation
from backend.chat.telling import tell
from backend.errors import Busy
from backend.hub import Hub
from backend.identity.access import Actor

log = structlog.get_logger()

BATCH_MOST = 50  # in one go


async def escalate(consortium_id: UUID, hub: Hub | None = None) -> int:
    """Returns how many were past due and have somebody else now, or were brought up again."""
    late = Conversation.filter(
        consortium_id=consortium_id,
        state__in=(*policy.QUEUED, policy.OPEN),
        due_at__lte=clock.now(),
    )
    # After hours without a worker: emergencies are not behind questions that can wait.
    urgent = late.order_by("priority", "due_at", "id").limit(BATCH_MOST)
    done = 0
    for conversation_id in await urgent.values_list("id", flat=True):
        done += await _apart(consortium_id, UUID(str(conversation_id)), hub)
    return done


async def _apart(consortium_id: UUID, conversation_id: UUID, hub: Hub | None) -> bool:
    """One that can't be moved is logged, and holds up no other."""
    try:
        return await _one(consortium_id, conversation_id, hub)
    except Exception:
        log.exception("conversation.stuck", conversation_id=str(conversation_id))
        return False


async def _one(consortium_id: UUID, conversation_id: UUID, hub: Hub | None) -> bool:
    actor = Actor.system(consortium_id)
    try:
        async with db.transaction():
            row = await lock(conversation_id)
            deed, reason = _deed(row)
            if deed is None or row.due_at is None or row.due_at > clock.now():
                return False  # somebody was quicker
            before = row.organization_id
            await handing_over.go_up(actor, row, deed, reason=reason)
    except Busy:
        return False
    if hub is not None:
        await tell(hub, row, before)
    log.info("conversation.overdue", conversation_id=str(conversation_id), reason=reason)
    return True


def _deed(row: Conversation) -> tuple[str | None, str]:
    if row.state == policy.OPEN:
        return "release", SILENT
    if row.state == policy.WAITING:
        return "escalate", NOT_TAKEN
    if row.state == policy.ESCALATED:
        return "reroute", STILL_THERE if row.routed_by == WORKLIST else NOT_TAKEN
    return None, ""
