"""The demo county: what it promises, and that the generator still makes it."""

from collections import Counter
from pathlib import Path

from backend.booking.models import Schedule, ScheduleTemplate
from backend.booking.schedules import publish
from backend.clock import Hands
from backend.consortium.models import Department, Organization, Practitioner, PractitionerRole
from backend.county.importing import import_county
from backend.county.template import build
from backend.county.xlsx import XlsxBook
from backend.demo.generate import WORKBOOK, county
from backend.settings import Settings
from tests.demo.people import its_people_can_log_in_and_stay_who_they_are, its_people_have_asked

BYTES_MOST = 400 * 1024


def cells(path: Path) -> dict[str, list[list[object]]]:
    book = XlsxBook(path)
    read = {name: list(book.rows(name)) for name in book.names()}
    book.close()
    return read


def test_the_generator_makes_the_workbook_in_the_repository(tmp_path: Path) -> None:
    build(county()).save(tmp_path / "again.xlsx")
    assert cells(tmp_path / "again.xlsx") == cells(WORKBOOK)
    assert WORKBOOK.stat().st_size < BYTES_MOST


async def test_the_county_stands(db: None, noon: Hands, settings: Settings, tmp_path: Path) -> None:
    await import_county(settings.consortium, WORKBOOK)
    await it_is_as_large_as_promised()
    await its_people_can_log_in_and_stay_who_they_are(settings, tmp_path)
    await its_people_have_asked(settings)
    await it_can_be_booked(settings)
    assert (await import_county(settings.consortium, WORKBOOK)).empty


async def it_is_as_large_as_promised() -> None:
    tiers = Counter(await Organization.all().values_list("tier", flat=True))
    assert tiers["county"] == 2
    assert tiers["township"] == 12
    assert tiers["village"] >= 60
    assert await Department.filter(organization__tier="county").count() >= 30
    assert await Department.all().count() >= 40
    assert await Practitioner.all().count() >= 200
    assert await Organization.filter(tier="village", parent__tier="township").count() >= 60
    assert await PractitionerRole.filter(kind="outreach").count() >= 8
    assert not await Organization.filter(latitude=None).exists()
    assert not await Department.filter(keywords="").exists()
    assert not await ScheduleTemplate.exclude(to_on=None).exists()


async def it_can_be_booked(settings: Settings) -> None:
    published = await publish(settings.consortium_id)
    assert published.slots > 10_000
    assert not await Schedule.filter(fee_fen=0).exists()
    kinds = set(await Schedule.all().values_list("kind", flat=True))
    assert kinds == {"general", "expert", "disease", "outreach"}
    assert (await publish(settings.consortium_id)).schedules == 0
