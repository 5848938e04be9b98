"""会话: ask, read and answer over HTTP. Sockets get the same (`chat_live.py`)."""

from uuid import UUID

from sanic import HTTPResponse

from backend import errors
from backend.api import paging, wire
from backend.api.reply import Reply
from backend.api.route import JSON, Call, route
from backend.api.views.conversations import (
    ChatMessagesView,
    ChatMessageView,
    ConversationForm,
    ConversationsQuery,
    ConversationsView,
    ConversationView,
    MarkForm,
    MessageForm,
    MessagesQuery,
)
from backend.chat import conversations, marks
from backend.chat import errors as refusals
from backend.receipts import Answer, KeyMissing, KeyReused

ONE = "/conversations/<conversation_id:uuid>"
BEGUN_PER_MINUTE = 30
SENT_PER_MINUTE = 60
MARKED_PER_MINUTE = 240


@route(
    "POST",
    "/conversations",
    body=ConversationForm,
    answer=ConversationView,
    status=201,
    receipt=True,
    problems=(
        errors.NotFound,
        errors.Throttled,
        errors.Busy,
        KeyMissing,
        KeyReused,
        refusals.TooManyConversations,
    ),
)
async def begin(call: Call, form: ConversationForm) -> Answer | None:
    """Begin to ask (在线咨询), about one patient or about nobody yet."""
    receipt = call.receipt(ConversationView.of)
    await call.limit("chat-begin", BEGUN_PER_MINUTE)
    await conversations.begin(call.actor, form.patient_id, receipt=receipt)
    return receipt.answer


@route("GET", "/conversations", query=ConversationsQuery, answer=ConversationsView)
async def list_conversations(call: Call) -> ConversationsView:
    """One's own, the latest first."""
    wanted: ConversationsQuery = call.query
    found = await conversations.list_of(
        call.actor,
        after=paging.decode(wanted.cursor, tuple[paging.Instant, UUID]),
        most=wanted.limit,
    )
    following = paging.following(found, wanted.limit, lambda talk: (talk.last_at, talk.id))
    return ConversationsView([ConversationView.of(talk) for talk in found], following)


@route("GET", ONE, answer=ConversationView, problems=(errors.NotFound,))
async def show_conversation(call: Call, conversation_id: UUID) -> ConversationView:
    """One of them: its state, and how far each side has read."""
    return ConversationView.of(await conversations.show(call.actor, conversation_id))


@route(
    "GET",
    f"{ONE}/messages",
    query=MessagesQuery,
    answer=ChatMessagesView,
    problems=(errors.NotFound,),
)
async def list_chat_messages(call: Call, conversation_id: UUID) -> ChatMessagesView:
    """A page of messages, oldest first. Ask again `after` the last number to hear what is new."""
    wanted: MessagesQuery = call.query
    found = await conversations.read(
        call.actor,
        conversation_id,
        after=wanted.after,
        before=wanted.before,
        most=wanted.limit,
    )
    return ChatMessagesView([ChatMessageView.of(message) for message in found])


@route(
    "POST",
    f"{ONE}/messages",
    body=MessageForm,
    answer=ChatMessageView,
    status=201,
    problems=(
        errors.NotFound,
        errors.Throttled,
        errors.Busy,
        refusals.ClientIdReused,
        refusals.ConversationOver,
    ),
)
async def send_message(call: Call, conversation_id: UUID, form: MessageForm) -> HTTPResponse:
    """Say something. `client_id` makes a repeat harmless: it answers 200 with the first message."""
    await call.limit("chat-send", SENT_PER_MINUTE)
    message, is_new = await conversations.send(
        call.actor, call.service.hub, conversation_id, form.draft()
    )
    body = wire.encode(ChatMessageView.of(message))
    return Reply(body, 201 if is_new else 200, {"cache-control": "no-store"}, JSON)


@route("POST", f"{ONE}/read", body=MarkForm, status=204, problems=(errors.NotFound, errors.Busy))
async def mark_read(call: Call, conversation_id: UUID, form: MarkForm) -> None:
    """Everything up to `seq` has been read. Marks never go back."""
    await _mark(call, conversation_id, marks.READ, form.seq)


@route(
    "POST", f"{ONE}/delivered", body=MarkForm, status=204, problems=(errors.NotFound, errors.Busy)
)
async def mark_delivered(call: Call, conversation_id: UUID, form: MarkForm) -> None:
    """Everything up to `seq` has reached the phone."""
    await _mark(call, conversation_id, marks.DELIVERED, form.seq)


async def _mark(call: Call, conversation_id: UUID, what: str, seq: int) -> None:
    await call.limit("chat-mark", MARKED_PER_MINUTE)
    await conversations.mark(call.actor, call.service.hub, conversation_id, what, seq)
