"""Conversations for tests."""

from typing import Any
from uuid import UUID, uuid4

from backend.booking.desk import Desk
from backend.chat import conversations
from backend.chat.messages import Draft, Shown
from backend.chat.reception import Reception
from backend.chat.rulebook import Rulebook
from backend.hub import Hub, InProcessHub
from backend.identity.access import Actor
from tests.people import a_receipt


def a_reception(hub: Hub | None = None) -> Reception:
    """With rules that nobody has signed, as in the demo."""
    return Reception(hub or InProcessHub(), Desk(queue_most=10), Rulebook(unsigned_allowed=True))


async def a_talk(actor: Actor, patient_id: UUID | None = None) -> UUID:
    talk = await conversations.begin(actor, a_reception(), patient_id, receipt=a_receipt(actor))
    return talk.id


def a_draft(text: str = "这几天膝盖疼，走路更疼。", **facts: Any) -> Draft:
    return Draft(**({"client_id": uuid4().hex, "body": text} | facts))


async def say(actor: Actor, hub: Hub, talk_id: UUID, text: str = "膝盖疼", **facts: Any) -> Shown:
    return (await conversations.send(actor, a_reception(hub), talk_id, a_draft(text, **facts)))[0]


async def all_of(actor: Actor, talk_id: UUID) -> list[Shown]:
    """The whole conversation, page by page."""
    found: list[Shown] = []
    while True:
        after = found[-1].seq if found else 0
        rows = await conversations.read(actor, talk_id, after=after, before=None, most=50)
        found += rows
        if len(rows) < 50:
            return found
