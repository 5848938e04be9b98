"""摇号: announcing, looking at, and ending draws."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from tortoise.exceptions import IntegrityError

from backend import audit, clock, db
from backend.booking import policy as rules
from backend.booking.models import Schedule
from backend.booking.policies import Policies, policies
from backend.consortium.directory import Directory, Doctor, directory
from backend.crypto import Vault
from backend.draw.errors import DrawOver, DrawTimes, NotDrawable
from backend.draw.lottery import SEED_BYTES, WITHDRAWN, seed_hash
from backend.draw.models import Draw, DrawEntry
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.ids import new_id

log = structlog.get_logger()

ANNOUNCED, DRAWING, DRAWN, VOID = "announced", "drawing", "drawn", "void"
SEED_COLUMN = "draw.seed"
OPEN_LEAST = timedelta(hours=1)
LISTED_MOST = 200
LOOKED_AT_MOST = 1000  # schedules, the last days first


@dataclass(frozen=True, slots=True)
class Lot:
    """A draw with its surroundings. Instants in UTC; `entries` who take part."""

    draw: Draw
    schedule: Schedule
    organization: str
    department: str
    doctor: Doctor | None
    entries: int

    @property
    def is_open(self) -> bool:
        now = clock.now()
        return self.draw.state == ANNOUNCED and self.draw.opens_at <= now < self.draw.closes_at


async def announce(
    actor: Actor, vault: Vault, schedule_id: UUID, *, opens_at: datetime, closes_at: datetime
) -> Draw:
    """Release the schedule's public places by lot instead of to the fastest finger.

    Raises:
        NotFound: no such schedule, or not the actor's to decide. NotDrawable, DrawTimes.
    """
    schedule = await Schedule.get_or_none(id=schedule_id, consortium_id=actor.consortium_id)
    if schedule is None:
        raise NotFound
    actor.must("draw.edit", schedule.organization_id)
    await _check_times(schedule, opens_at, closes_at)
    seed = secrets.token_hex(SEED_BYTES)
    now = clock.now()
    try:
        async with db.transaction():
            still = Schedule.filter(id=schedule_id, status="open", release="first")
            if not await still.update(release="draw"):
                raise NotDrawable
            draw = await Draw.create(
                id=new_id(),
                consortium_id=actor.consortium_id,
                schedule_id=schedule_id,
                state=ANNOUNCED,
                opens_at=opens_at,
                closes_at=closes_at,
                seed_hash=seed_hash(seed),
                seed_sealed=vault.seal(seed, bound_to=SEED_COLUMN),
                created_by=actor.id,
                created_at=now,
            )
            await audit.record(actor, "draw.announced", entity_id=draw.id)
    except IntegrityError:  # it had one before
        raise NotDrawable from None
    log.info("draw.announced", draw_id=str(draw.id))
    return draw


async def _check_times(schedule: Schedule, opens_at: datetime, closes_at: datetime) -> None:
    """Registration ends before anybody could have booked."""
    released_at = await release_of(schedule)
    if clock.now() >= released_at:
        raise NotDrawable
    if closes_at > released_at or closes_at - max(opens_at, clock.now()) < OPEN_LEAST:
        raise DrawTimes(field="closes_at", latest_at=released_at)


async def release_of(schedule: Schedule) -> datetime:
    """When the schedule's public places are released, UTC."""
    county = await directory(schedule.consortium_id)
    return _release(county, await policies(schedule.consortium_id), schedule)


def _release(county: Directory, table: Policies, schedule: Schedule) -> datetime:
    org = county.organizations.get(schedule.organization_id)
    tier = org.tier if org else "county"
    policy = table.pick(schedule.organization_id, tier, schedule.kind, schedule.held_on)
    return rules.opens_at(policy, schedule.held_on)


@dataclass(frozen=True, slots=True)
class Drawable:
    """A schedule that nobody can book yet. `release_at` UTC."""

    schedule: Schedule
    organization: str
    department: str
    doctor: Doctor | None
    release_at: datetime


async def drawable(actor: Actor) -> list[Drawable]:
    """What the actor may still have drawn: experts first, then by their release."""
    within = actor.where("draw.edit")
    wanted = Schedule.filter(
        consortium_id=actor.consortium_id,
        status="open",
        release="first",
        held_on__gt=clock.today(),
    )
    if within is not None:
        wanted = wanted.filter(organization_id__in=list(within))
    county, table = await directory(actor.consortium_id), await policies(actor.consortium_id)
    least = clock.now() + OPEN_LEAST
    found = []
    for schedule in await wanted.order_by("-held_on", "starts_at", "id").limit(LOOKED_AT_MOST):
        release_at = _release(county, table, schedule)
        if release_at > least:
            found.append(Drawable(schedule, *_where(schedule, county), release_at))
    found.sort(key=lambda one: (one.schedule.kind != "expert", one.release_at))
    return found[:LISTED_MOST]


async def void(actor: Actor, draw_id: UUID, *, reason: str) -> None:
    """End a draw that is not drawn yet; its places are released as usual.

    Raises:
        NotFound, DrawOver.
    """
    draw = await _find(actor, draw_id)
    schedule = await Schedule.get(id=draw.schedule_id)
    actor.must("draw.edit", schedule.organization_id)
    async with db.transaction():
        if not await Draw.filter(id=draw_id, state=ANNOUNCED).update(state=VOID):
            raise DrawOver
        await Schedule.filter(id=schedule.id).update(release="first")
        await audit.record(actor, "draw.voided", entity_id=draw_id, reason=reason)
    log.info("draw.voided", draw_id=str(draw_id))


async def _find(actor: Actor, draw_id: UUID) -> Draw:
    draw = await Draw.get_or_none(id=draw_id, consortium_id=actor.consortium_id)
    if draw is None:
        raise NotFound
    return draw


async def show(actor: Actor, draw_id: UUID) -> Lot:
    """Public. Raises NotFound."""
    return (await lots(actor, [await _find(actor, draw_id)]))[0]


async def list_of(
    actor: Actor, *, schedule_id: UUID | None = None, organization_id: UUID | None = None
) -> list[Lot]:
    """Draws of days to come, the next to close first; public."""
    wanted = Draw.filter(
        consortium_id=actor.consortium_id, schedule__held_on__gte=clock.today()
    ).exclude(state=VOID)
    if schedule_id is not None:
        wanted = wanted.filter(schedule_id=schedule_id)
    if organization_id is not None:
        wanted = wanted.filter(schedule__organization_id=organization_id)
    return await lots(actor, await wanted.order_by("closes_at", "id").limit(LISTED_MOST))


async def lots(actor: Actor, draws: Sequence[Draw]) -> list[Lot]:
    county = await directory(actor.consortium_id)
    schedules = await Schedule.in_bulk({draw.schedule_id for draw in draws}, "id")
    counts = await _counts(draws)
    return [
        _lot(draw, schedules[draw.schedule_id], county, counts.get(draw.id, 0)) for draw in draws
    ]


async def _counts(draws: Sequence[Draw]) -> dict[UUID, int]:
    rows = await db.fetch(
        "SELECT draw_id, count(*) AS n FROM draw_entry"
        f" WHERE {db.among('draw_id', '$1')} AND outcome <> $2 GROUP BY draw_id",
        [draw.id for draw in draws],
        WITHDRAWN,
    )
    return {db.as_uuid(row["draw_id"]): int(row["n"]) for row in rows}


def _lot(draw: Draw, schedule: Schedule, county: Directory, entries: int) -> Lot:
    return Lot(draw, schedule, *_where(schedule, county), entries)


def _where(schedule: Schedule, county: Directory) -> tuple[str, str, Doctor | None]:
    """Institution, department and doctor in words."""
    org = county.organizations.get(schedule.organization_id)
    dept = county.departments.get(schedule.department_id)
    doctor = county.doctors.get(schedule.practitioner_id) if schedule.practitioner_id else None
    return org.name if org else "已停用的机构", dept.name if dept else "已停用的科室", doctor


async def results(draw_id: UUID) -> list[DrawEntry]:
    """Everybody who took part, by rank; empty before it is drawn."""
    return await DrawEntry.filter(draw_id=draw_id, rank__not_isnull=True).order_by("rank")
