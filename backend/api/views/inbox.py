"""What an account is told."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.api.views.fields import Cursor, Form, Most


class InboxQuery(Form):
    unread: bool = False
    cursor: Cursor | None = None
    limit: Most = 20


class PageLinkView(msgspec.Struct):
    """A page of the mini-program, and the id that goes with it."""

    page: str
    id: UUID | None


class MessageView(msgspec.Struct):
    id: UUID
    kind: str
    title: str
    text: str
    at: datetime
    read: bool
    link: PageLinkView | None

    @classmethod
    def of(cls, message: Any) -> "MessageView":
        words = message.words
        link = PageLinkView(words.page, message.about) if words.page else None
        return cls(
            message.id, message.kind, words.title, words.text, message.at, message.read, link
        )


class InboxView(msgspec.Struct):
    items: list[MessageView]
    next: str | None
    unread: int


class UnreadView(msgspec.Struct):
    """As far as 99."""

    unread: int
