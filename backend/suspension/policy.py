"""Pure: what a patient whose visit was stopped can be offered, what became of the offer, and when.

The order of offers is the county's promise to residents, so it stands here alone: the same 号别 and
specialty first, then the same doctor, the same institution, the nearer tier, the shorter way.
Source: docs/adr/0022-suspension.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from backend.booking.policy import CANCELLED, PENDING, Policy, bars_kind
from backend.clock import SHANGHAI

CANDIDATES_MOST = 3
UNDO = timedelta(minutes=10)
HELD_LEAST = timedelta(minutes=30)  # a shorter offer nobody sees in time
TIERS = ("village", "township", "county")  # the nearest to home first

ACTIVE, UNDOING, UNDONE = "active", "undoing", "undone"
NONE, OFFERED, ACCEPTED, DECLINED, LAPSED = "none", "offered", "accepted", "declined", "lapsed"
STOPPED_TOO = "stopped"  # the place offered was stopped as well; another case goes on from there


@dataclass(frozen=True, slots=True)
class Spot:
    """Where, with whom and when: of a visit that is stopped, or of a place that can be offered."""

    slot_id: UUID
    schedule_id: UUID
    organization_id: UUID
    tier: str
    department_id: UUID
    specialty: str
    """诊疗科目 code, `03.04`; empty: not known."""
    practitioner_id: UUID | None
    kind: str
    held_on: date
    starts_at: datetime
    ends_at: datetime
    fee_fen: int


@dataclass(frozen=True, slots=True)
class Option:
    """A place that is free now. `km`: from the institution that is stopped; None: not known."""

    spot: Spot
    free: int
    policy: Policy
    km: float | None = None


@dataclass(slots=True)
class Engagements:
    """What a patient has already, the visit that is stopped left out."""

    spots: list[Spot] = field(default_factory=list)
    barred: bool = False
    """From 专家号."""

    def allow(self, option: Option) -> bool:
        """Whether the place breaks none of the patient's limits."""
        spot, policy = option.spot, option.policy
        day = [other for other in self.spots if other.held_on == spot.held_on]
        of_department = [other for other in day if other.department_id == spot.department_id]
        return (
            not (self.barred and bars_kind(spot.kind, spot.tier))
            and len(day) < policy.per_day
            and len(of_department) < policy.per_department_day
            and not any(other.schedule_id == spot.schedule_id for other in day)
            and not any(_overlap(other, spot) for other in day)
        )


def _overlap(one: Spot, other: Spot) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def family(specialty: str) -> str:
    """The first level of a 诊疗科目 code: `03` of `03.04`."""
    return specialty.partition(".")[0]


def alike(stopped: Spot, spot: Spot) -> int | None:
    """How well a place answers for another, 0 the best: the same department, the same specialty,
    the general department of the same family. None: another matter.
    """
    if spot.department_id == stopped.department_id:
        return 0
    if stopped.practitioner_id is not None and spot.practitioner_id == stopped.practitioner_id:
        return 0
    if not stopped.specialty:
        return None
    if spot.specialty == stopped.specialty:
        return 0
    return 1 if spot.specialty == family(stopped.specialty) else None


Rank = tuple[int | float | bool, ...]


def rank(stopped: Spot, option: Option) -> Rank | None:
    """The smaller the better; None: no answer to what was stopped."""
    spot = option.spot
    likeness = alike(stopped, spot)
    if likeness is None:
        return None
    same_doctor = spot.practitioner_id is not None
    same_doctor = same_doctor and spot.practitioner_id == stopped.practitioner_id
    return (
        likeness > 0 or spot.kind != stopped.kind,
        not same_doctor,
        spot.organization_id != stopped.organization_id,
        TIERS.index(spot.tier),
        option.km if option.km is not None else float("inf"),
        spot.fee_fen > stopped.fee_fen,
        # Rather later than earlier than people had arranged their days; then as near as can be.
        spot.held_on < stopped.held_on,
        abs((spot.held_on - stopped.held_on).days),
        abs(_minutes(spot.starts_at) - _minutes(stopped.starts_at)),
    )


def _minutes(at: datetime) -> int:
    local = at.astimezone(SHANGHAI)
    return local.hour * 60 + local.minute


@dataclass(frozen=True, slots=True)
class Stopped:
    """One patient's visit that is stopped; by the order of these, places are shared out."""

    appointment_id: UUID
    patient_id: UUID
    spot: Spot


def share_out(
    visits: Sequence[Stopped], options: Iterable[Option], engaged: Mapping[UUID, Engagements]
) -> dict[UUID, list[Option]]:
    """At most `CANDIDATES_MOST` places for each visit, the best first, in the order of `visits`.

    The first of them is counted as taken for those who come after, and as an engagement of the
    patient; so everybody's first is free when it is their turn. `engaged` grows.
    """
    options = list(options)
    free = {option.spot.slot_id: option.free for option in options}
    ranked: dict[UUID, list[Option]] = {}
    found: dict[UUID, list[Option]] = {}
    for visit in visits:
        order = ranked.get(visit.spot.slot_id)
        if order is None:
            order = ranked[visit.spot.slot_id] = _ordered(visit.spot, options)
        mine = engaged[visit.patient_id]
        chosen = _first(order, free, mine)
        found[visit.appointment_id] = chosen
        if chosen:
            free[chosen[0].spot.slot_id] -= 1
            mine.spots.append(chosen[0].spot)
    return found


def _ordered(stopped: Spot, options: Iterable[Option]) -> list[Option]:
    ranked = ((rank(stopped, option), option) for option in options)
    fitting = [(order, option) for order, option in ranked if order is not None]
    fitting.sort(key=lambda one: (one[0], one[1].spot.starts_at, str(one[1].spot.slot_id)))
    return [option for _, option in fitting]


def _first(order: list[Option], free: dict[UUID, int], mine: Engagements) -> list[Option]:
    """One of each schedule: a choice is another day or doctor, not half an hour."""
    chosen: list[Option] = []
    schedules: set[UUID] = set()
    for option in order:
        spot = option.spot
        if spot.schedule_id in schedules or free[spot.slot_id] <= 0:
            continue
        if mine.allow(option):
            chosen.append(option)
            schedules.add(spot.schedule_id)
            if len(chosen) == CANDIDATES_MOST:
                break
    return chosen


def outcome(
    stored: str, *, status: str | None, held_until: datetime | None, by: str | None, now: datetime
) -> str:
    """What became of a case, by the appointment that was offered (`by`: who cancelled it).

    `confirm` takes `held_until` away, so a cancelled one without it had been accepted before.
    """
    if stored != OFFERED or status is None:
        return stored
    if status == PENDING:
        return LAPSED if is_dead(held_until, now) else OFFERED
    if status != CANCELLED:
        return ACCEPTED
    if by == "provider":
        return STOPPED_TOO
    if held_until is None:
        return ACCEPTED
    return DECLINED if by == "patient" else LAPSED


def is_dead(held_until: datetime | None, now: datetime) -> bool:
    """Whether the time of an offer that nobody has answered is over."""
    return held_until is not None and held_until <= now
