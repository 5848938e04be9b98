"""用药计划: who may write one, versions that stay, and two who change it at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend import clock
from backend import db as database
from backend.audit import AuditEvent
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.receipts import Replayed
from backend.reminders import medication_plans as plans
from backend.reminders.errors import (
    ChangedTooOften,
    PlanChanged,
    PlanEnded,
    TooManyPlans,
    WrittenByDoctor,
)
from backend.reminders.medication_records import Plan
from backend.reminders.models import MedicationPlan, MedicationVersion
from backend.settings import Settings
from tests.chat.duties import Town, a_town
from tests.people import Person, a_carer, a_person, a_receipt, an_account
from tests.reminders.plans import a_dosage, a_plan

RIVALS = 20


@pytest.fixture
async def wang(db: None, settings: Settings, noon: clock.Hands) -> Person:
    return await a_person(settings)


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    return await a_town(settings, hub)


async def change(actor: Actor, plan: Plan, **facts: Any) -> Plan:
    version = facts.pop("version", plan.version)
    key = actor if actor.kind == "resident" else Actor(actor.consortium_id, "resident", uuid4())
    return await plans.change(
        actor, plan.id, a_dosage(**facts), version=version, receipt=a_receipt(key)
    )


async def test_it_is_said_in_words_and_listed(wang: Person) -> None:
    made = await a_plan(wang, when=("PCV", "PCM"), note=" 别和柚子\n一起吃 ")
    assert made.words == "1 片，每天 2 次，早饭后、晚饭后"
    (found,) = await plans.list_of(wang.actor, wang.patient_id)
    assert found == made
    assert (found.written_by, found.doctor, found.dosage.note) == ("self", "", "别和柚子 一起吃")
    actions = await AuditEvent.filter(patient_id=wang.patient_id).values_list("action", flat=True)
    assert sorted(actions) == ["medication.listed", "medication.started"]  # type: ignore[type-var]


async def test_as_needed_has_a_limit_and_no_hours(wang: Person) -> None:
    made = await a_plan(wang, when=(), as_needed=True, at_most="一天最多 3 次，两次之间隔 6 小时")
    assert made.words == "1 片，需要时才用，一天最多 3 次，两次之间隔 6 小时"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"medicine": " "}, "medicine"),
        ({"medicine": "药" * 61}, "medicine"),
        ({"amount": ""}, "amount"),
        ({"when": ()}, "when"),
        ({"as_needed": True, "at_most": "一天 3 次"}, "as_needed"),
        ({"as_needed": True, "when": ()}, "at_most"),
        ({"at_most": "一天 3 次"}, "at_most"),
        ({"note": "话" * 201}, "note"),
    ],
)
async def test_what_is_wrong_is_named(wang: Person, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        await a_plan(wang, **facts)
    assert refused.value.extra["field"] == field
    assert not await MedicationPlan.all().count()


async def test_a_change_begins_another_version_and_the_old_one_stays(wang: Person) -> None:
    made = await a_plan(wang)
    changed = await change(wang.actor, made, amount="半片")
    assert (changed.id, changed.version, changed.dosage.amount) == (made.id, 2, "半片")
    now, before = await plans.show(wang.actor, made.id)
    assert (now.version, [one.dosage.amount for one in before]) == (2, ["1 片"])
    rows = await MedicationVersion.filter(plan_id=made.id).order_by("number")
    assert [row.ended_at is None for row in rows] == [False, True]
    assert len(await plans.list_of(wang.actor, wang.patient_id)) == 1


async def test_the_database_lets_nobody_rewrite_a_version(wang: Person) -> None:
    made = await a_plan(wang)
    with pytest.raises(Exception, match="append-only"):
        await MedicationVersion.filter(plan_id=made.id).update(amount="10 片")


async def test_of_twenty_who_saw_the_same_version_one_changes_it(wang: Person) -> None:
    made = await a_plan(wang)
    results = await asyncio.gather(
        *(change(wang.actor, made, amount=f"{number} 片") for number in range(RIVALS)),
        return_exceptions=True,
    )
    (won,) = [one for one in results if isinstance(one, Plan)]
    lost = [one for one in results if isinstance(one, PlanChanged)]
    assert len(lost) == RIVALS - 1
    assert lost[0].extra["version"] == 2
    assert lost[0].extra["current"]["how"] == won.words
    assert await MedicationVersion.filter(plan_id=made.id).count() == 2


async def test_twenty_at_once_do_not_pass_the_limit(
    wang: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "PLANS_MOST", 3)
    results = await asyncio.gather(*(a_plan(wang) for _ in range(RIVALS)), return_exceptions=True)
    assert sum(isinstance(one, TooManyPlans) for one in results) == RIVALS - 3
    assert await MedicationPlan.filter(patient_id=wang.patient_id).count() == 3


async def test_what_is_over_or_ended_makes_room(
    wang: Person, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "PLANS_MOST", 1)
    await a_plan(wang)
    noon.move(timedelta(days=28))
    monkeypatch.setattr(plans, "KEPT_MOST", 1)
    with pytest.raises(TooManyPlans):
        await a_plan(wang)
    monkeypatch.setattr(plans, "KEPT_MOST", 9)
    second = await a_plan(wang)
    first = (await plans.list_of(wang.actor, wang.patient_id))[1]
    assert (first.over, second.over) == (True, False)
    await end(wang.actor, second)
    assert await a_plan(wang)


async def end(actor: Actor, plan: Plan, reason: str = "finished") -> Plan:
    key = actor if actor.kind == "resident" else Actor(actor.consortium_id, "resident", uuid4())
    return await plans.end(
        actor, plan.id, reason=reason, version=plan.version, receipt=a_receipt(key)
    )


async def test_an_ended_plan_says_why_and_goes_on_no_more(wang: Person) -> None:
    made = await a_plan(wang)
    with pytest.raises(Malformed):
        await end(wang.actor, made, reason="bored")
    ended = await end(wang.actor, made, reason="unwell")
    assert (ended.status, ended.ended_for) == ("ended", "unwell")
    for deed in (end(wang.actor, made), change(wang.actor, made)):
        with pytest.raises(PlanEnded):
            await deed
    assert [one.status for one in await plans.list_of(wang.actor, wang.patient_id)] == ["ended"]


async def test_the_same_request_begins_one_plan(wang: Person) -> None:
    key = uuid4().hex
    for _ in range(2):
        receipt = a_receipt(wang.actor, key=key)
        try:
            await plans.start(wang.actor, wang.patient_id, a_dosage(), receipt=receipt)
        except Replayed:
            continue
    assert await MedicationPlan.all().count() == 1


async def test_versions_have_a_limit(wang: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "VERSIONS_MOST", 2)
    made = await change(wang.actor, await a_plan(wang))
    with pytest.raises(ChangedTooOften):
        await change(wang.actor, made)
    with pytest.raises(PlanChanged):  # of a version that there never was
        await change(wang.actor, made, version=9)
    assert (await plans.show(wang.actor, made.id))[0] == made


async def test_who_may_only_look_changes_nothing(settings: Settings, wang: Person) -> None:
    made = await a_plan(wang)
    viewer, helper = [await a_carer(settings, wang.patient_id, scope) for scope in ("view", "book")]
    assert await plans.list_of(viewer, wang.patient_id)
    for deed in (change(viewer, made), end(viewer, made), a_plan(wang, viewer)):
        with pytest.raises(NotFound):
            await deed
    assert (await change(helper, made)).version == 2


async def test_an_outsider_and_the_next_county_find_nothing(
    settings: Settings, wang: Person
) -> None:
    made = await a_plan(wang)
    outsider = await an_account(settings)
    far = Actor(uuid4(), "resident", wang.actor.id)
    for actor in (outsider, far):
        for deed in (
            plans.list_of(actor, wang.patient_id), plans.show(actor, made.id),
            change(actor, made), end(actor, made), a_plan(wang, actor),
        ):  # fmt: skip
            with pytest.raises(NotFound):
                await deed


async def test_the_family_doctor_writes_and_no_other_doctor_does(town: Town) -> None:
    made = await a_plan(town.wang, town.doctor)
    assert (made.written_by, made.doctor) == ("doctor", town.village.practitioner.name)
    for other in (town.colleague, town.zhao, town.admin):
        for deed in (plans.show(other, made.id), change(other, made), a_plan(town.wang, other)):
            with pytest.raises(NotFound):
                await deed


async def test_what_a_doctor_wrote_the_resident_may_end_and_not_rewrite(town: Town) -> None:
    made = await a_plan(town.wang, town.doctor)
    with pytest.raises(WrittenByDoctor):
        await change(town.wang.actor, made, amount="3 片")
    assert (await plans.show(town.doctor, made.id))[0] == made
    assert (await end(town.wang.actor, made)).status == "ended"


async def test_a_doctor_takes_over_what_the_resident_wrote(town: Town) -> None:
    made = await change(town.doctor, await a_plan(town.wang), amount="半片")
    assert (made.version, made.written_by) == (2, "doctor")


async def test_beginning_again_under_the_same_id_is_the_same_plan(
    settings: Settings, wang: Person
) -> None:
    id, other = uuid4(), await a_person(settings, "赵强")
    for _ in range(2):
        async with database.transaction():
            made = await plans.begin(wang.actor, wang.patient_id, id, a_dosage())
    assert (made.id, await MedicationPlan.all().count()) == (id, 1)
    with pytest.raises(NotFound):
        async with database.transaction():
            await plans.begin(other.actor, other.patient_id, id, a_dosage())
