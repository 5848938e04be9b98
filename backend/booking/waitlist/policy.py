"""Pure: the states of a wait, how long an offer is kept, and why somebody in line is passed.

The numbers are those of `booking.policy.Policy`; their reasons stand in
docs/adr/0021-waiting-list.md.
"""

from datetime import datetime, time, timedelta

from backend.booking.policy import MINUTE, Policy
from backend.clock import SHANGHAI

WAITING, OFFERED, PLACED, LEFT, EXPIRED = "waiting", "offered", "placed", "left", "expired"
LIVING = (WAITING, OFFERED)

# From a state, by an event's action, to the next one. What ends a wait has no way on.
STEPS = {
    (None, "join"): WAITING,
    (WAITING, "offer"): OFFERED,
    (WAITING, "pass"): WAITING,
    (WAITING, "leave"): LEFT,
    (WAITING, "expire"): EXPIRED,
    (OFFERED, "accept"): PLACED,
    (OFFERED, "decline"): WAITING,
    (OFFERED, "lapse"): WAITING,
    (OFFERED, "withdraw"): WAITING,
}

# What happens to one entry at the very same instant happens in this order, where it can follow.
ACTIONS = (
    "join", "offer", "accept", "decline", "withdraw", "lapse", "pass", "leave", "expire",
)  # fmt: skip

LEAST = timedelta(minutes=10)  # to see an offer and answer it; a place with less time goes public
NIGHT = timedelta(days=1)

# Why somebody in line was passed.
REFUSED = "refused"  # this very place was offered to them and not taken
EARLIER = "already-booked"
DAY = "day-limit"
DEPARTMENT = "department-limit"
BARRED = "expert-restricted"
NOBODY = "nobody-acts"  # nobody cares for the patient any more
ELSEWHERE = "no-longer-waiting"  # left, or got another offer, at this very moment
TOO_FEW = "too-few-places"  # for a family that wants to come together


def offer_until(policy: Policy, *, now: datetime, closes_at: datetime) -> datetime | None:
    """Until when a place offered now is kept, UTC; None: there is not enough time to ask.

    Quiet hours (22:00 to 07:00 in Asia/Shanghai) do not count. Never beyond `closes_at`.
    """
    last = min(_run(policy, now, policy.waitlist_offer_min * MINUTE), closes_at)
    least = min(LEAST, policy.waitlist_offer_min * MINUTE)
    return last if last >= _run(policy, now, least) else None


def _run(policy: Policy, start: datetime, length: timedelta) -> datetime:
    """`length` after `start`, on a clock that stands still in quiet hours."""
    awake = _awake(policy, start)
    quiet = _next_quiet(policy, awake)
    while quiet is not None and awake + length > quiet:
        length -= quiet - awake
        awake = _awake(policy, quiet)
        quiet = _next_quiet(policy, awake)
    return awake + length


def _awake(policy: Policy, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours that it falls into."""
    local = at.astimezone(SHANGHAI)
    begins, ends = _quiet(policy)
    if begins == ends or not _is_between(local.time(), begins, ends):
        return at
    day = local.date() if local.time() < ends else local.date() + NIGHT
    return datetime.combine(day, ends, SHANGHAI).astimezone(at.tzinfo)


def _next_quiet(policy: Policy, awake: datetime) -> datetime | None:
    """When the quiet hours after `awake` begin; None: there are none."""
    begins, ends = _quiet(policy)
    if begins == ends:
        return None
    local = awake.astimezone(SHANGHAI)
    day = local.date() if local.time() < begins else local.date() + NIGHT
    return datetime.combine(day, begins, SHANGHAI).astimezone(awake.tzinfo)


def _quiet(policy: Policy) -> tuple[time, time]:
    return time.fromisoformat(policy.waitlist_quiet_from), time.fromisoformat(
        policy.waitlist_quiet_to
    )


def _is_between(wall: time, begins: time, ends: time) -> bool:
    if begins < ends:
        return begins <= wall < ends
    return wall >= begins or wall < ends


def do_overlap(one: tuple[object, object], other: tuple[object, object]) -> bool:
    """Whether two (department, doctor) choices accept a common place; no doctor means any."""
    return one[0] == other[0] and (one[1] is None or other[1] is None or one[1] == other[1])
