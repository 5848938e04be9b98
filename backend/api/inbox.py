"""消息: what the account is told."""

from uuid import UUID

from backend import errors
from backend.api import paging
from backend.api.route import Call, route
from backend.api.views.inbox import InboxQuery, InboxView, MessageView, UnreadView
from backend.inbox import messages


@route("GET", "/inbox", query=InboxQuery, answer=InboxView)
async def list_messages(call: Call) -> InboxView:
    """The latest first. Kept for 180 days."""
    wanted: InboxQuery = call.query
    found = await messages.list_of(
        call.actor,
        call.service.desk,
        unread=wanted.unread,
        after=paging.decode(wanted.cursor, tuple[paging.Instant, UUID]),
        most=wanted.limit,
    )
    following = paging.following(found, wanted.limit, lambda message: (message.at, message.id))
    unread = await messages.unread(call.actor)
    return InboxView([MessageView.of(message) for message in found], following, unread)


@route("GET", "/inbox/unread", answer=UnreadView)
async def count_unread(call: Call) -> UnreadView:
    """How many messages are unread."""
    return UnreadView(await messages.unread(call.actor))


@route("PUT", "/inbox/read", status=204)
async def read_all(call: Call) -> None:
    """Mark all as read."""
    await messages.mark_read(call.actor, None)


@route("GET", "/inbox/<message_id:uuid>", answer=MessageView, problems=(errors.NotFound,))
async def show_message(call: Call, message_id: UUID) -> MessageView:
    """One message."""
    return MessageView.of(await messages.show(call.actor, call.service.desk, message_id))


@route("PUT", "/inbox/<message_id:uuid>/read", status=204, problems=(errors.NotFound,))
async def read_one(call: Call, message_id: UUID) -> None:
    """Mark one as read."""
    await messages.mark_read(call.actor, message_id)
