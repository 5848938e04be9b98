"""How long the staff's week takes: 1,000 schedules a day in one institution, over HTTP.

    python -m benchmarks.week_view [--database postgres://…]

The database must be empty; without one, a SQLite file of its own. Prints the figures that stand in
RESULTS.md. Client and server share a process: what is shown includes the client. On a busy machine
the clock tells of the others; the process's own work (its CPU time, SQLite's included, PostgreSQL's
not) does not.
"""

import argparse
import asyncio
import dataclasses
import secrets
import statistics
import tempfile
import time
from datetime import time as wall
from datetime import timedelta
from uuid import UUID, uuid4

import httpx

from backend import clock, db
from backend.booking.models import Schedule, Slot
from backend.consortium.models import (
    Consortium,
    Department,
    Organization,
    Practitioner,
    PractitionerRole,
)
from backend.identity.sessions import token_hash
from backend.main import create_app
from backend.migrate import migrate
from backend.protocol import Limits
from backend.roster.week import LINES_A_PAGE
from backend.serving import listen, serving
from backend.settings import Settings
from backend.staff.models import Staff, StaffRole, StaffSession
from backend.web.session import COOKIE
from benchmarks.seed import settings_for

DEPARTMENTS, DOCTORS_EACH = 50, 10
PERIODS = (("am", wall(8)), ("pm", wall(14)))  # so each doctor has two schedules a day
SCHEDULES_A_DAY = DEPARTMENTS * DOCTORS_EACH * len(PERIODS)
SLOTS_EACH, DAYS = 6, 7
REQUESTS, WARM_UP = 240, 10
ROWS_AT_ONCE = 2000


async def seed(settings: Settings) -> tuple[UUID, list[UUID], str]:
    """The institution, its departments, and the token of somebody who may read it."""
    county, place = settings.consortium_id, uuid4()
    await Consortium.create(id=county, code="county", name="测量县")
    await Organization.create(
        id=place, consortium_id=county, code="O", name="测量医院", tier="county"
    )
    rooms = [
        Department(id=uuid4(), consortium_id=county, organization_id=place, code=f"D{n}",
                   name=f"科室{n}")
        for n in range(DEPARTMENTS)
    ]  # fmt: skip
    await Department.bulk_create(rooms)
    for number, room in enumerate(rooms):
        await _seed_room(settings, place, room.id, number)
    return place, [room.id for room in rooms], await _log_in(county)


async def _seed_room(settings: Settings, place: UUID, room: UUID, number: int) -> None:
    county = settings.consortium_id
    doctors = [
        Practitioner(id=uuid4(), consortium_id=county, code=f"{number}-{n}", name=f"医生{n}",
                     title="主治医师")
        for n in range(DOCTORS_EACH)
    ]  # fmt: skip
    await Practitioner.bulk_create(doctors)
    await PractitionerRole.bulk_create(
        PractitionerRole(id=uuid4(), consortium_id=county, practitioner_id=one.id,
                         department_id=room)
        for one in doctors
    )  # fmt: skip
    monday = clock.today() - timedelta(days=clock.today().weekday())
    schedules, slots = [], []
    for day in range(DAYS):
        for doctor in doctors:
            for period, starts in PERIODS:
                at = clock.at(monday + timedelta(days=day), starts)
                row = Schedule(
                    id=uuid4(), consortium_id=county, organization_id=place, department_id=room,
                    practitioner_id=doctor.id, held_on=monday + timedelta(days=day),
                    period=period, kind="general", starts_at=at, ends_at=at + timedelta(hours=3),
                )  # fmt: skip
                schedules.append(row)
                slots += [
                    Slot(id=uuid4(), consortium_id=county, schedule_id=row.id, pool=pool,
                         starts_at=at + timedelta(minutes=30 * n), capacity=4, booked=n % 4,
                         ends_at=at + timedelta(minutes=30 * (n + 1)))
                    for n in range(SLOTS_EACH) for pool in ("public", "referral")
                ]  # fmt: skip
    await Schedule.bulk_create(schedules, batch_size=ROWS_AT_ONCE)
    await Slot.bulk_create(slots, batch_size=ROWS_AT_ONCE)


async def _log_in(county: UUID) -> str:
    staff, token, now = uuid4(), secrets.token_urlsafe(32), clock.now()
    await Staff.create(
        id=staff, consortium_id=county, username="measure", name="测量", password_hash="none",
        must_change=False, totp_sealed="b1:x", totp_confirmed_at=now, created_at=now,
    )  # fmt: skip
    await StaffRole.create(
        id=uuid4(), consortium_id=county, staff_id=staff, role="consortium_admin", granted_at=now
    )
    await StaffSession.create(
        id=uuid4(), consortium_id=county, staff_id=staff, token_hash=token_hash(token),
        created_at=now, last_seen_at=now, passed_at=now, expires_at=now + timedelta(hours=8),
    )  # fmt: skip
    return token


async def measure(settings: Settings) -> None:
    await migrate(settings)
    await db.connect(settings)
    place, rooms, token = await seed(settings)
    await db.disconnect()
    sock = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with (
        serving(create_app(settings), sock, Limits(per_address_most=0), drain_s=0.2),
        httpx.AsyncClient(base_url=url, headers={"cookie": f"{COOKIE}={token}"}) as http,
    ):
        pages = -(-DEPARTMENTS * DOCTORS_EACH // LINES_A_PAGE)
        whole = [f"organization={place}&page={n % pages + 1}" for n in range(REQUESTS)]
        one = [f"organization={place}&department={rooms[n % DEPARTMENTS]}" for n in range(REQUESTS)]
        for name, asked in (("an institution, a page of lines", whole), ("a department", one)):
            took, worked, size = await _ask(http, asked)
            print(f"| {name} | {_figures(took)} | {_figures(worked)} | {size // 1024} |")


def _figures(took: list[float]) -> str:
    at = int(len(took) * 0.95)
    return f"{statistics.median(took):.0f} / {took[at]:.0f} / {took[-1]:.0f}"


async def _ask(http: httpx.AsyncClient, queries: list[str]) -> tuple[list[float], list[float], int]:
    """Milliseconds by the clock and of this process's work, the least first; the largest page."""
    took, worked, size = [], [], 0
    for number, query in enumerate(queries[:WARM_UP] + queries):
        began, busy = time.perf_counter(), time.process_time()
        answer = await http.get(f"/staff/schedules?{query}", timeout=30)
        if number >= WARM_UP:
            took.append((time.perf_counter() - began) * 1000)
            worked.append((time.process_time() - busy) * 1000)
        assert answer.status_code == 200, answer.status_code
        size = max(size, len(answer.content))
    return sorted(took), sorted(worked), size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", default="")
    database = parser.parse_args().database
    print(f"{SCHEDULES_A_DAY} schedules a day, {REQUESTS} requests each: median / p95 / most")
    print("| the week of | ms by the clock | ms of work | largest, KiB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(database or f"sqlite://{folder}/week.sqlite3")
        asyncio.run(measure(dataclasses.replace(settings, log_level="WARNING")))


if __name__ == "__main__":
    main()
