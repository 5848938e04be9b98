"""内容安全: what residents write is shown to WeChat's check after it is stored, never before.

A question about one's health is not held up by a check, nor lost to one. What is judged risky stays
where it is: doctors see it folded, and its sender is told. Where WeChat does not answer it is asked
again, and after `TRIES_MOST` times not any more.
"""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from backend import clock, db
from backend.chat import messages, wording
from backend.chat.locking import lock
from backend.chat.messages import SYSTEM, Author, Draft
from backend.chat.models import NO_CHECK, PASSED, RISKY, TO_CHECK, UNCHECKED, Message
from backend.chat.telling import tell
from backend.crypto import Vault
from backend.hub import Hub
from backend.identity.accounts import OPENID_COLUMN
from backend.identity.models import Account
from backend.wechat.client import TEXT_MOST, Suggestion, WeChatError

log = structlog.get_logger()

CHECKED_MOST = 50  # in one go
TRIES_MOST = 8
AGAIN = timedelta(seconds=30)  # doubled each time: the last try is an hour after the first


class Checker(Protocol):
    """`wechat.client.WeChat`."""

    async def check_text(self, content: str, *, openid: str) -> Suggestion: ...


async def due() -> bool:
    """Whether anything waits to be checked."""
    return await Message.filter(check_state=TO_CHECK, check_at__lte=clock.now()).exists()


async def check_due(wechat: Checker, vault: Vault, hub: Hub) -> int:
    """Check what is due, the oldest first. Returns how many it settled. May run twice."""
    rows = await (
        Message.filter(check_state=TO_CHECK, check_at__lte=clock.now())
        .order_by("check_at")
        .limit(CHECKED_MOST)
    )
    openids = await _openids(vault, {row.author_id for row in rows})
    settled = 0
    for row in rows:
        found = await _judged(wechat, row, openids.get(row.author_id))
        if found is None:
            await _later(row)
        else:
            settled += await _settle(hub, row, found)
    return settled


async def _openids(vault: Vault, account_ids: set[UUID | None]) -> dict[UUID | None, str]:
    rows = await Account.filter(id__in=list(account_ids - {None}), erased_at=None)
    return {row.id: vault.open(row.openid_sealed, bound_to=OPENID_COLUMN) for row in rows}


async def _judged(wechat: Checker, row: Message, openid: str | None) -> str | None:
    """The state that it comes to; None: not known yet."""
    if row.recalled_at is not None:
        return NO_CHECK
    if not openid:
        return UNCHECKED
    try:
        said = await wechat.check_text(row.body[:TEXT_MOST], openid=openid)
    except WeChatError as error:
        if error.permanent or row.check_tries + 1 >= TRIES_MOST:
            log.warning("message.unchecked", message_id=str(row.id), errcode=error.errcode)
            return UNCHECKED
        return None
    return RISKY if said == "risky" else PASSED


async def _later(row: Message) -> None:
    await Message.filter(id=row.id, check_state=TO_CHECK, check_tries=row.check_tries).update(
        check_tries=row.check_tries + 1, check_at=clock.now() + AGAIN * 2**row.check_tries
    )


async def _settle(hub: Hub, row: Message, state: str) -> bool:
    """Whether this call did."""
    waiting = Message.filter(id=row.id, check_state=TO_CHECK)
    if state != RISKY:
        return bool(await waiting.update(check_state=state, check_at=None))
    async with db.transaction():
        conversation = await lock(row.conversation_id)
        if not await waiting.update(check_state=state, check_at=None):
            return False
        told = Draft(client_id=f"~folded:{row.id}", kind="notice", body=wording.FOLDED)
        await messages.append(conversation, Author(SYSTEM), told)
    await tell(hub, conversation)
    log.info("message.folded", message_id=str(row.id))
    return True
