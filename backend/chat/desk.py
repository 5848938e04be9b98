"""Who of the staff may see a conversation, and who may do something with it."""

from typing import NamedTuple
from uuid import UUID

from backend.chat.models import Conversation
from backend.errors import NotFound
from backend.identity.access import Actor

ANSWER, OVERSEE, DUTY = "chat.answer", "chat.oversee", "chat.duty"


class Hands(NamedTuple):
    """What the actor may do: answer it, or decide about it without answering."""

    answer: bool
    oversee: bool


def hands(actor: Actor, row: Conversation) -> Hands:
    """Rights at the institution that is asked now, and at the resident's own."""
    return Hands(_may(actor, ANSWER, row), _may(actor, OVERSEE, row))


def _may(actor: Actor, right: str, row: Conversation) -> bool:
    if actor.kind != "staff" or row.consortium_id != actor.consortium_id:
        return False
    places = {row.organization_id, row.home_id} - {None}
    if not places:  # nobody's: of whoever has the right for the whole consortium
        return actor.may(right) and actor.where(right) is None
    return any(actor.may(right, place) for place in places)


def must_see(actor: Actor, row: Conversation) -> Hands:
    """Raises NotFound: not handed over (what only the bot has is the resident's alone), or not
    the actor's institution."""
    if row.queued_at is None:
        raise NotFound
    found = hands(actor, row)
    if not (found.answer or found.oversee):
        raise NotFound
    return found


def is_mine(actor: Actor, row: Conversation) -> bool:
    """Claimed by the actor, who still may answer there: who has gone elsewhere has it no more."""
    return row.claimed_by is not None and row.claimed_by == actor.id and _may(actor, ANSWER, row)


async def find(actor: Actor, conversation_id: UUID) -> tuple[Conversation, Hands]:
    """Raises NotFound."""
    row = (
        await Conversation.filter(id=conversation_id, consortium_id=actor.consortium_id)
        .select_related("patient", "organization")
        .first()
    )
    if row is None:
        raise NotFound
    return row, must_see(actor, row)
