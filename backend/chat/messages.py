"""消息: stored once for each client's id, in one order without gaps; shown by who reads.

The row of the conversation counts: whoever has it gets the next number. A repeated send finds the
first message and changes nothing.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from backend import clock
from backend.chat import wording
from backend.chat.errors import ClientIdReused
from backend.chat.locking import change
from backend.chat.models import (
    NO_CHECK,
    PREVIEW_MOST,
    RISKY,
    TO_CHECK,
    Attachment,
    Conversation,
    Message,
)
from backend.errors import Malformed
from backend.ids import new_id
from backend.staff.models import Staff

PAGE_MOST = 100
RESIDENT, BOT, DOCTOR, SYSTEM = "resident", "bot", "doctor", "system"
CHECKED_KINDS = frozenset({"text", "form", "image", "voice"})  # of a resident's own words
QUIET = frozenset({"recall"})  # no news of their own


class Author(NamedTuple):
    """`id`: an account, or staff; None: the service itself."""

    kind: str
    id: UUID | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to say. Without `client_id` it is the service's own, said once."""

    client_id: str | None = None
    kind: str = "text"
    body: str = ""
    payload: dict[str, Any] | None = None
    quoted_id: UUID | None = None
    attachment_id: UUID | None = None

    def hash_of(self, author: Author) -> str:
        said = msgspec.json.encode((author, self), order="deterministic")
        return hashlib.sha256(said).hexdigest()


class SentBefore(Exception):
    """This very message is stored: answer with it, and do nothing."""

    def __init__(self, message: Message) -> None:
        super().__init__("sent before")
        self.message = message


class Quote(msgspec.Struct, frozen=True):
    id: UUID
    seq: int
    author_kind: str
    text: str
    recalled: bool


class Enclosed(msgspec.Struct, frozen=True):
    """An attachment without the file."""

    id: UUID
    kind: str
    media_type: str
    bytes: int
    width: int | None
    height: int | None
    duration_ms: int | None
    removed: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A message as one side reads it: what is recalled has no words.

    `folded`: it was judged risky; doctors unfold it, and its sender is told.
    """

    id: UUID
    seq: int
    client_id: str | None
    author_kind: str
    author_name: str
    mine: bool
    kind: str
    body: str
    payload: dict[str, Any] | None
    quoted: Quote | None
    attachment: Enclosed | None
    at: datetime
    recalled: bool
    folded: bool


async def append(conversation: Conversation, author: Author, draft: Draft) -> Message:
    """Store a message in the caller's transaction, which has locked the conversation.

    Raises:
        SentBefore: it is there already. ClientIdReused: another one is.
        Malformed: it quotes or encloses what does not belong here.
        Busy: the conversation was not locked.
    """
    client_id = draft.client_id or f"~{new_id()}"
    request_hash = draft.hash_of(author)
    earlier = await Message.get_or_none(conversation_id=conversation.id, client_id=client_id)
    if earlier is not None:
        if earlier.request_hash != request_hash:
            raise ClientIdReused(message_id=earlier.id)
        raise SentBefore(earlier)
    await _check_quoted(conversation, draft.quoted_id)
    await _check_attachment(conversation, author, draft)
    now, seq = clock.now(), conversation.last_seq + 1
    await change(conversation, last_seq=seq, last_at=now, **_news(conversation, author, draft))
    checked = author.kind == RESIDENT and draft.kind in CHECKED_KINDS and bool(draft.body)
    return await Message.create(
        id=new_id(),
        conversation_id=conversation.id,
        seq=seq,
        client_id=client_id,
        request_hash=request_hash,
        author_kind=author.kind,
        author_id=author.id,
        kind=draft.kind,
        body=draft.body,
        payload=draft.payload,
        quoted_id=draft.quoted_id,
        attachment_id=draft.attachment_id,
        at=now,
        check_state=TO_CHECK if checked else NO_CHECK,
        check_at=now if checked else None,
    )


def _news(conversation: Conversation, author: Author, draft: Draft) -> dict[str, Any]:
    """What the lists of both sides show of it."""
    if draft.kind in QUIET:
        return {}
    facts: dict[str, Any] = {"preview": wording.preview(draft.kind, draft.body)[:PREVIEW_MOST]}
    if author.kind == RESIDENT:
        facts["staff_unread"] = conversation.staff_unread + 1
    else:
        facts["resident_unread"] = conversation.resident_unread + 1
    if author.kind == DOCTOR and conversation.answered_at is None:
        facts["answered_at"] = clock.now()
    return facts


async def _check_quoted(conversation: Conversation, quoted_id: UUID | None) -> None:
    if quoted_id is None:
        return
    quotable = Message.filter(id=quoted_id, conversation_id=conversation.id, recalled_at=None)
    if not await quotable.exists():
        raise Malformed("引用的消息不在这次咨询里，或已经撤回。", field="quoted_id")


async def _check_attachment(conversation: Conversation, author: Author, draft: Draft) -> None:
    if draft.attachment_id is None:
        return
    row = await Attachment.get_or_none(id=draft.attachment_id, conversation_id=conversation.id)
    uploaded_by = None if row is None else row.account_id or row.staff_id
    if row is None or uploaded_by != author.id or row.removed_at is not None:
        raise Malformed("图片或语音没有找到，请重新选择再发。", field="attachment_id")
    if row.kind != draft.kind:
        raise Malformed("图片或语音的种类不对，请重新选择再发。", field="kind")


async def page(
    conversation_id: UUID, *, after: int | None, before: int | None, most: int
) -> list[Message]:
    """Oldest first: those right after a number, or right before it; else the latest."""
    rows = Message.filter(conversation_id=conversation_id)
    if after is not None:
        return await rows.filter(seq__gt=after).order_by("seq").limit(most)
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return list(reversed(await rows.order_by("-seq").limit(most)))


async def shown(rows: Sequence[Message], reader: Author) -> list[Shown]:
    """As the reader (a resident, or a doctor) may see them."""
    quoted = await _by_id(Message, {row.quoted_id for row in rows})
    enclosed = await _by_id(Attachment, {row.attachment_id for row in rows})
    doctors = {row.author_id for row in rows if row.author_kind == DOCTOR}
    names = {id: staff.name for id, staff in (await _by_id(Staff, doctors)).items()}
    return [_shown(row, reader, quoted, enclosed, names) for row in rows]


async def _by_id(model: Any, ids: set[Any]) -> dict[UUID, Any]:
    wanted = ids - {None}
    rows = await model.filter(id__in=list(wanted)) if wanted else []
    return {row.id: row for row in rows}


def _shown(
    row: Message,
    reader: Author,
    quoted: dict[UUID, Message],
    enclosed: dict[UUID, Attachment],
    names: dict[UUID, str],
) -> Shown:
    recalled = row.recalled_at is not None
    mine = row.author_kind == reader.kind and row.author_id == reader.id
    return Shown(
        id=row.id,
        seq=row.seq,
        client_id=row.client_id if mine else None,
        author_kind=row.author_kind,
        author_name=names.get(row.author_id, "") if row.author_id else "",
        mine=mine,
        kind=row.kind,
        body="" if recalled else row.body,
        payload=None if recalled else row.payload,
        quoted=_quote(quoted.get(row.quoted_id)),
        attachment=enclose(enclosed[row.attachment_id])
        if row.attachment_id and not recalled
        else None,
        at=row.at,
        recalled=recalled,
        folded=row.check_state == RISKY,
    )


def _quote(row: Message | None) -> Quote | None:
    if row is None:
        return None
    recalled = row.recalled_at is not None
    hidden = recalled or row.check_state == RISKY
    text = "" if hidden else wording.preview(row.kind, row.body)[:PREVIEW_MOST]
    return Quote(row.id, row.seq, row.author_kind, text, recalled)


def enclose(row: Attachment) -> Enclosed:
    return Enclosed(
        id=row.id,
        kind=row.kind,
        media_type=row.media_type,
        bytes=row.bytes,
        width=row.width,
        height=row.height,
        duration_ms=row.duration_ms,
        removed=row.removed_at is not None,
    )
