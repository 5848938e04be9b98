"""Rules of pools: who may change them, what is refused, and what publishing makes of them."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking import availability, pool_rules, schedules
from backend.booking.errors import TooManyKept
from backend.booking.models import PoolRule, Schedule, ScheduleTemplate, Slot
from backend.booking.pools import FAMILY_DOCTOR, ONSITE, PUBLIC, REFERRAL, Rule
from backend.booking.wanted import Search
from backend.errors import Malformed, NotFound
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic
from tests.people import a_staff

TODAY = date(2026, 11, 23)  # as `noon` says


def a_rule(pool: str = ONSITE, share: int = 10, **changes: Any) -> Rule:
    base = {"opens_days": 0, "returns_days": 0, "effective_from": TODAY}
    if pool != ONSITE:
        base |= {"opens_days": 14, "returns_days": 1}
    return Rule(pool=pool, share=share, **(base | changes))


async def a_template(settings: Settings, clinic: Clinic, **changes: Any) -> None:
    base: dict[str, Any] = {
        "period": "am", "kind": "expert", "starts": "08:00", "ends": "11:00", "slot_minutes": 30,
        "capacity": 5, "weekday": 3,
    }  # fmt: skip
    await ScheduleTemplate.create(
        id=uuid4(), consortium_id=settings.consortium_id, code=uuid4().hex,
        organization=clinic.organization, department=clinic.department,
        practitioner=clinic.practitioner, **(base | changes),
    )  # fmt: skip


async def kept(schedule: Schedule) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for slot in await Slot.filter(schedule=schedule).order_by("starts_at"):
        places.setdefault(slot.pool, []).append(slot.capacity)
    return places


@pytest.fixture
async def hospital(db: None, settings: Settings, noon: clock.Hands) -> Clinic:
    pool_rules.forget()
    return await a_clinic(settings, tier="county", name="县人民医院")


async def test_an_experts_schedule_keeps_thirty_percent_without_any_rule(
    hospital: Clinic, settings: Settings
) -> None:
    await a_template(settings, hospital)
    await schedules.publish(settings.consortium_id)
    schedule = await Schedule.all().order_by("held_on").first()
    assert schedule is not None
    places = await kept(schedule)
    assert {pool: sum(row) for pool, row in places.items()} == {
        PUBLIC: 21, REFERRAL: 5, FAMILY_DOCTOR: 4,
    }  # fmt: skip
    assert len(places[PUBLIC]) == 6
    times = await Slot.filter(schedule=schedule).values_list("starts_at", flat=True)
    assert len(set(times)) == 6


async def test_it_is_published_a_week_before_the_public_may_book_it(
    hospital: Clinic, settings: Settings
) -> None:
    await a_template(settings, hospital)
    await schedules.publish(settings.consortium_id)
    days: list[date] = await Schedule.all().order_by("held_on").values_list("held_on", flat=True)  # type: ignore[assignment]
    assert days == [TODAY + timedelta(days=2), TODAY + timedelta(days=9)]
    found, _ = await availability.search(
        settings.consortium_id, Search(kind="expert"), after=None, most=10
    )
    assert [(offer.state, offer.capacity, offer.free) for offer in found] == [
        ("open", 21, 21), ("not_open", 21, 21),
    ]  # fmt: skip
    before = await Slot.all().order_by("id").values()
    await schedules.publish(settings.consortium_id)
    assert await Slot.all().order_by("id").values() == before


async def test_nothing_is_kept_where_a_rule_switches_it_off_and_then_nothing_is_early(
    hospital: Clinic, settings: Settings
) -> None:
    admin = a_staff(settings, "institution_admin", hospital.organization)
    for pool in (REFERRAL, FAMILY_DOCTOR):
        await pool_rules.add(admin, a_rule(pool, 0, organization_id=hospital.organization.id))
    await a_template(settings, hospital)
    await schedules.publish(settings.consortium_id)
    (schedule,) = await Schedule.all()
    assert await kept(schedule) == {PUBLIC: [5] * 6}


async def test_a_rule_holds_for_new_schedules_and_leaves_published_ones_alone(
    hospital: Clinic, settings: Settings
) -> None:
    await a_template(settings, hospital, kind="general")
    await schedules.publish(settings.consortium_id)
    admin = a_staff(settings, "institution_admin", hospital.organization)
    rule = a_rule(organization_id=hospital.organization.id, kind="general")
    added = await pool_rules.add(admin, rule)
    await schedules.publish(settings.consortium_id, today=TODAY + timedelta(days=7))
    first, second = await Schedule.all().order_by("held_on")
    assert await kept(first) == {PUBLIC: [5] * 6}
    assert sum((await kept(second))[ONSITE]) == 3
    assert sum((await kept(second))[PUBLIC]) == 27
    row = await AuditEvent.get(action="pool.rule_added")
    assert (row.actor_id, row.entity_id) == (admin.id, added.id)


async def test_a_rule_ends_after_its_last_day(hospital: Clinic, settings: Settings) -> None:
    admin = a_staff(settings, "institution_admin", hospital.organization)
    added = await pool_rules.add(admin, a_rule(organization_id=hospital.organization.id))
    assert added.id is not None
    await pool_rules.end(admin, added.id, ended_on=TODAY + timedelta(days=3))
    table = await pool_rules.load(settings.consortium_id)
    assert [rule.ended_on for rule in table.all] == [TODAY + timedelta(days=3)]
    with pytest.raises(NotFound):  # it ends no later than that
        await pool_rules.end(admin, added.id, ended_on=TODAY + timedelta(days=4))
    with pytest.raises(Malformed):
        await pool_rules.end(admin, added.id, ended_on=TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pool": PUBLIC}, "pool"),
        ({"kind": "vip"}, "kind"),
        ({"share": 101}, "share"),
        ({"opens_days": 181}, "opens_days"),
        ({"returns_days": 1}, "returns_days"),
        ({"returns_days": -1}, "returns_days"),
        ({"opens_time": "7:00"}, "opens_time"),
        ({"returns_time": "25:00"}, "returns_time"),
        ({"returns_time": "06:59"}, "returns_time"),
        ({"returns_to": ONSITE}, "returns_to"),
        ({"returns_to": "nowhere"}, "returns_to"),
        ({"effective_from": TODAY - timedelta(days=1)}, "effective_from"),
        ({"ended_on": TODAY - timedelta(days=1)}, "ended_on"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    hospital: Clinic, settings: Settings, changes: dict[str, Any], field: str
) -> None:
    admin = a_staff(settings, "consortium_admin")
    with pytest.raises(Malformed) as refused:
        await pool_rules.add(admin, a_rule(**changes))
    assert refused.value.extra["field"] == field


async def test_pools_never_keep_more_than_everything(hospital: Clinic, settings: Settings) -> None:
    admin = a_staff(settings, "consortium_admin")
    with pytest.raises(TooManyKept) as refused:  # with the built-in thirty
        await pool_rules.add(admin, a_rule(share=71))
    assert refused.value.extra == {"share": 101}
    await pool_rules.add(admin, a_rule(share=70))


async def test_whoever_edits_no_pools_there_gets_404(hospital: Clinic, settings: Settings) -> None:
    other = await a_clinic(settings, name="外乡卫生院")
    theirs: UUID = hospital.organization.id
    mine = await pool_rules.add(a_staff(settings, "consortium_admin"), a_rule())
    own = await pool_rules.add(
        a_staff(settings, "institution_admin", hospital.organization),
        a_rule(organization_id=theirs),
    )
    assert mine.id is not None
    assert own.id is not None
    admin = a_staff(settings, "institution_admin", other.organization)
    for outsider in (admin, a_staff(settings, "doctor", hospital.organization)):
        for rule in (a_rule(organization_id=theirs), a_rule()):
            with pytest.raises(NotFound):
                await pool_rules.add(outsider, rule)
        for rule_id in (mine.id, own.id, uuid4()):
            with pytest.raises(NotFound):
                await pool_rules.end(outsider, rule_id, ended_on=TODAY)
        with pytest.raises(NotFound):
            await pool_rules.preview(
                outsider, organization_id=theirs, kind="expert", on=TODAY, capacity=5, slots=6
            )
    assert [rule.id for rule in await pool_rules.list_of(admin)] == [mine.id]
    with pytest.raises(NotFound):
        await pool_rules.list_of(a_staff(settings, "doctor", hospital.organization))
    assert await PoolRule.filter(ended_on=None).count() == 2


async def test_a_preview_shows_the_split_before_anything_is_decided(
    hospital: Clinic, settings: Settings
) -> None:
    admin = a_staff(settings, "institution_admin", hospital.organization)
    parts = await pool_rules.preview(
        admin,
        organization_id=hospital.organization.id, kind="expert", on=date(2026, 12, 10),
        capacity=5, slots=6, with_rule=a_rule(organization_id=hospital.organization.id),
    )  # fmt: skip
    assert {part.pool: sum(part.places) for part in parts} == {
        PUBLIC: 18, REFERRAL: 5, FAMILY_DOCTOR: 4, ONSITE: 3,
    }  # fmt: skip
    assert [part.returns_at is None for part in parts] == [True, False, False, False]
    assert await PoolRule.all().count() == 0
