"""Figures by institution and period, of synthetic hand-overs that can be counted by hand."""

import asyncio
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from backend import clock, periods
from backend import db as database
from backend.bot.talk import HandOver as GivenUp
from backend.bot.talk import Memory, Said, Turn
from backend.chat import quality, weekly, zero_hits
from backend.chat.duty_errors import AlreadyDecided
from backend.chat.duty_models import HandOver, ZeroHit
from backend.chat.models import Conversation, Message
from backend.consortium.models import Organization
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.settings import Settings
from tests.chat.duties import Town, a_town, row_of
from tests.chat.talks import a_talk, say
from tests.people import a_staff

MONTH = date(2026, 10, 1)


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    return await a_town(settings, hub)


def last_month(days: int = 3) -> datetime:
    """A noon of the last month that is over, so many days after its first."""
    first, _ = periods.mondays(quality.months()[0])
    return clock.at(first + timedelta(days=days), time(12))


async def stretches(
    town: Town, place: Organization, n: int, *, minutes: int | None, talk: UUID, **facts: object
) -> None:
    """`minutes`: to the first answer; None: none came, and it is past due."""
    at = last_month()
    answered = None if minutes is None else at + timedelta(minutes=minutes)
    told: dict[str, object] = {"reason": "asked", "priority": "III", "ended_at": at} | facts
    for _ in range(n):
        if told["ended_at"] is None:  # one living for a conversation
            talk = await _a_row(town, place)
        await HandOver.create(
            id=uuid4(), consortium_id=town.settings.consortium_id, conversation_id=talk,
            home_id=place.id, policy_version="x", handed_at=at, level="contract",
            due_at=at + timedelta(minutes=30), answered_at=answered, **told,
        )  # fmt: skip


async def test_the_figures_of_a_period(town: Town) -> None:
    village, township = town.village.organization, town.township.organization
    talk = await a_talk(town.wang.actor, town.wang.patient_id)
    await stretches(town, village, 12, minutes=10, talk=talk)
    await stretches(town, village, 5, minutes=40, talk=talk, escalations=1, reason="reopened")
    await stretches(town, village, 3, minutes=None, talk=talk, needless=True, ended_at=None)
    await stretches(town, township, 15, minutes=20, talk=talk, needless=True)
    await stretches(town, town.county.organization, 4, minutes=1, talk=talk, priority="II")
    await _rated(town, village, [5] * 9 + [2] * 3)
    admin = a_staff(town.settings, "consortium_admin")
    report = await quality.report(admin, MONTH)
    whole, *lines = report.lines
    by_name = {line.organization: line for line in lines}
    here = by_name["柳溪村卫生室"]
    assert here.n == 20
    assert here.in_time
    assert (here.in_time.hit, here.in_time.of, here.in_time.percent) == (12, 20, 60.0)
    assert (here.in_time.low, here.in_time.high) == (38.7, 78.1)
    assert here.escalated
    assert here.reopened
    assert here.needless
    assert (here.escalated.hit, here.reopened.hit, here.needless.of) == (5, 5, 17)
    assert (here.rated, here.rating_mean) == (12, 4.25)
    assert here.rating_good
    assert here.rating_good.hit == 9
    # The county has four: hidden, and with it the smallest of the others.
    assert (by_name["县人民医院"].n, by_name["青石镇卫生院"].n) == (None, None)
    assert whole.n == 39
    assert [(one.priority, one.n) for one in here.answered] == [("III", 17)]
    assert here.answered[0].minutes == 10.0
    told = {one.priority: (one.n, one.minutes) for one in whole.answered}
    assert told == {"II": (None, None), "III": (32, 20.0)}
    own = a_staff(town.settings, "institution_admin", village)
    sum_of_own, only = (await quality.report(own, MONTH)).lines
    assert (sum_of_own.n, only.organization) == (20, "柳溪村卫生室")
    (nothing,) = (await quality.report(admin, date(2026, 9, 30))).lines
    assert (nothing.n, nothing.in_time, nothing.rated) == (None, None, None)


async def _rated(town: Town, place: Organization, stars: list[int]) -> None:
    for rating in stars:
        await _a_row(town, place, rated_at=last_month(), rating=rating)


async def _a_row(town: Town, place: Organization, **facts: object) -> UUID:
    row = await Conversation.create(
        id=uuid4(), consortium_id=town.settings.consortium_id,
        account_id=town.wang.actor.account_id, state="rated", opened_at=clock.now(),
        last_at=clock.now(), queued_at=clock.now(), home_id=place.id, organization_id=place.id,
        **facts,
    )  # fmt: skip
    return UUID(str(row.id))


async def test_reports_are_of_whole_months_that_are_over_for_who_may(
    town: Town,
) -> None:
    for who in (town.doctor, town.wang.actor):
        with pytest.raises(NotFound):
            await quality.report(who, MONTH)
    for month in (date(2026, 11, 1), MONTH.replace(year=2025), MONTH.replace(year=2027)):
        for deed in (quality.report(town.admin, month), weekly.weeks(town.admin, month)):
            with pytest.raises(Malformed):
                await deed


async def test_questions_that_the_bot_did_not_understand_are_worked_off_once(town: Town) -> None:
    talk = await a_talk(town.wang.actor, town.wang.patient_id)
    sent = await say(town.wang.actor, town.hub, talk, "心口窝堵得慌")
    said = Said("心口窝堵得慌")
    turn = Turn(Memory("r@1", (said,)), (), (GivenUp("not_understood"),))
    for _ in range(2):
        async with database.transaction():
            await zero_hits.note(await row_of(talk), sent.id, said, turn)
    county = a_staff(town.settings, "consortium_admin")
    ((question,), after) = await zero_hits.worklist(county)
    assert (question.text, question.rules_version, after) == ("心口窝堵得慌", "r@1", None)
    results = await asyncio.gather(
        *(zero_hits.decide(county, question.id, "done", note="加了别名") for _ in range(20)),
        return_exceptions=True,
    )
    assert results.count(None) == 1
    assert sum(isinstance(one, AlreadyDecided) for one in results) == 19
    assert await zero_hits.worklist(county) == ([], None)
    await Message.filter(id=sent.id).update(recalled_at=clock.now())
    ((gone,), _) = await zero_hits.worklist(county, state="done")
    assert (gone.text, gone.note) == (None, "加了别名")
    for who in (town.admin, town.doctor, town.wang.actor, a_staff(town.settings, "auditor")):
        with pytest.raises(NotFound):
            await zero_hits.worklist(who)
        with pytest.raises(NotFound):
            await zero_hits.decide(who, question.id, "done")
    with pytest.raises(NotFound):
        await zero_hits.decide(county, uuid4(), "done")
    with pytest.raises(Malformed):
        await zero_hits.decide(county, question.id, "new")
    assert await ZeroHit.all().count() == 1


async def test_the_bot_itself_notes_what_it_did_not_understand(town: Town) -> None:
    talk = await a_talk(town.wang.actor, town.wang.patient_id)
    for text in ("唧唧复唧唧", "头痛三天了", "转人工", "唧唧复唧唧"):  # the last is for the doctor
        await say(town.wang.actor, town.hub, talk, text)
    ((question,), _) = await zero_hits.worklist(a_staff(town.settings, "consortium_admin"))
    assert question.text == "唧唧复唧唧"
