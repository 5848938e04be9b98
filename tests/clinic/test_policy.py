"""The order of the line, the late rule, honest waits, and a table without dead ends."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.booking.policy import TOWNSHIP
from backend.clinic import policy
from backend.clinic.policy import CALLED, DONE, LEFT, STATES, WAITING, Wait, turn_of

NINE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def test_every_state_has_an_owner_and_an_exit_or_is_over() -> None:
    for name, state in STATES.items():
        assert (state.owner is None) == (not state.exits), name
        assert set(state.exits.values()) <= STATES.keys(), name
    over = {name for name, state in STATES.items() if not state.exits}
    assert over == {DONE, LEFT}
    for name in policy.OPEN:  # the end of the day ends whatever is open
        assert STATES[name].exits["close"] in over


def test_every_state_is_reached_from_the_first() -> None:
    reached, new = {WAITING}, [WAITING]
    while new:
        for state in STATES[new.pop()].exits.values():
            if state not in reached:
                reached.add(state)
                new.append(state)
    assert reached == set(STATES)
    assert policy.sources("recall") == (CALLED,)


@pytest.mark.parametrize(
    ("came", "late"), [(-60, False), (0, False), (29, False), (30, True), (45, True)]
)
def test_late_is_who_comes_after_the_end_of_the_slot(came: int, late: bool) -> None:
    turn = turn_of(starts_at=NINE, ends_at=NINE + HALF, now=NINE + came * MINUTE)
    assert turn.late is late
    assert turn.at == (NINE + came * MINUTE if late else NINE)


def test_whoever_is_late_stands_behind_the_slot_in_progress_and_before_the_next() -> None:
    def comes(slot: int, at_min: int) -> tuple[datetime, str]:
        starts = NINE + slot * HALF
        turn = turn_of(starts_at=starts, ends_at=starts + HALF, now=NINE + at_min * MINUTE)
        return turn.at, f"slot {slot} at {at_min}"

    line = [comes(0, 40), comes(2, 35), comes(1, 59), comes(0, 10), comes(1, -10), comes(0, 35)]
    assert [who for _, who in sorted(line, key=lambda one: one[0])] == [
        "slot 0 at 10", "slot 1 at 59", "slot 1 at -10", "slot 0 at 35", "slot 0 at 40",
        "slot 2 at 35",
    ]  # fmt: skip


def test_check_in_opens_an_hour_before_by_default() -> None:
    assert policy.checkin_opens_at(TOWNSHIP, NINE) == NINE - 60 * MINUTE


def test_the_pace_is_what_is_planned_until_three_visits_tell_better() -> None:
    planned = {"slot": HALF, "capacity": 3, "rooms": 1}
    assert policy.pace_min([], **planned) == 10
    assert policy.pace_min([20 * MINUTE] * 2, **planned) == 10
    assert policy.pace_min([4 * MINUTE, 6 * MINUTE, 60 * MINUTE], **planned) == 6
    old = [60 * MINUTE] * 20
    assert policy.pace_min([*old, *[5 * MINUTE] * 10], **planned) == 5, "only the last ten count"
    assert policy.pace_min([8 * MINUTE] * 3, slot=HALF, capacity=3, rooms=2) == 4


def test_a_wait_is_a_range_in_steps_of_five_minutes() -> None:
    now = NINE + MINUTE
    assert policy.wait(0, pace=10, starts_at=NINE, now=now) == Wait(0, 15)
    assert policy.wait(3, pace=10, starts_at=NINE, now=now) == Wait(20, 50)
    assert policy.wait(0, pace=0.5, starts_at=NINE, now=now) == Wait(0, 5)
    before = policy.wait(2, pace=10, starts_at=NINE, now=NINE - 30 * MINUTE)
    assert before == Wait(45, 70), "the start is waited for as well"
