"""The week as staff see it: a line per department and doctor, a cell per day.

Three queries however many schedules there are: the lines, the shifts of a page of lines, the
exceptions.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from backend import clock, db
from backend.booking.calendar import working
from backend.consortium.directory import Dept, Directory, Doctor, Org, directory
from backend.errors import NotFound
from backend.identity.access import Actor

LINES_A_PAGE = 12
LINES_MOST = 20_000
EXCEPTIONS_MOST = 300
DAYS = 7

LineKey = tuple[UUID, UUID | None]  # department, doctor


@dataclass(frozen=True, slots=True)
class Places:
    """Of one pool, all slots together. Holds whose time has passed are not counted as booked."""

    pool: str
    booked: int
    capacity: int


@dataclass(slots=True)
class Shift:
    """A published schedule. `status` open, suspended, stopped. `one_off`: no template made it."""

    id: UUID
    held_on: date
    period: str
    kind: str
    status: str
    starts_at: datetime
    ends_at: datetime
    one_off: bool
    places: list[Places] = field(default_factory=list)

    @property
    def booked(self) -> int:
        return sum(one.booked for one in self.places)

    @property
    def capacity(self) -> int:
        return sum(one.capacity for one in self.places)

    @property
    def over(self) -> bool:
        return self.ends_at <= clock.now()


@dataclass(frozen=True, slots=True)
class Line:
    """A doctor, or the department itself, with the shifts of each of the seven days."""

    department: Dept
    doctor: Doctor | None
    days: list[list[Shift]]

    @property
    def name(self) -> str:
        return self.doctor.name if self.doctor else "科室号"


@dataclass(frozen=True, slots=True)
class Except:
    """An exception of the day. `who` is whom it is about, in words."""

    id: UUID
    action: str
    period: str | None
    capacity: int | None
    reason: str
    who: str


@dataclass(frozen=True, slots=True)
class Day:
    """`holiday`: of a public holiday or a working weekend day, its name; else empty."""

    on: date
    holiday: str
    is_off: bool
    exceptions: list[Except]


@dataclass(frozen=True, slots=True)
class Week:
    """`page` from 1. `of_lines`: how many there are in all."""

    organization: Org
    department: Dept | None
    doctor: Doctor | None
    monday: date
    days: list[Day]
    lines: list[Line]
    page: int
    pages: int
    of_lines: int


async def of(
    actor: Actor,
    organization_id: UUID,
    *,
    monday: date,
    department_id: UUID | None = None,
    practitioner_id: UUID | None = None,
    page: int = 1,
) -> Week:
    """The week of an institution, `LINES_A_PAGE` lines at a time; any day stands for its week.

    Raises NotFound: not the actor's to see, or no such page.
    """
    actor.must("schedule.read", organization_id)
    county = await directory(actor.consortium_id)
    org = county.organizations.get(organization_id)
    if org is None:
        raise NotFound
    monday -= timedelta(days=monday.weekday())
    departments = _departments(county, organization_id, department_id)
    keys = await _lines(county, departments, practitioner_id, monday)
    pages = max(1, -(-len(keys) // LINES_A_PAGE))
    if not 1 <= page <= pages:
        raise NotFound
    shown = keys[(page - 1) * LINES_A_PAGE : page * LINES_A_PAGE]
    shifts = await _shifts(shown, monday)
    exceptions = await _exceptions(county, organization_id, department_id, monday)
    return Week(
        organization=org,
        department=county.departments[department_id] if department_id else None,
        doctor=county.doctors.get(practitioner_id) if practitioner_id else None,
        monday=monday,
        days=[_day(monday + timedelta(days=n), exceptions) for n in range(DAYS)],
        lines=[_line(county, key, shifts, monday) for key in shown],
        page=page,
        pages=pages,
        of_lines=len(keys),
    )


def _departments(
    county: Directory, organization_id: UUID, department_id: UUID | None
) -> list[UUID]:
    found = [
        dept.id
        for dept in county.departments.values()
        if dept.organization_id == organization_id and department_id in (None, dept.id)
    ]
    if department_id is not None and not found:
        raise NotFound
    return found


async def _lines(
    county: Directory, departments: list[UUID], practitioner_id: UUID | None, monday: date
) -> list[LineKey]:
    """Who has a schedule that week, by department and name."""
    values: list[Any] = [departments, monday, monday + timedelta(days=DAYS - 1)]
    only = ""
    if practitioner_id is not None:
        values.append(practitioner_id)
        only = "AND practitioner_id = $4"
    rows = await db.fetch(
        "SELECT DISTINCT department_id, practitioner_id FROM schedule"
        f" WHERE {db.among('department_id', '$1')} AND held_on BETWEEN $2 AND $3"
        f" AND status <> 'replaced' {only} LIMIT {LINES_MOST}",
        *values,
    )
    keys = [(db.as_uuid(row["department_id"]), _doctor_id(row)) for row in rows]
    return sorted(keys, key=lambda key: _order(county, key))


def _doctor_id(row: db.Row) -> UUID | None:
    return db.as_uuid(row["practitioner_id"]) if row["practitioner_id"] else None


def _order(county: Directory, key: LineKey) -> tuple[Any, ...]:
    department_id, practitioner_id = key
    doctor = county.doctors.get(practitioner_id) if practitioner_id else None
    dept = county.departments[department_id]
    name = doctor.name if doctor else ""
    return dept.name, str(dept.id), practitioner_id is not None, name, str(practitioner_id)


async def _shifts(keys: list[LineKey], monday: date) -> dict[LineKey, list[Shift]]:
    departments = list({department for department, _ in keys})
    doctors = list({doctor for _, doctor in keys if doctor is not None})
    rows = await db.fetch(
        f"""
        WITH page AS (
          SELECT * FROM schedule
          WHERE {db.among("department_id", "$1")} AND held_on BETWEEN $2 AND $3
            AND status <> 'replaced'
            AND (practitioner_id IS NULL OR {db.among("practitioner_id", "$5")})
        ), dead AS (
          SELECT slot_id, count(*) AS places FROM appointment
          WHERE status = 'pending' AND held_until <= $4 GROUP BY slot_id
        )
        SELECT page.id, page.department_id, page.practitioner_id, page.held_on, page.period,
          page.kind, page.status, page.starts_at, page.ends_at, page.template_id, sl.pool,
          CAST(coalesce(sum(sl.capacity), 0) AS integer) AS capacity,
          CAST(coalesce(sum(sl.booked - coalesce(dead.places, 0)), 0) AS integer) AS booked
        FROM page LEFT JOIN slot sl ON sl.schedule_id = page.id
        LEFT JOIN dead ON dead.slot_id = sl.id
        GROUP BY page.id, page.department_id, page.practitioner_id, page.held_on, page.period,
          page.kind, page.status, page.starts_at, page.ends_at, page.template_id, sl.pool
        ORDER BY page.starts_at, page.id, sl.pool DESC
        """,
        departments, monday, monday + timedelta(days=DAYS - 1), clock.now(), doctors,
    )  # fmt: skip
    found: dict[LineKey, dict[UUID, Shift]] = {key: {} for key in keys}
    for row in rows:
        key = db.as_uuid(row["department_id"]), _doctor_id(row)
        if key in found:
            _add(found[key], row)
    return {key: list(shifts.values()) for key, shifts in found.items()}


def _add(shifts: dict[UUID, Shift], row: db.Row) -> None:
    """A row is one pool of a schedule."""
    id = db.as_uuid(row["id"])
    if id not in shifts:
        shifts[id] = Shift(
            id, db.as_date(row["held_on"]), row["period"], row["kind"], row["status"],
            db.as_instant(row["starts_at"]), db.as_instant(row["ends_at"]),
            row["template_id"] is None,
        )  # fmt: skip
    if row["pool"] is not None:
        shifts[id].places.append(Places(row["pool"], row["booked"], row["capacity"]))


def _line(
    county: Directory, key: LineKey, shifts: dict[LineKey, list[Shift]], monday: date
) -> Line:
    days: list[list[Shift]] = [[] for _ in range(DAYS)]
    for shift in shifts[key]:
        days[(shift.held_on - monday).days].append(shift)
    department_id, practitioner_id = key
    doctor = county.doctors.get(practitioner_id) if practitioner_id else None
    if practitioner_id is not None and doctor is None:  # has left, and the schedules stand
        doctor = Doctor(practitioner_id, "已停用的医生", "", "", ())
    return Line(county.departments[department_id], doctor, days)


async def _exceptions(
    county: Directory, organization_id: UUID, department_id: UUID | None, monday: date
) -> dict[date, list[Except]]:
    rows = await db.fetch(
        "SELECT id, held_on, action, period, capacity, reason, department_id, practitioner_id"
        " FROM schedule_exception WHERE organization_id = $1 AND held_on BETWEEN $2 AND $3"
        f" ORDER BY held_on, id LIMIT {EXCEPTIONS_MOST}",
        organization_id, monday, monday + timedelta(days=DAYS - 1),
    )  # fmt: skip
    found: dict[date, list[Except]] = {}
    for row in rows:
        department = db.as_uuid(row["department_id"]) if row["department_id"] else None
        if department_id is None or department in (None, department_id):
            found.setdefault(db.as_date(row["held_on"]), []).append(_except(county, row))
    return found


def _except(county: Directory, row: db.Row) -> Except:
    department = db.as_uuid(row["department_id"]) if row["department_id"] else None
    dept = county.departments.get(department) if department else None
    doctor_id = _doctor_id(row)
    doctor = county.doctors.get(doctor_id) if doctor_id else None
    who = " ".join(one.name for one in (dept, doctor) if one is not None) or "全院"
    return Except(
        db.as_uuid(row["id"]), row["action"], row["period"], row["capacity"], row["reason"], who
    )


def _day(on: date, exceptions: dict[date, list[Except]]) -> Day:
    what = working(on)
    return Day(on, what.name, what.weekday is None, exceptions.get(on, []))
