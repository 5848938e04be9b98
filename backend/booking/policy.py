"""Pure: the numbers of booking, what follows from them, and the states of an appointment.

Every number is configuration, versioned, and stored on the booking by its version. The defaults are
what Chinese hospitals and platforms publish (they vary, hence configuration per organization, tier
and 号别); the reasons stand in docs/adr/0008-booking-policy.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from backend.clock import SHANGHAI, at

Days = Annotated[int, msgspec.Meta(ge=0, le=366)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=1440)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100)]
Percent = Annotated[int, msgspec.Meta(ge=100, le=400)]
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
    bar_second_pct: Percent = 150
    """Reaching a limit the second time within `GRADE_DAYS` bars so many percent of the days."""
    bar_third_pct: Percent = 200
    """The third one, and every further one."""
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
# A restriction bars experts of the county hospital, never general, township or village care.
BARRED_KIND, BARRED_TIER = "expert", "county"
GRADE_DAYS = 365  # so far back it counts how often a limit was reached


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


def bars_kind(kind: str, tier: str) -> bool:
    """Whether a restriction is about such places: never general, township or village care."""
    return (kind, tier) == (BARRED_KIND, BARRED_TIER)


class Bar(msgspec.Struct, frozen=True):
    """From the deed that reached the limit on; `grade` as it is at its end. UTC."""

    from_at: datetime
    until_at: datetime
    grade: int


def bars(
    deeds: Iterable[datetime],
    *,
    most: int,
    within: int,
    bar: int,
    grades: Sequence[int] = (100,),
) -> list[Bar]:
    """What follows from `deeds`, oldest first: `most` of them within `within` days bar for `bar`
    days from the last of them; a deed during a bar prolongs it if the limit is still reached.

    Longer by `grades` (percent), by how often the limit was reached within `GRADE_DAYS` with deeds
    that were counted once only. So whatever is taken back, no bar becomes longer by it. `most` 0
    switches the rule off.
    """
    found: list[Bar] = []
    if most == 0:
        return found
    ordered, span = sorted(deeds), timedelta(days=within)
    for first, last in zip(ordered, ordered[most - 1 :], strict=False):
        if last - first > span:
            continue
        year_ago = last - timedelta(days=GRADE_DAYS)
        recent = [moment for moment in ordered if year_ago < moment <= last]
        grade = max(1, _rounds(recent, most, span))
        until = last + timedelta(days=bar * grades[min(grade, len(grades)) - 1] / 100)
        since = last
        if found and last <= found[-1].until_at:
            before = found.pop()
            since, until = before.from_at, max(before.until_at, until)
        found.append(Bar(since, until, grade))
    return found


def _rounds(ordered: Sequence[datetime], most: int, span: timedelta) -> int:
    """How often `most` deeds fall within `span`, each deed counted once; as many as possible."""
    rounds, unused = 0, list[datetime]()
    for moment in ordered:
        unused.append(moment)
        if len(unused) >= most and moment - unused[-most] <= span:
            rounds += 1
            unused.clear()
    return rounds


def bars_for_no_shows(policy: Policy, deeds: Iterable[datetime]) -> list[Bar]:
    """What follows from no-shows and late cancellations, oldest first."""
    return bars(
        deeds,
        most=policy.no_shows_most,
        within=policy.no_show_days,
        bar=policy.no_show_bar_days,
        grades=grades(policy),
    )


def bars_for_cancellations(policy: Policy, deeds: Iterable[datetime]) -> list[Bar]:
    """What follows from cancellations in time, oldest first."""
    return bars(
        deeds,
        # "More than n" bars, so n are free.
        most=policy.cancellations_most + 1 if policy.cancellations_most else 0,
        within=policy.cancellation_days,
        bar=policy.cancellation_bar_days,
        grades=grades(policy),
    )


def grades(policy: Policy) -> tuple[int, ...]:
    """How much longer than the first each bar within `GRADE_DAYS` is, in percent."""
    return (100, policy.bar_second_pct, policy.bar_third_pct)


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
