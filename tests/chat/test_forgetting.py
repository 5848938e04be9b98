"""What is taken back is forgotten by the bot too, and by all who read; a danger stays one."""

from typing import Any
from uuid import UUID

import msgspec

from backend.chat import live, recalling, remembering
from backend.chat.models import BotTurn, Conversation, Message
from backend.hub import Hub
from backend.identity.access import Actor
from backend.privacy.exporting import export
from backend.settings import Settings
from tests.chat.talks import a_reception, a_talk, all_of, say
from tests.clinics import a_clinic
from tests.people import log_in, register, vault_of


async def somebody(settings: Settings) -> tuple[Actor, UUID]:
    _, actor = await log_in(settings)
    return actor, (await register(actor, settings)).patient_id


async def recall(actor: Actor, hub: Hub, talk: UUID, message_id: UUID) -> Conversation:
    await recalling.recall(actor, a_reception(hub), talk, message_id)
    return await Conversation.get(id=talk)


async def all_that_is_read(actor: Actor, settings: Settings, talk: UUID) -> str:
    """By the resident, by doctors, and in the file that the account takes along."""
    row = await Conversation.get(id=talk)
    kept = (row.memory, row.triage, row.departments, row.preview)
    shown: list[Any] = [*await all_of(actor, talk), *kept, await export(actor, vault_of(settings))]
    return str(shown)


async def test_what_is_taken_back_is_as_if_it_had_not_been_said(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang, patient_id = await somebody(settings)
    talk, other = await a_talk(wang, patient_id), await a_talk(wang, patient_id)
    await say(wang, hub, talk, "我膝盖疼")
    await say(wang, hub, other, "我膝盖疼")
    wrong = await say(wang, hub, talk, "还有尿频，吃着二甲双胍")
    late = await say(wang, hub, talk, "三天了")
    await say(wang, hub, other, "三天了")
    assert "尿频" in (await Conversation.get(id=talk)).triage["summary"]
    row = await recall(wang, hub, talk, wrong.id)
    read = await all_that_is_read(wang, settings, talk)
    assert not [word for word in ("尿频", "二甲双胍") if word in read]
    same = await Conversation.get(id=other)
    assert row.memory | {"heard": 0} == same.memory | {"heard": 0}
    assert (row.triage["summary"], row.departments) == (same.triage["summary"], same.departments)
    assert row.memory["heard"] == [2, late.seq]
    # The record stays, and the decision can be made again as it was.
    record = await BotTurn.get(message_id=wrong.id)
    again = await remembering.decided_again(record, a_reception().rulebook.current)
    assert remembering.wordless(again) == record.turn
    assert again.triage
    assert "尿频" in again.triage.summary


async def test_an_answer_that_is_taken_back_leaves_the_question_open(
    db: None, hub: Hub, settings: Settings
) -> None:
    """Also when one was said between, and taken back before or after it."""
    wang, patient_id = await somebody(settings)
    for order in ((0, 1), (1, 0)):
        talk = await a_talk(wang, patient_id)
        await say(wang, hub, talk, "我膝盖疼")
        before = (await Conversation.get(id=talk)).memory
        form = {"fields": {"duration": "一周", "medicines": "二甲双胍"}}
        said = [
            await say(wang, hub, talk, "填好了", kind="form", payload=form),
            await say(wang, hub, talk, "有糖尿病"),
        ]
        for at in order:
            row = await recall(wang, hub, talk, said[at].id)
        assert row.memory == before
        read = await all_that_is_read(wang, settings, talk)
        assert not [word for word in ("糖尿病", "二甲双胍") if word in read]


async def test_a_danger_that_was_seen_stays_without_its_words(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang, patient_id = await somebody(settings)
    talk = await a_talk(wang, patient_id)
    danger = await say(wang, hub, talk, "胸口压榨一样疼，出冷汗")
    seen = await Conversation.get(id=talk)
    assert seen.red_flag
    row = await recall(wang, hub, talk, danger.id)
    for _ in range(2):  # at once, and with whatever is said after
        triage = remembering.triage_of(row)
        assert triage is not None
        assert [one.id for one in triage.red_flags] == [
            one["id"] for one in seen.triage["red_flags"]
        ]
        assert triage.priority == row.priority == seen.priority
        assert (row.state, row.due_at) == (seen.state, seen.due_at)
        assert triage.red_flags[0].name in triage.summary
        assert f"建议级别：{seen.priority}" in triage.summary
        assert triage.safety_net == seen.triage["safety_net"]
        said = str(msgspec.to_builtins(triage.evidence)) + triage.summary
        assert "一样疼" not in said
        assert "冷汗" not in said
        await say(wang, hub, talk, "膝盖也疼")
        row = await Conversation.get(id=talk)


async def test_what_the_bot_has_not_heard_changes_nothing_in_it(
    db: None, hub: Hub, settings: Settings
) -> None:
    """As a doctor's words; and nobody but the audit reads those either."""
    wang, patient_id = await somebody(settings)
    talk = await a_talk(wang, patient_id)
    await say(wang, hub, talk, "我膝盖疼")
    before = await Conversation.get(id=talk)
    choice = {"choice": "slot:0"}
    tapped = await say(wang, hub, talk, "内科 8:00", kind="choice", payload=choice)
    row = await recall(wang, hub, talk, tapped.id)
    assert (row.memory, row.triage) == (before.memory, before.triage)
    assert "内科 8:00" not in await all_that_is_read(wang, settings, talk)
    assert (await Message.get(id=tapped.id)).body == "内科 8:00"


async def test_lists_at_home_hear_of_it_though_others_are_asked(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang, patient_id = await somebody(settings)
    talk, home = await a_talk(wang, patient_id), (await a_clinic(settings)).organization.id
    wrong = await say(wang, hub, talk, "我膝盖疼")
    await Conversation.filter(id=talk).update(home_id=home)
    async with hub.listening(live.inbox_of_organization(home)) as news:
        await recall(wang, hub, talk, wrong.id)
        assert await news.next(5) == live.CHANGED
