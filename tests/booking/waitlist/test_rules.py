"""The pure rules of waiting: how long an offer runs, which choices overlap, states with an exit."""

from datetime import date, datetime, time
from uuid import uuid4

import pytest

from backend import clock
from backend.booking.policy import Policy
from backend.booking.waitlist import proof
from backend.booking.waitlist.models import WaitlistEvent
from backend.booking.waitlist.policy import LIVING, STEPS, do_overlap, offer_until

DAY, NEXT = date(2026, 11, 24), date(2026, 11, 25)


def at(day: date, wall: str) -> datetime:
    return clock.at(day, time.fromisoformat(wall))


@pytest.mark.parametrize(
    ("now", "closes", "until"),
    [
        ("12:00", (NEXT, "08:30"), (DAY, "12:30")),
        ("21:50", (NEXT, "08:30"), (NEXT, "07:20")),  # ten minutes in the evening, twenty after
        ("22:00", (NEXT, "08:30"), (NEXT, "07:30")),
        ("02:00", (NEXT, "08:30"), (DAY, "07:30")),
        ("21:30", (NEXT, "08:30"), (DAY, "22:00")),
        ("23:00", (NEXT, "07:15"), (NEXT, "07:15")),  # the slot closes sooner
        ("23:00", (NEXT, "07:05"), None),  # nobody is woken for five minutes
        ("12:00", (DAY, "12:10"), (DAY, "12:10")),
        ("12:00", (DAY, "12:09"), None),
    ],
)
def test_an_offer_runs_half_an_hour_of_the_day(
    now: str, closes: tuple[date, str], until: tuple[date, str] | None
) -> None:
    found = offer_until(Policy(), now=at(DAY, now), closes_at=at(*closes))
    assert found == (at(*until) if until else None)


def test_without_quiet_hours_the_night_counts() -> None:
    policy = Policy(waitlist_quiet_from="00:00", waitlist_quiet_to="00:00")
    assert offer_until(policy, now=at(DAY, "23:50"), closes_at=at(NEXT, "09:00")) == at(
        NEXT, "00:20"
    )


def test_quiet_hours_may_lie_within_a_day_and_stop_a_long_offer_twice() -> None:
    policy = Policy(waitlist_offer_min=1440, waitlist_quiet_from="12:00", waitlist_quiet_to="14:00")
    found = offer_until(policy, now=at(DAY, "11:00"), closes_at=at(date(2026, 11, 30), "09:00"))
    assert found == at(NEXT, "15:00")  # one hour, twenty-two until noon, one after two


def test_a_department_overlaps_each_of_its_doctors() -> None:
    here, there, one, other = uuid4(), uuid4(), uuid4(), uuid4()
    assert do_overlap((here, None), (here, one))
    assert do_overlap((here, one), (here, one))
    assert not do_overlap((here, one), (here, other))
    assert not do_overlap((here, None), (there, None))


def test_every_living_state_has_a_way_out() -> None:
    ended = {to for (_, _), to in STEPS.items()} - set(LIVING)
    for state in LIVING:
        ways = {to for (before, _), to in STEPS.items() if before == state}
        assert ways & (ended | set(LIVING) - {state})
    assert not any(before in ended for before, _ in STEPS)


def test_an_offer_that_nobody_took_ends_before_the_next_of_the_same_instant() -> None:
    first, both = at(DAY, "12:00"), at(DAY, "12:31")
    told = [
        WaitlistEvent(action=action, at=when)
        for action, when in (
            ("lapse", both), ("offer", both), ("offer", first), ("pass", first), ("join", first),
        )
    ]  # fmt: skip
    found = [event.action for event in proof.in_order(told)]
    assert found == ["join", "offer", "pass", "lapse", "offer"]
