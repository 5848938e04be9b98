"""写的话: of months that are over, mixed, never of a few, and only for who runs the place."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.consortium.models import Organization
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.satisfaction import comments, mixing
from backend.satisfaction.comments import Page
from backend.settings import Settings
from tests.clinics import a_clinic
from tests.people import Person, a_staff
from tests.satisfaction.test_report import OCTOBER
from tests.satisfaction.visits import a_visit, kept

pytestmark = pytest.mark.usefixtures("db", "noon")
WEEK = date(2026, 10, 5)


@pytest.fixture
async def here(settings: Settings) -> Organization:
    return (await a_clinic(settings)).organization


async def write(settings: Settings, place: UUID, *words: str, week_on: date = WEEK) -> None:
    for one in words:
        await kept(settings, place, week_on, comment=one)


async def named(settings: Settings) -> tuple[Person, Organization]:
    """王桂兰 has said what she thinks of her visit, with her name."""
    clinic = await a_clinic(settings)
    person, visit = await a_visit(settings, clinic=clinic)
    await kept(
        settings, clinic.organization.id, WEEK, comment="留名的话", appointment_id=visit.id,
        patient_id=person.patient_id, account_id=person.actor.account_id, answered_at=clock.now(),
    )  # fmt: skip
    return person, clinic.organization


async def read(
    actor: Actor, place: UUID, *, after: int = 0, most: int = 20, month: date = OCTOBER
) -> Page:
    return await comments.list_of(actor, place, month, after=after, most=most)


def words(page: Page) -> list[str]:
    return [one.text for one in page.items]


async def test_nothing_is_shown_before_all_were_mixed(
    settings: Settings, here: Organization
) -> None:
    admin = a_staff(settings, "institution_admin", here)
    said = [f"第 {number} 句" for number in range(10)]
    await write(settings, here.id, *said)
    before = await read(admin, here.id)
    assert (before.items, before.withheld) == ([], True)
    assert await mixing.mix(settings.consortium_id) == 10  # however long ago
    assert await mixing.mix(settings.consortium_id) == 0
    after = await read(admin, here.id)
    assert (sorted(words(after)), after.withheld) == (said, False)
    assert {one.who for one in after.items} == {None}
    await write(settings, here.id, "最后一句")  # who came last would follow from what is new
    assert (await read(admin, here.id)).items == []


async def test_two_readings_do_not_tell_of_which_week_words_are(
    settings: Settings, here: Organization, noon: clock.Hands
) -> None:
    """Those of late are written anew each night, and those of before are not."""
    noon.move(timedelta(days=14))
    admin, november = a_staff(settings, "institution_admin", here), date(2026, 11, 1)
    for week_on in (date(2026, 11, 2), date(2026, 11, 30)):
        await write(
            settings, here.id, *(f"{number} {week_on}" for number in range(6)), week_on=week_on
        )
    await mixing.mix(settings.consortium_id)
    first = await read(admin, here.id, month=november)
    assert await mixing.mix(settings.consortium_id) == 6
    second = await read(admin, here.id, month=november)
    assert len(first.items) == 12
    assert words(first) == words(second)


async def test_nothing_anonymous_is_shown_of_fewer_than_ten_people(
    settings: Settings, here: Organization
) -> None:
    admin = a_staff(settings, "institution_admin", here)
    await write(settings, here.id, "一句", *[""] * 8)
    await mixing.mix(settings.consortium_id)
    assert (await read(admin, here.id)).withheld
    await write(settings, here.id, "", week_on=date(2026, 11, 2))  # of another month
    await mixing.mix(settings.consortium_id)
    assert (await read(admin, here.id)).items == []
    await write(settings, here.id, "")
    await mixing.mix(settings.consortium_id)
    assert words(await read(admin, here.id)) == ["一句"]


async def test_whoever_left_a_name_is_named_and_hears_who_read_it(settings: Settings) -> None:
    person, place = await named(settings)
    found = await read(a_staff(settings, "institution_admin", place), place.id)
    ((who, text),) = [(one.who, one.text) for one in found.items]
    assert (text, found.withheld) == ("留名的话", True)
    assert who is not None
    assert (who.name, who.held_on) == ("王*兰", date(2026, 11, 22))
    rows = await AuditEvent.filter(action="survey.comments_read").order_by("id")
    assert {row.patient_id for row in rows} == {None, person.patient_id}
    assert {(row.entity_id, row.detail["month"]) for row in rows} == {(place.id, "2026-10")}


async def test_a_page_at_a_time(settings: Settings, here: Organization) -> None:
    admin = a_staff(settings, "institution_admin", here)
    await write(settings, here.id, *(str(number) for number in range(12)))
    await mixing.mix(settings.consortium_id)
    first = await read(admin, here.id, most=5)
    second = await read(admin, here.id, most=5, after=5)
    third = await read(admin, here.id, most=5, after=10)
    assert [len(one.items) for one in (first, second, third)] == [5, 5, 2]
    assert len({*words(first), *words(second), *words(third)}) == 12


async def test_only_who_runs_the_place_reads_it(settings: Settings, here: Organization) -> None:
    there = (await a_clinic(settings)).organization
    for actor in (
        a_staff(settings, "institution_admin", there), a_staff(settings, "doctor", here),
        a_staff(settings, "consortium_admin"), a_staff(settings, "auditor"),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await read(actor, here.id)
    admin = a_staff(settings, "institution_admin", here)
    for month in (clock.today(), date(2025, 10, 1)):
        with pytest.raises(Malformed):
            await read(admin, here.id, month=month)
    assert not await AuditEvent.filter(action="survey.comments_read").exists()
