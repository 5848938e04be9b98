"""What was wanted in a period, from rows that exist anyway: read-only, bounded, without names.

People are numbers of this one run, given in the order of reading and forgotten with it.
"""

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db
from backend.booking.policies import policies
from backend.booking.policy import NO_SHOW, bars_kind, opens_at
from backend.booking.pools import EARLY_DAYS, ONSITE, PRIORITY, RETURNS_DAYS
from backend.clock import at
from backend.consortium.directory import directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.identity.documents import is_minor
from backend.replay.simulate import Ask, Offer

RIGHT = "policy.simulate"
DAYS_MOST = 62
OFFERS_MOST = 20_000
ASKS_MOST = 100_000
FREQUENT = 3
OLD_YEARS = 60
SEED = 1
GIVEN_UP = ("cancelled", "pending")

OFFERS = f"""
SELECT s.id, s.organization_id, s.kind, s.held_on, s.starts_at, s.release,
  SUM(p.capacity) AS total,
  SUM(CASE WHEN p.pool IN ('{"', '".join(PRIORITY)}') THEN p.capacity ELSE 0 END)
    + COALESCE((SELECT SUM(r.places) FROM pool_return r JOIN slot f ON f.id = r.from_slot_id
      WHERE r.schedule_id = s.id AND f.pool IN ('{"', '".join(PRIORITY)}')), 0) AS kept
FROM schedule s JOIN slot p ON p.schedule_id = s.id
WHERE s.consortium_id = $1 AND s.held_on >= $2 AND s.held_on <= $3 AND s.status = 'open'
  AND p.pool <> '{ONSITE}'
GROUP BY s.id, s.organization_id, s.kind, s.held_on, s.starts_at, s.release
ORDER BY s.held_on, s.id LIMIT $4
"""
# Every appointment is a wish that was met. A hold that nobody confirmed was a wish too.
MET = """
SELECT a.patient_id, a.schedule_id, a.created_at AS at, a.status, a.cancelled_by, a.changed_at,
  p.birth_on, c.relation, a.held_on,
  EXISTS (SELECT 1 FROM family_doctor_contract f WHERE f.patient_id = a.patient_id
    AND f.from_on <= a.held_on AND (f.to_on IS NULL OR f.to_on >= a.held_on)) AS contracted
FROM appointment a JOIN patient p ON p.id = a.patient_id
LEFT JOIN carer c ON c.patient_id = a.patient_id AND c.account_id = a.account_id
  AND c.relation = 'self'
WHERE a.consortium_id = $1 AND a.held_on >= $2 AND a.held_on <= $3 AND a.origin <> 'desk'
ORDER BY a.created_at, a.id LIMIT $4
"""
# Who waited or drew in vain; a wait is for the first schedule that would have done.
WAITED = """
SELECT w.patient_id, w.joined_at AS at, p.birth_on, c.relation,
  (SELECT s.id FROM schedule s JOIN waitlist_choice h ON h.department_id = s.department_id
    WHERE h.entry_id = w.id AND s.held_on >= w.from_on AND s.held_on <= w.to_on
    AND (h.practitioner_id IS NULL OR h.practitioner_id = s.practitioner_id)
    AND (w.kind IS NULL OR w.kind = s.kind) AND s.starts_at > w.joined_at
    ORDER BY s.starts_at, s.id LIMIT 1) AS schedule_id,
  EXISTS (SELECT 1 FROM family_doctor_contract f WHERE f.patient_id = w.patient_id
    AND f.from_on <= w.from_on AND (f.to_on IS NULL OR f.to_on >= w.from_on)) AS contracted
FROM waitlist_entry w JOIN patient p ON p.id = w.patient_id
LEFT JOIN carer c ON c.patient_id = w.patient_id AND c.account_id = w.account_id
  AND c.relation = 'self'
WHERE w.consortium_id = $1 AND w.to_on >= $2 AND w.from_on <= $3 AND w.appointment_id IS NULL
ORDER BY w.joined_at, w.id LIMIT $4
"""
DRAWN = """
SELECT e.patient_id, e.registered_at AS at, p.birth_on, c.relation, d.schedule_id,
  EXISTS (SELECT 1 FROM family_doctor_contract f WHERE f.patient_id = e.patient_id
    AND f.from_on <= s.held_on AND (f.to_on IS NULL OR f.to_on >= s.held_on)) AS contracted
FROM draw_entry e JOIN draw d ON d.id = e.draw_id JOIN schedule s ON s.id = d.schedule_id
JOIN patient p ON p.id = e.patient_id
LEFT JOIN carer c ON c.patient_id = e.patient_id AND c.account_id = e.account_id
  AND c.relation = 'self'
WHERE s.consortium_id = $1 AND s.held_on >= $2 AND s.held_on <= $3
  AND e.appointment_id IS NULL AND e.withdrawn_at IS NULL
ORDER BY e.registered_at, e.id LIMIT $4
"""


class Demand(msgspec.Struct, frozen=True):
    offers: list[Offer]
    asks: list[Ask]


def must(actor: Actor) -> None:
    """Raises NotFound: the right is missing, or does not hold for the whole consortium."""
    actor.must(RIGHT)
    if actor.where(RIGHT) is not None:
        raise NotFound


def check(actor: Actor, from_on: date, to_on: date) -> None:
    """Raises NotFound, and Malformed: the days make no sense."""
    must(actor)
    if to_on < from_on:
        raise Malformed("结束日期不能早于开始日期。", field="to_on")
    if (to_on - from_on).days >= DAYS_MOST:
        raise Malformed(f"一次最多 {DAYS_MOST} 天。", field="to_on")
    if to_on >= clock.today():
        raise Malformed("只能重放已经过去的日子。", field="to_on")


async def read(actor: Actor, from_on: date, to_on: date) -> Demand:
    """Raises NotFound, and Malformed: the days make no sense, or hold too much."""
    check(actor, from_on, to_on)
    period = (actor.consortium_id, from_on, to_on)
    rows = await db.fetch(OFFERS, *period, OFFERS_MOST + 1)
    found = [row for query in (MET, WAITED, DRAWN)
             for row in await db.fetch(query, *period, ASKS_MOST + 1)]  # fmt: skip
    if len(rows) > OFFERS_MOST or len(found) > ASKS_MOST:
        raise Malformed("这段时间的数据太多，请选短一些的时间。", field="to_on")
    offers = [await _offer(actor.consortium_id, row) for row in rows]
    places = {db.as_uuid(row["id"]): number for number, row in enumerate(rows)}
    return Demand(offers, _asks(found, places))


async def _offer(consortium_id: UUID, row: db.Row) -> Offer:
    organization_id, held_on = db.as_uuid(row["organization_id"]), db.as_date(row["held_on"])
    org = (await directory(consortium_id)).organizations.get(organization_id)
    tier = org.tier if org else "county"
    policy = (await policies(consortium_id)).pick(organization_id, tier, row["kind"], held_on)
    opens, total, kept = opens_at(policy, held_on), int(row["total"]), int(row["kept"])
    return Offer(
        total=total,
        kept=min(kept, total),
        early_at=opens - timedelta(days=EARLY_DAYS) if kept else opens,
        opens_at=opens,
        returns_at=at(held_on - timedelta(days=RETURNS_DAYS), time(18)),
        starts_at=db.as_instant(row["starts_at"]),
        barred=bars_kind(row["kind"], tier),
        release=row["release"],
    )


def _asks(rows: list[db.Row], places: Mapping[UUID, int]) -> list[Ask]:
    numbers: dict[UUID, int] = {}
    times: dict[int, int] = {}
    asks = []
    for row in rows:
        schedule_id = row["schedule_id"]
        offer = places.get(db.as_uuid(schedule_id)) if schedule_id else None
        if offer is None:
            continue
        who = numbers.setdefault(db.as_uuid(row["patient_id"]), len(numbers))
        times[who] = times.get(who, 0) + 1
        asks.append(_ask(dict(row), who, offer))
    return [msgspec.structs.replace(ask, frequent=times[ask.who] >= FREQUENT) for ask in asks]


def _ask(row: dict[str, Any], who: int, offer: int) -> Ask:
    status = row.get("status")
    return Ask(
        who=who,
        offer=offer,
        at=db.as_instant(row["at"]),
        got=status is not None,
        contracted=bool(row["contracted"]),
        age=_age(db.as_date(row["birth_on"])),
        by="self" if row["relation"] else "carer",
        cancelled_at=db.as_instant(row["changed_at"]) if status in GIVEN_UP else None,
        missed=status == NO_SHOW,
    )


def _age(birth_on: date) -> str:
    today = clock.today()
    if is_minor(birth_on, today):
        return "0-17"
    return "60+" if today.year - birth_on.year >= OLD_YEARS else "18-59"
