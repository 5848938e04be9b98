"""One turn of the bot, in the transaction of what it answers. It is pure and quick.

Each decision is stored with all that it was made from (`remembering`). Until a doctor has claimed
the conversation the bot listens on, so that a danger that shows itself in the line is seen at once;
it says nothing else there. With a doctor it is silent, and a danger only makes the answer due
sooner.
"""

import re
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from backend import clock
from backend.bot import dialogue
from backend.bot.rules import Rules
from backend.bot.talk import Book, Choice, HandOver, Person, Reply, Start, Triage, Turn
from backend.chat import (
    booking_cards,
    handing_over,
    messages,
    policy,
    remembering,
    routing,
    wording,
    zero_hits,
)
from backend.chat.handing_over import RED_FLAG
from backend.chat.locking import change
from backend.chat.messages import BOT, Author, Draft
from backend.chat.models import BotTurn, Conversation, Message
from backend.chat.remembering import Heard, said_in
from backend.chat.rulebook import Rulebook
from backend.consortium.directory import Org, directory
from backend.identity.access import Actor
from backend.identity.models import Patient
from backend.ids import new_id

ROBOT = Author(BOT)
IN_LINE = frozenset({"emergency", "faq"})  # what it still says while people are asked
TAPPED = frozenset({"choice", "form"})
WORDLESS = frozenset({"image", "voice"})
HUMAN = Choice("human", "转人工")
BRACES = re.compile(r"\{(place|hours|phone|address)\}")


async def greet(conversation: Conversation, rulebook: Rulebook) -> None:
    """The first words. The conversation keeps the version of the rules."""
    rules = await rulebook.begin()
    person = await person_of(conversation.patient_id)
    turn = dialogue.begin(rules, person)
    await _keep(conversation, rules, person, None, turn, ())
    await _say(conversation, turn.replies, signed=rules.signed)


async def answer(
    actor: Actor, conversation: Conversation, message: Message, rulebook: Rulebook
) -> None:
    """What follows from a resident's message: replies, and what they have asked for."""
    if message.kind in WORDLESS and not message.body:
        if conversation.state == policy.BOT:
            await _say(conversation, (Reply("text", wording.CANT_SEE, (HUMAN,)),), signed=True)
        return
    rules = await rulebook.of(conversation.rules_version)
    person = await person_of(conversation.patient_id)
    said, before = said_in(message), remembering.opened(conversation.memory, rules)
    memory = await remembering.recollected(conversation.id, before)
    turn = dialogue.answer(rules, person, memory, said)
    heard = remembering.after(rules, before, message.seq, turn)
    await _keep(conversation, rules, person, message, turn, heard)
    if conversation.state == policy.BOT:  # in line, words are for the doctor
        await zero_hits.note(conversation, message.id, said, turn)
    is_full = len(turn.memory.said) >= dialogue.TURNS_MOST
    await learn(conversation, rules, turn.triage, forgot=is_full)
    replies = _said(conversation.state, message, turn)
    await _say(conversation, replies, signed=turn.triage is None or turn.triage.signed)
    for action in turn.actions:
        await _do(actor, conversation, action, turn.triage)
    if conversation.state == policy.OPEN and any(one.kind == "emergency" for one in turn.replies):
        # The bot is silent here; that 120 comes before any answer is the service's own word.
        warning = Draft(kind="emergency", body=wording.CALL_120)
        await messages.append(conversation, Author(messages.SYSTEM), warning)


def _said(state: str, message: Message, turn: Turn) -> tuple[Reply, ...]:
    """In line it answers whoever taps one of its buttons, wants a place or asks about the service,
    and every danger, also one without 120 (whom to call who doesn't want to live any more); what
    else is written there is for the doctor."""
    if state == policy.OPEN:
        return ()
    if state == policy.BOT or message.kind in TAPPED:
        return turn.replies
    if any(isinstance(one, Book | Start) or one.reason == RED_FLAG for one in turn.actions):
        return turn.replies
    return tuple(reply for reply in turn.replies if reply.kind in IN_LINE)


async def person_of(patient_id: UUID | None) -> Person:
    """What the record knows of the patient."""
    row = await Patient.get_or_none(id=patient_id) if patient_id is not None else None
    if row is None:
        return Person()
    sex: Any = row.sex if row.sex in ("male", "female") else None
    return Person(age_months=_months(row.birth_on, clock.today()), sex=sex)


def _months(born_on: date, today: date) -> int:
    months = (today.year - born_on.year) * 12 + today.month - born_on.month
    return max(0, months - (today.day < born_on.day))


async def _keep(
    conversation: Conversation,
    rules: Rules,
    person: Person,
    message: Message | None,
    turn: Turn,
    heard: Heard,
) -> None:
    """What it remembers after this turn stands in the next one, or in the conversation."""
    await BotTurn.create(
        id=new_id(),
        conversation_id=conversation.id,
        number=conversation.turns,
        message_id=message.id if message else None,
        rules_version=rules.version,
        person=msgspec.to_builtins(person),
        memory=conversation.memory,
        said=message.seq if message else None,
        turn=remembering.wordless(turn),
        at=clock.now(),
    )
    await change(
        conversation,
        memory=remembering.closed(turn.memory, heard),
        rules_version=rules.version,
        turns=conversation.turns + 1,
    )


async def learn(
    conversation: Conversation, rules: Rules, triage: Triage | None, *, forgot: bool = False
) -> None:
    """What lists and doctors see of it. `forgot`: see `remembering.standing`."""
    if triage is None:
        return
    earlier = remembering.triage_of(conversation)
    triage = remembering.standing(rules, triage, earlier, forgot=forgot)
    await change(
        conversation,
        tier=triage.tier,
        departments=[one.name for one in triage.departments],
        red_flag=conversation.red_flag or bool(triage.red_flags),
        triage=msgspec.to_builtins(triage),
    )


async def _say(conversation: Conversation, replies: tuple[Reply, ...], *, signed: bool) -> None:
    if not replies:
        return
    place = await _place(conversation) if any(BRACES.search(one.text) for one in replies) else None
    for reply in replies:
        payload: dict[str, Any] = {}
        if reply.choices:
            payload["choices"] = msgspec.to_builtins(reply.choices)
        if reply.fields:
            payload["fields"] = msgspec.to_builtins(reply.fields)
        if reply.kind in ("guide", "emergency") and not signed:
            payload["unsigned"] = True
        text = wording.filled(reply.text, place)
        await messages.append(
            conversation, ROBOT, Draft(kind=reply.kind, body=text, payload=payload or None)
        )


async def _place(conversation: Conversation) -> Org | None:
    """The institution that answers to a question about 'the' place: the resident's own, else the
    county's only one of its tier."""
    county = await directory(conversation.consortium_id)
    asker = await routing.asker_of(conversation)
    if asker.organization_id is not None and asker.organization_id in county.organizations:
        return county.organizations[asker.organization_id]
    first = county.find_organizations(tier="county", near=None, q=None)
    return first[0][0] if first else None


async def _do(
    actor: Actor, conversation: Conversation, action: HandOver | Book | Start, triage: Triage | None
) -> None:
    if isinstance(action, HandOver):
        by = actor if action.reason == "asked" else Actor.system(actor.consortium_id)
        await handing_over.hand_over(by, conversation, action.reason, triage)
    elif conversation.state == policy.OPEN:
        return
    elif isinstance(action, Book):
        await booking_cards.offer(actor, conversation, action)
    else:
        await booking_cards.start(conversation, action)
