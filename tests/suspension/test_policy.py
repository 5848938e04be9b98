"""Pure: in which order other places are offered, to whom, and what became of an offer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.booking.policy import COUNTY
from backend.suspension.policy import (
    CANDIDATES_MOST,
    Engagements,
    Option,
    Spot,
    Stopped,
    outcome,
    share_out,
)

NINE = datetime(2026, 11, 25, 1, tzinfo=UTC)  # 09:00 in China
DAY = timedelta(days=1)
HOSPITAL, CARDIOLOGY, DOCTOR = uuid4(), uuid4(), uuid4()
STOPPED = Spot(
    slot_id=uuid4(), schedule_id=uuid4(), organization_id=HOSPITAL, tier="county",
    department_id=CARDIOLOGY, specialty="03.04", practitioner_id=DOCTOR, kind="expert",
    held_on=NINE.date(), starts_at=NINE, ends_at=NINE + timedelta(minutes=30), fee_fen=2000,
)  # fmt: skip


def place(*, days: int = 1, free: int = 9, km: float | None = None, **facts: Any) -> Option:
    at = NINE + DAY * days
    told = {
        "slot_id": uuid4(), "schedule_id": uuid4(), "held_on": at.date(), "starts_at": at,
        "ends_at": at + timedelta(minutes=30),
    } | facts  # fmt: skip
    return Option(replace(STOPPED, **told), free, COUNTY, km)


def elsewhere(tier: str, **facts: Any) -> Option:
    there = {"organization_id": uuid4(), "department_id": uuid4(), "practitioner_id": uuid4()}
    return place(tier=tier, **(there | facts))


def offered(*options: Option, mine: Engagements | None = None) -> list[Option]:
    visit = Stopped(uuid4(), uuid4(), STOPPED)
    engaged = {visit.patient_id: mine or Engagements()}
    return share_out([visit], options, engaged)[visit.appointment_id]


# Each is better than every one below it.
LADDER = [
    place(days=2),  # the same doctor, another day
    place(days=5),
    place(days=-1),  # rather later than earlier
    place(practitioner_id=uuid4()),  # a colleague of the same grade
    elsewhere("village"),
    elsewhere("township", km=3.0),
    elsewhere("township", km=9.0),
    elsewhere("county", km=1.0),
    place(kind="general"),  # the same doctor, another grade
    place(kind="general", practitioner_id=uuid4()),
    elsewhere("township", specialty="03", kind="expert"),  # the general department of the family
]


@pytest.mark.parametrize("first", range(len(LADDER) - 1))
def test_the_better_place_comes_first(first: int) -> None:
    better, worse = LADDER[first], LADDER[first + 1]
    assert offered(worse, better) == offered(better, worse) == [better, worse]


@pytest.mark.parametrize("specialty", ["", "04", "03.05"])
def test_another_specialty_is_no_answer(specialty: str) -> None:
    assert offered(elsewhere("county", specialty=specialty)) == []


def test_three_at_most_and_one_of_each_schedule() -> None:
    twins = [place(), place(schedule_id=(schedule := uuid4())), place(schedule_id=schedule)]
    chosen = offered(*twins, *(place(days=n) for n in range(2, 9)))
    assert len(chosen) == CANDIDATES_MOST
    assert len({option.spot.schedule_id for option in chosen}) == CANDIDATES_MOST


def test_places_are_shared_out_in_order_and_run_out() -> None:
    visits = [Stopped(uuid4(), uuid4(), STOPPED) for _ in range(3)]
    near, far = place(days=1, free=1), place(days=3, free=1)
    engaged: dict[UUID, Engagements] = {visit.patient_id: Engagements() for visit in visits}
    found = share_out(visits, [far, near], engaged)
    assert [found[visit.appointment_id] for visit in visits] == [[near, far], [far], []]


@pytest.mark.parametrize(
    "mine",
    [
        Engagements(barred=True),
        Engagements([place(schedule_id=uuid4()).spot]),  # the department, that day
        Engagements([place(department_id=uuid4(), starts_at=NINE + DAY).spot]),  # at the same time
    ],
    ids=["barred", "a department a day", "at the same time"],
)
def test_no_place_breaks_a_limit(mine: Engagements) -> None:
    assert offered(place(), mine=mine) == []
    assert offered(place(days=4, kind="general"), mine=mine) != []


def test_three_a_day() -> None:
    later = [NINE + DAY + timedelta(hours=n) for n in (2, 4, 6)]
    spots = [
        place(department_id=uuid4(), starts_at=at, ends_at=at + timedelta(minutes=30)).spot
        for at in later
    ]
    assert offered(place(), mine=Engagements(spots)) == []
    assert offered(place(), mine=Engagements(spots[:2])) != []


@pytest.mark.parametrize(
    ("status", "held", "by", "became"),
    [
        ("pending", 5, None, "offered"),
        ("pending", 0, None, "lapsed"),
        ("booked", None, None, "accepted"),
        ("fulfilled", None, None, "accepted"),
        ("cancelled", 5, "patient", "declined"),
        ("cancelled", 5, "system", "lapsed"),
        ("cancelled", 5, "provider", "stopped"),
        ("cancelled", None, "patient", "accepted"),  # and given up later
    ],
)
def test_what_became_of_an_offer(
    status: str, held: int | None, by: str | None, became: str
) -> None:
    until = None if held is None else NINE + timedelta(minutes=held)
    assert outcome("offered", status=status, held_until=until, by=by, now=NINE) == became
    for stored in ("none", "undone"):
        assert outcome(stored, status=status, held_until=until, by=by, now=NINE) == stored
