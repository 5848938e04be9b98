"""Texts are checked after they are stored: nothing waits for it, nothing is lost to it."""

import asyncio
from datetime import timedelta

from backend import clock
from backend.chat import checking, conversations, emptying, policy, wording
from backend.chat.models import BotTurn, Conversation, Message
from backend.hub import Hub
from backend.identity.access import Actor
from backend.privacy import erasing
from backend.settings import Settings
from backend.wechat.client import Suggestion, WeChatError
from tests.chat.talks import a_talk, all_of, say
from tests.people import log_in, vault_of

OPENID = "openid-wang"


class Judge:
    """WeChat, as a test wants it."""

    def __init__(self, answer: Suggestion | WeChatError) -> None:
        self.answer, self.asked = answer, list[tuple[str, str]]()

    async def check_text(self, content: str, *, openid: str) -> Suggestion:
        self.asked.append((content, openid))
        await asyncio.sleep(0)
        if isinstance(self.answer, WeChatError):
            raise self.answer
        return self.answer


async def asked(settings: Settings, hub: Hub) -> tuple[Actor, Message]:
    """What somebody has just written to the doctors."""
    _, actor = await log_in(settings, OPENID)
    talk = await a_talk(actor)
    await conversations.ask_for_a_doctor(actor, hub, talk)
    shown = await say(actor, hub, talk, "膝盖疼")
    return actor, await Message.get(id=shown.id)


async def test_risky_text_is_folded_once_and_its_sender_told(
    db: None, hub: Hub, settings: Settings
) -> None:
    actor, message = await asked(settings, hub)
    judge, vault = Judge("risky"), vault_of(settings)
    done = await asyncio.gather(*(checking.check_due(judge, vault, hub) for _ in range(20)))
    assert sum(done) == 1
    assert set(judge.asked) == {("膝盖疼", OPENID)}
    *_, sent, told = await all_of(actor, message.conversation_id)
    assert (sent.folded, sent.body) == (True, "膝盖疼")
    assert (told.author_kind, told.kind, told.body) == ("system", "notice", wording.FOLDED)
    assert not await checking.due()


async def test_what_is_fine_is_not_asked_again(db: None, hub: Hub, settings: Settings) -> None:
    for answer in ("pass", "review"):
        _, message = await asked(settings, hub)
        judge = Judge(answer)  # type: ignore[arg-type]
        assert await checking.check_due(judge, vault_of(settings), hub) == 1
        assert await checking.check_due(judge, vault_of(settings), hub) == 0
        assert (await Message.get(id=message.id)).check_state == "passed"


async def test_a_wechat_that_is_away_is_asked_later_and_at_last_no_more(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands
) -> None:
    _, message = await asked(settings, hub)
    away, vault = Judge(WeChatError(False, -1, "system error")), vault_of(settings)
    waited = timedelta()
    for _ in range(checking.TRIES_MOST):
        for _ in range(2):  # only once, however often the job comes by
            await checking.check_due(away, vault, hub)
        row = await Message.get(id=message.id)
        if row.check_at is not None:
            waited += row.check_at - clock.now()
            noon.set(row.check_at)
    assert len(away.asked) == checking.TRIES_MOST
    assert (await Message.get(id=message.id)).check_state == "unchecked"
    assert timedelta(minutes=30) < waited < timedelta(hours=2)
    _, other = await asked(settings, hub)
    refused = Judge(WeChatError(True, 61010, "user too long ago"))
    assert await checking.check_due(refused, vault, hub) == 1
    assert (await Message.get(id=other.id)).check_state == "unchecked"


async def test_what_no_doctor_answered_goes_with_its_account(
    db: None, hub: Hub, settings: Settings
) -> None:
    actor, waited = await asked(settings, hub)
    alone = await a_talk(actor)
    await say(actor, hub, alone, "我头晕")
    await erasing.erase(actor)
    row = await Conversation.get(id=alone)
    assert (row.state, row.memory, row.triage, row.preview) == ("closed", None, None, "")
    bodies = await Message.filter(conversation_id=alone).values_list("body", flat=True)
    assert set(bodies) == {""}
    assert not await BotTurn.filter(conversation_id=alone).exists()
    assert (await Message.get(id=waited.id)).body == ""


async def test_words_go_when_their_time_is_over(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands
) -> None:
    _, actor = await log_in(settings, OPENID)
    bot_only, answered = await a_talk(actor), await a_talk(actor)
    for talk in (bot_only, answered):
        await say(actor, hub, talk, "膝盖疼")
    row = await Message.filter(conversation_id=answered).order_by("-seq").first()
    assert row
    await Message.create(
        conversation_id=answered, seq=99, client_id="d", request_hash="", author_kind="doctor",
        kind="text", at=clock.now(), body="来看看",
    )  # fmt: skip

    async def words(talk: object) -> set[str]:
        rows = await Message.filter(conversation_id=talk).values_list("body", flat=True)
        return set(rows) - {""}

    county = settings.consortium_id
    noon.move(emptying.KEPT)
    assert await emptying.sweep(county) == 0
    noon.move(timedelta(days=1))
    assert await emptying.sweep(county) == 1
    assert await emptying.sweep(county) == 0
    assert not await words(bot_only)
    assert await words(answered)
    noon.move(emptying.ANSWERED_KEPT - emptying.KEPT)
    assert await emptying.sweep(county) == 1
    assert await emptying.sweep(county) == 0
    assert not await words(answered)


async def test_what_nobody_goes_on_with_ends(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands
) -> None:
    actor, message = await asked(settings, hub)
    idle = await a_talk(actor)
    noon.move(policy.IDLE + timedelta(seconds=1))
    assert await emptying.end_idle(settings.consortium_id) == 1
    assert await emptying.end_idle(settings.consortium_id) == 0
    assert (await Conversation.get(id=idle)).state == "closed"
    assert (await Conversation.get(id=message.conversation_id)).state != "closed"
    await say(actor, hub, idle, "还在吗")  # goes on with the bot
    assert (await Conversation.get(id=idle)).state == "bot"
