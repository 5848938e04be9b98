"""家医号: a family doctor books for a resident who has a contract with them, before the public."""

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from backend import clock, db
from backend.booking import kept, pools
from backend.booking import policy as rules
from backend.booking.desk import Desk
from backend.booking.errors import BookingClosed, NotYetOpen
from backend.booking.places import Place
from backend.booking.policies import policies
from backend.booking.policy import Policy
from backend.booking.pool_rules import pool_rules
from backend.booking.pools import FAMILY_DOCTOR, REFERRAL, Rule
from backend.booking.tickets import Ticket
from backend.consortium.directory import Dept, Doctor, Org, directory
from backend.errors import NotFound
from backend.identity import contracts
from backend.identity.access import Actor

log = structlog.get_logger()

RIGHT = "priority.book"
AHEAD = timedelta(days=62)  # a look spans no more
ROWS_MOST = 5000
NO_PLACE = "没有找到这个时段，请刷新后再选。"
REASON = "家庭医生帮您约的号"
ORIGINS = {FAMILY_DOCTOR: "doctor", REFERRAL: "referral"}

# $1 consortium, $2 pool, $3 now, $4 first and $5 last day. Dead holds are not counted as free: a
# job ends them within half a minute.
FREE = """
FROM slot sl JOIN schedule s ON s.id = sl.schedule_id
WHERE s.consortium_id = $1 AND s.held_on BETWEEN $4 AND $5 AND s.status = 'open'
  AND sl.pool = $2 AND sl.open AND sl.booked < sl.capacity AND sl.starts_at > $3
"""
FREE_BY_DAY = f"""
SELECT s.organization_id, s.department_id, s.kind, s.held_on, MAX(sl.starts_at) AS starts_at,
  CAST(SUM(sl.capacity - sl.booked) AS integer) AS free {FREE}
GROUP BY s.organization_id, s.department_id, s.kind, s.held_on LIMIT {ROWS_MOST}
"""
FREE_IN_DEPARTMENT = f"""
SELECT sl.id, s.organization_id, s.department_id, s.practitioner_id, s.kind, s.held_on, s.fee_fen,
  sl.starts_at, sl.ends_at, sl.capacity - sl.booked AS free {FREE} AND s.department_id = $6
ORDER BY sl.starts_at, sl.id LIMIT {ROWS_MOST}
"""


class Choice(msgspec.Struct, frozen=True):
    """A department with free places of the pool."""

    organization: Org
    department: Dept
    free: int


class FreePlace(msgspec.Struct, frozen=True):
    """A time with free places of the pool. Instants UTC; `fee_fen` in fen (0.01 yuan)."""

    slot_id: UUID
    doctor: Doctor | None
    kind: str
    held_on: date
    starts_at: datetime
    ends_at: datetime
    fee_fen: int
    free: int


async def departments(actor: Actor) -> list[Choice]:
    """Where a family doctor can book now, by institution and name. Raises NotFound."""
    actor.must(RIGHT)
    county = await directory(actor.consortium_id)
    free: Counter[UUID] = Counter()
    for row in await db.fetch(FREE_BY_DAY, *_span(actor, FAMILY_DOCTOR)):
        if await _is_open(actor, row, FAMILY_DOCTOR):
            free[db.as_uuid(row["department_id"])] += row["free"]
    found = []
    for department_id, places in free.items():
        dept = county.departments.get(department_id)
        if dept is not None and dept.organization_id in county.organizations:
            found.append(Choice(county.organizations[dept.organization_id], dept, places))
    return sorted(found, key=lambda one: (one.organization.name, one.department.name))


async def free_places(actor: Actor, department_id: UUID) -> list[FreePlace]:
    """The department's free places for family doctors, by time. Raises NotFound."""
    actor.must(RIGHT)
    county = await directory(actor.consortium_id)
    rows = await db.fetch(FREE_IN_DEPARTMENT, *_span(actor, FAMILY_DOCTOR), department_id)
    return [
        FreePlace(
            db.as_uuid(row["id"]),
            county.doctors.get(db.as_uuid(row["practitioner_id"]))
            if row["practitioner_id"]
            else None,
            row["kind"],
            db.as_date(row["held_on"]),
            db.as_instant(row["starts_at"]),
            db.as_instant(row["ends_at"]),
            row["fee_fen"],
            row["free"],
        )
        for row in rows
        if await _is_open(actor, row, FAMILY_DOCTOR)
    ]


def _span(actor: Actor, pool: str) -> tuple[UUID, str, datetime, date, date]:
    today = clock.today()
    return actor.consortium_id, pool, clock.now(), today, today + AHEAD


async def _is_open(actor: Actor, row: db.Row, pool: str) -> bool:
    """Whether places like these can be booked from the pool now."""
    county = await directory(actor.consortium_id)
    organization_id, on = db.as_uuid(row["organization_id"]), db.as_date(row["held_on"])
    org = county.organizations.get(organization_id)
    if org is None:
        return False
    table = await policies(actor.consortium_id)
    policy = table.pick(organization_id, org.tier, row["kind"], on)
    rule = await _rule(actor, organization_id, org.tier, row["kind"], on, policy, pool)
    now = clock.now()
    closes_at = rules.closes_at(policy, db.as_instant(row["starts_at"]))
    return pools.opens_at(rule, on) <= now < closes_at


async def _rule(
    actor: Actor,
    organization_id: UUID,
    tier: str,
    kind: str,
    on: date,
    policy: Policy,
    pool: str,
) -> Rule:
    table = await pool_rules(actor.consortium_id)
    found = table.pick(organization_id, tier, kind, on, policy)
    return found.get(pool) or pools.leftover(pool, policy)


async def book(actor: Actor, desk: Desk, *, slot_id: UUID, patient_id: UUID) -> Ticket:
    """Book a place that is kept for family doctors, or for referrals, for a resident.

    Whoever cares for the resident is told in the inbox; they may cancel and move it like any other.

    Raises:
        NotFound: no such place in a priority pool, or the resident is not the doctor's.
        NotYetOpen, BookingClosed, SlotFull, AlreadyBooked, TooManyThatDay, TooManyInDepartment,
        Restricted, Busy.
    """
    place = await desk.places.get(slot_id)
    await _must_book_for(actor, place, patient_id)
    await _check_open(actor, place)

    async def attempt() -> Ticket:
        async with db.transaction():
            name = await _must_book_for(actor, place, patient_id)  # a contract may end meanwhile
            return await kept.take(
                actor,
                place,
                patient_id=patient_id,
                patient_name=name,
                origin=ORIGINS[place.pool],
                reason=REASON,
            )

    ticket = await db.retried(attempt)
    desk.taking.freed(slot_id)
    log.info("appointment.booked", appointment_ids=[str(ticket.id)], pool=place.pool)
    return ticket


async def _must_book_for(actor: Actor, place: Place, patient_id: UUID) -> str:
    """The patient's masked name. Raises NotFound: not a place, or not a patient, of the actor's."""
    if place.consortium_id != actor.consortium_id or place.pool not in ORIGINS:
        raise NotFound(NO_PLACE)
    if place.pool == REFERRAL:
        return await must_refer(actor, place, patient_id)
    return (await contracts.resident(actor, patient_id, RIGHT)).name


async def must_refer(actor: Actor, place: Place, patient_id: UUID) -> str:
    """Whether the actor works where the patient's open referral to this department was written.

    Nobody does: there are no referrals yet. Raises NotFound.
    """
    raise NotFound(NO_PLACE)


async def _check_open(actor: Actor, place: Place) -> None:
    """Raises NotYetOpen, BookingClosed."""
    facts = (place.organization_id, place.tier, place.kind, place.held_on, place.policy)
    opens_at = pools.opens_at(await _rule(actor, *facts, place.pool), place.held_on)
    if clock.now() < opens_at:
        raise NotYetOpen(opens_at=opens_at)
    if clock.now() >= rules.closes_at(place.policy, place.starts_at):
        raise BookingClosed
