"""Pure: the order of the line, who is late, how long it may take, the states of a place in it."""

import math
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from backend.booking.policy import MINUTE, Policy

WAITING, CALLED, IN_ROOM, DONE, SKIPPED, LEFT = (
    "waiting", "called", "in_room", "done", "skipped", "left",
)  # fmt: skip


class State(NamedTuple):
    """`owner`: who must do something next; nobody when it is over. `exits`: deed → next state."""

    owner: str | None
    exits: dict[str, str]


STATES = {
    WAITING: State("doctor", {"call": CALLED, "leave": LEFT, "close": LEFT}),
    CALLED: State(
        "doctor",
        {
            "recall": CALLED,
            "admit": IN_ROOM,
            "skip": SKIPPED,
            "finish": DONE,
            "leave": LEFT,
            "close": LEFT,
        },
    ),
    IN_ROOM: State("doctor", {"finish": DONE, "close": DONE}),
    SKIPPED: State("desk", {"return": WAITING, "leave": LEFT, "close": LEFT}),
    DONE: State(None, {}),
    LEFT: State(None, {}),
}
OPEN = tuple(state for state, known in STATES.items() if known.exits)


def sources(deed: str) -> tuple[str, ...]:
    """The states from which a deed leads somewhere."""
    return tuple(state for state, known in STATES.items() if deed in known.exits)


# --- order --------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """By whose time the line is ordered (then by number), UTC."""

    at: datetime
    late: bool


def turn_of(*, starts_at: datetime, ends_at: datetime, now: datetime) -> Turn:
    """Where somebody stands who comes now for a slot: with it, or late.

    Whoever is there before their slot has ended goes with it, early or not. Whoever comes later
    takes the instant of coming, which lies behind the start of the slot in progress and before the
    next one. Source: docs/adr/0023-the-day.md.
    """
    if now < ends_at:
        return Turn(starts_at, False)
    return Turn(now, True)


def turn_without_slot(*, starts_at: datetime, now: datetime) -> datetime:
    """Of whoever comes without an appointment, or back after not answering a call: behind the slot
    in progress, and never before the place that was given to them."""
    return max(starts_at, now)


# --- when one may check in ------------------------------------------------------------------------


def checkin_opens_at(policy: Policy, starts_at: datetime) -> datetime:
    """UTC. It closes when the schedule ends."""
    return starts_at - policy.checkin_min * MINUTE


# --- how long it may take -------------------------------------------------------------------------

VISITS_LEAST = 3  # fewer say nothing about a doctor's pace
VISITS_MOST = 10  # the last ones: a pace changes over a morning
SPREAD = 0.25  # a quarter less, a quarter more
STEP_MIN = 5  # nobody's clock is finer than that


class Wait(NamedTuple):
    """Minutes, both multiples of `STEP_MIN`."""

    least: int
    most: int


def pace_min(visits: Sequence[timedelta], *, slot: timedelta, capacity: int, rooms: int) -> float:
    """Minutes between two calls: the median of the last visits, shared by the rooms; or, while
    there are too few of them, what the schedule itself plans."""
    if len(visits) >= VISITS_LEAST:
        last = [visit / MINUTE for visit in visits[-VISITS_MOST:]]
        return statistics.median(last) / max(1, rooms)
    return slot / MINUTE / max(1, capacity)


def wait(ahead: int, *, pace: float, starts_at: datetime, now: datetime) -> Wait:
    """How long somebody with `ahead` people before them waits; a range, as nobody knows better.

    Before the schedule has begun its start is waited for as well.
    """
    before = max(timedelta(), starts_at - now) / MINUTE
    least = before + ahead * pace * (1 - SPREAD)
    most = before + (ahead + 1) * pace * (1 + SPREAD)
    return Wait(
        math.floor(least / STEP_MIN) * STEP_MIN,
        max(STEP_MIN, math.ceil(most / STEP_MIN) * STEP_MIN),
    )
