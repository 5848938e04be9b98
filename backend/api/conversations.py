"""会话: ask, read and answer over HTTP. Sockets get the same (`chat_live.py`)."""

from uuid import UUID

from sanic import HTTPResponse

from backend import errors
from backend.api import etags, paging, wire
from backend.api.etags import JSON
from backend.api.links import linker
from backend.api.reply import Reply
from backend.api.route import Call, route
from backend.api.views.conversations import (
    ChatMessagesView,
    ChatMessageView,
    ChatTicketForm,
    ChatTicketView,
    ConversationForm,
    ConversationsQuery,
    ConversationsView,
    ConversationView,
    HistoryQuery,
    HistoryView,
    HitView,
    MarkForm,
    MessageForm,
    MessagesQuery,
    RatingForm,
)
from backend.chat import conversations, history, marks, queue, rating, recalling, tickets
from backend.chat import errors as refusals
from backend.receipts import Answer, KeyMissing, KeyReused

ONE = "/conversations/<conversation_id:uuid>"
# Nobody's question waits for a counter: where the hub is away these are not limited.
BEGUN_PER_MINUTE = 30
SENT_PER_MINUTE = 60
MARKED_PER_MINUTE = 240
DONE_PER_MINUTE = 60
TICKETS_PER_MINUTE = 30
SEARCHED_PER_MINUTE = 30


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
    await call.limit("chat-begin", BEGUN_PER_MINUTE, fail_open=True)
    await conversations.begin(call.actor, call.service.reception, form.patient_id, receipt=receipt)
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


@route(
    "GET",
    "/conversations/search",
    query=HistoryQuery,
    answer=HistoryView,
    problems=(errors.Throttled, errors.Busy),
)
async def search_history(call: Call) -> HistoryView:
    """What was said in one's own conversations, the latest first."""
    await call.limit("chat-search", SEARCHED_PER_MINUTE, fail_open=True)
    wanted: HistoryQuery = call.query
    found = await history.search(
        call.actor,
        wanted.q,
        after=paging.decode(wanted.cursor, tuple[paging.Instant, UUID]),
        most=wanted.limit,
    )
    following = paging.following(found, wanted.limit, lambda hit: (hit.at, hit.id))
    return HistoryView([HitView.of(hit) for hit in found], following)


@route("GET", ONE, answer=ConversationView, problems=(errors.NotFound,))
async def show_conversation(call: Call, conversation_id: UUID) -> HTTPResponse:
    """One of them: its state, and how far each side has read. `ETag` makes asking again cheap."""
    view = ConversationView.of(*await queue.shown(call.actor, conversation_id))
    return etags.answer(call.request, wire.encode(view))


@route(
    "GET",
    f"{ONE}/messages",
    query=MessagesQuery,
    answer=ChatMessagesView,
    problems=(errors.NotFound,),
)
async def list_chat_messages(call: Call, conversation_id: UUID) -> HTTPResponse:
    """A page of messages, oldest first. Ask again `after` the last number to hear what is new;
    `If-None-Match` with its `ETag` costs nothing but a 304."""
    wanted: MessagesQuery = call.query
    found = await conversations.read(
        call.actor,
        conversation_id,
        after=wanted.after,
        before=wanted.before,
        most=wanted.limit,
    )
    link = linker(call.service, call.actor.account_id)
    view = ChatMessagesView([ChatMessageView.of(message, link) for message in found])
    return etags.answer(call.request, wire.encode(view))


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
    await call.limit("chat-send", SENT_PER_MINUTE, fail_open=True)
    message, is_new = await conversations.send(
        call.actor, call.service.reception, conversation_id, form.draft()
    )
    body = wire.encode(ChatMessageView.of(message, linker(call.service, call.actor.account_id)))
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
    await call.limit("chat-mark", MARKED_PER_MINUTE, fail_open=True)
    await conversations.mark(call.actor, call.service.hub, conversation_id, what, seq)


@route(
    "POST",
    f"{ONE}/messages/<message_id:uuid>/recall",
    status=204,
    problems=(errors.NotFound, errors.Throttled, errors.Busy, refusals.TooLateToRecall),
)
async def recall(call: Call, conversation_id: UUID, message_id: UUID) -> None:
    """Take one's message back (撤回) within two minutes. Repeating it does no harm."""
    await call.limit("chat-recall", DONE_PER_MINUTE, fail_open=True)
    await recalling.recall(call.actor, call.service.reception, conversation_id, message_id)


@route(
    "POST",
    f"{ONE}/hand-over",
    answer=ConversationView,
    problems=(errors.NotFound, errors.Throttled, errors.Busy, refusals.NotNow),
)
async def ask_for_a_doctor(call: Call, conversation_id: UUID) -> ConversationView:
    """Ask for a doctor (转人工). Repeating it does no harm."""
    await call.limit("chat-ask", DONE_PER_MINUTE, fail_open=True)
    await conversations.ask_for_a_doctor(call.actor, call.service.hub, conversation_id)
    return ConversationView.of(*await queue.shown(call.actor, conversation_id))


@route(
    "POST",
    f"{ONE}/rating",
    body=RatingForm,
    answer=ConversationView,
    receipt=True,
    problems=(
        errors.NotFound,
        errors.Busy,
        KeyMissing,
        KeyReused,
        refusals.NotNow,
        refusals.AlreadyRated,
    ),
)
async def rate(call: Call, conversation_id: UUID, form: RatingForm) -> Answer | None:
    """Rate it from 1 to 5, once, after the end."""
    receipt = call.receipt(ConversationView.of)
    await rating.rate(
        call.actor,
        call.service.hub,
        conversation_id,
        score=form.rating,
        words=form.words.strip(),
        receipt=receipt,
    )
    return receipt.answer


@route(
    "POST",
    "/conversations/tickets",
    body=ChatTicketForm,
    answer=ChatTicketView,
    status=201,
    problems=(errors.NotFound, errors.Throttled, errors.Busy),
)
async def issue_chat_ticket(call: Call, form: ChatTicketForm) -> ChatTicketView:
    """A ticket for the WebSocket of a conversation: good once, for half a minute."""
    await call.limit("chat-ticket", TICKETS_PER_MINUTE)
    ticket, expires_at = await tickets.issue(call.actor, call.service.hub, form.conversation_id)
    return ChatTicketView(ticket, expires_at)
