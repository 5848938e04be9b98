"""A deleted account leaves no conversation waiting, and no words that no doctor answered."""

from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.chat import answering, emptying, overdue, planned, taking
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.errors import NotNow
from backend.chat.models import Message
from backend.hub import Hub
from backend.identity.models import Carer, Patient
from backend.privacy import erasing
from backend.settings import Settings
from tests.chat.duties import Town, a_town, contract, row_of
from tests.chat.talks import a_talk, say
from tests.chat.test_taking import an_answer
from tests.people import Person, a_carer, a_person
from tests.reminders.plans import a_dosage


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    noon.move(timedelta(hours=3))
    return await a_town(settings, hub)


async def test_what_waits_ends_and_what_nobody_answered_is_gone(
    town: Town, noon: clock.Hands
) -> None:
    waiting = await town.waiting("I")
    bot = await a_talk(town.wang.actor)
    await say(town.wang.actor, town.hub, bot, "血压有点高")
    assert [one.fate for one in await erasing.consequences(town.wang.actor)] == ["erased"]
    await erasing.erase(town.wang.actor)
    for talk in (waiting, bot):
        row = await row_of(talk)
        assert (row.state, row.outcome, row.due_at, row.triage) == ("closed", "left", None, None)
        assert set(await Message.filter(conversation_id=talk).values_list("body", flat=True)) == {
            ""
        }
    assert await HandOver.filter(ended_at=None).count() == 0
    assert await CallTask.filter(done_at=None).count() == 0
    noon.move(timedelta(days=1))
    assert await overdue.escalate(town.settings.consortium_id) == 0
    assert (await Patient.get(id=town.wang.patient_id)).name == erasing.NOBODY


async def test_what_a_doctor_answered_is_a_record_and_stays_for_its_time(
    town: Town, noon: clock.Hands
) -> None:
    li = await a_person(town.settings, "李大叔")
    await contract(town, li)
    talk = await town.waiting("III", li)
    await taking.claim(town.doctor, town.hub, talk)
    await answering.reply(town.doctor, town.hub, talk, an_answer("明天来量血压"))
    assert [one.fate for one in await erasing.consequences(li.actor)] == ["kept"]
    await erasing.erase(li.actor)
    assert (await row_of(talk)).state == "closed"
    said = await Message.filter(conversation_id=talk).values_list("body", flat=True)
    assert {"头痛三天", "明天来量血压"} <= set(said)
    assert (await Patient.get(id=li.patient_id)).name == "李大叔"
    assert await erasing.sweep(town.settings.consortium_id) == 0
    noon.move(emptying.ANSWERED_KEPT + timedelta(days=1))
    assert await erasing.sweep(town.settings.consortium_id) == 1
    assert (await Patient.get(id=li.patient_id)).name == erasing.NOBODY
    assert set(await Message.filter(conversation_id=talk).values_list("body", flat=True)) == {""}


async def test_what_somebody_asked_about_a_person_who_is_gone_ends_too(town: Town) -> None:
    """Their care ended before; a doctor has it, and must not write for nobody."""
    daughter = await a_carer(town.settings, town.wang.patient_id, "book")
    talk = await town.waiting("III", Person(daughter, town.wang.patient_id))
    await taking.claim(town.doctor, town.hub, talk)
    await Carer.filter(account_id=daughter.account_id).update(state="revoked")
    await erasing.erase(town.wang.actor)
    assert (await row_of(talk)).state == "closed"
    with pytest.raises(NotNow):
        await planned.begin(town.doctor, town.hub, talk, a_dosage(), plan_id=uuid4())
