"""What goes over the WebSocket of a conversation. `ref` comes back with the answer."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.conversations import (
    ChatMessageView,
    ConversationView,
    MessageForm,
    Number,
)
from backend.errors import Problem

Reference = Annotated[str, Meta(max_length=40)]


class Send(msgspec.Struct, tag_field="do", tag="send", forbid_unknown_fields=True):
    message: MessageForm
    ref: Reference | None = None


class Mark(msgspec.Struct, tag_field="do", tag="mark", forbid_unknown_fields=True):
    what: Literal["read", "delivered"]
    seq: Number
    ref: Reference | None = None


class Recall(msgspec.Struct, tag_field="do", tag="recall", forbid_unknown_fields=True):
    message_id: UUID
    ref: Reference | None = None


class Types(msgspec.Struct, tag_field="do", tag="typing", forbid_unknown_fields=True):
    ref: Reference | None = None


class Ping(msgspec.Struct, tag_field="do", tag="ping", forbid_unknown_fields=True):
    ref: Reference | None = None


ASKED: Any = Send | Mark | Recall | Types | Ping


class Messages(msgspec.Struct, tag_field="is", tag="messages"):
    """In order, after the last that was told."""

    items: list[ChatMessageView]


class Conversation(msgspec.Struct, tag_field="is", tag="conversation"):
    """After the messages that belong to it."""

    conversation: ConversationView


class Typing(msgspec.Struct, tag_field="is", tag="typing"):
    """The doctor writes."""


class Sent(msgspec.Struct, tag_field="is", tag="sent"):
    """It is stored. The message itself comes in its turn."""

    client_id: str
    id: UUID
    seq: int
    ref: str | None


class Done(msgspec.Struct, tag_field="is", tag="done"):
    ref: str | None


class Refused(msgspec.Struct, tag_field="is", tag="refused"):
    """Nothing was done. `code` as in docs/problems.md."""

    status: int
    code: str
    title: str
    detail: str
    field: str | None
    retry_after_s: int | None
    ref: str | None

    @classmethod
    def of(cls, problem: Problem, ref: str | None) -> "Refused":
        extra = problem.extra
        return cls(
            problem.status,
            problem.code,
            problem.title,
            problem.detail,
            extra.get("field"),
            extra.get("retry_after_s"),
            ref,
        )
