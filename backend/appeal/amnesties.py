"""豁免: no-shows and cancellations of some days count for nothing (snow, flood, a closed road).

What counts already is excused at once, what is marked later by a job; and `booking/standing.py`
never counts a day under an amnesty, so nothing hangs on when that job comes by. The institution's
own cancellations (停诊) need no amnesty: they never count.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
import structlog
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.booking import excusing, standing
from backend.booking.models import Amnesty, Appointment
from backend.booking.policies import policies
from backend.consortium.directory import directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor, lock_patients

log = structlog.get_logger()

DAYS_MOST = 31
BACK_DAYS = 90
AHEAD_DAYS = 14
SWEPT_DAYS = 60  # so long after an amnesty's last day what is marked late is still looked for
EXCUSED_MOST = 200  # in one transaction
ROUNDS_MOST = 50
LISTED_MOST = 100


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """An amnesty as staff see it. Dates in Asia/Shanghai, inclusive; `organization` None: all."""

    id: UUID
    organization_id: UUID | None
    organization: str | None
    from_on: date
    to_on: date
    reason: str
    created_at: datetime


async def list_of(actor: Actor) -> list[Granted]:
    """The amnesties that hold where the actor may grant them, the latest days first."""
    actor.must("amnesty.grant")
    within = actor.where("amnesty.grant")
    wanted = Amnesty.filter(consortium_id=actor.consortium_id)
    if within is not None:
        wanted = wanted.filter(Q(organization_id=None) | Q(organization_id__in=list(within)))
    rows = await wanted.order_by("-from_on", "-id").limit(LISTED_MOST)
    known = (await directory(actor.consortium_id)).organizations
    return [_granted(row, known) for row in rows]


def _granted(row: Amnesty, known: Any) -> Granted:
    org = known.get(row.organization_id)
    return Granted(
        id=row.id,
        organization_id=row.organization_id,
        organization=None if row.organization_id is None else org.name if org else "已停用的机构",
        from_on=row.from_on,
        to_on=row.to_on,
        reason=row.reason,
        created_at=row.created_at,
    )


async def preview(
    actor: Actor, organization_id: UUID | None, from_on: date, to_on: date
) -> tuple[int, int]:
    """How many appointments and patients it would touch now.

    Raises:
        NotFound: not the actor's to grant there. Malformed: the days make no sense.
    """
    await _check(actor, organization_id, from_on, to_on)
    where = _charged(actor.consortium_id, organization_id, from_on, to_on)
    patients = await where.distinct().values_list("patient_id", flat=True)
    return await where.count(), len(patients)


async def grant(
    actor: Actor, organization_id: UUID | None, from_on: date, to_on: date, *, reason: str
) -> tuple[UUID, int]:
    """Let the days count for nothing; the same again changes nothing. Returns id and how many.

    Raises:
        NotFound: not the actor's to grant there. Malformed: the days make no sense.
    """
    await _check(actor, organization_id, from_on, to_on)
    row = await db.retried(lambda: _written(actor, organization_id, from_on, to_on, reason))
    excused = await _excuse_all(actor, row)
    log.info("amnesty.granted", amnesty_id=str(row.id), excused=excused)
    return row.id, excused


async def _written(
    actor: Actor, organization_id: UUID | None, from_on: date, to_on: date, reason: str
) -> Amnesty:
    """The id follows from what it is about: of two who grant it at once, one finds the other's."""
    key = uuid5(actor.consortium_id, f"amnesty|{organization_id}|{from_on}|{to_on}")
    async with db.transaction():
        row = await Amnesty.get_or_none(id=key)
        if row is not None:
            return row
        row = await Amnesty.create(
            id=key,
            consortium_id=actor.consortium_id,
            organization_id=organization_id,
            from_on=from_on,
            to_on=to_on,
            reason=reason,
            created_by=actor.id,
            created_at=clock.now(),
        )
        await audit.record(
            actor,
            "amnesty.granted",
            entity_id=key,
            organization_id=str(organization_id) if organization_id else None,
            from_on=from_on.isoformat(),
            to_on=to_on.isoformat(),
        )
        return row


async def _check(actor: Actor, organization_id: UUID | None, from_on: date, to_on: date) -> None:
    if organization_id is None:
        actor.must("amnesty.grant")
        if actor.where("amnesty.grant") is not None:
            raise NotFound
    else:
        actor.must("amnesty.grant", organization_id)
        if organization_id not in (await directory(actor.consortium_id)).organizations:
            raise NotFound
    if to_on < from_on:
        raise Malformed("结束日期不能早于开始日期。", field="to_on")
    if (to_on - from_on).days >= DAYS_MOST:
        raise Malformed(f"一次最多 {DAYS_MOST} 天，请分几次办理。", field="to_on")
    today = clock.today()
    if from_on < today - timedelta(days=BACK_DAYS):
        raise Malformed(f"只能豁免最近 {BACK_DAYS} 天内的。", field="from_on")
    if to_on > today + timedelta(days=AHEAD_DAYS):
        raise Malformed(f"最多提前 {AHEAD_DAYS} 天。", field="to_on")


def _charged(
    consortium_id: UUID, organization_id: UUID | None, from_on: date, to_on: date
) -> QuerySet[Appointment]:
    found = Appointment.filter(
        excusing.CHARGED, consortium_id=consortium_id, held_on__gte=from_on, held_on__lte=to_on
    )
    return found if organization_id is None else found.filter(organization_id=organization_id)


async def sweep(consortium_id: UUID) -> int:
    """Excuse what was marked after its amnesty was granted. Returns how many."""
    since = clock.today() - timedelta(days=SWEPT_DAYS)
    rows = await Amnesty.filter(consortium_id=consortium_id, to_on__gte=since).order_by("id")
    actor, total = Actor.system(consortium_id), 0
    for row in rows:
        total += await _excuse_all(actor, row)
    return total


async def _excuse_all(actor: Actor, amnesty: Amnesty) -> int:
    total = 0
    for _ in range(ROUNDS_MOST):
        done = await db.retried(lambda: _excuse_some(actor, amnesty))
        total += done
        if not done:
            break
    return total


async def _excuse_some(actor: Actor, amnesty: Amnesty) -> int:
    where = _charged(amnesty.consortium_id, amnesty.organization_id, amnesty.from_on, amnesty.to_on)
    found: Sequence[Any] = (
        await where.order_by("patient_id", "id").limit(EXCUSED_MOST).values_list("id", "patient_id")
    )
    if not found:
        return 0
    done, table = 0, await policies(amnesty.consortium_id)
    async with db.transaction():
        await lock_patients({patient_id for _, patient_id in found})
        touched = set()
        for row in await Appointment.filter(id__in=[id for id, _ in found]).order_by("id"):
            if await excusing.excuse(actor, row, amnesty.reason):
                done += 1
                touched.add(row.patient_id)
        for patient_id in sorted(touched, key=str):
            await standing.reconsider(amnesty.consortium_id, patient_id, table)
    return done
