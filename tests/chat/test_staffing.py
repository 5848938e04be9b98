"""Who is there when: written by those who may, and followed at once by whoever is asked next."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import msgspec
import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking import pool_rules
from backend.booking.models import Appointment
from backend.booking.pools import FAMILY_DOCTOR, PUBLIC
from backend.chat import answering, booked, cases, staffing, taking
from backend.chat.duty_errors import ClaimedByOther, DutyChanged, DutyClash, NoPatientYet
from backend.chat.duty_policy import BUILT_IN, Rule
from backend.chat.errors import NotNow
from backend.chat.working_time import USUAL, Hours
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.settings import Settings
from tests.booking.test_flow import a_split
from tests.chat.duties import Town, a_town, row_of
from tests.chat.talks import a_talk, all_of
from tests.clinics import a_desk
from tests.people import a_staff

TODAY = date(2026, 11, 23)


@pytest.fixture
async def town(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> Town:
    noon.move(timedelta(hours=3))  # 15:00
    return await a_town(settings, hub)


async def test_hours_leave_and_substitutes_change_who_is_asked(town: Town) -> None:
    village, doctor = town.village.organization.id, town.village.practitioner.id
    colleague = town.colleague.practitioner_id
    assert await staffing.hours_of(town.doctor, village, doctor) == staffing.Own(USUAL, False)
    mornings = tuple(Hours(day, 8 * 60, 12 * 60) for day in range(1, 6))
    await staffing.set_hours(town.doctor, village, mornings, doctor, seen="")  # one's own
    kept = await staffing.hours_of(town.admin, village, doctor)
    assert (kept.week, kept.own) == (mornings, True)
    assert (await row_of(await town.waiting("III"))).routed_by == "team"
    await staffing.set_hours(town.admin, village, (), doctor, seen=kept.version)
    assert (await row_of(await town.waiting("III"))).routed_by == "contract"
    leave = await staffing.add_leave(
        town.doctor, village, doctor, TODAY, TODAY + timedelta(days=2), substitute_id=colleague
    )
    row = await row_of(await town.waiting("III"))
    assert (row.routed_by, row.assigned_to) == ("contract", town.colleague.id)
    (away,) = await staffing.leaves(town.admin, village)
    assert (away.doctor, away.substitute) == ("李建国", "何静")
    await staffing.withdraw_leave(town.doctor, leave)
    assert (await row_of(await town.waiting("III"))).assigned_to == town.doctor.id
    assert await AuditEvent.filter(action__startswith="duty.").count() == 4


async def test_on_call_lists_are_for_townships_and_the_county_and_nobody_twice(
    town: Town, noon: clock.Hands
) -> None:
    place, zhao = town.township.organization.id, town.township.practitioner.id
    noon.move(timedelta(hours=8))  # 23:00
    start, end = clock.now(), clock.now() + timedelta(hours=12)
    assert (await row_of(await town.waiting("II"))).routed_by == "worklist"
    shift = await staffing.put_on_call(town.admin, place, zhao, start, end)
    assert (await row_of(await town.waiting("II"))).assigned_to == town.zhao.id
    assert [one.doctor for one in await staffing.on_call(town.zhao, place)] == ["赵强"]
    with pytest.raises(DutyClash):
        await staffing.put_on_call(town.admin, place, zhao, end - timedelta(hours=1), end)
    await staffing.withdraw_on_call(town.admin, shift)
    assert (await row_of(await town.waiting("II"))).routed_by == "worklist"
    day = start.astimezone(clock.SHANGHAI).date()
    await staffing.add_leave(town.zhao, place, zhao, day, day)
    with pytest.raises(DutyClash):
        await staffing.put_on_call(town.admin, place, zhao, start, end)
    village = town.village.organization.id
    for bad in (
        staffing.put_on_call(town.admin, village, town.village.practitioner.id, start, end),
        staffing.put_on_call(town.admin, place, zhao, start, start),
        staffing.put_on_call(town.admin, place, zhao, start, start + timedelta(days=9)),
    ):
        with pytest.raises(Malformed):
            await bad


def test_weeks_that_cannot_be() -> None:
    for week in (
        [Hours(8, 0, 60)],
        [Hours(1, 60, 60)],
        [Hours(1, 0, 1441)],
        [Hours(1, 0, 60), Hours(1, 59, 90)],
        [Hours(1, n, n + 1) for n in range(29)],
    ):
        with pytest.raises(Malformed):
            staffing.check_week(week)


async def test_hours_that_somebody_else_has_saved_meanwhile_are_not_overwritten(town: Town) -> None:
    """Twenty with the same page: one saves, the first time as well as later."""
    place, seen = town.village.organization.id, ""
    for hour in (8, 9):
        results = await asyncio.gather(
            *(
                staffing.set_hours(
                    town.admin, place, [Hours(1, hour * 60, hour * 60 + number + 1)], seen=seen
                )
                for number in range(20)
            ),
            return_exceptions=True,
        )
        assert results.count(None) == 1
        assert sum(isinstance(one, DutyChanged) for one in results) == 19
        seen = (await staffing.hours_of(town.admin, place)).version
    with pytest.raises(DutyChanged):
        await staffing.set_hours(town.admin, place, (), seen="")
    await staffing.set_hours(town.admin, place, (), seen=seen)
    assert not (await staffing.hours_of(town.admin, place)).own


async def test_numbers_have_versions_and_what_waits_keeps_its_times(town: Town) -> None:
    county = a_staff(town.settings, "consortium_admin")
    waiting = await town.waiting("III")
    before = (await row_of(waiting)).due_at
    quick = Rule(first_min=20, step_min=10, silent_min=10, pauses="never")
    wanted = msgspec.structs.replace(BUILT_IN, rules=BUILT_IN.rules | {"III": quick})
    results = await asyncio.gather(
        *(staffing.set_numbers(county, wanted, reason="试行") for _ in range(20)),
        return_exceptions=True,
    )
    assert [one for one in results if isinstance(one, str)] == ["duty@1"]
    assert (await staffing.numbers(town.doctor)).version == "duty@1"
    assert (await row_of(waiting)).due_at == before
    later = await row_of(await town.waiting("III"))
    assert later.due_at == clock.now() + timedelta(minutes=20)
    with pytest.raises(DutyChanged):
        await staffing.set_numbers(county, wanted, reason="旧的")
    slow = msgspec.structs.replace(
        BUILT_IN, version="duty@1",
        rules=BUILT_IN.rules | {"II": Rule(first_min=60, step_min=5, silent_min=5, pauses="never")},
    )  # fmt: skip
    with pytest.raises(Malformed):
        await staffing.set_numbers(county, slow, reason="太忙")


async def test_outsiders_write_no_duty(town: Town) -> None:
    village, doctor = town.village.organization.id, town.village.practitioner.id
    leave = await staffing.add_leave(town.doctor, village, doctor, TODAY, TODAY)
    now = clock.now()
    for who in (town.sun, town.wang.actor, a_staff(town.settings, "auditor"), town.colleague):
        for deed in (
            staffing.set_hours(who, village, (), doctor, seen=""),
            staffing.set_hours(who, village, (), seen=""),
            staffing.add_leave(who, village, doctor, TODAY, TODAY),
            staffing.withdraw_leave(who, leave),
            staffing.put_on_call(who, village, doctor, now, now + timedelta(hours=1)),
            staffing.set_numbers(who, BUILT_IN, reason="x"),
        ):
            with pytest.raises(NotFound):
                await deed
    for deed in (
        staffing.hours_of(town.sun, village),
        staffing.leaves(town.sun, village),
        staffing.on_call(town.wang.actor, village),
        staffing.set_numbers(town.admin, BUILT_IN, reason="x"),
        staffing.set_hours(a_staff(town.settings, "consortium_admin"), uuid4(), (), seen=""),
        staffing.set_hours(town.admin, village, (), town.county.practitioner.id, seen=""),
    ):
        with pytest.raises(NotFound):
            await deed


async def test_the_doctor_books_from_within_and_leaves_a_card(town: Town) -> None:
    pool_rules.forget()
    talk = await town.waiting("III")
    slots = await a_split(town.settings, town.county, {PUBLIC: 1, FAMILY_DOCTOR: 2})
    slot = slots[FAMILY_DOCTOR][0].id
    with pytest.raises(NotNow):
        await booked.book(town.doctor, town.hub, a_desk(), talk, slot_id=slot)
    await taking.claim(town.doctor, town.hub, talk)
    with pytest.raises(ClaimedByOther):
        await booked.book(town.colleague, town.hub, a_desk(), talk, slot_id=slot)
    await answering.mark(town.doctor, town.hub, talk, "read", (await row_of(talk)).last_seq)
    ticket = await booked.book(town.doctor, town.hub, a_desk(), talk, slot_id=slot)
    row = await Appointment.get(id=ticket.id)
    assert (row.patient_id, row.origin) == (town.wang.patient_id, "doctor")
    card = (await all_of(town.wang.actor, talk))[-1]
    assert (card.kind, card.payload and card.payload["appointment_id"]) == ("card", str(ticket.id))
    assert card.body.startswith("已帮您约好：县人民医院全科医疗科，")
    case = await cases.show(town.doctor, talk)
    assert case.card
    assert [visit.organization for visit in case.card.coming] == ["县人民医院"]
    other = await cases.show(town.colleague, talk)  # no contract with her: own institution only
    assert other.card
    assert other.card.coming == ()
    assert (await row_of(talk)).due_at is None
    nobody = await a_talk(town.wang.actor)
    await town.hand_over(nobody)
    assert (await row_of(nobody)).routed_by == "contract"  # by the account's own person
    await taking.claim(town.doctor, town.hub, nobody)
    with pytest.raises(NoPatientYet):
        await booked.book(town.doctor, town.hub, a_desk(), nobody, slot_id=slot)
    assert (await cases.show(town.doctor, nobody)).card is None
    with pytest.raises(NotFound):
        await booked.book(town.wang.actor, town.hub, a_desk(), talk, slot_id=slot)
    await answering.mark(town.doctor, town.hub, talk, "read", 1)
