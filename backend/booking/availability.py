"""What can be booked: schedules with their free places (余号), and the slots of one schedule.

A held place whose time has passed counts as free here too, before any job has come by.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db
from backend.booking import policy as rules
from backend.booking.models import Schedule, Slot
from backend.booking.policies import Policies, policies
from backend.booking.policy import Policy
from backend.booking.wanted import Search, departments_of
from backend.consortium.directory import Dept, Directory, Doctor, Org, directory, distance_km
from backend.errors import NotFound

DAYS_MOST = 62  # a search spans no more
SLOTS_MOST = 200
LOOKS_MOST = 5  # for one page, while what is found turns out closed or gone
LOOK_AGAIN_AT = 200  # schedules
NO_SCHEDULE = "没有找到这个班次，请刷新后再选。"

Cursor = tuple[date, datetime, UUID]

# $4 is now; $5 is later by what the policy that closes latest asks. Which one holds is told after.
# Holds whose time has passed are few, and found by an index of their own.
DEAD_BY_SLOT = """SELECT slot_id, CAST(count(*) AS integer) AS places FROM appointment
  WHERE status = 'pending' AND held_until <= $4 GROUP BY slot_id"""
FREE_SLOT = """SELECT 1 FROM slot sl WHERE sl.schedule_id = s.id AND sl.pool = 'public'
  AND sl.open AND sl.starts_at > $5 AND (sl.booked < sl.capacity OR EXISTS (
    SELECT 1 FROM appointment a WHERE a.slot_id = sl.id AND a.status = 'pending'
    AND a.held_until <= $4))"""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule with its free places. `state`: open, full, not_open, closed, suspended."""

    id: UUID
    organization: Org
    department: Dept
    doctor: Doctor | None
    distance_km: float | None
    held_on: date
    period: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    fee_fen: int
    capacity: int
    free: int
    state: str
    opens_at: datetime
    release: str
    policy: Policy


class SlotOffer(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    free: int
    state: str


async def search(
    consortium_id: UUID, wanted: Search, *, after: Cursor | None, most: int
) -> tuple[list[Offer], Cursor | None]:
    """Schedules from today on, by day and time; with `near`, within `within_km` of there.

    And where the next page begins. A page is full while there are more: what its policy has closed,
    or what has left the directory, is made up for by what follows, `LOOKS_MOST` times.
    """
    county = await directory(consortium_id)
    departments = departments_of(county, wanted)
    if departments is not None and not departments:
        return [], None
    table = await policies(consortium_id)
    shown: list[Offer] = []
    at_once = most
    for _ in range(LOOKS_MOST):
        rows = await _rows(consortium_id, wanted, departments, table, after, at_once)
        offers = await _offers(rows, county, table, wanted)
        shown += [offer for offer in offers if offer.free or not wanted.free_only]
        if len(shown) > most:
            last = shown[most - 1]
            return shown[:most], (last.held_on, last.starts_at, last.id)
        if len(rows) < at_once:
            return shown, None
        after = _position(rows[-1])
        if len(shown) == most:
            break
        at_once = max(most, LOOK_AGAIN_AT)
    return shown, after


async def _offers(
    rows: list[db.Row], county: Directory, table: Policies, wanted: Search
) -> list[Offer]:
    found = [(row, _policy(row, county, table)) for row in rows]
    now = clock.now()
    closing = {
        db.as_uuid(row["id"]): policy.closes_min
        for row, policy in found
        if rules.closes_at(policy, db.as_instant(row["starts_at"])) <= now
    }
    open_now = await _free_while_closing(closing) if closing else {}
    offers = [_offer(row, policy, county, wanted, open_now, now) for row, policy in found]
    return [offer for offer in offers if offer is not None]


async def show(consortium_id: UUID, schedule_id: UUID) -> Offer:
    """One schedule. Raises NotFound: unknown, or over."""
    found, _ = await search(consortium_id, Search(schedule_id=schedule_id), after=None, most=1)
    if not found:
        raise NotFound(NO_SCHEDULE)
    return found[0]


async def free_among(
    consortium_id: UUID,
    choices: Sequence[tuple[UUID, UUID | None]],
    *,
    from_on: date,
    to_on: date,
    periods: Collection[str],
    kind: str | None,
    least: int,
) -> UUID | None:
    """A schedule of one of these (department, doctor or None) that can be booked right now and has
    `least` free places; None: there is none."""
    departments = list({department_id for department_id, _ in choices})
    wanted = Search(from_on=from_on, to_on=to_on, kind=kind, free_only=True)
    county, table = await directory(consortium_id), await policies(consortium_id)
    rows = await _rows(consortium_id, wanted, departments, table, None, LOOK_AGAIN_AT)
    for offer in await _offers(rows, county, table, wanted):
        doctor_id = offer.doctor.id if offer.doctor else None
        accepted = (offer.department.id, None) in choices or (
            doctor_id is not None and (offer.department.id, doctor_id) in choices
        )
        if accepted and offer.period in periods and offer.state == "open" and offer.free >= least:
            return offer.id
    return None


def _position(row: db.Row) -> Cursor:
    return db.as_date(row["held_on"]), db.as_instant(row["starts_at"]), db.as_uuid(row["id"])


async def _rows(
    consortium_id: UUID,
    wanted: Search,
    departments: list[UUID] | None,
    table: Policies,
    after: Cursor | None,
    most: int,
) -> list[db.Row]:
    now, first = clock.now(), wanted.from_on or clock.today()
    farthest = date.fromordinal(min(first.toordinal() + DAYS_MOST, date.max.toordinal()))
    last = min(wanted.to_on or farthest, farthest)
    values: list[Any] = [consortium_id, first, last, now]
    conditions = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    for column, value in (
        ("id", wanted.schedule_id),
        ("organization_id", wanted.organization_id),
        ("practitioner_id", wanted.practitioner_id),
        ("kind", wanted.kind),
    ):
        if value is not None:
            conditions.append(f"AND s.{column} = {bind(value)}")
    if departments is not None and len(departments) == 1:
        # Said plainly, so that the planner takes the department's own index.
        conditions.append(f"AND s.department_id = {bind(departments[0])}")
    elif departments is not None:
        conditions.append(f"AND {db.among('s.department_id', bind(departments))}")
    if after is not None:
        place = ", ".join(bind(part) for part in after)
        conditions.append(f"AND (s.held_on, s.starts_at, s.id) > ({place})")
    if wanted.free_only:
        beyond = bind(now + timedelta(minutes=table.closes_min_least))
        still_free = FREE_SLOT.replace("$5", beyond)
        conditions.append(f"AND s.status = 'open' AND EXISTS ({still_free})")
    # The page first, its sums after: a county has many more schedules than a page.
    statement = f"""
    WITH page AS (
      SELECT s.* FROM schedule s
      WHERE s.consortium_id = $1 AND s.held_on BETWEEN $2 AND $3 AND s.ends_at > $4
        AND s.status <> 'replaced'
        {" ".join(conditions)}
      ORDER BY s.held_on, s.starts_at, s.id LIMIT {int(most)}
    )
    SELECT page.id, page.organization_id, page.department_id, page.practitioner_id, page.held_on,
      page.period, page.kind, page.starts_at, page.ends_at, page.fee_fen, page.status, page.release,
      coalesce(sum(sl.capacity), 0) AS capacity, max(sl.starts_at) AS last_starts_at,
      coalesce(sum(CASE WHEN sl.open AND sl.starts_at > $4
        THEN sl.capacity - sl.booked + coalesce(dead.places, 0) ELSE 0 END), 0) AS free
    FROM page LEFT JOIN slot sl ON sl.schedule_id = page.id AND sl.pool = 'public'
    LEFT JOIN ({DEAD_BY_SLOT}) dead ON dead.slot_id = sl.id
    GROUP BY page.id, page.organization_id, page.department_id, page.practitioner_id, page.held_on,
      page.period, page.kind, page.starts_at, page.ends_at, page.fee_fen, page.status,
      page.release
    ORDER BY page.held_on, page.starts_at, page.id
    """
    return await db.fetch(statement, *values)


async def _free_while_closing(closing: dict[UUID, int]) -> dict[UUID, int]:
    """Free places of schedules that have begun to close, slot by slot. Minutes before each slot."""
    free = dict.fromkeys(closing, 0)
    now = clock.now()
    for slot in await _slots(list(closing)):
        schedule_id = slot["schedule_id"]
        if slot["starts_at"] - timedelta(minutes=closing[schedule_id]) > now and slot["open"]:
            free[schedule_id] += slot["free"]
    return free


async def _slots(schedule_ids: list[UUID]) -> list[dict[str, Any]]:
    """Public slots with their free places, dead holds given back."""
    slots = (
        await Slot.filter(schedule_id__in=schedule_ids, pool="public")
        .order_by("starts_at", "id")
        .limit(SLOTS_MOST * len(schedule_ids))
        .values("id", "schedule_id", "starts_at", "ends_at", "capacity", "booked", "open")
    )
    dead = {
        db.as_uuid(row["slot_id"]): row["places"]
        for row in await db.fetch(
            DEAD_BY_SLOT.replace("$4", "$1"),
            clock.now(),
        )
    }
    for slot in slots:
        slot["free"] = max(0, slot["capacity"] - slot["booked"] + dead.get(slot["id"], 0))
    return slots


def _policy(row: db.Row, county: Directory, table: Policies) -> Policy:
    organization_id = db.as_uuid(row["organization_id"])
    org = county.organizations.get(organization_id)
    tier = org.tier if org else "county"
    return table.pick(organization_id, tier, row["kind"], db.as_date(row["held_on"]))


def _offer(
    row: db.Row,
    policy: Policy,
    county: Directory,
    wanted: Search,
    open_now: dict[UUID, int],
    now: datetime,
) -> Offer | None:
    """None: its institution or department has left the directory."""
    org = county.organizations.get(db.as_uuid(row["organization_id"]))
    dept = county.departments.get(db.as_uuid(row["department_id"]))
    if org is None or dept is None:
        return None
    doctor_id = row["practitioner_id"]
    schedule_id, held_on = db.as_uuid(row["id"]), db.as_date(row["held_on"])
    free = max(0, open_now.get(schedule_id, int(row["free"])))
    ends_at = db.as_instant(row["ends_at"])
    last_starts_at = db.as_instant(row["last_starts_at"] or row["ends_at"])
    opens_at = rules.opens_at(policy, held_on)
    closes_at = rules.closes_at(policy, last_starts_at)
    return Offer(
        id=schedule_id,
        organization=org,
        department=dept,
        doctor=county.doctors.get(db.as_uuid(doctor_id)) if doctor_id else None,
        distance_km=distance_km(wanted.near, org),
        held_on=held_on,
        period=row["period"],
        kind=row["kind"],
        starts_at=db.as_instant(row["starts_at"]),
        ends_at=ends_at,
        fee_fen=row["fee_fen"],
        capacity=int(row["capacity"]),
        free=free if row["status"] == "open" else 0,
        state=_state(
            row["status"] == "open", free, _released(row["release"], opens_at), closes_at, now
        ),
        release=row["release"],
        opens_at=opens_at,
        policy=policy,
    )


def _released(release: str, opens_at: datetime) -> datetime | None:
    """When anybody may book, UTC; None: not before the draw is over."""
    return opens_at if release == "first" else None


def _state(
    is_open: bool, free: int, opens_at: datetime | None, closes_at: datetime, now: datetime
) -> str:
    if not is_open:
        return "suspended"
    if now >= closes_at:
        return "closed"
    if opens_at is None or now < opens_at:
        return "not_open"
    return "open" if free else "full"


async def slots_of(consortium_id: UUID, schedule_id: UUID) -> list[SlotOffer]:
    """The public slots of one schedule, by time. Raises NotFound."""
    schedule = await Schedule.get_or_none(id=schedule_id, consortium_id=consortium_id)
    if schedule is None:
        raise NotFound(NO_SCHEDULE)
    county = await directory(consortium_id)
    table = await policies(consortium_id)
    facts = {
        "organization_id": schedule.organization_id,
        "kind": schedule.kind,
        "held_on": schedule.held_on,
    }
    policy = _policy(facts, county, table)
    opens_at, now = rules.opens_at(policy, schedule.held_on), clock.now()
    return [
        SlotOffer(
            id=slot["id"],
            starts_at=slot["starts_at"],
            ends_at=slot["ends_at"],
            capacity=slot["capacity"],
            free=slot["free"] if slot["open"] else 0,
            state=_state(
                slot["open"],
                slot["free"],
                _released(schedule.release, opens_at),
                rules.closes_at(policy, slot["starts_at"]),
                now,
            ),
        )
        for slot in await _slots([schedule_id])
    ]
