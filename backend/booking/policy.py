"""Pure: the numbers of booking, what follows from them, and the states of an appointment.

Every number is configuration, versioned, and stored on the booking by its version. The defaults are
what Chinese hospitals and platforms publish (they vary, hence configuration per organization, tier
and 号别); the reasons stand in docs/adr/0008-booking-policy.md.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from backend.clock import SHANGHAI, at

Days = Annotated[int, msgspec.Meta(ge=0, le=366)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=1440)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100)]
Wall = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Policy(
    msgspec.Struct, frozen=True, cache_hash=True, kw_only=True, forbid_unknown_fields=True
):
    """Booking numbers of one organization and 号别. Wall-clock times are in Asia/Shanghai."""

    version: str = "built-in@1"
    horizon_days: Days = 14
    release_at: Wall = "07:00"
    closes_min: Minutes = 30
    """Booking closes so many minutes before the slot."""
    cancel_days_before: Days = 0
    """0: the deadline is `cancel_min` minutes before the slot; n: `cancel_at`, n days before."""
    cancel_at: Wall = "17:00"
    cancel_min: Minutes = 30
    cancel_grace_min: Minutes = 10
    """A slip of the finger: within so many minutes of booking a cancellation counts for nothing."""
    checkin_min: Minutes = 60
    """Check-in opens so many minutes before the slot; it closes when the schedule ends."""
    hold_min: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10
    moves_most: Count = 2
    no_shows_most: Count = 3
    no_show_days: Days = 90
    no_show_bar_days: Days = 90
    cancellations_most: Count = 3
    cancellation_days: Days = 30
    cancellation_bar_days: Days = 30
    per_department_day: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    per_day: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    patients_per_account: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5
    stopped_hold_days: Annotated[int, msgspec.Meta(ge=0, le=14)] = 1
    """After 停诊 another place is kept until `stopped_hold_at` so many days later."""
    stopped_hold_at: Wall = "20:00"
    waitlist_offer_min: Annotated[int, msgspec.Meta(ge=5, le=1440)] = 30
    """How long a place offered from the waiting list is kept, quiet hours not counted."""
    waitlist_quiet_from: Wall = "22:00"
    waitlist_quiet_to: Wall = "07:00"
    """Between these an offer's time stands still. Equal: never."""
    waitlist_per_patient: Annotated[int, msgspec.Meta(ge=0, le=20)] = 3
    """Waits of one patient at a time; 0: there is no waiting list."""
    waitlist_offers_most: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    """So many offers missed end a wait."""
    waitlist_ahead_days: Days = 7
    """One may wait for days so far beyond the horizon."""


COUNTY = Policy(version="built-in-county@1", horizon_days=7, cancel_days_before=1)
TOWNSHIP = Policy(version="built-in-township@1")
VILLAGE = Policy(version="built-in-village@1")
BUILT_IN = {"county": COUNTY, "township": TOWNSHIP, "village": VILLAGE}
MINUTE = timedelta(minutes=1)
BARRED_KIND = "expert"  # a restriction never bars general, township or village care


def with_numbers(base: Policy, version: str, numbers: Mapping[str, Any]) -> Policy:
    """`base` with some numbers changed, checked against their limits.

    Raises:
        msgspec.ValidationError: an unknown name, or a number outside its limits.
    """
    return msgspec.convert({**msgspec.structs.asdict(base), **numbers, "version": version}, Policy)


@lru_cache(maxsize=10_000)
def opens_at(policy: Policy, held_on: date) -> datetime:
    """When a day's places are released, UTC."""
    return at(held_on - timedelta(days=policy.horizon_days), time.fromisoformat(policy.release_at))


def closes_at(policy: Policy, starts_at: datetime) -> datetime:
    """When a slot stops being bookable, UTC."""
    return starts_at - policy.closes_min * MINUTE


@lru_cache(maxsize=10_000)
def cancel_free_until(policy: Policy, starts_at: datetime) -> datetime:
    """Until when a cancellation is not late, UTC."""
    if not policy.cancel_days_before:
        return starts_at - timedelta(minutes=policy.cancel_min)
    held_on = starts_at.astimezone(SHANGHAI).date()
    return at(
        held_on - timedelta(days=policy.cancel_days_before), time.fromisoformat(policy.cancel_at)
    )


def is_late(policy: Policy, *, booked_at: datetime, starts_at: datetime, now: datetime) -> bool:
    """Whether cancelling now counts as a no-show (逾期取消按爽约计)."""
    in_grace = now <= booked_at + timedelta(minutes=policy.cancel_grace_min)
    return now > cancel_free_until(policy, starts_at) and not in_grace


def counts(policy: Policy, *, booked_at: datetime, now: datetime) -> bool:
    """Whether cancelling now is counted towards the month's cancellations."""
    return now > booked_at + timedelta(minutes=policy.cancel_grace_min)


def stopped_hold_until(policy: Policy, *, starts_at: datetime, now: datetime) -> datetime:
    """Until when a place is kept for somebody whose visit was stopped, UTC: never longer than it
    could be booked."""
    on = now.astimezone(SHANGHAI).date() + timedelta(days=policy.stopped_hold_days)
    until = at(on, time.fromisoformat(policy.stopped_hold_at))
    return min(until, closes_at(policy, starts_at))


def barred_until(deeds: Iterable[datetime], *, most: int, within: int, bar: int) -> datetime | None:
    """Until when somebody is barred who did `deeds`: `most` of them within `within` days bar for
    `bar` days from the last of them. None: never barred. `most` 0 switches the rule off."""
    if most == 0:
        return None
    ordered = sorted(deeds)
    last = None
    for first, final in zip(ordered, ordered[most - 1 :], strict=False):
        if final - first <= timedelta(days=within):
            last = final
    return last + timedelta(days=bar) if last else None


# --- the states of an appointment ---------------------------------------------------------------

PENDING, BOOKED, CHECKED_IN, CALLED = "pending", "booked", "checked_in", "called"
FULFILLED, CANCELLED, NO_SHOW, EXCUSED = "fulfilled", "cancelled", "no_show", "excused"
UPCOMING = (PENDING, BOOKED, CHECKED_IN, CALLED)
# State → who moves it on, and where to. An ended one has nobody and nowhere.
# A no-show goes on only by an appeal or an amnesty.
TRANSITIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    PENDING: ("resident", (BOOKED, CANCELLED)),
    BOOKED: ("resident", (CHECKED_IN, CANCELLED, NO_SHOW)),
    CHECKED_IN: ("desk", (CALLED, FULFILLED)),
    CALLED: ("doctor", (FULFILLED, CHECKED_IN)),
    NO_SHOW: ("administrator", (BOOKED, EXCUSED)),
    FULFILLED: ("", ()),
    CANCELLED: ("", ()),
    EXCUSED: ("", ()),
}
