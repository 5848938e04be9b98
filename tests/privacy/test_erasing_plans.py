"""注销账号, and what was written of people by them and by doctors: plans, follow-ups, answers."""

import contextlib
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from backend import clock
from backend import db as database
from backend.booking.models import Appointment
from backend.chat.leaving import ANSWERED_KEPT
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.privacy import erasing
from backend.privacy.erasing import consequences, erase
from backend.reminders import follow_ups, medication_plans
from backend.reminders.follow_ups import Wanted
from backend.reminders.models import FollowUp, FollowUpPlan, MedicationPlan, MedicationVersion
from backend.satisfaction import surveys
from backend.satisfaction.models import SurveyResponse
from backend.satisfaction.surveys import Given
from backend.settings import Settings
from tests.chat.duties import a_town, contract
from tests.people import Person, a_carer, a_person, a_receipt
from tests.reminders.plans import a_dosage, a_plan
from tests.satisfaction.visits import BEST, a_visit


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def test_what_they_took_goes_with_them_unless_a_doctor_wrote_it(
    db: None, settings: Settings, hub: Hub
) -> None:
    town = await a_town(settings, hub)
    mine, doctors = await a_person(settings), town.wang
    plan = await a_plan(mine)
    receipt = a_receipt(mine.actor)
    await medication_plans.end(mine.actor, plan.id, reason="finished", version=1, receipt=receipt)
    await a_plan(doctors, town.doctor)
    wanted = Wanted(about="高血压", due_on=clock.today(), every_days=90)
    async with database.transaction():
        await follow_ups.begin(town.zhao, mine.patient_id, uuid4(), wanted)
    assert [one.fate for one in await consequences(mine.actor)] == ["erased"]
    assert [one.fate for one in await consequences(doctors.actor)] == ["kept"]
    for who in (mine, doctors):
        await erase(who.actor)
    assert [row.patient_id for row in await MedicationPlan.all()] == [doctors.patient_id]
    assert await MedicationVersion.all().count() == 1
    assert not await FollowUp.all().count()
    assert await erasing.sweep(settings.consortium_id) == 0


async def test_what_a_doctor_found_when_looking_again_is_kept_for_its_time(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    town = await a_town(settings, hub)
    wanted = Wanted(about="高血压", due_on=clock.today(), every_days=90)
    look = await follow_ups.start(town.doctor, town.wang.patient_id, wanted, plan_id=uuid4())
    assert [one.fate for one in await consequences(town.wang.actor)] == ["erased"]
    await follow_ups.close(town.doctor, look.id, deed="do", note="130/80")
    assert [one.fate for one in await consequences(town.wang.actor)] == ["kept"]
    await erase(town.wang.actor)
    assert await erasing.sweep(settings.consortium_id) == 0
    assert (await FollowUp.get()).note == "130/80"
    noon.move(ANSWERED_KEPT + timedelta(days=1))
    assert await erasing.sweep(settings.consortium_id) == 1
    assert not await FollowUp.exists()


async def test_of_somebody_who_is_kept_only_what_doctors_wrote_stays(
    db: None, settings: Settings, hub: Hub
) -> None:
    """As the terms say: the rest of plans goes with the account, also of who was seen somewhere."""
    town = await a_town(settings, hub)
    who, shared = town.wang, await a_person(settings)
    for person in (who, shared):
        await a_visit(settings, person)
        await a_plan(person)
    await a_carer(settings, shared.patient_id, "book")
    prescribed = await a_plan(who, town.doctor)
    wanted = Wanted(about="高血压", due_on=clock.today(), every_days=90)
    for about in ("糖尿病", "高血压"):
        wished = msgspec.structs.replace(wanted, about=about)
        look = await follow_ups.start(town.doctor, who.patient_id, wished, plan_id=uuid4())
    await follow_ups.close(town.doctor, look.id, deed="do", note="130/80", next_on=clock.today())
    for person in (who, shared):
        await erase(person.actor)
    left = await MedicationPlan.all().order_by("created_at")
    assert {row.patient_id for row in left} == {who.patient_id, shared.patient_id}
    assert [row.id for row in left if row.patient_id == who.patient_id] == [prescribed.id]
    assert await MedicationVersion.all().count() == 2
    assert [row.note for row in await FollowUp.all()] == ["130/80"]
    (plan,) = await FollowUpPlan.all()
    assert (plan.about, plan.status) == ("高血压", follow_ups.ENDED)
    assert await follow_ups.due_list(town.doctor, after=None, most=9) == []


async def test_what_a_doctor_writes_in_the_moment_of_the_sweep_is_kept(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await a_town(settings, hub)
    who, real = await a_person(settings), database.transaction
    await contract(town, who)
    await a_visit(settings, who)
    await erase(who.actor)
    await Appointment.all().update(status="no_show")  # nothing keeps them any more

    @contextlib.asynccontextmanager
    async def late() -> AsyncIterator[Any]:
        monkeypatch.setattr(database, "transaction", real)
        await a_plan(who, town.doctor)
        async with real() as connection:
            yield connection

    monkeypatch.setattr(database, "transaction", late)
    assert await erasing.sweep(settings.consortium_id) == 0
    assert await MedicationPlan.all().count() == 1


async def test_nothing_is_written_for_whoever_is_erased_meanwhile(
    db: None, settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right is judged again once nobody else can take it away."""
    town = await a_town(settings, hub)
    real, today = database.transaction, clock.today()
    wanted = Wanted(about="高血压", due_on=today, every_days=90)

    async def started(who: Person) -> UUID:
        return (await follow_ups.start(town.doctor, who.patient_id, wanted, plan_id=uuid4())).id

    async def written(who: Person) -> UUID:
        return (await a_plan(who)).id

    async def seen(who: Person) -> UUID:
        return (await a_visit(settings, who))[1].id

    async def nothing(who: Person) -> UUID:
        return who.patient_id

    def end(by: Actor, plan: UUID) -> Awaitable[Any]:
        return medication_plans.end(by, plan, reason="finished", version=1)

    def change(by: Actor, plan: UUID) -> Awaitable[Any]:
        return medication_plans.change(by, plan, a_dosage(), version=1)

    def begin(by: Actor, patient: UUID) -> Awaitable[Any]:
        return medication_plans.start(by, patient, a_dosage())

    def close(by: Actor, look: UUID) -> Awaitable[Any]:
        return follow_ups.close(by, look, deed="do", note="好", next_on=today)

    def start(by: Actor, patient: UUID) -> Awaitable[Any]:
        return follow_ups.start(by, patient, wanted, plan_id=uuid4())

    def answered(by: Actor, visit: UUID) -> Awaitable[Any]:
        return surveys.answer(by, Given(visit, False, BEST), receipt=a_receipt(by))

    for before, deed, by_doctor in (
        (nothing, begin, True), (nothing, begin, False), (written, change, True),
        (written, change, False), (written, end, False), (nothing, start, True),
        (started, close, True), (seen, answered, False),
    ):  # fmt: skip
        who = await a_person(settings)
        await contract(town, who)
        subject = await before(who)

        @contextlib.asynccontextmanager
        async def late(who: Person = who) -> AsyncIterator[Any]:
            monkeypatch.setattr(database, "transaction", real)
            await erase(who.actor)
            async with real() as connection:
                yield connection

        monkeypatch.setattr(database, "transaction", late)
        with pytest.raises(NotFound):
            await deed(town.doctor if by_doctor else who.actor, subject)
        for model in (MedicationPlan, FollowUpPlan, SurveyResponse):
            assert not await model.filter(patient_id=who.patient_id).exists(), deed
