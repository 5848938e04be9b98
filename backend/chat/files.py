"""Pictures and voice notes of a conversation: kept sealed in the database, read by who reads it.

In the database, so that a backup is one thing and any host can serve them (docs/adr/0032).
An upload comes before its message; what no message ever took is swept after a day.
"""

import hashlib
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Subquery

from backend import audit, clock, db
from backend.chat import answering, conversations, desk
from backend.chat.errors import ClientIdReused
from backend.chat.messages import Enclosed, enclose
from backend.chat.models import Attachment, AttachmentContent, Conversation, Message
from backend.chat.reencoding import Made
from backend.chat.voices import Voice
from backend.crypto import Vault
from backend.errors import NotFound
from backend.identity.access import Actor, note_read
from backend.ids import new_id

log = structlog.get_logger()

IMAGE, VOICE = "image", "voice"
UNSENT_KEPT = timedelta(days=1)
SWEPT_BACK = timedelta(days=30)  # what is older has been looked at often enough
SWEEP_MOST = 200  # uploads a call
Part = Literal["whole", "thumbnail"]


class Upload(msgspec.Struct, frozen=True):
    """A file as it came. `client_id`: its sender's name for it, so that it is kept once."""

    client_id: str
    kind: str
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class Content(msgspec.Struct, frozen=True):
    body: bytes
    media_type: str


async def find_earlier(actor: Actor, conversation_id: UUID, upload: Upload) -> Enclosed | None:
    """What this very upload left when it came before; None: it is new.

    Raises:
        NotFound: the conversation is not the actor's to write in. ClientIdReused.
    """
    await _writes_in(actor, conversation_id)
    row = await Attachment.get_or_none(conversation_id=conversation_id, client_id=upload.client_id)
    if row is None:
        return None
    sender = row.account_id or row.staff_id
    if (sender, row.sha256, row.kind) != (actor.id, upload.sha256, upload.kind):
        raise ClientIdReused
    return enclose(row)


async def _writes_in(actor: Actor, conversation_id: UUID) -> Conversation:
    """Where the resident may write, or whoever of the staff has it.

    Raises NotFound; NotNow, ClaimedByOther.
    """
    if actor.kind != "staff":
        return await conversations.find(actor, conversation_id, "book")
    row, _ = await desk.find(actor, conversation_id)
    answering.must_have(actor, row)
    return row


async def keep(
    actor: Actor, vault: Vault, conversation_id: UUID, upload: Upload, made: Made | Voice
) -> Enclosed:
    """Keep what was made of an upload. Sent twice at the same time, it is kept once.

    Raises:
        NotFound, ClientIdReused.
    """
    conversation = await _writes_in(actor, conversation_id)
    by_staff = actor.kind == "staff"
    attachment_id = new_id()
    thumbnail = made.thumbnail if isinstance(made, Made) else None
    try:
        async with db.transaction():
            row = await Attachment.create(
                id=attachment_id,
                consortium_id=actor.consortium_id,
                conversation_id=conversation_id,
                kind=upload.kind,
                bytes=len(made.body),
                sha256=upload.sha256,
                client_id=upload.client_id,
                created_at=clock.now(),
                account_id=None if by_staff else actor.id,
                staff_id=actor.id if by_staff else None,
                **_facts(made),
            )
            await AttachmentContent.create(
                id=attachment_id,
                whole=_seal(vault, made.body, attachment_id, "whole"),
                thumbnail=thumbnail and _seal(vault, thumbnail, attachment_id, "thumbnail"),
            )
            await audit.record(
                actor, "chat.uploaded", entity_id=row.id, patient_ids=[conversation.patient_id]
            )
    except IntegrityError:
        twin = await find_earlier(actor, conversation_id, upload)
        if twin is None:
            raise
        return twin
    log.info("attachment.kept", attachment_id=str(row.id), bytes=row.bytes)
    return enclose(row)


def _facts(made: Made | Voice) -> dict[str, Any]:
    if isinstance(made, Made):
        return {"media_type": "image/jpeg", "width": made.width, "height": made.height}
    return {"media_type": made.media, "duration_ms": round(made.seconds * 1000)}


async def read(actor: Actor, vault: Vault, attachment_id: UUID, part: Part) -> Content:
    """The bytes, for the resident whose conversation it is. Reading the messages is audited.

    Raises NotFound: also when the message was recalled, and for a voice note's thumbnail.
    """
    row = await Attachment.get_or_none(id=attachment_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    await conversations.find(actor, row.conversation_id, "view")
    await _must_show(row, unsent=row.account_id == actor.account_id)
    return await _open(vault, row, part)


async def read_at_desk(actor: Actor, vault: Vault, attachment_id: UUID, part: Part) -> Content:
    """The bytes, for staff who may see the conversation. A look at the whole leaves an audit row;
    thumbnails come with the conversation, which leaves one.

    Raises NotFound: also for what was not sent, or taken back.
    """
    row = await Attachment.get_or_none(id=attachment_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    conversation, _ = await desk.find(actor, row.conversation_id)
    await _must_show(row, unsent=False)
    content = await _open(vault, row, part)
    if part == "whole" and conversation.patient_id is not None:
        async with db.transaction():
            await note_read(actor, "chat.file_shown", {conversation.patient_id})
    return content


async def _must_show(row: Attachment, *, unsent: bool) -> None:
    """Raises NotFound: every message with it was taken back, or there is none yet."""
    if row.removed_at is not None:
        raise NotFound
    recalled = await Message.filter(attachment_id=row.id).values_list("recalled_at", flat=True)
    if None not in recalled and (recalled or not unsent):
        raise NotFound


async def _open(vault: Vault, row: Attachment, part: Part) -> Content:
    sealed = await AttachmentContent.filter(id=row.id).values_list(part, flat=True)
    if not sealed or not isinstance(sealed[0], bytes | memoryview):
        raise NotFound
    body = vault.open_bytes(bytes(sealed[0]), bound_to=_bound(row.id, part))
    return Content(body, row.media_type)


def _seal(vault: Vault, body: bytes, attachment_id: UUID, part: Part) -> bytes:
    return vault.seal_bytes(body, bound_to=_bound(attachment_id, part))


def _bound(attachment_id: UUID, part: Part) -> str:
    """One picture can't be put in another's place, nor a thumbnail in the whole one's."""
    return f"attachment_content.{part}:{attachment_id}"


async def sweep() -> int:
    """Forget uploads of more than a day ago that no message took. Returns how many."""
    now = clock.now()
    taken = Message.filter(attachment_id__not_isnull=True, at__gte=now - SWEPT_BACK)
    old: list[UUID] = (
        await Attachment.filter(  # type: ignore[assignment]
            created_at__lt=now - UNSENT_KEPT, created_at__gte=now - SWEPT_BACK
        )
        .exclude(id__in=Subquery(taken.values("attachment_id")))
        .order_by("created_at")
        .limit(SWEEP_MOST)
        .values_list("id", flat=True)
    )
    if not old:
        return 0
    async with db.transaction():
        # A message that takes one of them at this moment wins: its key refuses the deletion.
        await AttachmentContent.filter(id__in=old).delete()
        return await Attachment.filter(id__in=old).delete()
