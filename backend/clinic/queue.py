"""候诊: the line of a schedule as staff see it, and one's own place in it as a resident does."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db
from backend.booking import diary
from backend.booking.desk import Desk
from backend.booking.models import Appointment, Schedule, Slot
from backend.booking.policy import BOOKED, CANCELLED, PENDING
from backend.booking.tickets import Ticket
from backend.clinic import policy, reach
from backend.clinic.models import QueueEntry
from backend.clinic.policy import CALLED, DONE, IN_ROOM, OPEN, SKIPPED, WAITING, Wait
from backend.consortium.directory import directory
from backend.crypto import Vault
from backend.identity.access import Actor, note_read
from backend.identity.documents import age_on, mask_name
from backend.identity.models import Patient
from backend.identity.patients import ID_COLUMN

LINE_MOST = 500  # people in one schedule
TAIL = re.compile(r"[0-9]{3}[0-9X]")  # of an identity number, as one says it aloud
EXPECTED, OVER = "expected", "over"  # booked and not there yet; nothing to wait for any more


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """One's own place. `state` is one of the line's, or `expected`, or `over`; instants in UTC.

    `ahead` counts those before one and whoever is with the doctor; minutes are a range.
    """

    appointment_id: UUID
    schedule_id: UUID
    status: str
    state: str
    number: int | None
    ahead: int
    least_min: int | None
    most_min: int | None
    room: str
    calls: int
    late: bool
    opens_at: datetime
    """When check-in opens; it closes at `closes_at`, with the schedule."""
    closes_at: datetime
    stopped: bool


async def place_of(actor: Actor, desk: Desk, appointment_id: UUID) -> Spot:
    """Where the patient stands now. Asked every few seconds, so it leaves no audit row: the page
    that shows it has read the appointment before, which does.

    Raises NotFound.
    """
    ticket = await diary.find(actor, desk, appointment_id, "view")
    schedule = await Schedule.get(id=ticket.place.schedule_id)
    entry = await QueueEntry.get_or_none(appointment_id=ticket.id)
    if entry is None or entry.state not in (WAITING, CALLED, IN_ROOM, SKIPPED):
        return _spot(ticket, schedule, entry, _state_without_line(ticket, entry))
    if entry.state != WAITING:
        return _spot(ticket, schedule, entry, entry.state)
    ahead = await _ahead(entry)
    waits = policy.wait(
        ahead, pace=await _pace(schedule), starts_at=schedule.starts_at, now=clock.now()
    )
    return _spot(ticket, schedule, entry, entry.state, ahead=ahead, waits=waits)


def _state_without_line(ticket: Ticket, entry: QueueEntry | None) -> str:
    if entry is not None:
        return entry.state
    return EXPECTED if ticket.status == BOOKED else OVER


def _spot(
    ticket: Ticket,
    schedule: Schedule,
    entry: QueueEntry | None,
    state: str,
    *,
    ahead: int = 0,
    waits: Wait | None = None,
) -> Spot:
    return Spot(
        appointment_id=ticket.id,
        schedule_id=schedule.id,
        status=ticket.status,
        state=state,
        number=entry.number if entry else None,
        ahead=ahead,
        least_min=waits.least if waits else None,
        most_min=waits.most if waits else None,
        room=entry.room if entry else "",
        calls=entry.calls if entry else 0,
        late=entry.late if entry else False,
        opens_at=policy.checkin_opens_at(ticket.policy, ticket.place.starts_at),
        closes_at=schedule.ends_at,
        stopped=schedule.status != "open",
    )


async def _ahead(entry: QueueEntry) -> int:
    rows = await db.fetch(
        "SELECT count(*) AS n FROM queue_entry WHERE schedule_id = $1 AND (state IN"
        " ('called', 'in_room') OR (state = 'waiting' AND (turn < $2 OR (turn = $2"
        " AND number < $3))))",
        entry.schedule_id,
        entry.turn,
        entry.number,
    )
    return int(rows[0]["n"])


async def _pace(schedule: Schedule) -> float:
    finished = (
        await QueueEntry.filter(
            schedule_id=schedule.id,
            state=DONE,
            called_at__not_isnull=True,
            ended_at__not_isnull=True,
        )
        .order_by("-ended_at")
        .limit(policy.VISITS_MOST)
    )
    visits = [
        row.ended_at - row.called_at
        for row in reversed(finished)
        if row.ended_at is not None and row.called_at is not None
    ]
    slots = await Slot.filter(schedule_id=schedule.id, open=True).values_list(
        "starts_at", "ends_at", "capacity"
    )
    length = slots[0][1] - slots[0][0] if slots else timedelta(minutes=10)
    ranges = {slot[0] for slot in slots}
    capacity = sum(slot[2] for slot in slots) / max(1, len(ranges))  # of all pools of a time
    rooms = len({row.room for row in finished})
    return policy.pace_min(visits, slot=length, capacity=max(1, round(capacity)), rooms=rooms)


# --- as staff see it ----------------------------------------------------------------------------


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One patient of the schedule. `entry_id` None: booked, and not there yet."""

    entry_id: UUID | None
    appointment_id: UUID
    patient_id: UUID
    name: str
    masked: str
    sex: str
    age: int
    starts_at: datetime
    ends_at: datetime
    status: str
    state: str
    origin: str
    number: int | None = None
    turn: datetime | None = None
    late: bool = False
    calls: int = 0
    room: str = ""
    checked_in_at: datetime | None = None
    called_at: datetime | None = None
    ended_at: datetime | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule in words. Instants in UTC."""

    id: UUID
    organization_id: UUID
    organization: str
    department: str
    location: str
    practitioner: str | None
    title: str
    kind: str
    period: str
    starts_at: datetime
    ends_at: datetime
    status: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`called` in the order of calling; `waiting` in the order in which they will be called."""

    header: Header
    called: list[Waiting]
    waiting: list[Waiting]
    skipped: list[Waiting]
    expected: list[Waiting]
    over: list[Waiting]


async def of_schedule(actor: Actor, schedule_id: UUID, *, again: bool = False) -> Line:
    """The whole line. Leaves an audit row for each patient, but for a page that is open already and
    looks `again`. Raises NotFound.
    """
    schedule = await reach.schedule(actor, "clinic.day", schedule_id)
    rows = await people([schedule])
    if again:
        return arrange(await header(schedule), rows[schedule.id])
    async with db.transaction():
        await note_read(actor, "line.read", {row.patient_id for row in rows[schedule.id]})
    return arrange(await header(schedule), rows[schedule.id])


async def named(vault: Vault, rows: list[Waiting], said: str) -> list[Waiting]:
    """Those of a line whose name has `said` in it, or whose document's number ends with it."""
    if not TAIL.fullmatch(said.upper()):
        return [row for row in rows if said in row.name]
    sealed = await Patient.filter(id__in=[row.patient_id for row in rows]).values_list(
        "id", "id_sealed"
    )
    tail = said.upper()
    found = {one for one, box in sealed if vault.open(box, bound_to=ID_COLUMN).endswith(tail)}
    return [row for row in rows if row.patient_id in found]


async def version(actor: Actor, schedule_id: UUID) -> str:
    """Changes whenever the line does; two small reads. Raises NotFound."""
    await reach.schedule(actor, "clinic.day", schedule_id)
    rows = await db.fetch(
        "SELECT number, state, calls, turn FROM queue_entry WHERE schedule_id = $1 ORDER BY number",
        schedule_id,
    )
    expected = await db.fetch(
        "SELECT count(*) AS n FROM appointment WHERE schedule_id = $1 AND status = 'booked'",
        schedule_id,
    )
    seen = [expected[0]["n"], *(tuple(dict(row).values()) for row in rows)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


async def screen(actor: Actor, schedule_id: UUID) -> Line:
    """For the screen in the waiting room: names are masked before they leave this room.

    Leaves no audit row: nobody's record is read. Raises NotFound.
    """
    schedule = await reach.schedule(actor, "clinic.day", schedule_id)
    rows = [
        msgspec.structs.replace(row, name=row.masked)
        for row in (await people([schedule]))[schedule.id]
        if row.entry_id
    ]
    return arrange(await header(schedule), rows)


async def header_of(actor: Actor, schedule_id: UUID) -> Header:
    """What a schedule is. Raises NotFound."""
    return await header(await reach.schedule(actor, "clinic.day", schedule_id))


async def header(schedule: Schedule) -> Header:
    county = await directory(schedule.consortium_id)
    org = county.organizations.get(schedule.organization_id)
    dept = county.departments.get(schedule.department_id)
    doctor = county.doctors.get(schedule.practitioner_id) if schedule.practitioner_id else None
    return Header(
        id=schedule.id,
        organization_id=schedule.organization_id,
        organization=org.name if org else "",
        department=dept.name if dept else "",
        location=dept.location if dept else "",
        practitioner=doctor.name if doctor else None,
        title=doctor.title if doctor else "",
        kind=schedule.kind,
        period=schedule.period,
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
        status=schedule.status,
    )


async def people(schedules: list[Schedule]) -> dict[UUID, list[Waiting]]:
    """Everybody with a living appointment in the schedules, in two queries however many."""
    ids = [schedule.id for schedule in schedules]
    held = (
        await Appointment.filter(schedule_id__in=ids)
        .exclude(status__in=(PENDING, CANCELLED))
        .select_related("patient", "slot")
        .order_by("starts_at", "created_at", "id")
        .limit(LINE_MOST * max(1, len(ids)))
    )
    entries = {row.appointment_id: row for row in await QueueEntry.filter(schedule_id__in=ids)}
    found: dict[UUID, list[Waiting]] = {one: [] for one in ids}
    for row in held:
        found[row.schedule_id].append(_waiting(row, entries.get(row.id)))
    return found


def _waiting(row: Appointment, entry: QueueEntry | None) -> Waiting:
    line: dict[str, Any] = {}
    state = EXPECTED if row.status == BOOKED else OVER
    if entry is not None:
        state = entry.state
        names = "number", "turn", "late", "calls", "room", "checked_in_at", "called_at", "ended_at"
        line = {name: getattr(entry, name) for name in names}
    return Waiting(
        entry_id=entry.id if entry else None,
        appointment_id=row.id,
        patient_id=row.patient_id,
        name=row.patient.name,
        masked=mask_name(row.patient.name),
        sex=row.patient.sex,
        age=age_on(row.patient.birth_on, clock.today()),
        starts_at=row.slot.starts_at,
        ends_at=row.slot.ends_at,
        status=row.status,
        state=state,
        origin=row.origin,
        **line,
    )


def arrange(header: Header, rows: list[Waiting]) -> Line:
    """The same people, by what is to be done with them."""

    def those(*states: str) -> list[Waiting]:
        return [row for row in rows if row.state in states]

    return Line(
        header=header,
        called=sorted(those(CALLED, IN_ROOM), key=lambda row: (row.called_at, row.number)),
        waiting=sorted(those(WAITING), key=lambda row: (row.turn, row.number)),
        skipped=sorted(those(SKIPPED), key=lambda row: row.number or 0),
        expected=those(EXPECTED),
        over=[row for row in rows if row.state not in (*OPEN, EXPECTED)],
    )
