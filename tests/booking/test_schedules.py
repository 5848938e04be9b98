"""Schedules and slots from templates: horizon, holidays, exceptions, roles, fees, repeats."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.booking import policies, schedules
from backend.booking.models import (
    BookingPolicy,
    Fee,
    Schedule,
    ScheduleException,
    ScheduleTemplate,
    Slot,
)
from backend.booking.schedules import publish
from backend.consortium.models import Department, Organization, Practitioner, PractitionerRole
from backend.settings import Settings

MONDAY = date(2026, 11, 23)  # no holiday within two weeks
NEW_YEAR = date(2027, 1, 1)  # a Friday, and a holiday


@dataclass
class Post:
    """A doctor in a department, with a way to give them templates and exceptions."""

    county: UUID
    organization: Organization
    department: Department
    doctor: Practitioner
    role: PractitionerRole

    async def template(self, weekday: int, **changes: Any) -> ScheduleTemplate:
        base: dict[str, Any] = {
            "practitioner": self.doctor, "period": "am", "kind": "general", "starts": "08:00",
            "ends": "09:30", "slot_minutes": 30, "capacity": 2,
        }  # fmt: skip
        return await ScheduleTemplate.create(
            id=uuid4(), consortium_id=self.county, code=uuid4().hex, weekday=weekday,
            organization=self.organization, department=self.department, **(base | changes),
        )  # fmt: skip

    async def exception(self, on: date, action: str, **changes: Any) -> None:
        await ScheduleException.create(
            id=uuid4(), consortium_id=self.county, code=uuid4().hex, held_on=on, action=action,
            organization=self.organization, **changes,
        )  # fmt: skip

    async def days(self, today: date = MONDAY) -> list[date]:
        await publish(self.county, today=today)
        return [row.held_on for row in await Schedule.all().order_by("held_on")]


@pytest.fixture
async def post(db: None, settings: Settings) -> Post:
    county = settings.consortium_id
    organization = await Organization.create(
        id=uuid4(), consortium_id=county, code="W", name="测试镇卫生院", tier="township"
    )
    department = await Department.create(
        id=uuid4(), consortium_id=county, organization=organization, code="QK", name="全科"
    )
    doctor = await Practitioner.create(
        id=uuid4(), consortium_id=county, code="1", name="林知远", title="主任医师"
    )
    role = await PractitionerRole.create(
        id=uuid4(), consortium_id=county, practitioner=doctor, department=department
    )
    return Post(county, organization, department, doctor, role)


async def test_a_template_becomes_schedules_with_slots(post: Post) -> None:
    template = await post.template(1)
    published = await publish(post.county, today=MONDAY)
    assert (published.schedules, published.slots, published.closed) == (3, 9, 0)
    first = await Schedule.all().order_by("held_on").first().prefetch_related("slots")
    assert first is not None
    assert (first.template_id, first.held_on, first.kind) == (template.id, MONDAY, "general")
    assert first.starts_at == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # 08:00 in China
    assert first.ends_at == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    slots = sorted(first.slots, key=lambda slot: slot.starts_at)
    assert [slot.starts_at.minute for slot in slots] == [0, 30, 0]
    assert {(s.pool, s.capacity, s.booked, s.open) for s in slots} == {("public", 2, 0, True)}
    assert slots[0].ends_at == slots[1].starts_at


async def test_the_horizon_is_the_policys_and_a_day(post: Post) -> None:
    for weekday in range(1, 8):
        await post.template(weekday)
    assert await post.days() == [MONDAY + timedelta(days=days) for days in range(16)]


async def test_a_shorter_horizon(post: Post) -> None:
    await BookingPolicy.create(
        id=uuid4(), consortium_id=post.county, code="short", version=1, tier="township",
        effective_from=MONDAY, numbers={"horizon_days": 3}, created_at=datetime.now(UTC),
    )  # fmt: skip
    policies.forget()
    for weekday in range(1, 8):
        await post.template(weekday)
    assert len(await post.days()) == 5


async def test_publishing_again_changes_nothing_and_goes_on_tomorrow(post: Post) -> None:
    for weekday in range(1, 8):
        await post.template(weekday)
    await publish(post.county, today=MONDAY)
    before = await Slot.all().order_by("id").values()
    again = await publish(post.county, today=MONDAY)
    assert (again.schedules, again.slots) == (0, 0)
    assert await Slot.all().order_by("id").values() == before
    tomorrow = await publish(post.county, today=MONDAY + timedelta(days=1))
    assert (tomorrow.schedules, tomorrow.slots) == (1, 3)


async def test_what_is_published_does_not_follow_the_template(post: Post) -> None:
    template = await post.template(1)
    await publish(post.county, today=MONDAY)
    template.starts, template.capacity = "10:00", 9
    template.ends = "11:30"
    await template.save()
    assert (await publish(post.county, today=MONDAY)).schedules == 0
    assert set(await Slot.all().values_list("capacity", flat=True)) == {2}


async def test_a_template_that_replaces_another_begins_after_what_is_published(post: Post) -> None:
    """Else the doctor would be booked twice over for the same morning."""
    old = await post.template(1)
    await publish(post.county, today=MONDAY)
    old.active = False
    await old.save()
    new = await post.template(1, kind="expert", starts="08:30", ends="11:30")
    assert (await publish(post.county, today=MONDAY)).schedules == 0
    later = await publish(post.county, today=MONDAY + timedelta(days=7))
    assert later.schedules == 1
    assert await Schedule.filter(template=new).values_list("held_on", flat=True) == [
        MONDAY + timedelta(days=21)
    ]


async def test_twenty_workers_at_once_publish_once(post: Post) -> None:
    for weekday in range(1, 8):
        await post.template(weekday)
    await asyncio.gather(*(publish(post.county, today=MONDAY) for _ in range(20)))
    assert await Schedule.all().count() == 16
    assert await Slot.all().count() == 48


async def test_a_run_that_was_cut_short_is_finished_by_the_next(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    for weekday in range(1, 8):
        await post.template(weekday)
    monkeypatch.setattr(schedules, "ROWS_A_TRANSACTION", 8)
    stored = 0
    store = schedules._store

    async def fails_later(chunk: Any, published: Any) -> None:
        nonlocal stored
        stored += 1
        if stored == 3:
            raise RuntimeError("power cut")
        await store(chunk, published)

    monkeypatch.setattr(schedules, "_store", fails_later)
    with pytest.raises(RuntimeError):
        await publish(post.county, today=MONDAY)
    half = await Schedule.all().count()
    assert 0 < half < 16
    assert await Slot.all().count() == half * 3  # none without its slots
    monkeypatch.setattr(schedules, "_store", store)
    assert len(await post.days()) == 16


async def test_transactions_are_short(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "ROWS_A_TRANSACTION", 20)
    sizes = []
    store = schedules._store

    async def measured(chunk: Any, published: Any) -> None:
        sizes.append(sum(draft.rows for draft in chunk))
        await store(chunk, published)

    monkeypatch.setattr(schedules, "_store", measured)
    for weekday in range(1, 8):
        await post.template(weekday)
    await publish(post.county, today=MONDAY)
    assert len(sizes) > 3
    assert max(sizes) <= 20 + 4


async def test_many_templates_are_read_page_by_page(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "TEMPLATES_A_PAGE", 2)
    for weekday in range(1, 8):
        await post.template(weekday)
    assert len(await post.days()) == 16


async def test_holidays_are_skipped(post: Post) -> None:
    await post.template(5)
    await post.template(6)
    days = await post.days(date(2026, 12, 28))
    assert NEW_YEAR not in days
    assert date(2027, 1, 2) in days  # an ordinary Saturday


async def test_a_template_may_work_on_holidays(post: Post) -> None:
    await post.template(5, works_on_holidays=True)
    assert NEW_YEAR in await post.days(date(2026, 12, 28))


async def test_an_exception_opens_a_holiday_with_fewer_places(post: Post) -> None:
    await post.template(5)
    await post.exception(NEW_YEAR, "open", department=post.department, capacity=1)
    assert NEW_YEAR in await post.days(date(2026, 12, 28))
    assert {s.capacity for s in await Slot.filter(schedule__held_on=NEW_YEAR)} == {1}


async def test_a_working_saturday_follows_the_day_it_replaces(post: Post) -> None:
    friday, saturday = await post.template(5), await post.template(6)
    await publish(post.county, today=date(2026, 2, 9))
    held = await Schedule.filter(held_on=date(2026, 2, 14)).values_list("template_id", flat=True)
    assert held == [friday.id]  # 2026-02-14 is worked for Friday, 02-20
    ordinary = await Schedule.filter(held_on=date(2026, 2, 21)).values_list(
        "template_id", flat=True
    )
    assert ordinary == [saturday.id]
    assert not await Schedule.filter(held_on=date(2026, 2, 20)).exists()


async def test_an_exception_closes_a_day(post: Post) -> None:
    await post.template(1)
    await post.exception(MONDAY, "closed", practitioner=post.doctor)
    published = await publish(post.county, today=MONDAY)
    assert (published.schedules, published.closed) == (2, 1)


async def test_an_exception_shuts_what_is_published_already(post: Post) -> None:
    """Or residents would go on booking a day on which nobody is there."""
    await post.template(1)
    await post.template(1, period="pm", starts="14:00", ends="15:00")
    await publish(post.county, today=MONDAY)
    await Slot.all().update(booked=1)
    await post.exception(MONDAY, "closed", period="am")

    assert (await publish(post.county, today=MONDAY)).shut == 1
    assert await _doors(MONDAY) == {"am": ("suspended", {False}), "pm": ("open", {True})}
    assert await _doors(MONDAY + timedelta(days=7)) == {
        "am": ("open", {True}),
        "pm": ("open", {True}),
    }
    assert await Slot.filter(booked=1).count() == await Slot.all().count()
    assert (await publish(post.county, today=MONDAY)).shut == 0


async def test_what_no_exception_closes_any_more_opens_again(post: Post) -> None:
    template = await post.template(1)
    await publish(post.county, today=MONDAY)
    await post.exception(MONDAY, "closed", practitioner=post.doctor)
    template.active = False  # its schedules stand, and so does what is said about the doctor
    await template.save()
    assert (await publish(post.county, today=MONDAY)).shut == 1
    await ScheduleException.all().delete()
    assert (await publish(post.county, today=MONDAY)).opened == 1
    assert await _doors(MONDAY) == {"am": ("open", {True})}


async def _doors(on: date) -> dict[str, tuple[str, set[bool]]]:
    """Period → the schedule's status, and whether its slots are open."""
    rows = await Schedule.filter(held_on=on).prefetch_related("slots")
    return {row.period: (row.status, {slot.open for slot in row.slots}) for row in rows}


async def test_an_exception_closes_one_period_only(post: Post) -> None:
    await post.template(1)
    await post.template(1, period="pm", starts="14:00", ends="15:00")
    await post.exception(MONDAY, "closed", period="pm")
    await publish(post.county, today=MONDAY)
    assert await Schedule.filter(held_on=MONDAY).values_list("period", flat=True) == ["am"]


async def test_an_exception_changes_the_places(post: Post) -> None:
    await post.template(1)
    await post.exception(MONDAY, "capacity", capacity=7)
    await publish(post.county, today=MONDAY)
    assert {s.capacity for s in await Slot.filter(schedule__held_on=MONDAY)} == {7}
    assert {s.capacity for s in await Slot.exclude(schedule__held_on=MONDAY)} == {2}


async def test_the_more_specific_exception_wins(post: Post) -> None:
    await post.template(1)
    await post.exception(MONDAY, "closed")
    await post.exception(MONDAY, "open", department=post.department)
    assert MONDAY in await post.days()


async def test_of_two_alike_closed_wins(post: Post) -> None:
    await post.template(1)
    await post.exception(MONDAY, "open")
    await post.exception(MONDAY, "closed")
    assert MONDAY not in await post.days()


async def test_an_exception_of_another_doctor_does_not_matter(post: Post) -> None:
    other = await Practitioner.create(
        id=uuid4(), consortium_id=post.county, code="2", name="苏清禾"
    )
    await post.template(1)
    await post.template(1, practitioner=None, kind="disease")
    await post.exception(MONDAY, "closed", practitioner=other)
    await publish(post.county, today=MONDAY)
    assert await Schedule.filter(held_on=MONDAY).count() == 2


async def test_the_templates_dates(post: Post) -> None:
    await post.template(1, from_on=date(2026, 11, 30), to_on=date(2026, 11, 30))
    assert await post.days() == [date(2026, 11, 30)]


async def test_a_doctor_works_only_while_the_role_lasts(post: Post) -> None:
    post.role.from_on, post.role.to_on = date(2026, 11, 24), date(2026, 11, 30)
    await post.role.save()
    await post.template(1)
    await post.template(1, practitioner=None, kind="disease")  # the department's own goes on
    await publish(post.county, today=MONDAY)
    assert await Schedule.filter(kind="general").values_list("held_on", flat=True) == [
        date(2026, 11, 30)
    ]
    assert await Schedule.filter(kind="disease").count() == 3


async def test_a_doctor_without_a_role_there_does_not_work_there(post: Post) -> None:
    await post.role.delete()
    await post.template(1)
    assert await post.days() == []


@pytest.mark.parametrize("who", ["organization", "department", "doctor", "template"])
async def test_whoever_is_retired_publishes_nothing(post: Post, who: str) -> None:
    template = await post.template(1)
    retired = template if who == "template" else getattr(post, who)
    retired.active = False
    await retired.save()
    assert await post.days() == []


async def test_another_consortium_is_left_alone(post: Post) -> None:
    await post.template(1)
    assert (await publish(uuid4(), today=MONDAY)).schedules == 0


@pytest.mark.parametrize(
    ("own", "fees", "fen"),
    [
        (500, {"主任医师": 2500}, 500),
        (None, {"主任医师": 2500, "": 1200}, 2500),
        (None, {"主治医师": 1500, "": 1200}, 1200),
        (None, {}, 0),
        (0, {"": 1200}, 0),
    ],
)
async def test_the_fee(post: Post, own: int | None, fees: dict[str, int], fen: int) -> None:
    for title, amount in fees.items():
        await Fee.create(
            id=uuid4(), consortium_id=post.county, organization=post.organization, item="诊查费",
            kind="general", title=title, amount_fen=amount,
        )  # fmt: skip
    await post.template(1, fee_fen=own)
    await publish(post.county, today=MONDAY)
    assert set(await Schedule.all().values_list("fee_fen", flat=True)) == {fen}
