"""会话: what residents ask and send, and what they read."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import Cursor, Form, Most, Ref
from backend.chat.conversations import Talk
from backend.chat.history import Hit
from backend.chat.messages import Draft, Enclosed, Shown
from backend.chat.queue import Waiting
from backend.errors import Malformed

State = Literal["bot", "waiting", "open", "closed", "rated", "escalated"]
Priority = Literal["I", "II", "III", "IV"]
Number = Annotated[int, Meta(ge=0, le=2_000_000_000)]
Text = Annotated[str, Meta(max_length=2000)]
ClientId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z_-]{8,64}$(?!\n)",
        description="the sender's own name for the message, new for each: sent again, it is stored"
        " once",
    ),
]
FieldName = Annotated[str, Meta(min_length=1, max_length=40)]
FieldValue = Annotated[str, Meta(max_length=200)]


class ConversationForm(Form):
    """Without `patient_id`: about nobody yet."""

    patient_id: UUID | None = None


class ConversationsQuery(Form):
    cursor: Cursor | None = None
    limit: Most = 20


class MessagesQuery(Form):
    """Those after a number or before it, oldest first; with neither, the latest."""

    after: Number | None = None
    before: Number | None = None
    limit: Most = 50


class MessageForm(Form):
    """`text`; the `choice` of a button (with its words as text); the `fields` of a form; or an
    `attachment_id`, with or without text."""

    client_id: ClientId
    text: Text = ""
    choice: Annotated[str, Meta(min_length=1, max_length=80)] | None = None
    fields: Annotated[dict[FieldName, FieldValue], Meta(min_length=1, max_length=20)] | None = None
    quoted_id: UUID | None = None
    attachment_id: UUID | None = None
    attachment_kind: Literal["image", "voice"] = "image"

    def draft(self) -> Draft:
        """Raises Malformed: it says nothing, or several things at once."""
        special = [one for one in (self.choice, self.fields, self.attachment_id) if one is not None]
        text = self.text.strip()
        if len(special) > 1:
            raise Malformed("一条消息只能发一样：文字、选项、表或图片。", field="choice")
        if not special and not text:
            raise Malformed("请先写点什么再发送。", field="text")
        kind: str = "text"
        payload: dict[str, Any] | None = None
        if self.choice is not None:
            kind, payload = "choice", {"choice": self.choice}
        elif self.fields is not None:
            kind, payload = "form", {"fields": self.fields}
        elif self.attachment_id is not None:
            kind = self.attachment_kind
        return Draft(
            client_id=self.client_id,
            kind=kind,
            body=text,
            payload=payload,
            quoted_id=self.quoted_id,
            attachment_id=self.attachment_id,
        )


class UploadForm(Form):
    """Beside the file. `client_id`: the same as its message will have."""

    client_id: ClientId
    kind: Literal["image", "voice"]


class MarkForm(Form):
    seq: Number


class RatingForm(Form):
    rating: Annotated[int, Meta(ge=1, le=5)]
    words: Annotated[str, Meta(max_length=300)] = ""


class HistoryQuery(Form):
    q: Annotated[str, Meta(min_length=1, max_length=30)]
    cursor: Cursor | None = None
    limit: Most = 20


class ChatTicketForm(Form):
    conversation_id: UUID


class ChatTicketView(msgspec.Struct):
    """Opens `/api/v1/conversations/live?ticket=…&after=…`, a WebSocket: see docs/chat.md.

    Good once, until `expires_at`.
    """

    ticket: str
    expires_at: datetime


class HitView(msgspec.Struct):
    """`text`: some words around what was looked for."""

    id: UUID
    conversation_id: UUID
    seq: int
    author: Literal["resident", "bot", "doctor", "system"]
    text: str
    at: datetime

    @classmethod
    def of(cls, hit: Hit) -> "HitView":
        author: Any = hit.author_kind
        return cls(hit.id, hit.conversation_id, hit.seq, author, hit.text, hit.at)


class HistoryView(msgspec.Struct):
    items: list[HitView]
    next: str | None


class ChatQueueView(msgspec.Struct):
    """`words` say where one stands and how long it may take, `safety_net` what to do if it gets
    worse. `expected_min` is measured, or None."""

    ahead: int
    expected_min: int | None
    words: str
    safety_net: str

    @classmethod
    def of(cls, found: Waiting) -> "ChatQueueView":
        return cls(found.position - 1, found.expected_min, found.text, found.safety_net)


class ConversationView(msgspec.Struct):
    """`read` and `delivered`: how far the doctor has got; `seen`: how far you have. `queue`: None
    in lists, and where it does not wait."""

    id: UUID
    version: int
    state: State
    patient: Ref | None
    organization: str | None
    doctor: str | None
    priority: Priority
    red_flag: bool
    last_seq: int
    last_at: datetime
    preview: str
    unread: int
    read: int
    delivered: int
    seen: int
    opened_at: datetime
    queued_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    reopens_until: datetime | None
    outcome: str
    rating: int | None
    can_write: bool
    can_rate: bool
    can_ask_for_a_doctor: bool
    queue: ChatQueueView | None

    @classmethod
    def of(cls, talk: Talk, waiting: Waiting | None = None) -> "ConversationView":
        whom = Ref(talk.patient_id, talk.patient_name or "") if talk.patient_id else None
        facts: dict[str, Any] = {
            name: getattr(talk, name)
            for name in cls.__struct_fields__
            if name not in ("patient", "queue")
        }
        return cls(patient=whom, queue=ChatQueueView.of(waiting) if waiting else None, **facts)


class ConversationsView(msgspec.Struct):
    items: list[ConversationView]
    next: str | None


class QuoteView(msgspec.Struct):
    id: UUID
    seq: int
    author: Literal["resident", "bot", "doctor", "system"]
    text: str
    recalled: bool


class AttachmentView(msgspec.Struct):
    """Pixels and milliseconds. The addresses need no log-in, for ten minutes at most: ask for the
    message again for new ones. `removed`: no longer kept."""

    id: UUID
    kind: Literal["image", "voice"]
    media_type: str
    bytes: int
    width: int | None
    height: int | None
    duration_ms: int | None
    removed: bool
    url: str
    thumbnail_url: str | None

    @classmethod
    def of(cls, found: Enclosed, url: str, thumbnail_url: str | None) -> "AttachmentView":
        facts: dict[str, Any] = {name: getattr(found, name) for name in Enclosed.__struct_fields__}
        return cls(**facts, url=url, thumbnail_url=thumbnail_url)


Link = Callable[[Enclosed], AttachmentView]


class ChatMessageView(msgspec.Struct):
    """`seq` counts the messages of a conversation from 1, without gaps.

    `kind`: text, choice, form, image, voice; of the bot also emergency, guide, faq, card; of the
    service notice and recall, which says by `quoted` what was taken back.
    `payload`: choices and fields of a question, what was chosen or filled in, or a card.
    `folded`: judged unfit; the doctor sees it only when asked for.
    """

    id: UUID
    seq: int
    client_id: str | None
    author: Literal["resident", "bot", "doctor", "system"]
    author_name: str
    mine: bool
    kind: str
    text: str
    payload: dict[str, Any] | None
    quoted: QuoteView | None
    attachment: AttachmentView | None
    at: datetime
    recalled: bool
    folded: bool

    @classmethod
    def of(cls, message: Shown, link: Link) -> "ChatMessageView":
        quoted, enclosed = message.quoted, message.attachment
        author: Any = message.author_kind
        said_by: Any = quoted.author_kind if quoted else None
        return cls(
            id=message.id,
            seq=message.seq,
            client_id=message.client_id,
            author=author,
            author_name=message.author_name,
            mine=message.mine,
            kind=message.kind,
            text=message.body,
            payload=message.payload,
            quoted=QuoteView(quoted.id, quoted.seq, said_by, quoted.text, quoted.recalled)
            if quoted
            else None,
            attachment=link(enclosed) if enclosed else None,
            at=message.at,
            recalled=message.recalled,
            folded=message.folded,
        )


class ChatMessagesView(msgspec.Struct):
    items: list[ChatMessageView]
