"""随访: who has it in their list, what closes it, and that of many one closes it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend import db as database
from backend.audit import AuditEvent
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.identity.models import FamilyDoctorContract
from backend.notices import Notice
from backend.reminders import follow_ups
from backend.reminders.errors import FollowUpOver, TooManyPlans
from backend.reminders.follow_ups import Look, Wanted
from backend.reminders.models import FollowUp, FollowUpPlan
from backend.settings import Settings
from tests.chat.duties import Town, a_doctor, a_town, another
from tests.people import Person, a_person, an_account

RIVALS = 20


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    return await a_town(settings, hub)


async def begin(
    by: Actor, who: Person, *, days: int = 7, id: UUID | None = None, **facts: Any
) -> Look:
    wanted = {"about": "高血压", "due_on": clock.today() + timedelta(days=days), "every_days": 90}
    async with database.transaction():
        return await follow_ups.begin(by, who.patient_id, id or uuid4(), Wanted(**(wanted | facts)))


async def due(by: Actor, most: int = 20, after: Any = None) -> list[Look]:
    return await follow_ups.due_list(by, after=after, most=most)


async def test_the_longest_overdue_first_a_page_at_a_time(town: Town, noon: clock.Hands) -> None:
    zhao = await a_person(town.settings, "赵强")
    later, soon = await begin(town.doctor, town.wang, days=9), await begin(town.doctor, zhao)
    await begin(town.doctor, zhao, days=30)
    noon.move(timedelta(days=8))
    found = await due(town.doctor)
    assert [one.id for one in found] == [soon.id, later.id]
    assert [(one.days_late, one.patient_name) for one in found] == [(1, "赵*"), (0, "王*兰")]
    assert await due(town.doctor, most=1, after=(soon.due_on, soon.id)) == found[1:]
    read = await AuditEvent.filter(action="follow_up.listed", patient_id=town.wang.patient_id)
    assert len(read) == 2


async def test_it_is_the_begetters_and_the_family_doctors_of_today(town: Town) -> None:
    look = await begin(town.zhao, town.wang)
    assert [one.id for one in await due(town.zhao)] == [look.id]
    assert [one.id for one in await due(town.doctor)] == [look.id]
    assert await due(town.colleague) == []
    for other in (town.colleague, town.admin):
        with pytest.raises(NotFound):
            await follow_ups.close(other, look.id, deed="do", note="130/80")
    await FamilyDoctorContract.all().update(ended_at=clock.now())
    assert await due(town.doctor) == []
    with pytest.raises(NotFound):
        await due(town.admin)
    far = Actor(uuid4(), "staff", town.zhao.id, grants=town.zhao.grants)
    assert await due(far) == []


async def test_whoever_cares_sees_the_day_and_is_told(town: Town) -> None:
    look = await begin(town.doctor, town.wang)
    found = await follow_ups.coming(town.wang.actor, town.wang.patient_id)
    assert [(one.id, one.about) for one in found] == [(look.id, "高血压")]
    with pytest.raises(NotFound):
        await follow_ups.coming(await an_account(town.settings), town.wang.patient_id)
    told = await Notice.filter(account_id=town.wang.actor.account_id, kind="plan_follow_up")
    assert [row.patient_id for row in told] == [town.wang.patient_id]


async def test_done_it_falls_due_again_or_ends(town: Town) -> None:
    look = await begin(town.doctor, town.wang)
    on = clock.today() + timedelta(days=90)
    await follow_ups.close(town.doctor, look.id, deed="do", note=" 130/80 ", next_on=on)
    first, second = await FollowUp.filter(plan_id=look.plan_id).order_by("number")
    assert (first.state, first.note) == ("done", "130/80")
    assert (second.state, second.due_on) == ("planned", on)
    await follow_ups.close(town.doctor, second.id, deed="miss", note="电话没人接")
    assert (await FollowUpPlan.get(id=look.plan_id)).status == "ended"
    assert await follow_ups.of_patient(town.wang.patient_id) == []
    third = await begin(town.doctor, town.wang)
    await follow_ups.close(town.doctor, third.id, deed="cancel")
    assert (await FollowUp.get(id=third.id)).state == "cancelled"


async def test_of_twenty_one_closes_it(town: Town) -> None:
    look = await begin(town.doctor, town.wang)
    on = clock.today() + timedelta(days=90)
    deeds = [
        follow_ups.close(town.doctor, look.id, deed="do", note=f"{number}", next_on=on)
        for number in range(RIVALS)
    ]
    results = await asyncio.gather(*deeds, return_exceptions=True)
    assert sum(isinstance(one, FollowUpOver) for one in results) == RIVALS - 1
    assert await FollowUp.filter(plan_id=look.plan_id).count() == 2


async def test_begun_twice_it_is_begun_once(town: Town) -> None:
    id = uuid4()
    assert await begin(town.doctor, town.wang, id=id) == await begin(town.doctor, town.wang, id=id)
    with pytest.raises(NotFound):
        await begin(town.doctor, await a_person(town.settings), id=id)


async def test_plans_have_a_limit(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_ups, "PLANS_MOST", 1)
    await begin(town.doctor, town.wang)
    with pytest.raises(TooManyPlans):
        await begin(town.doctor, town.wang)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"about": " "}, "about"), ({"every_days": 0}, "every_days"), ({"days": -1}, "due_on"),
        ({"days": 401}, "due_on"),
    ],
)  # fmt: skip
async def test_what_cannot_be_planned(town: Town, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        await begin(town.doctor, town.wang, **facts)
    assert refused.value.extra["field"] == field


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"deed": "forget"}, "deed"), ({"deed": "do"}, "note"), ({"deed": "miss"}, "note"),
        ({"deed": "do", "note": "话" * 201}, "note"),
        ({"deed": "cancel", "next_on": timedelta(days=9)}, "next_on"),
        ({"deed": "do", "note": "好", "next_on": timedelta(days=-1)}, "next_on"),
    ],
)  # fmt: skip
async def test_what_cannot_be_closed(town: Town, facts: dict[str, Any], field: str) -> None:
    look = await begin(town.doctor, town.wang)
    if "next_on" in facts:
        facts = facts | {"next_on": clock.today() + facts["next_on"]}
    with pytest.raises(Malformed) as refused:
        await follow_ups.close(town.doctor, look.id, **facts)
    assert refused.value.extra["field"] == field


async def test_a_new_doctor_of_the_village_sees_nothing_of_it(town: Town) -> None:
    await begin(town.doctor, town.wang)
    zhou = await another(town.settings, town.village, "周")
    new = await a_doctor(town.settings, town.village, zhou)
    assert await due(new) == []
