"""Tells whoever watches that a conversation has changed. A hint: the table is the truth."""

import contextlib
from collections.abc import Iterator
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from backend.chat.messages import DOCTOR, RESIDENT
from backend.chat.models import Conversation
from backend.hub import Hub

log = structlog.get_logger()

CHANGED = b"changed"
TYPING = {side: f"typing:{side}".encode() for side in (RESIDENT, DOCTOR)}  # by who types


def channel(conversation_id: UUID) -> str:
    """Of one conversation."""
    return f"chat:{conversation_id}"


def inbox_of_staff(staff_id: UUID) -> str:
    """Of what a doctor has claimed, or what stands in the doctor's queue."""
    return f"chat-staff:{staff_id}"


def inbox_of_organization(organization_id: UUID) -> str:
    """Of what waits at an institution."""
    return f"chat-organization:{organization_id}"


def _channels(conversation: Conversation) -> Iterator[str]:
    yield channel(conversation.id)
    for staff_id in {conversation.claimed_by, conversation.assigned_to} - {None}:
        yield inbox_of_staff(staff_id)  # type: ignore[arg-type]
    if conversation.organization_id is not None:
        yield inbox_of_organization(conversation.organization_id)


async def typing(hub: Hub, conversation_id: UUID, side: str) -> None:
    """Somebody is writing. Not kept, and lost without harm."""
    with contextlib.suppress(RedisError, OSError):
        await hub.publish(channel(conversation_id), TYPING[side])


async def publish(hub: Hub, conversation: Conversation) -> None:
    """After the commit. Where the hub is away, watchers see it when they look again."""
    try:
        for one in _channels(conversation):
            await hub.publish(one, CHANGED)
    except (RedisError, OSError) as lost:
        log.warning("chat.untold", error=type(lost).__name__)
