"""豁免: days that count for nothing, for what is there and for what comes; twice is once."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.appeal import amnesties
from backend.audit import AuditEvent
from backend.booking import standing
from backend.booking.models import Amnesty, Appointment
from backend.errors import Malformed, NotFound
from backend.settings import Settings
from tests.booking.test_standing import DAY, missed, review
from tests.clinics import a_clinic
from tests.people import a_person, a_staff

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def test_it_excuses_what_counts_on_these_days_there_and_nothing_else(
    settings: Settings,
) -> None:
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    other = await a_clinic(settings, tier="county")
    rows = [await missed(settings, hospital, person, days_ago=ago) for ago in (1, 2, 3)]
    late = await missed(
        settings, hospital, person, days_ago=4, status="cancelled", cancelled_by="patient",
        late_cancel=True,
    )  # fmt: skip
    elsewhere = await missed(settings, other, person, days_ago=5)
    await review(settings, person)
    assert await standing.restriction_of(person.patient_id, "expert")
    admin, org = (
        a_staff(settings, "institution_admin", hospital.organization),
        hospital.organization,
    )
    from_on, to_on = clock.today() - 5 * DAY, clock.today() - 2 * DAY
    assert await amnesties.preview(admin, org.id, from_on, to_on) == (3, 1)
    amnesty_id, excused = await amnesties.grant(admin, org.id, from_on, to_on, reason="大雪封路")
    assert excused == 3
    statuses = [(await Appointment.get(id=row.id)).status for row in (*rows, late, elsewhere)]
    assert statuses == ["no_show", "excused", "excused", "cancelled", "no_show"]
    assert await standing.restriction_of(person.patient_id, "expert") is None
    assert await amnesties.grant(admin, org.id, from_on, to_on, reason="又") == (amnesty_id, 0)
    assert await AuditEvent.filter(action="amnesty.granted").count() == 1
    (listed,) = await amnesties.list_of(admin)
    assert (listed.organization, listed.reason) == (org.name, "大雪封路")


async def test_what_is_marked_later_is_excused_by_the_job(settings: Settings) -> None:
    person, hospital = await a_person(settings), await a_clinic(settings)
    today = clock.today()
    await amnesties.grant(a_staff(settings, "consortium_admin"), None, today, today, reason="台风")
    row = await missed(settings, hospital, person, days_ago=0)
    assert await standing.deeds(settings.consortium_id, person.patient_id) == []
    assert await amnesties.sweep(settings.consortium_id) == 1
    assert (await Appointment.get(id=row.id)).status == "excused"
    assert await amnesties.sweep(settings.consortium_id) == 0


async def test_more_than_a_portion_and_twenty_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amnesties, "EXCUSED_MOST", 3)
    hospital = await a_clinic(settings)
    for _ in range(8):
        await missed(settings, hospital, await a_person(settings))
    admin = a_staff(settings, "institution_admin", hospital.organization)
    day = clock.today() - DAY
    done = await asyncio.gather(
        *(amnesties.grant(admin, hospital.organization.id, day, day, reason="洪水")
          for _ in range(20))
    )  # fmt: skip
    assert sum(excused for _, excused in done) == 8
    assert await Amnesty.all().count() == 1
    assert await Appointment.filter(status="excused").count() == 8


async def test_outsiders_get_404_and_only_the_county_spares_all(settings: Settings) -> None:
    hospital, other = await a_clinic(settings), await a_clinic(settings)
    today = clock.today()
    admin = a_staff(settings, "institution_admin", hospital.organization)
    for who, where in (
        (admin, other.organization.id),
        (admin, None),
        (a_staff(settings, "doctor", hospital.organization), hospital.organization.id),
        ((await a_person(settings)).actor, hospital.organization.id),
        (a_staff(settings, "consortium_admin"), uuid4()),
    ):
        with pytest.raises(NotFound):
            await amnesties.grant(who, where, today, today, reason="大雪")
        with pytest.raises(NotFound):
            await amnesties.preview(who, where, today, today)
    with pytest.raises(NotFound):
        await amnesties.list_of(a_staff(settings, "auditor"))
    assert await Amnesty.all().count() == 0


@pytest.mark.parametrize(
    ("first", "last", "field"), [(0, -1, "to_on"), (-40, 0, "to_on"), (-91, -80, "from_on"),
                                 (0, 15, "to_on")]
)  # fmt: skip
async def test_days_that_make_no_sense_are_refused(
    settings: Settings, first: int, last: int, field: str
) -> None:
    today = clock.today()
    with pytest.raises(Malformed) as refused:
        await amnesties.grant(
            a_staff(settings, "consortium_admin"), None, today + timedelta(days=first),
            today + timedelta(days=last), reason="大雪",
        )  # fmt: skip
    assert refused.value.extra["field"] == field
