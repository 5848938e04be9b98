"""From the queue to the end: one doctor has it, nobody else writes, everything leaves a trace."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from backend import clock
from backend import db as database
from backend.audit import AuditEvent
from backend.chat import (
    answering,
    calls,
    canned,
    cases,
    ending,
    inbox,
    notes,
    overdue,
    queue,
    taking,
)
from backend.chat.duty_errors import CallDone, CallUndone, ClaimedByOther, ReadFirst
from backend.chat.duty_models import CallTask, ConversationNote, HandOver
from backend.chat.errors import ConversationOver, NotNow
from backend.chat.lists import Wanted
from backend.chat.messages import Draft
from backend.chat.models import ConversationEvent
from backend.chat.taking import Target
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.settings import Settings
from tests.chat.duties import Town, a_doctor, a_town, another, contract, row_of, stretch_of
from tests.chat.talks import a_talk, all_of, say
from tests.clinics import a_clinic
from tests.people import a_person, a_staff, vault_of

RIVALS = 20


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    noon.move(timedelta(hours=3))  # 15:00, when everybody is at work
    return await a_town(settings, hub)


def an_answer(text: str = "请多休息，明天来量血压。") -> Draft:
    return Draft(client_id=uuid4().hex, body=text)


async def read(doctor: Actor, town: Town, talk: UUID) -> None:
    """As the page does when it shows the conversation."""
    await answering.mark(doctor, town.hub, talk, "read", (await row_of(talk)).last_seq)


async def test_it_goes_to_the_family_doctor_and_says_until_when(town: Town) -> None:
    talk = await town.waiting("III")
    row, stretch = await row_of(talk), await stretch_of(talk)
    assert (row.state, row.routed_by, row.priority) == ("waiting", "contract", "III")
    assert (row.assigned_to, row.organization_id) == (town.doctor.id, town.village.organization.id)
    assert row.due_at == stretch.due_at == clock.now() + timedelta(minutes=30)
    assert (stretch.reason, stretch.policy_version) == ("asked", "built-in@1")
    told = (await all_of(town.wang.actor, talk))[-1]
    assert told.body.startswith("已转给家庭医生李建国，最迟 11月23日 15:30 前答复。")
    assert "120" in told.body
    event = await ConversationEvent.get(conversation_id=talk, action="hand_over")
    assert event.detail["level"] == "contract"


async def test_of_twenty_doctors_one_has_it(town: Town) -> None:
    talk = await town.waiting()
    rivals = [
        await a_doctor(
            town.settings, town.village, await another(town.settings, town.village, "何")
        )
        for _ in range(RIVALS)
    ]
    results = await asyncio.gather(
        *(taking.claim(one, town.hub, talk) for one in rivals), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(one, ClaimedByOther) for one in results) == RIVALS - 1
    row = await row_of(talk)
    winner = rivals[results.index(None)]
    assert (row.state, row.claimed_by) == ("open", winner.id)
    await taking.claim(winner, town.hub, talk)  # again: nothing
    assert await ConversationEvent.filter(conversation_id=talk, action="claim").count() == 1


async def test_only_who_claimed_it_answers(town: Town) -> None:
    talk = await town.waiting()
    with pytest.raises(NotNow):
        await answering.reply(town.doctor, town.hub, talk, an_answer())
    await taking.claim(town.doctor, town.hub, talk)
    await read(town.doctor, town, talk)
    answer = an_answer()
    first, is_new = await answering.reply(town.doctor, town.hub, talk, answer)
    again, is_newer = await answering.reply(town.doctor, town.hub, talk, answer)
    assert (is_new, is_newer, first.id) == (True, False, again.id)
    with pytest.raises(ClaimedByOther):
        await answering.reply(town.colleague, town.hub, talk, an_answer())
    with pytest.raises(Malformed):
        await answering.reply(town.doctor, town.hub, talk, an_answer("  "))
    row, stretch = await row_of(talk), await stretch_of(talk)
    assert (row.due_at, stretch.answered_by) == (None, town.doctor.id)
    assert (await all_of(town.wang.actor, talk))[-1].author_name == "李建国"
    await say(town.wang.actor, town.hub, talk, "好的，谢谢，还有点头晕")
    assert (await row_of(talk)).due_at == clock.now() + timedelta(minutes=15)  # awaited again
    await answering.mark(town.colleague, town.hub, talk, "read", 99)  # another's look reads nothing
    assert (await row_of(talk)).staff_unread == 1
    await answering.mark(town.doctor, town.hub, talk, "read", (await row_of(talk)).last_seq)
    assert (await row_of(talk)).staff_unread == 0


async def test_what_is_written_meanwhile_is_not_lost(town: Town) -> None:
    """The doctor answers, or ends it, at the moment in which the resident writes once more."""
    talk = await town.waiting("III")
    await taking.claim(town.doctor, town.hub, talk)
    await read(town.doctor, town, talk)
    await say(town.wang.actor, town.hub, talk, "还胸闷")
    await answering.reply(town.doctor, town.hub, talk, an_answer())
    assert (await row_of(talk)).due_at == clock.now() + timedelta(minutes=15)  # still awaited
    with pytest.raises(ReadFirst):
        await ending.close(town.doctor, town.hub, talk, outcome="answered")
    await read(town.doctor, town, talk)
    await answering.reply(town.doctor, town.hub, talk, an_answer())
    assert (await row_of(talk)).due_at is None
    await ending.close(town.doctor, town.hub, talk, outcome="answered")


async def test_given_back_passed_on_closed_and_opened_again(town: Town, noon: clock.Hands) -> None:
    talk = await town.waiting()
    await taking.claim(town.doctor, town.hub, talk)
    with pytest.raises(Malformed):
        await taking.release(town.doctor, town.hub, talk, reason=" ")
    await taking.release(town.doctor, town.hub, talk, reason="要出诊")
    row = await row_of(talk)
    assert (row.state, row.routed_by, row.claimed_by) == ("waiting", "team", None)
    await taking.claim(town.colleague, town.hub, talk)
    county = Target(
        organization_id=town.county.organization.id, practitioner_id=town.county.practitioner.id
    )
    await taking.transfer(town.colleague, town.hub, talk, county, reason="要会诊")
    row = await row_of(talk)
    assert (row.state, row.routed_by, row.assigned_to) == ("waiting", "county", town.sun.id)
    assert row.home_id == town.village.organization.id
    await taking.claim(town.sun, town.hub, talk)
    await answering.reply(town.sun, town.hub, talk, an_answer())
    with pytest.raises(Malformed):
        await ending.close(town.sun, town.hub, talk, outcome="fine")
    await read(town.sun, town, talk)
    await ending.close(town.sun, town.hub, talk, outcome="no_doctor")
    row, stretch = await row_of(talk), await stretch_of(talk)
    assert (row.state, row.outcome, stretch.needless) == ("closed", "no_doctor", True)
    assert stretch.ended_at is not None
    with pytest.raises(NotNow):
        await answering.reply(town.sun, town.hub, talk, an_answer())
    await say(town.wang.actor, town.hub, talk, "又头痛了")  # by herself
    row = await row_of(talk)
    assert (row.state, row.reopened, row.routed_by) == ("waiting", 1, "contract")
    assert (await stretch_of(talk)).reason == "reopened"
    await taking.claim(town.doctor, town.hub, talk)
    await read(town.doctor, town, talk)
    await ending.close(town.doctor, town.hub, talk, outcome="answered")
    await ending.reopen(town.doctor, town.hub, talk, reason="忘了一件事")
    assert (await row_of(talk)).state == "waiting"
    await taking.claim(town.doctor, town.hub, talk)
    await ending.close(town.doctor, town.hub, talk, outcome="answered")
    noon.move(timedelta(hours=48))
    with pytest.raises(ConversationOver):
        await ending.reopen(town.doctor, town.hub, talk, reason="太晚了")
    assert await HandOver.filter(conversation_id=talk).count() == 3


async def test_what_becomes_urgent_meanwhile_is_due_sooner_and_called(town: Town) -> None:
    talk = await town.waiting("IV")
    await town.hand_over(talk, "I", "red_flag")
    row = await row_of(talk)
    assert (row.state, row.priority) == ("waiting", "I")
    assert row.due_at == clock.now() + timedelta(minutes=2)
    await town.hand_over(talk, "III")  # never less
    assert (await row_of(talk)).priority == "I"
    (call,) = await calls.worklist(town.doctor)
    assert (call.patient_name, call.overdue) == ("王*兰", False)
    await taking.claim(town.doctor, town.hub, talk)
    await read(town.doctor, town, talk)
    with pytest.raises(CallUndone):
        await ending.close(town.doctor, town.hub, talk, outcome="emergency")
    assert await calls.reveal(town.doctor, vault_of(town.settings), call.id) == []
    assert await AuditEvent.filter(action="chat.phone_shown").exists()
    with pytest.raises(Malformed):
        await calls.done(town.doctor, town.hub, call.id, outcome="maybe")
    await calls.done(town.doctor, town.hub, call.id, outcome="no_answer")
    assert (await calls.worklist(town.doctor))[0].tries == 1
    await calls.done(town.doctor, town.hub, call.id, outcome="ambulance", note="已在路上")
    with pytest.raises(CallDone):
        await calls.done(town.colleague, town.hub, call.id, outcome="reached")
    assert await calls.worklist(town.doctor) == []
    await ending.close(town.doctor, town.hub, talk, outcome="emergency")
    await say(town.wang.actor, town.hub, talk, "谢谢医生")  # no second alarm
    row = await row_of(talk)
    assert (row.state, row.priority, row.reopened) == ("waiting", "II", 1)
    assert await calls.worklist(town.doctor) == []
    await town.hand_over(talk, "I", "advised")  # of what is known
    assert (await row_of(talk)).priority == "II"
    await town.hand_over(talk, "I", "red_flag")  # something new
    assert (await row_of(talk)).priority == "I"
    assert len(await calls.worklist(town.doctor)) == 1


async def test_another_danger_after_the_call_is_called_again(town: Town) -> None:
    talk = await town.waiting("I")
    (call,) = await calls.worklist(town.doctor)
    await taking.claim(town.doctor, town.hub, talk)
    await answering.reply(town.doctor, town.hub, talk, an_answer())
    await calls.done(town.doctor, town.hub, call.id, outcome="refused")
    await town.hand_over(talk, "I", "advised")  # nothing new
    assert await calls.worklist(town.doctor) == []
    await town.hand_over(talk, "I", "red_flag")
    row = await row_of(talk)
    assert (row.state, row.claimed_by) == ("open", town.doctor.id)
    assert row.due_at == clock.now() + timedelta(minutes=2)
    (again,) = await calls.worklist(town.doctor)
    assert again.id != call.id
    assert await ConversationEvent.filter(conversation_id=talk, action="hurry").count() == 1


async def test_a_danger_that_shows_on_the_worklist_is_taken_to_whoever_is_on_call(
    town: Town, noon: clock.Hands
) -> None:
    talk = await town.waiting("II")
    noon.move(timedelta(minutes=10))
    for _ in range(4):
        await overdue.escalate(town.settings.consortium_id)
        noon.move(timedelta(minutes=5))
    assert (await row_of(talk)).routed_by == "worklist"
    noon.move(timedelta(hours=5))  # nobody is at work any more
    await town.on_call(town.township)
    await town.hand_over(talk, "I", "red_flag")
    row = await row_of(talk)
    assert (row.routed_by, row.assigned_to) == ("township", town.zhao.id)
    assert row.due_at == clock.now() + timedelta(minutes=2)
    call = await CallTask.get(conversation_id=talk)
    assert call.organization_id == town.township.organization.id


async def test_who_has_claimed_it_loses_it_with_the_right(town: Town) -> None:
    talk = await town.waiting("I")
    await taking.claim(town.doctor, town.hub, talk)
    elsewhere = await a_clinic(town.settings, name="别处卫生院")
    moved = msgspec.structs.replace(
        town.doctor, grants=a_staff(town.settings, "doctor", elsewhere.organization).grants
    )
    for deed in (
        lambda: cases.show(moved, talk),
        lambda: answering.reply(moved, town.hub, talk, an_answer()),
        lambda: ending.close(moved, town.hub, talk, outcome="answered"),
    ):
        with pytest.raises(NotFound):
            await deed()
    assert await calls.worklist(moved) == []
    assert (await inbox.list_of(moved, Wanted(list="mine"))).items == []


async def test_a_case_shows_why_whom_and_what_was_done(town: Town) -> None:
    talk = await town.waiting()
    await taking.claim(town.doctor, town.hub, talk)
    await notes.add(town.colleague, talk, "女儿在外地，晚上才能接电话")
    case = await cases.show(town.doctor, talk)
    assert (case.mine, case.may.answer, case.may.claim) == (True, True, False)
    assert case.card
    assert (case.card.name, case.card.contract and case.card.contract.mine) == ("王桂兰", True)
    assert case.card.elsewhere
    assert "没有慢病" in case.card.told_note
    assert [note.text for note in case.notes] == ["女儿在外地，晚上才能接电话"]
    assert [deed.action for deed in case.deeds][:2] == ["claim", "hand_over"]
    said = await cases.read(town.colleague, talk, after=0, before=None, most=500)
    assert "头痛三天" in [one.body for one in said]
    seen = await AuditEvent.filter(patient_id=town.wang.patient_id, actor_kind="staff")
    assert {"chat.case_shown", "chat.read", "chat.noted"} <= {row.action for row in seen}
    other = await cases.show(town.colleague, talk)
    assert not other.card or not other.card.elsewhere
    assert not other.may.answer
    assert "女儿" not in str(await all_of(town.wang.actor, talk))  # notes are among staff


async def test_canned_words_are_filled_and_those_unknown_are_named(town: Town) -> None:
    talk = await town.waiting()
    own = await canned.save(
        town.doctor, title="问好", text="{患者}您好，我是{医生}，{科室}约在{预约时间}。"
    )
    with pytest.raises(Malformed):
        await canned.save(town.doctor, title="坏", text="{诊断}")
    theirs = await canned.save(
        town.admin, title="电话", text="请打{电话}", organization_id=town.village.organization.id
    )
    filled = await canned.filled(town.doctor, own, talk)
    assert filled.text.startswith("王桂兰您好，我是李建国，{科室}约在")
    assert filled.missing == ("科室", "预约时间")
    assert [one.id for one in await canned.list_of(town.doctor)] == [own, theirs]
    assert [one.id for one in await canned.list_of(town.colleague)] == [theirs]
    for deed in (
        lambda: canned.remove(town.colleague, own),
        lambda: canned.remove(town.doctor, theirs),
        lambda: canned.filled(town.colleague, own, talk),
        lambda: canned.save(town.doctor, title="院", text="好", organization_id=uuid4()),
    ):
        with pytest.raises(NotFound):
            await deed()
    await canned.remove(town.doctor, own)
    assert [one.id for one in await canned.list_of(town.doctor)] == [theirs]


async def test_the_lists(town: Town, noon: clock.Hands) -> None:
    calm = await town.waiting("IV")
    noon.move(timedelta(minutes=1))
    bad = await town.waiting("II")
    li = await a_person(town.settings, "李大叔")
    other = await town.waiting("III", li)  # no contract: to the county, where nobody is on call

    async def ids(actor: Actor, **facts: object) -> list[UUID]:
        page = await inbox.list_of(actor, Wanted(**facts))  # type: ignore[arg-type]
        return [item.id for item in page.items]

    assert await ids(town.doctor) == [bad, calm]
    assert await ids(town.doctor, list="mine") == [bad, calm]
    assert await ids(town.colleague, list="mine") == []
    assert await ids(town.doctor, priority="II") == [bad]
    assert other in await ids(a_staff(town.settings, "consortium_admin"))
    await taking.claim(town.doctor, town.hub, bad)
    assert await ids(town.doctor) == [calm]
    assert await ids(town.doctor, list="open") == [bad]
    assert await ids(town.doctor, list="open", unread=True) == [bad]
    assert await ids(town.doctor, list="mine") == [bad, calm]
    news = await inbox.news(town.doctor)
    assert (news.waiting, news.mine, news.unread) == (1, 1, 1)
    await read(town.doctor, town, bad)
    await ending.close(town.doctor, town.hub, bad, outcome="answered")
    assert (await inbox.news(town.doctor)).stamp != news.stamp
    assert await ids(town.doctor, list="closed") == [bad]
    assert await ids(town.doctor, q="头痛") == [calm]
    assert await ids(town.doctor, q="桂") == [calm]
    assert await ids(town.doctor, q="没有这样的字") == []
    for _ in range(5):
        noon.move(timedelta(minutes=1))
        await town.waiting("III", await a_person(town.settings, "张三"))
    admin = a_staff(town.settings, "consortium_admin")
    seen: list[UUID] = []
    after = None
    while True:
        page = await inbox.list_of(admin, Wanted(), after=after, most=2)
        seen += [item.id for item in page.items]
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert seen == await ids(admin)
    with pytest.raises(Malformed):
        await inbox.list_of(admin, Wanted(), after="zz")


async def test_each_list_reads_an_index_of_its_own(
    town: Town, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has no statistics where nobody has asked for any: it goes by the conditions alone."""
    plans: list[str] = []
    fetch = database.fetch

    async def explained(sql: str, *values: object) -> list[database.Row]:
        if engine == "sqlite" and "UNION ALL" in sql:
            rows = await fetch(f"EXPLAIN QUERY PLAN {sql}", *values)
            plans.extend(row["detail"] for row in rows if " c USING INDEX" in row["detail"])
        return await fetch(sql, *values)

    monkeypatch.setattr(database, "fetch", explained)
    for facts in ({}, {"list": "mine"}, {"list": "open"}, {"list": "closed"}):
        await inbox.list_of(town.doctor, Wanted(**facts))  # type: ignore[arg-type]
    await inbox.list_of(town.doctor, Wanted(list="closed", priority="I"))
    narrow = ("organization_id=?", "home_id=?", "claimed_by=?", "assigned_to=?")
    assert [plan for plan in plans if not any(key in plan for key in narrow)] == []
    assert len(plans) == (10 if engine == "sqlite" else 0)


async def test_the_resident_sees_the_place_and_an_estimate_only_where_it_was_measured(
    town: Town, noon: clock.Hands
) -> None:
    first = await town.waiting()
    noon.move(timedelta(minutes=1))
    li = await a_person(town.settings, "李大叔")
    await contract(town, li)
    second = await town.waiting("III", li)
    place = (await queue.shown(li.actor, second))[1]
    assert place
    assert (place.position, place.expected_min) == (2, None)
    assert "前面还有 1 位" in place.text
    assert "最迟" in place.text
    for _ in range(10):
        await HandOver.create(
            id=uuid4(), consortium_id=town.settings.consortium_id, conversation_id=first,
            home_id=town.village.organization.id, reason="asked", priority="III",
            policy_version="x", handed_at=clock.now() - timedelta(days=1),
            due_at=clock.now(), level="contract", ended_at=clock.now(),
            answered_at=clock.now() - timedelta(days=1) + timedelta(minutes=7),
        )  # fmt: skip
    place = (await queue.shown(li.actor, second))[1]
    assert place
    assert (place.expected_min, place.measured) == (7, 10)
    assert "估计 7 分钟" in place.text
    with pytest.raises(NotFound):
        await queue.shown(town.wang.actor, second)
    await taking.claim(town.doctor, town.hub, second)
    assert (await queue.shown(li.actor, second))[1] is None


async def test_outsiders_get_404(town: Town) -> None:
    talk = await town.waiting("I")
    call = await CallTask.get(conversation_id=talk)
    elsewhere = await a_clinic(town.settings, name="别处卫生院")
    outsiders = [
        await a_doctor(town.settings, elsewhere),
        a_staff(town.settings, "institution_admin", elsewhere.organization),
        town.sun,  # of the county hospital, and not asked yet
        a_staff(town.settings, "auditor"),
        town.wang.actor,
        (await a_person(town.settings)).actor,
        msgspec.structs.replace(town.doctor, consortium_id=uuid4()),
    ]
    deeds: list[Callable[[Actor], Awaitable[object]]] = [
        lambda who: cases.show(who, talk),
        lambda who: cases.read(who, talk, after=0, before=None, most=9),
        lambda who: taking.claim(who, town.hub, talk),
        lambda who: taking.release(who, town.hub, talk, reason="x"),
        lambda who: taking.transfer(who, town.hub, talk, Target(level="county"), reason="x"),
        lambda who: answering.reply(who, town.hub, talk, an_answer()),
        lambda who: answering.mark(who, town.hub, talk, "read", 1),
        lambda who: ending.close(who, town.hub, talk, outcome="answered"),
        lambda who: ending.reopen(who, town.hub, talk, reason="x"),
        lambda who: notes.add(who, talk, "x"),
        lambda who: calls.done(who, town.hub, call.id, outcome="reached"),
        lambda who: calls.reveal(who, vault_of(town.settings), call.id),
    ]
    for who in outsiders:
        for deed in deeds:
            with pytest.raises(NotFound):
                await deed(who)
    for who in (town.wang.actor, a_staff(town.settings, "auditor")):
        for listed in (lambda who: inbox.list_of(who, Wanted()), inbox.news, calls.worklist):
            with pytest.raises(NotFound):
                await listed(who)
    with pytest.raises(NotFound):
        await taking.claim(town.admin, town.hub, talk)  # who oversees does not answer
    bot = await a_talk(town.wang.actor, town.wang.patient_id)
    with pytest.raises(NotFound):  # what only the bot has is the resident's alone
        await cases.show(town.doctor, bot)
    assert (await row_of(talk)).state == "waiting"
    assert not await ConversationNote.all().exists()
