"""停诊 of days that are not published yet: they never open, and undoing gives them back."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.booking.models import Schedule, ScheduleException, ScheduleTemplate
from backend.booking.schedules import publish
from backend.errors import NotFound
from backend.settings import Settings
from backend.suspension import diary, previews, suspensions, undoing
from backend.suspension.chosen import Chosen
from backend.suspension.errors import NothingToStop
from tests.clinics import Clinic, a_clinic
from tests.people import a_staff

pytestmark = pytest.mark.usefixtures("db", "noon")
FAR = timedelta(days=28)  # a township publishes 15 days ahead


async def a_ward(settings: Settings) -> Clinic:
    """Monday mornings and afternoons, of which the near ones are published."""
    clinic = await a_clinic(settings)
    for period, starts, ends in (("am", "08:00", "11:00"), ("pm", "14:00", "17:00")):
        await ScheduleTemplate.create(
            id=uuid4(), consortium_id=settings.consortium_id, code=uuid4().hex, weekday=1,
            organization=clinic.organization, department=clinic.department, slot_minutes=30,
            practitioner=clinic.practitioner, period=period, kind="general", starts=starts,
            ends=ends, capacity=2,
        )  # fmt: skip
    await publish(settings.consortium_id)
    return clinic


def chosen_of(clinic: Clinic, *, from_on: date | None = None, period: str = "am") -> Chosen:
    first = from_on or clock.today() + timedelta(days=1)
    return Chosen(
        practitioner_id=clinic.practitioner.id, from_on=first, to_on=clock.today() + FAR,
        periods=(period,),
    )  # fmt: skip


async def mornings(settings: Settings, *, later: timedelta) -> dict[date, str]:
    """What is open or shut once those days are published."""
    await publish(settings.consortium_id, today=clock.today() + later)
    rows = await Schedule.filter(period="am", held_on__gt=clock.today()).order_by("held_on")
    return {row.held_on: row.status for row in rows}


async def test_days_not_published_are_stopped_with_the_others(settings: Settings) -> None:
    clinic = await a_ward(settings)
    admin, today = a_staff(settings, "institution_admin", clinic.organization), clock.today()
    monday, week = today + timedelta(days=7), timedelta(days=7)
    seen = await previews.preview(admin, chosen_of(clinic))
    published = [half.held_on for half in seen.schedules]
    ahead = [day.held_on for day in seen.ahead]
    assert (published[0], published + ahead) == (monday, [monday + week * n for n in range(4)])
    assert len(ahead) >= 2
    key = uuid4()
    (one,) = await suspensions.suspend(admin, key, chosen_of(clinic), reason="外出进修")
    assert await suspensions.suspend(admin, key, chosen_of(clinic), reason="外出进修") == [one]
    shown = await diary.show(admin, one)
    assert [day.held_on for day in shown.ahead] == ahead
    assert shown.ahead[0].department == clinic.department.name
    statuses = await mornings(settings, later=FAR)
    assert [statuses.get(day) for day in published] == ["stopped"] * len(published)
    assert not set(ahead) & set(statuses)  # the week after the last one is there again
    assert statuses[today + FAR + week] == "open"
    afternoons = await Schedule.filter(period="pm", held_on__in=ahead)
    assert {row.status for row in afternoons} == {"open"}


async def test_undoing_gives_them_back(settings: Settings) -> None:
    clinic = await a_ward(settings)
    admin = a_staff(settings, "institution_admin", clinic.organization)
    (one,) = await suspensions.suspend(admin, uuid4(), chosen_of(clinic), reason="外出进修")
    await undoing.undo(admin, one)
    assert await ScheduleException.all().count() == 0
    assert (await diary.show(admin, one)).ahead == []
    assert set((await mornings(settings, later=FAR)).values()) == {"open"}


async def test_nothing_but_unpublished_days(settings: Settings) -> None:
    clinic = await a_ward(settings)
    admin = a_staff(settings, "institution_admin", clinic.organization)
    chosen, key = chosen_of(clinic, from_on=clock.today() + timedelta(days=20)), uuid4()
    (one,) = await suspensions.suspend(admin, key, chosen, reason="外出进修")
    assert await suspensions.suspend(admin, key, chosen, reason="外出进修") == [one]
    with pytest.raises(NothingToStop):  # another action finds them closed
        await suspensions.suspend(admin, uuid4(), chosen, reason="外出进修")
    entry = await diary.show(admin, one)
    assert (entry.schedules, len(entry.ahead), entry.touched) == ([], 2, 0)
    with pytest.raises(NothingToStop):
        await previews.preview(admin, chosen_of(clinic, period="night"))


async def test_another_institutions_days_are_not_ones_own(settings: Settings) -> None:
    clinic, other = await a_ward(settings), await a_clinic(settings, name="外乡卫生院")
    stranger = a_staff(settings, "institution_admin", other.organization)
    with pytest.raises(NothingToStop):
        await suspensions.suspend(stranger, uuid4(), chosen_of(clinic), reason="外出进修")
    with pytest.raises(NotFound):
        await previews.preview(a_staff(settings, "auditor"), chosen_of(clinic))
    assert await ScheduleException.all().count() == 0
