"""排班: schedules and their slots, published from the weekly templates for the policy's horizon."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import structlog
from tortoise.expressions import F, Q

from backend import clock
from backend.booking import pools, sql
from backend.booking.models import Fee, Schedule, ScheduleException, ScheduleTemplate, Slot
from backend.booking.policies import policies
from backend.booking.pool_rules import pool_rules
from backend.booking.rota import AHEAD_DAYS, HORIZON_MOST, Roles, Rota, Row, days_of
from backend.booking.waitlist import offering
from backend.consortium.models import PractitionerRole
from backend.db import insert, retried, transaction

log = structlog.get_logger()

STOPPED = "stopped"  # by a suspension (停诊), which alone opens it again
TEMPLATES_A_PAGE = 500
SCHEDULES_A_TRANSACTION = 50  # shut or opened together
ROWS_A_TRANSACTION = 500  # schedules and slots together: bookings wait behind no more than these

TEMPLATE_FIELDS = (
    "id", "organization_id", "organization__tier", "department_id", "practitioner_id",
    "practitioner__title", "weekday", "period", "kind", "starts", "ends", "slot_minutes",
    "capacity", "fee_fen", "works_on_holidays", "from_on", "to_on",
)  # fmt: skip


@dataclass(slots=True)
class Published:
    """What one run did. `closed`: template days left out, on a holiday or by an exception.

    `shut` and `opened`: schedules published before, which an exception closes now or no longer.
    """

    schedules: int = 0
    slots: int = 0
    closed: int = 0
    shut: int = 0
    opened: int = 0


class NewSlot(NamedTuple):
    """A slot not yet stored, in the order of `sql.PUBLISH_SLOT`.

    A county publishes thousands, and to make models of them took longer than to store them.
    """

    id: UUID
    consortium_id: UUID
    schedule_id: UUID
    pool: str
    starts_at: datetime
    ends_at: datetime
    capacity: int


@dataclass(slots=True)
class Draft:
    """A schedule and its slots, not yet stored."""

    schedule: Schedule
    slots: list[NewSlot]

    @property
    def rows(self) -> int:
        return 1 + len(self.slots)


async def publish(
    consortium_id: UUID, *, today: date | None = None, organization_id: UUID | None = None
) -> Published:
    """Create the schedules and slots that are not there yet, today through the horizon.

    `organization_id`: for this institution alone, whose staff have just changed something.
    Their places are split among the pools by the rules of that day. Repeatable: a schedule is one
    per template and date, and what is published already stays as it is, but for 停诊: an exception
    shuts it for new bookings. Those that were made stand, until somebody tells the patients. Short
    transactions; a run that is cut short is finished by the next one. Instants are UTC.
    """
    rota = await _load_rota(consortium_id, today or clock.today())
    published = Published()
    async for templates in _pages(consortium_id, organization_id):
        rota.roles = await roles_of(templates)
        there = await published_of(templates, rota.today)
        drafts = _drafts(consortium_id, rota, templates, there, published)
        for chunk in _chunks(drafts):
            await _store(chunk, published)
    await _mend_doors(consortium_id, organization_id, rota, published)
    log.info(
        "schedules.published",
        schedules=published.schedules,
        slots=published.slots,
        closed=published.closed,
        shut=published.shut,
        opened=published.opened,
    )
    return published


async def _load_rota(consortium_id: UUID, today: date) -> Rota:
    fees = await Fee.filter(consortium_id=consortium_id).values_list(
        "organization_id", "kind", "title", "amount_fen"
    )
    rows = await ScheduleException.filter(
        consortium_id=consortium_id,
        held_on__gte=today,
        held_on__lte=today + timedelta(days=HORIZON_MOST + AHEAD_DAYS),
    ).values(
        "organization_id", "department_id", "practitioner_id", "held_on", "period", "action",
        "capacity",
    )  # fmt: skip
    exceptions: dict[tuple[UUID, date], list[Row]] = {}
    for row in rows:
        exceptions.setdefault((row["organization_id"], row["held_on"]), []).append(row)
    return Rota(
        today=today,
        days_of=days_of(today),
        policies=await policies(consortium_id),
        fees={(place, kind, title): fen for place, kind, title, fen in fees},
        exceptions=exceptions,
        held=await _held(consortium_id, today),
        pool_rules=await pool_rules(consortium_id),
    )


async def _held(consortium_id: UUID, today: date) -> set[tuple[UUID, date, str]]:
    """Half-days of doctors (else departments) that schedules of retired templates still take.

    So do those of a template that ended before the day: a newer version took its place.
    """
    rows = await Schedule.filter(
        Q(template__active=False) | Q(template__to_on__lt=F("held_on")),
        consortium_id=consortium_id,
        status__in=("open", "suspended", STOPPED),
        held_on__gte=today,
    ).values_list("practitioner_id", "department_id", "held_on", "period")
    return {(doctor or department, on, period) for doctor, department, on, period in rows}


async def _pages(consortium_id: UUID, organization_id: UUID | None) -> AsyncIterator[list[Row]]:
    """Templates in use, `TEMPLATES_A_PAGE` at a time."""
    in_use = ScheduleTemplate.filter(
        Q(practitioner_id=None) | Q(practitioner__active=True),
        consortium_id=consortium_id,
        active=True,
        organization__active=True,
        department__active=True,
    )
    if organization_id is not None:
        in_use = in_use.filter(organization_id=organization_id)
    last: UUID | None = None
    while True:
        rest = in_use if last is None else in_use.filter(id__gt=last)
        page = await rest.order_by("id").limit(TEMPLATES_A_PAGE).values(*TEMPLATE_FIELDS)
        if page:
            yield page
        if len(page) < TEMPLATES_A_PAGE:
            return
        last = page[-1]["id"]


async def roles_of(templates: list[Row]) -> Roles:
    doctors = {t["practitioner_id"] for t in templates} - {None}
    rows = await PractitionerRole.filter(practitioner_id__in=list(doctors)).values_list(
        "practitioner_id", "department_id", "from_on", "to_on"
    )
    roles: Roles = {}
    for doctor, department, from_on, to_on in rows:
        roles.setdefault((doctor, department), []).append((from_on, to_on))
    return roles


async def published_of(templates: list[Row], today: date) -> set[tuple[UUID, date]]:
    """Template and day of what is published already."""
    rows = await Schedule.filter(
        template_id__in=[t["id"] for t in templates], held_on__gte=today
    ).values_list("template_id", "held_on")
    return {(template, on) for template, on in rows}


def _drafts(
    consortium_id: UUID,
    rota: Rota,
    templates: list[Row],
    there: set[tuple[UUID, date]],
    published: Published,
) -> Iterator[Draft]:
    for template in templates:
        for on in rota.dates(template):
            if (template["id"], on) in there or rota.still_held(template, on):
                continue
            capacity = rota.capacity(template, on)
            if capacity is None:
                published.closed += 1
            else:
                yield _draft(consortium_id, template, on, capacity, rota)


async def rota(consortium_id: UUID) -> Rota:
    """For `one_off`. Reads what a transaction must not wait for."""
    return await _load_rota(consortium_id, clock.today())


def one_off(schedule_id: UUID, consortium_id: UUID, row: Row, on: date, rota: Rota) -> Draft:
    """A schedule that no template makes. `row` is as a template's (`TEMPLATE_FIELDS`), its id None.

    Holidays and exceptions are not asked: whoever wants it means that day.
    """
    return _draft(consortium_id, row, on, row["capacity"], rota, schedule_id=schedule_id)


async def add(draft: Draft) -> Schedule:
    """Publish it, inside the caller's transaction. Raises IntegrityError: it is there already."""
    await draft.schedule.save(force_create=True)
    await Slot.bulk_create(Slot(**slot._asdict()) for slot in draft.slots)
    return draft.schedule


def _draft(
    consortium_id: UUID,
    template: Row,
    on: date,
    capacity: int,
    rota: Rota,
    *,
    schedule_id: UUID | None = None,
) -> Draft:
    """Ids follow from the template and the date, so that two workers make the same rows."""
    schedule = Schedule(
        id=schedule_id or uuid5(template["id"], on.isoformat()),
        consortium_id=consortium_id,
        organization_id=template["organization_id"],
        department_id=template["department_id"],
        practitioner_id=template["practitioner_id"],
        template_id=template["id"],
        held_on=on,
        period=template["period"],
        kind=template["kind"],
        starts_at=clock.at(on, time.fromisoformat(template["starts"])),
        ends_at=clock.at(on, time.fromisoformat(template["ends"])),
        fee_fen=rota.fee_fen(template),
    )
    slots = slots_of(schedule, template["slot_minutes"], capacity, rota.kept(template, on))
    return Draft(schedule, list(slots))


def slots_of(
    schedule: Schedule, slot_minutes: int, capacity: int, kept: pools.Rules
) -> Iterator[NewSlot]:
    """Whole slots from the schedule's start; a remainder at its end gets none.

    One of the public for each time, and beside it one for each pool that keeps places in it.
    """
    length = timedelta(minutes=slot_minutes)
    places = pools.split(capacity, (schedule.ends_at - schedule.starts_at) // length, kept)
    for pool, row in places.items():
        for number, kept_there in enumerate(row):
            if kept_there or pool == pools.PUBLIC:
                yield _new_slot(
                    schedule, pool, schedule.starts_at + number * length, length, kept_there
                )


def a_slot(
    schedule: Schedule, pool: str, starts_at: datetime, length: timedelta, places: int
) -> Slot:
    """Not stored."""
    return Slot(**_new_slot(schedule, pool, starts_at, length, places)._asdict())


def _new_slot(
    schedule: Schedule, pool: str, starts_at: datetime, length: timedelta, places: int
) -> NewSlot:
    """Its id follows from the schedule, the pool and the time."""
    return NewSlot(
        id=uuid5(schedule.id, f"{pool} {starts_at:%H:%M}"),
        consortium_id=schedule.consortium_id,
        schedule_id=schedule.id,
        pool=pool,
        starts_at=starts_at,
        ends_at=starts_at + length,
        capacity=places,
    )


def _chunks(drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
    """Whole schedules, about `ROWS_A_TRANSACTION` rows together."""
    rows = 0

    def number(draft: Draft) -> int:
        nonlocal rows
        rows += draft.rows
        return rows // ROWS_A_TRANSACTION

    for _, chunk in groupby(drafts, key=number):
        yield list(chunk)


async def _store(chunk: list[Draft], published: Published) -> None:
    """A schedule never stands without its slots. Rows that another worker made first stay."""
    slots = [slot for draft in chunk for slot in draft.slots]
    async with transaction():
        await Schedule.bulk_create([draft.schedule for draft in chunk], ignore_conflicts=True)
        await insert(sql.PUBLISH_SLOT, slots)
    published.schedules += len(chunk)
    published.slots += len(slots)


async def _mend_doors(
    consortium_id: UUID, organization_id: UUID | None, rota: Rota, published: Published
) -> None:
    """Shut what exceptions close by now, and open again what they no longer do."""
    places, days = {place for place, _ in rota.exceptions}, {on for _, on in rota.exceptions}
    found = Schedule.filter(
        Q(status="suspended")
        | Q(status="open", organization_id__in=list(places), held_on__in=list(days)),
        consortium_id=consortium_id,
        held_on__gte=rota.today,
    )
    if organization_id is not None:
        found = found.filter(organization_id=organization_id)
    rows = await found.values(
        "id", "status", "organization_id", "department_id", "practitioner_id", "held_on", "period"
    )
    closed = {row["id"]: rota.is_closed(row) for row in rows}
    shut = [row["id"] for row in rows if row["status"] == "open" and closed[row["id"]]]
    opened = [row["id"] for row in rows if row["status"] == "suspended" and not closed[row["id"]]]
    published.shut = await set_doors(shut, before=("open",), after="suspended")
    published.opened = await set_doors(opened, before=("suspended",), after="open")


async def stop(schedule_ids: list[UUID]) -> int:
    """停诊: shut schedules until `let_go`, whatever the exceptions say; returns how many."""
    return await set_doors(schedule_ids, before=("open", "suspended"), after=STOPPED)


async def let_go(consortium_id: UUID, schedule_ids: list[UUID]) -> int:
    """Undo `stop`: open again but for what an exception closes; returns how many were opened."""
    rota = await _load_rota(consortium_id, clock.today())
    rows = await Schedule.filter(id__in=schedule_ids, status=STOPPED).values(
        "id", "organization_id", "department_id", "practitioner_id", "held_on", "period"
    )
    closed = {row["id"]: rota.is_closed(row) for row in rows}
    still = [schedule_id for schedule_id in closed if closed[schedule_id]]
    await set_doors(still, before=(STOPPED,), after="suspended")
    free = [schedule_id for schedule_id in closed if not closed[schedule_id]]
    return await set_doors(free, before=(STOPPED,), after="open")


async def set_doors(schedule_ids: list[UUID], *, before: tuple[str, ...], after: str) -> int:
    """Open or shut those that are in a state of `before` still; returns how many changed.

    When this is done, every booking of a shut slot either is in the database or never happens.
    """
    changed = 0
    for start in range(0, len(schedule_ids), SCHEDULES_A_TRANSACTION):
        some = schedule_ids[start : start + SCHEDULES_A_TRANSACTION]
        changed += await retried(partial(_turn, some, before, after))
    return changed


async def _turn(schedule_ids: list[UUID], before: tuple[str, ...], after: str) -> int:
    async with transaction():
        rows = Schedule.filter(id__in=schedule_ids, status__in=before).order_by("id")
        ids: Any = await rows.values_list("id", flat=True)
        await Slot.filter(schedule_id__in=list(ids)).update(open=after == "open")
        changed = await Schedule.filter(id__in=list(ids)).update(status=after)
        if after == "open":
            await offering.offer(await _free_places(list(ids)))
        return changed


async def _free_places(schedule_ids: list[UUID]) -> list[UUID]:
    """The slots of the public, each as often as it has free places: whoever waits comes first."""
    rows = await Slot.filter(
        schedule_id__in=schedule_ids, pool=pools.PUBLIC, starts_at__gt=clock.now()
    ).values_list("id", "capacity", "booked")
    return [slot_id for slot_id, capacity, booked in rows for _ in range(capacity - booked)]
