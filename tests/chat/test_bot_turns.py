"""The bot answers, hands over, offers places, and is silent where it should be."""

import asyncio
import contextlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend import db as database
from backend.booking.models import Appointment
from backend.bot import dialogue, rules
from backend.bot.rules import Rules
from backend.bot.talk import (
    Action,
    Book,
    Flag,
    HandOver,
    Memory,
    Person,
    Priority,
    Reply,
    Said,
    Triage,
    Turn,
)
from backend.chat import conversations, remembering, rulebook, wording
from backend.chat.duty_models import HandOver as HandedOver
from backend.chat.messages import Shown
from backend.chat.models import Attachment, BotTurn, Conversation, RuleSet
from backend.chat.rulebook import Rulebook
from backend.consortium import directory
from backend.hub import Hub
from backend.identity.access import Actor
from backend.identity.models import Carer
from backend.reminders.dosage import NOT_YET
from backend.settings import Settings
from tests.chat.talks import a_draft, a_reception, a_talk, all_of, say
from tests.clinics import a_clinic, a_schedule
from tests.people import a_person, an_account

FLAG = Flag("chest", "胸痛", "I", "请马上拨打 120。", calls_120=True)


def decides(
    monkeypatch: pytest.MonkeyPatch, *replies: Reply, actions: tuple[Action, ...] = (),
    priority: Priority = "IV", flags: tuple[Flag, ...] = (),
) -> None:  # fmt: skip
    """From now on the bot decides so, whatever the rules of the day are."""
    triage = Triage(
        priority=priority, tier="township", departments=(), red_flags=flags, intent="symptom",
        slots={}, summary="", next_step="", safety_net="", evidence=(), signed=False,
    )  # fmt: skip

    def answer(rules: Rules, person: Person, memory: Memory, said: Said) -> Turn:
        return Turn(memory, replies, actions, triage)

    monkeypatch.setattr(dialogue, "answer", answer)


def sees_danger(monkeypatch: pytest.MonkeyPatch) -> None:
    told = (Reply("emergency", FLAG.deed), Reply("text", "已经转给医生。"))
    decides(monkeypatch, *told, actions=(HandOver("red_flag"),), priority="I", flags=(FLAG,))


def choices_of(message: Shown) -> dict[str, str]:
    found = (message.payload or {}).get("choices", [])
    return {choice["id"]: choice["label"] for choice in found}


async def newest(actor: Actor, talk: UUID, kind: str | None = None) -> Shown:
    found = [one for one in await all_of(actor, talk) if kind in (None, one.kind)]
    return found[-1]


async def test_it_greets_answers_and_every_decision_can_be_made_again(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor, wang.patient_id)
    (hello,) = await all_of(wang.actor, talk)
    assert (hello.author_kind, hello.seq) == ("bot", 1)
    assert "human" in choices_of(hello)
    await say(wang.actor, hub, talk, "膝盖疼三天了")
    asked = await newest(wang.actor, talk)
    assert (asked.author_kind, asked.kind) == ("bot", "form")
    assert asked.payload
    assert asked.payload["fields"]
    await say(wang.actor, hub, talk, "轻", kind="choice", payload={"choice": "severity.mild"})
    assert await newest(wang.actor, talk, "guide")
    row = await Conversation.get(id=talk)
    assert row.triage["slots"]["symptom"]
    turns = await BotTurn.filter(conversation_id=talk).order_by("number")
    assert [turn.number for turn in turns] == list(range(row.turns)) == [0, 1, 2]
    stored = await RuleSet.get(version=row.rules_version)
    again = rules.read(stored.blob, unsigned_allowed=True)
    remembered = [*(turn.memory for turn in turns[1:]), row.memory]
    for turn, after in zip(turns[1:], remembered[1:], strict=True):
        assert turn.person["age_months"] == (2026 - 1950) * 12
        made = await remembering.decided_again(turn, again)
        assert remembering.wordless(made) == turn.turn
        assert remembering.closed(made.memory, tuple(after["heard"])) == after
        assert made.triage
        assert made.triage.summary
    # The words stand in the messages alone, so that no record grows with what was said before.
    assert row.memory["heard"] == [2, 4]
    assert "膝盖" not in str([(turn.memory, turn.said, turn.turn) for turn in turns])


async def test_what_it_says_is_stored_once_however_often_one_sends(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    draft = a_draft("几点开门")
    await asyncio.gather(
        *(conversations.send(wang.actor, a_reception(hub), talk, draft) for _ in range(20))
    )
    found = await all_of(wang.actor, talk)
    assert [one.seq for one in found] == list(range(1, len(found) + 1))
    assert [one.author_kind for one in found].count("resident") == 1
    assert await BotTurn.filter(conversation_id=talk).count() == 2


async def test_a_danger_is_said_first_and_goes_to_people_at_once(
    db: None, hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor, wang.patient_id)
    sees_danger(monkeypatch)
    await say(wang.actor, hub, talk, "胸口疼")
    found = await all_of(wang.actor, talk)
    assert found[2].kind == "emergency"
    assert found[2].payload == {"unsigned": True}
    row = await Conversation.get(id=talk)
    assert (row.state in ("waiting", "escalated"), row.red_flag) == (True, True)
    assert (row.priority, row.handed_over_for) == ("I", "red_flag")


async def test_in_line_it_hears_dangers_and_with_a_doctor_it_is_silent(
    db: None, hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor, wang.patient_id)
    await conversations.ask_for_a_doctor(wang.actor, hub, talk)
    await say(wang.actor, hub, talk, "膝盖疼三天了")
    assert (await newest(wang.actor, talk)).author_kind == "resident"
    assert (await Conversation.get(id=talk)).priority == "IV"
    told = (Reply("text", "也可以拨打心理援助热线 12356"), Reply("text", "已转给医生。"))
    decides(monkeypatch, *told, actions=(HandOver("red_flag"),), priority="III", flags=(FLAG,))
    await say(wang.actor, hub, talk, "不想活了")  # a danger without an alarm
    assert "12356" in str([one.body for one in await all_of(wang.actor, talk)])
    sees_danger(monkeypatch)
    await say(wang.actor, hub, talk, "胸口疼")
    found = [one.kind for one in await all_of(wang.actor, talk)]
    assert found.count("emergency") == 1
    assert await HandedOver.filter(conversation_id=talk).count() == 1
    assert (await Conversation.get(id=talk)).priority == "I"

    await Conversation.filter(id=talk).update(
        state="open", claimed_by=uuid4(), claimed_at=clock.now(), priority="IV"
    )
    last = await newest(wang.actor, talk)
    await say(wang.actor, hub, talk, "更疼了")
    said = (await all_of(wang.actor, talk))[last.seq :]
    assert [(one.author_kind, one.body) for one in said] == [
        ("resident", "更疼了"), ("system", wording.CALL_120),
    ]  # fmt: skip
    assert (await Conversation.get(id=talk)).priority == "I"


async def test_a_place_is_offered_held_once_and_confirmed_elsewhere(
    db: None, hub: Hub, settings: Settings, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang = await a_person(settings)
    clinic = await a_clinic(settings)
    await a_schedule(settings, clinic, on=clock.today() + timedelta(days=1), capacity=1)
    directory.forget()
    talk = await a_talk(wang.actor)  # about nobody yet
    wish = Book(clinic.department.name, "township")
    decides(monkeypatch, Reply("text", "好的，正在找号。"), actions=(wish,))
    await say(wang.actor, hub, talk, "帮我挂号")
    whom = choices_of(await newest(wang.actor, talk))
    assert list(whom) == [f"patient:{wang.patient_id}"]
    await say(wang.actor, hub, talk, "王*兰", kind="choice", payload={"choice": next(iter(whom))})
    offered = choices_of(await newest(wang.actor, talk))
    picked, label = next(iter(offered.items()))
    assert picked.startswith("slot:")
    assert clinic.organization.name in label
    draft = a_draft(label, kind="choice", payload={"choice": picked})
    await asyncio.gather(
        *(conversations.send(wang.actor, a_reception(hub), talk, draft) for _ in range(20))
    )
    (held,) = await Appointment.filter(patient_id=wang.patient_id)
    assert held.status == "pending"
    cards = [one for one in await all_of(wang.actor, talk) if (one.payload or {}).get("links")]
    card = cards[-1]
    assert card.payload
    assert card.payload["appointment_id"] == str(held.id)
    assert card.payload["links"][0]["url"].endswith(str(held.id))
    # Somebody else comes too late for the last place: said in words, with a way on.
    zhao = await a_person(settings, "赵强")
    other = await a_talk(zhao.actor, zhao.patient_id)
    await say(zhao.actor, hub, other, label, kind="choice", payload={"choice": picked})
    refused = await newest(zhao.actor, other)
    assert "book" in choices_of(refused)
    assert await Appointment.all().count() == 1


async def test_nobody_books_for_somebody_elses_patient_by_a_choice(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang, zhao = await a_person(settings), await a_person(settings, "赵强")
    talk = await a_talk(zhao.actor)
    choice = {"choice": f"patient:{wang.patient_id}"}
    with pytest.raises(conversations.NotFound):
        await say(zhao.actor, hub, talk, "王桂兰", kind="choice", payload=choice)
    assert (await Conversation.get(id=talk)).patient_id is None
    nobody = await a_talk(await an_account(settings))
    assert nobody


async def test_a_place_is_never_held_for_another_person_than_was_tapped(
    db: None, hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wang, zhao = await a_person(settings), await a_person(settings, "赵强")
    await Carer.create(
        id=uuid4(), consortium_id=settings.consortium_id, account_id=wang.actor.account_id,
        patient_id=zhao.patient_id, relation="child", scope="manage", state="active",
        created_at=clock.now(),
    )  # fmt: skip
    talk = await a_talk(wang.actor)
    decides(monkeypatch, Reply("text", "好"), actions=(Book("内科", "township"),))
    await say(wang.actor, hub, talk, "帮我挂号")
    for who in (wang, zhao):  # both buttons, one after the other
        choice = {"choice": f"patient:{who.patient_id}"}
        await say(wang.actor, hub, talk, "他", kind="choice", payload=choice)
    assert (await Conversation.get(id=talk)).patient_id == wang.patient_id
    told = await newest(wang.actor, talk)
    assert "王*兰" in told.body
    assert "slot" not in str(choices_of(told))


async def test_a_wish_leads_to_its_page(db: None, hub: Hub, settings: Settings) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    await say(wang.actor, hub, talk, "取消预约", kind="choice",
              payload={"choice": "cancel_appointment"})  # fmt: skip
    links = ((await newest(wang.actor, talk)).payload or {})["links"]
    assert links[0]["url"] == "/pages/appointments/appointments"
    await say(wang.actor, hub, talk, "我要评价一下医生")
    links = ((await newest(wang.actor, talk)).payload or {})["links"]
    assert links[0]["url"] == "/pages/survey/survey"


async def test_medicines_are_written_on_their_page(db: None, hub: Hub, settings: Settings) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor, wang.patient_id)
    await say(wang.actor, hub, talk, "提醒我吃药")
    told = (await all_of(wang.actor, talk))[2:]
    assert "不能替您定吃什么药" in told[0].body
    assert told[1].body.endswith(NOT_YET)
    (link,) = (told[1].payload or {})["links"]
    assert link["url"] == f"/pages/medicines/medicines?patient={wang.patient_id}"


async def test_the_place_in_an_answer_is_the_residents(
    db: None, hub: Hub, settings: Settings
) -> None:
    wang = await a_person(settings)
    await a_clinic(settings, tier="county", name="安和县人民医院")
    directory.forget()
    talk = await a_talk(wang.actor)
    await say(wang.actor, hub, talk, "几点开门")
    told = (await newest(wang.actor, talk, "faq")).body
    assert "安和县人民医院" in told
    assert "{" not in told


async def test_a_picture_is_for_the_doctor(db: None, hub: Hub, settings: Settings) -> None:
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    picture = await Attachment.create(
        id=uuid4(), consortium_id=settings.consortium_id, conversation_id=talk, kind="image",
        account_id=wang.actor.account_id, media_type="image/jpeg", bytes=9, sha256="0" * 64,
        path="0/0", created_at=clock.now(),
    )  # fmt: skip
    for _ in range(2):  # before and after it goes to people
        await say(wang.actor, hub, talk, "", kind="image", attachment_id=picture.id)
        await conversations.ask_for_a_doctor(wang.actor, hub, talk)
    told = [one for one in await all_of(wang.actor, talk) if one.body == wording.CANT_SEE]
    assert len(told) == 1
    assert await BotTurn.filter(conversation_id=talk).count() == 1


async def test_a_conversation_goes_on_by_the_rules_it_began_with(
    db: None, hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a process that has never seen them, and not by those that can't be read any more."""
    wang = await a_person(settings)
    talk = await a_talk(wang.actor)
    began = (await Conversation.get(id=talk)).rules_version
    changed = {
        name: content.replace("您好".encode(), "您早".encode())
        for name, content in rules.files_in(rules.FOLDER).items()
    }
    newer = rules.Rules(changed, unsigned_allowed=True)
    rulebook._read.cache_clear()
    shelf = rulebook._shelf(True)
    monkeypatch.setattr(shelf, "current", newer)
    shelf._kept.clear()
    try:
        await say(wang.actor, hub, talk, "膝盖疼三天了")
        row = await Conversation.get(id=talk)
        assert (row.rules_version, row.turns) == (began, 2)
        other = await a_talk(wang.actor)
        assert (await Conversation.get(id=other)).rules_version == newer.version
        assert (await all_of(wang.actor, other))[0].body.startswith("您早")
        # What a transaction has taken back is stored by the next one.
        await RuleSet.filter(version=newer.version).delete()
        book = Rulebook(unsigned_allowed=True)
        with contextlib.suppress(ZeroDivisionError):
            async with database.transaction():
                await book.begin()
                raise ZeroDivisionError
        async with database.transaction():
            await book.begin()
        assert await RuleSet.filter(version=newer.version).exists()
        await RuleSet.filter(version=began).update(blob=b"nonsense")
        shelf._kept.clear()
        assert (await Rulebook(unsigned_allowed=True).of(began)).version == newer.version
    finally:
        rulebook._read.cache_clear()
