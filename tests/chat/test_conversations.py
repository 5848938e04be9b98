"""Messages are stored once, in one order; marks only go forward; nobody else sees anything."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from tortoise.exceptions import BaseORMException

from backend import clock
from backend.audit import AuditEvent
from backend.chat import conversations, policy, recalling, wording
from backend.chat.errors import ClientIdReused, ConversationOver, TooManyConversations
from backend.chat.models import Conversation, ConversationEvent, Message
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.models import Carer
from backend.settings import Settings
from tests.chat.talks import a_draft, a_reception, a_talk, all_of, say
from tests.people import a_person, an_account

SENDERS = 20
REFUSED = (BaseORMException, asyncpg.PostgresError)


async def test_twenty_senders_who_send_twice_are_stored_once_in_one_order(
    db: None, hub: Hub, settings: Settings
) -> None:
    """Invariant 6: one message for (conversation, client id), one order for all readers."""
    wang = await a_person(settings)
    talk = await a_talk(wang.actor, wang.patient_id)
    before = len(await all_of(wang.actor, talk))
    drafts = [a_draft(f"第{number}句") for number in range(SENDERS)]
    sent = await asyncio.gather(
        *(conversations.send(wang.actor, a_reception(hub), talk, draft) for draft in drafts * 3)
    )
    assert sum(is_new for _, is_new in sent) == SENDERS
    ids = {draft.client_id: set() for draft in drafts}  # type: ignore[var-annotated]
    for message, _ in sent:
        ids[message.client_id].add((message.id, message.seq, message.body))
    assert all(len(found) == 1 for found in ids.values())
    first, second = await all_of(wang.actor, talk), await all_of(wang.actor, talk)
    assert first == second
    assert [message.seq for message in first] == list(range(1, len(first) + 1))
    assert len([one for one in first if one.mine]) == SENDERS
    assert len(first) >= before + SENDERS
    row = await Conversation.get(id=talk)
    assert row.last_seq == len(first)


async def test_a_repeat_answers_the_first_message_and_another_body_is_refused(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    draft = a_draft("血压有点高")
    first, is_new = await conversations.send(wang.actor, a_reception(hub), talk, draft)
    row = await Conversation.get(id=talk)
    noon.move(timedelta(days=1))
    again, is_again = await conversations.send(wang.actor, a_reception(hub), talk, draft)
    assert (is_new, is_again, again) == (True, False, first)
    other = a_draft("血压不高", client_id=draft.client_id)
    with pytest.raises(ClientIdReused) as refused:
        await conversations.send(wang.actor, a_reception(hub), talk, other)
    assert refused.value.extra == {"message_id": first.id}
    assert (await Conversation.get(id=talk)).last_seq == row.last_seq
    assert row.preview
    assert row.staff_unread == 1
    # The same id in another conversation is another message.
    elsewhere = await a_talk(wang.actor)
    assert (await conversations.send(wang.actor, a_reception(hub), elsewhere, draft))[1]


async def test_an_author_and_the_order_can_not_be_rewritten(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    message = await say(wang.actor, hub, talk)
    for change in ({"author_kind": "doctor"}, {"author_id": uuid4()}, {"seq": 99}):
        with pytest.raises(REFUSED):
            await Message.filter(id=message.id).update(**change)
    with pytest.raises(REFUSED):
        await Message.filter(id=message.id).delete()  # kept for three years
    with pytest.raises(REFUSED):
        await ConversationEvent.all().update(reason="另有原因")
    assert await Message.filter(id=message.id).update(body="") == 1


async def test_nobody_else_sees_or_says_anything(db: None, hub: Hub, settings: Settings) -> None:
    wang, zhao = await a_person(settings), await a_person(settings, "赵强")
    talk = await a_talk(wang.actor, wang.patient_id)
    await say(wang.actor, hub, talk)
    with pytest.raises(NotFound):
        await a_talk(zhao.actor, wang.patient_id)

    async def tries(actor: conversations.Actor) -> None:
        for deed in (
            conversations.show(actor, talk),
            conversations.read(actor, talk, after=None, before=None, most=9),
            conversations.send(actor, a_reception(hub), talk, a_draft()),
            conversations.mark(actor, hub, talk, "read", 1),
        ):
            with pytest.raises(NotFound):
                await deed
        assert await conversations.list_of(actor, after=None, most=9) == []

    await tries(zhao.actor)
    await tries(await an_account(settings))
    assert await AuditEvent.filter(actor_id=zhao.actor.id).count() == 0
    # The care of the patient has ended: what was asked about them is no longer there to see.
    await Carer.filter(patient_id=wang.patient_id).update(state="revoked")
    await tries(wang.actor)


async def test_quotes_belong_to_the_conversation(db: None, hub: Hub, settings: Settings) -> None:
    wang = await a_person(settings)
    talk, other = await a_talk(wang.actor), await a_talk(wang.actor)
    first = await say(wang.actor, hub, talk, "第一句")
    elsewhere = await say(wang.actor, hub, other, "别处的话")
    answer = await say(wang.actor, hub, talk, "接着上一句", quoted_id=first.id)
    assert answer.quoted is not None
    assert (answer.quoted.seq, answer.quoted.text) == (first.seq, "第一句")
    for quoted_id in (elsewhere.id, uuid4()):
        with pytest.raises(Malformed) as refused:
            await say(wang.actor, hub, talk, "引用错了", quoted_id=quoted_id)
        assert refused.value.extra["field"] == "quoted_id"
    with pytest.raises(Malformed):
        await say(wang.actor, hub, talk, "", kind="image", attachment_id=uuid4())


async def test_marks_never_go_back_or_past_the_end(db: None, hub: Hub, settings: Settings) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    for number in range(5):
        await say(wang.actor, hub, talk, f"第{number}句")
    last = (await conversations.show(wang.actor, talk)).last_seq
    await asyncio.gather(
        *(conversations.mark(wang.actor, hub, talk, "read", seq) for seq in range(last + 3))
    )
    row = await Conversation.get(id=talk)
    assert (row.resident_read, row.resident_delivered, row.resident_unread) == (last, last, 0)
    assert (row.staff_read, row.staff_delivered, row.staff_unread) == (0, 0, 5)
    version = row.version
    await conversations.mark(wang.actor, hub, talk, "read", 1)
    await conversations.mark(wang.actor, hub, talk, "delivered", 2)
    assert (await Conversation.get(id=talk)).version == version


async def test_writing_within_48_hours_opens_it_again_and_later_does_not(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    await Conversation.filter(id=talk).update(
        state="closed", closed_at=clock.now(), queued_at=clock.now(), outcome="advice"
    )
    noon.move(policy.REOPEN - timedelta(seconds=1))
    await say(wang.actor, hub, talk, "又疼了")
    row = await Conversation.get(id=talk)
    assert (row.state, row.reopened, row.queued_at, row.outcome) == ("waiting", 1, clock.now(), "")
    assert await ConversationEvent.filter(conversation_id=talk, action="reopen").count() == 1
    await Conversation.filter(id=talk).update(state="rated", closed_at=clock.now())
    noon.move(policy.REOPEN)
    with pytest.raises(ConversationOver):
        await say(wang.actor, hub, talk, "还想问")
    assert not (await conversations.show(wang.actor, talk)).can_write


async def test_an_account_has_a_limited_number_of_living_ones(
    db: None, hub: Hub, settings: Settings
) -> None:
    """What only the bot has gives way, the idle one first; what waits for a doctor stays."""
    wang = await a_person(settings)
    waiting = [await a_talk(wang.actor) for _ in range(2)]
    for talk in waiting:
        await conversations.ask_for_a_doctor(wang.actor, hub, talk)
    await asyncio.gather(*(a_talk(wang.actor) for _ in range(SENDERS)))
    living = Conversation.filter(state__in=policy.LIVING)
    assert await living.count() == policy.LIVING_MOST
    assert await Conversation.filter(id__in=waiting, state="waiting").count() == 2
    assert await ConversationEvent.filter(action="close", reason="idle").count() == (
        SENDERS + 2 - policy.LIVING_MOST
    )
    for row in await living.filter(state="bot"):
        await conversations.ask_for_a_doctor(wang.actor, hub, row.id)
    with pytest.raises(TooManyConversations):
        await a_talk(wang.actor)


async def test_a_recall_is_told_in_order_and_kept_for_the_audit(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor, wang.patient_id)
    await conversations.ask_for_a_doctor(wang.actor, hub, talk)  # so that the bot adds nothing
    first, wrong = await say(wang.actor, hub, talk, "对"), await say(wang.actor, hub, talk, "错")
    await asyncio.gather(
        *(recalling.recall(wang.actor, a_reception(hub), talk, wrong.id) for _ in range(SENDERS))
    )
    found = await all_of(wang.actor, talk)
    assert [message.seq for message in found] == list(range(1, len(found) + 1))
    (recall,) = [message for message in found if message.kind == "recall"]
    assert recall.quoted is not None
    assert (recall.quoted.id, recall.quoted.recalled) == (wrong.id, True)
    assert (found[wrong.seq - 1].body, found[wrong.seq - 1].recalled) == ("", True)
    assert (found[first.seq - 1].body, found[first.seq - 1].recalled) == ("对", False)
    assert (await Message.get(id=wrong.id)).body == "错"
    assert (await conversations.show(wang.actor, talk)).preview == wording.RECALLED
    assert await AuditEvent.filter(action="chat.recalled", entity_id=wrong.id).count() == 1
    for message_id in (recall.id, uuid4()):
        with pytest.raises(NotFound):
            await recalling.recall(wang.actor, a_reception(hub), talk, message_id)
