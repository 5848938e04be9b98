"""Nothing waits for ever: what nobody takes goes up, who says nothing loses it, once for all."""

import asyncio
from datetime import timedelta

import pytest

from backend import clock
from backend.chat import answering, cases, ending, inbox, overdue, taking
from backend.chat.duty_models import HandOver
from backend.chat.lists import Wanted
from backend.chat.models import ConversationEvent, Message
from backend.hub import Hub
from backend.settings import Settings
from tests.chat.duties import Town, a_town, row_of, stretch_of
from tests.chat.talks import say
from tests.chat.test_taking import an_answer, read
from tests.people import a_staff

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    noon.move(timedelta(hours=3))
    return await a_town(settings, hub)


async def test_it_climbs_every_level_and_stays_on_the_last_one(
    town: Town, noon: clock.Hands
) -> None:
    await town.on_call(town.township)
    await town.on_call(town.county)
    county = town.settings.consortium_id
    talk = await town.waiting("II")
    assert await overdue.escalate(county) == 0
    seen = [(await row_of(talk)).routed_by]
    noon.move(10 * MINUTE)
    for _ in range(4):
        assert await overdue.escalate(county) == 1
        row = await row_of(talk)
        assert (row.state, row.due_at) == ("escalated", clock.now() + 5 * MINUTE)
        seen.append(row.routed_by)
        noon.move(5 * MINUTE)
    assert seen == ["contract", "team", "township", "county", "worklist"]
    stretch = await stretch_of(talk)
    assert (stretch.escalations, stretch.level) == (4, "worklist")
    assert stretch.due_at == stretch.handed_at + 10 * MINUTE  # of the first answer: it stays
    messages = await Message.filter(conversation_id=talk).count()
    assert await overdue.escalate(county) == 1  # brought up again, in an hour
    row = await row_of(talk)
    assert (row.routed_by, row.due_at) == ("worklist", clock.now() + timedelta(hours=1))
    assert await Message.filter(conversation_id=talk).count() == messages  # no news for her
    page = await inbox.list_of(town.admin, Wanted(list="escalated"))
    assert [one.id for one in page.items] == [talk]
    await taking.claim(town.doctor, town.hub, talk)  # at home it is still seen, and taken
    assert (await row_of(talk)).state == "open"


async def test_at_night_it_goes_to_whoever_is_on_call_and_to_the_county_alone_without_contract(
    town: Town, noon: clock.Hands
) -> None:
    noon.move(timedelta(hours=8))  # 23:00
    await town.on_call(town.township)
    talk = await town.waiting("II")
    row = await row_of(talk)
    assert (row.routed_by, row.assigned_to) == ("township", town.zhao.id)
    calm = await town.waiting("IV")
    assert (await row_of(calm)).routed_by == "contract"  # for the morning
    noon.move(9 * timedelta(hours=1))
    assert await overdue.escalate(town.settings.consortium_id) == 1
    assert (await row_of(calm)).state == "waiting"
    case = await cases.show(town.doctor, talk)
    assert case.escalations == 1
    why = [deed.detail["why"] for deed in case.deeds if deed.action == "hand_over"]
    assert why == [["contract:not_at_work", "team:nobody_at_work"]]


async def test_who_claims_and_says_nothing_loses_it(town: Town, noon: clock.Hands) -> None:
    await town.on_call(town.township)
    talk = await town.waiting("III")
    await taking.claim(town.doctor, town.hub, talk)
    noon.move(15 * MINUTE)
    assert await overdue.escalate(town.settings.consortium_id) == 1
    row = await row_of(talk)
    assert (row.state, row.routed_by, row.claimed_by) == ("waiting", "team", None)
    event = await ConversationEvent.get(conversation_id=talk, action="release")
    assert (event.reason, event.actor_kind) == ("silent", "system")
    told = await Message.filter(conversation_id=talk).order_by("-seq").first()
    assert told
    assert told.body.startswith("接诊的医生暂时没有回复。已转给家庭医生团队")
    assert (await stretch_of(talk)).silent == [str(town.doctor.practitioner_id)]
    await taking.claim(town.colleague, town.hub, talk)
    await read(town.colleague, town, talk)
    await answering.reply(town.colleague, town.hub, talk, an_answer())
    noon.move(timedelta(hours=5))
    assert await overdue.escalate(town.settings.consortium_id) == 0  # nothing is awaited
    await say(town.wang.actor, town.hub, talk, "还有问题")
    noon.move(15 * MINUTE)
    assert await overdue.escalate(town.settings.consortium_id) == 1  # of every answer, not only one


async def test_two_workers_and_a_doctor_at_the_same_instant_do_it_once(
    town: Town, noon: clock.Hands
) -> None:
    talks = [await town.waiting("III") for _ in range(3)]
    noon.move(30 * MINUTE)
    county = town.settings.consortium_id
    done = await asyncio.gather(
        *(overdue.escalate(county) for _ in range(20)),
        taking.claim(town.doctor, town.hub, talks[0]),
    )
    claimed = (await row_of(talks[0])).state == "open"
    for talk in talks:
        moved = await ConversationEvent.filter(conversation_id=talk, action="escalate").count()
        assert moved <= 1
        assert (await stretch_of(talk)).escalations == moved
    assert sum(one for one in done if isinstance(one, int)) >= 2
    assert claimed


async def test_one_that_cannot_be_moved_holds_up_no_other_and_the_urgent_go_first(
    town: Town, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await town.waiting("III")
    await HandOver.filter(conversation_id=broken).update(ended_at=clock.now())
    noon.move(MINUTE)
    calm, urgent = await town.waiting("III"), await town.waiting("II")
    noon.move(30 * MINUTE)
    monkeypatch.setattr(overdue, "BATCH_MOST", 1)
    county = town.settings.consortium_id
    assert await overdue.escalate(county) == 1
    assert (await row_of(urgent)).state == "escalated"
    monkeypatch.setattr(overdue, "BATCH_MOST", 50)
    assert await overdue.escalate(county) == 1
    assert (await row_of(calm)).state == "escalated"
    assert (await row_of(broken)).state == "waiting"


async def test_what_is_answered_and_left_alone_ends_after_three_days(
    town: Town, noon: clock.Hands
) -> None:
    talk = await town.waiting()
    await taking.claim(town.doctor, town.hub, talk)
    await read(town.doctor, town, talk)
    await answering.reply(town.doctor, town.hub, talk, an_answer())
    county = town.settings.consortium_id
    noon.move(timedelta(days=3))
    assert await ending.close_unanswered(county) == 0
    noon.move(MINUTE)
    assert await ending.close_unanswered(county) == 1
    assert (await row_of(talk)).state == "closed"
    assert await HandOver.filter(conversation_id=talk, ended_at=None).count() == 0
    assert (await inbox.list_of(a_staff(town.settings, "consortium_admin"), Wanted())).items == []
