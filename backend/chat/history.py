"""Find again what was said, in all of one's own conversations."""

from datetime import datetime
from uuid import UUID

import msgspec
from tortoise.expressions import Q, Subquery

from backend import db
from backend.chat import conversations
from backend.chat.messages import QUIET
from backend.chat.models import Message
from backend.identity.access import Actor, note_read

AROUND = 40  # characters shown before and after what was looked for

Cursor = tuple[datetime, UUID]


class Hit(msgspec.Struct, frozen=True):
    """`text`: some words around what was looked for."""

    id: UUID
    conversation_id: UUID
    seq: int
    author_kind: str
    text: str
    at: datetime


async def search(actor: Actor, q: str, *, after: Cursor | None, most: int) -> list[Hit]:
    """Messages with `q` in them, the latest first. What was recalled is not found."""
    mine = await conversations.mine(actor)
    wanted = Message.filter(
        conversation_id__in=Subquery(mine.values("id")), recalled_at=None, body__icontains=q
    ).exclude(kind__in=QUIET)
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(at__lt=at) | Q(at=at, id__lt=last))
    rows = await wanted.select_related("conversation").order_by("-at", "-id").limit(most)
    async with db.transaction():
        people = {row.conversation.patient_id for row in rows} - {None}
        await note_read(actor, "chat.searched", people)
    return [
        Hit(row.id, row.conversation_id, row.seq, row.author_kind, _around(row.body, q), row.at)
        for row in rows
    ]


def _around(body: str, q: str) -> str:
    at = max(0, body.lower().find(q.lower()))
    first, last = max(0, at - AROUND), at + len(q) + AROUND
    return ("…" if first else "") + body[first:last] + ("…" if last < len(body) else "")
