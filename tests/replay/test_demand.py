"""Reading a period's demand: without names, bounded, for the whole county only; and the replay."""

from datetime import timedelta

import pytest

from backend import clock
from backend.errors import Malformed, NotFound
from backend.replay import demand
from backend.replay.comparing import compare
from backend.replay.simulate import Variant
from backend.settings import Settings
from tests.booking.test_standing import DAY, missed
from tests.clinics import a_clinic
from tests.people import a_person, a_staff

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def test_a_period_is_read_and_replayed_without_names(settings: Settings) -> None:
    hospital = await a_clinic(settings, tier="county")
    people = [await a_person(settings) for _ in range(3)]
    for person in people:
        await missed(settings, hospital, person)
    await missed(settings, hospital, people[0], days_ago=2, status="cancelled",
                 cancelled_by="patient")  # fmt: skip
    yesterday = clock.today() - DAY
    admin = a_staff(settings, "consortium_admin")
    read = await demand.read(admin, yesterday - DAY, yesterday)
    assert (len(read.offers), sorted(ask.who for ask in read.asks)) == (4, [0, 0, 1, 2])
    assert {ask.age for ask in read.asks} == {"60+"}
    assert {ask.by for ask in read.asks} == {"self"}
    assert [ask.missed for ask in read.asks].count(True) == 3
    told = repr(read)
    assert not [person for person in people if str(person.patient_id) in told]
    found = compare(read.offers, read.asks, Variant(share=100), seed=demand.SEED)
    assert (found.places, found.asks, found.deviation) == (4, 4, 0.0)
    assert found.baseline.rows[0].got == 4


async def test_outsiders_get_404_and_days_have_limits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await a_clinic(settings)
    yesterday = clock.today() - DAY
    for who in (
        a_staff(settings, "institution_admin", hospital.organization),
        a_staff(settings, "consortium_admin", hospital.organization),
        a_staff(settings, "auditor"),
        (await a_person(settings)).actor,
    ):
        with pytest.raises(NotFound):
            await demand.read(who, yesterday, yesterday)
    admin = a_staff(settings, "consortium_admin")
    for first, last in ((0, -1), (-70, -1), (-1, 0)):
        with pytest.raises(Malformed):
            await demand.read(
                admin, clock.today() + timedelta(first), clock.today() + timedelta(last)
            )
    await missed(settings, hospital, await a_person(settings))
    monkeypatch.setattr(demand, "ASKS_MOST", 0)
    with pytest.raises(Malformed):
        await demand.read(admin, yesterday, yesterday)
